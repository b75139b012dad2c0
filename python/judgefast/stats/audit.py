"""What an audit says of a mean whose second orders were mostly not asked.

Of a run with adaptive orders every comparison has a value by its first answers: by both orders
where the first left it open, by the first alone where that closed it. Of some clusters, drawn by
chance, the closed ones have both. The mean of what the second order changed there, times how many
were closed, is what the first orders are wrong by: the difference estimator of two-phase sampling.

Source:
    Cochran 1977, "Sampling Techniques", chapter 12; Saerndal, Swensson and Wretman 1992, "Model
    Assisted Survey Sampling", chapters 6 and 9; Angelopoulos et al. 2023, "Prediction-Powered
    Inference", Science 382, is the same idea.

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

_BASE, _WEIGHT, _CLOSED, _AUDITED, _CHANGE, _LOST = range(6)


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
    """By the first answers: weight times value, weight, that of closed rows, that of audited
    ones; by how much the second order changed the first two, of audited rows."""
    products: Products
    """The same six, summed within each cluster: sums over clusters of each two's product."""
    clusters: int
    """Clusters with audited rows."""
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
            closed=self.closed + other.closed,
            rows=self.rows + other.rows,
            reach=self.reach,
        )

    def enlarged(self, clusters: int, of: int) -> Audit:
        """Say the same of `clusters` clusters in place of `of`."""
        return self._replace(
            sums=tuple(one * clusters for one in self.sums),
            products=tuple(tuple(one * clusters * of for one in row) for row in self.products),
            clusters=round(self.clusters * clusters / of),
            closed=round(self.closed * clusters / of),
        )

    def turned(self) -> Audit:
        """Say the same of the negative of every value."""
        sign = (-1, 1, 1, 1, -1, 1)
        joint = [
            tuple(one * two * total for two, total in zip(sign, row, strict=True))
            for one, row in zip(sign, self.products, strict=True)
        ]
        sums = tuple(one * total for one, total in zip(sign, self.sums, strict=True))
        return self._replace(sums=sums, products=tuple(joint))

    @property
    def is_whole(self) -> bool:
        """Whether every closed row was audited, or none is closed."""
        return self.sums[_CLOSED] == self.sums[_AUDITED]

    @property
    def is_enough(self) -> bool:
        """Whether an interval can be made of it."""
        if self.is_whole and not self.sums[_CLOSED]:
            return True
        return self.corrects and (self.is_whole or self.clusters >= AUDIT_MIN_CLUSTERS)

    @property
    def corrects(self) -> bool:
        """Whether something was audited, and some weight is left by what was lost in it."""
        audited = self.sums[_AUDITED]
        left = self.sums[_WEIGHT] * audited + self.sums[_CLOSED] * self.sums[_LOST]
        return audited > 0 and left > 0

    @property
    def closed_share(self) -> float:
        """How much of the weight was closed."""
        return float(self.sums[_CLOSED] / self._total_weight)

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

    @property
    def _factor(self) -> Fraction:
        """Closed weight that each audited one stands for."""
        return Fraction(self.sums[_CLOSED], self.sums[_AUDITED]) if self.corrects else Fraction(0)

    @property
    def _total_weight(self) -> Fraction:
        return self.sums[_WEIGHT] + self._factor * self.sums[_LOST]

    @property
    def _mean(self) -> Fraction:
        return (self.sums[_BASE] + self._factor * self.sums[_CHANGE]) / self._total_weight

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
        mean, factor, whole = self._mean, self._factor, self._total_weight
        audited, lost = self.sums[_AUDITED], self.sums[_LOST]
        change = (self.sums[_CHANGE] - mean * lost) / audited
        common = math.lcm(mean.denominator, change.denominator)
        theta, rest = int(mean * common), int(change * common)
        off = (common, -theta, rest, 0, 0, 0)
        err = (0, 0, 0, -rest, common, -theta)
        unit = Fraction(1, (common * FIXED_ONE) ** 2)
        own, both, errors = (
            unit * form(self.products, *sides) for sides in ((off, off), (off, err), (err, err))
        )
        own += factor * (2 * both + errors)
        errors += Fraction(self.reach) ** 2 * self.products[_AUDITED][_AUDITED] / self.clusters
        errors *= Fraction(self.clusters, max(self.clusters - 1, 1))
        return Spread(
            value=float(mean / FIXED_ONE),
            own=math.sqrt(max(own * clusters / max(clusters - 1, 1), Fraction(0)) / whole**2),
            audit=math.sqrt(factor * (factor - 1) * errors / whole**2),
            change=float(change / FIXED_ONE),
            change_error=math.sqrt(errors / audited**2),
        )


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
    columns = np.zeros((len(units), 6), dtype=np.int64)
    for place, column in enumerate(
        (
            first,
            heavy,
            heavy * closed,
            heavy * audited,
            np.where(audited, later * second.value[rows] - first, 0),
            np.where(audited, later - heavy, 0),
        )
    ):
        np.add.at(columns[:, place], unit, column)
    ends = np.searchsorted(units, np.arange(num_slices + 1) * many)
    seen = np.bincount(codes[rows][audited], minlength=num_slices)
    return [
        Audit(
            sums=tuple(columns[start:end].sum(axis=0).tolist()),
            products=products(columns[start:end]),
            clusters=int((columns[start:end, _AUDITED] > 0).sum()),
            closed=int((columns[start:end, _CLOSED] > 0).sum()),
            rows=int(rows_seen),
            reach=second.reach,
        )
        for (start, end), rows_seen in zip(pairwise(ends), seen, strict=False)
    ]
