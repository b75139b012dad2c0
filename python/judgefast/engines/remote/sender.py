"""Keeps every server busy: takes what waits, sends it, and sees to what came back of it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from judgefast.engines.remote.asked import Asked
from judgefast.engines.remote.doubts import Doubts, J_co, Wonders
from judgefast.engines.remote.ending import Ending
from judgefast.engines.remote.handover import HandOver
from judgefast.engines.remote.health import Examines, Health
from judgefast.engines.remote.jobs import J
from judgefast.engines.remote.resending import Resending
from judgefast.engines.remote.told import Told
from judgefast.engines.remote.unusable import NoReplyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from judgefast.engines.base import Completion, ErrorKind
    from judgefast.engines.remote.client import Client
    from judgefast.engines.remote.doubts import Writes
    from judgefast.engines.remote.endpoints import Endpoint
    from judgefast.engines.remote.options import RemoteOptions, Secret
    from judgefast.engines.remote.waiting import Waiting
    from judgefast.engines.remote.wires import Reply

A = TypeVar("A", bound=Asked[Any])

WORDS = 300
"""Characters of a server's words that are repeated."""


class Examiner(Examines, Wonders[J_co], Protocol[J_co]):
    """Who asks servers small questions in the course of a run."""


class Sender(ABC, Generic[J, A]):
    """The exchanges of an engine with its servers, from the queue to the host.

    The work of the loop's thread: nothing here is called from another one. What goes together, how
    a reply is read and what a bad status means is for an engine to add.

    Args:
        client: Connections.
        endpoints: The servers.
        waiting: The queue.
        together: Most jobs that go in one request.
        bodies: Of requests.
        options: The settings.
        secret: The key.
        examiner: Asks servers that were away, and the small question where a refusal is in doubt.
        hint: What to do where all is refused.
        put: Takes completions, or the error that ends the engine.

    """

    def __init__(  # noqa: PLR0913 - its parts, by keyword
        self,
        *,
        client: Client,
        endpoints: Sequence[Endpoint],
        waiting: Waiting[J],
        together: int,
        bodies: Writes[J],
        options: RemoteOptions,
        secret: Secret,
        examiner: Examiner[J],
        hint: str,
        put: Callable[[list[Completion] | Exception], None],
    ) -> None:
        self._client, self._endpoints, self._waiting = client, endpoints, waiting
        self._together, self._path, self._secret = together, bodies.path, secret
        self._most_unkept = options.concurrency * len(endpoints)
        """What a crash may cost."""
        self._done = HandOver(put)
        self._asked: dict[int, A] = {}
        self._told = Told()
        self._ending = Ending(endpoints, self._done)
        self._health = Health(
            endpoints=endpoints,
            patience=options.patience_seconds,
            secret=secret,
            examiner=examiner,
            go_on=self.pump,
            end=self._ending.begin,
        )
        self._doubts = Doubts(
            client=client,
            bodies=bodies,
            examiner=examiner,
            secret=secret,
            health=self._health,
            give_up=self._give_up,
            again=lambda job, words: self.resending.again([job], words),
            wait=lambda job: self._waiting.add_first([job]),
            go_on=self.pump,
            end=self._ending.begin,
            hint=hint,
        )
        self.busy = 0
        """Replies that a server has no room."""
        self.resending = Resending(
            waiting,
            most=options.max_retries,
            go_on=self.pump,
            give_up=self._give_up,
            doubt=self._doubts.of_prompt,
        )

    @abstractmethod
    def _next(self, endpoint: Endpoint, room: int) -> list[J]:
        """Take what a server with so much room is sent next; empty where it is to wait."""

    @abstractmethod
    def _send(self, endpoint: Endpoint, jobs: list[J]) -> None:
        """Write a request, and post it."""

    @abstractmethod
    def _take(self, asked: A, reply: Reply) -> None:
        """See to a reply, of whatever status."""

    @abstractmethod
    def _give_up(self, job: J, kind: ErrorKind, words: str) -> None:
        """Fail a request, and say it of the first few of a kind."""

    @abstractmethod
    def _cancelled(self, request_ids: set[bytes]) -> list[Completion]:
        """Settle requests that nobody waits for any more."""

    def _least_room(self, endpoint: Endpoint) -> int:  # noqa: ARG002 - where it makes a difference
        """Places that a server must have free."""
        return 1

    def _may_send(self, now: float) -> bool:  # noqa: ARG002 - where there are rates
        """Whether anything may be sent now."""
        return True

    def lost_sight_of(self, endpoint: Endpoint) -> None:
        """Begin with a server away; nothing is known of it."""
        endpoint.is_known = False
        self._health.failed(endpoint, "it was away at the start", is_gone=True)

    def pump(self) -> None:
        """Send what waits, as far as there is room."""
        sent = True
        while sent and len(self._waiting) and not (self._ending.error or self._doubts.of_all):
            sent = False
            for endpoint in self._endpoints:
                now = time.monotonic()
                room = endpoint.room(now)
                if room < self._least_room(endpoint):
                    endpoint.window.full()
                elif not self._may_send(now):
                    break
                elif jobs := self._next(endpoint, room):
                    self._send(endpoint, jobs)
                    sent = True
        sizes = sum(endpoint.window.size for endpoint in self._endpoints)
        unkept = len(self._done) + sum(endpoint.in_flight for endpoint in self._endpoints)
        if unkept > self._most_unkept or len(self._waiting) < self._together + sizes // 8:
            self._done.soon()

    def cancel(self, request_ids: set[bytes]) -> None:
        """Give up on requests; others that were sent with one go on."""
        if given_up := self._cancelled(request_ids):
            self._spare(self._asked.values())
            self._done.add(given_up)
            self._done.soon()
            self._go_on()

    async def close(self) -> None:
        """End all that is on its way."""
        self._ending.close()
        self.resending.close()
        for asked in self._asked.values():
            asked.sent.cancel()
        self._doubts.close()
        await self._health.close()

    def _post(
        self,
        asked: A,
        body: bytes,
        *,
        most: int,
        part: Callable[[bytes], None] | None = None,
    ) -> None:
        """Send a request on its way.

        Args:
            asked: It.
            body: As it is written.
            most: Bytes that its reply may have.
            part: Takes a stream of events as it comes.

        """
        asked.sent = self._client.send(
            asked.endpoint.root + self._path,
            body,
            most=most,
            done=partial(self._came, asked),
            part=part,
        )
        asked.endpoint.in_flight += len(asked.jobs)
        self._asked[id(asked)] = asked

    def _came(self, asked: A, reply: Reply | NoReplyError) -> None:
        """See to what came of a request, and go on."""
        if id(asked) not in self._asked:  # given up as its answer came
            return
        try:
            self._see_to(asked, reply)
        finally:
            self._forget(asked)
            self._go_on()

    def _see_to(self, asked: A, reply: Reply | NoReplyError) -> None:
        if isinstance(reply, NoReplyError):
            self._no_reply(asked, reply)
        else:
            self._take(asked, reply)

    def _forget(self, asked: A) -> None:
        """Count a request no more that has ended."""
        if self._asked.pop(id(asked), None) is not None:
            asked.endpoint.in_flight -= len(asked.jobs)

    def _go_on(self) -> None:
        """Send more where a request has ended, or end where nothing is sent any more."""
        if self._ending.error is not None:
            self._ending.go_on()
            return
        self.pump()
        is_held = self._asked or self.resending.pausing or self._doubts.jobs
        if not is_held and all(job.is_settled for job in self._waiting):
            self._health.rest()  # nobody waits: then a server's silence says nothing

    def _spare(self, among: Iterable[A]) -> int:
        """Give up what is on its way and nobody waits for any more; how many requests that was."""
        spared = [asked for asked in among if asked.is_settled]
        for asked in spared:
            asked.sent.cancel()
            self._forget(asked)
        return len(spared)

    def _worked(self, asked: A, count: int) -> float:
        """Note that a server has answered so much of a request; monotonic seconds."""
        now = time.monotonic()
        self._doubts.passed()
        asked.endpoint.worked(count, now - asked.started, now)
        return now

    def _no_reply(self, asked: A, error: NoReplyError) -> None:
        words = self._secret.scrub(str(error))
        if not error.was_sent:
            self._health.failed(asked.endpoint, words, is_gone=True)
            if not asked.is_doubled:
                self.resending.at_once(asked.jobs)
            return
        since = asked.started if error.is_timeout else None
        self._health.failed(asked.endpoint, words, waited_since=since)
        if not asked.is_doubled:
            kind: ErrorKind = "timeout" if error.is_timeout else "engine_error"
            self.resending.again(asked.jobs, words, kind=kind)

    def _failed(self, asked: A, said: str, *, singly: bool = False) -> None:
        """Note a reply that is the server's fault, and send again.

        Args:
            asked: What was asked.
            said: What became of it.
            singly: Whether what went together goes one by one.

        """
        self._health.failed(asked.endpoint, said)
        if not asked.is_doubled:
            self.resending.again(asked.jobs, said, singly=singly)

    def _has_no_room(self, asked: A, said: str, wait: float | None, *, is_quota: bool) -> None:
        """Leave a server alone for a while, and send again later; see `Resending.put_off`."""
        self.busy += 1
        self._health.has_no_room(asked.endpoint, wait, said)
        if not asked.is_doubled:
            self.resending.put_off(asked.endpoint, asked.jobs, said, wait, is_quota=is_quota)
