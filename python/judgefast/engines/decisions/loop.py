"""What happens in the thread of the engine for decision servers, and the ways into it."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from judgefast.engines.decisions.examine import Bodies, Examiner
from judgefast.engines.decisions.found import orders_in_force
from judgefast.engines.decisions.jobs import Most, Part, Whole
from judgefast.engines.decisions.orders import asks_of, unsupported
from judgefast.engines.decisions.probe import Prober
from judgefast.engines.decisions.rates import Rates
from judgefast.engines.decisions.sender import PartSender
from judgefast.engines.decisions.tokens import Lengths
from judgefast.engines.remote.client import Client
from judgefast.engines.remote.defuse import Defuser
from judgefast.engines.remote.jobs import Job
from judgefast.engines.remote.thread import WorkingLoop
from judgefast.engines.remote.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion, ErrorKind
    from judgefast.engines.decisions.asked import Ask
    from judgefast.engines.decisions.found import Found
    from judgefast.engines.decisions.options import DecisionOptions
    from judgefast.engines.decisions.small import Small
    from judgefast.engines.remote.options import Secret
    from judgefast.prompts.questions import Question

MOST_QUESTIONS = 64
"""In one request, where nothing else is said or known."""


class _Unsent(NamedTuple):
    """A request that is not sent, and why."""

    job: Job
    kind: ErrorKind
    words: str


class Loop(WorkingLoop[PartSender]):
    """The loop of the engine for decision servers.

    Args:
        options: The settings.
        secret: The key.
        put: Takes completions, or the error that ends the engine; called in the loop's thread.

    """

    def __init__(
        self,
        options: DecisionOptions,
        secret: Secret,
        put: Callable[[list[Completion] | Exception], None],
    ) -> None:
        self._options, self._secret = options, secret
        self._asks: dict[tuple[Question, ...], list[list[Ask]]] = {}
        client = Client(options, secret)
        self._prober = Prober(client, options, secret)
        super().__init__("judgefast-decisions", client, put)

    def find(self, named: str | None) -> Found:
        """Ask the servers what they are; waits for them."""
        return self.result(self._prober.find(named))

    @property
    def small(self) -> Small:
        """What the engine has asked of its own."""
        return self._prober.small.sums

    def begin(self, found: Found) -> None:
        """Be ready for requests."""
        self.result(self._begin(found))

    def take(self, requests: Sequence[Request], started: float, clock: float) -> None:
        """Queue requests; they are measured here, where that holds up no reply."""
        measured = [self._measured(request, started, clock) for request in requests]
        self._loop.call_soon_threadsafe(self._take, measured)

    @property
    def room(self) -> int:
        """See :class:`WorkingLoop`; no more than the rates let out soon."""
        room = super().room
        return room if self._sender is None else int(min(room, self._sender.most_at_hand))

    def counters(self) -> dict[str, int]:
        """Since the start: `resent`, `busy`, `defused`, `dropped_tokens`, `other_model`.

        And `went_away`; `unchecked_lengths`, of requests of which nothing shows that they fit; and
        `unanswered`, what was sent and is in no completion: at the end it may be on a bill.
        """
        if self._sender is None:
            return {}
        return {
            "resent": self._sender.resending.count,
            "busy": self._sender.busy,
            "defused": self._defuser.count if self._defuser else 0,
            "dropped_tokens": self._sender.dropped,
            "other_model": self._sender.other_model,
            "unchecked_lengths": self._lengths.unchecked,
            "unanswered": self._sender.unanswered,
            "went_away": sum(endpoint.went_away for endpoint in self._endpoints),
        }

    async def _begin(self, found: Found) -> None:
        options, now, spoken = self._options, time.monotonic(), found.spoken
        self._found = found
        self._lengths = Lengths(
            found.limit, found.tokenizer, counts_each=spoken.quirks.usage_counts == "per_question"
        )
        self._defuser = Defuser(control_texts(found)) if is_defused(found) else None
        requests, tokens = rates_of(options, found)
        sender = PartSender(
            client=self._client,
            endpoints=self._meet(options),
            waiting=Waiting[Part](servers=len(options.base_urls)),
            bodies=Bodies(spoken),
            spoken=spoken,
            options=options,
            secret=self._secret,
            examiner=Examiner(self._prober, spoken),
            rates=Rates(requests_a_minute=requests, tokens_a_second=tokens, now=now),
            put=self._put,
        )
        self._serve_by(sender, found.away)

    def _take(self, measured: Sequence[Whole | _Unsent]) -> None:
        assert self._sender is not None  # begun
        for each in measured:
            if isinstance(each, Whole):
                self._sender.admit(each)
            else:
                self._sender.fail(*each)
        self._sender.pump()

    def _measured(self, request: Request, started: float, clock: float) -> Whole | _Unsent:
        """A request as it is sent, or why it is not."""
        assert request.prompt is not None  # an engine that takes a state
        spoken, questions = self._found.spoken, request.questions
        state = request.prompt.state()
        if self._defuser is not None:
            state = {slot: self._defuser(text) for slot, text in state.items()}
        job = Job(request, started, clock)
        for question in questions:
            if words := unsupported(question, spoken.dialect, spoken.quirks):
                return _Unsent(job, "unsupported", words)
        if words := self._lengths.too_long(state, questions):
            return _Unsent(job, "too_long", words)
        asks = self._asks.get(questions)
        if asks is None:
            wanted = orders_in_force(self._options, self._found)
            asks = self._asks[questions] = asks_of(questions, wanted, spoken.dialect)
        whole = Whole(request, state, asks)
        most = Most(
            questions_in_force(self._options, self._found),
            spoken.quirks.most_request_tokens,
            orders_apart=self._found.shows_all_questions,
        )
        whole.split(most, partial(self._lengths.guess, state), started, clock)
        return whole


def questions_in_force(options: DecisionOptions, found: Found) -> int:
    """Most questions in one request."""
    most = found.spoken.quirks.most_questions
    wanted = options.questions or MOST_QUESTIONS
    return wanted if most is None else min(wanted, most)


def rates_of(options: DecisionOptions, found: Found) -> tuple[float, float]:
    """Requests a minute and tokens a second; 0 for any number."""
    quirks = found.spoken.quirks
    known = (quirks.requests_a_minute, quirks.tokens_a_second)
    wanted = (options.requests_a_minute, options.tokens_a_second)
    requests, tokens = (
        (told or 0.0) if asked is None else asked for asked, told in zip(wanted, known, strict=True)
    )
    return requests, tokens


def is_defused(found: Found) -> bool:
    """Whether the server may read control tokens in a state."""
    return found.spoken.quirks.parses_control_tokens


def control_texts(found: Found) -> tuple[str, ...]:
    """Spellings of the judge's control tokens, where its tokenizer is known."""
    tokenizer = found.tokenizer
    if tokenizer is None:
        return ()
    return tuple(tokenizer.decode([token]) for token in sorted(tokenizer.control_ids))
