"""An engine by name that needs no model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from judgefast import engines
from judgefast.pipeline.tuned import HARMLESS
from tests.benchmarks.paced_engine import PacedEngine

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def paced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[PacedEngine]:
    """The engine `paced`; gives those that are made. What is tuned goes to a folder of its own."""
    home = ("tests.benchmarks.paced_engine", "PacedEngine", None)
    monkeypatch.setitem(engines._ENGINES, "paced", home)
    monkeypatch.setenv("JUDGEFAST_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(PacedEngine, "made", [])
    for module in ("pipeline.tuned", "benchmarks.sweep"):
        monkeypatch.setattr(f"judgefast.{module}.HARMLESS", HARMLESS | {"answer_ms"})
    return PacedEngine.made
