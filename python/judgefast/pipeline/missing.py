"""What the journal of a run knows already, and what is left to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from judgefast.batches.sharing import asked_together, question_of
from judgefast.codes import Status
from judgefast.verdicts.table import COLUMNS, VerdictTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.config import RunConfig
    from judgefast.journal.run_directory import RunDirectory
    from judgefast.pipeline.adaptive import SecondOrders
    from judgefast.pipeline.plan import RunPlan
    from judgefast.prompts.rubric import Rubric


_FAILED = (
    Status.ENGINE_ERROR,
    Status.TIMEOUT,
    Status.TOO_LONG,
    Status.UNSUPPORTED,
    Status.INVALID,
)
"""What `--retry failed` asks again: what a judge finds too long may fit once it is set otherwise.
What the plan finds so is never asked."""


def read_journal(directory: RunDirectory, plan: RunPlan, rubric: Rubric) -> VerdictTable:
    """Read every completion of a run, as far as the plan asks for it."""
    return read_journal_by(directory, plan, [rubric])[0]


def read_journal_by(
    directory: RunDirectory, plan: RunPlan, rubrics: Sequence[Rubric]
) -> list[VerdictTable]:
    """Read every completion once, by each of some rubrics; there is at least one."""
    first, *others = rubrics
    options = directory.manifest.options
    table = table_of(
        plan,
        first,
        labels_only=bool(options.get("labels_only")),
        label_mass=bool(options.get("label_mass", True)),
    )
    tables = [table, *(table.beside(rubric.verdicts) for rubric in others)]
    for batch in directory.completions(COLUMNS):
        table.add(batch)
    pa.default_memory_pool().release_unused()  # of files that are not read again
    return tables


def table_of(
    plan: RunPlan, rubric: Rubric, *, labels_only: bool = False, label_mass: bool = True
) -> VerdictTable:
    """Verdicts of a plan of which nothing has been read; what engines can do as for the table."""
    columns = plan.columns
    return VerdictTable(
        columns.request_id,
        rubric.verdicts,
        planned=plan.rendered.decided,
        asked_by=columns.asked_by,
        aspect=columns.aspect,
        questions=None if asked_together(columns) is None else question_of(columns),
        labels_only=labels_only,
        label_mass=label_mass,
    )


def rows_to_ask(
    plan: RunPlan, table: VerdictTable, config: RunConfig, seconds: SecondOrders | None = None
) -> NDArray[np.uint32]:
    """Rows of the plan whose requests a start asks, ascending.

    What has no answer and attempts left; and, whatever it has, what `config.retry` names. A retry
    is a wish of its own: `failed` asks again even where `max_attempts` are used up. Of `seconds`
    those are left out that are known not to be needed; those that wait for their first are not.
    """
    retry = None
    if config.retry:
        status = table.status()
        retry = np.zeros(len(status), bool)
        if "failed" in config.retry:
            retry |= np.isin(status, _FAILED)
        if "unparsed" in config.retry:
            retry |= (status >= Status.EMPTY) & (status < Status.ENGINE_ERROR)
        if "truncated" in config.retry:
            retry |= status == Status.TRUNCATED
    rows = table.answers.missing(config.max_attempts, retry)
    if seconds is not None:
        rows = rows[~seconds.decided(table.verdicts())[rows]]
    to_ask: NDArray[np.uint32] = rows[plan.rendered.decided[rows] == Status.PARSED].astype(
        np.uint32
    )
    return to_ask
