"""What happens in the thread of the HTTP engine, and the ways into it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from judgefast.engines.http.bodies import Bodies
from judgefast.engines.http.detect import detect
from judgefast.engines.http.jobs import PromptJob
from judgefast.engines.http.lists import Lists
from judgefast.engines.http.metrics import Metrics
from judgefast.engines.http.replies import Replies
from judgefast.engines.http.sender import PromptSender
from judgefast.engines.http.thinking import Thinking
from judgefast.engines.remote.client import Client
from judgefast.engines.remote.defuse import Defuser
from judgefast.engines.remote.thread import WorkingLoop
from judgefast.engines.remote.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion
    from judgefast.engines.http.abilities import Abilities
    from judgefast.engines.http.detect import Found
    from judgefast.engines.http.options import HttpOptions
    from judgefast.engines.remote.options import Secret

_METRICS_SECONDS = 3.0


class Loop(WorkingLoop[PromptSender]):
    """The loop of the HTTP engine.

    Args:
        options: The settings.
        secret: The key.
        put: Takes completions, or the error that ends the engine; called in the loop's thread.

    """

    def __init__(
        self,
        options: HttpOptions,
        secret: Secret,
        put: Callable[[list[Completion] | Exception], None],
    ) -> None:
        self._options, self._secret = options, secret
        self._defuser: Defuser | None = None
        self._replies: Replies | None = None
        self._metrics: Metrics | None = None
        self._thinking: Thinking | None = None
        super().__init__("judgefast-http", Client(options, secret), put)

    def detect(self, named: str | None) -> Found:
        """Ask the servers what they are; waits for them."""
        return self.result(detect(self._client, self._options, self._secret, named))

    def begin(self, found: Found, expected: int | None) -> None:
        """Be ready for requests; so many are expected."""
        self.result(self._begin(found, expected))

    def list_size(self, abilities: Abilities) -> int:
        """Prompts in one request, where answers are short."""
        return self._options.list_size if abilities.lists or abilities.way == "sglang" else 1

    def is_streamed(self, abilities: Abilities) -> bool:
        """Whether long answers are asked for in lists, each taken when it ends."""
        wanted = {"auto": {"answers"}, "on": {"answers", "tokens"}, "off": set[str]()}
        return abilities.stream in wanted[self._options.stream]

    def take(self, requests: Sequence[Request], started: float, clock: float) -> None:
        """Queue requests."""
        jobs = [PromptJob(request, started, clock) for request in requests]
        self._loop.call_soon_threadsafe(self._admit, jobs)

    def counters(self) -> dict[str, int]:
        """Since the start: `resent`, `busy`, `defused`, `bounded`, `hedged`, `went_away`.

        And `unproven_lengths`, of prompts that may be longer than the judge's context; and
        `server_prompt_tokens`, `server_cached_tokens`, `server_completion_tokens` where the
        servers count them, for all their users: they are waited for.
        """
        return self._of_servers() | {
            "resent": self._sender.resending.count if self._sender else 0,
            "busy": self._sender.busy if self._sender else 0,
            "defused": self._defuser.count if self._defuser else 0,
            "bounded": self._replies.bounded if self._replies else 0,
            "unproven_lengths": self._sender.unproven if self._sender else 0,
            "hedged": self._sender.hedges.doubled if self._sender else 0,
            "went_away": sum(endpoint.went_away for endpoint in self._endpoints),
        }

    def _of_servers(self) -> dict[str, int]:
        if self._metrics is None or self._loop.is_closed():
            return {}
        asked = asyncio.run_coroutine_threadsafe(self._metrics.since(), self._loop)
        try:
            found = asked.result(_METRICS_SECONDS)
        except TimeoutError:
            return {}
        return {} if found is None else {f"server_{k}": v for k, v in found._asdict().items()}

    async def _begin(self, found: Found, expected: int | None) -> None:
        options, abilities = self._options, found.abilities
        self._defuser = Defuser(found.control_texts) if abilities.way == "chat" else None
        reasoning = found.model.reasoning if abilities.thinking else None
        self._thinking = None if reasoning is None else Thinking(reasoning)
        tokenizer = found.model.tokenizer
        self._replies = Replies(abilities, tokenizer=tokenizer, thinking=self._thinking)
        sender = PromptSender(
            client=self._client,
            endpoints=self._meet(options, step=options.list_size),
            waiting=Waiting[PromptJob](servers=len(options.base_urls)),
            bodies=Bodies(
                abilities,
                vocabulary=found.vocabulary,
                defuser=self._defuser,
                reasoning=reasoning,
            ),
            replies=self._replies,
            options=options,
            secret=self._secret,
            examiner=found.examiner,
            lists=Lists(
                self.list_size(abilities),
                is_streamed=self.is_streamed(abilities),
                expected=expected,
            ),
            context_tokens=found.model.context_tokens,
            put=self._put,
        )
        self._serve_by(sender, found.away)
        self._metrics = Metrics(self._client, options.base_urls)
        await self._metrics.begin()

    def _admit(self, jobs: list[PromptJob]) -> None:
        assert self._sender is not None  # begun
        if self._thinking is not None:
            for job in jobs:
                self._thinking.begin(job)
        self._sender.admit(jobs)
