"""From a plan to the workload that costs hang on: sums of tokens, and nothing else of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np

from judgefast.costs.ranges import Range
from judgefast.costs.workload import Workload
from judgefast.errors import ConfigError
from judgefast.pipeline.survey import sent_rows

if TYPE_CHECKING:
    from judgefast.costs.workload import Answers
    from judgefast.pipeline.plan import RunPlan
    from judgefast.reports.plan_report import PlanReport

_SLICE = 1 << 18
"""Rows of a plan that are summed up at once."""


def workload_of(
    report: PlanReport,
    answers: Answers,
    *,
    each: Range | None = None,
    by: str = "the judge's own tokenizer",
    held: bool = False,
) -> Workload:
    """The sums of a plan.

    Args:
        report: What `judgefast plan` says.
        answers: What the judge writes.
        each: Tokens of the judge for each that was counted; None: they are the judge's.
        by: What they were counted by.
        held: Whether answers are held to a grammar.

    Raises:
        ConfigError: The plan has no tokens.

    """
    prompts, cost = report.prompts, report.cost("plan")
    requests = report.requests.requests
    if requests and (prompts.tokens is None or cost is None):
        _no_tokens()
    counted = prompts.tokens or 0
    exact = Range.exactly(1.0) if each is None else each
    computed = counted * (cost.share if cost is not None else 1.0)
    if cost is not None and report.looked_at == requests:
        computed = cost.computed_tokens
    return Workload(
        items=report.rows.items,
        judgments=report.requests.judgments,
        requests=requests,
        prompt_tokens=round(counted * exact.likely),
        computed_tokens=exact.times(computed),
        longest_prompt=round((prompts.longest_tokens or 0) * exact.high),
        answers=answers,
        orders=report.requests.orders,
        held=held,
        basis="counted" if exact.low == exact.high == 1.0 else "assumed",
        because=f"planned from the data, tokens counted by {by}",
    )


def workload_from_plan(plan: RunPlan, answers: Answers, *, orders: int) -> Workload:
    """The sums of a plan that a run has made: nothing is planned again.

    Args:
        plan: With tokens; without what its cache will find, all of them are computed.
        answers: What the judge writes.
        orders: In which each pair is shown.

    Raises:
        ConfigError: The plan has no tokens.

    """
    rendered = plan.rendered
    if rendered.prompt_tokens is None:
        _no_tokens()
    is_asked = sent_rows(plan)
    found = rendered.planned_cached_tokens
    requests = items = whole = cached = longest = 0
    last = -1
    for start in range(0, len(plan), _SLICE):  # what is held beside the plan is that of a slice
        part = slice(start, start + _SLICE)
        asked = is_asked[part]
        tokens = rendered.prompt_tokens[part][asked]
        if not len(tokens):
            continue
        item = plan.columns.item[part][asked]  # never falls
        items += int(np.count_nonzero(item[1:] != item[:-1])) + (int(item[0]) != last)
        last = int(item[-1])
        requests += len(tokens)
        whole += int(tokens.sum(dtype=np.int64))
        longest = max(longest, int(tokens.max()))
        if found is not None:
            cached += int(found[part][asked].sum(dtype=np.int64))
    return Workload(
        items=items,
        judgments=len(plan),
        requests=requests,
        prompt_tokens=whole,
        computed_tokens=Range.exactly(float(whole - cached)),
        longest_prompt=longest,
        answers=answers,
        orders=orders,
        basis="counted",
        because="the plan of this run, tokens counted by the judge's own tokenizer",
    )


def _no_tokens() -> NoReturn:
    msg = "the plan has no tokens: this engine takes no token ids"
    raise ConfigError(msg, hint="name the judge's folder, as in --model models/judge")
