"""The lines of a report about the budget of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.costs.budget import UNITS, amount_words, parse_budgets
from judgefast.reports.inert import line
from judgefast.reports.words import SENTENCE_LIMIT, name, plural

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from judgefast.costs.budget import Spent
    from judgefast.reports.report import RunBudget

_NAMES = {"tokens": "tokens", "usd": "money"}

FAIR_SAMPLE = (
    "The order of a run is drawn by its seed and a budget looks at no verdict, so that what was "
    "judged is a fair sample, and the intervals hold for it."
)
"""Why a run that was stopped by its budget may be reported as it stands."""

NOT_QUITE_FAIR = (
    "Requests that were in flight when time was up were given up, and those are the slow ones: "
    "what was judged leans to answers that come quickly. Go on with the run before its numbers "
    "are relied on."
)
"""Why one that gave up requests may not."""


def budget_parts(budget: RunBudget | None, table: Table) -> list[RenderableType]:
    """Say the budget, what was spent in every unit, and the command that goes on.

    Args:
        budget: None where the run has none.
        table: An empty one of two columns.

    """
    if budget is None:
        return []
    given = ", ".join(one.words for one in parse_budgets(budget.given))
    table.add_row("budget", given + _reached_words(budget))
    table.add_row("  spent", spent_words(budget.spent))
    if budget.price is not None and budget.price != "given":
        table.add_row("", f"at {line(budget.price, SENTENCE_LIMIT)}")
    remarks = []
    if budget.spent.unseen_usd:
        most = amount_words(budget.spent.unseen_usd, "usd")
        remarks.append(f"up to {most} more for what was sent and told nothing, which is kept back")
    if budget.items_in_part and budget.reached:
        remarks.append(f"{plural(budget.items_in_part, 'item')} judged in part")
    if budget.given_up:
        given_up = plural(budget.given_up, "request")
        remarks.append(
            f"{given_up} given up in flight, time being up: their tokens are not counted"
        )
    if budget.sent_again:
        again = plural(budget.sent_again, "prompt")
        remarks.append(f"{again} sent again by the engine: tokens of the copies are not counted")
    if budget.killed:
        remarks.append(
            f"{plural(budget.killed, 'start')} killed: counted to the last that is known"
        )
    if remarks:
        table.add_row("", "; ".join(remarks))
    if budget.go_on is not None:
        table.add_row("  go on", line(budget.go_on, SENTENCE_LIMIT))
    return [table]


def _reached_words(budget: RunBudget) -> str:
    """Say that nothing more fits, or that more was spent than this budget allows."""
    if budget.reached is None:
        return ""
    least = min(one.amount for one in parse_budgets(budget.given) if one.unit == budget.reached)
    if (getattr(budget.spent, budget.reached) or 0) > least:
        return ": more than that was spent, nothing more fits"
    return ": reached, nothing more fits"


def spent_words(spent: Spent) -> str:
    """What was spent, in every unit.

    >>> from judgefast.costs.budget import Spent
    >>> spent_words(Spent(judgments=1, tokens=1200, gpu_hours=0.25))
    '1 judgment, 1,200 tokens, 0.25 GPU-hours, money unknown'
    """
    parts = [
        f"{_NAMES[unit]} unknown"
        if getattr(spent, unit) is None
        else amount_words(spent.of(unit), unit)
        for unit in UNITS
    ]
    return ", ".join(map(name, parts))


def stopped_words(left: int, planned: int, budget: RunBudget | None) -> str:
    """Say first that a budget has stopped the run, and what its numbers are of."""
    sample = NOT_QUITE_FAIR if budget is not None and budget.given_up else FAIR_SAMPLE
    return f"Stopped by its budget: {left:,} of {planned:,} judgments were not judged. {sample}"
