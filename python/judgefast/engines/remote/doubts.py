"""Whose fault a refusal is: a small question, asked as the prompts were, shows it."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from judgefast.engines.remote.asked import longest_reply
from judgefast.engines.remote.jobs import J, Job
from judgefast.engines.remote.retries import Next, refusal, retry_after
from judgefast.engines.remote.unusable import NoReplyError
from judgefast.engines.remote.wires import Reply
from judgefast.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.engines.base import ErrorKind
    from judgefast.engines.remote.client import Client, OnItsWay
    from judgefast.engines.remote.endpoints import Endpoint
    from judgefast.engines.remote.health import Health
    from judgefast.engines.remote.options import Secret
    from judgefast.prompts.decoding import Decoding

J_co = TypeVar("J_co", bound=Job, covariant=True)
J_contra = TypeVar("J_contra", bound=Job, contravariant=True)

_MANY_REFUSED = 8
"""Prompts refused in a row, after which a small question shows whether any would be taken."""


class Writes(Protocol[J_contra]):
    """Who writes a request."""

    @property
    def path(self) -> str:
        """Where it goes."""

    def body(self, jobs: Sequence[J_contra]) -> bytes:
        """Its body."""


class Wonders(Protocol[J_co]):
    """Who has a small question."""

    def question(self, decoding: Decoding) -> J_co:
        """The question, asked as the run asks."""

    def next_of(self, reply: Reply) -> Next | None:
        """What a reply to it comes to; None for an answer."""

    def note(self, reply: Reply | NoReplyError) -> None:
        """Hear what came of it, once: it may be on a bill."""


class Doubts(Generic[J]):
    """Asks where a refusal may be about a prompt or about all that is sent. Of the loop's thread.

    Args:
        client: Connections.
        bodies: Of requests.
        examiner: Makes the question.
        secret: The key.
        health: Hears of servers that do not answer the question.
        give_up: Fails a request, with what kind of error and in which words.
        again: Sends a prompt once more after a pause, or gives it up in these words if that was
            often enough.
        wait: Takes back a prompt that may yet be answered.
        go_on: Called when prompts may be sent again.
        end: Takes the error that ends the engine.
        hint: What to do where all is refused.

    """

    def __init__(  # noqa: PLR0913 - its parts, by keyword
        self,
        *,
        client: Client,
        bodies: Writes[J],
        examiner: Wonders[J],
        secret: Secret,
        health: Health,
        give_up: Callable[[J, ErrorKind, str], None],
        again: Callable[[J, str], None],
        wait: Callable[[J], None],
        go_on: Callable[[], None],
        end: Callable[[EngineError], None],
        hint: str,
    ) -> None:
        self._hint = hint
        self._client, self._bodies, self._examiner = client, bodies, examiner
        self._secret, self._health = secret, health
        self._give_up, self._again, self._wait = give_up, again, wait
        self._go_on, self._end = go_on, end
        self._in_row, self._most = 0, _MANY_REFUSED
        self.of_all: OnItsWay | None = None
        """A question that shows whether anything is taken; nothing else is sent meanwhile."""
        self._of_prompts: dict[int, tuple[OnItsWay, J]] = {}

    @property
    def jobs(self) -> list[J]:
        """Prompts that wait for a question about them."""
        return [job for _, job in self._of_prompts.values()]

    def close(self) -> None:
        """Ask nothing any more."""
        for sent, _ in self._of_prompts.values():
            sent.cancel()
        if self.of_all is not None:
            self.of_all.cancel()

    def passed(self) -> None:
        """Note that a prompt was answered."""
        self._in_row = 0

    def refused(self, endpoint: Endpoint, job: J, said: str) -> None:
        """Note that a prompt was refused, in a server's words; after many in a row, ask."""
        self._in_row += 1
        if self._in_row >= self._most and self.of_all is None:
            done = partial(self._is_all_refused, endpoint, said)
            self.of_all = self._ask(endpoint, job, done)

    def of_prompt(self, endpoint: Endpoint, job: J, words: str) -> None:
        """Give a prompt up in these words, if it alone is what a server has no room for."""
        done = partial(self._is_its_own_fault, endpoint, job, words)
        self._of_prompts[id(job)] = (self._ask(endpoint, job, done), job)

    def of_refusal(self, endpoint: Endpoint, job: J, words: str, error: EngineError) -> None:
        """End by an error, unless it is only this prompt that is refused as if all were."""
        done = partial(self._is_refused_for_good, endpoint, job, words, error)
        self._of_prompts[id(job)] = (self._ask(endpoint, job, done), job)

    def _ask(
        self, endpoint: Endpoint, job: J, done: Callable[[Reply | NoReplyError], None]
    ) -> OnItsWay:
        asked = [self._examiner.question(job.decoding)]
        body, url = self._bodies.body(asked), endpoint.root + self._bodies.path

        def heard(reply: Reply | NoReplyError) -> None:
            self._examiner.note(reply)
            done(reply)

        return self._client.send(url, body, most=longest_reply(asked), done=heard)

    def _is_all_refused(self, endpoint: Endpoint, said: str, reply: Reply | NoReplyError) -> None:
        """Go on where only prompts are refused, and stop where all is that we ask."""
        self.of_all = None
        self._in_row = 0
        if isinstance(reply, Reply):
            step = self._examiner.next_of(reply)
            if step is None:  # data may begin with any number of bad prompts
                self._most *= 2
            if step is Next.STOP:
                self._end(refusal(endpoint.root, reply.status, self._secret.scrub(reply.words)))
            elif step is Next.REFUSED:
                self._end(EngineError(f"every request is refused: {said}", hint=self._hint))
        self._go_on()

    def _is_its_own_fault(
        self, endpoint: Endpoint, job: J, words: str, reply: Reply | NoReplyError
    ) -> None:
        del self._of_prompts[id(job)]
        if isinstance(reply, Reply) and self._examiner.next_of(reply) is None:
            self._give_up(job, "engine_error", words)
        else:
            self._is_open(endpoint, job, words, reply)
        self._go_on()

    def _is_refused_for_good(
        self,
        endpoint: Endpoint,
        job: J,
        words: str,
        error: EngineError,
        reply: Reply | NoReplyError,
    ) -> None:
        del self._of_prompts[id(job)]
        step = self._examiner.next_of(reply) if isinstance(reply, Reply) else Next.AGAIN
        if step is None:
            self._give_up(job, "invalid", words)
        elif step in {Next.STOP, Next.REFUSED}:
            self._wait(job)
            self._end(error)
        else:
            self._is_open(endpoint, job, words, reply)
        self._go_on()

    def _is_open(self, endpoint: Endpoint, job: J, words: str, reply: Reply | NoReplyError) -> None:
        """Send a prompt again of which the question has shown nothing, and note what it came to."""
        if isinstance(reply, NoReplyError):
            said = self._secret.scrub(str(reply))
            self._health.failed(endpoint, said, is_gone=not reply.was_sent)
            self._again(job, words)
            return
        said = f"{endpoint.root} answered {reply.status} to a small question"
        if self._examiner.next_of(reply) is Next.LATER:
            self._health.has_no_room(endpoint, retry_after(reply.headers, time.time()), said)
            self._wait(job)
        else:
            self._health.failed(endpoint, said)
            self._again(job, words)
