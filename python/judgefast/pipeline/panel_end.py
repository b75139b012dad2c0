"""How a start of several judges ended, and what came of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from judgefast.errors import RunDirectoryError
from judgefast.pipeline.panel_lists import write_own
from judgefast.pipeline.panel_read import read_judges

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.errors import JudgefastError
    from judgefast.pipeline.disagreements_file import Listed
    from judgefast.pipeline.finished import Finished
    from judgefast.pipeline.panel_read import PanelReading

LOG = logging.getLogger("judgefast")

INTERRUPTED = 130
INCOMPLETE = 3


class JudgeEnd(NamedTuple):
    """How the start of one judge ended."""

    name: str
    finished: Finished | None = None
    """None where it did not come so far."""
    error: JudgefastError | None = None

    @property
    def status(self) -> int:
        """Exit status; what was not started is incomplete."""
        return INCOMPLETE if self.finished is None else self.finished.status


class PanelEnd(NamedTuple):
    """How a start of a panel ended."""

    path: Path
    judges: list[JudgeEnd]
    """In the order of the panel; those that were not started too."""
    interrupted: bool
    reading: PanelReading | None = None
    """What came of it, where it was not interrupted."""
    listed: Listed | None = None
    """The list that was written of it."""

    @property
    def status(self) -> int:
        """The worst of all: 130 interrupted, 3 incomplete, 0 done."""
        worst = max((one.status for one in self.judges), default=0)
        return INTERRUPTED if self.interrupted else worst


def listed(ended: PanelEnd) -> PanelEnd:
    """Read what came of it, and list what a person should look at. The caller holds the lock.

    What was judged has its report also where the list cannot be written.
    """
    if ended.interrupted:
        return ended
    reading = read_judges(ended.path)
    try:
        return ended._replace(reading=reading, listed=write_own(reading))
    except RunDirectoryError as error:
        LOG.warning("there is no list of what a person should look at: %s", error)
        return ended._replace(reading=reading)
