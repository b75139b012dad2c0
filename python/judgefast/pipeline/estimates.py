"""The numbers of a run that has been read: every estimate, and the bias for a position."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.stats.bias import position_bias
from judgefast.stats.position_rows import position_rows
from judgefast.stats.replicates import resampling_by
from judgefast.stats.summary import Judgments, measure

if TYPE_CHECKING:
    from collections.abc import Collection

    from judgefast.pipeline.results import Reading
    from judgefast.prompts.rubric import Rubric
    from judgefast.stats.estimate import Estimate
    from judgefast.stats.measurement import Measurement
    from judgefast.stats.position import PositionBias
    from judgefast.stats.position_rows import PositionRows
    from judgefast.stats.replicates import Resampling


def estimates_of(reading: Reading) -> list[Estimate]:
    """Every number a person may quote."""
    return [one.estimate(reading.config.level) for one in measurements_of(reading)]


def measurements_of(reading: Reading, *, names: Collection[str] | None = None) -> list[Measurement]:
    """The same before a level is chosen; of `names` alone, if some are given."""
    rubric, config = reading.rubric, reading.config
    return measure(
        reading.outcomes,
        reading.items,
        mode=rubric.mode,
        scale=scale_of(rubric),
        slices=config.slices,
        aspects=[aspect.name for aspect in rubric.aspects],
        baseline=config.baseline,
        judgments=Judgments(reading.plan.columns.item, reading.verdicts.status),
        resampling=resampling_of(reading),
        names=names,
    )


def scale_of(rubric: Rubric) -> tuple[float, float]:
    """Lowest and highest value of an outcome."""
    scale = rubric.aspects[0].scale
    return (0.0, 1.0) if scale is None else (scale.low, scale.high)


def bias_of(reading: Reading) -> PositionBias | None:
    """Position bias, where two answers were shown together."""
    if reading.rubric.mode != "pairwise":
        return None
    return position_bias(
        reading.plan.columns,
        reading.verdicts,
        reading.items,
        level=reading.config.level,
        label_choices=_label_choices(reading),
        resampling=resampling_of(reading),
    )


def position_rows_of(reading: Reading) -> PositionRows | None:
    """What each comparison says of position, where two answers were shown together."""
    if reading.rubric.mode != "pairwise":
        return None
    choices = _label_choices(reading)
    return position_rows(reading.plan.columns, reading.verdicts, label_choices=choices)


def resampling_of(reading: Reading) -> Resampling | None:
    """How the clusters of a run are drawn again."""
    return resampling_by(reading.config.interval, reading.config.seed)


def _label_choices(reading: Reading) -> list[object] | None:
    labels = reading.rubric.verdict.labels
    return [label.choice for label in labels] if reading.probabilities else None
