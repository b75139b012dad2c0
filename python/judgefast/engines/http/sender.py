"""Keeps every server busy: takes what waits, sends it, and sees to what came back of it."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from judgefast.engines.http.asked import AskedPrompts
from judgefast.engines.http.hedges import Hedges
from judgefast.engines.http.statuses import is_too_long, next_of
from judgefast.engines.http.streams import Stream
from judgefast.engines.http.unusable import BadReplyError, CutPromptError
from judgefast.engines.remote.asked import longest_reply
from judgefast.engines.remote.doubts import Doubts
from judgefast.engines.remote.handover import HandOver
from judgefast.engines.remote.health import Health
from judgefast.engines.remote.resending import Resending
from judgefast.engines.remote.retries import Next, refusal, retry_after
from judgefast.engines.remote.unusable import NoReplyError
from judgefast.errors import ColumnError, EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.engines.base import Completion, ErrorKind
    from judgefast.engines.http.bodies import Bodies
    from judgefast.engines.http.examine import Examiner
    from judgefast.engines.http.jobs import PromptJob
    from judgefast.engines.http.lists import Lists
    from judgefast.engines.http.options import HttpOptions
    from judgefast.engines.http.replies import Replies
    from judgefast.engines.http.streams import Ended
    from judgefast.engines.remote.client import Client
    from judgefast.engines.remote.endpoints import Endpoint
    from judgefast.engines.remote.options import Secret
    from judgefast.engines.remote.waiting import Waiting
    from judgefast.engines.remote.wires import Reply

LOG = logging.getLogger("judgefast")

_OK = 200
_TOO_MANY = 429
_WORDS, _KIND = 300, 60
_SORT, _MOST_TOLD = 60, 5
_GRACE_SECONDS = 3.0


class Sender:
    """The work of the loop's thread. Nothing here is called from another one."""

    def __init__(  # noqa: PLR0913 - its parts, by keyword
        self,
        *,
        client: Client,
        endpoints: Sequence[Endpoint],
        waiting: Waiting[PromptJob],
        bodies: Bodies,
        replies: Replies,
        options: HttpOptions,
        secret: Secret,
        examiner: Examiner,
        lists: Lists,
        context_tokens: int | None,
        put: Callable[[list[Completion] | Exception], None],
    ) -> None:
        self._client, self._endpoints, self._waiting = client, endpoints, waiting
        self._bodies, self._replies = bodies, replies
        self._options, self._secret = options, secret
        self._lists, self._context = lists, context_tokens
        self._whole = 1
        """Prompts of a whole list, as those are that came last."""
        self._done = HandOver(put)
        self._asked: dict[int, AskedPrompts] = {}
        self.hedges = Hedges(options, endpoints, self._asked, self._double)
        self._health = Health(
            endpoints=endpoints,
            patience=options.patience_seconds,
            secret=secret,
            examiner=examiner,
            go_on=self.pump,
            end=self._end,
        )
        self._lost: EngineError | None = None
        self._is_over = False
        self._doubts = Doubts(
            client=client,
            bodies=bodies,
            examiner=examiner,
            secret=secret,
            give_up=self._give_up,
            wait=self._comes_back,
            go_on=self.pump,
            end=self._end,
        )
        self._said: set[str] = set()
        self.unproven = 0
        """Prompts that were sent in words and may be longer than the judge's context."""
        self.resending = Resending(
            waiting,
            most=options.max_retries,
            go_on=self.pump,
            give_up=self._give_up,
            doubt=self._doubts.of_prompt,
        )

    def admit(self, jobs: list[PromptJob]) -> None:
        """Queue requests; one that is surely too long is not sent."""
        fit = []
        for job in jobs:
            if words := job.too_long(self._context):
                self._settle([job], [job.failed("too_long", words)])
            else:
                fit.append(job)
                self.unproven += job.may_not_fit(self._context)
        self._lists.came(len(jobs))
        self._whole = self._lists.longest(jobs[0].decoding)
        self._waiting.add(fit)
        self.pump()

    def lost_sight_of(self, endpoint: Endpoint) -> None:
        """Begin with a server away; nothing is known of it."""
        endpoint.is_known = False
        self._health.failed(endpoint, "it was away at the start", is_gone=True)

    def pump(self) -> None:
        """Send what waits, as far as there is room."""
        sent = True
        while sent and len(self._waiting) and self._lost is None and not self._doubts.of_all:
            sent = False
            now = time.monotonic()
            for endpoint in self._endpoints:
                room = endpoint.room(now)
                if room < self._least_room(endpoint):
                    endpoint.window.full()
                    continue
                if self._is_worth_waiting(endpoint):
                    continue
                jobs = self._waiting.take(endpoint.place, partial(self._together, room))
                if jobs:
                    self._send(endpoint, jobs)
                    sent = True
        sizes = sum(endpoint.window.size for endpoint in self._endpoints)
        unkept = len(self._done) + sum(endpoint.in_flight for endpoint in self._endpoints)
        most = self._options.concurrency * len(self._endpoints)  # what a crash may cost
        if unkept > most or len(self._waiting) < self._lists.size + sizes // 8:
            self._done.soon()

    def cancel(self, request_ids: set[bytes]) -> None:
        """Give up on requests; a list goes on as long as anybody waits for one of its prompts."""
        given_up = []
        asked = list(self._asked.values())
        held = [*self.resending.pausing, self._doubts.jobs]
        chunks = [*(each.jobs for each in asked), *held]
        for job in [*chain.from_iterable(chunks), *self._waiting]:
            if job.request.request_id in request_ids and not job.is_settled:
                job.is_settled = True
                given_up.append(job.cancelled())
        for each in asked:
            self._spare(each)
        if given_up:
            self._done.add(given_up)
            self._done.soon()
            self._rest_if_idle()

    async def close(self) -> None:
        """End all that is on its way."""
        self._is_over, self._lost = True, EngineError("closed")
        self.resending.close()
        self.hedges.close()
        for asked in self._asked.values():
            asked.sent.cancel()
        self._doubts.close()
        await self._health.close()

    def _least_room(self, endpoint: Endpoint) -> int:
        """Places that a server must have free: those of a whole list, where they go in lists."""
        return min(self._whole, endpoint.window.size)

    def _is_worth_waiting(self, endpoint: Endpoint) -> bool:
        """Whether a busy server has enough to do until a whole list has come together."""
        is_few = len(self._waiting) < self._whole and self._whole > 1
        return is_few and endpoint.in_flight > max(self._whole, endpoint.window.size // 2)

    def _together(self, room: int, job: PromptJob) -> int:
        """How many prompts go in a request that begins with this one."""
        up = sum(endpoint.is_up for endpoint in self._endpoints) or 1
        most = self._lists.most(job.decoding, waiting=len(self._waiting), servers=up)
        return min(most, room)

    def _send(
        self, endpoint: Endpoint, jobs: list[PromptJob], twin: AskedPrompts | None = None
    ) -> None:
        is_streamed = self._lists.streams(jobs[0].decoding, len(jobs))
        try:
            body = self._bodies.body(jobs, is_streamed=is_streamed)
        except ColumnError as error:
            self.resending.halve(jobs, f"this prompt cannot be sent: {error}")
            return
        asked = AskedPrompts(endpoint, jobs, Stream(jobs, self._replies) if is_streamed else None)
        asked.sent = self._client.send(
            endpoint.root + self._bodies.path,
            body,
            most=longest_reply(jobs),
            done=partial(self._came, asked),
            part=partial(self._part, asked) if is_streamed else None,
        )
        endpoint.in_flight += len(jobs)
        self._asked[id(asked)] = asked
        self.hedges.sent(len(jobs))
        if twin is not None:
            asked.twin, twin.twin = twin, asked

    def _double(self, asked: AskedPrompts, endpoint: Endpoint) -> None:
        """Ask another server as well; the first answer to each prompt counts."""
        self._send(endpoint, [job for job in asked.jobs if not job.is_settled], asked)

    def _part(self, asked: AskedPrompts, data: bytes) -> None:
        """Take what has ended of a stream, and go on with the rest."""
        assert asked.stream is not None  # nothing else comes in parts
        if ended := asked.stream.feed(data):
            self._ended(asked, ended)
            self.pump()

    def _ended(self, asked: AskedPrompts, ended: Ended) -> None:
        for job, _ in ended:
            asked.jobs.remove(job)
        asked.endpoint.in_flight -= len(ended)
        self._worked(asked, [job for job, _ in ended], [completion for _, completion in ended])

    def _came(self, asked: AskedPrompts, reply: Reply | NoReplyError) -> None:
        """See to what came of a request."""
        if id(asked) not in self._asked:  # given up as its answer came
            return
        try:
            if asked.stream is not None:
                if ended := asked.stream.end(reply):
                    self._ended(asked, ended)
                reply = asked.stream.instead_of(reply)
            if not asked.jobs:
                return
            if isinstance(reply, NoReplyError):
                self._no_reply(asked, reply)
            else:
                self._take(asked, reply)
        finally:
            self._left(asked)

    def _left(self, asked: AskedPrompts) -> None:
        """Go on where a request has ended."""
        if self._asked.pop(id(asked), None) is None:  # given up as its answer came
            return
        asked.endpoint.in_flight -= len(asked.jobs)
        if asked.twin is not None:
            asked.twin.twin = None
        if self._lost is None:
            self.pump()
            self._rest_if_idle()
        elif not any(each.in_flight for each in self._endpoints):
            self._over()
        else:
            self._done.soon()

    def _rest_if_idle(self) -> None:
        """Note that nobody waits for anything: then a server's silence says nothing."""
        is_held = self._asked or self.resending.pausing or self._doubts.jobs
        if not is_held and all(job.is_settled for job in self._waiting):
            self._health.rest()

    def _spare(self, asked: AskedPrompts) -> None:
        """Give up a request that nobody waits for any more."""
        if asked.is_settled:
            asked.sent.cancel()
            self._left(asked)

    def _take(self, asked: AskedPrompts, reply: Reply) -> None:
        endpoint, jobs = asked.endpoint, asked.jobs
        if reply.status != _OK:
            self._refused(asked, reply)
            return
        try:
            if asked.stream is not None:
                asked.stream.check()
            completions = self._replies.read(jobs, reply.body)
        except BadReplyError as error:
            kind = self._secret.scrub(reply.headers.get("Content-Type", "no content type"))
            why = self._secret.scrub(str(error))
            words = f"{endpoint.root} answered what is no answer ({kind[:_KIND]}): {why[:_WORDS]}"
            self._health.failed(endpoint, words)
            if asked.twin is None:
                self.resending.again(jobs, words, singly=True)
            return
        except CutPromptError as error:
            if asked.twin is None:
                self._settle(jobs, [job.failed("too_long", str(error)) for job in jobs])
            return
        self._worked(asked, jobs, completions)
        if not completions and self._lost is None:  # it has thought; its prompt is there in a cache
            self._send(endpoint, list(jobs))

    def _worked(
        self, asked: AskedPrompts, jobs: list[PromptJob], completions: list[Completion]
    ) -> None:
        """Take answers, and end the twin of a request whose prompts all have one."""
        self._doubts.passed()
        now = time.monotonic()
        asked.endpoint.worked(len(jobs), now - asked.started, now)
        self.hedges.answered(now - asked.started)
        if completions:
            self._settle(jobs, completions)
        if asked.twin is not None:
            self._spare(asked.twin)

    def _refused(self, asked: AskedPrompts, reply: Reply) -> None:
        endpoint = asked.endpoint
        words = self._secret.scrub(reply.words)
        said = f"{endpoint.root} answered {reply.status}: {words[:_WORDS]}"
        step = next_of(reply.status, words)
        if step is Next.STOP:
            self._end(refusal(endpoint.root, reply.status, words))
            return
        wait = retry_after(reply.headers, time.time()) if step is Next.LATER else None
        if step is Next.LATER:
            self._health.has_no_room(endpoint, wait, said)
        elif step is Next.AGAIN:
            self._health.failed(endpoint, said)
        if asked.twin is not None:  # the other server has the same prompts, and may answer
            return
        jobs = asked.jobs
        if step is Next.LATER:
            self.resending.put_off(endpoint, jobs, said, wait, is_quota=reply.status == _TOO_MANY)
        elif step is Next.AGAIN:
            self.resending.again(jobs, said)
        elif len(jobs) > 1:
            self.resending.halve(jobs, said)
        else:
            endpoint.spoke(time.monotonic())
            if step is Next.WITHHELD:
                self._settle(jobs, [jobs[0].answered(text="", finish_reason="refused")])
            elif is_too_long(reply.status, words):
                self._give_up(jobs[0], "too_long", said)
            else:
                self._give_up(jobs[0], "engine_error", said)
                self._doubts.refused(endpoint, jobs[0], said)

    def _give_up(self, job: PromptJob, kind: ErrorKind, words: str) -> None:
        """Fail a request, and say it of the first few of a kind."""
        self._settle([job], [job.failed(kind, words)])
        sort = f"{kind} {words[:_SORT]}"
        if sort not in self._said and len(self._said) < _MOST_TOLD:
            self._said.add(sort)
            LOG.warning("a request failed (%s): %s", kind, words)

    def _no_reply(self, asked: AskedPrompts, error: NoReplyError) -> None:
        endpoint, jobs = asked.endpoint, asked.jobs
        words = self._secret.scrub(str(error))
        if not error.was_sent:
            self._health.failed(endpoint, words, is_gone=True)
            if asked.twin is None:
                self.resending.at_once(jobs)
            return
        since = asked.started if error.is_timeout else None
        self._health.failed(endpoint, words, waited_since=since)
        if asked.twin is None:
            kind: ErrorKind = "timeout" if error.is_timeout else "engine_error"
            self.resending.again(jobs, words, kind=kind)

    def _comes_back(self, job: PromptJob) -> None:
        self._waiting.add_first([job])

    def _settle(self, jobs: Sequence[PromptJob], completions: list[Completion]) -> None:
        """Hand completions on, but for those that nobody waits for any more."""
        kept = []
        for job, completion in zip(jobs, completions, strict=True):
            if not job.is_settled:
                job.is_settled = True
                kept.append(completion)
        if kept:
            self._done.add(kept)

    def _end(self, error: EngineError) -> None:
        """Send nothing more; what is on its way may still be answered, if it is soon."""
        if self._lost is None:
            self._lost = error
            asyncio.get_running_loop().call_later(_GRACE_SECONDS, self._over)

    def _over(self) -> None:
        if not self._is_over and self._lost is not None:
            self._is_over = True
            self._done.flush()
            self._done.put(self._lost)
