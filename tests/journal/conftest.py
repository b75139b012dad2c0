"""Runs small enough to be killed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from judgefast.engines.base import Completion
from judgefast.journal.manifest import DataFacts, EngineFacts, Manifest, ModelFacts, RubricFacts
from judgefast.journal.run_directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def manifest() -> Manifest:
    return Manifest(
        created="2026-01-01T00:00:00+00:00",
        judgefast="0.1.0",
        config={"rubric": "pairwise", "repeats": 1},
        rubric=RubricFacts("pairwise", 'name = "pairwise"\n', "ab" * 32, "cd" * 32),
        data=DataFacts(identity="12" * 16, items=3, read=4, skipped={"empty": 1}),
        judge="smollm2 Q4_1",
        model=ModelFacts("smollm2", "ef" * 32, "01" * 32),
        engine=EngineFacts("replay", {"recorded": "judge.jsonl"}),
        seeds={"run": 0},
        options={"orders": "both", "repeats": 1},
    )


@pytest.fixture(scope="session")
def completion() -> Callable[..., Completion]:
    """Make the completion of the request whose id is the number given."""

    def make(number: int, **fields: Any) -> Completion:
        given = {"attempt": 1, "lane": 0, "text": f"answer {number}", "finish_reason": "stop"}
        return Completion(request_id=number.to_bytes(16, "little"), **(given | fields))

    return make


@pytest.fixture
def run(tmp_path: Path, manifest: Manifest) -> Path:
    """A run directory that nobody holds."""
    with RunDirectory.create(tmp_path / "run", manifest):
        pass
    return tmp_path / "run"
