"""Every table of a run as Arrow, streamed: what it is made from is read once, batch by batch."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from judgefast.batches.sharing import question_of
from judgefast.batches.tables import asks_schema, requests_schema, with_all_columns
from judgefast.codes import FIXED_ONE, NO_ANSWER, OutcomeStatus, Position, Status
from judgefast.datasets.rows import iter_rows, rows_schema
from judgefast.errors import ConfigError
from judgefast.journal.columns import completions_schema
from judgefast.pipeline.confidence import confidence_of, outcome_confidence_of
from judgefast.pipeline.counted_texts import TEXT, counted_texts
from judgefast.pipeline.estimates import estimates_of
from judgefast.pipeline.judgment_rows import judgment_batches, numbers_or_null
from judgefast.pipeline.verdict_words import TWO, as_shown
from judgefast.reports.judgments import judgments_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from judgefast.pipeline.results import Reading

BATCH_ROWS = 8192

_NAMES = pa.dictionary(pa.int32(), pa.string())
_KEY = pa.binary(16)
_SPAN = pa.struct([("start", pa.uint32()), ("end", pa.uint32())])


class TableSource(NamedTuple):
    """Columns of a table, and where its rows come from."""

    schema: Callable[[], pa.Schema]
    batches: Callable[[Reading], Iterator[pa.RecordBatch]]


def table_names() -> list[str]:
    """Names that `open_table` takes, the widest table first."""
    return list(_TABLES)


def open_table(reading: Reading, name: str) -> pa.RecordBatchReader:
    """Stream a table of a run.

    Args:
        reading: The run.
        name: One of `table_names()`.

    Raises:
        ConfigError: There is no table of that name.

    """
    source = table_source(name)
    return pa.RecordBatchReader.from_batches(source.schema(), source.batches(reading))


def table_source(name: str) -> TableSource:
    """Look a table up by its name.

    Raises:
        ConfigError: There is none of that name.

    """
    if name not in _TABLES:
        close = get_close_matches(name, _TABLES, n=1)
        msg = f"no table named `{name}`; tables: {', '.join(_TABLES)}"
        raise ConfigError(msg, hint=f"did you mean `{close[0]}`?" if close else None)
    return _TABLES[name]


def verdicts_schema() -> pa.Schema:
    """Columns of `verdicts`, one row a judgment, in plan order.

    `choice` is the position as shown: `first`, `second`, `tie`, of several answers the position
    from 0, or the label of a score. `p_labels` is in the order of the labels of the aspect. `span`
    are bytes of `text` in UTF-8, end exclusive. What was not read is null, and `status` says why.
    """
    return pa.schema(
        [
            pa.field("key", _KEY, nullable=False),
            pa.field("request_id", _KEY, nullable=False),
            pa.field("question", pa.uint16(), nullable=False),
            pa.field("item_id", pa.string(), nullable=False),
            pa.field("order", _NAMES),
            pa.field("repeat", pa.uint16(), nullable=False),
            pa.field("aspect", _NAMES, nullable=False),
            pa.field("attempt", pa.int32()),
            pa.field("status", _NAMES, nullable=False),
            pa.field("choice", _NAMES),
            pa.field("score", pa.float64()),
            pa.field("strength", pa.float64()),
            pa.field("p_labels", pa.list_(pa.float32())),
            pa.field("label_mass", pa.float32()),
            pa.field("span", _SPAN),
            pa.field("repaired", pa.bool_(), nullable=False),
            pa.field("format", _NAMES, nullable=False),
            pa.field("parse_hash", _NAMES, nullable=False),
            pa.field("text", pa.string()),
            pa.field("confidence", pa.float32()),
        ]
    )


def outcomes_schema() -> pa.Schema:
    """Columns of `outcomes`, one row a comparison or a scored answer, in plan order.

    `candidate` and `baseline` are places in the item's answers, from 0. `value` and `weight` are
    null unless `status` is `scored`.
    """
    return pa.schema(
        [
            pa.field("item_id", pa.string(), nullable=False),
            pa.field("cluster", pa.string(), nullable=False),
            pa.field("cluster_id64", pa.uint64(), nullable=False),
            pa.field("candidate", pa.uint16(), nullable=False),
            pa.field("baseline", pa.uint16()),
            pa.field("candidate_model", _NAMES),
            pa.field("baseline_model", _NAMES),
            pa.field("judge", _NAMES, nullable=False),
            pa.field("aspect", _NAMES, nullable=False),
            pa.field("value", pa.float64()),
            pa.field("weight", pa.uint8()),
            pa.field("status", _NAMES, nullable=False),
            pa.field("rule", _NAMES, nullable=False),
            pa.field("p_win", pa.float32()),
            pa.field("p_tie", pa.float32()),
            pa.field("p_loss", pa.float32()),
            pa.field("label_mass", pa.float32()),
            pa.field("position", _NAMES, nullable=False),
            pa.field("judgments", pa.uint32(), nullable=False),
            pa.field("confidence", pa.float32()),
        ]
    )


def estimates_schema() -> pa.Schema:
    """Columns of `estimates`; the fields of `Estimate`."""
    real, whole, text = pa.float64(), pa.int64(), pa.string()
    return pa.schema(
        [
            ("name", text),
            ("slice", text),
            ("value", real),
            ("low", real),
            ("high", real),
            ("level", real),
            ("method", text),
            ("unit", text),
            ("clusters", whole),
            ("outcomes", whole),
            ("missing", whole),
            ("replicates", whole),
            ("seed", whole),
            ("note", text),
        ]
    )


def _verdict_batches(reading: Reading) -> Iterator[pa.RecordBatch]:
    questions = question_of(reading.plan.columns)
    with counted_texts(reading) as texts:
        for start in range(0, len(reading.plan), BATCH_ROWS):
            rows = np.arange(start, min(start + BATCH_ROWS, len(reading.plan)))
            said = texts.slice(start, start + len(rows))[TEXT]
            yield _verdicts(reading, rows, questions[rows], said)


def _verdicts(
    reading: Reading,
    rows: NDArray[np.int64],
    questions: NDArray[np.uint16],
    texts: pa.Array[Any],
) -> pa.RecordBatch:
    plan, verdicts, rubric = reading.plan.columns, reading.verdicts, reading.rubric
    answers = reading.table.answers
    attempt = answers.final_attempt[answers.sharing.requests_of(rows)]
    unread = verdicts.status[rows] != Status.PARSED
    shown = plan.shown_offsets[rows + 1] - plan.shown_offsets[rows]
    choices = [as_shown(reading, row) for row in rows.tolist()]
    span = verdicts.span[rows]
    labels = np.array([len(form.labels) for form in rubric.verdicts])[plan.aspect[rows]]
    columns = {
        "key": _keys(plan.key[rows]),
        "request_id": _keys(plan.request_id[rows]),
        "question": pa.array(questions),
        "item_id": reading.items.item_id.take(pa.array(plan.item[rows])),
        "order": _coded(plan.swapped[rows], ["forward", "swapped"], null=shown != TWO),
        "repeat": pa.array(plan.repeat[rows]),
        "aspect": _coded(plan.aspect[rows], [aspect.name for aspect in rubric.aspects]),
        "attempt": pa.array(attempt, mask=attempt == 0),
        "status": _status(verdicts.status[rows]),
        "choice": pa.array(choices, pa.string()).dictionary_encode(),
        "score": numbers_or_null(np.where(unread, np.nan, verdicts.score[rows]), pa.float64()),
        "strength": numbers_or_null(
            np.where(unread, np.nan, verdicts.strength[rows]), pa.float64()
        ),
        "p_labels": _lists(verdicts.p_labels[rows], labels),
        "label_mass": numbers_or_null(verdicts.label_mass[rows], pa.float32()),
        "span": pa.StructArray.from_arrays(
            [pa.array(span[:, 0]), pa.array(span[:, 1])],
            fields=list(_SPAN),
            mask=pa.array(span[:, 0] >= span[:, 1]),
        ),
        "repaired": pa.array(verdicts.repaired[rows] > 0),
        "format": _constant(rubric.verdict.name, len(rows)),
        "parse_hash": _constant(rubric.parse_hash, len(rows)),
        "text": texts,
        "confidence": numbers_or_null(confidence_of(reading, rows), pa.float32()),
    }
    return pa.record_batch(list(columns.values()), verdicts_schema())


def _outcome_batches(reading: Reading) -> Iterator[pa.RecordBatch]:
    base = 0
    confidence = outcome_confidence_of(reading)
    for items in iter_rows(reading.directory.path, ["cluster"]):
        edges = [base, base + items.num_rows]
        start, end = np.searchsorted(reading.outcomes.item, edges).tolist()
        if end > start:
            columns = _outcomes(reading, np.arange(start, end), items.column("cluster"), base)
            columns["confidence"] = numbers_or_null(confidence[start:end], pa.float32())
            yield pa.record_batch(list(columns.values()), outcomes_schema())
        base += items.num_rows


def _outcomes(
    reading: Reading, rows: NDArray[np.int64], clusters: pa.Array[Any], base: int
) -> dict[str, pa.Array[Any]]:
    outcomes, items = reading.outcomes, reading.items
    item = outcomes.item[rows].astype(np.int64)
    unscored = outcomes.status[rows] != OutcomeStatus.SCORED
    baseline = outcomes.baseline[rows]
    scored = baseline == NO_ANSWER
    candidate_model = items.model[item, outcomes.candidate[rows]]
    baseline_model = np.where(scored, -1, items.model[item, np.where(scored, 0, baseline)])
    aspects = [aspect.name for aspect in reading.rubric.aspects]
    return {
        "item_id": items.item_id.take(pa.array(item)),
        "cluster": clusters.take(pa.array(item - base)),
        "cluster_id64": pa.array(items.cluster_id64[item]),
        "candidate": pa.array(outcomes.candidate[rows]),
        "baseline": pa.array(baseline, mask=scored),
        "candidate_model": _coded(candidate_model, items.models, null=candidate_model < 0),
        "baseline_model": _coded(baseline_model, items.models, null=baseline_model < 0),
        "judge": _constant(reading.directory.manifest.judge, len(rows)),
        "aspect": _coded(outcomes.aspect[rows], aspects),
        "value": pa.array(outcomes.value[rows] / FIXED_ONE, mask=unscored),
        "weight": pa.array(outcomes.weight[rows], mask=unscored),
        "status": _coded(outcomes.status[rows], [status.label for status in OutcomeStatus]),
        "rule": _constant(reading.rule, len(rows)),
        "p_win": numbers_or_null(outcomes.p_win[rows], pa.float32()),
        "p_tie": numbers_or_null(outcomes.p_tie[rows], pa.float32()),
        "p_loss": numbers_or_null(outcomes.p_loss[rows], pa.float32()),
        "label_mass": numbers_or_null(outcomes.label_mass[rows], pa.float32()),
        "position": _by_code(outcomes.position[rows], {each: each.label for each in Position}),
        "judgments": pa.array(outcomes.judgments[rows]),
    }


def _estimate_batches(reading: Reading) -> Iterator[pa.RecordBatch]:
    rows = [msgspec.structs.asdict(estimate) for estimate in estimates_of(reading)]
    if rows:
        yield pa.RecordBatch.from_pylist(rows, estimates_schema())


def _status(codes: NDArray[np.uint8]) -> pa.Array[Any]:
    return _by_code(codes, {status: status.label for status in Status})


def _by_code(codes: NDArray[np.uint8], labels: dict[Any, str]) -> pa.Array[Any]:
    """Names of codes that are not dense."""
    place = np.zeros(256, np.int32)
    place[list(labels)] = np.arange(len(labels), dtype=np.int32)
    return _coded(place[codes], list(labels.values()))


def _coded(
    codes: NDArray[Any], names: Sequence[str], *, null: NDArray[np.bool_] | None = None
) -> pa.Array[Any]:
    """Names of codes; only those that occur, since pandas lists every category it is given."""
    present = np.unique(codes if null is None else codes[~null])
    places = pa.array(np.searchsorted(present, codes).astype(np.int32), mask=null)
    occurring = pa.array([names[code] for code in present.tolist()], pa.string())
    return pa.DictionaryArray.from_arrays(places, occurring)


def _constant(word: str, rows: int) -> pa.Array[Any]:
    return _coded(np.zeros(rows, np.int32), [word])


def _keys(rows: NDArray[np.uint8]) -> pa.Array[Any]:
    return pa.array([row.tobytes() for row in rows], _KEY)


def _lists(values: NDArray[np.float32], lengths: NDArray[np.integer]) -> pa.Array[Any]:
    """The first `lengths` of each row, as lists; null where one of them is not known, or none is.

    Args:
        values: Shape (n, k).
        lengths: Shape (n,).

    """
    is_own = np.arange(values.shape[1]) < lengths[:, None]
    known = (is_own & ~np.isnan(values)).sum(axis=1) == lengths
    known &= lengths > 0
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.where(known, lengths, 0))])
    flat = pa.array(values[is_own & known[:, None]], pa.float32())
    places = pa.array(offsets.astype(np.int32))
    return pa.ListArray.from_arrays(places, flat, mask=pa.array(~known))


def _of_today(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    return (with_all_columns(batch, schema) for batch in batches)


_TABLES: dict[str, TableSource] = {
    "judgments": TableSource(judgments_schema, judgment_batches),
    "verdicts": TableSource(verdicts_schema, _verdict_batches),
    "outcomes": TableSource(outcomes_schema, _outcome_batches),
    "estimates": TableSource(estimates_schema, _estimate_batches),
    "items": TableSource(rows_schema, lambda reading: iter_rows(reading.directory.path)),
    "completions": TableSource(completions_schema, lambda reading: reading.directory.completions()),
    "requests": TableSource(
        requests_schema,
        lambda reading: _of_today(reading.directory.plan_requests(), requests_schema()),
    ),
    "asks": TableSource(
        asks_schema, lambda reading: _of_today(reading.directory.plan_asks(), asks_schema())
    ),
}
"""Stored tables come as they are on disk, derived ones as this reading has them."""
