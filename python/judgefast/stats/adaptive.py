"""A run with adaptive orders as its statistics need it: what first orders say, what was audited."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.stats.audit import Second
from judgefast.stats.overall import overall_outcomes, rows_by_aspect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from judgefast.codes import Rule
    from judgefast.outcomes.columns import OutcomeColumns
    from judgefast.stats.aspects import JudgedAspect
    from judgefast.stats.slices import Statistic

_CLOSED, _AUDITED = 2, 1

_WHOLE_VALUE = 1.0
_REACH = {"average": 0.5, "strict": 0.5, "judgebench": 0.5, "games": 0.75}
"""The most by which a second order can move the value of a comparison: it has half of it; as a
game of its own that is strong, where the first is not, three quarters."""
_KEEP_SIDES = {"strict", "judgebench"}
"""Rules under which a second order makes a tie of a win, but never a loss."""


class AdaptiveOutcomes(NamedTuple):
    """Beside the outcomes of a run, row for row of them: how they came about. All of length n."""

    alone: OutcomeColumns
    """The same comparisons without the second order of whatever the first closed, audited or not.
    Where the first left it open: by both orders, as in the run's outcomes."""
    closed: NDArray[np.uint8]
    """Repeats of the comparison that the first order closed, or would have, if their cluster had
    not been drawn. 0: open. Any rule that looks at first answers alone may close."""
    audited: NDArray[np.bool_]
    """Both orders of the closed repeats were asked because the cluster was drawn, and came back."""
    rule: Rule = "average"
    """How two orders become one."""
    confidence: NDArray[np.float64] | None = None
    """Of the first order, lowest over repeats; NaN where it was not read."""

    @property
    def is_whole(self) -> bool:
        """Whether no comparison was left closed without an audit: then this is an ordinary run."""
        return not bool(((self.closed > 0) & ~self.audited).any())

    def take(self, rows: NDArray[np.int64]) -> AdaptiveOutcomes:
        """Some of the comparisons."""
        return self._replace(
            alone=self.alone.take(rows),
            closed=self.closed[rows],
            audited=self.audited[rows],
            confidence=None if self.confidence is None else self.confidence[rows],
        )

    def overall(self, aspects: Sequence[JudgedAspect]) -> AdaptiveOutcomes:
        """Say the same of the overall outcomes: closed where any aspect is."""
        rows = rows_by_aspect(self.alone, len(aspects))
        there = rows >= 0
        closed: NDArray[np.bool_] = there & (self.closed[rows] > 0)
        audited: NDArray[np.bool_] = np.all(self.audited[rows] | ~closed, axis=1)
        any_closed: NDArray[np.uint8] = np.any(closed, axis=1).astype(np.uint8)
        alone = overall_outcomes(self.alone, aspects)
        return AdaptiveOutcomes(alone, any_closed, audited, self.rule)


def audited_statistics(
    of: Callable[[OutcomeColumns], list[Statistic]],
    outcomes: OutcomeColumns,
    adaptive: AdaptiveOutcomes,
) -> list[Statistic]:
    """Rows of every mean by the first answers, and beside each what its second order says.

    Args:
        of: Makes the rows of every mean from outcomes; it hands on their weights.
        outcomes: Of the run.
        adaptive: How they came about.

    """
    closed = (adaptive.closed > 0) & (adaptive.alone.weight > 0)
    marks = _CLOSED * closed.astype(np.uint8) + _AUDITED * (closed & adaptive.audited)
    joined = zip(
        of(adaptive.alone),
        of(outcomes),
        of(adaptive.alone._replace(weight=marks.astype(np.uint8))),
        strict=True,
    )
    return [
        one._replace(
            second=Second(
                value=both.rows.value,
                weight=both.rows.weight,
                closed=marked.rows.weight >= _CLOSED,
                audited=marked.rows.weight == _CLOSED + _AUDITED,
                reach=_reach(one, adaptive.rule),
            )
        )
        for one, both, marked in joined
    ]


def _reach(statistic: Statistic, rule: Rule) -> float:
    """The most that a second order can change a value of a mean."""
    if statistic.name in {"win_rate", "overall"}:
        return _REACH.get(rule, _WHOLE_VALUE)
    halves = statistic.name.endswith("accuracy") and rule in _KEEP_SIDES
    return _REACH[rule] if halves else _WHOLE_VALUE
