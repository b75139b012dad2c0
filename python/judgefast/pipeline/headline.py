"""The headline of a run while it is judged: the first estimate, as a table of verdicts stands."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from judgefast.pipeline.estimates import estimates_of
from judgefast.pipeline.results import reading_of

if TYPE_CHECKING:
    from judgefast.config import RunConfig
    from judgefast.datasets.columns import ItemColumns
    from judgefast.journal.run_directory import RunDirectory
    from judgefast.pipeline.plan import RunPlan
    from judgefast.prompts.rubric import Rubric
    from judgefast.stats.estimate import Estimate
    from judgefast.verdicts.table import VerdictTable


class Headline:
    """The first estimate as a table stands, looked at while it fills.

    Reading takes longer the longer the plan is, and the engine must not wait for it: between two
    readings passes 20 times what the last one took, and nothing is resampled.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the parts of a reading, in its order
        self,
        directory: RunDirectory,
        config: RunConfig,
        rubric: Rubric,
        items: ItemColumns,
        plan: RunPlan,
        table: VerdictTable,
    ) -> None:
        """Read nothing yet."""
        self._parts = (
            directory,
            config.replace(slices=(), interval="cluster"),
            rubric,
            items,
            plan,
            table,
        )
        self._last: Estimate | None = None
        self._due = 0.0

    def __call__(self) -> Estimate | None:
        """The estimate, perhaps that of a moment ago; None before there is one."""
        started = time.monotonic()
        if started >= self._due:
            verdicts = self._parts[-1].snapshot()
            estimates = estimates_of(reading_of(*self._parts, verdicts))
            self._last = estimates[0] if estimates else None
            ended = time.monotonic()
            self._due = ended + 20 * (ended - started)
        return self._last
