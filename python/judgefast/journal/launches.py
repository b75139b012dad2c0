"""Starts of the program on one run directory, and what is known of each."""

from __future__ import annotations

import os
import platform
import secrets
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast import _native
from judgefast.files import write_whole
from judgefast.formats import FORMAT, decode_json

if TYPE_CHECKING:
    from pathlib import Path


NAME_DIGITS = 32
"""Hex digits of the name of a launch."""


def new_launch() -> str:
    """Random name of a start."""
    return secrets.token_hex(NAME_DIGITS // 2)


class LaunchRecord:
    """`launches/<id>.json` of this start, rewritten whole whenever a fact is added."""

    def __init__(self, folder: Path, launch: str) -> None:
        self._path = folder / f"{launch}.json"
        self._lock = threading.Lock()
        self._facts: dict[str, Any] = {
            "format": FORMAT,
            "launch": launch,
            "started": _now(),
            "host": platform.node(),
            "process": os.getpid(),
            "judgefast": _native.__version__,
            "python": platform.python_version(),
            "platform": platform.platform(),
        }
        self.add({})

    def add(self, facts: dict[str, Any]) -> None:
        """Add facts; one of the same name takes the place of the old one."""
        with self._lock:  # a thread may say that this start is still there
            self._facts |= facts
            data = msgspec.json.format(msgspec.json.encode(self._facts), indent=2)
            write_whole(self._path, data + b"\n")

    def finish(self, facts: dict[str, Any]) -> None:
        """Add the facts known at the end, and when that was."""
        self.add({"finished": _now()} | facts)


def read_launches(folder: Path) -> list[dict[str, Any]]:
    """Facts of every start, the first one first. One that cannot be read holds its id alone."""
    records = [_read(path) for path in sorted(folder.glob("*.json"))]
    return sorted(records, key=lambda facts: (str(facts.get("started", "")), facts["launch"]))


def is_elsewhere(folder: Path, launch: str) -> bool:
    """Whether a launch of another machine has not said that it ended."""
    facts = _read(folder / f"{launch}.json")
    return "finished" not in facts and facts.get("host", platform.node()) != platform.node()


def _read(path: Path) -> dict[str, Any]:
    try:
        facts = decode_json(path, path.read_bytes(), dict[str, Any])
    except (OSError, msgspec.DecodeError):
        facts = {}
    return {"launch": path.stem} | facts


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
