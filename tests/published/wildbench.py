"""WildBench (Lin et al. 2024, arXiv:2406.04770): the scores that its judges gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .replays import write_rubric

if TYPE_CHECKING:
    from pathlib import Path

PUBLISHED = ("gpt-4o-2024-05-13", "v2.0625")
"""Judge and version that its leaderboard is made from."""


def recorded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{row['model']} {row['session_id']}",
            "cluster": row["session_id"],
            "model": row["model"],
            "score": row["score"],
        }
        for row in rows
        if (row["judge"], row["version"]) == PUBLISHED
    ]


def rubric(path: Path) -> Path:
    return write_rubric(path, "scalar", 'name = "json"\nfield = "score"', scale=(1, 10))
