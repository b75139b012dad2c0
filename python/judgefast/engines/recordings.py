"""Recorded judge outputs, by the coordinates of the judgment that they answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.datasets.faults import Reason, RowFault, closest, listed, shown, visible
from judgefast.datasets.lines import ONE_OBJECT
from judgefast.datasets.options import ReadOptions
from judgefast.datasets.sources import find_sources
from judgefast.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.prompts.verdict_format import VerdictFormat

ORDERS = {"ab": (0, 1), "ba": (1, 0), "forward": (0, 1), "swapped": (1, 0)}
"""Answers shown, by the name of an order."""

ONE_OUTPUT = 'write one JSON object a line, such as {"id": "...", "text": "what the judge wrote"}'

_PAIR = "score-pair"
_MOST_TOKENS = 1 << 31
_COORDINATES = ("order", "shown", "repeat", "judge", "aspect")
_OUTPUTS = (
    *("text", "score", "finish_reason", "logprobs", "prompt_tokens", "completion_tokens"),
    *("reasoning_tokens", "reasoning"),
)


class Recording(msgspec.Struct, gc=False):
    """What the judge said once."""

    text: str
    cut: bool = False
    """It was cut at its `max_tokens`."""
    refused: bool = False
    """A filter withheld it."""
    logprobs: tuple[float, ...] | None = None
    """Of each label, in the rubric's order."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    reasoning: str = ""
    """What it thought before; never read."""
    used: bool = False
    """A judgment that looked for it has found it."""


class Recordings:
    """All recordings of one judge."""

    def __init__(self, name: str, judge: str) -> None:
        self.name = name
        """Where they came from."""
        self.judge = judge
        self.num_answers = 1
        """Answers of an item, as far as the recordings show."""
        self.items: dict[str, dict[str, Any]] = {}
        """First row of each item, without what was recorded: a data set of its own."""
        self.has_logprobs = False
        self._by_place: dict[tuple[str, tuple[int, ...], int, str], Recording] = {}

    def __len__(self) -> int:
        """Judgments that were recorded."""
        return len(self._by_place)

    def find(
        self, item_id: str, answers: tuple[int, ...], repeat: int, aspect: str
    ) -> Recording | None:
        """Look a judgment up; a recording without an aspect answers any."""
        found = self._by_place.get((item_id, answers, repeat, aspect))
        found = found or self._by_place.get((item_id, answers, repeat, ""))
        if found is not None:
            found.used = True
        return found

    def unused(self) -> tuple[int, tuple[str, tuple[int, ...], int] | None]:
        """How many no judgment has found so far; item, answers and repeat of the first of them."""
        left = [place for place, said in self._by_place.items() if not said.used]
        return len(left), left[0][:3] if left else None

    def add(
        self, item_id: str, answers: tuple[int, ...], repeat: int, aspect: str, said: Recording
    ) -> bool:
        """Add one; False if there is one for this judgment already."""
        place = (item_id, answers, repeat, aspect)
        if place in self._by_place:
            return False
        self._by_place[place] = said
        self.num_answers = max(self.num_answers, *(answer + 1 for answer in answers))
        self.has_logprobs = self.has_logprobs or said.logprobs is not None
        return True


def read_recordings(
    recorded: Any,  # noqa: ANN401 - whatever `read_items` takes
    *,
    judge: str | None = None,
    form: VerdictFormat | Mapping[str, VerdictFormat] | None = None,
) -> Recordings:
    """Read recorded outputs from a file or rows in memory.

    Args:
        recorded: See `ReplayEngine`.
        judge: Which judge's; None where there is one only.
        form: How a `score` without text is written down, so that the rubric's parser reads it;
            or that by aspect, the first of which is for rows that name none.

    Raises:
        DataError: A row cannot be used; the message names file, line and field.
        ConfigError: Several judges, and `judge` names none of them.

    """
    rows = list(_rows(recorded))
    name = str(recorded) if isinstance(recorded, str | Path) else "rows in memory"
    recordings = Recordings(name, _the_judge(rows, judge))
    places: dict[tuple[str, tuple[int, ...], int, str], str] = {}
    for place, row in rows:
        if judge is not None and row.get("judge") is not None and str(row["judge"]) != judge:
            continue
        try:
            item_id, answers, repeat, aspect = coordinates = _coordinates(row)
            is_new = recordings.add(
                item_id, answers, repeat, aspect, _recording(row, _form_of(form, aspect))
            )
        except RowFault as fault:
            raise DataError(fault.at(place), hint=fault.hint) from None
        if not is_new:
            msg = f"{place}, field `id`: {places[coordinates]} records the same judgment"
            raise DataError(msg, hint="give each a `repeat` of its own")
        places[coordinates] = place
        recordings.items.setdefault(item_id, _item_row(item_id, row))
    return recordings


def _rows(recorded: Any) -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - as above
    for source in find_sources(recorded):
        for number, row in source.rows(ReadOptions().max_row_bytes):
            place = f"`{source.name}`, {source.unit} {number}"
            if isinstance(row, RowFault):
                raise DataError(row.at(place), hint=hint_of_output(row))
            yield place, row


def hint_of_output(fault: RowFault) -> str | None:
    """Advice for a row that should be an output of a judge, not an item."""
    return ONE_OUTPUT if fault.hint == ONE_OBJECT else fault.hint


def _the_judge(rows: list[tuple[str, dict[str, Any]]], judge: str | None) -> str:
    names = sorted({str(row["judge"]) for _, row in rows if row.get("judge") is not None})
    if judge is None:
        if len(names) > 1:
            msg = f"the recordings hold {len(names)} judges: {listed(names)}"
            raise ConfigError(msg, hint=f"choose one with --model, as in --model {names[0]}")
        return names[0] if names else "recorded"
    if names and judge not in names:
        near = closest(judge, names)
        msg = f"nothing was recorded of a judge `{visible(judge)}`; there is {listed(names)}"
        raise ConfigError(msg, hint=f"did you mean `{near}`?" if near else None)
    return judge


def _coordinates(row: dict[str, Any]) -> tuple[str, tuple[int, ...], int, str]:
    item_id = row.get("id")
    if isinstance(item_id, bool) or not isinstance(item_id, str | int) or item_id == "":
        words = f"expected text or a number, saw {shown(item_id)}"
        reason = Reason.MISSING_FIELD if item_id is None else Reason.WRONG_TYPE
        raise RowFault(reason, words, field="id")
    repeat = row.get("repeat", 0)
    if isinstance(repeat, bool) or not isinstance(repeat, int) or repeat < 0:
        words = f"expected a number from 0, saw {shown(repeat)}"
        raise RowFault(Reason.WRONG_TYPE, words, field="repeat")
    aspect = row.get("aspect") or ""
    if not isinstance(aspect, str):
        raise RowFault(Reason.WRONG_TYPE, f"expected text, saw {shown(aspect)}", field="aspect")
    return str(item_id), _shown(row), repeat, aspect


def _shown(row: dict[str, Any]) -> tuple[int, ...]:
    answers = row.get("shown")
    if answers is None:
        order = row.get("order", "")
        if order == "" or order is None:
            return (0,)
        if order not in ORDERS:
            words = f"expected one of {listed(ORDERS)}, saw {shown(order)}"
            raise RowFault(Reason.BAD_VALUE, words, field="order")
        return ORDERS[order]
    if (
        not isinstance(answers, list)
        or not answers
        or any(isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in answers)
        or len(set(answers)) < len(answers)
    ):
        words = (
            f"expected the numbers of the answers shown, from 0, as in [1, 0]; saw {shown(answers)}"
        )
        raise RowFault(Reason.WRONG_TYPE, words, field="shown")
    return tuple(answers)


def _form_of(
    form: VerdictFormat | Mapping[str, VerdictFormat] | None, aspect: str
) -> VerdictFormat | None:
    if not isinstance(form, Mapping):
        return form
    return form.get(aspect) or next(iter(form.values()), None)


def _recording(row: dict[str, Any], form: VerdictFormat | None) -> Recording:
    text, score, logprobs = row.get("text"), row.get("score"), row.get("logprobs")
    if text is not None and not isinstance(text, str):
        raise RowFault(Reason.WRONG_TYPE, f"expected text, saw {shown(text)}", field="text")
    reasoning = row.get("reasoning")
    if reasoning is not None and not isinstance(reasoning, str):
        words = f"expected text, saw {shown(reasoning)}"
        raise RowFault(Reason.WRONG_TYPE, words, field="reasoning")
    if not {"text", "score", "logprobs"} & row.keys():
        hint = "record what the judge wrote as `text`, or a number as `score`; null for nothing"
        words = "there is no `text`, `score` or `logprobs`"
        raise RowFault(Reason.MISSING_FIELD, words, hint=hint)
    finish = row.get("finish_reason", "stop")
    if finish not in ("stop", "length", "refused", None):
        words = f"expected `stop`, `length` or `refused`, saw {shown(finish)}"
        raise RowFault(Reason.BAD_VALUE, words, field="finish_reason")
    if text is None and score is not None:
        text = _written(score, form)
    return Recording(
        refused=finish == "refused",
        text=text or "",
        cut=finish == "length",
        logprobs=None if logprobs is None else _logprobs(logprobs),
        prompt_tokens=_tokens(row, "prompt_tokens"),
        completion_tokens=_tokens(row, "completion_tokens"),
        reasoning_tokens=_tokens(row, "reasoning_tokens"),
        reasoning=reasoning or "",
    )


def _tokens(row: dict[str, Any], field: str) -> int | None:
    value = row.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MOST_TOKENS:
        raise RowFault(Reason.WRONG_TYPE, f"expected a count, saw {shown(value)}", field=field)
    return value


def _logprobs(value: object) -> tuple[float, ...]:
    if not isinstance(value, list) or any(
        isinstance(number, bool) or not isinstance(number, int | float) for number in value
    ):
        words = f"expected a number for each label of the rubric, saw {shown(value)}"
        raise RowFault(Reason.WRONG_TYPE, words, field="logprobs")
    return tuple(map(float, value))


def _written(score: object, form: VerdictFormat | None) -> str:
    """Write a bare score, or two of a pair, in the form that the rubric reads."""
    if isinstance(score, list):
        return _written_pair(score, form)
    if form is not None and form.member is not None:
        words = "a bare score is one verdict, and the rubric asks for those of all aspects together"
        raise RowFault(Reason.BAD_VALUE, words, field="score", hint="record `text`")
    score = _number(score)
    number = f"{score:.17g}"
    writers = {
        "json": lambda: f'{{"{form.field}": {number}}}' if form else "",
        "rating": lambda: f"[[{number}]]",
        "result": lambda: f"[RESULT] {number}",
    }
    if form is not None and form.name in writers:
        return writers[form.name]()
    if form is not None:
        for label in form.labels:
            if label.score == score:
                return label.text.strip()
        if known := [label.score for label in form.labels if label.score is not None]:
            return _off_scale(number, form, known)
    words = f"a bare score cannot be read by the format `{form.name if form else 'text'}`"
    hint = f"use a rubric with one of the formats {listed(writers)}, or record `text`"
    if form is not None and form.name == _PAIR:
        hint = "give both scores in the order shown, as in [8, 9.5], or record `text`"
    raise RowFault(Reason.BAD_VALUE, words, field="score", hint=hint)


def _off_scale(number: str, form: VerdictFormat, known: list[float]) -> str:
    """Write a score that no label has as it stands, so that it counts as unparsed."""
    # Where a number would be read as a label it does not mean, it is not written at all.
    if form.name == "label" and all(number not in label.text for label in form.labels):
        return number
    words = (
        f"{number} is no score of the rubric's labels, which have {listed(f'{n:g}' for n in known)}"
    )
    hint = "record `text`, or use a rubric with one of the formats `json`, `rating`, `result`"
    raise RowFault(Reason.BAD_VALUE, words, field="score", hint=hint)


def _written_pair(scores: list[object], form: VerdictFormat | None) -> str:
    if form is None or form.name != _PAIR:
        words = f"a list of scores cannot be read by the format `{form.name if form else 'text'}`"
        hint = f"use a rubric with the format `{_PAIR}`, or give one number"
        raise RowFault(Reason.BAD_VALUE, words, field="score", hint=hint)
    if len(scores) != 2:  # noqa: PLR2004 - a pair
        words = f"expected the scores of the two answers shown, saw {shown(scores)}"
        raise RowFault(Reason.WRONG_TYPE, words, field="score")
    return " ".join(f"{_number(score):.17g}" for score in scores)


def _number(score: object) -> float:
    if isinstance(score, str):  # published files hold numbers as text
        try:
            return float(score)
        except ValueError:
            pass
    elif isinstance(score, int | float) and not isinstance(score, bool):
        return score
    raise RowFault(Reason.WRONG_TYPE, f"expected a number, saw {shown(score)}", field="score")


def _item_row(item_id: str, row: dict[str, Any]) -> dict[str, Any]:
    kept = {
        name: value
        for name, value in row.items()
        if name not in _COORDINATES and name not in _OUTPUTS
    }
    return kept | {"id": item_id}
