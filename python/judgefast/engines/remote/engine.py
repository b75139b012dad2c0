"""An engine whose work is done in a loop's thread, as the pipeline sees it: two queues."""

from __future__ import annotations

import queue
import time
from abc import ABC, abstractmethod
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from judgefast.engines.base import Lane
from judgefast.engines.remote.options import TLS_HINT, Secret, key_of_environment, root_of
from judgefast.errors import ConfigError, EngineError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion
    from judgefast.engines.remote.thread import WorkingLoop

L = TypeVar("L", bound="WorkingLoop[Any]")


class RemoteEngine(ABC, Generic[L]):
    """Judges behind servers. What the servers are is asked of them when it is first needed.

    Raises:
        ModuleNotFoundError: aiohttp or httptools is not installed.
        ConfigError: The key in the environment cannot be one.

    """

    name: str
    drives = ("aiohttp", "httptools")
    prefix_cache = None
    """What a server keeps is its own affair, and it has other clients."""

    def __init__(self) -> None:
        for needed in self.drives:
            if find_spec(needed) is None:
                message = f"No module named '{needed}'"
                raise ModuleNotFoundError(message, name=needed)
        self._secret = Secret(key_of_environment())
        self._done: queue.SimpleQueue[list[Completion] | Exception] = queue.SimpleQueue()
        self._in_flight = 0
        self._lost: Exception | None = None
        self._loop: L | None = None
        self._is_started = False
        self._is_closed = False

    @abstractmethod
    def _made(self) -> L:
        """Make the loop; importing it loads aiohttp."""

    @property
    def lanes(self) -> Sequence[Lane]:
        """One, whatever the number of servers: they share one queue."""
        room = self._loop.room if self._loop is not None and self._is_started else 1
        return [Lane(lane=0, room=max(1, room))]

    def counters(self) -> dict[str, int]:
        """What happened since the start; see the loop's."""
        return self._loop.counters() if self._loop is not None else {}

    def in_flight(self, lane: int) -> int:
        """See :meth:`Engine.in_flight`."""
        del lane
        return self._in_flight

    def submit(self, lane: int, requests: Sequence[Request]) -> None:
        """See :meth:`Engine.submit`.

        Raises:
            EngineError: The engine has not started, is closed, or is lost.

        """
        del lane
        if self._lost:
            raise self._lost
        if self._loop is None or not self._is_started or self._is_closed:
            message = f"the {self.name} engine is not running"
            raise EngineError(message, hint="call start() first, and submit before close()")
        if not requests:
            return
        self._in_flight += len(requests)
        self._loop.take(requests, time.time(), time.monotonic())

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        """See :meth:`Engine.collect`.

        Raises:
            EngineError: All servers are lost, or refuse the key; what came before was handed back.

        """
        if self._lost:
            raise self._lost
        found: list[Completion] = []
        try:
            item = self._done.get(timeout=max(0.0, timeout_seconds))
            while True:
                if isinstance(item, Exception):
                    self._lost = item
                    break
                found += item
                item = self._done.get_nowait()
        except queue.Empty:
            pass
        self._in_flight -= len(found)
        if self._lost and not found:
            raise self._lost
        return found

    def cancel(self, request_ids: Sequence[bytes]) -> None:
        """See :meth:`Engine.cancel`."""
        if self._loop is not None and self._is_started and not self._is_closed:
            self._loop.cancel(set(request_ids))

    def close(self) -> None:
        """See :meth:`Engine.close`."""
        self._is_closed = True
        if self._loop is not None:
            self._loop.close()
        self._in_flight = 0

    def _running(self) -> L:
        if self._is_closed:
            message = f"the {self.name} engine is closed"
            raise EngineError(message)
        if self._loop is None:
            try:
                self._loop = self._made()
            except OSError as error:  # aiohttp opens these files as it is loaded
                message = f"connections cannot be prepared: {error}"
                raise EngineError(message, hint=TLS_HINT) from None
        return self._loop


def roots_of(engine: str, base_url: str | Sequence[str]) -> tuple[str, ...]:
    """Roots of the servers that an engine was given, each once.

    Raises:
        ConfigError: None was given, or one is no address.

    """
    given = [base_url] if isinstance(base_url, str) else list(base_url)
    if not given:
        message = f"the engine `{engine}` needs the address of a server"
        raise ConfigError(message, hint="add --base-url http://127.0.0.1:8000")
    return tuple(dict.fromkeys(map(root_of, given)))


def check_names(given: Collection[str], known: Collection[str]) -> None:
    """Refuse an option that an engine does not have, as Python would.

    Raises:
        TypeError: In Python's words.

    """
    for name in given:
        if name not in known:
            message = f"got an unexpected keyword argument '{name}'"
            raise TypeError(message)
