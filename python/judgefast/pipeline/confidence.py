"""How sure the judge of a run is, of each judgment and of each outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.stats.confidence import confidence, outcome_confidence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.pipeline.results import Reading


def confidence_of(reading: Reading, rows: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
    """Confidence of judgments, those at `rows` or all; NaN where no labels were read."""
    chosen = slice(None) if rows is None else rows
    labels = np.array([len(form.labels) for form in reading.rubric.verdicts])
    aspect = reading.plan.columns.aspect[chosen]
    return confidence(reading.verdicts.p_labels[chosen], labels[aspect])


def outcome_confidence_of(reading: Reading) -> NDArray[np.float64]:
    """Confidence of each outcome, by the distribution that both orders come to."""
    return outcome_confidence(
        reading.outcomes, reading.plan.columns, reading.verdicts, reading.rubric.verdicts
    )
