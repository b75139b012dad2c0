"""Token ids by `fastokens`, where it gives those of `tokenizers` and is at hand.

It is tens of times faster, and young. So it is compared on a fixed sample before anything is left
to it, on a text now and then after that, and does without whatever it refuses.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    Reference = Callable[[str], NDArray[np.int32]]

_CHECKED_AGAIN = 4096
"""One text in so many is encoded by the reference as well."""

_RANDOM_TEXTS = 2000
_BLOCK = 48
"""Characters of a text of the sample, of those that stand side by side in Unicode."""

_PIECES = (
    *("<|im_start|>", "<|im_end|>\n", "<tool_call>", "<|fim_prefix|>", "</s>", "<unk>", "<|", "|>"),
    *(
        "e\u0301",
        "\u1112\u1161\u11ab",
        "\ud55c\uae00",
        "\u0928\u093f",
        "\ufb01",
        "\u212b",
        "\u0345",
    ),
    *("\U0001f469\u200d\U0001f469\u200d\U0001f467", "\u2764\ufe0f", "\U0001f1e9\U0001f1ea"),
    *("\x00", "\x04", "\x1b[0m", "\x7f", "\x85", "\xa0", "\u200b", "\u2028", "\u3000", "\ufeff"),
    *("\r\n", "\n", "\n\n", "\t", " ", "  ", "    "),
    *("It's", "WE'LL", "n't", " the", "def f(x):", "don\u2019t", "'S", "\u017f", "\u0130"),
    *("1", "23", "2026", "\u0664\u0662", "\u00bd", "3.14", "1e-9", ",000", "\u2167"),
    *("\u6f22\u5b57", "\u3072\u3089", "\u043f\u0440\u0438", "\u0645\u0631\u062d\u0628\u0627"),
    *(".", "...", "!?", "({[", "]})", "===", "--", "/*", "\\n", "\u2014", "\ufffd", "\U00040000"),
)


class FastTokens:
    """An encoder that was found exact.

    Args:
        tokenizer: `fastokens.Tokenizer`, without added tokens.
        reference: What its ids are held to.

    """

    def __init__(self, tokenizer: Any, reference: Reference) -> None:  # noqa: ANN401 - no stubs at hand
        self._encode = tokenizer.encode_batch_flat
        self._reference = reference
        self._until_check = 0

    def ids(self, text: str) -> NDArray[np.int32] | None:
        """Ids of a text that has no lone surrogate, shape (tokens,), not to be written to.

        None where it has none to give, such as for a text that its regular expressions give up on.

        Raises:
            ModelError: They are others than those of the reference.

        """
        found = self._found(text)
        if found is None:
            return None
        self._until_check -= 1
        if self._until_check < 0:
            self._until_check = _CHECKED_AGAIN - 1
            if not np.array_equal(found, self._reference(text)):
                message = f"`fastokens` encodes a text otherwise than `tokenizers`: {text[:80]!r}"
                hint = "pip uninstall fastokens, and judge into another directory"
                raise ModelError(message, hint=hint)
        return found

    def differs(self, texts: Iterable[str]) -> str | None:
        """The first text whose ids are not those of the reference, or that has none."""
        for text in texts:
            found = self._found(text)
            if found is None or not np.array_equal(found, self._reference(text)):
                return text
        return None

    def _found(self, text: str) -> NDArray[np.int32] | None:
        try:
            ids, _ = self._encode([text])
        except BaseException as error:  # a panic in Rust is no `Exception`
            if not _is_refusal(error):
                raise
            return None
        return np.frombuffer(ids, "<i4").astype(np.int32, copy=False)


def fast_tokens(serialised: str, reference: Reference, sample: Iterable[str]) -> FastTokens | str:
    """Load `fastokens` and hold it to the reference. 1.5 CPU seconds for a large vocabulary.

    Args:
        serialised: A `tokenizer.json` without added tokens.
        reference: What gives the ids of a text as `tokenizers` does.
        sample: Texts to compare on.

    Returns:
        The encoder; or in words why there is none.

    """
    try:
        from fastokens import Tokenizer  # noqa: PLC0415 - an extra, and heavy
    except ImportError:
        return "`fastokens` is not installed (pip install 'judgefast[fast]')"
    try:
        tokenizer = Tokenizer.from_json_str(serialised)
    except BaseException as error:  # a panic in Rust is no `Exception`
        if not _is_refusal(error):
            raise
        return f"`fastokens` refuses it ({str(error).strip() or type(error).__name__})"
    fast = FastTokens(tokenizer, reference)
    text = fast.differs(sample)
    return fast if text is None else f"`fastokens` encodes {text[:40]!r} otherwise"


def hostile_sample(spellings: Iterable[str]) -> list[str]:
    """Texts on which encoders part, the same in every run; a tenth of a second to encode.

    Args:
        spellings: Texts of control tokens.

    """
    draw = random.Random(20)  # noqa: S311 - a fixed sample, no secret
    texts = ["", " ", "a" * 3000, "ab" * 900, "A" * 500 + "\n" * 60, " " * 300 + "x", "9" * 200]
    for spelling in spellings:
        texts += [spelling, f"x{spelling}\n", f" {spelling}{spelling[:-1]} "]
    texts += ["".join(draw.choices(_PIECES, k=draw.randint(1, 12))) for _ in range(_RANDOM_TEXTS)]
    rows = [range(first, first + _BLOCK) for first in range(0, 0x3400, _BLOCK)]
    rows += [range(first, first + _BLOCK * 7, 7) for first in range(0x3400, 0x20000, _BLOCK * 7)]
    texts += ["".join(map(chr, row)).encode(errors="ignore").decode() for row in rows]
    # Each again as words, so that classes of characters meet blanks and ends.
    return texts + [" ".join(text) for text in texts[-len(rows) :: 4]]


def _is_refusal(error: BaseException) -> bool:
    """Whether a library has given up, and nobody asked us to stop."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"
