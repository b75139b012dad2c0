"""The difference of two runs in one of their means, item by item."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from judgefast.errors import ConfigError
from judgefast.pipeline.results import scale_of
from judgefast.stats.comparisons import turned_to
from judgefast.stats.paired import RunOutcomes, paired_difference
from judgefast.stats.replicates import resampling_by
from judgefast.stats.summary import Statistic, statistics_of

if TYPE_CHECKING:
    from judgefast.pipeline.results import Reading
    from judgefast.stats.paired import PairedDifference


_OF_PAIRS = {"win_rate": True, "tie_rate": False}
"""Means whose groups are pairs of models, and whether they are about the candidate."""


def difference_of(a: Reading, b: Reading, name: str | None = None) -> PairedDifference:
    """Estimate a mean of run `a` minus that of run `b`.

    Units meet by item (or cluster) and aspect. Where a run has the mean for several pairs of
    models, each pair meets its like. A pair that both runs have counts for the candidate of run
    `a` in both, whichever answer stood first and whatever baseline run `b` named.

    Args:
        a: The one run.
        b: The other, of the same mode.
        name: Name of the mean; the first of the mode by default.

    Raises:
        ConfigError: The runs differ in mode, or have no mean of that name.

    """
    if a.rubric.mode != b.rubric.mode:
        msg = f"a run of mode `{a.rubric.mode}` and one of mode `{b.rubric.mode}` share no mean"
        raise ConfigError(msg, hint="compare runs of one mode")
    one, other = _statistic(a, name), _statistic(b, name)
    if one.name in _OF_PAIRS:
        symmetric = not _OF_PAIRS[one.name]
        other = other._replace(rows=turned_to(other.rows, one.rows, symmetric=symmetric))
    several = max(len(set(stat.rows.group.tolist())) for stat in (one, other)) > 1
    return paired_difference(
        _outcomes(a, one, by_group=several),
        _outcomes(b, other, by_group=several),
        scale=one.scale,
        level=a.config.level,
        resampling=resampling_by(a.config.interval, a.config.seed),
    )


def _statistic(reading: Reading, name: str | None) -> Statistic:
    found = statistics_of(
        reading.outcomes,
        reading.items,
        mode=reading.rubric.mode,
        scale=scale_of(reading.rubric),
        baseline=reading.config.baseline,
    )
    if name is None:
        return found[0]
    for statistic in found:
        if statistic.name == name:
            return statistic
    names = list(dict.fromkeys(statistic.name for statistic in found))
    close = get_close_matches(name, names, n=1)
    msg = f"no mean named `{name}`; runs of mode `{reading.rubric.mode}` have: {', '.join(names)}"
    raise ConfigError(msg, hint=f"did you mean `{close[0]}`?" if close else None)


def _outcomes(reading: Reading, statistic: Statistic, *, by_group: bool) -> RunOutcomes:
    rows = statistic.rows
    kept = np.flatnonzero(rows.group >= 0)
    aspects = [aspect.name for aspect in reading.rubric.aspects]
    codes = zip(rows.aspect[kept].tolist(), rows.group[kept].tolist(), strict=True)
    key = [
        f"{aspects[aspect]} {rows.groups[group]}" if by_group else aspects[aspect]
        for aspect, group in codes
    ]
    item = rows.item[kept]
    return RunOutcomes(
        item_id=reading.items.item_id.take(pa.array(item)),
        cluster_id64=reading.items.cluster_id64[item],
        value=rows.value[kept],
        weight=rows.weight[kept],
        key=key,
    )
