"""A model folder to plan by where the judge's own is not at hand: its tokens are reckoned then.

Prompts are made and shared as those of the judge, by another tokenizer: what is counted is counted
by that one, and each of its tokens taken for so many of the judge's.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from judgefast.costs.ranges import Range
from judgefast.errors import ModelError

if TYPE_CHECKING:
    from judgefast.catalogue.models import Model
    from judgefast.config import RunConfig
    from judgefast.prompts.rubric import Rubric

BYTES_A_TOKEN = 4.2
BYTES_RANGE = Range(1 / 5.2, 1 / BYTES_A_TOKEN, 1 / 3.2)
"""Tokens of a judge for each byte of text: English prose has about 4.5 bytes a token, code and
other languages of Latin script fewer, by tokenizers of 100,000 to 260,000 words."""
OTHER_RANGE = Range(0.88, 1.0, 1.15)
"""Tokens of one tokenizer for each of another, of prose."""
_BLOCK = 16

_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_MARKS = ("<|im_start|>", "<|im_end|>")
_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


class Tokens(NamedTuple):
    """What tokens are counted by."""

    folder: Path | None
    """To plan by; None: the model that the options name is planned by itself."""
    each: Range
    """Tokens of the judge for each that is counted."""
    words: str
    """How they are counted."""

    @property
    def exact(self) -> bool:
        """Whether they are the judge's own."""
        return self.folder is None

    @property
    def block_tokens(self) -> int | None:
        """Of a block of the cache, in counted tokens; None: as the engine has it."""
        return None if self.exact else max(1, round(_BLOCK / self.each.likely))


EXACT = Tokens(None, Range.exactly(1.0), "the judge's own tokenizer")


def tokens_at_hand(
    config: RunConfig, model: Model, rubric: Rubric, scratch: Path, *, own: Path | None
) -> Tokens:
    """The best there is to count tokens by.

    Args:
        config: The options of the run; `tokenizer` names one.
        model: The judge, as the catalogue knows it.
        rubric: Whose labels must be one token each.
        scratch: An empty folder, for what is written.
        own: The judge's folder, if it is here.

    Raises:
        ModelError: `tokenizer` names no tokenizer.

    """
    if own is not None and (own / "tokenizer.json").is_file():
        if str(own) == config.model:
            return EXACT
        return Tokens(own, Range.exactly(1.0), f"the judge's own tokenizer, in `{own}`")
    if config.tokenizer:
        source = Path(config.tokenizer).expanduser()
        found = source.parent if source.is_file() else source
        if not (found / "tokenizer.json").is_file():
            msg = f"`--tokenizer {config.tokenizer}` is no tokenizer: it holds no tokenizer.json"
            raise ModelError(msg, hint="name a model folder, or a tokenizer.json")
        for name in _FILES:
            if (found / name).is_file():
                shutil.copy(found / name, scratch / name)
        _write_config(scratch, model, OTHER_RANGE)
        words = f"the tokenizer in `{found}`, which is taken for the judge's within 15 %"
        return Tokens(scratch, OTHER_RANGE, words)
    _write_bytes(scratch, rubric)
    _write_config(scratch, model, BYTES_RANGE)
    words = (
        f"the bytes of texts, {BYTES_A_TOKEN:g} of them taken for one (3.2 to 5.2): the judge's "
        "tokenizer is not at hand; --tokenizer FOLDER or --model FOLDER counts tokens"
    )
    return Tokens(scratch, BYTES_RANGE, words)


def _write_config(folder: Path, model: Model, each: Range) -> None:
    """config.json of the judge, with a context of as many counted tokens as it has of its own."""
    config: dict[str, Any] = dict(model.config or {})
    context = model.context or config.get("max_position_embeddings")
    if isinstance(context, int):
        config["max_position_embeddings"] = int(context / each.likely)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def _write_bytes(folder: Path, rubric: Rubric) -> None:
    """A tokenizer whose tokens are bytes, but for marks of a chat and labels of the rubric."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers  # noqa: PLC0415 - slow to load

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: at for at, letter in enumerate(letters)}
    split = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    merges: list[tuple[str, str]] = []
    for form in rubric.verdicts:
        for label in form.labels:
            written = "".join(piece for piece, _ in split.pre_tokenize_str(label.text))
            for end in range(2, len(written) + 1):
                pair = (written[: end - 1], written[end - 1])
                if written[:end] not in vocabulary:
                    vocabulary[written[:end]] = len(vocabulary)
                    merges.append(pair)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.ByteLevel()
    marks = [AddedToken(mark, special=True, normalized=False) for mark in _MARKS]
    tokenizer.add_tokens(marks)
    tokenizer.save(str(folder / "tokenizer.json"))
    told = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": _MARKS[1],
        "chat_template": _CHAT,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(told), encoding="utf-8")
