"""How a run directory is closed at the end of a start."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.journal.run_directory import RunDirectory


class Closing:
    """How a run directory is to be closed."""

    to_parquet = True


@contextmanager
def closing_of(directory: RunDirectory) -> Iterator[Closing]:
    """Close the directory at the end, soon after an interruption and in full otherwise."""
    how = Closing()
    try:
        yield how
    except KeyboardInterrupt:
        how.to_parquet = False
        raise
    finally:
        directory.close(to_parquet=how.to_parquet)
