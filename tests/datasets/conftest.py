"""What tests of data sets share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def jsonl(tmp_path: Path) -> Callable[..., Path]:
    """Writes rows (dicts, or raw lines as text or bytes) as `rows.jsonl`; returns its path."""

    def write(*rows: dict[str, Any] | str | bytes, name: str = "rows.jsonl") -> Path:
        path = tmp_path / name
        path.write_bytes(
            b"".join(
                (row if isinstance(row, bytes) else _text(row).encode()) + b"\n" for row in rows
            )
        )
        return path

    return write


def _text(row: dict[str, Any] | str) -> str:
    return row if isinstance(row, str) else json.dumps(row)
