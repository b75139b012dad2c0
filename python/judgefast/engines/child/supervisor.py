"""Sees that every request is answered, whatever becomes of the engine process.

One thread owns all of it and takes what happens from one queue: requests, cancels, messages from
the process, its end. A process that dies, or gives no sign of life for too long, is replaced, and
what it had is sent again. A request that was in the model at so many ends as the dialect says is
sent alone, so that the one that is to blame comes to light; it fails alone.

A process may be started before it is known what it has to load; until then it owes nothing.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from judgefast.engines.child.messages import Beating, Cancel, Ended, Entered, Loaded, Lost
from judgefast.engines.child.process import EngineProcess, Heard
from judgefast.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.engines.base import ErrorKind
    from judgefast.engines.child.messages import Dialect, Numbered

LOG = logging.getLogger("judgefast")

MAX_RESTARTS = 3

MAX_BLAMED = 8
"""Requests in a row that may end the process alone, with no answer in between: each that is found
out is a step forward, but where all are to blame the engine is."""

END_SECONDS = 0.5
"""What closing waits at most: the process is killed, but the memory of a model takes its time."""


class Patience(NamedTuple):
    """When a process counts as hung, and when its engine as lost."""

    of_step: float
    """Seconds without a sign of life."""
    of_load: float
    """The same while it loads the model."""
    restarts: int = MAX_RESTARTS
    """Restarts without an answer in between, after which the engine is lost. A request that is
    found out counts as an answer, up to `MAX_BLAMED` in a row."""


class Failure(msgspec.Struct, frozen=True):
    """A request that the process died or hung on, twice."""

    number: int
    kind: ErrorKind
    words: str


class _Cancel(msgspec.Struct, frozen=True):
    numbers: list[int]


class _Load(msgspec.Struct, frozen=True):
    message: msgspec.Struct


class _Close:
    pass


Answer = Ended | Failure | EngineError


class Supervisor:
    """Runs the engine process. Every request given in comes back once through `answer`."""

    def __init__(
        self,
        dialect: Dialect,
        load: msgspec.Struct,
        answer: Callable[[Answer], None],
        *,
        patience: Patience,
        is_whole: bool = True,
    ) -> None:
        """Nothing is started yet.

        Args:
            dialect: How the process is started, and spoken to.
            load: First message to a process; what it has to load, unless that comes later.
            answer: Gets every answer, in the supervisor's thread.
            patience: When a process counts as hung.
            is_whole: Whether `load` says what to load; else :meth:`load` will.

        """
        self._dialect = dialect
        self._load = load
        self._is_told = is_whole
        self._answer = answer
        self._patience = patience
        self._inbox: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._started: queue.SimpleQueue[Loaded | EngineError] = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=self._run, name=f"judgefast-{dialect.engine}", daemon=True
        )
        self._process: EngineProcess | None = None
        self._closed = False
        self._ready: Loaded | None = None
        self._ever_ready = False
        self._pending: dict[int, Numbered] = {}
        self._sent: set[int] = set()
        self._entered: set[int] = set()
        """Sent ones that the model has had in hand."""
        self._given_up: set[int] = set()
        """Sent ones that were cancelled, of which the process has yet to say so."""
        self._ends: Counter[int] = Counter()
        """Ends of the process that found a request in the model."""
        self._suspects: deque[int] = deque()
        self._alone: int | None = None
        self._heard_at = 0.0
        self._overdue = ""
        self.restarts = 0
        """Over all; the limit counts those since the last answer."""
        self._restarts_in_a_row = 0
        self._blamed_in_a_row = 0
        self.beat: Beating | None = None
        """Latest counters of the current process."""
        self.past_beats: list[Beating] = []
        """Last counters of the processes before it."""

    @property
    def pid(self) -> int | None:
        """Process id of the current process."""
        return self._process.pid if self._process else None

    def start(self) -> Loaded:
        """Start the first process and wait until it has loaded the model.

        Raises:
            EngineError: It did not.

        """
        self.begin()
        return self.wait()

    def begin(self) -> None:
        """Start the first process."""
        self._thread.start()

    def load(self, message: msgspec.Struct) -> None:
        """Say what to load, where the process was started before that was known."""
        self._inbox.put(_Load(message))

    def wait(self) -> Loaded:
        """Wait until the first process has loaded the model.

        Raises:
            EngineError: It did not.

        """
        first = self._started.get()
        if isinstance(first, EngineError):
            raise first
        return first

    def submit(self, works: Sequence[Numbered]) -> None:
        """Take requests over."""
        self._inbox.put(list(works))

    def cancel(self, numbers: list[int]) -> None:
        """Have requests come back soon."""
        self._inbox.put(_Cancel(numbers))

    def kill(self) -> None:
        """Kill the process; nothing comes back any more."""
        self._closed = True
        if self._process:
            self._process.kill()
        self._inbox.put(_Close())

    def close(self, *, seconds: float = END_SECONDS) -> None:
        """Kill the process, and wait so long at most for its end."""
        self.kill()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._supervise()
        except Exception as error:  # a mistake of ours must not leave the caller waiting
            self._lose(f"the engine's supervisor failed: {error!r}")
            raise
        finally:
            if self._process:
                self._process.reap()

    def _supervise(self) -> None:
        self._spawn()
        while not self._closed:
            try:
                event = self._inbox.get(timeout=self._seconds_left())
            except queue.Empty:
                self._hung()
                continue
            if isinstance(event, Heard):
                self._heard(event)
            elif isinstance(event, _Cancel):
                self._cancelled(event.numbers)
            elif isinstance(event, _Load):
                self._told(event.message)
            elif isinstance(event, list):
                if not self._sent:
                    self._heard_at = time.monotonic()
                self._pending.update((work.number, work) for work in event)
            self._dispatch()

    def _told(self, load: msgspec.Struct) -> None:
        self._load, self._is_told = load, True
        self._heard_at = time.monotonic()
        if self._process:
            self._process.send(load)

    def _spawn(self) -> None:
        self._ready = None
        if self.beat:
            self.past_beats.append(self.beat)
            self.beat = None
        self._sent.clear()
        self._entered.clear()
        self._overdue = ""
        self._heard_at = time.monotonic()
        generation = self._process.generation + 1 if self._process else 0
        try:
            self._process = EngineProcess(generation, self._inbox, self._dialect, self._load)
        except OSError as error:
            self._lose(f"the engine process cannot be started: {error}")
            return
        if self._closed:  # `close` came while there was nothing to kill
            self._process.kill()

    def _seconds_left(self) -> float | None:
        """Until the process is overdue; None while it owes nothing."""
        if self._overdue or not self._is_told or (self._ready and not self._sent):
            return None
        allowed = self._patience.of_step if self._ready else self._patience.of_load
        return max(0.0, self._heard_at + allowed - time.monotonic())

    def _hung(self) -> None:
        seconds = self._patience.of_step if self._ready else self._patience.of_load
        self._overdue = f"no sign of life for {seconds:g} s"
        if self._process:
            self._process.kill()

    def _heard(self, heard: Heard) -> None:
        if self._process is None or heard.generation != self._process.generation:
            return
        self._heard_at = time.monotonic()
        message = heard.message
        if message is None:
            self._ended()
        elif isinstance(message, Loaded):
            self._ready = message
            if not self._ever_ready:
                self._ever_ready = True
                self._started.put(message)
        elif isinstance(message, Entered):
            self._entered.add(message.number)
        elif isinstance(message, Beating):
            self.beat = message
        elif isinstance(message, Lost):
            self._overdue = self._overdue or message.words
        elif isinstance(message, Ended) and message.number in self._pending:
            self._restarts_in_a_row = self._blamed_in_a_row = 0
            self._settle(message.number, message)

    def _settle(self, number: int, answer: Ended | Failure) -> None:
        del self._pending[number]
        self._sent.discard(number)
        self._entered.discard(number)
        self._given_up.discard(number)
        del self._ends[number]
        if number == self._alone:
            self._alone = None
        self._answer(answer)

    def _cancelled(self, numbers: list[int]) -> None:
        known = [number for number in numbers if number in self._pending]
        sent = [number for number in known if number in self._sent]
        if sent and self._process:
            self._given_up.update(sent)
            self._process.send(Cancel(sent))
        for number in known:
            if number not in self._sent:
                self._settle(number, self._dialect.cancelled(number))

    def _ended(self) -> None:
        """The process is gone: find out why, and go on with another."""
        if self._closed or self._process is None:
            return
        how = self._process.reap()
        why = f"{self._overdue} ({how})" if self._overdue else how
        if not self._ever_ready:
            self._lose(f"the {self._dialect.engine} engine did not start: {why}")
            return
        for number in list(self._given_up):  # the process did not live to say so
            self._settle(number, self._dialect.cancelled(number))
        kind: ErrorKind = "timeout" if self._overdue.startswith("no sign") else "engine_error"
        if self._alone is not None:
            words = f"the engine process ended on this request alone, after it did once: {why}"
            self._settle(self._alone, Failure(self._alone, kind, words))
            self._blamed_in_a_row += 1
            if self._blamed_in_a_row <= MAX_BLAMED:
                self._restarts_in_a_row = -1  # and this restart is not counted
        else:
            known = set(self._suspects)
            in_hand = [n for n in self._pending if n in self._entered]
            self._ends.update(in_hand)
            blamed = (n for n in in_hand if self._ends[n] >= self._dialect.blame_after)
            self._suspects.extend(n for n in blamed if n not in known)
        self._restarts_in_a_row += 1
        if self._restarts_in_a_row > self._patience.restarts:
            self._lose(f"the engine process ended {self._restarts_in_a_row} times in a row: {why}")
            return
        self.restarts += 1
        LOG.warning("the %s engine is started again: %s", self._dialect.engine, why)
        self._spawn()

    def _dispatch(self) -> None:
        if self._ready is None or self._process is None or self._overdue:
            return
        while self._suspects and self._alone is None:
            number = self._suspects.popleft()
            if number in self._pending:
                self._alone = number
                self._send(number)
        if self._alone is None:
            for number in list(self._pending):
                if number not in self._sent:
                    self._send(number)

    def _send(self, number: int) -> None:
        if self._process:
            if not self._sent:
                self._heard_at = time.monotonic()
            self._sent.add(number)
            self._process.send(self._pending[number])

    def _lose(self, words: str) -> None:
        error = EngineError(
            words, hint=f"see docs/{self._dialect.engine}.md, or use another engine"
        )
        self._closed = True
        self._pending.clear()
        self._started.put(error)
        self._answer(error)
