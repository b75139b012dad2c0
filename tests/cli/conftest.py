"""The whole program as a user has it, in a folder with examples and recordings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.program import program
from tests.recorded import EXAMPLES, pairs, record, write_lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OWN_ENGINE = '''
import json, time
from collections import deque
from judgefast.engines.base import Completion, Lane
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.model import JudgeModel

class OwnEngine:
    """Says one thing, a few times a second."""

    name = "own"

    def __init__(self, *, seconds=0.0, text='{"verdict": "A", "reason": "r"}'):
        self.capabilities = Capabilities(takes="key", deterministic=True)
        self.model = JudgeModel(name="own", digest="0" * 64)
        self.lanes = [Lane(lane=0, room=16)]
        self.seconds, self.waiting = seconds, deque()
        self.text = text if isinstance(text, str) else json.dumps(text)

    def start(self):
        return {}

    def in_flight(self, lane):
        return len(self.waiting)

    def submit(self, lane, requests):
        self.waiting.extend(requests)

    def collect(self, *, timeout_seconds):
        time.sleep(self.seconds)
        request = self.waiting.popleft()
        return [
            Completion(
                request_id=request.request_id,
                attempt=request.attempt,
                lane=0,
                text=self.text,
                finish_reason="stop",
            )
        ]

    def cancel(self, request_ids):
        self.waiting.clear()

    def close(self):
        self.waiting.clear()
'''
"""An engine of a third party, found by its entry point."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Examples, a recording of a judge who agrees with gold, and one of half of it."""
    for name in ("pairs.jsonl", "answers.jsonl"):
        shutil.copy(EXAMPLES / name, tmp_path)
    write_lines(tmp_path / "recorded.jsonl", record(pairs()))
    write_lines(tmp_path / "half.jsonl", record(pairs()[:10]))
    return tmp_path


@pytest.fixture
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment of the program: an engine of a third party is installed."""
    site = tmp_path_factory.mktemp("site")
    (site / "own_engine.py").write_text(OWN_ENGINE)
    info = site / "own_engine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-engine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[judgefast.engines]\nown = own_engine:OwnEngine\n")
    path = os.pathsep.join(part for part in (str(site), os.environ.get("PYTHONPATH")) if part)
    return {**os.environ, "PYTHONPATH": path}


@pytest.fixture
def start(folder: Path, environment: dict[str, str]) -> Callable[..., subprocess.Popen[str]]:
    """Start the program in the folder; the caller waits for it."""

    def started(*args: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "judgefast", *args],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    return started


@pytest.fixture
def judgefast(folder: Path, environment: dict[str, str]) -> Callable[..., str]:
    """Run the program to its end and return everything a caller can see, as one text."""

    def seen(*args: str) -> str:
        done = subprocess.run(
            [*program(), *args],
            cwd=folder,
            env=environment,
            input="",
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )
        return f"exit {done.returncode}\n--- stdout\n{done.stdout}--- stderr\n{done.stderr}"

    return seen
