"""What may be said of two runs: each difference alone, and the slices of one name together."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
import numpy as np

from judgefast.stats.power import POWER
from judgefast.stats.replicates import POISSON
from judgefast.stats.slice_names import slice_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from judgefast.stats.paired_mean import PairedMean

Verdict = Literal["higher", "lower", "not_shown", "undefined"]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """How much higher a mean is in run a than in run b, over what both judged."""

    name: str
    """Of the mean."""
    slice: str
    slice_b: str | None = None
    """The slice of run b, where each run compares one pair of models and the pairs differ."""
    value_a: float | None
    value_b: float | None
    value: float | None
    """a minus b."""
    low: float | None
    high: float | None
    level: float
    method: str
    verdict: Verdict
    """By the interval alone: `higher` (a above b), `lower`, `not_shown`, `undefined`."""
    words: str
    """The verdict for a person."""
    detectable: float | None
    """Smallest difference that these runs would have found with the power below."""
    power: float = POWER
    simultaneous_low: float | None = None
    """Ends of a band that holds all differences of this name at once; None for a lone slice."""
    simultaneous_high: float | None = None
    simultaneous_method: str | None = None
    """`max-t` or `bonferroni`."""
    by: Literal["item", "cluster"]
    """What was joined on."""
    both: int
    """Units in both runs."""
    only_a: int
    only_b: int
    missing: int
    """Units in both runs that one of them has no value for."""
    clusters: int
    replicates: int | None = None
    seed: int | None = None
    note: str = ""

    @property
    def differs(self) -> bool:
        """Whether the runs differ here; with several slices, in the band of them all."""
        low, high = self.low, self.high
        if self.simultaneous_method is not None:
            low, high = self.simultaneous_low, self.simultaneous_high
        return low is not None and high is not None and not low <= 0 <= high


class Band(NamedTuple):
    """At which level each of several intervals holds so that all hold at once."""

    level: float
    method: str


def simultaneous(means: Sequence[PairedMean], level: float) -> Band | None:
    """Find the level of each interval at which all of them hold together.

    With replicates, which are joint, by the largest deviation: T_b = max over slices of
    |replicate b - difference| / standard error, and its quantile takes the place of the normal's.
    It is never above Bonferroni's, nor below that of one interval. Without replicates, Bonferroni.

    Args:
        means: Of one name, one a slice.
        level: Confidence level of the whole band.

    Returns:
        None where fewer than two slices have an interval of their own.

    """
    from scipy.special import ndtr, ndtri  # noqa: PLC0415 - heavy, only where it is used

    means = distinct(means)
    varying = [one for one in means if one.error]
    many = len(varying) + sum(one.is_alike for one in means)
    if many <= 1:
        return None
    bonferroni = 1 - (1 - level) / many
    drawn = [one.measurement.replicates for one in varying]
    deviations = [
        np.abs(replicates.means - (one.value or 0.0)) / one.error
        for one, replicates in zip(varying, drawn, strict=True)
        if replicates is not None and replicates.method == POISSON
    ]
    if not deviations or len(deviations) < len(varying):
        return Band(bonferroni, "bonferroni")
    largest = np.fmax.reduce(deviations)
    ordered = np.sort(largest[~np.isnan(largest)])
    place = min(ceil(Fraction(level) * len(ordered)), len(ordered)) - 1
    of_one, of_many = (float(ndtri((1 + each) / 2)) for each in (level, bonferroni))
    critical = min(max(float(ordered[place]), of_one), of_many)
    return Band(float(2 * ndtr(critical) - 1), "max-t")


def distinct(means: Sequence[PairedMean]) -> list[PairedMean]:
    """Leave out each model's slice that is its only pair of models again, from one of its sides."""
    pairs: dict[tuple[str, str], set[tuple[int, ...]]] = defaultdict(set)
    parts = [slice_parts(one.slice) for one in means]
    for one, cuts in zip(means, parts, strict=True):
        if cuts.keys() >= {"candidate", "baseline"}:
            for side in (cuts.pop("candidate"), cuts.pop("baseline")):
                pairs[side, str(cuts)].add(_mirrored(one))
    return [
        one
        for one, cuts in zip(means, parts, strict=True)
        if "model" not in cuts
        or _mirrored(one) not in pairs.get((cuts.pop("model"), str(cuts)), ())
    ]


def _mirrored(mean: PairedMean) -> tuple[int, ...]:
    """Sums that are the same for a difference and its negative."""
    moments = mean.measurement.moments
    return (*moments[:3], abs(moments.s), moments.ss, abs(moments.sw), moments.ww)


def differences_of(
    means: Iterable[PairedMean], *, level: float, other_slices: Mapping[str, str]
) -> list[Difference]:
    """Say what each difference is, alone and among the others of its name.

    Args:
        means: Of all names and slices.
        level: Confidence level.
        other_slices: Slice of run a to that of run b, where they are called otherwise.

    """
    of_name: dict[str, list[PairedMean]] = defaultdict(list)
    for one in means:
        of_name[one.measurement.name].append(one)
    return [
        _difference(one, level, simultaneous(several, level), other_slices)
        for several in of_name.values()
        for one in several
    ]


def _difference(
    mean: PairedMean, level: float, band: Band | None, other_slices: Mapping[str, str]
) -> Difference:
    found = mean.estimate(level)
    verdict: Verdict = "not_shown"
    if found.low is None or found.high is None:
        verdict = "undefined"
    elif found.low > 0:
        verdict = "higher"
    elif found.high < 0:
        verdict = "lower"
    detectable = mean.detectable(level)
    ends = None if band is None else mean.band(band.level)
    low, high = (None, None) if ends is None else ends
    return Difference(
        name=found.name,
        slice=found.slice,
        slice_b=other_slices.get(found.slice),
        value_a=mean.value_a,
        value_b=mean.value_b,
        value=found.value,
        low=found.low,
        high=found.high,
        level=level,
        method=found.method,
        verdict=verdict,
        words=_words(verdict, found.value, detectable, ends),
        detectable=detectable,
        simultaneous_low=low,
        simultaneous_high=high,
        simultaneous_method=None if band is None else band.method,
        by=mean.by,
        both=mean.both,
        only_a=mean.only_a,
        only_b=mean.only_b,
        missing=found.missing,
        clusters=found.clusters,
        replicates=found.replicates,
        seed=found.seed,
        note=found.note,
    )


def _words(
    verdict: Verdict,
    value: float | None,
    detectable: float | None,
    band: tuple[float, float] | None,
) -> str:
    if value is None:
        return "nothing that both runs have a value for"
    if verdict == "undefined":
        return "whether the runs differ cannot be told"
    if verdict == "not_shown":
        if detectable is None:
            return "no difference shown"
        return (
            "no difference shown; could have found a difference of at least "
            f"{detectable:.3g} ({100 * POWER:g} % power)"
        )
    said = f"A is {verdict} by {abs(value):.3g}"
    if band is None:
        return said
    holds = "not shown" if band[0] <= 0 <= band[1] else "shown"
    return f"{said}; {holds} among all slices together: [{band[0]:+.3f}, {band[1]:+.3f}]"
