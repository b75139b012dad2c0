"""Stage `stats` of judgefast: numbers a person may quote, each with an honest interval.

Stage 7 of 8: outcomes -> **estimates** -> reports. Formulas, names and rules stand in
`docs/statistics.md`. Names are loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judgefast.stats.agreed import Agreement, EffectiveJudges
    from judgefast.stats.agreement import agreement_of
    from judgefast.stats.aspects import JudgedAspect
    from judgefast.stats.bias import position_bias
    from judgefast.stats.correlation import correlations
    from judgefast.stats.differences import Difference, differences_of
    from judgefast.stats.effective import effective_judges
    from judgefast.stats.estimate import Estimate
    from judgefast.stats.measurement import Measurement
    from judgefast.stats.moments import Moments, cluster_moments
    from judgefast.stats.overall import overall_outcomes
    from judgefast.stats.paired import RunOutcomes, paired_means
    from judgefast.stats.paired_mean import PairedMean
    from judgefast.stats.position import PositionBias
    from judgefast.stats.ratings import Ratings
    from judgefast.stats.replicates import (
        PoissonBootstrap,
        Replicates,
        Resampling,
        replicate_means,
    )
    from judgefast.stats.sentences import Finding, findings
    from judgefast.stats.summary import Judgments, measure, summarise

_HOMES = {
    "Agreement": "agreed",
    "Difference": "differences",
    "EffectiveJudges": "agreed",
    "Estimate": "estimate",
    "Finding": "sentences",
    "JudgedAspect": "aspects",
    "Judgments": "summary",
    "Measurement": "measurement",
    "Moments": "moments",
    "PairedMean": "paired_mean",
    "PoissonBootstrap": "replicates",
    "PositionBias": "position",
    "Ratings": "ratings",
    "Replicates": "replicates",
    "Resampling": "replicates",
    "RunOutcomes": "paired",
    "agreement_of": "agreement",
    "cluster_moments": "moments",
    "correlations": "correlation",
    "differences_of": "differences",
    "effective_judges": "effective",
    "findings": "sentences",
    "measure": "summary",
    "overall_outcomes": "overall",
    "paired_means": "paired",
    "position_bias": "bias",
    "replicate_means": "replicates",
    "summarise": "summary",
}

__all__ = [
    "Agreement",
    "Difference",
    "EffectiveJudges",
    "Estimate",
    "Finding",
    "JudgedAspect",
    "Judgments",
    "Measurement",
    "Moments",
    "PairedMean",
    "PoissonBootstrap",
    "PositionBias",
    "Ratings",
    "Replicates",
    "Resampling",
    "RunOutcomes",
    "agreement_of",
    "cluster_moments",
    "correlations",
    "differences_of",
    "effective_judges",
    "findings",
    "measure",
    "overall_outcomes",
    "paired_means",
    "position_bias",
    "replicate_means",
    "summarise",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the names above are typed
    if name not in _HOMES:
        message = f"module `judgefast.stats` has no attribute `{name}`"
        raise AttributeError(message)
    return getattr(import_module(f"judgefast.stats.{_HOMES[name]}"), name)
