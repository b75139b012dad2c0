"""A report for a person, as one string.

What is printed first is what must not be missed: where every row went, then what to think of it,
then the numbers, then how it went. Every line is explained in `docs/reports.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from judgefast.reports.adaptive_text import adaptive_parts
from judgefast.reports.aspects import aspect_parts
from judgefast.reports.budget_text import budget_parts, stopped_words
from judgefast.reports.console import Look, to_text
from judgefast.reports.estimate_words import estimate_words
from judgefast.reports.families import family_words
from judgefast.reports.figures import estimate_parts, position_parts
from judgefast.reports.inert import line
from judgefast.reports.labels import label_parts, option_parts
from judgefast.reports.verdict_price import price_row
from judgefast.reports.words import (
    EXCERPT_LIMIT,
    SENTENCE_LIMIT,
    duration,
    facts,
    name,
    plural,
    rate,
    reasons,
)

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from judgefast.reports.report import (
        Bill,
        Counts,
        FirstRequest,
        LaunchFacts,
        Operations,
        Report,
        Results,
        RunBudget,
        Tokens,
    )

MOST_LAUNCHES = 5
"""Launches that are listed; a run that was pre-empted all night has many."""

_OF_SEVERAL = {"pairwise", "choice"}
"""Modes in which judgments show several answers: those alone have orders, and a rule for them."""

_ORDERS = {"both": "both orders", "one": "one order", "adaptive": "adaptive orders"}

_OF_SERVER = ("server", "dialect")
"""What the text says of a decision server: its settings are the same at every start, and long."""

NOT_MISSING = {"not_needed", "decided"}
"""Reasons not to ask that leave nothing out: the answer was known without."""


def render(report: Report, look: Look | None = None) -> str:
    """Write a report.

    Args:
        report: Its counts are checked first.
        look: Width and colour; 80 columns without colour by default. `console.look_of(stream)`
            chooses for a stream.

    Returns:
        Lines that end in a line feed. Data in them are escaped (`inert.line`).

    Raises:
        LostRowsError: The counts do not add up.

    """
    results = report.results
    results.counts.check()
    parts: list[RenderableType] = [
        *_title(results),
        *_counts(results),
        *budget_parts(report.operations.budget, _grid()),
        *_remarks(results),
        *_findings(results, report.operations.budget),
        *_estimates(results),
        *adaptive_parts(results.adaptive),
        *position_parts(results.position_bias),
        *option_parts(results, _grid()),
        *label_parts(results, _grid()),
        *_unparsed(results),
        *_operations(report.operations, results),
    ]
    return to_text(parts, look or Look())


def _estimates(results: Results) -> list[RenderableType]:
    """The table of aspects, where there are several, before all that does not stand in it."""
    table = results.aspects
    if table is UNSET:
        return estimate_parts(results.estimates)
    held = table.held()
    others = [one for one in results.estimates if (one.name, one.slice) not in held]
    return [*aspect_parts(table), *estimate_parts(others)]


def _title(results: Results) -> list[RenderableType]:
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    rubric = results.rubric
    details = [rubric.mode]
    if rubric.mode in _OF_SEVERAL:
        orders = _ORDERS.get(rubric.orders, rubric.orders)
        details += [orders, f"rule {rubric.rule}"]
    if rubric.pairs != "all":
        details.append(f"pairs {rubric.pairs}")
    if rubric.repeats > 1:
        details.append(f"{rubric.repeats} repeats")
    title = Text(name(results.run), style="bold")
    title.append(
        f"  rubric {name(rubric.name)} ({', '.join(map(name, details))})", style="not bold"
    )
    return [title]


def _counts(results: Results) -> list[RenderableType]:
    counts = results.counts
    table = _grid()
    skipped = sum(counts.skipped.values())
    items = plural(counts.items, "item")
    table.add_row("rows", f"{counts.read:,} read = {items} + {skipped:,} skipped")
    _reason_row(table, "skipped", counts.skipped)
    for reason in sorted(counts.skipped_examples):
        for example in counts.skipped_examples[reason]:
            table.add_row("", "- " + line(example, EXCERPT_LIMIT))
    table.add_row("judgments", _judgment_sum(counts))
    _reason_row(table, "unparsed", counts.unparsed)
    _reason_row(table, "failed", counts.failed)
    _reason_row(table, "not judged", counts.not_judged)
    if results.outcomes:
        parts = " + ".join(
            f"{count:,} {name(status)}" for status, count in results.outcomes.items()
        )
        table.add_row("outcomes", f"{sum(results.outcomes.values()):,} = {parts}")
    return [table]


def _judgment_sum(counts: Counts) -> str:
    return (
        f"{counts.planned:,} planned = {counts.parsed:,} parsed"
        f" + {sum(counts.unparsed.values()):,} unparsed"
        f" + {sum(counts.failed.values()):,} failed"
        f" + {sum(counts.not_judged.values()):,} not judged"
    )


def _reason_row(table: Table, label: str, counts: dict[str, int]) -> None:
    if any(counts.values()):
        table.add_row(f"  {label}", reasons(counts))


def _remarks(results: Results) -> list[RenderableType]:
    """What bends the headline and would not be seen in it."""
    table = _grid()
    if any(results.empty_answers.values()):
        table.add_row("empty", f"answers by model: {reasons(results.empty_answers)}")
    if results.lost_by_empty:
        decided = plural(results.lost_by_empty, "comparison")
        table.add_row("", f"{decided} lost by an empty answer, without asking the judge")
    if results.without_baseline:
        left = plural(results.without_baseline, "item")
        table.add_row("no baseline", f"{left} without an answer of the baseline, not judged")
    if results.truncated_items:
        items = plural(results.truncated_items, "item")
        tokens = plural(results.truncated_tokens, "token")
        many = plural(results.truncated_judgments, "judgment")
        table.add_row("shortened", f"answers of {items}, for length: {tokens} of {many} not shown")
    if results.replaced_characters:
        replaced = plural(results.replaced_characters, "character")
        table.add_row("replaced", f"{replaced} that the judge's vocabulary lacks, by U+FFFD")
    if results.replaced_surrogates:
        table.add_row(
            "replaced", f"{plural(results.replaced_surrogates, 'lone surrogate')}, by U+FFFD"
        )
    return [table] if table.row_count else []


def _findings(results: Results, budget: RunBudget | None) -> list[RenderableType]:
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown

    counts = results.counts
    sentences = []
    if not counts.parsed and results.lost_by_empty:
        sentences.append("No verdict was read: the numbers below are of empty answers alone.")
    elif not counts.parsed:
        sentences.append("No verdict was read: there is nothing to estimate.")
    elif counts.not_judged.keys() - NOT_MISSING == {"budget"}:
        sentences.append(stopped_words(counts.not_judged["budget"], counts.planned, budget))
    elif left := {why: n for why, n in counts.not_judged.items() if why not in NOT_MISSING}:
        sentences.append(
            f"Incomplete: {sum(left.values()):,} of {counts.planned:,} judgments were not judged "
            f"({reasons(left)}). The numbers below are of what was judged, and their intervals are "
            "not anytime-valid: one who stops when they look good is wrong more often than they "
            "say."
        )
    sentences += [line(finding, SENTENCE_LIMIT) for finding in results.findings]
    if not sentences:
        return []
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", style="bold yellow")
    for sentence in sentences:
        table.add_row("*", sentence)
    return ["", table]


def _unparsed(results: Results) -> list[RenderableType]:
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    if not results.unparsed_examples:
        return []
    table = _grid()
    for example in results.unparsed_examples:
        place = name(example.item_id)
        if example.order:
            place += f", {name(example.order)}"
        text = line(example.excerpt, EXCERPT_LIMIT) or "(empty)"
        table.add_row(name(example.reason), f"{place}: {text}")
    return [Text(""), Text("Unparsed, one example a reason", style="bold"), table]


def _operations(operations: Operations, results: Results) -> list[RenderableType]:
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    table = _grid()
    rubric = results.rubric
    table.add_row("judge", name(results.judge))
    if results.families is not UNSET:
        table.add_row("family", family_words(results.families))
    if rubric.mode in _OF_SEVERAL:
        failed = f"; where one order failed: {name(rubric.one_failed)}"
        table.add_row("rule", name(rubric.rule) + (failed if rubric.orders != "one" else ""))
    table.add_row(
        "hashes", f"prompt {name(rubric.prompt_hash)[:16]}, parse {name(rubric.parse_hash)[:16]}"
    )
    _add_speed(table, operations)
    for launch in operations.launches[:MOST_LAUNCHES]:
        table.add_row("launch", _launch(launch))
    unlisted = len(operations.launches) - MOST_LAUNCHES
    if unlisted > 0:
        table.add_row("", f"and {unlisted:,} more")
    for note in operations.notes:
        table.add_row("note", line(note, SENTENCE_LIMIT))
    return [Text(""), Text("Run", style="bold"), table]


def _add_speed(table: Table, operations: Operations) -> None:
    seconds = operations.seconds
    phases = [
        f"{phase} {duration(value)}"
        for phase in ("read", "plan", "load", "judge", "report")
        if (value := getattr(seconds, phase)) is not None
    ]
    if phases:
        table.add_row("time", ", ".join(phases))
    if operations.first_request is not None:
        table.add_row("first request", _first_request(operations.first_request))
    speed = [
        f"{rate(value)} {unit}"
        for value, unit in (
            (operations.judgments_per_second, "judgments/s"),
            (operations.tokens_per_second, "tokens/s"),
            (operations.in_flight_mean, "in flight on average"),
        )
        if value is not None
    ]
    if speed:
        table.add_row("speed", ", ".join(speed))
    table.add_row("tokens", _tokens(operations.tokens))
    if operations.servers is not None:
        counted = _tokens(operations.servers)
        table.add_row("servers", f"{counted}, as they count, for all their users")
    price_row(operations.price, table)
    if operations.bill is not None:
        table.add_row("plan", _bill(operations.bill))
    if operations.estimate is not None and (words := estimate_words(operations.estimate)):
        table.add_row("estimate", words)
    asked = f"{plural(operations.attempts, 'attempt')} at {plural(operations.requests, 'request')}"
    saved = (
        f", which answer {operations.asked_once:,} judgments more" if operations.asked_once else ""
    )
    superseded = f", {operations.superseded:,} superseded" if operations.superseded else ""
    hedged = f", {operations.hedged:,} sent to a second server too" if operations.hedged else ""
    again = f", {operations.preemptions:,} preempted" if operations.preemptions else ""
    table.add_row("asked", asked + saved + superseded + hedged + again)


def _first_request(first: FirstRequest) -> str:
    parts = [
        f"{word} {duration(value)}"
        for word, value in (
            ("reading", first.read),
            ("planning", first.plan),
            ("waiting for the engine", first.load),
        )
        if value is not None
    ]
    words = {"import": "import", "waiting": "waiting for rows", "start": "engine start"}
    engine = [f"{words.get(key, key)} {duration(value)}" for key, value in first.engine.items()]
    beside = f"; the engine meanwhile: {', '.join(engine)}" if engine else ""
    return f"after {duration(first.seconds)}: {', '.join(parts)}{beside}"


def _tokens(tokens: Tokens) -> str:
    if tokens.prompt is None and tokens.completion is None:
        return "unknown: the engine does not say"
    prompt = "prompt unknown" if tokens.prompt is None else f"prompt {tokens.prompt:,}"
    if tokens.cached is None:
        split = " (cached unknown)"
    else:
        computed = "unknown" if tokens.computed is None else f"{tokens.computed:,}"
        split = f" ({tokens.cached:,} cached, {computed} computed)"
    completion = "unknown" if tokens.completion is None else f"{tokens.completion:,}"
    thought = f" ({tokens.reasoning:,} of them reasoning)" if tokens.reasoning else ""
    return f"{prompt}{split}, completion {completion}{thought}"


def _bill(bill: Bill) -> str:
    """What was planned of the answered requests; the line above says what was counted."""
    cached = "cached unknown"
    if bill.planned_cached is not None:
        cached = f"{bill.planned_cached:,} cached"
    agrees = "; more than 1 % off, see below" if bill.differs else ""
    if not bill.differs:
        agrees = "" if None in {bill.planned_cached, bill.counted_cached} else "; within 1 %"
    answered = f"of {plural(bill.requests, 'answered request')}"
    return f"prompt {bill.planned_prompt:,} ({cached}) {answered}{agrees}"


def _launch(launch: LaunchFacts) -> str:
    of_server = [key for key in _OF_SERVER if key in launch.engine]
    shown = of_server if "dialect" in of_server else [*launch.engine.keys() - {"notes"}]
    known = facts({key: value for key, value in launch.engine.items() if key in shown})
    where = f"{name(launch.id)[:8]} on {name(launch.machine)}"
    return f"{where}: {plural(launch.judgments, 'judgment')}" + (f"; {known}" if known else "")


def _grid() -> Table:
    """Two columns: a short label, and words that wrap under themselves."""
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True, min_width=12)
    table.add_column(overflow="fold")
    return table
