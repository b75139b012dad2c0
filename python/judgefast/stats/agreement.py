"""How far several judges agree, beside what they would agree on by chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.stats.estimate import Estimate
from judgefast.stats.rules import LEVEL
from judgefast.stats.sentences import Finding

if TYPE_CHECKING:
    from judgefast.stats.ratings import Ratings


class PairAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """What two judges agree on, over the units that both gave a value for."""

    a: str
    b: str
    units: int
    """With a value of both."""
    missing: int
    """With a value of one of them only, or none."""
    percent: Estimate | None
    """`percent_agreement`: share of units with the same category; None without categories."""
    chance: float | None
    """What that share would be if each judge drew from its own base rates, whatever the unit."""
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
    units: int
    rounded: int
    """Values that shares and kappas take for the nearest category."""
    pairs: list[PairAgreement]
    """Of each two judges, in their order."""
    alpha: Estimate
    """Krippendorff's, for the scale."""
    all_agree: Estimate | None
    """Share of the units with two values or more on which all that gave one agree."""
    findings: list[Finding]


def agreement_of(ratings: Ratings, *, level: float = LEVEL, seed: int = 0) -> Agreement:
    """Measure agreement."""
    raise NotImplementedError
