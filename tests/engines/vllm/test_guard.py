"""A session ends with its leader, however that ended, and also where nobody waits for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from judgefast.engines.child.lifetime import python_environment

from .real.processes import in_sessions, none_within

LEADER = """
import subprocess, time
from judgefast.engines.vllm.child import guard_session
guard_session()
subprocess.Popen(["sleep", "100"])
print("ready", flush=True)
time.sleep(100)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_a_dead_process_has_started_is_killed_by_its_guard() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LEADER],
        stdout=subprocess.PIPE,
        text=True,
        env=python_environment(),
        start_new_session=True,
    ) as leader:
        assert leader.stdout is not None
        assert leader.stdout.readline() == "ready\n"
        assert len(in_sessions({leader.pid})) == 2
        leader.kill()  # nobody has waited for it yet
        assert none_within(60, lambda: in_sessions({leader.pid}))
