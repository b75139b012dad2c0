"""`judgefast` as a command whose replay takes its time, so that kills find it judging.

A segment is closed every 150 completions, so that they find that too, and few completions wait for
the journal's thread.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from judgefast.engines import replay
from judgefast.engines.base import Lane
from judgefast.journal import writer
from tests.crash.things import WAITING

if TYPE_CHECKING:
    from judgefast.engines.base import Completion

BATCH = 4
SECONDS = 0.01
SEGMENT_ROWS = 150


class PacedReplay(replay.ReplayEngine):
    """Answers four requests in ten milliseconds."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.lanes = [Lane(lane=0, room=4 * BATCH)]

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        del timeout_seconds
        time.sleep(SECONDS)
        return [self._answer(self._waiting.popleft()) for _ in range(BATCH) if self._waiting]


def main() -> None:
    """Do as `judgefast` does, slowly."""
    from judgefast.cli import main as judgefast  # noqa: PLC0415 - after what it loads is changed

    replay.ReplayEngine = PacedReplay  # type: ignore[misc]  # a class in place of another
    writer.SEGMENT_ROWS = SEGMENT_ROWS
    writer.WAITING_ROWS = WAITING
    judgefast()


if __name__ == "__main__":
    main()
