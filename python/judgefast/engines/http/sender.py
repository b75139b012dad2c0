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
from judgefast.engines.http.retries import Next, is_too_long, next_of, pause, retry_after
from judgefast.engines.http.unusable import BadReplyError, CutPromptError, NoReplyError
from judgefast.errors import ColumnError, EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.engines.base import Completion, ErrorKind
    from judgefast.engines.http.bodies import Bodies
    from judgefast.engines.http.client import Client, OnItsWay
    from judgefast.engines.http.endpoints import Endpoint
    from judgefast.engines.http.jobs import Job
    from judgefast.engines.http.options import HttpOptions, Secret
    from judgefast.engines.http.replies import Replies
    from judgefast.engines.http.waiting import Waiting
    from judgefast.engines.http.wires import Reply

LOG = logging.getLogger("judgefast")

SHORT_ANSWER = 16
"""Tokens up to which prompts go in lists: a list is answered when its slowest is."""

_OK = 200
_TOO_MANY = 429
_WORDS = 300
_SORT, _MOST_TOLD = 60, 5
_ENOUGH = 8
"""Prompts refused in a row from the first one on, after which all would be."""
_NEVER = 1 << 60
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
        list_size: int,
        context_tokens: int | None,
        put: Callable[[list[Completion] | Exception], None],
    ) -> None:
        self._client, self._endpoints, self._waiting = client, endpoints, waiting
        self._bodies, self._replies = bodies, replies
        self._options, self._secret = options, secret
        self._list_size, self._context = list_size, context_tokens
        self._done = HandOver(put)
        self._asked: dict[int, tuple[OnItsWay, Endpoint, list[Job]]] = {}
        self._health = Health(
            client=client,
            endpoints=endpoints,
            options=options,
            secret=secret,
            go_on=self.pump,
            end=self._end,
        )
        self._lost: EngineError | None = None
        self._is_over = False
        self._refused_all = 0
        self._told: set[str] = set()
        self._has_short_answers = False
        self.resent = 0
        """Requests that were sent again."""
        self._pausing: dict[int, tuple[asyncio.TimerHandle, list[Job]]] = {}
        self._next_pause = 0

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
        """Begin with a server away."""
        self._health.failed(endpoint, "it was away at the start", is_gone=True)

    def pump(self) -> None:
        """Send what waits, as far as there is room."""
        sent = True
        while sent and len(self._waiting) and self._lost is None:
            sent = False
            now = time.monotonic()
            for endpoint in self._endpoints:
                if endpoint.room(now) <= 0:
                    endpoint.window.full()
                    continue
                if self._is_worth_waiting(endpoint):
                    continue
                jobs = self._waiting.take(endpoint.place, self._together)
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
        chunks = [*(each[2] for each in asked), *(each[1] for each in self._pausing.values())]
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
        for handle, _ in self._pausing.values():
            handle.cancel()
        for sent, _, _ in self._asked.values():
            sent.cancel()
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

    def _is_worth_waiting(self, endpoint: Endpoint) -> bool:
        """Whether a busy server has enough to do until a whole list has come together."""
        few = len(self._waiting) < self._list_size and self._has_short_answers
        return few and endpoint.in_flight > max(self._list_size, endpoint.window.size // 2)

    def _together(self, job: Job) -> int:
        """How many prompts go with this one in a request."""
        if not _is_short(job):
            return 1
        up = sum(endpoint.is_up for endpoint in self._endpoints) or 1
        return min(self._list_size, max(1, -(-len(self._waiting) // up)))

    def _send(self, endpoint: Endpoint, jobs: list[Job]) -> None:
        try:
            body = self._bodies.body(jobs)
        except ColumnError as error:
            self._halve(jobs, f"this prompt cannot be sent: {error}")
            return
        longest = jobs[0].request.decoding.max_tokens
        most = _REPLY_BYTES + len(jobs) * (_ANSWER_BYTES + longest * _TOKEN_BYTES)
        done = partial(self._came, endpoint, jobs, time.monotonic())
        sent = self._client.send(endpoint.root + self._bodies.path, body, most=most, done=done)
        endpoint.in_flight += len(jobs)
        self._asked[id(jobs)] = (sent, endpoint, jobs)

    def _came(
        self, endpoint: Endpoint, jobs: list[Job], started: float, reply: Reply | NoReplyError
    ) -> None:
        """See to what came of a request."""
        try:
            if isinstance(reply, NoReplyError):
                self._no_reply(endpoint, jobs, reply)
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
            kind = reply.headers.get("Content-Type", "no content type")
            words = f"{endpoint.root} answered what is no answer ({kind}): {error}"
            self._health.failed(endpoint, words)
            self._again(jobs, words, singly=True)
            return
        except CutPromptError as error:
            self._settle(jobs, [job.failed("too_long", str(error)) for job in jobs])
            return
        self._refused_all = -_NEVER
        now = time.monotonic()
        endpoint.worked(len(jobs), now - started, now)
        self._settle(jobs, completions)

    def _refused(self, endpoint: Endpoint, jobs: list[Job], reply: Reply) -> None:
        words = self._secret.scrub(reply.words)
        said = f"{endpoint.root} answered {reply.status}: {' '.join(words.split())[:_WORDS]}"
        step = next_of(reply.status, words)
        if step is Next.LATER:
            wait = retry_after(reply.headers, time.time())
            self._health.has_no_room(endpoint, wait, said, is_quota=reply.status == _TOO_MANY)
            self._waiting.add_first(jobs)
        elif step is Next.AGAIN:
            self._health.failed(endpoint, said)
            self._again(jobs, said)
        elif step is Next.STOP:
            self._end(refusal(endpoint.root, reply.status, words))
        elif len(jobs) > 1:
            self._halve(jobs, said)
        elif step is Next.WITHHELD:
            endpoint.troubled_since = None
            self._settle(jobs, [jobs[0].answered(text="", finish_reason="refused")])
        else:
            endpoint.troubled_since = None
            is_long = is_too_long(reply.status, words)
            self._give_up(jobs[0], "too_long" if is_long else "engine_error", said)
            self._refused_all += not is_long
            if self._refused_all == _ENOUGH:
                hint = "mend what it names; the same command goes on"
                self._end(EngineError(f"every request is refused: {said}", hint=hint))

    def _give_up(self, job: Job, kind: ErrorKind, words: str) -> None:
        """Fail a request, and say it of the first few of a kind."""
        self._settle([job], [job.failed(kind, words)])
        sort = f"{kind} {words[:_SORT]}"
        if sort not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(sort)
            LOG.warning("a request failed (%s): %s", kind, words)

    def _no_reply(self, endpoint: Endpoint, jobs: list[Job], error: NoReplyError) -> None:
        words = self._secret.scrub(str(error))
        self._health.failed(endpoint, words, is_gone=not error.was_sent)
        if error.was_sent:
            self._again(jobs, words)
        else:
            self.resent += 1
            self._waiting.add_first(jobs)

    def _halve(self, jobs: list[Job], words: str) -> None:
        """Send each half by itself, at once; of one that is left alone the words are true."""
        if len(jobs) == 1:
            self._give_up(jobs[0], "engine_error", words)
            return
        self.resent += 1
        middle = len(jobs) // 2
        self._waiting.add_first(jobs[middle:])
        self._waiting.add_first(jobs[:middle])

    def _again(self, jobs: list[Job], words: str, *, singly: bool = False) -> None:
        """Send once more after a pause: a list in halves or one by one, one until it is enough."""
        if len(jobs) == 1:
            job = jobs[0]
            job.tries += 1
            if job.tries > self._options.max_retries:
                kind: ErrorKind = "timeout" if "no answer from" in words else "engine_error"
                said = f"{words} ({job.tries} times)" if job.tries > 1 else words
                self._give_up(job, kind, said)
                return
            self._after(pause(job.tries), jobs)
            return
        size = 1 if singly else -(-len(jobs) // 2)
        for start in range(0, len(jobs), size):
            self._after(pause(1), jobs[start : start + size])

    def _after(self, seconds: float, jobs: list[Job]) -> None:
        self.resent += 1
        self._next_pause += 1
        number = self._next_pause

        def go_on() -> None:
            del self._pausing[number]
            self._waiting.add_first(jobs)
            self.pump()

        handle = asyncio.get_running_loop().call_later(seconds, go_on)
        self._pausing[number] = (handle, jobs)

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


def _is_short(job: Job) -> bool:
    """Whether a prompt may go in a list: its answer is soon there, and has no seed of its own."""
    decoding = job.request.decoding
    return decoding.max_tokens <= SHORT_ANSWER and not decoding.temperature > 0
