"""Texts of some outcomes of a run, in the order of a list that a person goes through."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from judgefast.pipeline.judgment_rows import judgment_batches
from judgefast.pipeline.placed_rows import PlacedRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from judgefast.pipeline.results import Reading


@contextmanager
def listed_texts(
    reading: Reading, rows: NDArray[np.int64], names: Sequence[str], part_rows: int
) -> Iterator[PlacedRows]:
    """Columns of `judgments` at chosen outcomes; the run's texts are gone through once.

    Args:
        reading: The run.
        rows: Outcome of each row of the list; negative where the run has none. Shape (n,).
        names: Columns of `judgments` that hold strings.
        part_rows: Rows that are held in memory at once.

    """
    with PlacedRows(len(rows), names, part_rows) as texts:
        texts.keep(_found(reading, rows, list(names)))
        yield texts


def _found(
    reading: Reading, rows: NDArray[np.int64], names: list[str]
) -> Iterator[tuple[NDArray[np.int64], pa.RecordBatch]]:
    """What is listed of each batch of the run: places in the list, and columns."""
    by_row = np.argsort(rows, kind="stable")
    wanted = rows[by_row]
    if not len(wanted) or wanted[-1] < 0:
        return
    base = 0
    for batch in judgment_batches(reading):
        first, last = np.searchsorted(wanted, [base, base + batch.num_rows])
        if last > first:
            taken = batch.select(names).take(pa.array(wanted[first:last] - base))
            yield by_row[first:last], taken
        base += batch.num_rows
