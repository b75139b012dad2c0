"""What one judge of several has cost: time, accelerators, money; for a thousand verdicts too."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 - of a table
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from judgefast.pipeline.meter import gpus_of_engine
from judgefast.pipeline.metered import RENTED, spent_of
from judgefast.reports.panel_report import PER, JudgeCost

if TYPE_CHECKING:
    from judgefast.pipeline.results import Reading
    from judgefast.reports.report import Report
    from judgefast.reports.verdict_price import VerdictPrice

_GIVEN = "given"
"""What a launch calls a price of the user's own."""


_TIMED: dict[str, Callable[[dict[str, Any]], float | None]] = {
    "seconds": lambda facts: facts.get("seconds", {}).get("judge"),
    "cpu_seconds": lambda facts: facts.get("engine_cpu_seconds"),
}
"""What a launch tells at its end alone."""


def cost_of(reading: Reading, report: Report) -> JudgeCost:
    """Say what a run has cost so far.

    Args:
        reading: The run.
        report: What is said of it.

    """
    if reading.directory.manifest.engine.name == "replay":  # what its judge cost is elsewhere
        return JudgeCost(verdicts=report.results.counts.parsed)
    launches = reading.directory.launches()
    rented = [facts[RENTED] for facts in launches if facts.get(RENTED)]
    paid = rented[-1] if rented else {}
    used = any(gpus_of_engine(facts.get("engine", {})) for facts in launches)
    spent = spent_of(
        reading.directory, reading.table.answers, launches, paid.get("usd_per_gpu_hour")
    )
    answered = {one.id: one.judgments for one in report.operations.launches}
    of_launch = {
        name: {facts["launch"]: amount for facts in launches if (amount := of(facts)) is not None}
        for name, of in _TIMED.items()
    }
    tokens = report.operations.tokens
    usd = spent.usd if paid.get("usd_per_gpu_hour") is not None else None
    price = _price(paid.get("price"), paid.get("began"))
    of_tokens = report.operations.price
    if usd is None and of_tokens is not UNSET:
        usd, price = of_tokens.usd, _of_tokens(of_tokens)
    cost = JudgeCost(
        seconds=report.operations.seconds.judge,
        cpu_seconds=sum(of_launch["cpu_seconds"].values()) if of_launch["cpu_seconds"] else None,
        gpu_hours=spent.gpu_hours if used or paid.get("gpu") else None,
        usd=usd,
        price=price,
        prompt_tokens=tokens.prompt,
        completion_tokens=tokens.completion,
        verdicts=report.results.counts.parsed,
        untimed=sum(n for launch, n in answered.items() if launch not in of_launch["seconds"]),
    )
    timed = {
        name: sum(answered.get(launch, 0) for launch in amounts)
        for name, amounts in of_launch.items()
    }
    return _for_1000(cost, timed, sum(answered.values()))


def _for_1000(cost: JudgeCost, timed: dict[str, int], answered: int) -> JudgeCost:
    """Divide by verdicts; of what a killed start did not tell, by those of the other starts."""
    found = {}
    for name in ("seconds", "cpu_seconds", "gpu_hours", "usd"):
        amount, of = getattr(cost, name), timed.get(name, answered)
        if amount is not None and cost.verdicts and of:
            found[f"{name}_per_1000"] = amount / of * answered / cost.verdicts * PER
    return msgspec.structs.replace(cost, **found)


def _price(price: str | None, began: str | None) -> str | None:
    """Which price it is, with its day."""
    if price != _GIVEN:
        return price
    return f"as given on {began[:10]}" if began else "as given"


def _of_tokens(price: VerdictPrice) -> str:
    """Whose price of tokens it is, with its day; or why there is none."""
    if price.usd is None:
        return price.unknown
    whose = {"server": "as the server says", "given": "as given"}.get(str(price.by), price.source)
    return f"{'at least: ' if price.at_least else ''}{whose}, {price.date}"
