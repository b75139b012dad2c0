"""An engine by name that needs no model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.benchmarks.paced_engine import PacedEngine

from judgefast import engines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def paced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[PacedEngine]]:
    """The engine `paced`; gives those that were made. What is tuned is kept in a folder of its own."""
    home = ("tests.benchmarks.paced_engine", "PacedEngine", None)
    monkeypatch.setitem(engines._ENGINES, "paced", home)
    monkeypatch.setenv("JUDGEFAST_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(PacedEngine, "made", [])
    yield PacedEngine.made
