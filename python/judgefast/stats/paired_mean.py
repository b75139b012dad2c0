"""What is known of one difference of two runs before a confidence level is chosen."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from judgefast.codes import FIXED_ONE
from judgefast.stats.intervals import cluster_error
from judgefast.stats.rules import FEW_CLUSTERS
from judgefast.stats.tails import by_t, estimate_among

if TYPE_CHECKING:
    from judgefast.stats.estimate import Estimate
    from judgefast.stats.measurement import Measurement

POWER = 0.8
"""With which probability the smallest difference that is named would have been found."""


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

    def estimate(self, level: float, *, of_family: float = 1.0) -> Estimate:
        """Put an interval beside the difference.

        By the published rule, but for one thing. Where all clusters differ alike, as where none
        differs, there is no variance to infer from, and yet such runs say much: of G clusters none
        is another, so at most a share `1 - (alpha / 2)^(1 / G)` of all would be
        (Clopper-Pearson), each anywhere on the scale.

        Args:
            level: Of this interval.
            of_family: Of all intervals that are to hold together, as for `tails.estimate_among`.

        Raises:
            ConfigError: `level` is not inside (0, 1).

        """
        found = estimate_among(self.measurement, level, of_family=of_family)
        if not self.is_alike:
            return found
        share, low, high = self._unseen(level)
        seen = "all differ by as much" if found.value else "no unit differs"
        note = (
            f"{seen}: at most {100 * share:.3g} % of clusters would {'not' if found.value else ''}"
        )
        return msgspec.structs.replace(
            found,
            low=low,
            high=high,
            method="clopper-pearson",
            note="; ".join([note.rstrip(), *found.note.split("; ")[1:]]),
        )

    def turned(self, level: float, *, of_family: float = 1.0) -> Estimate:
        """Say the same of b minus a: where a is the run and b its baseline, how far it dropped."""
        found = self.estimate(level, of_family=of_family)
        ends = {"value": found.value, "low": found.high, "high": found.low}
        return msgspec.structs.replace(
            found, **{name: None if end is None else 0.0 - end for name, end in ends.items()}
        )

    def centred(self, centre: float) -> PairedMean:
        """Say both means as their distance from `centre`; their difference stays."""
        a, b = (None if one is None else one - centre for one in (self.value_a, self.value_b))
        return self._replace(value_a=a, value_b=b)

    def detectable(self, level: float) -> float | None:
        """Smallest difference that these runs would have told from none, with 80 % power.

        (q(1 - alpha/2) + q(0.8)) times the standard error, with q of Student's t under 40
        clusters. Where all clusters differ alike, that error is the one such a difference would
        itself have. None where there is but one cluster.
        """
        if self.measurement.moments.clusters <= 1:
            return None
        factor = self._quantile((1 + level) / 2) + self._quantile(POWER)
        width = self.measurement.scale[1]
        if self.is_alike:
            return width * factor**2 / (self.even_clusters + factor**2)
        return min(factor * self.error, width)

    def band(self, level: float) -> tuple[float, float] | None:
        """Ends around the difference that hold together with others; None where it has none."""
        if self.is_alike:
            return self._unseen(level)[1:]
        return by_t(self.measurement, level)

    def _unseen(self, level: float) -> tuple[float, float, float]:
        """Largest share of clusters that may be others where none was, and the ends it gives."""
        share = 1 - ((1 - level) / 2) ** (1 / self.even_clusters)
        kept, lost = (1 - share) * (self.value or 0.0), share * self.measurement.scale[1]
        return share, kept - lost, kept + lost

    def _quantile(self, probability: float) -> float:
        """Of the normal; of Student's t under 40 clusters."""
        from scipy.special import ndtri, stdtrit  # noqa: PLC0415 - heavy, only where it is used

        clusters = self.measurement.moments.clusters
        if clusters < FEW_CLUSTERS:
            return float(stdtrit(clusters - 1, probability))
        return float(ndtri(probability))

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
        moments = self.measurement.moments
        return float(Fraction(moments.s, moments.w * FIXED_ONE)) if moments.w else None

    @property
    def error(self) -> float:
        """Standard error of the difference; 0 where nothing varies or there is one cluster."""
        moments = self.measurement.moments
        return cluster_error(moments) if moments.clusters > 1 else 0.0

    @property
    def is_alike(self) -> bool:
        """Whether there are several clusters, and the runs differ by as much in each."""
        return self.measurement.moments.clusters > 1 and self.error == 0

    @property
    def even_clusters(self) -> int:
        """Clusters; where they hold unlike numbers of units, how many even ones would say as much.

        Source:
            Kish 1965, "Survey Sampling": the effective number of unequal weights.

        """
        moments = self.measurement.moments
        return max(moments.w**2 // moments.ww, 1)
