"""Every exception judgefast raises on purpose, in one tree.

Catch :class:`JudgefastError` to catch them all. Each class is one *kind of answer* to the
question "what should the caller do?", and carries at most one hint: the command or the edit
that would help. The native extension raises these same classes.
"""

from __future__ import annotations


class JudgefastError(Exception):
    """Base of all judgefast errors.

    Attributes:
        hint: One imperative sentence without a final period, or `None`.

    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(JudgefastError):
    """A setting is missing, unknown or out of range. Nothing has run yet."""


class DataError(JudgefastError):
    """A row cannot be read. The message names file, line, field and what was seen."""


class RubricError(JudgefastError):
    """A rubric or verdict format cannot be used. The message names line and key."""


class ModelError(JudgefastError):
    """The judge model cannot be used: missing, damaged, or its template breaks a prompt."""


class RunDirectoryError(JudgefastError):
    """A run directory is busy, damaged, or belongs to another plan. Nothing was changed."""


class ColumnError(JudgefastError):
    """Input rows do not fit together or hold a code with no meaning."""


class EngineError(JudgefastError):
    """The judge model could not be loaded or stopped answering. Finished work is kept."""
