"""The field layouts that are recognised, and how each says which answer is better."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.datasets.faults import Reason, RowFault, closest, listed, map_hint, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_LETTERS = 26


class Layout(msgspec.Struct, frozen=True):
    """Names that a family of data sets gives to our fields."""

    name: str
    requires: frozenset[str]
    """Fields of judgefast, or of the data, that tell this layout from the others."""
    fields: dict[str, str] = msgspec.field(default_factory=dict)
    """Field of judgefast -> field of the data, where they differ."""
    gold: Callable[[Any, int], str] | None = None
    """Value of its gold field, number of answers -> `a`, `b`, ... or `tie`."""
    fixed_gold: str | None = None
    """Gold of every row, where the layout itself says it."""
    parts_conversations: bool = False
    """Answers may be whole conversations that begin with the question."""


def letter_gold(value: Any, num_answers: int) -> str:  # noqa: ANN401 - whatever the row holds
    """Read a gold label as judgefast's own rows write it.

    >>> letter_gold("Answer_B", 2), letter_gold("A", 2), letter_gold("TIE", 2)
    ('b', 'a', 'tie')
    """
    if isinstance(value, str):
        word = value.strip().casefold()
        if word == "tie":
            return word
        letter = word.removeprefix("answer_").removeprefix("model_")
        if len(letter) == 1 and 0 <= ord(letter) - ord("a") < min(num_answers, MAX_LETTERS):
            return letter
    known = ", ".join(chr(ord("a") + place) for place in range(min(num_answers, MAX_LETTERS)))
    words = f"expected {known} or tie, saw {shown(value)}"
    raise RowFault(Reason.BAD_VALUE, words, field="gold")


def _table(table: Mapping[str, str]) -> Callable[[Any, int], str]:
    def gold(value: Any, _num_answers: int) -> str:  # noqa: ANN401 - whatever the row holds
        found = table.get(str(value).strip())
        if found is None:
            words = f"expected one of {', '.join(table)}, saw {shown(value)}"
            raise RowFault(Reason.BAD_VALUE, words, field="gold")
        return found

    return gold


def _preference(value: Any, _num_answers: int) -> str:  # noqa: ANN401 - whatever the row holds
    """AlpacaEval: 1 to 2, below the middle the first output is better; 0 was its old tie."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if isnan(number) or not (number == 0 or 1 <= number <= 2):  # noqa: PLR2004 - its own scale
        words = f"expected a preference from 1 to 2, saw {shown(value)}"
        raise RowFault(Reason.BAD_VALUE, words, field="gold")
    if number in (0, 1.5):
        return "tie"
    return "a" if number < 1.5 else "b"  # noqa: PLR2004 - its own middle


def _need(*names: str) -> frozenset[str]:
    return frozenset(names)


_CHOSEN = {"question": "prompt", "answer_a": "chosen", "answer_b": "rejected"}
_WINNERS = {
    "model_a": "a",
    "model_b": "b",
    "tie": "tie",
    "tie (bothbad)": "tie",
    "both_bad": "tie",
    "bothbad": "tie",
}

WITHOUT_TEXTS = Layout("judgefast, without texts", frozenset())

LAYOUTS = (
    Layout("judgefast answers", _need("answers")),
    Layout("judgefast pairs", _need("answer_a", "answer_b")),
    Layout("judgefast single answers", _need("answer")),
    Layout(
        "JudgeBench",
        _need("response_A", "response_B"),
        {"id": "pair_id", "answer_a": "response_A", "answer_b": "response_B", "gold": "label"},
        gold=_table({"A>B": "a", "B>A": "b", "A=B": "tie"}),
    ),
    Layout(
        "LMArena",
        _need("conversation_a", "conversation_b"),
        {
            "id": "question_id",
            "answer_a": "conversation_a",
            "answer_b": "conversation_b",
            "gold": "winner",
        },
        gold=_table(_WINNERS),
        parts_conversations=True,
    ),
    Layout(
        "LLMBar (dataset.json)",
        _need("input", "output_1", "output_2", "label"),
        {"question": "input", "answer_a": "output_1", "answer_b": "output_2", "gold": "label"},
        gold=_table({"1": "a", "2": "b"}),
    ),
    Layout(
        "LLMBar",
        _need("instruction", "response_a", "response_b"),
        {"question": "instruction", "answer_a": "response_a", "answer_b": "response_b"},
    ),
    Layout(
        "AlpacaEval pairs",
        _need("instruction", "output_1", "output_2"),
        {
            "question": "instruction",
            "answer_a": "output_1",
            "answer_b": "output_2",
            "model_a": "generator_1",
            "model_b": "generator_2",
            "gold": "preference",
        },
        gold=_preference,
    ),
    Layout(
        "AlpacaEval outputs",
        _need("instruction", "output"),
        {"question": "instruction", "answer": "output", "model": "generator"},
    ),
    Layout(
        "RewardBench",
        _need("chosen", "rejected", "subset"),
        {**_CHOSEN, "model_a": "chosen_model", "model_b": "rejected_model"},
        fixed_gold="a",
        parts_conversations=True,
    ),
    Layout(
        "RewardBench (text_chosen)",
        _need("text_chosen", "text_rejected"),
        {"question": "prompt", "answer_a": "text_chosen", "answer_b": "text_rejected"},
        fixed_gold="a",
        parts_conversations=True,
    ),
    Layout(
        "TRL preference",
        _need("chosen", "rejected"),
        _CHOSEN,
        fixed_gold="a",
        parts_conversations=True,
    ),
)
"""Tried in this order; a row's own names come before everybody else's."""


def recognise(names: Iterable[str]) -> Layout | None:
    """Layout of rows with these field names, mapped ones included.

    >>> recognise(["instruction", "output_1", "output_2"]).name
    'AlpacaEval pairs'
    """
    known = set(names)
    return next((layout for layout in LAYOUTS if layout.requires <= known), None)


def unrecognised(row: Mapping[str, object]) -> RowFault:
    """Say which field a row lacks for the layout that it comes closest to."""
    nearest = max(
        LAYOUTS, key=lambda layout: len(layout.requires & row.keys()) / len(layout.requires)
    )
    if not nearest.requires & row.keys():
        return _no_answers(row)
    lacking = min(nearest.requires - row.keys())
    near = closest(lacking, (name for name in row if name not in nearest.requires))
    words = f"the field is missing; the row has {listed(row)}"
    hint = map_hint(lacking, near) if near else _SHAPES_HINT
    return RowFault(Reason.MISSING_FIELD, words, field=lacking, hint=hint)


_SHAPES_HINT = (
    "a row needs `answer`, or `answer_a` and `answer_b`, or `answers`; name yours with --map"
)


def _no_answers(row: Mapping[str, object]) -> RowFault:
    wanted = ("answers", "answer", "answer_a")
    # `Answer` is meant for `answer`, though it is like the others too.
    same = {name.strip().casefold(): name for name in row}
    found = [(field, same[field]) for field in wanted if field in same]
    found += [(field, near) for field in wanted[::-1] if (near := closest(field, row)) is not None]
    hint = map_hint(*found[0]) if found else _SHAPES_HINT
    words = f"no field that holds an answer; the row has {listed(row)}"
    return RowFault(Reason.MISSING_FIELD, words, hint=hint)
