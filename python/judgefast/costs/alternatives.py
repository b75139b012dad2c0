"""Ways of judging set beside the one that was asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.costs.decisions import Way
from judgefast.costs.ranges import Range
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.catalogue.apis import Api
    from judgefast.costs.decisions import Change
    from judgefast.costs.estimate import Setting
    from judgefast.costs.estimates import Estimate, Money
    from judgefast.costs.workload import Workload

_KINDS = {"given": 0, "on_demand": 1, "spot": 2}
_LEVELS = {None: 0, "middle": 0, "lowest": 1, "highest": 2}


def money_of(found: Estimate) -> Money | None:
    """Take the price that sums are reckoned by: the user's own, else the middle one on demand."""
    return min(found.money, key=lambda one: (_KINDS[one.kind], _LEVELS[one.level]), default=None)


def price_words(money: Money) -> str:
    """Say which price it is, whose, and of when.

    >>> from judgefast.costs.estimates import Money
    >>> price_words(Money(usd=Range(1, 2, 3), usd_per_gpu_hour=1.19, kind="on_demand",
    ...                   provider="Spheron", date="2026-04-23", source=None))
    '$1.19 a GPU-hour, Spheron, 2026-04-23'
    >>> price_words(Money(usd=Range(1, 2, 3), usd_per_gpu_hour=2.5, kind="given", provider=None,
    ...                   date=None, source=None))
    '$2.50 a GPU-hour, given'

    """
    parts = [f"${money.usd_per_gpu_hour:,.2f} a GPU-hour"]
    if money.kind == "given":
        return f"{parts[0]}, given"
    if money.kind == "spot":
        parts[0] += " (spot)"
    return ", ".join([*parts, money.provider or "provider unknown", money.date or "undated"])


def way_of(
    name: str, kind: Change, says: str, workload: Workload, estimate: Callable[[], Estimate]
) -> Way:
    """Price one way; what keeps it from being one is said in its place.

    Args:
        name: What a table calls it.
        kind: What it changes.
        says: What changes in the verdict; empty where nothing does.
        workload: What is judged that way.
        estimate: Makes its estimate.

    """
    try:
        found = estimate()
    except ConfigError as error:
        return Way(
            name=name,
            kind=kind,
            says=says,
            items=workload.items,
            judgments=workload.judgments,
            placed="",
            misfit=str(error),
        )
    money, placed = money_of(found), found.placed
    return Way(
        name=name,
        kind=kind,
        says=says,
        items=workload.items,
        judgments=workload.judgments,
        placed=f"{placed.gpus} x {placed.gpu}",
        weights=placed.weights,
        cache=placed.cache,
        seconds=found.seconds,
        gpu_hours=found.gpu_hours,
        money=found.money,
        usd=None if money is None else money.usd,
        price="" if money is None else price_words(money),
    )


def told_apart(way: Way, asked: Setting) -> Way:
    """Say the precision of weights and cache where it is not that of what was asked about.

    The same judge in another precision may decide otherwise, and it is said; another judge does
    so anyway. A way that is of the precision has it in its name.
    """
    differs = []
    if way.kind == "precision":
        return way
    if way.weights not in {None, asked.weights}:
        differs.append(f"{way.weights} weights")
    if way.cache not in {None, asked.cache}:
        differs.append(f"{way.cache} KV cache")
    if not differs:
        return way
    says = way.says
    if way.kind != "model":
        says = f"{says}; {IN_OTHER_PRECISION}" if says else IN_OTHER_PRECISION
    return msgspec.structs.replace(way, placed=", ".join([way.placed, *differs]), says=says)


def way_by_api(api: Api, workload: Workload) -> Way:
    """Price the same prompts at a company that is paid by the token.

    As its model counts tokens they may be more or fewer; how much of a prompt its cache would
    find is not known, so the range goes from all that ours finds to nothing. A decision endpoint
    writes nothing.
    """
    answers = workload.answers.mean.times(0.0 if api.kind == "decision" else workload.requests)
    prompts, answers = workload.asked.times(workload.prompt_tokens), answers.by(workload.asked)
    cached = max(prompts.low - workload.computed_tokens.low, 0.0)
    sums = [
        api.usd(prompts.low, answers.low, cached=cached),
        api.usd(prompts.likely, answers.likely),
        api.usd(prompts.high, answers.high),
    ]
    usd = None if None in sums else Range(*(one for one in sums if one is not None))
    prices = [("prompt", api.usd_input), ("written", api.usd_output)]
    told = [f"${one:g} per 1M {what} tokens" for what, one in prices if one]
    if api.batch is not None:
        told.append(f"in a batch {api.batch:g} of that")
    return Way(
        name=api.name,
        kind="decision" if api.kind == "decision" else "api",
        says=BY_DECISION if api.kind == "decision" else BY_API,
        items=workload.items,
        judgments=workload.judgments,
        placed=api.provider,
        usd=usd,
        price=", ".join([*told, api.provider, api.when]),
        misfit="no price is known" if usd is None else None,
    )


def beside(asked: Way, ways: Sequence[Way]) -> list[Way]:
    """Set ways beside the one that was asked about: each with its share of that one's cost."""
    return [msgspec.structs.replace(one, times=share_of(one, asked)) for one in (asked, *ways)]


def share_of(way: Way, asked: Way) -> float | None:
    """Likely cost as a share of that of another: money where both have it, else GPU-hours."""
    for mine, theirs in ((way.usd, asked.usd), (way.gpu_hours, asked.gpu_hours)):
        if mine is not None and theirs is not None and theirs.likely:
            return mine.likely / theirs.likely
    return None


IN_OTHER_PRECISION = (
    "the judge in another precision than was asked about, since that one cannot be had here: "
    "verdicts may differ"
)
ROUNDED = "numbers are rounded to 8 bits: verdicts may differ from those of the model as published"
AS_PUBLISHED = "numbers are not rounded: verdicts are those of the model as published"
LABEL = (
    "the verdict is one token: no reason is written that a person could check, and the judge "
    "does not think before it decides"
)
SHORT = "reasons of a sentence or two; verdicts are not comparable with those of other lengths"
LONG = "reasons of a paragraph; verdicts are not comparable with those of other lengths"
ONE_ORDER = (
    "position bias is in every verdict and cannot be seen: a judge that leans by 15 points "
    "turns a win rate of .55 into .67"
)
ADAPTIVE_ORDERS = (
    "where the first order is sure it decides alone; what that may leave in a mean is measured on "
    "a random share of the questions, and corrected"
)
BOTH_ORDERS = "position bias is measured, and cancels"
OTHER_MODEL = (
    "how far they agree with the judge asked about is not known; tokens are taken as many as of it"
)
BY_DECISION = (
    "other judges, elsewhere: labels with probabilities, no reasons, no thinking; "
    "the texts leave your machines"
)
BY_API = (
    "other judges, elsewhere, that may change; the texts leave your machines; "
    "from nothing to all that prompts share is in the provider's cache"
)
