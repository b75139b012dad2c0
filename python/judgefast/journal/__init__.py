"""The journal: the run directory, and in it the append-only record of every completion.

Beside stages 4 and 5: completions -> **journal** -> what counts for each request. With the stored
plan it is the only state of a run; the formats are in `docs/formats.md`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judgefast.journal.answers import AnswerIndex, State
    from judgefast.journal.manifest import Manifest, compare
    from judgefast.journal.run_directory import RunDirectory
    from judgefast.journal.writer import JournalWriter

__all__ = ["AnswerIndex", "JournalWriter", "Manifest", "RunDirectory", "State", "compare"]

_HOMES = {
    "AnswerIndex": "answers",
    "JournalWriter": "writer",
    "Manifest": "manifest",
    "RunDirectory": "run_directory",
    "State": "answers",
    "compare": "manifest",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        message = f"module `{__name__}` has no attribute `{name}`"
        raise AttributeError(message)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
