"""What the loop holds of each request: one state, its questions, and the requests they go in."""

from __future__ import annotations

import math
import time
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from judgefast.engines.base import Completion
from judgefast.engines.decisions.asked import Kept, kept_text
from judgefast.engines.decisions.lenient import count
from judgefast.engines.decisions.orders import put_of, read_of
from judgefast.engines.remote.jobs import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from judgefast.batches.request import Request
    from judgefast.engines.decisions.asked import Answer, Ask, Reply, Usage


class Most(NamedTuple):
    """What one request may hold."""

    questions: int
    tokens: float | None = None
    """Of the state and all its questions; None: no limit is known."""
    orders_apart: bool = False
    """A model may be shown all questions in one prompt: two orders of one question may not meet
    there, for what it said to the first is no measure of what it would say to the second."""


class Whole:
    """One request that was submitted, over all the requests that it is split into.

    Args:
        request: It.
        state: Its texts by slot, as they are sent.
        asks: By question, each of its orders.

    """

    __slots__ = ("answers", "asks", "model", "parts", "request", "state", "unseen", "usages")

    def __init__(
        self, request: Request, state: Mapping[str, str], asks: Sequence[Sequence[Ask]]
    ) -> None:
        self.request, self.state, self.asks = request, state, asks
        self.parts: list[Part] = []
        self.answers: dict[str, Answer] = {}
        """By id, as far as they have come."""
        self.usages: list[Usage] = []
        self.model = ""
        """That has answered, as the server calls it."""
        self.unseen = 0
        """How often something of it was sent, and nobody said what that took."""

    def split(
        self, most: Most, guess: Callable[[Sequence[Ask]], float], started: float, clock: float
    ) -> list[Part]:
        """Make requests that hold no more than they may, all about the same state.

        Args:
            most: In one of them; one question is always sent.
            guess: Tokens of the state and such questions, about.
            started: Unix time.
            clock: Monotonic time of the same moment.

        """
        groups = [[ask for asks in self.asks for ask in asks]]
        if most.orders_apart:
            columns = zip_longest(*self.asks)
            groups = [[ask for ask in column if ask is not None] for column in columns]
        chunks = [chunk for group in groups for chunk in _chunks(group, most, guess)]
        self.parts = [Part(self, chunk, guess(chunk), started, clock) for chunk in chunks]
        return self.parts

    def settle(self) -> None:
        """Drop whatever still comes."""
        for part in self.parts:
            part.is_settled = True

    def take(self, part: Part, reply: Reply, model: str, scrub: Callable[[str], str]) -> bool:
        """Take the answers of one request; whether all are there now.

        Args:
            part: The request.
            reply: Its reply.
            model: That has answered.
            scrub: Takes out of a server's words what is secret: they are kept.

        """
        part.is_settled = True
        for ask, answer in zip(part.asks, reply.answers, strict=True):
            words = scrub(answer.words) if answer.words else ""
            self.answers[ask.id] = msgspec.structs.replace(answer, words=words)
        self.usages.append(reply.usage)
        self.model = model or self.model
        return all(each.is_settled for each in self.parts)

    @property
    def dropped(self) -> int:
        """Tokens of the state that a server has cut off."""
        return max((usage.dropped_tokens for usage in self.usages), default=0)

    def paid(self, failed: Completion) -> Completion:
        """A failure with what the replies took that came before it: they are on the bill."""
        if not self.usages and not self.unseen:
            return failed
        kept = Kept(
            self.model,
            (),
            usd=_sum(usage.usd for usage in self.usages) if self.usages else None,
            unseen=self.unseen,
        )
        return msgspec.structs.replace(
            failed,
            text=kept_text(kept),
            prompt_tokens=_count(usage.prompt_tokens for usage in self.usages)
            if self.usages
            else None,
        )

    def completion(self) -> Completion:
        """What all answers come to."""
        by_question = [[self.answers[ask.id] for ask in asks] for asks in self.asks]
        questions = self.request.questions
        reads = [
            read_of(place, question, answers)
            for place, (question, answers) in enumerate(zip(questions, by_question, strict=True))
        ]
        kept = Kept(
            model=self.model,
            questions=tuple(
                tuple(map(put_of, asks, answers))
                for asks, answers in zip(self.asks, by_question, strict=True)
            ),
            usd=_sum(usage.usd for usage in self.usages),
            unseen=self.unseen,
        )
        first = self.parts[0]
        return Completion(
            request_id=self.request.request_id,
            attempt=self.request.attempt,
            lane=0,
            text=kept_text(kept),
            finish_reason="stop" if any(read.logprobs for read in reads) else "refused",
            answers=tuple(reads),
            started=first.started,
            wall_seconds=time.monotonic() - first.clock,
            prompt_tokens=_count(usage.prompt_tokens for usage in self.usages),
            cached_tokens=_count(usage.cached_tokens for usage in self.usages),
            completion_tokens=_count(usage.completion_tokens for usage in self.usages),
        )


def _chunks(
    asks: Sequence[Ask], most: Most, guess: Callable[[Sequence[Ask]], float]
) -> list[list[Ask]]:
    """As many questions to a request as it may hold, in their order."""
    room = math.inf
    if most.tokens is not None and guess(asks) > most.tokens:
        room = most.tokens
    chunks: list[list[Ask]] = []
    for ask in asks:
        here = chunks[-1] if chunks else []
        is_full = not here or len(here) == most.questions
        if is_full or (room < math.inf and guess([*here, ask]) > room):
            chunks.append([ask])
        else:
            here.append(ask)
    return chunks


class Part(Job):
    """One request to a server: some questions about the state of a whole."""

    __slots__ = ("asks", "guess", "server_failures", "whole")

    def __init__(
        self, whole: Whole, asks: Sequence[Ask], guess: float, started: float, clock: float
    ) -> None:
        super().__init__(whole.request, started, clock)
        self.whole, self.asks = whole, asks
        self.guess = guess
        """Its tokens, about."""
        self.server_failures = 0
        """How often the server has failed over it."""


def _sum(values: Iterable[float | None]) -> float | None:
    """The sum; None where one is not known."""
    found = list(values)
    known = [each for each in found if each is not None]
    return sum(known) if len(known) == len(found) else None


def _count(values: Iterable[int | None]) -> int | None:
    return count(_sum(values))
