"""Keeps every server busy within its rates, and sees to what came back of each request."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from judgefast.engines.decisions.examine import GOOD
from judgefast.engines.decisions.failures import failure_of
from judgefast.engines.decisions.jobs import Part, Whole
from judgefast.engines.decisions.probe import refused
from judgefast.engines.decisions.unfit import UnfitReplyError
from judgefast.engines.remote.doubts import Doubts
from judgefast.engines.remote.handover import HandOver
from judgefast.engines.remote.health import Health
from judgefast.engines.remote.resending import Resending
from judgefast.engines.remote.unusable import NoReplyError
from judgefast.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.engines.base import Completion, ErrorKind
    from judgefast.engines.decisions.asked import Failure
    from judgefast.engines.decisions.examine import Bodies, Examiner
    from judgefast.engines.decisions.found import Spoken
    from judgefast.engines.decisions.options import DecisionOptions
    from judgefast.engines.decisions.rates import Rates
    from judgefast.engines.remote.client import Client, OnItsWay
    from judgefast.engines.remote.endpoints import Endpoint
    from judgefast.engines.remote.jobs import Job
    from judgefast.engines.remote.options import Secret
    from judgefast.engines.remote.waiting import Waiting
    from judgefast.engines.remote.wires import Reply

LOG = logging.getLogger("judgefast")

_TOO_MANY = 429
_OF_ALL = {401, 402, 429}
"""Refusals of a key, or of its account, whatever is asked."""
_MOST_SERVER_FAILURES = 2
"""How often a request is sent again of which a server has said that it failed over it."""
_REPLY_BYTES, _ANSWER_BYTES = 1 << 20, 1 << 16
_WORDS, _SORT, _MOST_TOLD = 300, 60, 5
_TICK = 0.002
_GRACE_SECONDS = 3.0


class _Asked(NamedTuple):
    endpoint: Endpoint
    part: Part
    sent: OnItsWay
    started: float


class Sender:
    """The work of the loop's thread. Nothing here is called from another one."""

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
        self._client, self._endpoints, self._waiting = client, endpoints, waiting
        self._bodies, self._spoken, self._rates = bodies, spoken, rates
        self._options, self._secret = options, secret
        self._done = HandOver(put)
        self._asked: dict[Part, _Asked] = {}
        self._wholes: dict[bytes, Whole] = {}
        self._lost: EngineError | None = None
        self._is_over = False
        self._timer: asyncio.TimerHandle | None = None
        self._said: set[str] = set()
        self.dropped = 0
        """Tokens of states that servers have cut off, as far as they say so."""
        self.other_model = 0
        """Replies of another model than the one that answered at the start."""
        self._health = Health(
            endpoints=endpoints,
            patience=options.patience_seconds,
            secret=secret,
            examiner=examiner,
            go_on=self.pump,
            end=self._end,
        )
        self._doubts = Doubts(
            client=client,
            bodies=bodies,
            examiner=examiner,
            secret=secret,
            give_up=self._give_up,
            wait=lambda job: self._waiting.add_first([job]),
            go_on=self.pump,
            end=self._end,
            hint="mend what it names; with --retry failed what was refused is asked again too",
        )
        self.resending = Resending(
            waiting,
            most=options.max_retries,
            go_on=self.pump,
            give_up=self._give_up,
            doubt=self._doubts.of_prompt,
        )

    def admit(self, whole: Whole) -> None:
        """Queue a request, in all its parts."""
        self._wholes[whole.request.request_id] = whole
        self._waiting.add(whole.parts)

    def fail(self, job: Job, kind: ErrorKind, words: str) -> None:
        """Hand back a request that is not answered, and say it of the first few of a kind."""
        failed = job.failed(kind, words)
        self._done.add([job.whole.paid(failed) if isinstance(job, Part) else failed])
        sort = f"{kind} {words[:_SORT]}"
        if sort not in self._said and len(self._said) < _MOST_TOLD:
            self._said.add(sort)
            LOG.warning("a request failed (%s): %s", kind, words)

    def lost_sight_of(self, endpoint: Endpoint) -> None:
        """Begin with a server away; nothing is known of it."""
        endpoint.is_known = False
        self._health.failed(endpoint, "it was away at the start", is_gone=True)

    def pump(self) -> None:
        """Send what waits, as far as there is room and the rates allow."""
        sent = True
        while sent and len(self._waiting) and self._lost is None and not self._doubts.of_all:
            sent = False
            for endpoint in self._endpoints:
                now = time.monotonic()
                if endpoint.room(now) < 1:
                    endpoint.window.full()
                elif (wait := self._rates.wait(now)) > 0:
                    self._later(wait)
                    break
                elif jobs := self._waiting.take(endpoint.place, lambda _: 1):
                    self._send(endpoint, jobs[0], now)
                    sent = True
        sizes = sum(endpoint.window.size for endpoint in self._endpoints)
        unkept = len(self._done) + len(self._asked)
        most = self._options.concurrency * len(self._endpoints)  # what a crash may cost
        if unkept > most or len(self._waiting) < 1 + sizes // 8:
            self._done.soon()

    def cancel(self, request_ids: set[bytes]) -> None:
        """Give up on requests."""
        wholes = [whole for each in request_ids if (whole := self._wholes.get(each)) is not None]
        for whole in wholes:
            self._drop(whole)
            self._settle(whole, whole.paid(whole.parts[0].cancelled()))
        self._done.soon()
        self._go_on()

    async def close(self) -> None:
        """End all that is on its way."""
        self._is_over, self._lost = True, EngineError("closed")
        self.resending.close()
        if self._timer is not None:
            self._timer.cancel()
        for asked in self._asked.values():
            asked.sent.cancel()
        self._doubts.close()
        await self._health.close()

    def _later(self, seconds: float) -> None:
        """Come back when the rates allow more; that the servers say nothing then is our doing."""
        if self._timer is None:
            if not self._asked:
                self._health.waits(seconds)
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(seconds + _TICK, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        self.pump()

    def _send(self, endpoint: Endpoint, part: Part, now: float) -> None:
        sent = self._client.send(
            endpoint.root + self._bodies.path,
            self._bodies.body([part]),
            most=_REPLY_BYTES + _ANSWER_BYTES * len(part.asks),
            done=partial(self._came, part),
        )
        endpoint.in_flight += 1
        self._asked[part] = _Asked(endpoint, part, sent, now)
        self._rates.sent(part.guess, now)

    def _came(self, part: Part, reply: Reply | NoReplyError) -> None:
        """See to what came of a request."""
        asked = self._asked.pop(part, None)
        if asked is None:  # given up as its reply came
            return
        asked.endpoint.in_flight -= 1
        if isinstance(reply, NoReplyError):
            self._no_reply(asked, reply)
        elif reply.status in GOOD:
            self._take(asked, reply)
        else:
            self._failed(asked, failure_of(reply.status, reply.headers, reply.body))
        self._go_on()

    def _go_on(self) -> None:
        """Send more where a request has ended, or end where nothing is sent any more."""
        if self._lost is None:
            self.pump()
            is_held = self._asked or self.resending.pausing or self._doubts.jobs
            if not is_held and all(job.is_settled for job in self._waiting):
                self._health.rest()
        elif not self._asked:
            self._over()
        else:
            self._done.soon()

    def _take(self, asked: _Asked, reply: Reply) -> None:
        """Take a reply; the last one of a request makes its completion."""
        endpoint, part = asked.endpoint, asked.part
        try:
            read = self._spoken.dialect.read(part.asks, reply.body, self._spoken.quirks)
        except UnfitReplyError as error:
            said = self._secret.scrub(str(error))[:_WORDS]
            words = f"{endpoint.root} answered what is no answer: {said}"
            part.whole.unseen += 1
            self._health.failed(endpoint, words)
            self.resending.again([part], words)
            return
        now = time.monotonic()
        self._doubts.passed()
        endpoint.worked(1, now - asked.started, now)
        if read.usage.prompt_tokens is not None:
            self._rates.counted(part.guess, read.usage.prompt_tokens, now)
        model = self._secret.scrub(read.model)
        if model and model != self._spoken.answered and not self._moved(endpoint, model):
            return
        whole = part.whole
        is_whole = whole.take(part, read, model, self._secret.scrub)
        if whole.dropped:
            self.dropped += whole.dropped
            self._give_up(part, "too_long", f"the server cut {whole.dropped:,} tokens")
        elif is_whole:
            self._settle(whole, whole.completion())

    def _moved(self, endpoint: Endpoint, model: str) -> bool:
        """Whether an answer of another model than the one of the start counts."""
        self.other_model += 1
        message = (
            f"{endpoint.root} answers by the model `{model[:_SORT]}` now; at the start it was "
            f"`{self._spoken.answered}`"
        )
        if not self._options.allow_moved:
            hint = (
                "name a model by --model that does not move; a run of its own is for the other "
                "one; --engine-arg allow_moved=true takes both for one judge"
            )
            self._end(EngineError(message, hint=hint))
        elif self.other_model == 1:
            LOG.warning("%s", message)
        return self._options.allow_moved

    def _failed(self, asked: _Asked, failure: Failure) -> None:
        endpoint, part = asked.endpoint, asked.part
        words = self._secret.scrub(failure.words)[:_WORDS]
        said = f"{endpoint.root} answered {failure.status}: {words}"
        if failure.kind in {"auth", "not_found"}:
            error = refused(endpoint.root, failure, words)
            if failure.status in _OF_ALL:
                self._end(error)
            else:  # a wall before a server may refuse a text like that, and other texts not
                self._doubts.of_refusal(endpoint, part, said, error)
        elif failure.kind == "busy":
            wait = failure.retry_seconds
            self._health.has_no_room(endpoint, wait, said)
            is_quota = failure.status == _TOO_MANY
            self.resending.put_off(endpoint, [part], said, wait, is_quota=is_quota)
        elif failure.kind == "server":
            part.whole.unseen += 1
            self._health.failed(endpoint, said)
            part.server_failures += 1
            if part.server_failures > _MOST_SERVER_FAILURES:
                self._give_up(part, "engine_error", f"{said} ({part.server_failures} times)")
            else:
                self.resending.again([part], said)
        else:
            endpoint.spoke(time.monotonic())
            self._give_up(part, cast("ErrorKind", failure.kind), said + _sizes(failure))
            if failure.kind != "too_long":
                self._doubts.refused(endpoint, part, said)

    def _no_reply(self, asked: _Asked, error: NoReplyError) -> None:
        endpoint, part = asked.endpoint, asked.part
        words = self._secret.scrub(str(error))
        if not error.was_sent:
            self._health.failed(endpoint, words, is_gone=True)
            self.resending.at_once([part])
            return
        part.whole.unseen += 1
        since = asked.started if error.is_timeout else None
        self._health.failed(endpoint, words, waited_since=since)
        kind: ErrorKind = "timeout" if error.is_timeout else "engine_error"
        self.resending.again([part], words, kind=kind)

    def _give_up(self, part: Part, kind: ErrorKind, words: str) -> None:
        """Fail a whole request by one of its parts."""
        if self._wholes.pop(part.request.request_id, None) is not None:
            self._drop(part.whole)
            self.fail(part, kind, words)

    def _settle(self, whole: Whole, completion: Completion) -> None:
        if self._wholes.pop(whole.request.request_id, None) is not None:
            self._drop(whole)
            self._done.add([completion])

    def _drop(self, whole: Whole) -> None:
        """Send nothing more of a request, and wait for nothing."""
        whole.settle()
        for part in whole.parts:
            if (asked := self._asked.pop(part, None)) is not None:
                whole.unseen += 1
                asked.sent.cancel()
                asked.endpoint.in_flight -= 1

    def _end(self, error: EngineError) -> None:
        """Send nothing more; what is on its way may still be answered, if it is soon."""
        if self._lost is None:
            self._lost = error
            seconds = _GRACE_SECONDS if self._asked else 0.0
            asyncio.get_running_loop().call_later(seconds, self._over)

    def _over(self) -> None:
        if not self._is_over and self._lost is not None:
            self._is_over = True
            self._done.flush()
            self._done.put(self._lost)


def _sizes(failure: Failure) -> str:
    if failure.tokens is None or failure.limit is None:
        return ""
    return f" ({failure.tokens:,} tokens, and {failure.limit:,} may be)"
