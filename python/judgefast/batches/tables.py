"""The plan on disk: the tables `requests` and `asks`. Columns and units: `docs/formats.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from judgefast.batches.columns import PlanColumns
from judgefast.codes import NO_ANSWER, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

_DICTIONARY = pa.dictionary(pa.int32(), pa.string())
_ID = pa.binary(16)
SEND = "send"
"""`planned` of a request that is to be asked; else the label of a `Status`."""


class PlannedPrompts(NamedTuple):
    """What is known of the prompts of a plan. Shape (n,) and (n, 16)."""

    prompt_tokens: NDArray[np.int64]
    """-1 where the model's tokenizer is unknown."""
    ids_hash: NDArray[np.uint8]


def requests_schema() -> pa.Schema:
    """Columns of `requests`: what is sent once to an engine."""
    return pa.schema(
        [
            pa.field("request_id", _ID, nullable=False),
            pa.field("item", pa.uint32(), nullable=False),
            pa.field("item_id", pa.string(), nullable=False),
            pa.field("shown", pa.list_(pa.uint16()), nullable=False),
            pa.field("options", pa.list_(pa.uint16()), nullable=False),
            pa.field("order", _DICTIONARY),
            pa.field("judge", _DICTIONARY, nullable=False),
            pa.field("repeat", pa.uint16(), nullable=False),
            pa.field("prompt_hash", _DICTIONARY, nullable=False),
            pa.field("ids_hash", _ID),
            pa.field("prefix_group", pa.uint64(), nullable=False),
            pa.field("prompt_tokens", pa.int32()),
            pa.field("planned_cached_tokens", pa.int32()),
            pa.field("planned", _DICTIONARY, nullable=False),
        ],
        metadata={"judgefast.table": "requests", "judgefast.version": "1"},
    )


def asks_schema() -> pa.Schema:
    """Columns of `asks`: the judgments that a request answers."""
    return pa.schema(
        [
            pa.field("request_id", _ID, nullable=False),
            pa.field("question", pa.uint16(), nullable=False),
            pa.field("aspect", _DICTIONARY, nullable=False),
            pa.field("key", _ID, nullable=False),
        ],
        metadata={"judgefast.table": "asks", "judgefast.version": "1"},
    )


def plan_tables(  # noqa: PLR0913 - the parts of a plan, most by keyword
    plan: PlanColumns,
    planned: NDArray[np.uint8],
    prompts: PlannedPrompts | None,
    *,
    item_ids: Sequence[str],
    judge: str,
    prompt_hash: str,
    aspects: Sequence[str],
) -> tuple[pa.Table, pa.Table]:
    """Lay a plan, or a part of it, out as the tables `requests` and `asks`.

    Args:
        plan: What is asked.
        planned: 0, or the `Status` of what never will be.
        prompts: What is known of the prompts; None where none are rendered.
        item_ids: Names of the items of the part, from the plan's first item on.
        judge: Identity of the judge model.
        prompt_hash: 64 hex digits.
        aspects: Names by code.

    """
    n = len(planned)
    items = plan.item - plan.item[0] if n else plan.item
    order = np.where(plan.second == NO_ANSWER, -1, plan.swapped).astype(np.int32)
    codes, places = np.unique(planned, return_inverse=True)
    names = [SEND if code == Status.PARSED else Status(code).label for code in codes.tolist()]
    tokens: Any = None if prompts is None else prompts.prompt_tokens
    columns: dict[str, Any] = {
        "request_id": _ids(plan.request_id),
        "item": pa.array(plan.item),
        "item_id": pa.array(list(item_ids), pa.string()).take(pa.array(items)),
        "shown": pa.ListArray.from_arrays(
            pa.array(plan.shown_offsets.astype(np.int32)), pa.array(plan.shown)
        ),
        "options": pa.ListArray.from_arrays(
            pa.array(np.zeros(n + 1, np.int32)), pa.array([], pa.uint16())
        ),
        "order": pa.DictionaryArray.from_arrays(
            pa.array(order, mask=order < 0), pa.array(["forward", "swapped"])
        ),
        "judge": _constant(judge, n),
        "repeat": pa.array(plan.repeat),
        "prompt_hash": _constant(prompt_hash, n),
        "ids_hash": pa.nulls(n, _ID) if prompts is None else _ids(prompts.ids_hash),
        "prefix_group": pa.array(plan.prefix_group),
        "prompt_tokens": pa.nulls(n, pa.int32())
        if prompts is None
        else pa.array(tokens.astype(np.int32), mask=tokens < 0),
        "planned_cached_tokens": pa.nulls(n, pa.int32()),
        "planned": pa.DictionaryArray.from_arrays(
            pa.array(places.astype(np.int32)), pa.array(names, pa.string())
        ),
    }
    asks: dict[str, Any] = {
        "request_id": columns["request_id"],
        "question": pa.array(np.zeros(n, np.uint16)),
        "aspect": pa.DictionaryArray.from_arrays(
            pa.array(plan.aspect.astype(np.int32)), pa.array(list(aspects), pa.string())
        ),
        "key": _ids(plan.key),
    }
    return _table(columns, requests_schema()), _table(asks, asks_schema())


def read_plan(
    requests: Iterable[pa.RecordBatch], asks: Iterable[pa.RecordBatch], aspects: Sequence[str]
) -> tuple[PlanColumns, NDArray[np.uint8], PlannedPrompts | None]:
    """Read a plan back from its tables.

    Args:
        requests: Batches of `requests`, in written order.
        asks: Batches of `asks`, one row a row of `requests`.
        aspects: Names of the rubric's aspects, by code.

    Returns:
        The plan, `planned` as in :func:`plan_tables`, and the prompts where they were rendered.

    """
    table = pa.Table.from_batches(requests, requests_schema()).combine_chunks()
    asked = pa.Table.from_batches(asks, asks_schema()).combine_chunks()
    shown: Any = _column(table, "shown")
    first, second = _first_two(shown)
    names: Any = _column(table, "planned").cast(pa.string()).to_pylist()
    status = {SEND: 0} | {each.label: int(each) for each in Status}
    aspect_names: Any = _column(asked, "aspect").cast(pa.string()).to_pylist()
    codes = {name: code for code, name in enumerate(aspects)}
    plan = PlanColumns(
        item=_column(table, "item").to_numpy(),
        first=first,
        second=second,
        shown=shown.flatten().to_numpy(),
        shown_offsets=shown.offsets.to_numpy().astype(np.int64),
        swapped=_is_swapped(shown),
        repeat=_column(table, "repeat").to_numpy(),
        aspect=np.array([codes[name] for name in aspect_names], np.uint16),
        request_id=_bytes(_column(table, "request_id")),
        key=_bytes(_column(asked, "key")),
        prefix_group=_column(table, "prefix_group").to_numpy(),
    )
    hashes = _column(table, "ids_hash")
    prompts = None
    if not hashes.null_count:
        tokens: Any = _column(table, "prompt_tokens")
        prompts = PlannedPrompts(tokens.fill_null(-1).to_numpy().astype(np.int64), _bytes(hashes))
    return plan, np.array([status[name] for name in names], np.uint8), prompts


def _first_two(shown: Any) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:  # noqa: ANN401 - Arrow
    offsets = shown.offsets.to_numpy()
    flat = np.append(shown.flatten().to_numpy(), np.uint16(NO_ANSWER))
    first = flat[offsets[:-1]]
    is_pair = np.diff(offsets) == 2  # noqa: PLR2004 - two answers shown
    second = np.where(is_pair, flat[np.minimum(offsets[:-1] + 1, len(flat) - 1)], NO_ANSWER)
    return first, second.astype(np.uint16)


def _is_swapped(shown: Any) -> NDArray[np.uint8]:  # noqa: ANN401 - Arrow
    """Whether answers are shown from the last to the first."""
    offsets = shown.offsets.to_numpy()
    flat = shown.flatten().to_numpy()
    last = flat[np.maximum(offsets[1:] - 1, 0)] if len(flat) else flat
    first = flat[offsets[:-1]] if len(flat) else flat
    swapped: NDArray[np.uint8] = (first > last).astype(np.uint8)
    return swapped


def _ids(values: NDArray[np.uint8]) -> pa.Array[Any]:
    data = np.ascontiguousarray(values)
    return pa.FixedSizeBinaryArray.from_buffers(_ID, len(data), [None, pa.py_buffer(data)])


def _bytes(column: Any) -> NDArray[np.uint8]:  # noqa: ANN401 - Arrow
    data = np.frombuffer(memoryview(column.buffers()[1] or b""), np.uint8)
    start = column.offset * 16
    return data[start : start + len(column) * 16].reshape(-1, 16)


def _constant(text: str, n: int) -> pa.Array[Any]:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array([text]))


def _column(table: pa.Table, name: str) -> Any:  # noqa: ANN401 - Arrow
    column = table.column(name)
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _table(columns: dict[str, Any], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)
