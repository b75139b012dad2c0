"""Keeps every server busy: takes what waits, sends it, and sees to what came back of it."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from judgefast.engines.http.handover import HandOver
from judgefast.engines.http.health import Health
from judgefast.engines.http.look import refusal
from judgefast.engines.http.resending import Resending
from judgefast.engines.http.retries import Next, is_too_long, next_of, retry_after
from judgefast.engines.http.unusable import BadReplyError, CutPromptError, NoReplyError
from judgefast.engines.http.wires import Reply
from judgefast.errors import ColumnError, EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.engines.base import Completion, ErrorKind
    from judgefast.engines.http.bodies import Bodies
    from judgefast.engines.http.client import Client, OnItsWay
    from judgefast.engines.http.endpoints import Endpoint
    from judgefast.engines.http.examine import Examiner
    from judgefast.engines.http.jobs import Job
    from judgefast.engines.http.options import HttpOptions, Secret
    from judgefast.engines.http.replies import Replies
    from judgefast.engines.http.waiting import Waiting

LOG = logging.getLogger("judgefast")

SHORT_ANSWER = 16
"""Tokens up to which prompts go in lists: a list is answered when its slowest is."""

_OK = 200
_TOO_MANY = 429
_WORDS, _KIND = 300, 60
_SORT, _MOST_TOLD = 60, 5
_MANY_REFUSED = 8
"""Prompts refused in a row, after which a small question shows whether any would be taken."""
_GRACE_SECONDS = 3.0
_REPLY_BYTES, _ANSWER_BYTES, _TOKEN_BYTES = 1 << 20, 1 << 16, 1 << 12
"""Bytes for a reply, each answer in it, each token of that: likeliest tokens take many."""


class Sender:
    """The work of the loop's thread. Nothing here is called from another one."""

    def __init__(  # noqa: PLR0913 - its parts, by keyword
        self,
        *,
        client: Client,
        endpoints: Sequence[Endpoint],
        waiting: Waiting,
        bodies: Bodies,
        replies: Replies,
        options: HttpOptions,
        secret: Secret,
        examiner: Examiner,
        list_size: int,
        context_tokens: int | None,
        put: Callable[[list[Completion] | Exception], None],
    ) -> None:
        self._client, self._endpoints, self._waiting = client, endpoints, waiting
        self._bodies, self._replies = bodies, replies
        self._options, self._secret, self._examiner = options, secret, examiner
        self._list_size, self._context = list_size, context_tokens
        self._done = HandOver(put)
        self._asked: dict[int, tuple[OnItsWay, Endpoint, list[Job]]] = {}
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
        self._refused_in_row, self._most_refused = 0, _MANY_REFUSED
        self._question: OnItsWay | None = None
        self._said: set[str] = set()
        self._has_short_answers = False
        self.resending = Resending(
            waiting,
            most=options.max_retries,
            go_on=self.pump,
            give_up=self._give_up,
            doubt=self._doubt,
        )
        self._doubted: dict[int, tuple[OnItsWay, list[Job]]] = {}

    def admit(self, jobs: list[Job]) -> None:
        """Queue requests; one that is surely too long is not sent."""
        fit = []
        for job in jobs:
            if words := self._too_long(job):
                self._settle([job], [job.failed("too_long", words)])
            else:
                fit.append(job)
        self._has_short_answers = _is_short(jobs[0])
        self._waiting.add(fit)
        self.pump()

    def lost_sight_of(self, endpoint: Endpoint) -> None:
        """Begin with a server away; nothing is known of it."""
        endpoint.is_known = False
        self._health.failed(endpoint, "it was away at the start", is_gone=True)

    def pump(self) -> None:
        """Send what waits, as far as there is room."""
        sent = True
        while sent and len(self._waiting) and self._lost is None and self._question is None:
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
        if unkept > most or len(self._waiting) < self._list_size + sizes // 8:
            self._done.soon()

    def cancel(self, request_ids: set[bytes]) -> None:
        """Give up on requests; a list goes on as long as anybody waits for one of its prompts."""
        given_up = []
        asked = list(self._asked.values())
        doubted = [jobs for _, jobs in self._doubted.values()]
        chunks = [*(each[2] for each in asked), *self.resending.pausing, *doubted]
        for job in [*chain.from_iterable(chunks), *self._waiting]:
            if job.request.request_id in request_ids and not job.is_settled:
                job.is_settled = True
                given_up.append(job.cancelled())
        for sent, endpoint, chunk in asked:
            if all(job.is_settled for job in chunk):
                sent.cancel()
                self._left(endpoint, chunk)
        if given_up:
            self._done.add(given_up)
            self._done.soon()

    async def close(self) -> None:
        """End all that is on its way."""
        self._is_over, self._lost = True, EngineError("closed")
        self.resending.close()
        for sent, _, _ in self._asked.values():
            sent.cancel()
        for sent, _ in self._doubted.values():
            sent.cancel()
        if self._question is not None:
            self._question.cancel()
        await self._health.close()

    def _too_long(self, job: Job) -> str:
        """Why a prompt cannot fit; empty where it may. A word is at least one token."""
        prompt = job.request.prompt
        if self._context is None or prompt is None:
            return ""
        least = len(prompt.text.split()) if job.ids is None else len(job.ids)
        room = self._context - job.request.decoding.max_tokens
        if least <= room:
            return ""
        unit = "words" if job.ids is None else "tokens"
        return f"the prompt has {least:,} {unit}, and the judge has room for {room:,} tokens"

    def _least_room(self, endpoint: Endpoint) -> int:
        """Places that a server must have free: those of a whole list, where they go in lists."""
        return min(self._list_size, endpoint.window.size) if self._has_short_answers else 1

    def _is_worth_waiting(self, endpoint: Endpoint) -> bool:
        """Whether a busy server has enough to do until a whole list has come together."""
        few = len(self._waiting) < self._list_size and self._has_short_answers
        return few and endpoint.in_flight > max(self._list_size, endpoint.window.size // 2)

    def _together(self, room: int, job: Job) -> int:
        """How many prompts go in a request that begins with this one."""
        if not _is_short(job):
            return 1
        up = sum(endpoint.is_up for endpoint in self._endpoints) or 1
        return min(self._list_size, room, max(1, -(-len(self._waiting) // up)))

    def _send(self, endpoint: Endpoint, jobs: list[Job]) -> None:
        try:
            body = self._bodies.body(jobs)
        except ColumnError as error:
            self.resending.halve(jobs, f"this prompt cannot be sent: {error}")
            return
        done = partial(self._came, endpoint, jobs, time.monotonic())
        url = endpoint.root + self._bodies.path
        sent = self._client.send(url, body, most=_longest_reply(jobs), done=done)
        endpoint.in_flight += len(jobs)
        self._asked[id(jobs)] = (sent, endpoint, jobs)

    def _came(
        self, endpoint: Endpoint, jobs: list[Job], started: float, reply: Reply | NoReplyError
    ) -> None:
        """See to what came of a request."""
        try:
            if isinstance(reply, NoReplyError):
                self._no_reply(endpoint, jobs, reply, started)
            else:
                self._take(endpoint, jobs, reply, started)
        finally:
            self._left(endpoint, jobs)

    def _left(self, endpoint: Endpoint, jobs: list[Job]) -> None:
        """Go on where a request has ended."""
        if self._asked.pop(id(jobs), None) is None:  # given up as its answer came
            return
        endpoint.in_flight -= len(jobs)
        if self._lost is None:
            self.pump()
            if not (self._asked or self._doubted or self.resending.pausing or len(self._waiting)):
                self._health.rest()
        elif not any(each.in_flight for each in self._endpoints):
            self._over()
        else:
            self._done.soon()

    def _take(self, endpoint: Endpoint, jobs: list[Job], reply: Reply, started: float) -> None:
        if reply.status != _OK:
            self._refused(endpoint, jobs, reply)
            return
        try:
            completions = self._replies.read(jobs, reply.body)
        except BadReplyError as error:
            kind = self._secret.scrub(reply.headers.get("Content-Type", "no content type"))
            why = self._secret.scrub(str(error))
            words = f"{endpoint.root} answered what is no answer ({kind[:_KIND]}): {why[:_WORDS]}"
            self._health.failed(endpoint, words)
            self.resending.again(jobs, words, singly=True)
            return
        except CutPromptError as error:
            self._settle(jobs, [job.failed("too_long", str(error)) for job in jobs])
            return
        self._refused_in_row = 0
        now = time.monotonic()
        endpoint.worked(len(jobs), now - started, now)
        self._settle(jobs, completions)

    def _refused(self, endpoint: Endpoint, jobs: list[Job], reply: Reply) -> None:
        words = self._secret.scrub(reply.words)
        said = f"{endpoint.root} answered {reply.status}: {words[:_WORDS]}"
        step = next_of(reply.status, words)
        if step is Next.LATER:
            wait = retry_after(reply.headers, time.time())
            self._health.has_no_room(endpoint, wait, said)
            self.resending.put_off(endpoint, jobs, said, wait, is_quota=reply.status == _TOO_MANY)
        elif step is Next.AGAIN:
            self._health.failed(endpoint, said)
            self.resending.again(jobs, said)
        elif step is Next.STOP:
            self._end(refusal(endpoint.root, reply.status, words))
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
                self._refused_in_row += 1
                if self._refused_in_row >= self._most_refused and self._question is None:
                    done = partial(self._is_all_refused, endpoint, said)
                    self._question = self._ask(endpoint, jobs[0], done)

    def _ask(
        self, endpoint: Endpoint, job: Job, done: Callable[[Reply | NoReplyError], None]
    ) -> OnItsWay:
        """Ask a small question, as this prompt is asked: it shows whose fault a refusal is."""
        asked = [self._examiner.question(job.request.decoding)]
        body, url = self._bodies.body(asked), endpoint.root + self._bodies.path
        return self._client.send(url, body, most=_longest_reply(asked), done=done)

    def _is_all_refused(self, endpoint: Endpoint, said: str, reply: Reply | NoReplyError) -> None:
        """Go on where only prompts are refused, and stop where all is that we ask."""
        self._question = None
        self._refused_in_row = 0
        if isinstance(reply, Reply):
            if reply.status == _OK:  # data may begin with any number of bad prompts
                self._most_refused *= 2
            step = next_of(reply.status, reply.words) if reply.status != _OK else None
            if step is Next.STOP:
                self._end(refusal(endpoint.root, reply.status, self._secret.scrub(reply.words)))
            elif step is Next.REFUSED:
                hint = "mend what it names; the same command goes on"
                self._end(EngineError(f"every request is refused: {said}", hint=hint))
        self.pump()

    def _doubt(self, endpoint: Endpoint, job: Job, words: str) -> None:
        """Find whether a server has no room for this prompt alone."""
        done = partial(self._is_its_own_fault, job, words)
        self._doubted[id(job)] = (self._ask(endpoint, job, done), [job])

    def _is_its_own_fault(self, job: Job, words: str, reply: Reply | NoReplyError) -> None:
        del self._doubted[id(job)]
        if isinstance(reply, Reply) and reply.status == _OK:
            self._give_up(job, "engine_error", words)
        else:
            self._waiting.add_first([job])
        self.pump()

    def _give_up(self, job: Job, kind: ErrorKind, words: str) -> None:
        """Fail a request, and say it of the first few of a kind."""
        self._settle([job], [job.failed(kind, words)])
        sort = f"{kind} {words[:_SORT]}"
        if sort not in self._said and len(self._said) < _MOST_TOLD:
            self._said.add(sort)
            LOG.warning("a request failed (%s): %s", kind, words)

    def _no_reply(
        self, endpoint: Endpoint, jobs: list[Job], error: NoReplyError, started: float
    ) -> None:
        words = self._secret.scrub(str(error))
        if not error.was_sent:
            self._health.failed(endpoint, words, is_gone=True)
            self.resending.at_once(jobs)
            return
        since = started if error.is_timeout else None
        self._health.failed(endpoint, words, waited_since=since)
        self.resending.again(jobs, words, kind="timeout" if error.is_timeout else "engine_error")

    def _settle(self, jobs: Sequence[Job], completions: list[Completion]) -> None:
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


def _longest_reply(jobs: Sequence[Job]) -> int:
    """Bytes that a reply may have."""
    longest = jobs[0].request.decoding.max_tokens
    return _REPLY_BYTES + len(jobs) * (_ANSWER_BYTES + longest * _TOKEN_BYTES)


def _is_short(job: Job) -> bool:
    """Whether a prompt may go in a list: its answer is soon there, and has no seed of its own."""
    decoding = job.request.decoding
    return decoding.max_tokens <= SHORT_ANSWER and not decoding.temperature > 0
