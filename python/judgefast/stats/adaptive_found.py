"""What is found of adaptive orders. Light: reports name it."""

from __future__ import annotations

import msgspec

from judgefast.stats.estimate import Estimate  # noqa: TC001 - msgspec reads annotations
from judgefast.stats.sentences import Finding  # noqa: TC001 - as above


class Requests(msgspec.Struct, frozen=True):
    """What was sent, and what was not: one request may answer several judgments."""

    both: int
    """That both orders of all comparisons take."""
    saved: int
    """Of these, not asked."""
    audit: int
    """Asked for the audit alone."""


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """How wrong one mean would be by its first answers alone."""

    name: str
    """Of the mean."""
    slice: str
    closed_share: float
    """How much of its weight the first order closed."""
    audited: int
    """Closed comparisons of it that were audited."""
    audited_clusters: int
    difference: Estimate
    """`order_change`: what the second order changed on average, of what the first closed."""
    bias: Estimate
    """`order_bias`: the same of the whole mean, that is what the audit corrected."""
    wider: float | None
    """Standard error of the mean to the one that both orders everywhere would leave, about; None
    where too little was audited, or both orders would leave none."""


class AdaptiveReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked of a run with adaptive orders; comparisons count once a repeat."""

    sure: float
    audit: float
    """Share of the clusters that were to be audited."""
    comparisons: int
    open: int
    """Comparisons that the first order left open."""
    closed: int
    """The others: those that it closed, audited or not."""
    audited: int
    clusters: int
    audited_clusters: int
    """Clusters with audited comparisons."""
    requests_both: int
    """What both orders of all comparisons would take."""
    requests_asked: int
    requests_saved: int
    requests_audit: int
    """Asked for the audit alone."""
    saved: float
    """Share of the requests of both orders that was not asked."""
    audit_cost: float
    """Share of them that the audit took."""
    open_share: float
    left: list[Left]
    """One a mean and slice in which something was closed."""
    findings: list[Finding]
    """`adaptive_saved`, then `adaptive_bias` and `adaptive_wider`, or `adaptive_unaudited`, of the
    headline."""
