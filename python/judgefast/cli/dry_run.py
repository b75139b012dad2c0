"""What a run would do, in words or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.cli.output import put

if TYPE_CHECKING:
    from judgefast.pipeline.finished import DryRun


def say_dry(plan: DryRun, *, as_json: bool) -> int:
    """Write to stdout what a run would do; returns the exit status."""
    if as_json:
        import json  # noqa: PLC0415 - only here

        put(json.dumps(plan._asdict()))
        return 0
    from judgefast.reports.inert import line  # noqa: PLC0415 - loads with the reports
    from judgefast.reports.words import plural  # noqa: PLC0415 - as above

    tokens = "" if plan.prompt_tokens is None else f", {plan.prompt_tokens:,} prompt tokens"
    saved = f" in {plan.requests:,} requests" if plan.requests < plan.to_ask else ""
    least = "" if plan.least_to_ask is None else f"{plan.least_to_ask:,} to "
    put(
        f"{plural(plan.items, 'item')}, {plural(plan.planned, 'judgment')} planned, "
        f"{plan.done:,} done; {least}{plan.to_ask:,} would be asked{saved} of {line(plan.judge)} "
        f"by {line(plan.engine)}{tokens}"
    )
    if plan.least_to_ask is not None:
        put(f"second orders: where the first is not sure, and of the audit; {plan.audit}")
    if plan.too_long:
        many = plural(plan.too_long, "judgment")
        put(f"not asked: {many} too long for the judge's context, which fail unsent")
    if plan.not_needed:
        put(f"not asked: {plural(plan.not_needed, 'judgment')} decided by an empty answer")
    if plan.budget:
        put(f"stops within: {', '.join(plan.budget)}")
    if plan.buys:
        put(f"which buys {line(plan.buys['words'])}")
    put(f"order of sending: {plan.digest}")
    return 0
