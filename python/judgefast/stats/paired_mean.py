"""What is known of one difference of two runs before a confidence level is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from judgefast.stats.intervals import cluster_error
from judgefast.stats.power import Certainty, Spread, smallest
from judgefast.stats.tails import by_t, estimate_among

if TYPE_CHECKING:
    from judgefast.stats.estimate import Estimate
    from judgefast.stats.few_changes import Changes
    from judgefast.stats.measurement import Measurement


class PairedMean(NamedTuple):
    """A mean of run a, of run b, and of what separates them unit by unit."""

    measurement: Measurement
    """Of the differences of the units: a minus b."""
    value_a: float | None
    """Mean of run a over the units that count; None over none."""
    value_b: float | None
    by: Literal["item", "cluster"]
    """What was joined on."""
    both: int
    """Units in both runs."""
    only_a: int
    only_b: int
    """Units in one run alone: no part of the difference."""

    changes: Changes | None = None
    """What most clusters differ by, if more than half of them differ by the same."""

    def estimate(
        self, level: float, *, of_family: float = 1.0, clusters: int | None = None
    ) -> Estimate:
        """Put an interval beside the difference.

        By the published rule, but for one thing. Where few clusters differ otherwise than the
        rest, or none does, as where none differs at all, the spread says nothing of those that
        were not seen; yet such runs say much: either end is at least as far off as the largest
        share of such clusters that Clopper and Pearson allow (`few_changes`).

        Args:
            level: Of this interval.
            of_family: Of all intervals that are to hold together, as for `tails.estimate_among`.
            clusters: As if so many clusters said the same; None for those that there are.

        Raises:
            ConfigError: `level` is not inside (0, 1).

        """
        if clusters is not None:
            return self._enlarged(clusters).estimate(level, of_family=of_family)
        found = estimate_among(self.measurement, level, of_family=of_family)
        ends = self._at_least(found.low, found.high, level)
        if ends is None or ends == (found.low, found.high) or self.changes is None:
            return found
        if not self.is_alike:  # by Student's t, whose ends the changes may have moved
            ends = self.band(level) or ends
        return msgspec.structs.replace(
            found,
            low=ends[0],
            high=ends[1],
            method="clopper-pearson" if self.is_alike else "few-changes",
            replicates=None,
            seed=None,
            note="; ".join([self._seldom(self.changes, level), *self.measurement.notes]),
        )

    def dropped(
        self, level: float, *, of_family: float = 1.0, clusters: int | None = None
    ) -> Estimate:
        """Estimate b minus a: where a is the run and b its baseline, how far it dropped."""
        return self.turned().estimate(level, of_family=of_family, clusters=clusters)

    def turned(self) -> PairedMean:
        """Exchange the runs."""
        return self._replace(
            measurement=self.measurement.turned(),
            value_a=self.value_b,
            value_b=self.value_a,
            only_a=self.only_b,
            only_b=self.only_a,
            changes=None if self.changes is None else self.changes.turned(),
        )

    def centred(self, centre: float) -> PairedMean:
        """Say both means as their distance from `centre`; their difference stays."""
        a, b = (None if one is None else one - centre for one in (self.value_a, self.value_b))
        return self._replace(value_a=a, value_b=b)

    def detectable(self, level: float) -> float | None:
        """Smallest difference that these runs would have told from none, with 80 % power.

        By `stats.power`, as samples are planned. None where there is but one cluster.
        """
        clusters = self.measurement.moments.clusters
        if clusters <= 1:
            return None
        few = self._few()
        return smallest(
            self.error, clusters, Certainty(level), width=self.measurement.scale[1], few=few
        )

    def spread(self) -> Spread | None:
        """Say what a sample is planned by; None where there is but one cluster.

        A sample of as many clusters could find the difference that `detectable` names.
        """
        clusters = self.measurement.moments.clusters
        if clusters <= 1:
            return None
        return Spread(
            variance=self.error**2 * clusters,
            width=self.measurement.scale[1],
            few=self._few() / clusters,
        )

    def _few(self) -> int:
        """Effective number of clusters where few differ otherwise than the rest, else 0."""
        return self.changes.even if self.changes is not None and self.changes.are_few else 0

    def band(self, level: float) -> tuple[float, float] | None:
        """Ends around the difference that hold together with others; None where it has none."""
        low, high = by_t(self.measurement, level) or (None, None)
        return self._at_least(low, high, level)

    def _at_least(
        self, low: float | None, high: float | None, level: float
    ) -> tuple[float, float] | None:
        """Ends that reach at least as far as few changes do; None where there are none."""
        value = self.value
        if value is None or self.measurement.moments.clusters <= 1:
            return None
        if self.changes is None:
            return None if low is None or high is None else (low, high)
        scale = self.measurement.scale
        down, up = self.changes.reaches(level, scale[1])
        low = min(value if low is None else low, max(value - down, scale[0]))
        high = max(value if high is None else high, min(value + up, scale[1]))
        return low, high

    def _enlarged(self, clusters: int) -> PairedMean:
        changes = self.changes
        if changes is not None:
            changes = changes.enlarged(clusters / self.measurement.moments.clusters)
        return self._replace(measurement=self.measurement.enlarged(clusters), changes=changes)

    def _seldom(self, changes: Changes, level: float) -> str:
        """Say how seldom something else was seen, and how seldom it may be."""
        most = f"{100 * changes.most(max(changes.above, changes.below), level):.3g} %"
        if not changes.number:
            if changes.usual:
                return f"all differ by as much: at most {most} of clusters would not"
            return f"no unit differs: at most {most} of clusters would"
        clusters = f"of {changes.clusters:,} clusters {changes.number:,}"
        differ = "differ by something else" if changes.usual else "differ"
        return f"{clusters} {differ}: at most {most} of all would, either way"

    @property
    def name(self) -> str:
        """Stable identifier of the mean."""
        return self.measurement.name

    @property
    def slice(self) -> str:
        """Part of the data, by the name that run a has for it."""
        return self.measurement.slice

    @property
    def value(self) -> float | None:
        """The difference."""
        return self.measurement.moments.mean

    @property
    def error(self) -> float:
        """Standard error of the difference; 0 where nothing varies or there is one cluster."""
        moments = self.measurement.moments
        return cluster_error(moments) if moments.clusters > 1 else 0.0

    @property
    def is_alike(self) -> bool:
        """Whether there are several clusters, and the runs differ by as much in each."""
        return self.measurement.moments.clusters > 1 and self.error == 0
