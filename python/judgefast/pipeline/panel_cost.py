"""What one judge of several has cost: time, accelerators, money; for a thousand verdicts too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from judgefast.pipeline.budget import gpus_of_engine
from judgefast.pipeline.metered import RENTED, spent_of
from judgefast.reports.panel_report import PER, JudgeCost

if TYPE_CHECKING:
    from judgefast.pipeline.results import Reading
    from judgefast.reports.report import Report
    from judgefast.reports.verdict_price import VerdictPrice

_GIVEN = "given"
"""What a launch calls a price of the user's own."""


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
    cpu = [facts["engine_cpu_seconds"] for facts in launches if "engine_cpu_seconds" in facts]
    tokens = report.operations.tokens
    usd = spent.usd if paid.get("usd_per_gpu_hour") is not None else None
    price = _price(paid.get("price"), paid.get("began"))
    of_tokens = report.operations.price
    if usd is None and of_tokens is not UNSET:
        usd, price = of_tokens.usd, _of_tokens(of_tokens)
    cost = JudgeCost(
        seconds=report.operations.seconds.judge,
        cpu_seconds=sum(cpu) if cpu else None,
        gpu_hours=spent.gpu_hours if used or paid.get("gpu") else None,
        usd=usd,
        price=price,
        prompt_tokens=tokens.prompt,
        completion_tokens=tokens.completion,
        verdicts=report.results.counts.parsed,
    )
    return _for_1000(cost)


def _for_1000(cost: JudgeCost) -> JudgeCost:
    names = ("seconds", "cpu_seconds", "gpu_hours", "usd")
    spent = {name: getattr(cost, name) for name in names}
    return msgspec.structs.replace(
        cost,
        **{
            f"{name}_per_1000": amount / cost.verdicts * PER
            for name, amount in spent.items()
            if amount is not None and cost.verdicts
        },
    )


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
    return f"{whose}, {price.date}"
