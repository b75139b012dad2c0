"""Which requests of a plan are asked once for several judgments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.batches.once import share
from judgefast.batches.tables import PLANNED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from judgefast.batches.columns import PlanColumns
    from judgefast.batches.tables import RenderedColumns
    from judgefast.config import RunConfig
    from judgefast.pipeline.judge import Judge


def may_share(judge: Judge, config: RunConfig) -> bool:
    """Whether one answer may serve several judgments with the same prompt.

    Not where answers are drawn: repeats and sampling are there to see them differ. Nor for an
    engine that answers by the name of a judgment.
    """
    return config.repeats == 1 and judge.rendered and judge.prompts.decoding.temperature == 0


def ask_once(
    plan: PlanColumns,
    rendered: RenderedColumns,
    judge: Judge,
    config: RunConfig,
    before: NDArray[np.bool_] | None = None,
) -> PlanColumns:
    """Let the judgments of a block that say the same to the judge have one request.

    Args:
        plan: Rows of a block.
        rendered: Row for row of `plan`.
        judge: Who judges.
        config: The options of the run.
        before: Rows whose request the run has had before it grew; each of them stays.

    """
    if rendered.ids_hash is None or not may_share(judge, config):
        return plan
    is_sent = rendered.planned == PLANNED.index("send")
    return share(plan, rendered.ids_hash, may_share=is_sent, before=before)
