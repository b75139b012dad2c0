"""The command line as a process, with an engine that is registered by an entry point."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import judgefast
from tests.program import program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables under which `--engine logged` is `LoggedEngine`."""
    site = tmp_path_factory.mktemp("site")
    info = site / "logged_judge-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: logged-judge\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[judgefast.engines]\nlogged = tests.pipeline.logged_engine:LoggedEngine\n"
    )
    package = Path(judgefast.__file__).parents[1]
    paths = [str(site), str(ROOT), str(package)]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONFAULTHANDLER": "1"}


@pytest.fixture
def judgefast_command(
    environment: dict[str, str], tmp_path: Path
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `judgefast ...`; stdout and stderr are pipes of text. None outlives its test."""
    begun: list[subprocess.Popen[str]] = []

    def begin(*args: object, **options: Any) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "judgefast", *map(str, args)],
            env=environment,
            cwd=tmp_path,
            text=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )
        begun.append(process)
        return process

    yield begin
    for process in begun:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def cli(environment: dict[str, str], tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """Run `judgefast ...` to its end: status, stdout, stderr."""

    def call(*args: object, **options: Any) -> tuple[int, str, str]:
        done = subprocess.run(
            [*program(), *map(str, args)],
            env=environment,
            cwd=tmp_path,
            text=True,
            check=False,
            timeout=240,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )
        return done.returncode, done.stdout, done.stderr

    return call


@pytest.fixture
def write_rows(tmp_path: Path) -> Callable[..., Path]:
    """Write rows as JSONL; returns the path."""

    def write(rows: list[dict[str, Any]], name: str = "rows.jsonl") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write
