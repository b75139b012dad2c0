"""How two aspects go together over the comparisons, or the scored answers, of a run.

Pearson's coefficient, since it is what the error of the overall value is made of, since ratings are
held to it where a halo is looked for, and since no scale of an aspect moves it. Its interval is
Fisher's, on the cluster-robust error of the coefficient. Formulas and sources:
`docs/statistics.md`, section "Correlation of aspects".
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.codes import FIXED_ONE
from judgefast.errors import ConfigError
from judgefast.stats.comparisons import PairSides, pair_rows
from judgefast.stats.estimate import Estimate
from judgefast.stats.overall import rows_by_aspect
from judgefast.stats.rules import ALIKE_ERROR, SIGN_MIN_CLUSTERS
from judgefast.stats.shards import Shards
from judgefast.stats.slice_names import slice_part

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from judgefast.outcomes.columns import OutcomeColumns
    from judgefast.stats.slices import JudgedItems

    Pair = tuple[int, int]

_LIMB = 18
"""Bits: products of two limbs of a value, summed over the rows of a shard, fit 64 bits."""

METHOD = "fisher-z"

_SCALE = 2
"""From the lowest possible coefficient to the highest."""


class Correlation(NamedTuple):
    """What is known of one correlation before a confidence level is chosen."""

    slice: str
    """`aspect=X with=Y`."""
    value: float | None
    """None where an aspect does not vary."""
    error: float
    """Cluster-robust standard error; 0 where there is none."""
    clusters: int
    """Of those that are compared: a comparison alone in its pair of models is not."""
    outcomes: int
    """Comparisons, or scored answers, with a value in both aspects."""
    missing: int
    """Those without."""
    note: str = ""

    @property
    def name(self) -> str:
        """Stable identifier."""
        return "correlation"

    def estimate(
        self, level: float, *, of_family: float = 1.0, clusters: int | None = None
    ) -> Estimate:
        """Put Fisher's interval beside it, by Student's t: right at any level.

        Args:
            level: Confidence level, in (0, 1).
            of_family: As for `tails.estimate_among`; nothing depends on it.
            clusters: As if so many clusters said the same; None for those that there are.

        Raises:
            ConfigError: `level` is not inside (0, 1).

        """
        del of_family
        if not 0 < level < 1:
            message = f"`level` is {level}; it must be above 0 and below 1"
            raise ConfigError(message)
        number = self.clusters if clusters is None else clusters
        low, high = self._ends(level, number) or (None, None)
        return Estimate(
            name=self.name,
            slice=self.slice,
            value=self.value,
            low=low,
            high=high,
            level=level,
            method="undefined" if low is None else METHOD,
            unit="cluster",
            clusters=number,
            outcomes=self.outcomes,
            missing=self.missing,
            note=self.note,
        )

    def _ends(self, level: float, clusters: int) -> tuple[float, float] | None:
        if self.value is None or not self.error:
            return None
        from scipy.special import stdtrit  # noqa: PLC0415 - heavy, only where it is used

        error = self.error * math.sqrt(self.clusters / clusters) / (1 - self.value**2)
        reach = error * float(stdtrit(clusters - 1, (1 + level) / 2))
        middle = math.atanh(self.value)
        return math.tanh(middle - reach), math.tanh(middle + reach)


def correlations(
    outcomes: OutcomeColumns, items: JudgedItems, aspects: Sequence[str], *, mode: str
) -> list[Correlation]:
    """Correlate the values of each two aspects.

    Values of comparisons are taken from the mean of their pair of models: so it does not matter
    which of the two is called the candidate, and that one model is better in everything is no
    correlation. Scores and choices are taken from the mean of all answers. Each comparison or
    answer that has a value in both aspects counts once; one alone in its pair of models has nothing
    to be compared with.

    Args:
        outcomes: Unique over item, candidate, baseline and aspect, in any order.
        items: The judged items.
        aspects: Names of the aspects, by code.
        mode: `pairwise`, `scalar`, `binary` or `choice`.

    Returns:
        One for each two aspects, in their order; none where there is one aspect.

    """
    if len(aspects) <= 1:
        return []
    sides = PairSides(outcomes, items, None) if mode == "pairwise" else None
    shards = Shards(items.cluster_id64, len(outcomes.item))
    pairs = list(combinations(range(len(aspects)), 2))
    sums = [_Sums(1 if sides is None else len(sides.groups)) for _ in pairs]
    spreads = [_Spread() for _ in pairs]

    def values() -> Iterator[_Values]:
        for shard in range(shards.number):
            some = outcomes.take(shards.rows(shard, outcomes.item))
            yield _values(some, items, len(aspects), sides)

    for some in values():
        for pair, of_pair in zip(pairs, sums, strict=True):
            of_pair.add(some, pair)
    lines = [of_pair.line() for of_pair in sums]
    for some in values():
        for pair, of_pair, line, spread in zip(pairs, sums, lines, spreads, strict=True):
            spread.add(some, pair, of_pair, line)
    return [
        _correlation((aspects[one], aspects[two]), of_pair, line, spread)
        for (one, two), of_pair, line, spread in zip(pairs, sums, lines, spreads, strict=True)
    ]


class _Values(NamedTuple):
    """Comparisons or scored answers of one shard. m of them, k aspects."""

    value: NDArray[np.int64]
    """Multiples of 2^-24; those of comparisons count for one side of their pair. Shape (m, k)."""
    is_known: NDArray[np.bool_]
    """Shape (m, k)."""
    group: NDArray[np.int64]
    """From whose mean values are taken. Shape (m,)."""
    cluster_id64: NDArray[np.uint64]
    """Shape (m,)."""


def _values(
    outcomes: OutcomeColumns, items: JudgedItems, many: int, sides: PairSides | None
) -> _Values:
    rows = rows_by_aspect(outcomes, many)
    first = rows.max(axis=1, initial=-1)  # any that is there: they differ in the aspect alone
    pairs = None if sides is None else pair_rows(outcomes, sides)
    value = outcomes.value if pairs is None else pairs.value
    return _Values(
        value[rows],
        (rows >= 0) & (outcomes.weight[rows] > 0),
        np.zeros(len(rows), np.int64) if pairs is None else pairs.group[first],
        items.cluster_id64[outcomes.item[first]],
    )


class _Line(NamedTuple):
    """Means, deviations and the coefficient of two aspects."""

    means: tuple[NDArray[np.float64], NDArray[np.float64]]
    """Of each group. In units of 2^-24, as the deviations."""
    deviations: tuple[float, float]
    value: float


class _Sums:
    """Exact sums over the values of two aspects.

    A group of one value says nothing, its mean being that value: in these sums it is exactly 0.
    """

    def __init__(self, groups: int) -> None:
        self.number = np.zeros(groups, np.int64)
        self.missing = 0
        self._of_group = np.zeros((2, groups), np.int64)
        self._products = [0, 0, 0]

    def add(self, some: _Values, pair: Pair) -> None:
        """Add those of one shard."""
        both = some.is_known[:, pair].all(axis=1)
        self.missing += int((~both).sum())
        group, (x, y) = some.group[both], some.value[both][:, pair].T
        np.add.at(self.number, group, 1)
        for sums, values in zip(self._of_group, (x, y), strict=True):
            np.add.at(sums, group, values)
        for place, (left, right) in enumerate(((x, x), (y, y), (x, y))):
            self._products[place] += _dot(left, right)

    @property
    def is_compared(self) -> NDArray[np.bool_]:
        """Whether a group has two values or more. Shape (groups,)."""
        return self.number > 1

    @property
    def compared(self) -> int:
        """Values in such groups."""
        return int(self.number[self.is_compared].sum())

    def line(self) -> _Line | None:
        """The coefficient and what it is made of; None where an aspect does not vary."""
        x, y = self._of_group.tolist()
        number, many = self.number.tolist(), self.compared
        sides = ((x, x), (y, y), (x, y))
        of_x, of_y, of_both = (
            product
            - sum(Fraction(a * b, n) for a, b, n in zip(left, right, number, strict=True) if n)
            for product, (left, right) in zip(self._products, sides, strict=True)
        )
        if not of_x or not of_y:
            return None
        size = math.sqrt(of_both * of_both / (of_x * of_y))
        counted = np.maximum(self.number, 1)
        return _Line(
            (self._of_group[0] / counted, self._of_group[1] / counted),
            (math.sqrt(of_x / many), math.sqrt(of_y / many)),
            math.copysign(size, of_both),
        )


class _Spread:
    """How much the coefficient owes to each cluster."""

    def __init__(self) -> None:
        self.clusters = 0
        self.squares = 0
        """Sum over clusters of the square of what they add, in units of 2^-48."""

    def add(self, some: _Values, pair: Pair, sums: _Sums, line: _Line | None) -> None:
        """Add the clusters of one shard that have a value with another one in its group.

        Source:
            Devlin, Gnanadesikan and Kettenring 1975, Biometrika 62(3): the influence function of
            the coefficient.

        """
        both = some.is_known[:, pair].all(axis=1) & sums.is_compared[some.group]
        group, values = some.group[both], some.value[both][:, pair].T
        clusters, code = np.unique(some.cluster_id64[both], return_inverse=True)
        self.clusters += len(clusters)
        if line is None:
            return
        x, y = (
            (value - mean[group]) / deviation
            for value, mean, deviation in zip(values, line.means, line.deviations, strict=True)
        )
        influence = x * y - line.value * (x * x + y * y) / 2
        added = np.zeros(len(clusters), np.int64)  # of integers: no order of rows changes a bit
        np.add.at(added, code, np.rint(influence * FIXED_ONE).astype(np.int64))
        self.squares += sum(one * one for one in added.tolist())


def _correlation(
    names: tuple[str, str], sums: _Sums, line: _Line | None, spread: _Spread
) -> Correlation:
    known = Correlation(
        slice=f"{slice_part('aspect', names[0])} {slice_part('with', names[1])}",
        value=None if line is None else line.value,
        error=0.0,
        clusters=spread.clusters,
        outcomes=int(sums.number.sum()),
        missing=sums.missing,
    )
    if line is None:
        return known._replace(note=_why_no_coefficient(sums))
    if abs(line.value) == 1:
        return known._replace(note="one aspect says what the other says: no variance to infer from")
    if known.clusters == 1:
        return known._replace(note="one cluster: nothing to compare it with")
    error = _error(sums, spread)
    if not error:
        return known._replace(note="every cluster says the same: no variance to infer from")
    if known.clusters < SIGN_MIN_CLUSTERS and error < ALIKE_ERROR * _SCALE:
        note = f"only {known.clusters} clusters, all but alike: no variance to infer from"
        return known._replace(note=note)
    return known._replace(error=error)


def _why_no_coefficient(sums: _Sums) -> str:
    if not sums.number.any():
        return "no outcome has a value in both aspects"
    if not sums.compared:
        return "no outcome has another one to be compared with"
    return "an aspect has the same value throughout: nothing goes with it"


def _error(sums: _Sums, spread: _Spread) -> float:
    """Cluster-robust error of the coefficient, for at least two clusters; rounded once.

    Each mean that is taken off takes one of its group's values off what is free to vary.
    """
    many, clusters = sums.compared, spread.clusters
    variance = Fraction(clusters * spread.squares, (clusters - 1) * (many * FIXED_ONE) ** 2)
    return math.sqrt(variance * Fraction(many, many - int(sums.is_compared.sum())))


def _dot(left: NDArray[np.int64], right: NDArray[np.int64]) -> int:
    """Exact sum of the products of two columns."""
    mask = (1 << _LIMB) - 1
    a, b = ((one >> _LIMB, one & mask) for one in (left, right))
    middle = int(a[0] @ b[1]) + int(a[1] @ b[0])
    return (int(a[0] @ b[0]) << 2 * _LIMB) + (middle << _LIMB) + int(a[1] @ b[1])
