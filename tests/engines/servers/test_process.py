"""The child that serves: what it must be even where others of its promises cannot be kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from judgefast.engines.servers.address import held_address
from judgefast.engines.servers.process import ServerProcess
from judgefast.engines.servers.ready import wait_until_ready

STAND_IN = Path(__file__).with_name("stand_in.py")


def test_a_server_that_never_gives_its_first_answer_is_killed_when_its_grace_is_over(
    tmp_path: Path,
) -> None:
    command = [sys.executable, str(STAND_IN), "serve", "x", "--port"]
    environment = os.environ | {
        "STAND_IN": "stubborn and dumb",
        "STAND_IN_SEEN": str(tmp_path / "seen.json"),
    }
    told: list[float] = []

    def tell() -> None:
        told.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGTERM)

    def say(words: str) -> None:
        assert "asking for one token" in words
        threading.Timer(0.3, tell).start()

    with (
        held_address("127.0.0.1", 0) as address,
        ServerProcess([*command, str(address.port)], environment, lambda _: None) as process,
    ):
        process.grace_seconds = 0.5
        ready = wait_until_ready(process, address, key=None, seconds=120, say=say)
        assert ready is None
        assert process.poll() == 128 + signal.SIGKILL
        assert 0.4 < time.monotonic() - told[0] < 10


def test_a_system_without_sighup_has_the_command_all_the_same() -> None:
    program = (
        "import signal; del signal.SIGHUP\n"
        "from judgefast.cli import main\n"
        "import sys; sys.argv = ['judgefast', 'serve-judge', 'Org/Judge', '--print']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "vllm serve Org/Judge" in done.stdout) == (0, True), done.stderr
