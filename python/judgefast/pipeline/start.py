"""One start of a run: what it is given, and how far it is."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from judgefast.pipeline.finished import Finished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from judgefast.config import RunConfig
    from judgefast.datasets.columns import ItemColumns
    from judgefast.engines.base import Engine
    from judgefast.pipeline.plan import RunPlan
    from judgefast.prompts.rubric import Rubric
    from judgefast.stopping import Stop
    from judgefast.verdicts.table import VerdictTable


class Start(NamedTuple):
    """What one start of a run is given."""

    config: RunConfig
    data: Any
    """Whatever `read_items` takes; None for `config.data`, or to go on without reading it again."""
    recorded: Any
    engine: Engine | None
    rubric: Rubric | None
    """As a run keeps it; None for `config.rubric`."""
    stop: Stop
    say: Callable[[str], None]
    show_progress: bool
    check: Callable[[ItemColumns], None] | None = None
    """Looks at the items before anything is asked, and may refuse them."""


class Going:
    """How far a start is: seconds by phase, and what is known of the run."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self.began = time.monotonic()
        self.seconds: dict[str, float] = {}
        self.doing = "starting"
        self.plan: RunPlan | None = None
        self.table: VerdictTable | None = None
        self._settled = (0, 0)

    @contextmanager
    def phase(self, name: str, doing: str) -> Iterator[None]:
        """Time what happens meanwhile, and remember what it is for an interruption."""
        self.doing = doing
        self._stop.check()
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - started

    def interrupted(self, path: Path) -> Finished:
        """End by an interruption, wherever it came."""
        return self.ended(path, 130, f"interrupted while {self.doing}")

    def ended(self, path: Path, status: int, why: str) -> Finished:
        """End without a report."""
        done, planned = self._counts()
        return Finished(
            path=path,
            report=None,
            status=status,
            done=done,
            planned=planned,
            why=why,
            left=planned - done,
        )

    def let_go(self) -> None:
        """Hold plan and verdicts no longer: a report reads them anew, and twice is too much."""
        self._settled = self._counts()
        self.plan = self.table = None

    def _counts(self) -> tuple[int, int]:
        """Judgments that are done, and that are planned."""
        if self.plan is None or self.table is None:
            return self._settled
        return self.table.answers.num_answered, len(self.plan)
