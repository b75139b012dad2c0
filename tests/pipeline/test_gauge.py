"""What processes spend of the CPU, by the kernel."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from judgefast.pipeline.gauge import CpuSpent, Gauge, pids_of

pytestmark = pytest.mark.skipif(not Path("/proc/stat").is_file(), reason="no /proc")

BURN = """
import subprocess, sys, time
def burn(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
child = subprocess.Popen([sys.executable, "-c",
    "import time; u = time.process_time() + 0.3\\nwhile time.process_time() < u: pass\\n"
    "print('done', flush=True); time.sleep(60)"], stdout=subprocess.PIPE)
burn(0.3)
child.stdout.readline()
print("done", flush=True)
time.sleep(60)
"""


def engine(**fields: Any) -> Any:
    return SimpleNamespace(**fields)


def test_the_cpu_seconds_of_a_process_are_its_own_and_those_of_its_children() -> None:
    with subprocess.Popen([sys.executable, "-c", BURN], stdout=subprocess.PIPE) as process:
        gauge = Gauge(engine(pid=process.pid))
        assert process.stdout is not None
        process.stdout.readline()
        spent = gauge.spent()
        process.kill()
    assert spent.cpu is not None
    assert 0.55 <= spent.cpu <= 1.5  # two interpreters start in it
    assert 0 <= (spent.others or 0.0) <= 1
    assert spent.facts().keys() >= {"judge_wall_seconds", "engine_cpu_seconds"}


def test_a_process_that_has_ended_leaves_no_sum() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        gauge = Gauge(engine(pids=[process.pid]))
        process.communicate(b"\n")
    spent = gauge.spent()
    assert spent.cpu is None
    assert "engine_cpu_seconds" not in spent.facts()


def test_an_engine_without_processes_has_a_clock_alone() -> None:
    gauge = Gauge(engine())
    time.sleep(0.01)
    spent = gauge.spent()
    assert spent.cpu is None
    assert spent.wall >= 0.01


def test_an_engine_names_its_process_or_its_processes() -> None:
    assert pids_of(engine()) == []
    assert pids_of(engine(pid=None)) == []
    assert pids_of(engine(pid=7)) == [7]
    assert pids_of(engine(pid=7, pids=[8, 9])) == [8, 9]


def test_facts_leave_out_what_is_not_known() -> None:
    assert CpuSpent(1.0, None, None, 0.25).facts() == {
        "judge_wall_seconds": 1.0,
        "cpu_share_stolen": 0.25,
    }
