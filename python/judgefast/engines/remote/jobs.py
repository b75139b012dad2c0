"""What the loop holds of each request until it is answered, whatever a server is asked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from judgefast.engines.base import Completion

if TYPE_CHECKING:
    from judgefast.batches.request import Request
    from judgefast.engines.base import ErrorKind, FinishReason

J = TypeVar("J", bound="Job")


class Job:
    """One request that was submitted and not yet answered."""

    __slots__ = (
        "clock",
        "decoding",
        "is_settled",
        "put_off",
        "request",
        "seen",
        "started",
        "tries",
    )

    def __init__(self, request: Request, started: float, clock: float) -> None:
        self.request = request
        self.started = started
        """Unix time."""
        self.clock = clock
        """Monotonic time of the same moment."""
        self.decoding = request.decoding
        """Of what is sent next; jobs of the same may go together."""
        self.tries = 0
        """Answers so far that were none."""
        self.put_off = 0
        """How often a server had no room for it."""
        self.seen = (-1, 0)
        """That server, and how many prompts it had answered then."""
        self.is_settled = False
        """Its completion is on its way: what comes later is dropped."""

    def failed(self, kind: ErrorKind, words: str) -> Completion:
        """The completion of a request that failed."""
        return self._without_text("error", kind, words)

    def cancelled(self) -> Completion:
        """The completion of a request that was given up."""
        return self._without_text("cancelled", None, None)

    def _without_text(
        self, finish_reason: FinishReason, kind: ErrorKind | None, words: str | None
    ) -> Completion:
        return Completion(
            request_id=self.request.request_id,
            attempt=self.request.attempt,
            lane=0,
            text="",
            finish_reason=finish_reason,
            started=self.started,
            wall_seconds=time.monotonic() - self.clock,
            error_kind=kind,
            error=words,
        )
