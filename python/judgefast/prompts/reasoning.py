"""How a judge thinks before it answers, found from its tokenizer and its chat template.

Two families are known. `think` writes `<think>...</think>` and then its answer; `harmony` (gpt-oss)
writes messages into channels, `analysis` to think and `final` to answer. The marks are tokens of
their own, so no text of a candidate can hold one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from judgefast.errors import ModelError
from judgefast.prompts.chat_template import wrap_parts
from judgefast.prompts.harmony import (
    ANALYSIS,
    ASSISTANT,
    CHANNEL,
    ENDS,
    FINAL,
    START,
    speaks_harmony,
)

if TYPE_CHECKING:
    from judgefast.prompts.model import JudgeModel
    from judgefast.prompts.tokenizer import PromptTokenizer

_OPEN, _CLOSE = "<think>", "</think>"
_ANY_DATE = "2026-01-01"


class Reasoning(msgspec.Struct, frozen=True, kw_only=True):
    """The marks around a judge's thinking: texts, and the token ids that engines go by."""

    family: Literal["think", "harmony"]
    by_default: bool
    """The judge thinks where the chat template is told nothing about it."""
    opening: str | None
    """Text behind the template's that opens the thinking: empty where the template has opened it,
    None where it cannot be opened."""
    direct: str | None
    """Text behind the template's, told not to think, that goes straight to the answer: empty where
    the template does so, None where there is no way."""
    closing: str
    """Text between the thinking, without the token that ended it, and the answer."""
    closing_ids: tuple[int, ...]
    """Token ids of `closing`."""
    end_ids: tuple[int, ...]
    """Each ends the thinking."""
    answer_end_ids: tuple[int, ...]
    """Each ends the answer, beside what ends every completion of the model."""
    text_ids: tuple[int, ...]
    """Marks that are text to whoever reads a completion with its thinking in it."""

    def tail(self, *, thinking: bool) -> str | None:
        """Text that the prompt ends with, behind the template's; None where there is none."""
        return self.opening if thinking else self.direct

    def room(self, budget: int) -> int:
        """Tokens that may be thought, within a budget in which the marks that end it are too."""
        return max(1, budget - len(self.closing_ids))


def find_reasoning(model: JudgeModel) -> Reasoning | None:
    """How `model` thinks; None where it does not, or where nothing shows that it does.

    Nothing is read from its name. A model whose vocabulary has the marks, and whose template writes
    none of them, does not think; neither does one whose template closes the thinking even if it is
    asked for.
    """
    tokenizer, template = model.tokenizer, model.chat_template
    if tokenizer is None or not template:
        return None
    try:
        if START in template and speaks_harmony(tokenizer):
            return _harmony(model, tokenizer)
        writes_marks = _OPEN in template or _CLOSE in template
        if writes_marks and all(map(tokenizer.is_control_token, (_OPEN, _CLOSE))):
            return _think(model, tokenizer)
    except ModelError:  # the template fails: whoever lays out a prompt says so
        pass
    return None


def _think(model: JudgeModel, tokenizer: PromptTokenizer) -> Reasoning | None:
    on, off, untold = (_tail(model, thinking=told) for told in (True, False, None))
    if _is_closed(on):
        return None
    after = "\n\n"
    if _is_closed(off):
        direct = ""
        after = off.rpartition(_CLOSE)[2]
    elif _is_open(off):
        direct = ("\n" if off.endswith("\n") else "\n\n") + _CLOSE + after
    elif _is_open(on):  # told not to think it opens nothing
        direct = ""
    else:
        direct = f"{_OPEN}\n\n{_CLOSE}{after}"
    closing = _CLOSE + after
    return Reasoning(
        family="think",
        by_default=not _is_closed(untold) and _is_open(untold) == _is_open(on),
        opening="" if _is_open(on) else f"{_OPEN}\n",
        direct=direct,
        closing=closing,
        closing_ids=_ids(tokenizer, closing),
        end_ids=_ids(tokenizer, _CLOSE),
        answer_end_ids=(),
        text_ids=_ids(tokenizer, _OPEN + _CLOSE),
    )


def _harmony(model: JudgeModel, tokenizer: PromptTokenizer) -> Reasoning | None:
    tail = _tail(model, thinking=None)
    if tail.endswith(FINAL):
        return None
    closing = f"{ENDS[0]}{ASSISTANT}{FINAL}"
    opening = direct = None
    if tail.endswith(ASSISTANT):
        opening, direct = ANALYSIS, FINAL
    elif tail.endswith(ANALYSIS):
        opening, direct = "", closing
    ends = _ids(tokenizer, "".join(ENDS))
    return Reasoning(
        family="harmony",
        by_default=True,
        opening=opening,
        direct=direct,
        closing=closing,
        closing_ids=_ids(tokenizer, closing),
        # Thinking is one message: what would begin another ends it as well.
        end_ids=(*ends, *_ids(tokenizer, START + CHANNEL)),
        answer_end_ids=ends,
        text_ids=(),
    )


def _tail(model: JudgeModel, *, thinking: bool | None) -> str:
    """What the template puts behind the user's text."""
    wrapped = wrap_parts(model, has_system=False, num_parts=1, date=_ANY_DATE, thinking=thinking)
    return wrapped.around[-1]


def _is_open(tail: str) -> bool:
    return tail.rfind(_OPEN) > tail.rfind(_CLOSE)


def _is_closed(tail: str) -> bool:
    return _CLOSE in tail and not _is_open(tail)


def _ids(tokenizer: PromptTokenizer, text: str) -> tuple[int, ...]:
    return tuple(tokenizer.encode_trusted(text).tolist())
