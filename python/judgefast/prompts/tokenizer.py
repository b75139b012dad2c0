"""A judge's tokenizer, twice: one copy for what we write, a sealed one for everything else.

The sealed copy has no added tokens at all. Switching *special* tokens off is not enough: Qwen2.5
has added tokens that are not special (`<tool_call>`, `<|fim_prefix|>`), and they get through.

Once there is much text, `fastokens` encodes it in the sealed copy's stead, where it is exact.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from judgefast.errors import ModelError
from judgefast.prompts.fast_tokens import fast_tokens, hostile_sample

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from judgefast.prompts.fast_tokens import FastTokens

FAST_AFTER = 4_000_000
"""Characters: encoding them takes as long as it does to load and check the faster encoder."""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""What a character that the vocabulary lacks is sent as."""


class Sealed(msgspec.Struct, frozen=True, gc=False):
    """An untrusted text, encoded."""

    text: str
    """As sent: characters that the vocabulary lacks are U+FFFD."""
    token_ids: NDArray[np.int32]
    """Shape (tokens,). Holds no control id."""
    replaced_characters: int = 0


class PromptTokenizer:
    """Turns trusted and untrusted text into token ids.

    Neither way adds anything at the ends: a chat template brings its own marks, and where it does
    not, :attr:`prefix` says what the model expects at the head.
    """

    control_ids: frozenset[int]
    """Every added token, special or not, and the unknown token."""
    prefix: str
    """Text of the tokens that this tokenizer puts before a prompt (BOS); mostly empty."""
    sha256: str
    """Digest of the whole tokenizer. 64 hex digits."""
    size: int
    """Every id is below it."""
    slow_because: str
    """Why much text is encoded the slow way; empty where it is not, or where there is little."""

    def __init__(
        self,
        serialised: str,
        *,
        unknown_id: int | None = None,
        fast_after: int | None = FAST_AFTER,
    ) -> None:
        from tokenizers import Tokenizer  # noqa: PLC0415 - heavy

        facts = json.loads(serialised)
        facts |= {"truncation": None, "padding": None}
        model = facts["model"]
        self._trusted = Tokenizer.from_str(json.dumps(facts))
        self._sealed = Tokenizer.from_str(
            json.dumps(facts | {"added_tokens": [], "post_processor": None})
        )
        control = set(self._trusted.get_added_tokens_decoder())
        if unknown_id is None:
            unknown = model.get("unk_token")
            unknown_id = model.get("unk_id") if unknown is None else self._id_of(unknown)
        if unknown_id is not None:
            control.add(unknown_id)
        self.control_ids = frozenset(control)
        self._unknown_id = unknown_id
        self.size = max([*self._trusted.get_vocab().values(), *control], default=0) + 1
        self._is_control = np.zeros(self.size, dtype=bool)
        self._is_control[list(control)] = True
        self._missing = self._missing_bytes(facts)
        self.prefix = self._find_prefix()
        # Of what the library writes, so that one tokenizer has one digest however it is laid out.
        self.sha256 = sha256(self._trusted.to_str().encode()).hexdigest()
        self.slow_because = ""
        self._fast: FastTokens | None = None
        self._until_fast = fast_after
        """Characters to go; None where it is over with."""

    @classmethod
    def from_tokenizer(cls, tokenizer: Tokenizer, unknown_id: int | None = None) -> PromptTokenizer:
        """Wrap `tokenizer`, which is copied and left as it is."""
        return cls(tokenizer.to_str(), unknown_id=unknown_id)

    @classmethod
    def from_file(cls, path: Path) -> PromptTokenizer:
        """Read a `tokenizer.json`, a model's own or one that :meth:`save` wrote.

        Raises:
            ModelError: The file is missing or is no tokenizer.

        """
        try:
            return cls(path.read_text(encoding="utf-8"))
        except OSError as error:
            message = f"`{path}` cannot be read: {error.strerror}"
            raise ModelError(message, hint="name the folder that holds tokenizer.json") from error
        except Exception as error:  # `tokenizers` raises nothing narrower
            message = f"`{path}` is not a tokenizer: {error}"
            raise ModelError(message, hint="get the model's tokenizer.json again") from error

    def save(self, path: Path) -> None:
        """Write a `tokenizer.json` that :meth:`from_file` reads in a tenth of a second."""
        path.write_text(self._trusted.to_str(), encoding="utf-8")

    def encode_trusted(self, text: str) -> NDArray[np.int32]:
        """Encode text of the rubric or the chat template: control tokens are what they say."""
        return np.array(self._trusted.encode(text, add_special_tokens=False).ids, dtype=np.int32)

    def encode_untrusted(self, text: str) -> tuple[NDArray[np.int32], int]:
        """Encode text of a candidate, a question or a reference. Its ids hold no control id.

        Always by `tokenizers`: the ids that those of :meth:`seal` are held to.

        Returns:
            The ids, and the number of characters that were sent as U+FFFD because the vocabulary
            lacks them.

        Raises:
            ModelError: Some stretch of the text becomes a control token however it is encoded.

        """
        sealed = self._sealed_slowly(*self._sendable(text))
        return sealed.token_ids, sealed.replaced_characters

    def seal(self, text: str) -> Sealed:
        """Encode like :meth:`encode_untrusted`, only faster, and keep the text as it was sent.

        Raises:
            ModelError: As there; or the faster encoder was found to give other ids.

        """
        text, replaced = self._sendable(text)
        ids = self._fast_ids(text)
        if ids is None or self._is_control[ids].any():  # what is to become of those needs offsets
            return self._sealed_slowly(text, replaced)
        return Sealed(text, ids, replaced)

    def _fast_ids(self, text: str) -> NDArray[np.int32] | None:
        if self._until_fast is not None:
            self._until_fast -= len(text)
            if self._until_fast >= 0:
                return None
            self._until_fast = None
            self._hasten()
        return None if self._fast is None else self._fast.ids(text)

    def _hasten(self) -> None:
        added = self._trusted.get_added_tokens_decoder().values()
        sample = hostile_sample(token.content for token in added)
        sent = [self._sendable(text)[0] for text in sample]
        found = fast_tokens(self._sealed.to_str(), self._plain_ids, sent)
        if isinstance(found, str):
            self.slow_because = found
        else:
            self._fast = found

    def _plain_ids(self, text: str) -> NDArray[np.int32]:
        return np.array(self._sealed.encode(text, add_special_tokens=False).ids, dtype=np.int32)

    def _sendable(self, text: str) -> tuple[str, int]:
        """Replace what the vocabulary is known to lack; the text, and how many characters."""
        if not self._missing and text.isascii():
            return text, 0
        try:
            raw = text.encode()
            is_whole = not self._missing or len(raw.translate(None, self._missing)) == len(raw)
        except UnicodeEncodeError:  # a lone surrogate
            is_whole = False
        if is_whole:
            return text, 0
        return _replace(text, [self._lacks(character) for character in text])

    def _sealed_slowly(self, text: str, replaced: int) -> Sealed:
        encoding = self._sealed.encode(text, add_special_tokens=False)
        ids = np.array(encoding.ids, dtype=np.int32)
        found = self._is_control[ids]
        if not found.any():
            return Sealed(text, ids, replaced)
        unknown = [False] * len(text)
        for index in np.flatnonzero(ids == self._unknown_id):
            start, end = encoding.offsets[index]
            unknown[start:end] = [True] * (end - start)
        text, more = _replace(text, unknown)
        return Sealed(text, self._spell(text), replaced + more)

    def token_id(self, text: str) -> int | None:
        """Id of the one token that `text` is; None if it is several, none, or a control token."""
        ids = self._sealed.encode(text, add_special_tokens=False).ids
        return ids[0] if len(ids) == 1 and ids[0] not in self.control_ids else None

    def token_ends(self, text: str) -> NDArray[np.int64]:
        """Where each token of an untrusted text ends in it, in characters. Shape (tokens,)."""
        offsets = self._sealed.encode(text, add_special_tokens=False).offsets
        return np.array([end for _, end in offsets], np.int64)

    def is_control_token(self, text: str) -> bool:
        """Whether trusted `text` is one control token."""
        ids = self._trusted.encode(text, add_special_tokens=False).ids
        return len(ids) == 1 and ids[0] in self.control_ids

    def decode(self, ids: NDArray[np.int32] | list[int]) -> str:
        """Text of `ids`, control tokens included."""
        return self._trusted.decode([int(i) for i in ids], skip_special_tokens=False)

    def control_spans(self, text: str) -> list[tuple[int, int]]:
        """Where trusted `text` holds control tokens: start and end in characters."""
        encoding = self._trusted.encode(text, add_special_tokens=False)
        pairs = zip(encoding.ids, encoding.offsets, strict=True)
        return [span for i, span in pairs if i in self.control_ids]

    def is_control(self, ids: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which of `ids` are control ids, shape as given."""
        return self._is_control[ids]

    def _id_of(self, token: str) -> int | None:
        return self._trusted.token_to_id(token)

    def _spell(self, text: str) -> NDArray[np.int32]:
        """Encode text whose plain encoding holds control ids: those stretches by the character.

        A vocabulary may hold a control string as an ordinary entry (`ignore_merges`), so that the
        string alone becomes it.
        """
        encoding = self._sealed.encode(text, add_special_tokens=False)
        pairs = zip(encoding.ids, encoding.offsets, strict=True)
        ids: list[int] = []
        position = 0
        for start, end in [span for i, span in pairs if i in self.control_ids]:
            ids += self._sealed.encode(text[position:start], add_special_tokens=False).ids
            for character in text[max(start, position) : end]:
                ids += self._sealed.encode(character, add_special_tokens=False).ids
            position = max(position, end)
        ids += self._sealed.encode(text[position:], add_special_tokens=False).ids
        spelled = np.array(ids, dtype=np.int32)
        found = spelled[self._is_control[spelled]]
        if found.size:
            token = self._trusted.id_to_token(int(found[0]))
            message = f"the judge's tokenizer turns plain text into its control token `{token}`"
            raise ModelError(message, hint="use another judge model: its prompts cannot be sealed")
        return spelled

    def _lacks(self, character: str) -> bool:
        if "\ud800" <= character <= "\udfff":
            return True
        return any(byte in self._missing for byte in character.encode())

    def _missing_bytes(self, facts: dict[str, object]) -> bytes:
        """Bytes without a token, where the vocabulary is one of bytes.

        With an unknown token each becomes a control id in the middle of the text; without one they
        vanish from it without a word.
        """
        if '"ByteLevel"' not in json.dumps(facts["pre_tokenizer"]):
            return b""
        vocabulary = self._sealed.get_vocab(with_added_tokens=False)
        by_character = dict(zip(_byte_alphabet(), range(256), strict=True))
        return bytes(byte for name, byte in by_character.items() if name not in vocabulary)

    def _find_prefix(self) -> str:
        plain = self._trusted.encode("a", add_special_tokens=False).ids
        added = self._trusted.encode("a", add_special_tokens=True).ids
        for start in range(len(added) - len(plain) + 1):
            if added[start : start + len(plain)] == plain:
                return "".join(self._trusted.id_to_token(i) or "" for i in added[:start])
        return ""


def _replace(text: str, lacking: list[bool]) -> tuple[str, int]:
    pairs = zip(text, lacking, strict=True)
    return "".join(REPLACEMENT if lacks else c for c, lacks in pairs), sum(lacking)


def _byte_alphabet() -> list[str]:
    """Character that stands for each byte in a byte-level vocabulary, from 0 to 255."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]
