"""A judge in a process of its own, for tests that kill it: it writes down what it was asked.

`die_at` names a function of judgefast, as in `judgefast.pipeline.run:read_journal:1`: before its
first call (`:1`, `:2` the second, ...) the process kills itself, as `kill -9` would.
"""

from __future__ import annotations

import os
import signal
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgefast.errors import EngineError
from tests.engines.scripted import ScriptedEngine
from tests.pipeline.adaptive_judge import by_shares
from tests.pipeline.judging import by_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion


class LoggedEngine(ScriptedEngine):
    """Answers by the hash of the request."""

    def __init__(
        self,
        *,
        log: str,
        seconds: float = 0.0,
        room: int = 16,
        silent: bool = False,
        die_at: str = "",
        fail: str = "",
        labels: bool = False,
    ) -> None:
        answer = by_shares if labels else by_hash
        super().__init__(
            (lambda request: None) if silent else answer, room=room, label_probabilities=labels
        )
        self._log = Path(log)
        self._seconds = seconds
        self._fail = fail
        if die_at:
            _die_at(*die_at.split(":"))

    def start(self) -> dict[str, Any]:
        if self._fail == "start":
            message = "the model does not load"
            raise EngineError(message, hint="look at it")
        return super().start()

    def submit(self, lane: int, requests: Sequence[Request]) -> None:
        with self._log.open("a") as file:
            file.write("".join(f"{r.request_id.hex()} {r.attempt}\n" for r in requests))
        super().submit(lane, requests)

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        time.sleep(self._seconds)
        if self._fail == "bug":
            return [1 / 0]  # type: ignore[list-item]  # the bug itself
        return super().collect(timeout_seconds=timeout_seconds)


def _die_at(module: str, name: str, count: str) -> None:
    owner: Any = import_module(module)
    *classes, attribute = name.split(".")
    for part in classes:
        owner = getattr(owner, part)
    setattr(owner, attribute, _dying(getattr(owner, attribute), int(count)))


def _dying(function: Callable[..., Any], count: int) -> Callable[..., Any]:
    calls = 0

    def call(*args: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **options)

    return call
