"""What came back, read in groups while the engine goes on.

Reading one completion costs almost as much as reading a hundred, and whoever reads does not fill
the engine. So completions wait a moment for others: too short a moment for a person to see.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from judgefast.codes import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from judgefast.engines.base import Completion
    from judgefast.verdicts.table import VerdictTable

GROUP_ROWS = 256
"""So many completions are read at once, and more only where the engine gave more at once."""

GROUP_SECONDS = 0.05
"""The first of them waits no longer, as long as the engine is looked after."""

FIRST_LOOK = 200
"""Judgments of a start after which the unreadable share is looked at."""

WATCHED = 1000
"""Judgments, the last ones, over which it is looked at from then on."""

EXAMPLES = 3
"""Unreadable completions that are shown when a run stops for them."""


class Unreadable:
    """Stops a run whose judgments cannot be read: each one costs money and says nothing."""

    def __init__(self, limit: float | None) -> None:
        """Watch for a share above `limit`; None to watch nothing."""
        self._limit = limit
        self._last = np.zeros(0, np.bool_)
        """Which of the last judgments are unreadable."""
        self._seen = 0
        self.total = 0
        """Unreadable judgments of this start."""
        self.share = 0.0
        """Unreadable share of the last judgments."""
        self.examples: list[str] = []

    def add(self, status: NDArray[np.uint8], completions: Sequence[Completion]) -> None:
        """Count judgments of this start, and what came back for each."""
        is_bad = status != Status.PARSED
        bad = np.flatnonzero(is_bad)
        for row in bad[: EXAMPLES - len(self.examples)].tolist():
            said = completions[row].error or completions[row].text
            self.examples.append(f"{Status(status[row]).label}: {said}")
        self._last = np.concatenate([self._last, is_bad])[-WATCHED:]
        self.share = int(np.count_nonzero(self._last)) / max(1, len(self._last))
        self.total += len(bad)
        self._seen += len(status)

    def is_due(self, more: int) -> bool:
        """Whether `more` judgments make it time for the first look."""
        return self._seen < FIRST_LOOK <= self._seen + more

    @property
    def is_too_high(self) -> bool:
        """Whether the run should stop."""
        return self._limit is not None and self._seen >= FIRST_LOOK and self.share > self._limit

    def is_all(self, parsed: int) -> bool:
        """Whether there is nothing in the whole run but what could not be read.

        A run that is too short for the first look ends so.
        """
        return self.total > 0 and not parsed


class LiveVerdicts:
    """Completions of this start, on their way into the table of verdicts."""

    def __init__(
        self,
        table: VerdictTable,
        unreadable: Unreadable,
        launch: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read into `table`, and tell `unreadable`."""
        self.read = 0
        """Judgments read."""
        self.prompt_tokens: int | None = None
        """Sums of this start; None as long as the engine says nothing."""
        self.cached_tokens: int | None = None
        """None too once it has not said it of a prompt: what is left would be no sum."""
        self.completion_tokens: int | None = None
        self._is_cached_known = True
        self._table = table
        self._unreadable = unreadable
        self._launch = launch
        self._clock = clock
        self._waiting: list[Completion] = []
        self._due = 0.0

    def add(self, completions: Sequence[Completion]) -> bool:
        """Take in what came back, perhaps nothing, and read if it is time.

        Returns:
            Whether something was read.

        """
        self._waiting += completions
        waiting = len(self._waiting)
        is_due = waiting >= GROUP_ROWS or self._unreadable.is_due(waiting)
        if not waiting or not (is_due or self._clock() >= self._due):
            return False
        return self.finish()

    def finish(self) -> bool:
        """Read what is waiting; false if nothing is."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            status, places = self._table.add_live(waiting, self._launch)
            self._unreadable.add(status, [waiting[place] for place in places.tolist()])
            self._count(waiting)
            self.read += len(status)
        self._due = self._clock() + GROUP_SECONDS
        return bool(waiting)

    def _count(self, completions: Sequence[Completion]) -> None:
        self.prompt_tokens = _plus(self.prompt_tokens, [each.prompt_tokens for each in completions])
        self._is_cached_known = self._is_cached_known and not any(
            each.cached_tokens is None and each.prompt_tokens is not None and not each.error_kind
            for each in completions
        )
        cached = _plus(self.cached_tokens, [each.cached_tokens for each in completions])
        self.cached_tokens = cached if self._is_cached_known else None
        self.completion_tokens = _plus(
            self.completion_tokens, [each.completion_tokens for each in completions]
        )


def _plus(total: int | None, counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return (total or 0) + sum(known) if known else total
