"""A number a person may quote.

Stage 7 of 8: outcomes -> **estimates** -> reports.
"""

from __future__ import annotations

import msgspec


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """An estimate with the interval that the published rule gives it (`docs/statistics.md`)."""

    name: str
    """Stable identifier, listed in the docs."""
    slice: str
    """`all`, or which part of the data: `model=gpt-x`, `meta.lang=de`."""
    value: float | None
    low: float | None
    """None where the interval is undefined; `note` says why."""
    high: float | None
    level: float
    method: str
    """`wilson`, `clopper-pearson`, `undefined`, `cluster-t`, `poisson-percentile`,
    `multinomial-histogram`, `cluster-normal`; of differences, `few-changes`; of correlations
    `fisher-z`; of agreement `jackknife-z`, `few-disagreements`; with adaptive orders, `audited`."""
    unit: str
    """What is resampled: `cluster`."""
    clusters: int
    outcomes: int
    """Outcomes that were averaged."""
    missing: int
    """Outcomes of this slice that have no value."""
    replicates: int | None = None
    """How many were resampled; None where nothing was."""
    seed: int | None = None
    """Of the resampling: the same data and seed give the same bits."""
    note: str = ""
