"""How small a difference a sample can find, and how large a sample finds a difference.

One formula answers both: the smallest difference that so many clusters would have told from none.
The sample that is needed is the least for which it does not exceed the difference that is asked.
"""

from __future__ import annotations

from math import inf, sqrt
from typing import Literal, NamedTuple

from judgefast.errors import ConfigError
from judgefast.stats.rules import FEW_CLUSTERS, LEVEL

POWER = 0.8
"""With which probability the smallest difference that is named would have been found."""

FEWEST_CLUSTERS = 2
MOST_CLUSTERS = 1 << 50
"""More than this are never needed in earnest: a difference so small is taken for a mistake."""


class Certainty(NamedTuple):
    """How sure a decision has to be."""

    level: float = LEVEL
    """Of the interval: 1 - alpha."""
    power: float = POWER
    sides: Literal[1, 2] = 2
    """2 where a difference either way counts, 1 where a drop alone does."""

    def quantiles(self, clusters: float) -> tuple[float, float]:
        """Of the level and of the power: of the normal; of Student's t under 40 clusters."""
        from scipy.special import ndtri, stdtrit  # noqa: PLC0415 - heavy, only where it is used

        outside = 1 - (1 - self.level) / self.sides
        if clusters < FEW_CLUSTERS:
            return tuple(float(stdtrit(clusters - 1, one)) for one in (outside, self.power))  # type: ignore[return-value]  # two of them
        return float(ndtri(outside)), float(ndtri(self.power))

    def checked(self) -> Certainty:
        """Refuse what is no test.

        Raises:
            ConfigError: A level or power outside (0, 1); a power not above what chance finds;
                neither one side nor two.

        """
        if not 0 < self.level < 1:
            msg = f"a level must lie between 0 and 1, not {self.level:g}"
            raise ConfigError(msg, hint="0.95 is usual")
        if self.sides not in (1, 2):
            msg = f"a test has 1 side or 2, not {self.sides}"
            raise ConfigError(msg, hint="2 finds a change either way, 1 a drop alone")
        by_chance = (1 - self.level) / self.sides
        if not max(0.5, by_chance) <= self.power < 1:
            msg = f"a power must be at least 0.5 and below 1, not {self.power:g}"
            raise ConfigError(msg, hint="0.8 is usual, 0.9 is careful")
        return self


class Spread(NamedTuple):
    """What the difference of one cluster varies by."""

    variance: float
    """Of a cluster's difference, in the units of the mean. Clusters of several units have the
    variance that makes the clustered error of the mean: G times its square."""
    is_square: bool = False
    """Whether it is the mean square about 0, as a share of discordant pairs is: the variance is
    then smaller by the square of the difference that is looked for."""
    width: float = inf
    """Of the scale: no difference is larger."""
    few: float = 0.0
    """Clusters that say as much as one (Kish's effective number over theirs) where so few differ
    that `variance` says nothing of those that were not seen; 0 where enough do."""

    def at_most(self, questions: int, level: float = LEVEL) -> Spread:
        """The largest that it may be, where it was measured on so few clusters.

        The end of the interval of a normal's variance, by chi squared with questions - 1 degrees.

        >>> round(Spread(1.0).at_most(50).variance, 3)
        1.553

        """
        from scipy.special import chdtri  # noqa: PLC0415 - heavy, only where it is used

        degrees = questions - 1
        least = float(chdtri(degrees, 1 - (1 - level) / 2))
        return self._replace(variance=self.variance * degrees / least)

    def detectable(self, clusters: float, certainty: Certainty = Certainty()) -> float:  # noqa: B008 - frozen
        """Smallest difference that so many clusters would have told from none.

        Args:
            clusters: How many, at least 2.
            certainty: How surely.

        >>> round(Spread(0.25).detectable(4906), 5)
        0.02

        """
        if not self.is_square:
            error = sqrt(self.variance / clusters)
            return smallest(error, clusters, certainty, width=self.width, few=self.few * clusters)
        # d = (q sqrt(S) + p sqrt(S - d^2)) / sqrt(n), solved for d. Its square is at most S, where
        # every discordant pair is so the same way: fewer than q^2 of them tell nothing.
        level, power = certainty.quantiles(clusters)
        if clusters < level**2:
            return self.width
        root = level * sqrt(clusters) + power * sqrt(clusters + power**2 - level**2)
        return min(sqrt(self.variance) * root / (clusters + power**2), self.width)

    def needed(self, difference: float, certainty: Certainty = Certainty()) -> int:  # noqa: B008 - frozen
        """Fewest clusters that tell such a difference from none.

        Args:
            difference: In the units of the mean, above 0.
            certainty: How surely.

        Raises:
            ConfigError: The difference is not above 0, not below the width of the scale, or so
                small that no sample finds it.

        >>> Spread(0.25).needed(0.02)
        4906

        """
        if not 0 < difference < self.width:
            msg = f"no sample finds a difference of {difference:g}"
            if difference > 0:
                raise ConfigError(msg, hint=f"the scale is {self.width:g} wide: give less than it")
            raise ConfigError(msg, hint="give one above 0, as 0.02 for two points of a hundred")
        low, high = FEWEST_CLUSTERS - 1, FEWEST_CLUSTERS
        while self.detectable(high, certainty) > difference:
            low, high = high, 2 * high
            if high > MOST_CLUSTERS:
                msg = f"no sample finds a difference of {difference:g}"
                raise ConfigError(msg, hint="give a larger one")
        while high - low > 1:
            middle = (low + high) // 2
            if self.detectable(middle, certainty) > difference:
                low = middle
            else:
                high = middle
        return high


def smallest(
    error: float, clusters: float, certainty: Certainty, *, width: float = inf, few: float = 0.0
) -> float:
    """Smallest difference that would have been told from none.

    (q(1 - alpha/sides) + q(power)) times the error of the difference. Where few clusters differ
    otherwise than the rest, that error is at least the one which such a difference would itself
    have, if it came from a share of clusters that change by the whole scale.

    Args:
        error: Standard error of the difference.
        clusters: That it is from: under 40 the quantiles are Student's.
        certainty: How surely.
        width: Of the scale: no difference is larger.
        few: Effective number of clusters where few differ; 0 where enough do.

    """
    factor = sum(certainty.quantiles(clusters))
    found = min(factor * error, width)
    return max(found, width * factor**2 / (few + factor**2)) if few else found


def variance_of_rates(rate: float, other: float, correlation: float = 0.0) -> float:
    """Variance of the difference of two yes-or-no outcomes of one question.

    Never below what the difference itself makes, |d| - d^2: so many questions at least are decided
    otherwise.

    >>> round(variance_of_rates(0.8, 0.78), 4)
    0.3316

    """
    first, second = rate * (1 - rate), other * (1 - other)
    apart = abs(rate - other)
    return max(first + second - 2 * correlation * sqrt(first * second), apart * (1 - apart))


def correlations_of_rates(rate: float, other: float) -> tuple[float, float]:
    """Lowest and highest correlation that two yes-or-no outcomes of such shares can have.

    The highest is where every question that the smaller share says yes to has a yes by the larger
    one too, the lowest where as few as can be have both (Frechet's bounds on the shared yes).

    >>> [round(one, 3) for one in correlations_of_rates(0.97, 0.95)]
    [-0.04, 0.767]

    """
    scale = sqrt(rate * (1 - rate) * other * (1 - other))
    fewest, most = max(rate + other - 1, 0.0), min(rate, other)
    return (fewest - rate * other) / scale, (most - rate * other) / scale


def variance_of_pairs(deviation: float, correlation: float = 0.0) -> float:
    """Variance of the difference of two values of one question, as spread in either run.

    >>> round(variance_of_pairs(0.95, 0.5), 4)
    0.9025

    """
    return 2 * deviation**2 * (1 - correlation)


def variance_of_repeats(
    between: float, within: float, repeats: int, correlation: float = 0.0
) -> float:
    """Variance of the difference of two means over repeats of one question.

    Args:
        between: Variance of a question's own mean among questions.
        within: Variance of one judgment about it: repeats average it out, and nothing else.
        repeats: Judgments of a question in either run.
        correlation: Of the questions' own means in the two runs.

    >>> round(variance_of_repeats(0.10, 0.06, 2, 0.7), 4)
    0.12

    """
    return 2 * (between * (1 - correlation) + within / repeats)
