"""The tables of several judges: every unit with what each said, and those that a person should see.

Names and types are a file format (`docs/formats.md`): columns are added, none is ever renamed.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from judgefast.codes import CHOICE_TIE, FIXED_ONE, NO_ANSWER, OutcomeStatus
from judgefast.pipeline.confidence import outcome_confidence_of
from judgefast.pipeline.judgment_rows import numbers_or_null
from judgefast.pipeline.listed_texts import listed_texts
from judgefast.pipeline.panel_join import ABSENT
from judgefast.pipeline.placed_rows import part_rows_of
from judgefast.reports.panel_view import UnitView
from judgefast.reports.show import letter
from judgefast.stats.votes import HALF, LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from judgefast.pipeline.panel_join import Joined
    from judgefast.pipeline.panel_results import Verdicts
    from judgefast.pipeline.results import Reading

BATCH_UNITS = 8192

MOST_LISTED = 10_000
"""Disagreements in the list that is written unasked, the furthest apart first: more than a person
looks at. A file that is asked for has all."""

PANEL_FORMAT = "judgefast panel 1"
DISAGREEMENTS_FORMAT = "judgefast disagreements 1"
"""Stand in the schemas' metadata under `format`."""

_LISTED = ("medium", "low")
"""Levels that a person should look at."""
_TEXTS = ("question", "reference", "candidate_answer", "baseline_answer", "gold")
_REASONS = ("forward_reason", "swapped_reason", "forward_text", "swapped_text")
_NOT_ASKED = "not_asked"
"""Status of a judge that was not asked for a unit."""


def panel_schema(judges: Sequence[str]) -> pa.Schema:
    """Columns of the table `panel`, one row a unit, in the order of the first run.

    A unit is a comparison or a scored answer by one aspect. `value` of a judge is that of its
    outcome; `tied` says that no majority is for votes that are tied.
    """
    text, real = pa.string(), pa.float64()
    fields = [
        ("item_id", text),
        ("candidate", text),
        ("baseline", text),
        ("candidate_index", pa.uint16()),
        ("baseline_index", pa.uint16()),
        ("aspect", text),
        ("level", text),
        ("spread", real),
        ("majority", real),
        ("tied", pa.bool_()),
        ("mean", real),
        ("gold", real),
    ]
    for judge in judges:
        fields += [
            (f"{judge}_value", real),
            (f"{judge}_status", text),
            (f"{judge}_confidence", real),
        ]
    return pa.schema(fields, metadata={"format": PANEL_FORMAT})


def disagreements_schema(judges: Sequence[str]) -> pa.Schema:
    """Columns of the disagreements, one row a unit: low agreement first, the widest spread first.

    `verdict` of a judge is the letter of the answer that it prefers, `tie`, or its score; `reason`
    what it wrote, in both orders where it wrote in both.
    """
    text, real = pa.string(), pa.float64()
    fields = [
        ("item_id", text),
        ("level", text),
        ("spread", real),
        ("aspect", text),
        ("candidate", text),
        ("baseline", text),
        ("candidate_index", pa.uint16()),
        ("baseline_index", pa.uint16()),
        ("question", text),
        ("reference", text),
        ("candidate_answer", text),
        ("baseline_answer", text),
        ("gold", text),
        ("majority", real),
        ("tied", pa.bool_()),
        ("mean", real),
    ]
    for judge in judges:
        fields += [
            (f"{judge}_verdict", text),
            (f"{judge}_value", real),
            (f"{judge}_status", text),
            (f"{judge}_confidence", real),
            (f"{judge}_reason", text),
        ]
    return pa.schema(fields, metadata={"format": DISAGREEMENTS_FORMAT})


def panel_batches(joined: Joined, verdicts: Verdicts) -> Iterator[pa.RecordBatch]:
    """Rows of the table `panel`."""
    schema = panel_schema(joined.judges)
    sure = _confidences(joined)
    gold = joined.gold()
    for start in range(0, len(joined.item), BATCH_UNITS):
        units = np.arange(start, min(start + BATCH_UNITS, len(joined.item)))
        columns = _of_units(joined, verdicts, units)
        columns["gold"] = numbers_or_null(gold[units], pa.float64())
        for place in range(len(joined.judges)):
            columns |= _of_judge(joined, place, units, sure[place])
        yield pa.record_batch([columns[name] for name in schema.names], schema)


def units_of(joined: Joined, verdicts: Verdicts, item_id: str) -> list[UnitView]:
    """What the judges say together of each unit of one item, of all contents that have its id."""
    items = np.flatnonzero(pc.equal(joined.item_id, item_id).to_numpy(zero_copy_only=False))
    units = np.flatnonzero(np.isin(joined.item, items))
    asked = joined.row[units] != ABSENT
    rows = pa.record_batch(_of_units(joined, verdicts, units)).to_pylist()
    return [
        UnitView(
            candidate=_answer(row["candidate_index"], row["candidate"]),
            baseline=None
            if row["baseline_index"] is None
            else _answer(row["baseline_index"], row["baseline"]),
            asked_of=[joined.judges[place] for place in np.flatnonzero(judges)],
            **{name: row[name] for name in ("aspect", "level", "majority", "tied", "mean")},
        )
        for row, judges in zip(rows, asked, strict=True)
    ]


def _answer(index: int | None, model: str | None) -> str:
    if index is None:
        return "of all answers"
    return letter(index) if model is None else f"{letter(index)} ({model})"


def disagreeing(verdicts: Verdicts) -> NDArray[np.int64]:
    """Units that a person should look at: low agreement first, then the widest spread."""
    listed = [LEVELS.index(level) for level in _LISTED]
    units = np.flatnonzero(np.isin(verdicts.level, listed))
    order = np.lexsort((units, -verdicts.spread[units], -verdicts.level[units].astype(np.int64)))
    found: NDArray[np.int64] = units[order]
    return found


def disagreement_batches(
    joined: Joined, verdicts: Verdicts, *, most: int | None = None
) -> Iterator[pa.RecordBatch]:
    """Rows of the table `disagreements`, with what each judge said and why.

    Args:
        joined: The judges.
        verdicts: What they say together.
        most: Rows, at most; None for all.

    """
    schema = disagreements_schema(joined.judges)
    units = disagreeing(verdicts)[:most]
    sure = _confidences(joined)
    size = part_rows_of(len(units), BATCH_UNITS)
    with ExitStack() as stack:
        texts = [
            stack.enter_context(listed_texts(one, rows, [*_TEXTS, *_REASONS], size))
            for one, rows in zip(joined.readings, joined.row[units].T, strict=True)
        ]
        for start in range(0, len(units), size):
            chosen = units[start : start + size]
            said = [one.slice(start, start + len(chosen)) for one in texts]
            columns = _of_list(joined, verdicts, chosen, sure, said)
            yield pa.record_batch([columns[name] for name in schema.names], schema)


def _of_list(
    joined: Joined,
    verdicts: Verdicts,
    units: NDArray[np.int64],
    sure: list[NDArray[np.float64]],
    said_by: list[dict[str, pa.Array[Any]]],
) -> dict[str, pa.Array[Any]]:
    columns = _of_units(joined, verdicts, units)
    texts: dict[str, pa.Array[Any]] = {}
    for place, (judge, reading) in enumerate(zip(joined.judges, joined.readings, strict=True)):
        columns |= _of_judge(joined, place, units, sure[place])
        rows, said = joined.row[units, place], said_by[place]
        columns[f"{judge}_verdict"] = pa.array(_words(joined, place, units), pa.string())
        columns[f"{judge}_reason"] = pa.array(_reasons(reading, rows, said), pa.string())
        for name in _TEXTS:
            held = said[name]
            texts[name] = pc.coalesce(texts[name], held) if name in texts else held
    if joined.mode == "choice":  # which answer would it be: `show` has all
        texts["candidate_answer"] = pa.nulls(len(units), pa.string())
    return columns | texts


def _of_units(
    joined: Joined, verdicts: Verdicts, units: NDArray[np.int64]
) -> dict[str, pa.Array[Any]]:
    baseline = joined.baseline[units]
    none = baseline == NO_ANSWER
    aspects = pa.array(joined.aspects, pa.string())
    levels = pa.array(LEVELS, pa.string())
    return {
        "item_id": joined.item_id.take(pa.array(joined.item[units])),
        "candidate": pa.array(_models(joined, units, joined.candidate), pa.string()),
        "baseline": pa.array(_models(joined, units, joined.baseline), pa.string()),
        "candidate_index": pa.array(
            joined.candidate[units], mask=joined.candidate[units] == NO_ANSWER
        ),
        "baseline_index": pa.array(baseline, mask=none),
        "aspect": aspects.take(pa.array(joined.aspect[units])),
        "level": levels.take(pa.array(verdicts.level[units])),
        "spread": numbers_or_null(verdicts.spread[units], pa.float64()),
        "majority": numbers_or_null(verdicts.value[units], pa.float64()),
        "tied": pa.array(verdicts.is_tied[units]),
        "mean": numbers_or_null(verdicts.mean[units], pa.float64()),
    }


def _of_judge(
    joined: Joined, place: int, units: NDArray[np.int64], sure: NDArray[np.float64]
) -> dict[str, pa.Array[Any]]:
    judge, row = joined.judges[place], joined.row[units, place]
    status = joined.status[units, place]
    labels = {int(one): one.label for one in OutcomeStatus}
    names = [labels.get(code, _NOT_ASKED) for code in status.tolist()]
    known = np.where(row == ABSENT, np.nan, sure[np.maximum(row, 0)] if len(sure) else np.nan)
    value = joined.value[units, place]
    if joined.mode == "choice":
        value = np.where(joined.torn[units, place], np.nan, value)
    return {
        f"{judge}_value": numbers_or_null(value, pa.float64()),
        f"{judge}_status": pa.array(names, pa.string()),
        f"{judge}_confidence": numbers_or_null(known, pa.float64()),
    }


def _confidences(joined: Joined) -> list[NDArray[np.float64]]:
    return [outcome_confidence_of(reading) for reading in joined.readings]


def _models(
    joined: Joined, units: NDArray[np.int64], answer: NDArray[np.uint16]
) -> list[str | None]:
    """Model of an answer of each unit, by whichever run has the item."""
    found: list[str | None] = [None] * len(units)
    for place, reading in enumerate(joined.readings):
        items = reading.items
        rows = joined.row[units, place]
        for at in np.flatnonzero((rows != ABSENT) & (answer[units] != NO_ANSWER)).tolist():
            if found[at] is None:
                item = int(reading.outcomes.item[rows[at]])
                code = int(items.model[item, int(answer[units[at]])])
                found[at] = items.models[code] if code >= 0 else None
    return found


def _words(joined: Joined, place: int, units: NDArray[np.int64]) -> list[str | None]:
    """Verdict of a judge in words."""
    reading = joined.readings[place]
    labels = [
        {
            round(one.score * FIXED_ONE) / FIXED_ONE: one.text.strip()
            for one in form.labels
            if one.score is not None
        }
        for form in reading.rubric.verdicts
    ]
    words: list[str | None] = []
    aspects = _aspects_of(reading, joined.row[units, place])
    for unit, aspect in zip(units.tolist(), aspects, strict=True):
        value = float(joined.verdicts[unit, place])
        if np.isnan(value):
            words.append(None)
        elif joined.mode == "choice":
            words.append(_choice(value, is_torn=bool(joined.torn[unit, place])))
        elif joined.kind == "comparison":
            better = joined.candidate if value > HALF else joined.baseline
            words.append("tie" if value == HALF else letter(int(better[unit])))
        else:
            words.append(labels[aspect].get(value, f"{value:.4g}"))
    return words


def _choice(value: float, *, is_torn: bool) -> str:
    if is_torn:
        return "torn"
    return "tie" if value == CHOICE_TIE else letter(int(value))


def _aspects_of(reading: Reading, rows: NDArray[np.int64]) -> list[int]:
    """Place in the rubric of the aspect of some outcomes; of none it is 0, and is not looked at."""
    aspects = reading.outcomes.aspect
    found = aspects[np.maximum(rows, 0)] if len(aspects) else np.zeros(len(rows), np.uint16)
    places: list[int] = found.tolist()
    return places


def _reasons(
    reading: Reading, rows: NDArray[np.int64], said: dict[str, pa.Array[Any]]
) -> list[str | None]:
    """What a judge wrote: its reason; where its aspect has no field for one, the whole text.

    Of labels that were read by probability there is none.
    """
    has_field = [form.reason_field is not None for form in reading.rubric.verdicts]
    lists = [said[name].to_pylist() for name in _REASONS]
    reasons: list[str | None] = []
    for aspect, *parts in zip(_aspects_of(reading, rows), *lists, strict=True):
        if has_field[aspect]:
            reasons.append(_both(*parts[:2]))
        else:
            reasons.append(None if reading.probabilities else _both(*parts[2:]))
    return reasons


def _both(forward: str | None, swapped: str | None) -> str | None:
    if forward is None or swapped is None or forward == swapped:
        return swapped if forward is None else forward
    return f"in the order of the data: {forward}\nswapped: {swapped}"
