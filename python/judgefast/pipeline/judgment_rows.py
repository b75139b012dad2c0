"""The table `judgments`: one wide row an outcome, with all that led to it, batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from judgefast.batches.sharing import question_of
from judgefast.codes import FIXED_ONE, NO_ANSWER, OutcomeStatus, Position, Status
from judgefast.datasets.rows import iter_rows
from judgefast.pipeline.confidence import outcome_confidence_of
from judgefast.pipeline.counted_texts import TEXT, counted_texts
from judgefast.pipeline.kept import puts_of, server_confidence
from judgefast.pipeline.kept_rows import is_kept
from judgefast.pipeline.verdict_words import in_own_orientation, reasons_of
from judgefast.reports.judgments import ORDERS, judgments_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from judgefast.pipeline.results import Reading

    Columns = dict[str, pa.Array[Any]]

BATCH_ITEMS = 1024

_COLUMNS = [
    "item_id",
    "cluster",
    "question",
    "question_turns",
    "reference",
    "reference_turns",
    "answers",
    "gold",
    "gold_score",
    "meta",
]


def judgment_batches(reading: Reading) -> Iterator[pa.RecordBatch]:
    """Rows of `judgments` in plan order; the columns are those of `judgments_schema`."""
    base = 0
    sure = outcome_confidence_of(reading)
    questions = question_of(reading.plan.columns) if is_kept(reading) else None
    with counted_texts(reading) as texts:
        for items in iter_rows(reading.directory.path, _COLUMNS, BATCH_ITEMS):
            edges = [base, base + items.num_rows]
            start, end = np.searchsorted(reading.outcomes.item, edges).tolist()
            first, last = np.searchsorted(reading.plan.columns.item, edges).tolist()
            if end > start:
                said = texts.slice(first, last)[TEXT]
                rows = np.arange(start, end)
                columns = _columns(reading, items, base, rows, (first, said))
                columns["confidence"] = numbers_or_null(sure[rows], pa.float32())
                columns["confidence_server"] = pa.nulls(len(rows), pa.float32())
                if questions is not None:
                    theirs = _servers(reading, rows, questions, (first, said))
                    columns["confidence_server"] = numbers_or_null(theirs, pa.float32())
                schema = judgments_schema()
                yield pa.record_batch([columns[name] for name in schema.names], schema)
            base += items.num_rows


def numbers_or_null(values: NDArray[Any], kind: pa.DataType) -> pa.Array[Any]:
    """Numbers as a column; NaN is null."""
    return pa.array(values, kind, mask=np.isnan(values))


def _servers(
    reading: Reading,
    rows: NDArray[np.int64],
    questions: NDArray[np.uint16],
    said: tuple[int, pa.Array[Any]],
) -> NDArray[np.float64]:
    """Mean of the server's own confidence over the judgments of each outcome; NaN for none."""
    base, texts = said
    found = np.full(len(rows), np.nan)
    starts, counts = reading.outcomes.first_judgment[rows], reading.outcomes.judgments[rows]
    words = texts.to_pylist()
    for place, (start, count) in enumerate(zip(starts.tolist(), counts.tolist(), strict=True)):
        each = [
            server_confidence(puts_of(words[row - base], int(questions[row])))
            for row in range(start, start + count)
        ]
        known = [one for one in each if one is not None]
        if known:
            found[place] = sum(known) / len(known)
    return found


def _columns(
    reading: Reading,
    items: pa.RecordBatch,
    base: int,
    rows: NDArray[np.int64],
    said: tuple[int, pa.Array[Any]],
) -> Columns:
    columns = _of_items(items, reading.outcomes.item[rows].astype(np.int64) - base)
    columns |= _of_answers(reading, items, base, rows)
    columns |= _of_outcomes(reading, rows)
    for order, judgments in zip(ORDERS, _by_order(reading, rows), strict=True):
        columns |= _of_order(reading, order, judgments, said)
    count = len(rows)
    manifest = reading.directory.manifest
    for name, word in {
        "judge": manifest.judge,
        "rubric": reading.rubric.name,
        "rule": reading.rule,
    }.items():
        columns[name] = pa.array([word] * count, pa.string())
    return columns


def _of_items(items: pa.RecordBatch, place: NDArray[np.int64]) -> Columns:
    at = pa.array(place)
    gold = pc.coalesce(items.column("gold"), _numbers_as_text(items.column("gold_score")))
    return {
        "item_id": items.column("item_id").take(at),
        "cluster": items.column("cluster").take(at),
        "question": _texts(items.column("question"), items.column("question_turns")).take(at),
        "reference": _texts(items.column("reference"), items.column("reference_turns")).take(at),
        "gold": gold.take(at),
        "meta": items.column("meta").take(at),
    }


def _of_answers(
    reading: Reading, items: pa.RecordBatch, base: int, rows: NDArray[np.int64]
) -> Columns:
    answers: Any = items.column("answers")
    flat = answers.flatten()
    lengths = pc.list_value_length(answers).to_numpy()
    starts = (np.cumsum(lengths) - lengths)[reading.outcomes.item[rows].astype(np.int64) - base]
    models = pc.struct_field(flat, "model")
    texts = _texts(pc.struct_field(flat, "text"), pc.struct_field(flat, "turns"))
    columns = {}
    for side in ("candidate", "baseline"):
        index = getattr(reading.outcomes, side)[rows]
        none = index == NO_ANSWER
        at = pa.array(np.where(none, 0, starts + index), mask=none)
        columns[side] = models.take(at)
        columns[f"{side}_answer"] = texts.take(at)
        columns[f"{side}_index"] = pa.array(index, mask=none)
    return columns


def _of_outcomes(reading: Reading, rows: NDArray[np.int64]) -> Columns:
    outcomes = reading.outcomes
    aspects = pa.array([aspect.name for aspect in reading.rubric.aspects], pa.string())
    unscored = outcomes.status[rows] != OutcomeStatus.SCORED
    columns = {
        name: numbers_or_null(getattr(outcomes, name)[rows], pa.float32())
        for name in ("p_win", "p_tie", "p_loss", "label_mass")
    }
    return columns | {
        "aspect": aspects.take(pa.array(outcomes.aspect[rows])),
        "status": pa.array([OutcomeStatus(code).label for code in outcomes.status[rows]]),
        "value": pa.array(outcomes.value[rows] / FIXED_ONE, mask=unscored),
        "weight": pa.array(outcomes.weight[rows], mask=unscored),
        "position": pa.array([Position(code).label for code in outcomes.position[rows]]),
        "judgments": pa.array(outcomes.judgments[rows]),
    }


def _by_order(reading: Reading, rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Plan row of the first repeat in each order, -1 where that order was not asked."""
    plan = reading.plan.columns
    first = reading.outcomes.first_judgment[rows].astype(np.int64)
    last = len(plan.item) - 1
    second = np.minimum(first + 1, last)  # the orders of one repeat stand side by side
    paired = (reading.outcomes.judgments[rows] > 1) & (plan.repeat[second] == plan.repeat[first])
    other = np.where(paired, second, -1)
    return [np.where(plan.swapped[first] == swapped, first, other) for swapped in (0, 1)]


def _of_order(
    reading: Reading, order: str, judgments: NDArray[np.int64], said: tuple[int, pa.Array[Any]]
) -> Columns:
    base, all_texts = said
    none = judgments < 0
    rows = np.where(none, 0, judgments)
    verdicts, plan = reading.verdicts, reading.plan.columns
    texts = all_texts.take(pa.array(rows - base, mask=none))
    unread = none | (verdicts.status[rows] != Status.PARSED)
    listed = [None if row < 0 else row for row in judgments.tolist()]
    reasons = reasons_of(
        reading.rubric.verdicts, plan.aspect[rows], texts.to_pylist(), verdicts.span[rows]
    )
    columns: Columns = {
        "key": pa.array([None if row is None else plan.key[row].tobytes().hex() for row in listed]),
        "status": pa.array(
            [None if row is None else Status(verdicts.status[row]).label for row in listed],
        ),
        "verdict": pa.array(
            [None if row is None else in_own_orientation(reading, row) for row in listed],
        ),
        "reason": pa.array(reasons, pa.string()),
        "text": texts,
    }
    columns = {name: column.cast(pa.string()) for name, column in columns.items()}
    for name in ("score", "strength"):
        values = np.where(unread, np.nan, getattr(verdicts, name)[rows])
        columns[name] = numbers_or_null(values, pa.float64())
    return {f"{order}_{name}": column for name, column in columns.items()}


def _texts(plain: pa.Array[Any], turns: pa.Array[Any]) -> pa.Array[Any]:
    """Texts, and conversations as JSON arrays of their turns."""
    if turns.null_count == len(turns):
        return plain
    encoded = [
        None if value is None else msgspec.json.encode(value).decode()
        for value in turns.to_pylist()
    ]
    joined: pa.Array[Any] = pc.coalesce(plain, pa.array(encoded, pa.string()))
    return joined


def _numbers_as_text(numbers: pa.Array[Any]) -> pa.Array[Any]:
    return pa.array(
        [None if value is None else f"{value:.17g}" for value in numbers.to_pylist()], pa.string()
    )
