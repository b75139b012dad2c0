"""The Poisson bootstrap: means of resampled clusters, the same bits in any order and any shards.

Every weight is a hash of the seed, the cluster and the replicate, and every sum is an exact
integer; `docs/statistics.md` defines both, with test vectors. The work is done in
`rust/core/src/stats/`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast import _native
from judgefast.errors import ColumnError, ConfigError
from judgefast.stats.integers import integer_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

POISSON = "poisson-percentile"
HISTOGRAM = "multinomial-histogram"
"""Methods of an interval whose ends are percentiles of replicates."""

REPLICATES = 4096
"""So many that the ends of a 95 % interval have a Monte-Carlo error of 0.04 standard errors."""


class Resampling(NamedTuple):
    """How clusters are drawn."""

    seed: int
    """From 0 to 2^64 - 1."""
    replicates: int = REPLICATES
    method: str = POISSON
    """By the hashed weights of this module, or by the draws of `stats.histogram`."""

    def check(self) -> None:
        """Refuse what no bootstrap can be drawn with.

        Raises:
            ConfigError: `seed` is not 0 to 2^64 - 1, or `replicates` not 1 to 2^20.

        """
        if not 0 <= self.seed < 1 << 64:
            message = f"`seed` is {self.seed}; it must be 0 to 2^64 - 1"
            raise ConfigError(message)
        if not 1 <= self.replicates <= 1 << 20:
            message = f"`replicates` is {self.replicates}; it must be 1 to 2^20"
            raise ConfigError(message, hint=f"leave it at {REPLICATES}")


class Replicates(NamedTuple):
    """What one mean came to when its clusters were drawn again."""

    means: NDArray[np.float64]
    """One per replicate, in order; NaN where no cluster was drawn. Shape (replicates,).

    Replicate b draws the same clusters in every slice, statistic and run of one seed, so that
    differences of two of these arrays are replicates of the difference.
    """
    seed: int
    method: str = POISSON
    """How they were drawn; only `POISSON` is joint."""

    def ends(self, level: float) -> tuple[float, float] | None:
        """Ends of the percentile interval at a confidence level, in the unit of the mean.

        Of the n replicates with a mean, ascending from 0, the ends are number k and number
        n-1-k, where k is n (1 - level) / 2 rounded down, computed on the exact value of `level`.

        Args:
            level: Confidence level, in (0, 1).

        Returns:
            Low and high end; None where no replicate has a mean.

        Raises:
            ConfigError: `level` is not inside (0, 1).

        Source:
            Efron 1979, Annals of Statistics 7(1).

        >>> Replicates(np.array([0.5, np.nan, 0.25, 1.0, 0.75, 0.0]), seed=0).ends(0.5)
        (0.25, 0.75)

        """
        if not 0 < level < 1:
            message = f"`level` is {level}; it must be above 0 and below 1"
            raise ConfigError(message)
        drawn = np.sort(self.means[~np.isnan(self.means)])
        if not len(drawn):
            return None
        outside = len(drawn) * (1 - Fraction(level)) // 2
        return float(drawn[outside]), float(drawn[len(drawn) - 1 - outside])


def resampling_by(interval: str, seed: int) -> Resampling | None:
    """Resampling for the option `interval` of a run; None where nothing is to be resampled."""
    if interval == "cluster":
        return None
    return Resampling(seed, method=HISTOGRAM if interval == "histogram" else POISSON)


def replicate_means(  # noqa: PLR0913 - columns as for `cluster_moments`, the rest by keyword
    cluster_id64: NDArray[np.uint64],
    value: NDArray[np.int64],
    weight: NDArray[np.uint8],
    codes: NDArray[np.integer],
    num_slices: int,
    *,
    resampling: Resampling,
    wanted: Sequence[int] | None = None,
) -> list[Replicates]:
    """Draw the clusters of all slices again, jointly, and take the mean of each replicate.

    Uses every core. The arrays must not be written to meanwhile.

    Args:
        cluster_id64: Resampling id of each row. Shape (n,).
        value: Multiples of 2^-24, at most 2048 in size. Shape (n,).
        weight: 1 to 6; 0 leaves the row out. Shape (n,).
        codes: Slice of each row from 0; -1 leaves the row out. Shape (n,).
        num_slices: How many slices there are.
        resampling: Seed and number of replicates.
        wanted: Codes of the slices whose replicates are wanted; None for all, in their order.

    Returns:
        Replicates of each wanted slice: sum of draws times weight times value over sum of draws
        times weight, rounded once to a double.

    Raises:
        ColumnError: Columns of different length or not of integers, a number out of range, or a
            sum that leaves 128 bits.
        ConfigError: A seed or number of replicates out of range.

    Source:
        Chamandy, Muralidharan, Najmi and Naidu 2012, "Estimating Uncertainty for Massive Data
        Streams"; the definition is in `docs/statistics.md`, section "The bootstrap".

    >>> ids = np.array([7, 7, 9], dtype=np.uint64)
    >>> value = np.array([1 << 24, 0, 1 << 24])
    >>> weight, codes = np.ones(3, dtype=np.uint8), np.zeros(3, dtype=np.int32)
    >>> drawn = replicate_means(ids, value, weight, codes, 1, resampling=Resampling(seed=1))
    >>> drawn[0].means.shape, drawn[0].ends(0.9)
    ((4096,), (0.5, 1.0))

    """
    resampling.check()
    num_slices = max(num_slices, 1)
    chosen = np.arange(num_slices) if wanted is None else np.asarray(wanted, dtype=np.int64)
    means = _native.replicate_means(
        *integer_columns(cluster_id64, value, weight, codes),
        num_slices,
        chosen.astype(np.uint32),
        resampling.seed,
        resampling.replicates,
    )
    return [Replicates(row, resampling.seed) for row in means]


class PoissonBootstrap:
    """The same replicates from rows that come in pieces, in memory of slices times replicates.

    Rows may come in any order, and in shards of which each has a bootstrap of its own: merged,
    they give the bits of one pass. Rows of one cluster may lie in different shards.

    Args:
        num_slices: How many slices there are, at least 1.
        resampling: Seed and number of replicates.

    Raises:
        ConfigError: A seed, number of replicates or number of slices out of range.

    Source:
        As for `replicate_means`.

    >>> shards = [PoissonBootstrap(1, resampling=Resampling(seed=1)) for _ in range(2)]
    >>> ones, codes = np.ones(2, dtype=np.uint8), np.zeros(2, dtype=np.int32)
    >>> shards[0].add(np.array([7, 7], dtype=np.uint64), np.array([1 << 24, 0]), ones, codes)
    >>> shards[1].add(np.array([9, 9], dtype=np.uint64), np.array([1 << 24] * 2), ones, codes)
    >>> shards[0].merge(shards[1])
    >>> shards[0].replicates()[0].ends(0.9)
    (0.5, 1.0)

    """

    def __init__(self, num_slices: int, *, resampling: Resampling) -> None:
        resampling.check()
        if not 1 <= num_slices < 1 << 32:
            message = f"`num_slices` is {num_slices}; it must be at least 1"
            raise ConfigError(message)
        self.resampling = resampling
        self._sums = _native.PoissonSums(num_slices, resampling.replicates, resampling.seed)

    def add(
        self,
        cluster_id64: NDArray[np.uint64],
        value: NDArray[np.int64],
        weight: NDArray[np.uint8],
        codes: NDArray[np.integer],
    ) -> None:
        """Add rows, columns as for `replicate_means`, on one core with the interpreter released.

        Raises:
            ColumnError: Columns of different length or not of integers, or a number out of range:
                nothing was added. Or a sum that leaves 128 bits: this bootstrap is of no more use.

        """
        self._sums.add(*integer_columns(cluster_id64, value, weight, codes))

    def add_shard(
        self,
        cluster_id64: NDArray[np.uint64],
        value: NDArray[np.int64],
        weight: NDArray[np.uint8],
        codes: NDArray[np.integer],
    ) -> None:
        """Add rows on every core: each cluster is drawn once, however far apart its rows are.

        The same bits as `add`, in memory that grows with the rows.

        Raises:
            ColumnError: As for `add`.

        """
        self._sums.add_shard(*integer_columns(cluster_id64, value, weight, codes))

    def merge(self, other: PoissonBootstrap) -> None:
        """Add the rows of another shard, which stays as it is.

        Raises:
            ColumnError: The shards differ in slices, replicates or seed, or are one; or a sum
                leaves 128 bits.

        """
        if other is self:
            message = "a bootstrap cannot be merged with itself: its rows would count twice"
            raise ColumnError(message, hint="merge the bootstrap of another shard")
        self._sums.merge(other._sums)

    def replicates(self) -> list[Replicates]:
        """Replicates of each slice over the rows added so far."""
        return [Replicates(row, self.resampling.seed) for row in self._sums.means()]
