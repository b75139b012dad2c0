"""The engine process dies, hangs or is orphaned: every request is answered all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.engines.embedded import EmbeddedEngine
from judgefast.errors import EngineError, ModelError
from judgefast.prompts.decoding import Decoding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from judgefast.batches.request import Request

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

LONG = Decoding(max_tokens=100)


@pytest.fixture
def own_engine(weights: Path) -> Iterator[EmbeddedEngine]:
    """An engine that a test may break."""
    engine = EmbeddedEngine(weights, kv_blocks=128, step_seconds=20)
    engine.start()
    yield engine
    engine.close()


def ends_within(pid: int, seconds: float) -> bool:
    """Whether process `pid` ends in time; a dead one that nobody waited for has ended."""
    stop = time.monotonic() + seconds
    while time.monotonic() < stop:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV], ids=["killed", "crashed"])
def test_requests_finish_after_the_process_died(
    how: signal.Signals,
    own_engine: EmbeddedEngine,
    ask: Callable[..., Request],
    collect: Callable[..., Any],
) -> None:
    requests = [ask([100 + n, 200, 300], Decoding(max_tokens=8)) for n in range(4)]
    slow = ask([50, 60], Decoding(max_tokens=100))
    own_engine.submit(0, [*requests, slow])
    first = own_engine.pid
    assert first is not None
    time.sleep(0.3)
    os.kill(first, how)
    found = collect(own_engine, 5, 120)
    assert all(found[each.request_id].error is None for each in [*requests, slow])
    assert own_engine.pid != first
    assert own_engine.counters()["restarts"] == 1


def test_a_process_that_hangs_is_killed_and_replaced(
    weights: Path, ask: Callable[..., Request], collect: Callable[..., Any]
) -> None:
    engine = EmbeddedEngine(weights, kv_blocks=128, step_seconds=6)
    engine.start()
    try:
        request = ask([100, 200], LONG)
        engine.submit(0, [request])
        time.sleep(0.3)
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGSTOP)
        found = collect(engine, 1, 240)
        assert found[request.request_id].error is None
        assert engine.counters()["restarts"] == 1
    finally:
        engine.close()


def test_a_request_that_kills_the_process_twice_fails_alone(
    own_engine: EmbeddedEngine,
    ask: Callable[..., Request],
    run: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The guard is off, so a schema reaches the engine that overruns its stack."""
    monkeypatch.setattr("judgefast.engines.embedded.guards.check_schema", lambda _: None)
    deep = '{"type":"array","items":' * 100_000 + "{}" + "}" * 100_000
    good = [ask([100 + n, 200], Decoding(max_tokens=3)) for n in range(4)]
    bad = ask([7, 8], Decoding(max_tokens=3, schema=deep))
    found = run(own_engine, [*good[:2], bad, *good[2:]])
    assert found[bad.request_id].error_kind == "engine_error"
    assert found[bad.request_id].error.startswith(
        "the engine process ended on this request alone, after it did once: signal 11"
    )
    assert all(found[each.request_id].error is None for each in good)
    assert own_engine.counters()["restarts"] == 2


def kill_every_process_of(engine: EmbeddedEngine) -> None:
    killed: set[int | None] = {None}
    for _ in range(2000):
        if (pid := engine.pid) not in killed:
            killed.add(pid)
            os.kill(pid, signal.SIGKILL)
        engine.collect(timeout_seconds=0.05)


def test_a_process_that_dies_again_and_again_is_the_loss_of_the_engine(
    own_engine: EmbeddedEngine, ask: Callable[..., Request]
) -> None:
    own_engine.submit(0, [ask([100, 200], Decoding(max_tokens=4000))])
    with pytest.raises(EngineError, match=r"ended 4 times in a row: signal 9"):
        kill_every_process_of(own_engine)
    with pytest.raises(EngineError):
        own_engine.submit(0, [ask([1])])


def test_closing_in_the_middle_of_work_takes_no_time(
    own_engine: EmbeddedEngine, ask: Callable[..., Request]
) -> None:
    own_engine.submit(0, [ask([100 + n, 200], Decoding(max_tokens=1000)) for n in range(4)])
    time.sleep(0.2)
    pid = own_engine.pid
    assert pid is not None
    begin = time.monotonic()
    own_engine.close()
    assert time.monotonic() - begin < 2
    assert ends_within(pid, 1)
    assert own_engine.in_flight(0) == 0


ORPHAN = """
import sys, time
import numpy as np
from judgefast.engines.embedded import EmbeddedEngine
from judgefast.batches.request import Request
from judgefast.prompts.decoding import Decoding
from judgefast.prompts.segments import Prompt
engine = EmbeddedEngine(sys.argv[1], kv_blocks=256)
engine.start()
prompt = Prompt((), np.arange(100, 600, dtype=np.int32), b"", 0)
if sys.argv[2] == "stepping":
    engine.submit(0, [Request(request_id=bytes(16), keys=(), item_id="", shown=(), repeat=0,
        judge="", questions=(), prompt=prompt, prefix_group=0, seed=0,
        decoding=Decoding(max_tokens=5000))])
print(engine.pid, flush=True)
time.sleep(100)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("state", ["idle", "stepping"])
def test_the_process_ends_with_its_parent(state: str, weights: Path) -> None:
    command = [sys.executable, "-c", ORPHAN, str(weights), state]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        time.sleep(0.3)
        parent.kill()
    assert ends_within(pid, 2)


def test_ctrl_c_does_not_reach_the_process(
    own_engine: EmbeddedEngine, ask: Callable[..., Request], run: Callable[..., Any]
) -> None:
    assert own_engine.pid is not None
    os.kill(own_engine.pid, signal.SIGINT)
    request = ask([100, 200])
    assert run(own_engine, [request])[request.request_id].error is None
    assert own_engine.counters()["restarts"] == 0


def test_a_model_folder_that_was_cut_short_never_reaches_the_engine(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGEFAST_CACHE", str(tmp_path))
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(weights.read_bytes()[:40_000_000])
    with pytest.raises(ModelError, match=r"cut.gguf"):
        EmbeddedEngine(cut).start()
    assert not list((tmp_path / "embedded").glob("*/model.json"))
