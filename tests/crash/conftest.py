"""Manifests, completions and weights, as the tests of those stages make them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engines.embedded.conftest import weights
from tests.journal.conftest import completion, manifest, run
from tests.pipeline.conftest import write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there
"""Where syncing takes no time: what a killed process leaves does not depend on it."""

__all__ = ["completion", "manifest", "run", "weights", "write_rows"]


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder in memory, where the system has one."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)
