"""What is known of one mean before a confidence level is chosen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from judgefast.codes import FIXED_ONE
from judgefast.stats.audited import audited_interval
from judgefast.stats.estimate import Estimate
from judgefast.stats.intervals import interval

if TYPE_CHECKING:
    from judgefast.stats.audit import Audit
    from judgefast.stats.moments import Moments
    from judgefast.stats.replicates import Replicates


class Measurement(NamedTuple):
    """One mean over outcomes: ask it for an estimate at any level, as often as needed."""

    name: str
    """Stable identifier, listed in `docs/statistics.md`."""
    slice: str
    moments: Moments
    missing: int
    """Outcomes of this slice that have no value."""
    missing_weight: int = 1
    """What each of them is taken to weigh in the bounds of the note."""
    scale: tuple[float, float] = (0.0, 1.0)
    """Lowest and highest possible value; ends are clipped to it."""
    binary: bool = True
    """Whether the value can be a yes-or-no outcome on the scale 0 to 1."""
    note: str = ""
    """What has to be said of the value itself."""
    audit: Audit | None = None
    """What corrects the mean where second orders were left out; `moments` and `replicates` are
    then those of the first answers."""
    replicates: Replicates | None = None
    """Means under resampling, where the published rule comes to them and a seed was given."""

    def enlarged(self, clusters: int) -> Measurement:
        """Say the same of `clusters` clusters: shares, spread and replicates as they would be.

        With n clusters here, sums of first order times `clusters`, those of second order times n
        times `clusters`, keep every ratio that an interval is made from, as integers.
        """
        moments, replicates = self.moments, self.replicates
        first, second = clusters, moments.clusters * clusters
        grown = moments._replace(
            clusters=clusters,
            w=moments.w * first,
            s=moments.s * first,
            ss=moments.ss * second,
            sw=moments.sw * second,
            ww=moments.ww * second,
        )
        if replicates is not None and moments.mean is not None:
            shrunk = math.sqrt(moments.clusters / clusters) * (replicates.means - moments.mean)
            replicates = replicates._replace(means=moments.mean + shrunk)
        audit = None if self.audit is None else self.audit.enlarged(clusters, moments.clusters)
        return self._replace(moments=grown, replicates=replicates, audit=audit)

    def turned(self) -> Measurement:
        """Measure the negative of every outcome; the scale must be even about 0."""
        moments, replicates = self.moments, self.replicates
        if replicates is not None:
            replicates = replicates._replace(means=0.0 - replicates.means)
        moments = moments._replace(s=-moments.s, sw=-moments.sw)
        audit = None if self.audit is None else self.audit.turned()
        return self._replace(moments=moments, replicates=replicates, audit=audit)

    @property
    def notes(self) -> list[str]:
        """What has to be said of the values, and of outcomes without one: a sentence each."""
        moments, lost = self.moments, self.missing * self.missing_weight
        said = [self.note] if self.note else []
        if not lost or not moments.w:
            return said
        low, high = (
            (moments.s / FIXED_ONE + lost * end) / (moments.w + lost) for end in self.scale
        )
        between = f"between {low:.4g} and {high:.4g} whatever they were"
        return [*said, f"{self.missing} missing: {between}"]

    def estimate(self, level: float) -> Estimate:
        """Put the interval of the published rule beside the mean, and say what is missing from it.

        Raises:
            ConfigError: `level` is not inside (0, 1).

        """
        moments, replicates = self.moments, self.replicates
        found = interval(
            moments, scale=self.scale, level=level, binary=self.binary, replicates=replicates
        )
        if replicates is not None and found.method != replicates.method:
            replicates = None
        if self.audit is not None:
            found = audited_interval(self.audit, moments, found, scale=self.scale, level=level)
        notes = [found.note] if found.note else []
        notes += self.notes
        return Estimate(
            name=self.name,
            slice=self.slice,
            value=found.value,
            low=found.low,
            high=found.high,
            level=level,
            method=found.method,
            unit="cluster",
            clusters=moments.clusters,
            outcomes=moments.outcomes,
            missing=self.missing,
            replicates=None if replicates is None else len(replicates.means),
            seed=None if replicates is None else replicates.seed,
            note="; ".join(notes),
        )
