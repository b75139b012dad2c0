"""How a start of a run ended, or what one would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from judgefast.codes import Status
from judgefast.pipeline.results import why_incomplete

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.pipeline.ask import Asked
    from judgefast.reports.report import Report


class Finished(NamedTuple):
    """How a start ended."""

    path: Path
    report: Report | None
    """None after an interruption, which leaves no time for one."""
    status: int
    """Exit status: 0 done, 3 incomplete, 130 interrupted."""
    done: int
    """Judgments with an answer, and those that need none (`decided`), over all starts; 0 where an
    interruption came before the count."""
    planned: int
    """0 where an interruption came before the plan was read."""
    why: str | None = None
    """Why it is incomplete, for a person."""
    hint: str | None = None
    """What to do about it before the next start, where the engine said so."""
    examples: tuple[str, ...] = ()
    """Completions that could not be read, where a run stopped for them."""
    left: int = 0
    """Judgments that the next start would ask; those with no attempts left are none of them."""
    go_on: str | None = None
    """Command that goes on, where a budget has stopped the run."""


class DryRun(NamedTuple):
    """What a run would do."""

    items: int
    planned: int
    done: int
    to_ask: int
    """Judgments."""
    requests: int
    """Requests that these take: judgments with the same content are asked once."""
    prompt_tokens: int | None
    """Of what is to be asked; None where no prompts are made."""
    judge: str
    engine: str
    digest: str
    """Of the order in which the whole plan is sent."""
    too_long: int = 0
    """Judgments planned that do not fit the judge's context: they fail without being sent."""
    not_needed: int = 0
    """Judgments planned that are decided without asking (`--on-empty lose`)."""
    least_to_ask: int | None = None
    """Judgments of `to_ask` that are asked whatever comes back: of adaptive orders, which ask more
    only where a first order is not sure. None where all are."""
    least_requests: int | None = None
    """Requests that these take."""
    audit: str | None = None
    """What the audit of adaptive orders has, in words."""
    budget: tuple[str, ...] = ()
    """Within which the run would stop, as `--budget` takes them."""
    buys: dict[str, Any] | None = None
    """What an amount of money buys at a judge that is paid by the token: items `surely` and
    `likely`, of `items`; the `price`; and all of it in `words`."""


def finished(path: Path, report: Report, asked: Asked | None, left: int) -> Finished:
    """Say how a start ended that was not interrupted; `asked` is None where nothing was missing."""
    counts, budget = report.results.counts, report.operations.budget
    why, hint = why_incomplete(counts), None
    examples: tuple[str, ...] = ()
    if asked is not None and asked.unreadable.is_too_high:
        why = f"{asked.unreadable.share:.0%} of the last judgments could not be read"
        examples = tuple(asked.unreadable.examples)
    elif asked is not None and asked.lost is not None:
        why, hint = f"the engine was lost: {asked.lost}", asked.lost.hint
    elif asked is not None and asked.unreadable.is_all(counts.parsed):
        examples = tuple(asked.unreadable.examples)
    return Finished(
        path=path,
        report=report,
        status=3 if why else 0,
        done=counts.parsed
        + sum(counts.unparsed.values())
        + counts.not_judged.get(Status.DECIDED.label, 0),
        planned=counts.planned,
        why=why,
        hint=hint,
        examples=examples,
        left=left,
        go_on=None if budget is None else budget.go_on,
    )
