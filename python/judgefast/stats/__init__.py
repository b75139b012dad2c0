"""Stage `stats` of judgefast: numbers a person may quote, each with an honest interval.

Stage 7 of 8: outcomes -> **estimates** -> reports. Formulas, names and rules stand in
`docs/statistics.md`. Names are loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judgefast.stats.bias import position_bias
    from judgefast.stats.estimate import Estimate
    from judgefast.stats.measurement import Measurement
    from judgefast.stats.moments import Moments, cluster_moments
    from judgefast.stats.paired import PairedDifference, RunOutcomes, paired_difference
    from judgefast.stats.position import PositionBias
    from judgefast.stats.replicates import (
        PoissonBootstrap,
        Replicates,
        Resampling,
        replicate_means,
    )
    from judgefast.stats.sentences import Finding, findings
    from judgefast.stats.summary import Judgments, measure, summarise

_HOMES = {
    "Estimate": "estimate",
    "Finding": "sentences",
    "Judgments": "summary",
    "Measurement": "measurement",
    "Moments": "moments",
    "PairedDifference": "paired",
    "PoissonBootstrap": "replicates",
    "PositionBias": "position",
    "Replicates": "replicates",
    "Resampling": "replicates",
    "RunOutcomes": "paired",
    "cluster_moments": "moments",
    "findings": "sentences",
    "measure": "summary",
    "paired_difference": "paired",
    "position_bias": "bias",
    "replicate_means": "replicates",
    "summarise": "summary",
}

__all__ = [
    "Estimate",
    "Finding",
    "Judgments",
    "Measurement",
    "Moments",
    "PairedDifference",
    "PoissonBootstrap",
    "PositionBias",
    "Replicates",
    "Resampling",
    "RunOutcomes",
    "cluster_moments",
    "findings",
    "measure",
    "paired_difference",
    "position_bias",
    "replicate_means",
    "summarise",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the names above are typed
    if name not in _HOMES:
        message = f"module `judgefast.stats` has no attribute `{name}`"
        raise AttributeError(message)
    return getattr(import_module(f"judgefast.stats.{_HOMES[name]}"), name)
