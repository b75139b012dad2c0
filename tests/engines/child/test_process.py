"""The engine process seen from outside, with a stand-in for it."""

from __future__ import annotations

import queue
import sys
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.engines.child import process as module
from judgefast.engines.child.process import EngineProcess, Heard
from judgefast.engines.embedded.wire import DIALECT, Load

if TYPE_CHECKING:
    from collections.abc import Callable

LOAD = Load(
    folder="",
    properties={},
    kv_blocks=1,
    batched_tokens=512,
    room=1,
    context_tokens=64,
    eos_ids=(),
)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[EngineProcess, Any]]:
    def start(script: str) -> tuple[EngineProcess, Any]:
        monkeypatch.setattr(module, "python_command", lambda *_: ["sh", "-c", script])
        inbox: queue.SimpleQueue[object] = queue.SimpleQueue()
        return EngineProcess(3, inbox, DIALECT, LOAD), inbox

    return start


@pytest.mark.skipif(sys.platform == "win32", reason="runs sh")
@pytest.mark.parametrize(
    ("script", "how"),
    [
        ("echo some; echo last words >&2; exit 7", "exit status 7; it said: last words"),
        ("sleep 20 & kill -9 $$", "signal 9"),
        ("printf '\\004\\000\\000\\000what'; exit 0", "exit status 0"),
    ],
    ids=["says why", "leaves another behind with its pipes", "talks nonsense"],
)
def test_its_end_is_heard(script: str, how: str, started: Callable[[str], Any]) -> None:
    process, inbox = started(script)
    assert inbox.get(timeout=15) == Heard(3, None)
    assert process.reap() == how
    assert process.reap() == how
