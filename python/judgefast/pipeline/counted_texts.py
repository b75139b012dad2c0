"""The completions that count, by row of the plan, from a journal that holds them in any order."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from judgefast.journal.answers import COLUMNS
from judgefast.pipeline.placed_rows import PlacedRows, part_rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from judgefast.pipeline.results import Reading

PART_ROWS = 65_536
"""Judgments whose texts are held in memory at once, at least."""

TEXT = "text"


@contextmanager
def counted_texts(reading: Reading) -> Iterator[PlacedRows]:
    """What was said of each judgment of the plan, as the column `TEXT`; null where nothing was."""
    length = len(reading.plan)
    with PlacedRows(length, [TEXT], part_rows_of(length, PART_ROWS)) as texts:
        texts.keep(_counted(reading))
        yield texts


def _counted(reading: Reading) -> Iterator[tuple[NDArray[np.int64], pa.RecordBatch]]:
    answers = reading.table.answers
    for batch in reading.directory.completions([*COLUMNS, TEXT]):
        counted = np.flatnonzero(answers.counts(batch))
        if len(counted):
            requests = answers.rows(batch.column("request_id"))[counted]
            places, rows = answers.sharing.judgments_of(requests)
            yield rows, batch.select([TEXT]).take(pa.array(counted[places]))
