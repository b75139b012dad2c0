"""What the agreement of judges is reported as. Light: a report is read without the kernels."""

from __future__ import annotations

import msgspec

from judgefast.stats.estimate import Estimate  # noqa: TC001 - msgspec reads annotations
from judgefast.stats.sentences import Finding  # noqa: TC001 - msgspec reads annotations


class PairAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """What two judges agree on, over the units that both gave a value for."""

    a: str
    b: str
    units: int
    """With a value of both."""
    missing: int
    """With a value of one of them, or of none."""
    percent: Estimate | None
    """`percent_agreement`: share of units with the same category; None without categories."""
    chance: float | None
    """What that share would be if each judge drew by its own base rates, whatever the unit."""
    base_rates: dict[str, dict[str, float]]
    """Of each judge the share of every category, over these units."""
    kappa: Estimate | None
    """Cohen's, every two categories as different as any other two."""
    kappa_linear: Estimate | None
    """Weighted by how many steps apart; None where categories have no order."""
    kappa_quadratic: Estimate | None


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """What all judges agree on."""

    judges: list[str]
    scale: str
    """Level of measurement that alpha is of: `nominal`, `ordinal` or `interval`."""
    units: int
    rounded: int
    """Values that shares and kappas take for the nearest category; alpha too, but for interval."""
    pairs: list[PairAgreement]
    """Of each two judges, in their order."""
    alpha: Estimate
    """Krippendorff's, for the scale."""
    all_agree: Estimate | None
    """Share of the units with two values or more on which all that gave one agree."""
    findings: list[Finding]


class EffectiveJudges(msgspec.Struct, frozen=True, kw_only=True):
    """What the correlation of errors leaves of the number of judges."""

    judges: list[str]
    """Whose errors vary."""
    left_out: list[str]
    """Whose errors do not: never wrong, or always by the same. They correlate with nothing."""
    units: int
    """With errors of two judges or more."""
    value: Estimate
    """`effective_judges`, from 1 to the number of judges."""
    mean_correlation: Estimate
    """`error_correlation`: r, as it is, also where it is negative."""
    pairs: dict[str, float | None]
    """Correlation of the errors of each two judges, `A, B`; None where they share too little."""
    finding: Finding
