"""What a report says of verdicts that were read as label probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.pipeline.confidence import confidence_of, outcome_confidence_of
from judgefast.pipeline.kept_rows import is_kept
from judgefast.reports.labels import Confidence, LabelMass

if TYPE_CHECKING:
    from judgefast.pipeline.results import Reading
    from judgefast.verdicts.columns import VerdictColumns

LOW_MASS = 0.9
"""Label mass below which a verdict is flagged."""

HALO = (
    "All aspects were asked in one answer: one verdict colours the next (halo), so they agree more "
    "than aspects asked one by one."
)
"""Finding of a run whose aspects were asked together."""

HALO_OF_STATES = (
    "All aspects were asked about one state in one request, and this server is not known to answer "
    "each by itself: where it shows a judge all questions at once, one verdict may colour the next "
    "(halo)."
)
"""The same of a judge that takes typed questions."""


def confidence_facts(reading: Reading) -> Confidence | None:
    """How sure the judge is; None where no label was read by probability."""
    of_judgments = confidence_of(reading)
    of_judgments = of_judgments[~np.isnan(of_judgments)]
    if not len(of_judgments):
        return None
    sure = outcome_confidence_of(reading)
    sure = sure[~np.isnan(sure)]
    quartiles = np.quantile(sure, (0.25, 0.5, 0.75)).tolist() if len(sure) else None
    return Confidence(
        judgments=len(of_judgments),
        mean_of_judgments=float(of_judgments.mean()),
        outcomes=len(sure),
        mean=float(sure.mean()) if len(sure) else None,
        quartiles=None if quartiles is None else (quartiles[0], quartiles[1], quartiles[2]),
    )


def halo_of(reading: Reading) -> list[str]:
    """Say that aspects were asked together, where they were and may colour each other."""
    if len(reading.rubric.aspects) <= 1:
        return []
    if reading.rubric.together:
        return [HALO]
    if not is_kept(reading):
        return []
    engines = [facts.get("engine", {}) for facts in reading.directory.launches()]
    shown = any(facts.get("shows_all_questions", True) for facts in engines if facts)
    return [HALO_OF_STATES] if shown else []


def label_mass_of(verdicts: VerdictColumns) -> LabelMass | None:
    """How much the labels held together; None where nothing is known of it."""
    mass = verdicts.label_mass[~np.isnan(verdicts.label_mass)]
    if not len(mass):
        return None
    below = int((mass < LOW_MASS).sum())
    return LabelMass(
        judgments=len(mass),
        below=below,
        share_below=below / len(mass),
        smallest=float(mass.min()),
    )
