"""The outcomes of a run with adaptive orders beside what its first orders alone come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from judgefast.codes import Status
from judgefast.pipeline.reconciled import outcomes_of
from judgefast.stats.adaptive import AdaptiveOutcomes
from judgefast.stats.adaptive_found import Requests

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.codes import Rule
    from judgefast.outcomes.columns import OutcomeColumns
    from judgefast.pipeline.adaptive import SecondOrders
    from judgefast.pipeline.results import Reading


def adaptive_of(reading: Reading) -> AdaptiveOutcomes | None:
    """Say of each outcome what its first orders say, and whether it was audited.

    None for a run whose orders are not adaptive.
    """
    seconds = reading.seconds
    if seconds is None:
        return None
    verdicts = reading.verdicts
    closed, came = seconds.closed(verdicts)
    status = np.where(closed, np.uint8(Status.DECIDED), verdicts.status)
    alone = outcomes_of(
        reading.directory.path,
        reading.config,
        reading.rubric,
        reading.rule,
        reading.items,
        reading.plan,
        verdicts._replace(status=status),
    )
    repeats = _sums(closed, alone)
    in_both = _sums(closed & came, alone)
    drawn = seconds.is_audited[alone.first_judgment.astype(np.int64)]
    whole = AdaptiveOutcomes(
        alone=alone,
        closed=np.minimum(repeats, np.iinfo(np.uint8).max).astype(np.uint8),
        audited=drawn & (in_both == repeats),
        rule=cast("Rule", reading.rule),
        confidence=_lowest(seconds, seconds.confidence(verdicts), alone),
    )
    kept = reading.outcomes.first_judgment  # a reading may have been cut to some outcomes
    if len(kept) == len(alone.item):
        return whole
    return whole.take(np.searchsorted(alone.first_judgment, kept))


def judged_of(reading: Reading) -> NDArray[np.int64]:
    """Outcomes whose first orders have all come back; none that was decided by an empty answer."""
    assert reading.seconds is not None
    status = reading.verdicts.status
    left = (status >= Status.INTERRUPTED) & ~reading.seconds.is_second
    return np.flatnonzero(_sums(left, reading.outcomes) == 0)


def requests_of(reading: Reading) -> Requests:
    """Count requests at the rows that ask: one may answer several judgments."""
    seconds, status = reading.seconds, reading.verdicts.status
    assert seconds is not None
    closed, came = seconds.closed(reading.verdicts)
    is_sent = seconds.sharing.own(len(status)) & (reading.plan.rendered.decided == Status.PARSED)
    saved = is_sent & (status == Status.DECIDED)
    return Requests(
        both=int(np.count_nonzero(is_sent & came | saved)),
        saved=int(np.count_nonzero(saved)),
        # Others came as well: of a first that failed, and is closed since it was asked again.
        audit=int(np.count_nonzero(is_sent & came & closed & seconds.is_audited)),
    )


def _sums(judgments: NDArray[np.bool_], outcomes: OutcomeColumns) -> NDArray[np.int64]:
    """How many of the judgments of each outcome are such."""
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(judgments, dtype=np.int64)])
    first = outcomes.first_judgment.astype(np.int64)
    sums: NDArray[np.int64] = before[first + outcomes.judgments] - before[first]
    return sums


def _lowest(
    seconds: SecondOrders, confidence: NDArray[np.float64], outcomes: OutcomeColumns
) -> NDArray[np.float64]:
    """Confidence of the first orders of each outcome, the lowest of its repeats."""
    if not len(outcomes.item):
        return np.zeros(0)
    of_first = np.where(seconds.is_second, np.inf, confidence)
    lowest: NDArray[np.float64] = np.minimum.reduceat(
        of_first, outcomes.first_judgment.astype(np.int64)
    )
    return lowest
