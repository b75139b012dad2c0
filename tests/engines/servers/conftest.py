"""`judgefast serve-judge` as a user has it, with a stand-in for vLLM first on PATH."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.engines.vllm.real.processes import alive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS = 60
IN_A_SCRIPT = ["/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh"]
"""As `judgefast serve-judge ... &` in a script: Ctrl-C is ignored, which no server must inherit."""
STAND_IN = Path(__file__).with_name("stand_in.py")


class Serving:
    """A start of the program, and what the stand-in has noted."""

    def __init__(self, folder: Path, how: str, *words: str) -> None:
        self.noted = folder / "seen.json"
        self.out, self.err = folder / "out", folder / "err"
        environment = os.environ | {
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "STAND_IN": how,
            "STAND_IN_SEEN": str(self.noted),
        }
        environment.pop("VLLM_API_KEY", None)
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen(
                [*IN_A_SCRIPT, sys.executable, "-m", "judgefast", "serve-judge", *words],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def seen(self) -> dict[str, Any]:
        return json.loads(self.noted.read_text("utf-8")) if self.noted.exists() else {}

    @property
    def printed(self) -> str:
        return self.out.read_text("utf-8")

    @property
    def said(self) -> str:
        return self.err.read_text("utf-8")

    def until(self, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def ended(self) -> int:
        """Its exit status; nothing that it started is left then."""
        status = self.process.wait(SECONDS)
        assert not [pid for pid in self.seen["pids"] if alive(pid)]
        return status


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    """Start the program with a stand-in that behaves in some way."""
    program = tmp_path / "vllm"
    program.write_text(f"#!{sys.executable}\n{STAND_IN.read_text('utf-8')}", "utf-8")
    program.chmod(0o755)
    started: list[Serving] = []

    def start(how: str, *words: str) -> Serving:
        started.append(Serving(tmp_path, how, "Org/Judge", *words))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        for pid in each.seen.get("pids", ()):
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
