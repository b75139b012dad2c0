"""A judge model of bytes, items that the fault server knows, and commands on them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.recorded import write_lines

from .asking import started
from .byte_model import write_byte_model
from .judging import Judging
from .opinion import row
from .serving import FaultServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ITEMS = 12


@pytest.fixture(scope="session")
def byte_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_byte_model(tmp_path_factory.mktemp("models") / "judge")


@pytest.fixture
def names() -> list[str]:
    """Items; both orders of each are judged."""
    return [f"q{number}" for number in range(ITEMS)]


@pytest.fixture
def judging(byte_model: Path, names: list[str], tmp_path: Path) -> Iterator[Judging]:
    data = write_lines(tmp_path / "rows.jsonl", [row(name) for name in names])
    with Judging(tmp_path, data, byte_model) as made:
        yield made


@pytest.fixture
def ask(byte_model: Path) -> Iterator[Callable[..., Any]]:
    """Start an engine on servers and give it requests: `asking.started`."""
    made: list[Any] = []

    def give(urls: list[str], count: int, model: Path = byte_model, **options: Any) -> Any:
        made.append(started(urls, model, count, **options))
        return made[-1]

    yield give
    for engine in made:
        engine.close()


@pytest.fixture
def server(tmp_path: Path) -> Callable[..., FaultServer]:
    """Make a server by a script; its log is in the folder of the test."""
    return partial(FaultServer, tmp_path)
