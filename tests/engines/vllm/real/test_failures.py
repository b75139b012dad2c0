"""vLLM's own process dies: every request is answered all the same."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.prompts.decoding import Decoding

from .processes import descendants, in_sessions, none_within

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.batches.request import Request
    from tests.engines.conftest import Started

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

LONG = Decoding(max_tokens=100)


def test_work_is_finished_by_a_new_process_after_vllms_own_has_died(
    started_vllm: Started, ask: Callable[..., Request], answers: Callable[..., Any]
) -> None:
    engine = started_vllm.engine
    [supervisor] = engine._supervisors
    first = supervisor.pid
    assert first is not None
    requests = [ask([100 + n, 200, 300], LONG) for n in range(6)]
    engine.submit(0, requests)
    time.sleep(0.5)
    cores = [pid for pid, name in descendants(first).items() if name.startswith("VLLM::Engine")]
    assert len(cores) == 1
    os.kill(cores[0], signal.SIGKILL)
    found = answers(engine, requests, submit=False)
    assert [each.error for each in found] == [None] * 6
    assert supervisor.pid != first
    assert engine.counters()["restarts"] == 1
    assert none_within(60, lambda: in_sessions({first}))
