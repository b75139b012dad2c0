"""The table of aspects of a report. Light: a report is read without the kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.stats.aspects import overall_scale
from judgefast.stats.estimate import Estimate  # noqa: TC001 - msgspec reads the annotation
from judgefast.stats.slice_names import slice_part, slice_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.stats.aspects import JudgedAspect

OF_MODE = {
    "pairwise": "win_rate",
    "scalar": "mean",
    "binary": "pass_rate",
    "choice": "choice_rate",
}
"""The mean that the table holds, by mode."""


class AspectRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one aspect came to, in one part of the data."""

    slice: str
    """`all`, or which models: `model=X`, `candidate=X baseline=Y`."""
    aspect: str | None
    """None for the overall value."""
    weight: float | None
    """Of the aspect in the overall value; None for that."""
    scale: tuple[float, float]
    """Lowest and highest possible value."""
    value: float | None
    low: float | None
    high: float | None
    method: str
    """Of the interval."""
    clusters: int
    outcomes: int
    """Comparisons, or scored answers, that were averaged."""
    missing: int
    """Those without a value; of the overall value, those that one aspect or more has none for."""
    note: str = ""


class AspectTable(msgspec.Struct, frozen=True, kw_only=True):
    """The aspects of a run, their weighted mean, and how they go together."""

    mean: str
    """Name of the aspects' estimates: `win_rate`, `mean`, `pass_rate` or `choice_rate`."""
    level: float
    """Confidence level of all intervals."""
    rows: list[AspectRow]
    """Aspects in the rubric's order, overall last, for one part of the data after the other."""
    correlations: list[Estimate]
    """One for each two aspects."""

    def held(self) -> set[tuple[str, str]]:
        """Name and slice of every estimate that stands in a row."""
        return {
            ("overall", row.slice)
            if row.aspect is None
            else (self.mean, aspect_slice(row.slice, row.aspect))
            for row in self.rows
        }


def aspect_table(
    estimates: Sequence[Estimate],
    correlations: Sequence[Estimate],
    aspects: Sequence[JudgedAspect],
    *,
    mode: str,
    level: float,
) -> AspectTable:
    """Put the estimates of several aspects side by side; slices of `meta` are left to the list."""
    mean = OF_MODE[mode]
    known = {(one.name, one.slice): one for one in estimates}
    whole = overall_scale(aspects)
    rows = []
    for group in (one.slice for one in estimates if one.name == "overall"):
        if any(key.startswith("meta.") for key in slice_parts(group)):
            continue
        for aspect in aspects:
            found = known.get((mean, aspect_slice(group, aspect.name)))
            if found is not None:
                rows.append(_row(found, group, aspect.scale, aspect))
        rows.append(_row(known["overall", group], group, whole, None))
    return AspectTable(mean=mean, level=level, rows=rows, correlations=list(correlations))


def aspect_slice(group: str, aspect: str) -> str:
    """Name the part of a slice that is one aspect's.

    >>> aspect_slice("all", "tone"), aspect_slice("model=x", "tone")
    ('aspect=tone', 'model=x aspect=tone')
    """
    part = slice_part("aspect", aspect)
    return part if group == "all" else f"{group} {part}"


def _row(
    found: Estimate, group: str, scale: tuple[float, float], aspect: JudgedAspect | None
) -> AspectRow:
    return AspectRow(
        slice=group,
        aspect=None if aspect is None else aspect.name,
        weight=None if aspect is None else aspect.weight,
        scale=scale,
        value=found.value,
        low=found.low,
        high=found.high,
        method=found.method,
        clusters=found.clusters,
        outcomes=found.outcomes,
        missing=found.missing,
        note=found.note,
    )
