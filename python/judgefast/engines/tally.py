"""What is spent of one budget: what came back, what is still out, and by how much it was more."""

from __future__ import annotations


class Tally:
    """A sum that stays below a limit, whatever what is out will have taken.

    Args:
        limit: What may be spent; None: anything.

    """

    def __init__(self, limit: float | None) -> None:
        self.limit = limit
        self.spent = 0.0
        """By all that came back."""
        self.reserved = 0.0
        """For what was begun and has not come back: the most that it may take."""
        self._excess = 0.0
        """The most by which one took more than was reserved."""

    def begin(self, most: float) -> None:
        """Reserve what may be taken."""
        self.reserved += most

    def came(self, taken: float, most: float) -> None:
        """Take in what one has taken for which `most` was reserved."""
        self.spent += taken
        self.drop(most)
        self._excess = max(self._excess, taken - most)

    def drop(self, most: float) -> None:
        """Let go of what was reserved."""
        self.reserved -= most

    def exceeds(self, more: float, out: int) -> bool:
        """Whether there is no room for more, `out` requests being out then."""
        total = self.spent + self.reserved + more + out * self._excess
        return self.limit is not None and total > self.limit

    def exceeds_doubled(self, more: float) -> bool:
        """Whether there is none if all that is out takes twice as much as was planned."""
        twice = self.spent + 2 * (self.reserved + more)
        return self.limit is not None and twice > self.limit
