"""A plan read back from its run directory, as the start that made it had it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.batches.columns import NONE, Filled, PlanColumns, no_plan, own_rows
from judgefast.batches.tables import (
    READ_ASKS,
    READ_REQUESTS,
    SENT_REQUESTS,
    SHARED_ASKS,
    RenderedColumns,
    plan_of,
    rendered_of,
)
from judgefast.datasets.rows import check_row_count
from judgefast.pipeline.plan import RunPlan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.journal.run_directory import RunDirectory


def load_plan(directory: RunDirectory, *, to_send: bool = True) -> RunPlan:
    """Read the whole plan of a run directory, a part at a time.

    Args:
        directory: Its plan is whole.
        to_send: Whether requests are to be made of it: without, what only they need is left out.

    Raises:
        RunDirectoryError: A part of it, or of the rows that it is about, is missing or damaged.

    """
    check_row_count(directory.path, directory.plan_counts["items"])
    aspects = directory.manifest.options["aspects"]
    columns = SENT_REQUESTS if to_send else READ_REQUESTS
    rows = directory.plan_rows("asks")
    if not rows:
        return RunPlan(no_plan(), RenderedColumns(None, None, None, np.zeros(0, np.uint8)))
    filled, shown, at = Filled(rows), [], 0
    offsets = np.zeros(rows + 1, np.int64)
    has_keys = False
    for requests, asks in directory.plan_parts(columns, READ_ASKS, SHARED_ASKS):
        part = plan_of(requests, asks, aspects)
        end = at + len(part.item)
        if part.key is not part.request_id and not has_keys:
            has_keys = True
            if at:
                filled.add("key", filled.so_far("request_id"))
        if has_keys:
            filled.add("key", part.key)
        rendered = rendered_of(requests, part)
        part = part._replace(
            sent=part.sent if len(part.sent) or not to_send else own_rows(at, end),
            asked_by=part.asked_by + np.uint32(at) if len(part.asked_by) else own_rows(at, end),
        )
        for name, column in (part._asdict() | rendered._asdict()).items():
            if column is not None and name not in {"shown", "shown_offsets", "key"}:
                filled.add(name, column)
        shown.append(part.shown)
        offsets[at + 1 : end + 1] = offsets[at] + part.shown_offsets[1:]
        at = end
    return RunPlan(*_of_filled(filled, np.concatenate(shown), offsets))


def _of_filled(
    filled: Filled, shown: NDArray[np.uint16], offsets: NDArray[np.int64]
) -> tuple[PlanColumns, RenderedColumns]:
    columns: dict[str, Any] = {name: filled.get(name) for name in PlanColumns._fields}
    columns |= {"shown": shown, "shown_offsets": offsets}
    if columns["key"] is None:
        columns["key"] = columns["request_id"]
    if columns["prefix_group"] is None:
        columns["prefix_group"] = no_plan().prefix_group
    for name in ("sent", "asked_by"):
        column = columns[name]
        if column is None or np.array_equal(column, own_rows(0, len(column))):
            columns[name] = NONE
    rendered: dict[str, Any] = {name: filled.get(name) for name in RenderedColumns._fields}
    return PlanColumns(**columns), RenderedColumns(**rendered)
