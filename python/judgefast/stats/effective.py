"""How many judges that err independently a panel is worth.

    n_eff = n / (1 + (n - 1) r),   r the mean correlation of the errors of each two judges

Source:
    Kish 1965, Survey Sampling, for the design effect; Kohli 2026, "Nine Judges, Two Effective
    Votes", arXiv:2605.29800, for judges. The mean of pairs is exact: of n variables of one variance
    the mean has (1 + (n - 1) r) / n of it, however unlike the correlations are.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from judgefast.errors import ColumnError
from judgefast.stats.agreed import EffectiveJudges
from judgefast.stats.estimate import Estimate
from judgefast.stats.left_out import JACKKNIFE, fisher_ends, groups_of
from judgefast.stats.rules import LEVEL, SMALL_COUNT
from judgefast.stats.sentences import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.stats.left_out import Groups

_NOTHING = 1e-12
"""Of the sum of squares: errors that vary by less do not vary, and sums were rounded."""


def effective_judges(
    errors: NDArray[np.float64],
    clusters: NDArray[np.uint64],
    judges: Sequence[str],
    *,
    level: float = LEVEL,
) -> EffectiveJudges:
    """Count the judges that a panel is worth, where gold says who was wrong.

    Not above the number of judges: errors that pull apart would say more, but seldom do in data
    that was not the one they were found in. `mean_correlation` shows them.

    Args:
        errors: 1 for a wrong answer and 0 for a right one, or score less gold; NaN where the judge
            gave none or there is no gold. Shape (n, m).
        clusters: Resampling id of each unit. Shape (n,).
        judges: Names. Shape (m,).
        level: Confidence level, in (0, 1).

    Raises:
        ColumnError: Shapes that do not fit.
        ConfigError: `level` is not inside (0, 1).

    """
    if errors.shape != (len(clusters), len(judges)):
        message = f"`errors` has shape {errors.shape}, but there are {len(clusters)} clusters "
        message += f"and {len(judges)} judges"
        raise ColumnError(message, hint="one row a unit, one column a judge")
    vary = [judge for judge in range(len(judges)) if _varies(errors[:, judge])]
    some = errors[:, vary]
    rows = (~np.isnan(some)).sum(axis=1) > 1
    groups = groups_of(clusters[rows])
    found = _correlations(some[rows], groups)
    names = [judges[one] for one in vary]
    few = _few_errors(some[rows], groups, names)
    mean, number = _estimate(found, level, many=len(names), missing=int((~rows).sum()), few=few)
    left_out = [one for one in judges if one not in names]
    return EffectiveJudges(
        judges=names,
        left_out=left_out,
        units=int(rows.sum()),
        value=number,
        mean_correlation=mean,
        pairs={
            f"{a}, {b}": one
            for (a, b), one in zip(combinations(names, 2), found.pairs, strict=True)
        },
        finding=_finding(number, mean, names, left_out),
    )


class _Correlations(NamedTuple):
    pairs: list[float | None]
    mean: float | None
    left_out: NDArray[np.float64]
    """The mean without each group; NaN where a pair has none. Shape (groups,)."""
    clusters: int
    units: int


def _correlations(errors: NDArray[np.float64], groups: Groups) -> _Correlations:
    # In one order whatever the order of the units, so that sums round alike.
    order = np.lexsort((*errors.T, groups.of_unit))
    starts = np.searchsorted(groups.of_unit[order], np.arange(groups.number))
    ordered = errors[order]
    pairs: list[float | None] = []
    left_out = []
    for a, b in combinations(range(errors.shape[1]), 2):
        both = ~np.isnan(ordered[:, (a, b)]).any(axis=1)
        x, y = (np.where(both, ordered[:, one], 0.0) for one in (a, b))
        columns = (both.astype(np.float64), x, y, x * x, y * y, x * y)
        sums = np.stack([np.add.reduceat(one, starts) for one in columns])
        whole = sums.sum(axis=1, keepdims=True)
        [value] = _pearson(whole).tolist()
        pairs.append(None if math.isnan(value) else value)
        if pairs[-1] is not None:
            left_out.append(_pearson(whole - sums))
    known = [one for one in pairs if one is not None]
    return _Correlations(
        pairs,
        mean=math.fsum(known) / len(known) if known else None,
        left_out=np.mean(left_out, axis=0) if known else np.zeros(0),
        clusters=groups.clusters,
        units=len(errors),
    )


def _pearson(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coefficients from sums of 1, x, y, x^2, y^2, xy; NaN where either does not vary."""
    number, x, y, xx, yy, xy = sums
    of_x, of_y = number * xx - x * x, number * yy - y * y
    varies = (of_x > _NOTHING * number * xx) & (of_y > _NOTHING * number * yy)
    found = np.full(len(number), np.nan)
    top = number * xy - x * y
    np.divide(top, np.sqrt(np.abs(of_x)) * np.sqrt(np.abs(of_y)), out=found, where=varies)
    np.clip(found, -1.0, 1.0, out=found)
    return found


def _varies(errors: NDArray[np.float64]) -> bool:
    known = errors[~np.isnan(errors)]
    return bool(len(known) and known.min() < known.max())


def _few_errors(errors: NDArray[np.float64], groups: Groups, names: Sequence[str]) -> str:
    """Say of which judge too few clusters have another error than most: no spread is known then."""
    for judge, name in enumerate(names):
        known = errors[~np.isnan(errors[:, judge]), judge]
        if not len(known):
            continue
        values, counts = np.unique(known, return_counts=True)
        usual = values[counts.argmax()]
        off = groups.touched((errors[:, judge] != usual) & ~np.isnan(errors[:, judge]))
        if off < SMALL_COUNT:
            of = "1 cluster" if off == 1 else f"{off} clusters"
            return f"{name} has another error than its usual one in {of} only"
    return ""


def _estimate(
    found: _Correlations, level: float, *, many: int, missing: int, few: str
) -> tuple[Estimate, Estimate]:
    """The mean correlation, and what it makes of so many judges."""
    ends, note = None, ""
    if many <= 1:
        note = "fewer than two judges have errors that vary"
    elif found.mean is None:
        note = "no two judges have errors on the same units that vary"
    elif few:
        note = f"{few}: too few to tell how sure this is"
    else:
        ends = fisher_ends(found.mean, found.left_out, level)
        note = "" if ends else "the errors lie in too few clusters to tell how sure this is"
    low, high = ends or (None, None)
    mean = Estimate(
        name="error_correlation",
        slice="all",
        value=found.mean,
        low=low,
        high=high,
        level=level,
        method=JACKKNIFE if ends else "undefined",
        unit="cluster",
        clusters=found.clusters,
        outcomes=found.units,
        missing=missing,
        note=note,
    )
    worth = [None if one is None else _worth(one, many) for one in (found.mean, high, low)]
    number = msgspec.structs.replace(
        mean, name="effective_judges", value=worth[0], low=worth[1], high=worth[2]
    )
    if high is not None and high <= 0:  # the ends would be one point, for being capped alone
        note = "errors pull apart: not fewer than the judges there are, and no more is claimed"
        number = msgspec.structs.replace(number, low=None, high=None, method="undefined", note=note)
    return mean, number


def _worth(correlation: float, many: int) -> float:
    """Kish's effective number, not above that of judges."""
    return many / (1 + (many - 1) * max(correlation, 0.0))


def _finding(number: Estimate, mean: Estimate, names: list[str], left_out: list[str]) -> Finding:
    without = ""
    if left_out:
        verb = "does" if len(left_out) == 1 else "do"
        without = f" {', '.join(left_out)} {verb} not count: never wrong, or always by as much."
    if number.value is None or mean.value is None:
        text = f"How many judges the panel is worth cannot be told: {number.note}.{without}"
        return Finding("no_effective_judges", text)
    many, units = len(names), "1 unit" if mean.outcomes == 1 else f"{mean.outcomes:,} units"
    correlation = f"{mean.value:+.2f}"
    if mean.low is not None and mean.high is not None:
        correlation += f", {mean.low:+.2f} to {mean.high:+.2f}"
    if mean.high is not None and mean.high <= 0:
        text = (
            f"By {units} with gold the {many} judges are worth no fewer than {many}: their errors "
            f"pull apart (mean correlation {correlation}), and cancel in part."
        )
    else:
        ends = ""
        if number.low is not None and number.high is not None:
            ends = f" ({number.low:.1f} to {number.high:.1f})"
        text = (
            f"By {units} with gold the {many} judges are worth {number.value:.1f}{ends} that err "
            f"independently (mean correlation of errors {correlation})."
        )
    if mean.low is None:
        text += f" How sure that is cannot be told: {mean.note.partition(':')[0]}."
    return Finding("effective_judges", text + without)
