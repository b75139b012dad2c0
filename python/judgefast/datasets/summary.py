"""What reading found: the first lines of every report."""

from __future__ import annotations

from typing import Literal

import msgspec

MAX_EXAMPLES = 3
"""Examples kept of each reason."""


class FileRead(msgspec.Struct, frozen=True):
    """One file or stream of the data."""

    name: str
    bytes: int | None
    """Size on disk; None for stdin and rows in memory."""


class ReadSummary(msgspec.Struct):
    """Counts and facts of reading. Complete when the reader is exhausted.

    Always `rows == items + sum(skipped.values())`.
    """

    rows: int = 0
    """Rows read, good and bad; blank lines are none."""
    items: int = 0
    skipped: dict[str, int] = msgspec.field(default_factory=dict)
    """Rows left out, by reason (`faults.Reason`)."""
    examples: dict[str, list[str]] = msgspec.field(default_factory=dict)
    """Up to three of each reason: place, field, what was seen."""
    empty_answers: dict[str, int] = msgspec.field(default_factory=dict)
    """By model, or by field where no model is named."""
    replaced_surrogates: int = 0
    """Lone surrogates that became U+FFFD."""
    identical_rows: int = 0
    """Rows without id that repeat an earlier one; their ids end in `#2`, `#3`, ..."""
    layout: str = ""
    """Name of the recognised field layout."""
    mapping: dict[str, str] = msgspec.field(default_factory=dict)
    """Field of judgefast -> field of the data, for the fields that the first row has."""
    mode: Literal["", "single", "several"] = ""
    """One answer a row, or several."""
    ignored_fields: dict[str, int] = msgspec.field(default_factory=dict)
    """Unknown fields that hold no scalar, hence are not in `meta`, and in how many rows."""
    files: list[FileRead] = msgspec.field(default_factory=list)
    identity: str = ""
    """Sum of the item hashes mod 2^128, 32 hex digits: free of the order of rows and files."""

    def skip(self, reason: str, example: str) -> None:
        """Count one row that is left out."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1
        examples = self.examples.setdefault(reason, [])
        if len(examples) < MAX_EXAMPLES:
            examples.append(example)
