"""What an audit says of a mean whose second orders were mostly not asked.

Of a run with adaptive orders every comparison has a value by its first answers: by both orders
where the first left it open, by the first alone where that closed it. Of some clusters, drawn by
chance, the closed ones have both. The mean of what the second order changed there, times how many
were closed, is what the first orders are wrong by: the difference estimator of two-phase sampling.
It is taken apart for values above the middle of the scale and below it, where both were audited:
a second order takes from the one what it gives the other.

Source:
    Cochran 1977, "Sampling Techniques", chapters 5A and 12; Saerndal, Swensson and Wretman 1992,
    "Model Assisted Survey Sampling", chapters 6, 7 and 9; Angelopoulos et al. 2023,
    "Prediction-Powered Inference", Science 382, is the same idea.

"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.codes import FIXED_ONE
from judgefast.stats.products import Products, form, products
from judgefast.stats.rules import AUDIT_MIN_CLUSTERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.stats.joint import SlicedRows

_BASE, _WEIGHT = 0, 1
_CLOSED, _AUDITED, _CHANGE, _LOST = (2, 3), (4, 5), (6, 7), (8, 9)
"""Places of sums below and above the middle of the scale, counted in halves of a weight: a value
in the middle is half in either."""
_HALF = Fraction(1, 2)


class Second(NamedTuple):
    """What is known of the second order of rows that the first alone may have decided. (n,)."""

    value: NDArray[np.int64]
    """By both orders, where `audited`; multiples of 2^-24."""
    weight: NDArray[np.uint8]
    closed: NDArray[np.bool_]
    """The first order alone decided, or would have."""
    audited: NDArray[np.bool_]
    """Closed, and both orders were asked by chance."""
    reach: float
    """The most that a second order can change a value, in its unit."""


class Spread(NamedTuple):
    """An estimate by audit and what it varies by."""

    value: float
    own: float
    """Standard error that the same mean by both orders everywhere would have."""
    audit: float
    """What the audit adds to it: standard error for having asked some second orders only."""
    change: float
    """Mean of what the second order changed, of closed rows."""
    change_error: float


class Audit(NamedTuple):
    """Exact sums over the clusters of one slice; values in units of 2^-24."""

    sums: tuple[int, ...]
    """By the first answers: weight times value, weight; then, twice, below and above the middle:
    weight of closed rows, that of audited ones, and by how much the second order changed weight
    times value, and weight, of these."""
    products: Products
    """The same, summed within each cluster: sums over clusters of each two's product."""
    clusters: int
    """Clusters with audited rows."""
    sides: tuple[int, int]
    """Those with some below the middle, and above."""
    closed: int
    """Clusters with closed rows."""
    rows: int
    """Closed rows that were audited."""
    reach: float

    def plus(self, other: Audit) -> Audit:
        """Sums over both, which share no cluster."""
        joint = zip(self.products, other.products, strict=True)
        return Audit(
            sums=tuple(map(sum, zip(self.sums, other.sums, strict=True))),
            products=tuple(tuple(map(sum, zip(*rows, strict=True))) for rows in joint),
            clusters=self.clusters + other.clusters,
            sides=(self.sides[0] + other.sides[0], self.sides[1] + other.sides[1]),
            closed=self.closed + other.closed,
            rows=self.rows + other.rows,
            reach=self.reach,
        )

    def enlarged(self, clusters: int, of: int) -> Audit:
        """Say the same of `clusters` clusters in place of `of`."""
        low, high = (round(side * clusters / of) for side in self.sides)
        return self._replace(
            sums=tuple(one * clusters for one in self.sums),
            products=tuple(tuple(one * clusters * of for one in row) for row in self.products),
            clusters=round(self.clusters * clusters / of),
            sides=(low, high),
            closed=round(self.closed * clusters / of),
        )

    def turned(self) -> Audit:
        """Say the same of the negative of every value."""
        sign = [-1 if place in {_BASE, *_CHANGE} else 1 for place in range(len(self.sums))]
        joint = [
            tuple(one * two * total for two, total in zip(sign, row, strict=True))
            for one, row in zip(sign, self.products, strict=True)
        ]
        sums = tuple(one * total for one, total in zip(sign, self.sums, strict=True))
        return self._replace(sums=sums, products=tuple(joint))

    @property
    def is_whole(self) -> bool:
        """Whether every closed row was audited, or none is closed."""
        return self._sum(_CLOSED) == self._sum(_AUDITED)

    @property
    def corrects(self) -> bool:
        """Whether something was audited, and some weight is left by what was lost in it."""
        return self._sum(_AUDITED) > 0 and self._weight > 0

    @property
    def is_enough(self) -> bool:
        """Whether an interval can be made of it."""
        if not self._sum(_CLOSED):
            return True
        return self.corrects and (self.is_whole or self.clusters >= AUDIT_MIN_CLUSTERS)

    @property
    def freedom(self) -> int:
        """Audited clusters, less the mean changes that were made of them."""
        return max(self.clusters - (2 if self._is_split and all(self.sides) else 1), 1)

    @property
    def closed_share(self) -> float:
        """How much of the weight was closed."""
        return float(self._sum(_CLOSED) / self._weight)

    @property
    def mean(self) -> float:
        """The estimate, rounded once; by the first answers alone where nothing was audited."""
        return float(self._mean / FIXED_ONE)

    @property
    def note(self) -> str:
        """What has to be said of it; nothing where there is an interval."""
        if self.is_enough:
            return ""
        seen = f"{self.clusters} of {self.closed:,} clusters that the first order closed"
        if self.clusters and not self.corrects:
            return f"not corrected: {seen} were audited, and nothing could be read in both orders"
        if not self.clusters:
            return f"not corrected: {seen} were audited"
        return f"only {seen} were audited, under {AUDIT_MIN_CLUSTERS}: too few for an interval"

    def spread(self, clusters: int) -> Spread:
        """Take the estimate apart; it `corrects`.

        With x what a cluster is off by its first answers and e what it is off the mean change,
        the variance of a mean by both orders everywhere is estimated from x^2, and 2xe and e^2 of
        the audited, of which each stands for F; for having asked those alone comes F(F-1) e^2.
        That is taken as if in one audited cluster more all closed rows had changed by the most
        that they can: of what was not seen in n clusters, n cannot say that it does not exist.

        Args:
            clusters: With a value, audited or not.

        """
        mean, rates, number = self._mean, self._rates, len(self.sums)
        off, errs = [Fraction(0)] * number, [[Fraction(0)] * number for _ in rates]
        off[_BASE], off[_WEIGHT] = Fraction(1), -mean
        for side, rate in enumerate(rates):
            off[_CLOSED[side]] = rate * _HALF
            errs[side][_AUDITED[side]] = -rate * _HALF
            errs[side][_CHANGE[side]] = _HALF
            errs[side][_LOST[side]] = -mean * _HALF
        err = [sum(parts, Fraction(0)) for parts in zip(*errs, strict=True)]
        heavy = [
            sum((f * part for f, part in zip(self._factors, parts, strict=True)), Fraction(0))
            for parts in zip(*errs, strict=True)
        ]
        factor, seen = self._sum(_CLOSED) / self._sum(_AUDITED), [Fraction(0)] * number
        for place in _AUDITED:
            seen[place] = _HALF
        unseen = Fraction(self.reach) ** 2 * self._product(seen, seen) / self.clusters
        light, full = (self._product(each, each) / FIXED_ONE**2 for each in (err, heavy))
        own = (self._product(off, off) + 2 * self._product(off, heavy)) / FIXED_ONE**2
        own = (own + factor * light) * Fraction(clusters, max(clusters - 1, 1))
        audit = max(full - factor * light, Fraction(0)) + factor * (factor - 1) * unseen
        few = Fraction(self.clusters, self.freedom)
        closed = [self.sums[place] * rate for place, rate in zip(_CLOSED, rates, strict=True)]
        return Spread(
            value=float(mean / FIXED_ONE),
            own=math.sqrt(max(own, Fraction(0)) / self._weight**2),
            audit=math.sqrt(few * audit / self._weight**2),
            change=float(_HALF * sum(closed) / self._sum(_CLOSED) / FIXED_ONE),
            change_error=math.sqrt(few * (full + factor**2 * unseen) / self._sum(_CLOSED) ** 2),
        )

    @property
    def _is_split(self) -> bool:
        """Whether either side of the middle has a mean change of its own."""
        sides = zip(_CLOSED, self.sides, strict=True)
        return all(side >= AUDIT_MIN_CLUSTERS or not self.sums[place] for place, side in sides)

    @property
    def _factors(self) -> tuple[Fraction, Fraction]:
        """Closed weight that each audited one stands for, by side."""
        closed, audited = self._by_side(_CLOSED), self._by_side(_AUDITED)
        low, high = (
            one / other if other else Fraction(0)
            for one, other in zip(closed, audited, strict=True)
        )
        return low, high

    @property
    def _rates(self) -> tuple[Fraction, Fraction]:
        """Mean change of a closed row, by side."""
        change, lost = self._by_side(_CHANGE), self._by_side(_LOST)
        parts = zip(change, lost, self._by_side(_AUDITED), strict=True)
        low, high = (
            (one - self._mean * other) / audited if audited else Fraction(0)
            for one, other, audited in parts
        )
        return low, high

    @property
    def _weight(self) -> Fraction:
        return self.sums[_WEIGHT] + self._expanded(_LOST)

    @property
    def _mean(self) -> Fraction:
        if not self.corrects:
            return Fraction(self.sums[_BASE], self.sums[_WEIGHT])
        return (self.sums[_BASE] + self._expanded(_CHANGE)) / self._weight

    def _expanded(self, places: tuple[int, int]) -> Fraction:
        """Say of all closed rows what the audited ones sum to."""
        sums = (self.sums[place] for place in places)
        parts = zip(self._factors, sums, strict=True)
        return _HALF * sum((factor * one for factor, one in parts), Fraction(0))

    def _by_side(self, places: tuple[int, int]) -> tuple[Fraction, Fraction]:
        """Sums of either side; where they are not split, of both together in place of each."""
        if self._is_split:
            return Fraction(self.sums[places[0]]), Fraction(self.sums[places[1]])
        return self._sum(places), self._sum(places)

    def _sum(self, places: tuple[int, int]) -> Fraction:
        return _HALF * (self.sums[places[0]] + self.sums[places[1]])

    def _product(self, left: list[Fraction], right: list[Fraction]) -> Fraction:
        """Sum over clusters of the one combination of sums times the other."""
        below, above = (math.lcm(*(one.denominator for one in each)) for each in (left, right))
        whole = form(
            self.products,
            tuple(int(one * below) for one in left),
            tuple(int(one * above) for one in right),
        )
        return Fraction(whole, below * above)


def audits(part: SlicedRows, second: Second) -> list[Audit]:
    """Sum the rows of each slice, exactly, whatever their order; `part` is by first answers."""
    weight, codes, num_slices = part.weight, part.codes, len(part.slices)
    rows = np.flatnonzero((codes >= 0) & (weight > 0))
    clusters, cluster = np.unique(part.cluster_id64[rows], return_inverse=True)
    many = max(len(clusters), 1)
    units, unit = np.unique(codes[rows] * many + cluster, return_inverse=True)
    heavy = weight[rows].astype(np.int64)
    first = heavy * part.value[rows]
    closed = second.closed[rows]
    audited = closed & second.audited[rows]
    later = second.weight[rows].astype(np.int64)
    above = _above(part, rows)
    columns = np.zeros((len(units), 10), dtype=np.int64)
    np.add.at(columns[:, _BASE], unit, first)
    np.add.at(columns[:, _WEIGHT], unit, heavy)
    for places, column in (
        (_CLOSED, heavy * closed),
        (_AUDITED, heavy * audited),
        (_CHANGE, np.where(audited, later * second.value[rows] - first, 0)),
        (_LOST, np.where(audited, later - heavy, 0)),
    ):
        np.add.at(columns[:, places[0]], unit, (2 - above) * column)
        np.add.at(columns[:, places[1]], unit, above * column)
    ends = np.searchsorted(units, np.arange(num_slices + 1) * many)
    seen = np.bincount(codes[rows][audited], minlength=num_slices)
    found = []
    for (start, end), rows_seen in zip(pairwise(ends), seen, strict=False):
        of_slice = columns[start:end]
        low, high = (of_slice[:, place] > 0 for place in _AUDITED)
        found.append(
            Audit(
                sums=tuple(of_slice.sum(axis=0).tolist()),
                products=products(of_slice),
                clusters=int((low | high).sum()),
                sides=(int(low.sum()), int(high.sum())),
                closed=int((of_slice[:, _CLOSED].sum(axis=1) > 0).sum()),
                rows=int(rows_seen),
                reach=second.reach,
            )
        )
    return found


def _above(part: SlicedRows, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Halves of each row that lie above the middle of its scale: 0, 1 in the middle, 2."""
    twice = np.array([round((low + high) * FIXED_ONE) for low, high in part.scales])
    middle = twice[part.codes[rows] if len(twice) > 1 else 0]
    above: NDArray[np.int64] = np.sign(2 * part.value[rows] - middle) + 1
    return above
