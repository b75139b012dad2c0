"""Prompts at a server: where their judge thinks first, and where another server has them too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.engines.http.jobs import PromptJob
from judgefast.engines.remote.asked import Asked

if TYPE_CHECKING:
    from judgefast.engines.http.streams import Stream
    from judgefast.engines.remote.endpoints import Endpoint


class AskedPrompts(Asked[PromptJob]):
    """One request that was sent.

    Args:
        endpoint: The server that has it.
        jobs: Whose prompts it holds; those whose choice has ended leave it.
        stream: How its choices are read where they come one by one.

    """

    __slots__ = ("has_thought", "stream", "twin")

    def __init__(self, endpoint: Endpoint, jobs: list[PromptJob], stream: Stream | None) -> None:
        super().__init__(endpoint, jobs)
        self.stream = stream
        self.has_thought = jobs[0].thought is not None
        """Whether it asks for an answer, of a judge that thinks first."""
        self.twin: AskedPrompts | None = None
        """The same prompts at another server."""

    @property
    def is_settled(self) -> bool:
        """Whether nobody waits for any of it."""
        for job in self.jobs:
            if not job.is_settled and (job.thought is not None) == self.has_thought:
                return False
        return True

    @property
    def is_doubled(self) -> bool:
        """Whether another server has the same prompts, and may answer."""
        return self.twin is not None
