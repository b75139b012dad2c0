"""Keeps servers busy with prompts: in lists, in streams, and at two servers where one hangs."""

from __future__ import annotations

import time
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from judgefast.engines.http.asked import AskedPrompts
from judgefast.engines.http.hedges import Hedges
from judgefast.engines.http.jobs import PromptJob
from judgefast.engines.http.statuses import is_too_long, next_of
from judgefast.engines.http.streams import Stream
from judgefast.engines.http.unusable import BadReplyError, CutPromptError
from judgefast.engines.remote.asked import longest_reply
from judgefast.engines.remote.retries import Next, refusal, retry_after
from judgefast.engines.remote.sender import WORDS, Sender
from judgefast.errors import ColumnError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.engines.base import Completion, ErrorKind
    from judgefast.engines.http.bodies import Bodies
    from judgefast.engines.http.examine import Examiner
    from judgefast.engines.http.lists import Lists
    from judgefast.engines.http.options import HttpOptions
    from judgefast.engines.http.replies import Replies
    from judgefast.engines.http.streams import Ended
    from judgefast.engines.remote.client import Client
    from judgefast.engines.remote.endpoints import Endpoint
    from judgefast.engines.remote.options import Secret
    from judgefast.engines.remote.unusable import NoReplyError
    from judgefast.engines.remote.waiting import Waiting
    from judgefast.engines.remote.wires import Reply

_OK = 200
_TOO_MANY = 429
_KIND = 60


class PromptSender(Sender[PromptJob, AskedPrompts]):
    """Sends prompts, and takes their texts."""

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
        super().__init__(
            client=client,
            endpoints=endpoints,
            waiting=waiting,
            together=lists.size,
            bodies=bodies,
            options=options,
            secret=secret,
            examiner=examiner,
            hint="mend what it names; the same command goes on",
            put=put,
        )
        self._bodies, self._replies = bodies, replies
        self._lists, self._context = lists, context_tokens
        self._whole = 1
        """Prompts of a whole list, as those are that came last."""
        self.hedges = Hedges(options, endpoints, self._asked, self._double)
        self.unproven = 0
        """Prompts that were sent in words and may be longer than the judge's context."""

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

    async def close(self) -> None:
        """End all that is on its way."""
        self.hedges.close()
        await super().close()

    def _cancelled(self, request_ids: set[bytes]) -> list[Completion]:
        """Settle requests; a list goes on as long as anybody waits for one of its prompts."""
        held = [*self.resending.pausing, self._doubts.jobs]
        chunks = [*(each.jobs for each in self._asked.values()), *held]
        given_up = []
        for job in [*chain.from_iterable(chunks), *self._waiting]:
            if job.request.request_id in request_ids and not job.is_settled:
                job.is_settled = True
                given_up.append(job.cancelled())
        return given_up

    def _least_room(self, endpoint: Endpoint) -> int:
        """Places that a server must have free: those of a whole list, where they go in lists."""
        return min(self._whole, endpoint.window.size)

    def _next(self, endpoint: Endpoint, room: int) -> list[PromptJob]:
        if self._is_worth_waiting(endpoint):
            return []
        return self._waiting.take(endpoint.place, partial(self._most, room))

    def _is_worth_waiting(self, endpoint: Endpoint) -> bool:
        """Whether a busy server has enough to do until a whole list has come together."""
        is_few = len(self._waiting) < self._whole and self._whole > 1
        return is_few and endpoint.in_flight > max(self._whole, endpoint.window.size // 2)

    def _most(self, room: int, job: PromptJob) -> int:
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
        part = partial(self._part, asked) if is_streamed else None
        self._post(asked, body, most=longest_reply(jobs), part=part)
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
        self._answered(asked, [job for job, _ in ended], [completion for _, completion in ended])

    def _see_to(self, asked: AskedPrompts, reply: Reply | NoReplyError) -> None:
        if asked.stream is not None:
            if ended := asked.stream.end(reply):
                self._ended(asked, ended)
            reply = asked.stream.instead_of(reply)
        if asked.jobs:
            super()._see_to(asked, reply)

    def _forget(self, asked: AskedPrompts) -> None:
        super()._forget(asked)
        if asked.twin is not None:
            asked.twin.twin = None

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
            words = f"{endpoint.root} answered what is no answer ({kind[:_KIND]}): {why[:WORDS]}"
            self._failed(asked, words, singly=True)
            return
        except CutPromptError as error:
            if not asked.is_doubled:
                self._settle(jobs, [job.failed("too_long", str(error)) for job in jobs])
            return
        self._answered(asked, jobs, completions)
        if not completions and self._ending.error is None:
            self._send(endpoint, list(jobs))  # it has thought; its prompt is there in a cache

    def _answered(
        self, asked: AskedPrompts, jobs: list[PromptJob], completions: list[Completion]
    ) -> None:
        """Take answers, and end the twin of a request whose prompts all have one."""
        now = self._worked(asked, len(jobs))
        self.hedges.answered(now - asked.started)
        if completions:
            self._settle(jobs, completions)
        if asked.twin is not None:
            self._spare([asked.twin])

    def _refused(self, asked: AskedPrompts, reply: Reply) -> None:
        endpoint, jobs = asked.endpoint, asked.jobs
        words = self._secret.scrub(reply.words)
        said = f"{endpoint.root} answered {reply.status}: {words[:WORDS]}"
        step = next_of(reply.status, words)
        if step is Next.STOP:
            self._ending.begin(refusal(endpoint.root, reply.status, words))
        elif step is Next.LATER:
            wait = retry_after(reply.headers, time.time())
            self._has_no_room(asked, said, wait, is_quota=reply.status == _TOO_MANY)
        elif step is Next.AGAIN:
            self._failed(asked, said)
        elif asked.is_doubled:  # the other server has the same prompts, and may answer
            return
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
        self._settle([job], [job.failed(kind, words)])
        self._told.failed(kind, words)

    def _settle(self, jobs: Sequence[PromptJob], completions: list[Completion]) -> None:
        """Hand completions on, but for those that nobody waits for any more."""
        kept = []
        for job, completion in zip(jobs, completions, strict=True):
            if not job.is_settled:
                job.is_settled = True
                kept.append(completion)
        if kept:
            self._done.add(kept)
