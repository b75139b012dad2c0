"""Keeps decision servers busy within their rates, and puts the parts of each request together."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, cast

from judgefast.engines.decisions.failures import GOOD, failure_of
from judgefast.engines.decisions.jobs import Part, Whole
from judgefast.engines.decisions.probe import refused
from judgefast.engines.decisions.unfit import UnfitReplyError
from judgefast.engines.remote.asked import Asked
from judgefast.engines.remote.sender import WORDS, Sender
from judgefast.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.engines.base import Completion, ErrorKind
    from judgefast.engines.decisions.asked import Failure
    from judgefast.engines.decisions.examine import Bodies, Examiner
    from judgefast.engines.decisions.found import Spoken
    from judgefast.engines.decisions.options import DecisionOptions
    from judgefast.engines.decisions.rates import Rates
    from judgefast.engines.remote.client import Client
    from judgefast.engines.remote.endpoints import Endpoint
    from judgefast.engines.remote.jobs import Job
    from judgefast.engines.remote.options import Secret
    from judgefast.engines.remote.unusable import NoReplyError
    from judgefast.engines.remote.waiting import Waiting
    from judgefast.engines.remote.wires import Reply

LOG = logging.getLogger("judgefast")

_TOO_MANY = 429
_OF_ALL = {401, 402, 429}
"""Refusals of a key, or of its account, whatever is asked."""
_MOST_SERVER_FAILURES = 2
"""How often a request is sent again of which a server has said that it failed over it."""
_REPLY_BYTES, _ANSWER_BYTES = 1 << 20, 1 << 16
_SHOWN = 60
"""Characters of a model's name that are told."""
_TICK = 0.002
_SOON_SECONDS = 2.0
"""What the rates let out in so long is held at hand: what waits longer here is held to be slow."""


class PartSender(Sender[Part, Asked[Part]]):
    """Sends the parts of requests one by one, and takes their answers."""

    def __init__(  # noqa: PLR0913 - its parts, by keyword
        self,
        *,
        client: Client,
        endpoints: Sequence[Endpoint],
        waiting: Waiting[Part],
        bodies: Bodies,
        spoken: Spoken,
        options: DecisionOptions,
        secret: Secret,
        examiner: Examiner,
        rates: Rates,
        put: Callable[[list[Completion] | Exception], None],
    ) -> None:
        super().__init__(
            client=client,
            endpoints=endpoints,
            waiting=waiting,
            together=1,
            bodies=bodies,
            options=options,
            secret=secret,
            examiner=examiner,
            hint="mend what it names; with --retry failed what was refused is asked again too",
            put=put,
        )
        self._bodies, self._spoken, self._rates = bodies, spoken, rates
        self._may_move = options.allow_moved
        self._answered = spoken.answered
        """Model that answers, as the server calls it; empty until one does."""
        self._wholes: dict[bytes, Whole] = {}
        self._requests = self._parts = 0
        """Requests that came, and the parts that they are split into."""
        self._timer: asyncio.TimerHandle | None = None
        self._held_until = 0.0
        """Monotonic; the rates allow nothing before."""
        self._is_excused = False
        """Whether the servers' silence until then was seen to be our doing."""
        self.dropped = 0
        """Tokens of states that servers have cut off, as far as they say so."""
        self.other_model = 0
        """Replies of another model than the one that answered at the start."""
        self._refused_replies = 0
        """Those among them that count for nothing."""

    def admit(self, whole: Whole) -> None:
        """Queue a request, in all its parts."""
        self._wholes[whole.request.request_id] = whole
        self._requests, self._parts = self._requests + 1, self._parts + len(whole.parts)
        self._waiting.add(whole.parts)

    def fail(self, job: Job, kind: ErrorKind, words: str) -> None:
        """Hand back a request that is not answered, and say it of the first few of a kind."""
        failed = job.failed(kind, words)
        self._done.add([job.whole.paid(failed) if isinstance(job, Part) else failed])
        self._told.failed(kind, words)

    @property
    def unanswered(self) -> int:
        """What was sent, may have to be paid, and is in no completion; for any thread to read."""
        begun = sum(bool(whole.usages) for whole in list(self._wholes.values()))
        return begun + self._refused_replies + sum(each.in_flight for each in self._endpoints)

    @property
    def most_at_hand(self) -> float:
        """Requests at the servers, what the rates let out soon, and one; for any thread to read."""
        parts = sum(endpoint.in_flight for endpoint in self._endpoints)
        soon = parts + self._rates.soon(_SOON_SECONDS)
        return 1 + soon * self._requests / self._parts if self._parts else 1 + soon

    async def close(self) -> None:
        """End all that is on its way."""
        if self._timer is not None:
            self._timer.cancel()
        await super().close()

    def _cancelled(self, request_ids: set[bytes]) -> list[Completion]:
        given_up = []
        for each in request_ids:
            if (whole := self._wholes.pop(each, None)) is not None:
                self._drop(whole)
                given_up.append(whole.paid(whole.parts[0].cancelled()))
        return given_up

    def _may_send(self, now: float) -> bool:
        """Whether the rates allow more; where they do not, come back when they do."""
        wait = self._rates.wait(now)
        if wait > 0 and self._timer is None:
            self._held_until, self._is_excused = now + wait, False
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(wait + _TICK, self._on_time)
            self._excuse(now)
        return wait <= 0

    def _on_time(self) -> None:
        self._timer = None
        self.pump()

    def _excuse(self, now: float) -> None:
        """Where nothing is on its way until the rates allow it: a server owes no word till then."""
        if self._timer is not None and not self._asked and not self._is_excused:
            self._is_excused = True
            self._health.waits(max(0.0, self._held_until - now))

    def _go_on(self) -> None:
        self._excuse(time.monotonic())
        super()._go_on()

    def _next(self, endpoint: Endpoint, room: int) -> list[Part]:
        del room
        return self._waiting.take(endpoint.place, lambda _: 1)

    def _send(self, endpoint: Endpoint, jobs: list[Part]) -> None:
        (part,) = jobs
        most = _REPLY_BYTES + _ANSWER_BYTES * len(part.asks)
        asked = Asked(endpoint, jobs)
        self._post(asked, self._bodies.body(jobs), most=most)
        self._rates.sent(part.guess, asked.started)
        self._is_excused = False

    def _see_to(self, asked: Asked[Part], reply: Reply | NoReplyError) -> None:
        self._forget(asked)  # it has come: what its request drops now are the others
        super()._see_to(asked, reply)

    def _no_reply(self, asked: Asked[Part], error: NoReplyError) -> None:
        asked.jobs[0].whole.unseen += error.was_sent
        super()._no_reply(asked, error)

    def _take(self, asked: Asked[Part], reply: Reply) -> None:
        """Take a reply; the last one of a request makes its completion."""
        endpoint, (part,) = asked.endpoint, asked.jobs
        if reply.status not in GOOD:
            self._refused(asked, failure_of(reply.status, reply.headers, reply.body))
            return
        try:
            read = self._spoken.dialect.read(part.asks, reply.body, self._spoken.quirks)
        except UnfitReplyError as error:
            part.whole.unseen += 1
            said = self._secret.scrub(str(error))[:WORDS]
            self._failed(asked, f"{endpoint.root} answered what is no answer: {said}")
            return
        now = self._worked(asked, 1)
        if read.usage.prompt_tokens is not None:
            self._rates.counted(part.guess, read.usage.prompt_tokens, now)
        model = self._secret.scrub(read.model)
        self._answered = self._answered or model
        if model and model != self._answered and not self._moved(endpoint, model):
            return
        whole = part.whole
        is_whole = whole.take(part, read, model, self._secret.scrub)
        if whole.dropped:
            self.dropped += whole.dropped
            self._give_up(part, "too_long", f"the server cut {whole.dropped:,} tokens")
        elif is_whole and self._is_awaited(whole):
            self._done.add([whole.completion()])

    def _moved(self, endpoint: Endpoint, model: str) -> bool:
        """Whether an answer of another model than the one of the start counts."""
        self.other_model += 1
        message = (
            f"{endpoint.root} answers by the model `{model[:_SHOWN]}` now; at the start it was "
            f"`{self._answered}`"
        )
        if not self._may_move:
            hint = (
                "name a model by --model that does not move; a run of its own is for the other "
                "one; --engine-arg allow_moved=true takes both for one judge"
            )
            self._refused_replies += 1
            self._ending.begin(EngineError(message, hint=hint))
        elif self.other_model == 1:
            LOG.warning("%s", message)
        return self._may_move

    def _refused(self, asked: Asked[Part], failure: Failure) -> None:
        endpoint, (part,) = asked.endpoint, asked.jobs
        words = self._secret.scrub(failure.words)[:WORDS]
        said = f"{endpoint.root} answered {failure.status}: {words}"
        if failure.kind in {"auth", "not_found"}:
            error = refused(endpoint.root, failure, words)
            if failure.status in _OF_ALL:
                self._ending.begin(error)
            else:  # a wall before a server may refuse a text like that, and other texts not
                self._doubts.of_refusal(endpoint, part, said, error)
        elif failure.kind == "busy":
            is_quota = failure.status == _TOO_MANY
            self._has_no_room(asked, said, failure.retry_seconds, is_quota=is_quota)
        elif failure.kind == "server":
            part.whole.unseen += 1
            part.server_failures += 1
            if part.server_failures > _MOST_SERVER_FAILURES:
                self._health.failed(endpoint, said)
                self._give_up(part, "engine_error", f"{said} ({part.server_failures} times)")
            else:
                self._failed(asked, said)
        else:
            endpoint.spoke(time.monotonic())
            more = _sizes(failure) or _fewer(failure, len(part.asks))
            self._give_up(part, cast("ErrorKind", failure.kind), said + more)
            if failure.kind != "too_long":
                self._doubts.refused(endpoint, part, said)

    def _give_up(self, job: Part, kind: ErrorKind, words: str) -> None:
        """Fail a whole request by one of its parts."""
        if self._is_awaited(job.whole):
            self._drop(job.whole)
            self.fail(job, kind, words)

    def _is_awaited(self, whole: Whole) -> bool:
        """Whether a request has no completion yet; it has one from now on."""
        return self._wholes.pop(whole.request.request_id, None) is not None

    def _drop(self, whole: Whole) -> None:
        """Send nothing more of a request, and wait for nothing: what that takes nobody will say."""
        whole.settle()
        whole.unseen += self._spare(self._asked.values())


def _fewer(failure: Failure, questions: int) -> str:
    """What to try where a server that is not known may take fewer questions at a time."""
    if failure.kind != "unsupported" or questions == 1:
        return ""
    at_a_time = f"--engine-arg questions={questions // 2}"
    return f" ({questions} questions were in the request; {at_a_time} puts fewer into one)"


def _sizes(failure: Failure) -> str:
    if failure.tokens is None or failure.limit is None:
        return ""
    return f" ({failure.tokens:,} tokens, and {failure.limit:,} may be)"
