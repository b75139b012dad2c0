"""The plan on disk: what is sent, and which judgments it answers.

`requests` has one row a request, `asks` one a judgment; both are read with DuckDB or polars in one
line. The columns are described in `docs/formats.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from judgefast.batches.columns import NONE, PlanColumns
from judgefast.batches.shared_asks import either, joined, shown_as_asked, strangers
from judgefast.batches.sharing import Sharing, question_of
from judgefast.codes import NO_ANSWER, Status
from judgefast.errors import RunDirectoryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PLANNED = ("send", "too_long", "not_needed")
"""What becomes of a request, by code: it is sent; it is longer than the model's context; an empty
answer decides before the judge is asked."""

_STATUS = np.array([Status.PARSED, Status.TOO_LONG, Status.NOT_NEEDED], np.uint8)

ORDERS = ("forward", "swapped")
"""How two answers are shown, by code."""

_KEY_BYTES = 16

READ_REQUESTS = ("request_id", "item", "shown", "repeat", "planned")
"""Columns of `requests` that say what was asked."""

SENT_REQUESTS = (
    *READ_REQUESTS,
    "ids_hash",
    "prefix_group",
    "prompt_tokens",
    "planned_cached_tokens",
    "sent",
)
"""Those that say also how it is sent; a plan of before `sent` lacks it."""

READ_ASKS = ("request_id", "aspect")
"""Columns of `asks` that a plan is read from where each request answers one judgment."""

SHARED_ASKS = ("key", "item", "shown")
"""Those that are read as well where one answers several."""

Number = TypeVar("Number", bound=np.generic)


class RenderedColumns(NamedTuple):
    """What is known of each request once its prompt is rendered. All of length n."""

    ids_hash: NDArray[np.uint8] | None
    """Shape (n, 16): of the prompt; None where the engine takes no prompt."""
    prompt_tokens: NDArray[np.int32] | None
    """Tokens of the prompt; None where the tokenizer is unknown."""
    planned_cached_tokens: NDArray[np.int32] | None
    """Of these, how many the plan expects to find in the cache; None where it does not say."""
    planned: NDArray[np.uint8]
    """Index into `PLANNED`."""
    left_out: NDArray[np.int32] | None = None
    """Tokens of answers that are not shown, for length; None where answers are never shortened."""

    @property
    def decided(self) -> NDArray[np.uint8]:
        """`Status` of what will never be asked, else 0. Shape (n,)."""
        return _STATUS[self.planned]


def requests_schema() -> pa.Schema:
    """Columns of the table `requests`."""
    return pa.schema(
        [
            pa.field("request_id", pa.binary(_KEY_BYTES), nullable=False),
            pa.field("item", pa.uint32(), nullable=False),
            pa.field("item_id", pa.string(), nullable=False),
            pa.field("shown", pa.list_(pa.uint16()), nullable=False),
            pa.field("options", pa.list_(pa.uint16()), nullable=False),
            pa.field("order", _names()),
            pa.field("judge", _names(), nullable=False),
            pa.field("repeat", pa.uint16(), nullable=False),
            pa.field("prompt_hash", _names(), nullable=False),
            pa.field("ids_hash", pa.binary(_KEY_BYTES)),
            pa.field("prefix_group", pa.uint64(), nullable=False),
            pa.field("prompt_tokens", pa.int32()),
            pa.field("planned_cached_tokens", pa.int32()),
            pa.field("planned", _names(), nullable=False),
            pa.field("sent", pa.uint32()),
            pa.field("left_out", pa.int32()),
        ]
    )


def asks_schema() -> pa.Schema:
    """Columns of the table `asks`."""
    return pa.schema(
        [
            pa.field("request_id", pa.binary(_KEY_BYTES), nullable=False),
            pa.field("question", pa.uint16(), nullable=False),
            pa.field("aspect", _names(), nullable=False),
            pa.field("key", pa.binary(_KEY_BYTES), nullable=False),
            pa.field("item", pa.uint32()),
            pa.field("shown", pa.list_(pa.uint16())),
        ]
    )


def requests_table(  # noqa: PLR0913 - the facts of a run, named by keyword
    plan: PlanColumns,
    rendered: RenderedColumns,
    *,
    item_ids: pa.StringArray,
    judge: str,
    prompt_hash: str | Sequence[str],
    base: int = 0,
    rows_before: int = 0,
) -> pa.Table:
    """Put a plan and its rendered prompts into the table `requests`.

    Args:
        plan: Judgments.
        rendered: Row for row of `plan`.
        item_ids: Ids of the items from number `base` on.
        judge: Identity of the judge model.
        prompt_hash: Identity of the trusted part of the prompt; one for all aspects, or one for
            each.
        base: Number of the first of `item_ids` in the run.
        rows_before: Judgments of the run before those of `plan`.

    """
    rows = len(plan.item)
    no_options = pa.ListArray.from_arrays(
        pa.array(np.zeros(rows + 1, np.int32)), pa.array([], pa.uint16())
    )
    two = np.diff(plan.shown_offsets) == len(ORDERS)
    order = pa.array(plan.swapped.astype(np.int32), mask=~two)
    ids_hash = rendered.ids_hash
    columns = {
        "request_id": _keys(plan.request_id),
        "item": pa.array(plan.item),
        "item_id": item_ids.take(pa.array(plan.item - np.uint32(base))),
        "shown": pa.ListArray.from_arrays(
            pa.array(plan.shown_offsets).cast(pa.int32()), pa.array(plan.shown)
        ),
        "options": no_options,
        "order": pa.DictionaryArray.from_arrays(order, list(ORDERS)),
        "judge": _constant(judge, rows),
        "repeat": pa.array(plan.repeat),
        "prompt_hash": _constant(prompt_hash, rows)
        if isinstance(prompt_hash, str)
        else _by_aspect(prompt_hash, plan.aspect),
        "ids_hash": pa.nulls(rows, pa.binary(_KEY_BYTES)) if ids_hash is None else _keys(ids_hash),
        "prefix_group": pa.array(plan.prefix_group),
        "prompt_tokens": _counts(rendered.prompt_tokens, rows),
        "planned_cached_tokens": _counts(rendered.planned_cached_tokens, rows),
        "planned": pa.DictionaryArray.from_arrays(
            pa.array(rendered.planned.astype(np.int32)), list(PLANNED)
        ),
        "sent": pa.array(plan.sent + np.uint32(rows_before))
        if len(plan.sent)
        else pa.nulls(rows, pa.uint32()),
        "left_out": _counts(rendered.left_out, rows),
    }
    table = pa.table(columns, schema=requests_schema())
    sharing = Sharing(plan.asked_by)
    return table if sharing.is_plain else table.filter(pa.array(sharing.own(rows)))


def asks_table(plan: PlanColumns, aspects: Sequence[str]) -> pa.Table:
    """Put the judgments of a plan into the table `asks`; `aspects` are the rubric's."""
    rows = len(plan.item)
    aspect = pa.DictionaryArray.from_arrays(pa.array(plan.aspect.astype(np.int32)), list(aspects))
    item, shown = pa.nulls(rows, pa.uint32()), pa.nulls(rows, pa.list_(pa.uint16()))
    if len(plan.asked_by):
        item = pa.array(plan.item, mask=plan.item == plan.item[plan.asked_by])
        lists = pa.ListArray.from_arrays(pa.array(plan.shown_offsets, pa.int32()), plan.shown)
        differs = np.flatnonzero(~shown_as_asked(plan))
        places = np.zeros(rows, np.int64)
        places[differs] = differs
        mask = np.ones(rows, np.bool_)
        mask[differs] = False
        shown = lists.take(pa.array(places, mask=mask))
    columns = {
        "request_id": _keys(plan.request_id),
        "question": pa.array(question_of(plan)),
        "aspect": aspect,
        "key": _keys(plan.key),
        "item": item,
        "shown": shown,
    }
    return pa.table(columns, schema=asks_schema())


def plan_of(requests: pa.Table, asks: pa.Table, aspects: Sequence[str]) -> PlanColumns:
    """Read a plan back from its tables.

    Args:
        requests: Rows of the table `requests`, in plan order: `READ_REQUESTS`; `prefix_group` and
            `sent` are read where they are there, too. `sent` counts over the run.
        asks: Rows of the table `asks`, in plan order: `READ_ASKS`, and `SHARED_ASKS` where they are
            more than those of `requests`.
        aspects: Names of the rubric's aspects, in its order.

    Raises:
        RunDirectoryError: The tables do not belong together, or name an aspect that the rubric
            does not have.

    """
    request_id, asked = (key_rows(table.column("request_id")) for table in (requests, asks))
    key, asked_by, of_request = asked, NONE, None
    if not np.array_equal(request_id, asked):
        if len(asked) <= len(request_id):
            raise strangers()
        key = key_rows(asks.column("key"))
        of_request, asked_by = joined(request_id, asked, key)
    item, shown_lists = requests.column("item"), requests.column("shown").combine_chunks()
    group, sent = _group_of(requests), sent_of(requests)
    repeat = _numbers(requests.column("repeat"), np.uint16)
    if of_request is not None:
        places = pa.array(of_request)
        item = pc.coalesce(asks.column("item").combine_chunks(), item.take(places).combine_chunks())
        own = asks.column("shown").combine_chunks()
        shown_lists = either(own, shown_lists.take(places))
        repeat = repeat[of_request]
        group = group[of_request] if len(group) else group
        sent = sent[of_request] if len(sent) else sent
    shown = shown_lists.flatten().to_numpy()
    lengths = pc.list_value_length(shown_lists).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    starts, ends = offsets[:-1], offsets[1:]
    first = shown[starts]
    last = shown[ends - 1]
    second = np.full(len(first), NO_ANSWER, np.uint16)
    several = lengths > 1
    second[several] = shown[starts[several] + 1]
    return PlanColumns(
        item=np.asarray(item).astype(np.uint32, copy=False),
        first=first,
        second=second,
        shown=shown,
        shown_offsets=offsets,
        swapped=(first > last).astype(np.uint8),
        repeat=repeat,
        aspect=_aspect_codes(asks.column("aspect"), aspects),
        request_id=asked,
        key=key,
        prefix_group=group,
        sent=sent,
        asked_by=asked_by,
    )


def _group_of(requests: pa.Table) -> NDArray[np.uint64]:
    if "prefix_group" not in requests.column_names:
        return np.zeros(0, np.uint64)
    return _numbers(requests.column("prefix_group"), np.uint64)


def rendered_of(requests: pa.Table, plan: PlanColumns) -> RenderedColumns:
    """Read back what the table `requests` says of each prompt, of the columns that are there.

    Args:
        requests: Rows of the table.
        plan: What `plan_of` has made of them.

    """
    known = requests.column_names
    ids_hash = requests.column("ids_hash") if "ids_hash" in known else None
    rendered = RenderedColumns(
        ids_hash=None if ids_hash is None or ids_hash.null_count else key_rows(ids_hash),
        prompt_tokens=_counts_of(requests, "prompt_tokens"),
        planned_cached_tokens=_counts_of(requests, "planned_cached_tokens"),
        planned=_codes_of(requests.column("planned"), PLANNED).astype(np.uint8),
    )
    if not len(plan.asked_by):
        return rendered
    # Requests are in the order of the rows that ask for them.
    is_own = plan.asked_by == np.arange(len(plan.asked_by), dtype=np.uint32)
    of_request = (np.cumsum(is_own) - 1)[plan.asked_by]
    hashes, tokens, cached, planned, _ = rendered
    return RenderedColumns(
        None if hashes is None else hashes[of_request],
        None if tokens is None else tokens[of_request],
        None if cached is None else cached[of_request],
        planned[of_request],
    )


def with_all_columns(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Rows of a table with its columns of today; a plan of before lacks the last."""
    known = set(batch.schema.names)
    if known.issuperset(schema.names):
        return batch
    columns = [
        batch.column(field.name) if field.name in known else pa.nulls(len(batch), field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def sent_of(requests: pa.Table) -> NDArray[np.uint32]:
    """Places of rows in the run's order of sending; empty where that is their own."""
    if "sent" not in requests.column_names or requests.column("sent").null_count:
        return NONE
    return _numbers(requests.column("sent"), np.uint32)


def _names() -> pa.DataType:
    """Type of a column with few different words."""
    return pa.dictionary(pa.int32(), pa.string())


def _constant(word: str, rows: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), [word])


def _by_aspect(words: Sequence[str], aspect: NDArray[np.uint16]) -> pa.DictionaryArray:
    """A word for each row by its aspect; aspects asked together have one word."""
    distinct = list(dict.fromkeys(words))
    codes = np.array([distinct.index(word) for word in words], np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(codes[aspect]), distinct)


def _keys(rows: NDArray[np.uint8]) -> pa.FixedSizeBinaryArray:
    """Shape (n, 16) as a column."""
    joined = pa.py_buffer(np.ascontiguousarray(rows))
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(_KEY_BYTES), len(rows), [None, joined], null_count=0
    )


def key_rows(column: pa.ChunkedArray) -> NDArray[np.uint8]:
    """A column of keys as shape (n, 16)."""
    chunks = [
        np.frombuffer(chunk.buffers()[1], np.uint8).reshape(-1, _KEY_BYTES)[
            chunk.offset : chunk.offset + len(chunk)
        ]
        for chunk in column.chunks
        if len(chunk)
    ]
    return np.concatenate(chunks) if chunks else np.empty((0, _KEY_BYTES), np.uint8)


def _counts(counts: NDArray[np.int32] | None, rows: int) -> pa.Array:
    return pa.nulls(rows, pa.int32()) if counts is None else pa.array(counts)


def _counts_of(requests: pa.Table, name: str) -> NDArray[np.int32] | None:
    if name not in requests.column_names or requests.column(name).null_count:
        return None
    return _numbers(requests.column(name), np.int32)


def _numbers(column: pa.ChunkedArray, dtype: type[Number]) -> NDArray[Number]:
    """A column without nulls as numpy."""
    return np.asarray(column.combine_chunks()).astype(dtype, copy=False)


def _codes_of(column: pa.ChunkedArray, names: Sequence[str]) -> NDArray[np.int32]:
    """Words of a dictionary column by their place among `names`, -1 for any other."""
    chunks = []
    for chunk in column.chunks:
        places = pc.index_in(chunk.dictionary, pa.array(list(names), pa.string()))
        of_code = np.append(places.fill_null(-1).to_numpy(), -1)
        chunks.append(of_code[chunk.indices.fill_null(-1).to_numpy()])
    return np.concatenate([np.zeros(0, np.int32), *chunks])


def _aspect_codes(column: pa.ChunkedArray, aspects: Sequence[str]) -> NDArray[np.uint16]:
    """Aspects by their place in the rubric."""
    codes = _codes_of(column, aspects)
    if (codes < 0).any():
        unknown = column[int(np.argmax(codes < 0))].as_py()
        msg = f"the plan asks about aspect `{unknown}`, but the rubric has: {', '.join(aspects)}"
        raise RunDirectoryError(msg, hint="use the rubric the run was started with")
    return codes.astype(np.uint16)
