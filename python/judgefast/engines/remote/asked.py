"""A request at a server: what of it is still to be answered, and by whom."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Generic

from judgefast.engines.remote.jobs import J

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.engines.remote.client import OnItsWay
    from judgefast.engines.remote.endpoints import Endpoint
    from judgefast.engines.remote.jobs import Job

_REPLY_BYTES, _ANSWER_BYTES, _TOKEN_BYTES = 1 << 20, 1 << 16, 1 << 12
"""Bytes for a reply, each answer in it, each token of that: likeliest tokens take many."""


def longest_reply(jobs: Sequence[Job]) -> int:
    """Bytes that a reply may have."""
    longest = jobs[0].decoding.most_tokens
    return _REPLY_BYTES + len(jobs) * (_ANSWER_BYTES + longest * _TOKEN_BYTES)


class Asked(Generic[J]):
    """One request that was sent.

    Args:
        endpoint: The server that has it.
        jobs: What it asks; whatever is answered before the rest leaves it.

    """

    __slots__ = ("endpoint", "jobs", "sent", "started")

    sent: OnItsWay

    def __init__(self, endpoint: Endpoint, jobs: list[J]) -> None:
        self.endpoint, self.jobs = endpoint, jobs
        self.started = time.monotonic()

    @property
    def is_settled(self) -> bool:
        """Whether nobody waits for any of it."""
        return all(job.is_settled for job in self.jobs)

    @property
    def is_doubled(self) -> bool:
        """Whether another server has the same, and may answer."""
        return False
