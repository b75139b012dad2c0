"""How many second orders adaptive orders would ask: by a pilot, else from the audit to all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from judgefast.codes import Status
from judgefast.costs.adaptive import ASSUMED, OpenShare, with_open
from judgefast.costs.ranges import Range
from judgefast.pipeline.confidence import confidence_of
from judgefast.pipeline.results import read_run

if TYPE_CHECKING:
    from judgefast.config import RunConfig
    from judgefast.costs.workload import Workload
    from judgefast.pipeline.setting import CostWishes
    from judgefast.prompts.decoding import Decoding
    from judgefast.prompts.rubric import Rubric

_Z = 1.96
"""Standard errors around a share that a pilot shows."""


def open_share_of(
    config: RunConfig, wishes: CostWishes, rubric: Rubric, decoding: Decoding
) -> OpenShare | None:
    """Say which share of first orders would leave its comparison open.

    Args:
        config: For `sure`.
        wishes: For the pilot.
        rubric: By which is judged.
        decoding: In force.

    Returns:
        None where orders cannot be adaptive: no pairs are compared, or no labels read.

    Raises:
        RunDirectoryError: The pilot is no run that can be read.

    """
    if rubric.mode != "pairwise" or not decoding.probabilities:
        return None
    found = None if wishes.pilot is None else _of_pilot(wishes.pilot, config.sure)
    return found or ASSUMED


def least_of(both: Workload, audit: float) -> float:
    """Requests of work in both orders that are asked whatever comes back: firsts, and the audit."""
    return both.requests * (1 + audit) / 2


def adaptively(both: Workload, audit: float, share: OpenShare) -> Workload:
    """Say of work in both orders what adaptive orders would likely ask of it."""
    return with_open(both, least_of(both, audit), share)


def notes_of_share(workload: Workload, share: OpenShare | None) -> list[str]:
    """What a reader should know of adaptive orders; nothing where others are asked."""
    if share is None or workload.asked.low == workload.asked.high == 1.0:
        return []
    return [f"adaptive orders: {share.because}"]


def _of_pilot(pilot: str, sure: float) -> OpenShare | None:
    """By the confidence of a pilot's judgments in either order; None where it has none."""
    reading = read_run(Path(pilot), to_report=True)
    status = reading.verdicts.status
    came = np.flatnonzero(status < Status.INTERRUPTED)
    if reading.rubric.mode != "pairwise" or not reading.probabilities or not len(came):
        return None
    if reading.seconds is not None:  # its second orders are those of the doubtful ones
        came = came[~reading.seconds.is_second[came]]
    read = status[came] == Status.PARSED
    is_open = ~(read & (confidence_of(reading, came) >= sure))
    share = float(is_open.mean())
    clusters = len(np.unique(reading.items.cluster_id64[reading.plan.columns.item[came]]))
    off = _Z * float(np.sqrt(max(share * (1 - share), 1 / (4 * clusters)) / clusters))
    words = f"{share:.0%} of {len(came):,} judgments of the pilot are less sure than {sure:g}"
    return OpenShare(Range(max(0.0, share - off), share, min(1.0, share + off)), words)
