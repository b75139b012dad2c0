"""A figure that is not known exactly, and how it is known."""

from __future__ import annotations

from typing import Literal

import msgspec

Basis = Literal[
    "counted", "measured", "calibrated", "fitted", "datasheet", "published", "given", "assumed"
]
"""How a figure is known, the surest first: counted from the real tokens; measured in a pilot or a
finished run; calibrated on this machine; fitted on public measurements of others; from a datasheet;
published by a provider, as a price is; given by the user; assumed, with its reason beside it."""


class Range(msgspec.Struct, frozen=True):
    """The likely value of a figure between the least and the most that it may be."""

    low: float
    likely: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Range:
        """A figure that is known."""
        return cls(value, value, value)

    @classmethod
    def within(cls, value: float, share: float) -> Range:
        """A figure that may be off by a share of it, either way as a ratio.

        >>> Range.within(100.0, 0.25)
        Range(low=80.0, likely=100.0, high=125.0)
        """
        return cls(value / (1 + share), value, value * (1 + share))

    def __add__(self, other: Range) -> Range:
        """Add ends to ends: both may be off the same way."""
        return Range(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def times(self, factor: float) -> Range:
        """Scale by a number of at least 0."""
        return Range(self.low * factor, self.likely * factor, self.high * factor)

    def by(self, other: Range) -> Range:
        """Multiply by another range of numbers of at least 0."""
        return Range(self.low * other.low, self.likely * other.likely, self.high * other.high)
