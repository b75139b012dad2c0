"""From a plan to the workload that costs hang on: sums of tokens, and nothing else of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from judgefast.costs.ranges import Range
from judgefast.costs.workload import Workload
from judgefast.errors import ConfigError
from judgefast.pipeline.survey import sent_rows

if TYPE_CHECKING:
    from judgefast.costs.workload import Answers
    from judgefast.pipeline.plan import RunPlan
    from judgefast.reports.plan_report import PlanReport


def workload_of(
    report: PlanReport,
    answers: Answers,
    *,
    each: Range | None = None,
    by: str = "the judge's own tokenizer",
) -> Workload:
    """The sums of a plan.

    Args:
        report: What `judgefast plan` says.
        answers: What the judge writes.
        each: Tokens of the judge for each that was counted; None: they are the judge's.
        by: What they were counted by.

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
        basis="counted" if exact.low == exact.high == 1.0 else "assumed",
        because=f"planned from the data, tokens counted by {by}",
    )


def workload_from_plan(
    plan: RunPlan,
    answers: Answers,
    *,
    orders: int,
    rows: Any = None,  # noqa: ANN401 - an index
) -> Workload:
    """The sums of a plan that a run has made: nothing is planned again.

    Args:
        plan: With tokens; without what its cache will find, all of them are computed.
        answers: What the judge writes.
        orders: In which each pair is shown.
        rows: Of the plan, those that are to be asked; None: all that are sent.

    Raises:
        ConfigError: The plan has no tokens.

    """
    rendered = plan.rendered
    if rendered.prompt_tokens is None:
        _no_tokens()
    asked_rows = np.flatnonzero(sent_rows(plan)) if rows is None else np.asarray(rows)
    tokens = rendered.prompt_tokens[asked_rows].astype(np.int64)
    found = rendered.planned_cached_tokens
    cached = 0 if found is None else int(found[asked_rows].sum(dtype=np.int64))
    whole = int(tokens.sum())
    return Workload(
        items=len(np.unique(plan.columns.item[asked_rows])),
        judgments=len(plan) if rows is None else len(asked_rows),
        requests=len(asked_rows),
        prompt_tokens=whole,
        computed_tokens=Range.exactly(float(whole - cached)),
        longest_prompt=int(tokens.max()) if len(tokens) else 0,
        answers=answers,
        orders=orders,
        basis="counted",
        because="the plan of this run, tokens counted by the judge's own tokenizer",
    )


def _no_tokens() -> NoReturn:
    msg = "the plan has no tokens: this engine takes no token ids"
    raise ConfigError(msg, hint="name the judge's folder, as in --model models/judge")
