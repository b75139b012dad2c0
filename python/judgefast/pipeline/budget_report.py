"""What a report says of a run's budget: what was spent, what is left half judged, how to go on."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.codes import Status
from judgefast.costs.budget import Budget, Spent, Unit, parse_budgets, rounded_up
from judgefast.pipeline.by_token import BY_TOKEN
from judgefast.pipeline.metered import RENTED, spent_of
from judgefast.reports.report import RunBudget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.pipeline.results import Reading
    from judgefast.verdicts.columns import VerdictColumns

BUDGET = "budget"
"""Fact of a launch that has a budget: `given`, and once it is over `reached` and `given_up`."""


def left_by_budget(verdicts: VerdictColumns, launches: Sequence[dict[str, Any]]) -> VerdictColumns:
    """Say of judgments that were never asked that a budget is why, where one stopped the run."""
    facts = _latest(launches)
    if facts is None or facts.get("reached") is None:
        return verdicts
    status = verdicts.status
    left = np.where(status == Status.INTERRUPTED, np.uint8(Status.BUDGET), status)
    return verdicts._replace(status=left)


def budget_of(reading: Reading) -> RunBudget | None:
    """Say what became of the budget; None where the run has none."""
    directory = reading.directory
    launches = directory.launches()
    facts = _latest(launches)
    if facts is None or not facts["given"]:
        return None
    given = parse_budgets(facts["given"])
    rented = [one[RENTED] for one in launches if one.get(RENTED)]
    paid = rented[-1] if rented else {}
    usd = paid.get("usd_per_gpu_hour")
    by_token = next((one[BY_TOKEN] for one in reversed(launches) if BY_TOKEN in one), None)
    spent = spent_of(directory, reading.table.answers, launches, usd, by_token)
    reached = facts.get("reached")
    status = reading.verdicts.status
    is_left = (status == Status.BUDGET) | (status == Status.INTERRUPTED)
    left = int(np.count_nonzero(is_left))
    go_on = None
    if reached is not None and left:
        amounts = _amounts(given, spent, left, reached, by_token or {})
        flags = " ".join(f"--budget {one}" for one in amounts)
        go_on = f"judgefast resume {shlex.quote(str(directory.path))} {flags}"
    return RunBudget(
        given=[*map(str, given)],
        reached=reached,
        spent=spent,
        price=paid.get("price") if by_token is None or usd is not None else by_token["price"],
        items_in_part=_in_part(reading.plan.columns.item, is_left),
        given_up=int(facts.get("given_up", 0)),
        sent_again=sum(map(_sent_again, launches)),
        killed=sum(bool(one.get(RENTED)) and "finished" not in one for one in launches),
        go_on=go_on,
    )


def _sent_again(launch: dict[str, Any]) -> int:
    counters = launch.get("counters") or {}
    return int(counters.get("resent", 0)) + int(counters.get("hedged", 0))


def _latest(launches: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    found = [facts[BUDGET] for facts in launches if BUDGET in facts]
    return found[-1] if found else None


def _in_part(item: NDArray[np.uint32], is_left: NDArray[np.bool_]) -> int:
    """Items of which some judgments are left, and others are not; `item` never falls."""
    if not len(item):
        return 0
    starts = np.flatnonzero(np.append(True, item[1:] != item[:-1]))
    left = np.add.reduceat(is_left.astype(np.int64), starts)
    each = np.diff(np.append(starts, len(item)))
    return int(np.count_nonzero((left > 0) & (left < each)))


def _amounts(
    given: Sequence[Budget], spent: Spent, left: int, reached: Unit, by_token: dict[str, Any]
) -> list[Budget]:
    """Budgets that would end the run, if the rest costs what was paid so far; none is lowered."""
    done = max(1, spent.judgments)
    found: dict[Unit, Budget] = {}
    for budget in given:
        so_far = found.get(budget.unit, budget).amount
        need = spent.of(budget.unit) * (done + left) / done
        if budget.unit == "usd":  # the last item is begun where the most that it may cost is left
            need += spent.unseen_usd + float(by_token.get("most_item_usd", 0.0))
        need = rounded_up(need)
        if budget.unit == reached and need <= so_far:
            need = rounded_up(1.1 * so_far)
        if budget.unit == "judgments":
            need = spent.judgments + left
        found[budget.unit] = Budget(max(so_far, float(need)), budget.unit)
    return list(found.values())
