"""Recorded outputs that answer no judgment of a run, as by a wrong id or order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.datasets.faults import visible

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from judgefast.batches.columns import PlanColumns
    from judgefast.engines.recordings import Recordings
    from judgefast.pipeline.judge import Judge


def unused_recordings(
    judge: Judge, plan: PlanColumns, item_ids: pa.Array, asked: NDArray[np.integer]
) -> str | None:
    """Say how many recorded outputs no judgment of the plan has, and name one.

    Args:
        judge: Who judged; whatever was asked of its engine is marked as used.
        plan: What is judged.
        item_ids: Id of each item, by `plan.item`.
        asked: Rows of the plan that were asked of this engine; the others are looked up here.

    Returns:
        A sentence; None where every output has its judgment, or the engine has no recordings.

    """
    recordings: Recordings | None = getattr(judge.engine, "recordings", None)
    if recordings is None:
        return None
    rest = np.ones(len(plan.item), np.bool_)
    rest[asked] = False
    for row in np.flatnonzero(rest).tolist():
        item_id = item_ids[int(plan.item[row])].as_py()
        aspect = judge.aspects[int(plan.aspect[row])]
        recordings.find(item_id, plan.shown_in(row), int(plan.repeat[row]), aspect)
    unused, example = recordings.unused()
    if example is None:
        return None
    item_id, shown, repeat = example
    place = f"item `{visible(item_id)}` with answers {', '.join(map(str, shown))} shown"
    return (
        f"{unused:,} of {len(recordings):,} recorded outputs answer no judgment of this run and "
        f"are left out, such as {place}, repeat {repeat}"
    )
