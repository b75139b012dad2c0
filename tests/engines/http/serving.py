"""A fault server as a test has it: its address, its log, its life and death."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[3]


class Log(NamedTuple):
    """What a server has written down of the requests for completions."""

    lines: list[dict[str, Any]]

    def times(self, what: str) -> Counter[str]:
        """How often each prompt about an item was `asked` or `answered`."""
        lines = [line for line in self.items if line["what"] == what]
        return Counter(name for line in lines for name in line["about"])

    @property
    def items(self) -> list[dict[str, Any]]:
        """Lines of requests about items."""
        return [line for line in self.lines if "/" in "".join(line.get("about", ()))]

    @property
    def controls(self) -> set[int]:
        """How many control tokens its prompts had."""
        lines = [line for line in self.items if line["what"] == "asked"]
        return {number for line in lines for number in line["controls"]}

    def requests(self, fault: str | None = None) -> int:
        """Requests about items that came; those that a fault befell, if it is named."""
        asked = [line for line in self.items if line["what"] == "asked"]
        return len([line for line in asked if fault is None or line.get("fault") == fault])

    @property
    def lengths(self) -> list[int]:
        """Of the lists of prompts, as they came."""
        return [len(line["about"]) for line in self.items if line["what"] == "asked"]


class Gate:
    """Nothing is answered while it is not set: the process is stopped."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def clear(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def set(self) -> None:
        self._process.send_signal(signal.SIGCONT)


class FaultServer:
    """A process; use it as a context manager."""

    def __init__(self, folder: Path, certificate: Path | None = None, **script: Any) -> None:
        self._script = script
        self._certificate = certificate
        self.log_path = folder / "served.jsonl"
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start it, on the port that it had before."""
        self.start()
        return self

    def __exit__(self, *args: object) -> None:
        """Kill it."""
        self.kill()

    @property
    def gate(self) -> Gate:
        assert self._process is not None
        return Gate(self._process)

    @property
    def url(self) -> str:
        scheme = "https" if self._certificate else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    def start(self, **changed: Any) -> None:
        """Start it, again or for the first time, by the script or by what is changed of it."""
        self._script |= changed
        command = [sys.executable, "-m", "tests.engines.http.fault_server"]
        command += ["--port", str(self.port), "--script", json.dumps(self._script)]
        command += ["--log", str(self.log_path)]
        if self._certificate:
            command += ["--certificate", str(self._certificate)]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": ""},
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    @property
    def log(self) -> Log:
        return read_log(self.log_path)


def read_log(path: Path) -> Log:
    """The lines of a log that were written whole."""
    if not path.is_file():
        return Log([])
    *lines, _ = path.read_text(encoding="utf-8").split("\n")
    return Log([json.loads(line) for line in lines])


def merged(logs: Iterable[Log]) -> Log:
    """The logs of several servers as one."""
    return Log([line for log in logs for line in log.lines])
