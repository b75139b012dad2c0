"""What position bias is reported as. Light: a report is read without the kernels."""

from __future__ import annotations

import msgspec

from judgefast.stats.estimate import Estimate  # noqa: TC001 - msgspec reads annotations
from judgefast.stats.names import OF_POSITION


class PositionBias(msgspec.Struct, frozen=True, kw_only=True):
    """What the two orders of the comparisons of a run say about the judge."""

    comparisons: int
    """Comparisons planned."""
    both_orders: int
    """Comparisons read in both orders."""
    one_order: bool
    """Whether only one order was asked; then flips are unknown, and the direction rests on
    orientations drawn by hash."""
    flip_rate: Estimate
    """Share of comparisons whose two orders, mapped back to the answers, differ."""
    direction: Estimate
    """How much more than half of the time the answer shown first was chosen; a tie counts half.
    Both orders of a comparison weigh the same, so which answer is better cancels."""
    same_position_rate: Estimate
    """Share of comparisons in which the same position was chosen in both orders."""
    first_twice: int
    """Pairs of judgments, one of each order, that both chose the answer shown first."""
    second_twice: int
    """The same of the answer shown second."""
    flip_matrix: tuple[tuple[int, int, int], ...]
    """Pairs of judgments by forward (row) and swapped (column) verdict, mapped back: the answer
    with the lower index, the one with the higher, tie."""
    noise_flip_rate: Estimate | None
    """How often two judgments of one comparison in the same order differ; None without repeats."""
    noise_share: float | None
    """How much of the flip rate such noise alone explains, at most 1; None where unknown."""
    p_first: Estimate | None
    """Mean probability of the answer shown first, half of that of a tie added; None without label
    probabilities."""
    guide_flip_rule: bool
    """The guides' rule: flip rate above 0.15. It fires on noise as well."""
    direction_alert: bool
    """Our rule: the interval of `direction` excludes 0, by enough and over enough clusters."""
    of_audit: bool = False
    """Whether it is of the clusters alone that adaptive orders have drawn for their audit: what
    they ask beside it in both orders is what leaves a doubt."""
    by_aspect: list[Estimate] | msgspec.UnsetType = msgspec.UNSET
    """The same means within each aspect; not there where there is one."""

    @property
    def estimates(self) -> list[Estimate]:
        """All of its estimates, by the order of `names.OF_POSITION`; those that are known."""
        found = [one for name in OF_POSITION if (one := getattr(self, name)) is not None]
        return found + ([] if self.by_aspect is msgspec.UNSET else self.by_aspect)
