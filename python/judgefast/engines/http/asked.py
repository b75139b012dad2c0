"""A request at a server: which prompts of it are still to be answered, and by whom."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.engines.http.streams import Stream
    from judgefast.engines.remote.client import OnItsWay
    from judgefast.engines.remote.endpoints import Endpoint
    from judgefast.engines.remote.jobs import Job


_REPLY_BYTES, _ANSWER_BYTES, _TOKEN_BYTES = 1 << 20, 1 << 16, 1 << 12
"""Bytes for a reply, each answer in it, each token of that: likeliest tokens take many."""


def longest_reply(jobs: Sequence[Job]) -> int:
    """Bytes that a reply may have."""
    longest = jobs[0].decoding.most_tokens
    return _REPLY_BYTES + len(jobs) * (_ANSWER_BYTES + longest * _TOKEN_BYTES)


class Asked:
    """One request that was sent.

    Args:
        endpoint: The server that has it.
        jobs: Whose prompts it holds; those whose choice has ended leave it.
        stream: How its choices are read where they come one by one.

    """

    __slots__ = ("endpoint", "has_thought", "jobs", "sent", "started", "stream", "twin")

    sent: OnItsWay

    def __init__(self, endpoint: Endpoint, jobs: list[Job], stream: Stream | None) -> None:
        self.endpoint, self.jobs, self.stream = endpoint, jobs, stream
        self.started = time.monotonic()
        self.has_thought = jobs[0].thought is not None
        """Whether it asks for an answer, of a judge that thinks first."""
        self.twin: Asked | None = None
        """The same prompts at another server."""

    @property
    def is_settled(self) -> bool:
        """Whether nobody waits for any of it."""
        for job in self.jobs:
            if not job.is_settled and (job.thought is not None) == self.has_thought:
                return False
        return True
