"""What the agreement of judges allows to be said, by the published rule (`docs/statistics.md`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.stats.rules import ALPHA_RELIABLE, ALPHA_TENTATIVE, MOSTLY_CHANCE
from judgefast.stats.sentences import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from judgefast.codes import AlphaScale
    from judgefast.stats.agreed import PairAgreement
    from judgefast.stats.estimate import Estimate

_KAPPAS = {"kappa": "kappa", "kappa_quadratic": "quadratically weighted kappa"}


def agreement_findings(
    pairs: Iterable[PairAgreement], alpha: Estimate, *, scale: AlphaScale, rounded: int, values: int
) -> list[Finding]:
    """Say how each two judges agree, what that says beyond chance, and how all of them do.

    Args:
        pairs: Of each two judges.
        alpha: Of all.
        scale: That alpha is of.
        rounded: Values that are no level of the scale.
        values: All of them.

    """
    said = [finding for pair in pairs for finding in _of_pair(pair)]
    if rounded:
        said.append(Finding("rounded", _rounded(rounded, values, scale)))
    return [*said, _of_alpha(alpha, scale)]


def _rounded(rounded: int, values: int, scale: AlphaScale) -> str:
    verb = "lies" if rounded == 1 else "lie"
    by_number = scale == "interval"
    who = "shares and kappas" if by_number else "shares, kappas and alpha"
    rest = "; alpha takes values as they are" if by_number else ""
    return (
        f"{rounded:,} of {values:,} values {verb} between two levels of the scale: {who} take the "
        f"nearest level, and of two as near the lower one{rest}."
    )


def _of_pair(pair: PairAgreement) -> Iterator[Finding]:
    percent, chance = pair.percent, pair.chance
    if percent is None:
        return
    if percent.value is None or chance is None:
        yield Finding("no_agreement", f"{pair.a} and {pair.b} have no unit in common.")
        return
    kappa = pair.kappa_quadratic or pair.kappa
    units = "1 unit" if pair.units == 1 else f"{pair.units:,} units"
    text = (
        f"{pair.a} and {pair.b} agree in {_share(percent.value)}{_ends(percent, _share)} of "
        f"{units}, of which {_share(chance)} would be chance"
    )
    if kappa is not None and kappa.value is not None:
        text += f": {_KAPPAS[kappa.name]} {kappa.value:.2f}{_ends(kappa, _plain)}"
        if kappa.low is not None and kappa.low <= 0:
            text += ", which chance alone may explain"
    yield Finding("agreement", f"{text}.")
    if kappa is not None and kappa.value is None:
        yield Finding("undefined_agreement", f"{pair.a} and {pair.b}: {kappa.note}.")
    elif kappa is not None and kappa.low is None and kappa.note:
        yield Finding("no_interval", f"{pair.a} and {pair.b}: {kappa.note}.")
    if chance >= MOSTLY_CHANCE:
        yield Finding("mostly_chance", _mostly_chance(pair, chance))


def _mostly_chance(pair: PairAgreement, chance: float) -> str:
    often = []
    for judge in (pair.a, pair.b):
        rates = pair.base_rates[judge]
        name = max(rates, key=rates.__getitem__)
        often.append(f"{judge} gives `{name}` in {_share(rates[name])}")
    return (
        f"{' and '.join(often)}: by that alone they would agree in {_share(chance)}, so the share "
        "of agreement says little."
    )


def _of_alpha(alpha: Estimate, scale: AlphaScale) -> Finding:
    whose = f"Krippendorff's {scale} alpha"
    if alpha.value is None:
        return Finding("undefined_alpha", f"{whose} is undefined: {alpha.note}.")
    text = f"{whose} of all judges is {alpha.value:.2f}{_ends(alpha, _plain)}"
    if alpha.low is None or alpha.high is None:
        return Finding("alpha", f"{text}.")
    if alpha.low >= ALPHA_RELIABLE:
        rest = f"at least {ALPHA_RELIABLE:g}, from which Krippendorff relies on values"
    elif alpha.high < ALPHA_TENTATIVE:
        rest = f"below {ALPHA_TENTATIVE:g}, the least that Krippendorff draws conclusions from"
    else:
        rest = (
            f"Krippendorff relies on values from {ALPHA_RELIABLE:g} on, and draws no conclusions "
            f"below {ALPHA_TENTATIVE:g}"
        )
    return Finding("alpha", f"{text}: {rest}.")


def _share(share: float) -> str:
    return f"{100 * share:.3g} %"


def _plain(value: float) -> str:
    return f"{value:.2f}"


def _ends(one: Estimate, words: Callable[[float], str]) -> str:
    if one.low is None or one.high is None:
        return ""
    return f" ({words(one.low)} to {words(one.high)})"
