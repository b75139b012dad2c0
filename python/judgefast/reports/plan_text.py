"""What is known of a run beforehand, for a person, as one string.

The order is that of the questions that a newcomer has: how much is asked, how much of it must be
computed, why not all of it, whether it fits. Every line is explained in `docs/plan.md`.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from judgefast.reports.console import Look, to_text
from judgefast.reports.inert import line
from judgefast.reports.words import SENTENCE_LIMIT, name, percent, plural, reasons

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from judgefast.reports.plan_report import (
        LayoutCost,
        LintFinding,
        OrderCost,
        PlannedCache,
        PlannedPrompts,
        PlanReport,
    )

_ORDERS = {
    "none": "without a cache",
    "random": "in random order",
    "natural": "in the order of loops",
    "plan": "in this plan's order",
    "least": "at the least",
}
_PARTS = {
    "rubric": "rubric",
    "question": "question",
    "reference": "reference",
    "answer": "answer",
    "answer_1": "answer shown first",
    "answer_2": "answer shown second",
}
_MOST_MISFITS = 5
_MOST_TEXT = 60
_WORTH_CHANGING = 0.01
"""Share of the tokens to compute that another layout must save."""
_WORTH_NAMING = 0.001
"""Share of what is saved below which a part is not named."""


def render_plan(report: PlanReport, look: Look | None = None) -> str:
    """Write what a plan says; 80 columns without colour unless `look` says otherwise."""
    parts: list[RenderableType] = [
        *_head(report),
        *_costs(report),
        *_shared(report),
        *_needs(report),
        *_layouts(report.layouts),
        *_lint(report.lint),
        *_notes(report),
    ]
    return to_text(parts, look or Look())


def _head(report: PlanReport) -> list[RenderableType]:
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    title = Text("Plan", style="bold")
    title.append(f"  rubric {name(report.rubric)} ({report.mode})", style="not bold")
    table = _grid()
    rows, asked = report.rows, report.requests
    skipped = sum(rows.skipped.values())
    table.add_row(
        "rows", f"{rows.read:,} read = {plural(rows.items, 'item')} + {skipped:,} skipped"
    )
    if skipped:
        table.add_row("  skipped", reasons(rows.skipped))
    questions = plural(rows.questions, "different question")
    table.add_row("texts", f"{questions}, {plural(rows.answers, 'different answer')}")
    table.add_row("judgments", _judgments(report))
    left_out = asked.too_long + asked.not_needed
    others = asked.judgments - asked.requests - left_out
    sent = plural(asked.requests, "request")
    if asked.least_requests is not None:
        sent = f"{asked.least_requests:,} to {sent}: second orders where the first is not sure; "
        sent += str(asked.audit)
    if others:
        sent += f"; {plural(others, 'judgment')} more by the answers to these"
    if asked.too_long:
        sent += f"; {asked.too_long:,} too long to be sent"
    if asked.not_needed:
        sent += f"; {asked.not_needed:,} decided without asking"
    table.add_row("asked", sent)
    table.add_row("prompts", _prompts(report.prompts))
    table.add_row("judge", f"{name(report.judge)}, by the engine {name(report.engine)}")
    if report.cache:
        table.add_row("cache", _cache(report.cache))
    return [title, table]


def _judgments(report: PlanReport) -> str:
    asked = report.requests
    factors = []
    if asked.orders > 1:
        factors.append(f"{asked.orders} orders")
    if len(asked.aspects) > 1:
        factors.append(f"{len(asked.aspects)} aspects")
    if asked.repeats > 1:
        factors.append(f"{asked.repeats} repeats")
    product = asked.orders * len(asked.aspects) * asked.repeats
    if not factors or asked.judgments % product:
        return f"{asked.judgments:,}"
    shown = "pair" if asked.orders > 1 else "answer"
    return (
        f"{asked.judgments:,} = {' x '.join([plural(asked.judgments // product, shown), *factors])}"
    )


def _prompts(prompts: PlannedPrompts) -> str:
    behind = f"; up to {plural(prompts.answer_tokens, 'token')} of answer behind each"
    if prompts.tokens is None:
        if prompts.characters is None:
            return "none are made: this engine reads no prompts"
        counted = plural(prompts.characters, "character")
        return f"{counted}; tokens are unknown, since the judge's tokenizer is{behind}"
    mean = "" if prompts.mean_tokens is None else f", {prompts.mean_tokens:,.0f} on average"
    longest = "" if prompts.longest_tokens is None else f", {prompts.longest_tokens:,} at most"
    return f"{plural(prompts.tokens, 'token')}{mean}{longest}{behind}"


def _cache(cache: PlannedCache) -> str:
    room = f"room for {plural(cache.cache_tokens, 'token')}"
    words = f"blocks of {cache.block_tokens} tokens, {room}, {cache.running:,} requests at once"
    if cache.window is not None:
        words += f", sliding layers keep {cache.window:,}"
    options = {"block_tokens": "block-tokens", "cache_tokens": "cache-tokens", "running": "running"}
    if assumed := [f"--{options[one]}" for one in cache.assumed]:
        words += f" (assumed; {', '.join(assumed)} set{'s' if len(assumed) == 1 else ''} it)"
    return words


def _costs(report: PlanReport) -> list[RenderableType]:
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown

    if not report.costs:
        return []
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Prompt tokens to compute", min_width=30)
    table.add_column("tokens", justify="right", no_wrap=True)
    table.add_column("of all", justify="right", no_wrap=True)
    for cost in report.costs:
        style = "bold" if cost.order == "plan" else None
        share = _share(cost.share)
        table.add_row(_ORDERS[cost.order], f"{cost.computed_tokens:,}", share, style=style)
    parts: list[RenderableType] = ["", table]
    if report.looked_at is not None and report.looked_at < report.requests.requests:
        parts.append(
            f"(of the first {report.looked_at:,} requests: whole questions, drawn by the seed)"
        )
    return parts


def _shared(report: PlanReport) -> list[RenderableType]:
    planned, whole = report.cost("plan"), report.cost("none")
    if planned is None or whole is None:
        return []
    saved = whole.computed_tokens - planned.computed_tokens
    share = _share(1 - planned.share)
    if not saved:
        return ["", _nothing_saved(report)]
    parts = [(f"the {_PARTS.get(part.part, name(part.part))}", part) for part in report.shared]
    where = [
        f"{_share(part.share)} in {words}" for words, part in parts if part.share >= _WORTH_NAMING
    ]
    words = f"The plan saves {share} of the prompt tokens: what prompts share is computed once. "
    sentences = [f"Of what is saved, {_listed(where)}."] if where else []
    if (random := report.cost("random")) and random.computed_tokens == planned.computed_tokens:
        sentences.append(
            "The order hardly matters here: all that is shared fits the cache at once."
        )
    best = min((report.cost("natural"), report.cost("random")), key=_computed)
    if best is not None and 1 - best.computed_tokens / planned.computed_tokens > _WORTH_CHANGING:
        less = _share(1 - best.computed_tokens / planned.computed_tokens)
        sentences.append(
            f"But sending {_ORDERS[best.order]} would compute {less} less: questions that begin "
            "alike stand far apart in the plan, which shuffles questions. Rows with one `cluster` "
            "stay together: give that of the text they share to each."
        )
    return ["", words + " ".join(sentences)]


def _computed(cost: OrderCost | None) -> float:
    return inf if cost is None else cost.computed_tokens


def _nothing_saved(report: PlanReport) -> str:
    room = None if report.cache is None else report.cache.cache_tokens
    longest = report.prompts.longest_tokens
    if room is not None and longest is not None and longest > room:
        return (
            f"The cache has room for {plural(room, 'token')}, and a prompt has up to "
            f"{longest:,}: none is kept for the next, and every prompt token must be computed."
        )
    return "Nothing is shared: every prompt token must be computed."


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else f"{words[0]}"


def _needs(report: PlanReport) -> list[RenderableType]:
    table = _grid()
    if report.longest:
        shown = [f"{name(one.item_id)} ({one.tokens:,} tokens)" for one in report.longest]
        table.add_row("longest", ", ".join(shown))
    if report.prompts.tokens is not None:
        table.add_row("too long", _too_long(report))
    for item in report.too_long[:_MOST_MISFITS]:
        requests = plural(item.requests, "request")
        need = f"{item.tokens:,} tokens with the answer"
        table.add_row("", f"- {name(item.item_id)}: {requests}, {need}")
    if len(report.too_long) > _MOST_MISFITS:
        table.add_row("", f"- and {len(report.too_long) - _MOST_MISFITS:,} more items")
    if report.requests.truncated:
        cut = plural(report.requests.truncated, "request")
        left_out = plural(report.requests.left_out_tokens, "token")
        table.add_row("shortened", f"{cut}, all answers by the same share: {left_out} left out")
    if (memory := report.memory) is not None:
        table.add_row(
            "memory",
            f"{_bytes(memory.total_bytes)} of KV cache hold the {memory.tokens:,} tokens in work "
            f"at once, {memory.bytes_per_token:,.0f} bytes each; {_bytes(memory.longest_bytes)} is "
            "the least, for the longest request",
        )
    table.add_row("digest", f"{report.digest}, as `run --dry-run` says")
    return ["", table]


def _bytes(number: float) -> str:
    """Write an amount of memory with three digits."""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if number >= size:
            return (
                f"{number / size:,.3g} {unit}"
                if number < 1000 * size
                else f"{number / size:,.0f} {unit}"
            )
    return f"{number:,.0f} bytes"


def _too_long(report: PlanReport) -> str:
    if report.context_tokens is None:
        return "unknown: the judge's context is not known"
    context = f"the judge's context of {report.context_tokens:,} tokens"
    if not report.requests.too_long:
        return f"none: every prompt fits {context}"
    count = plural(report.requests.too_long, "judgment")
    return f"{count} would fail unsent: prompt and answer exceed {context}"


def _layouts(layouts: list[LayoutCost]) -> list[RenderableType]:
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown

    if not layouts:
        return []
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Layouts", min_width=24)
    for title in ("requests", "prompt tokens", "to compute"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("prompt_hash", no_wrap=True)
    asks = {one.aspects for one in layouts}
    for one in layouts:
        mark = " (this rubric)" if one.in_force else ""
        asked = f", {name(one.aspects)}" if len(asks) > 1 else ""
        table.add_row(
            name(one.layout) + asked + mark,
            f"{one.requests:,}",
            f"{one.prompt_tokens:,}",
            f"{one.computed_tokens:,}",
            one.prompt_hash[:16],
        )
    return ["", table, *_recommended(layouts)]


def _recommended(layouts: list[LayoutCost]) -> list[RenderableType]:
    own = next(one for one in layouts if one.in_force)
    best = next(one for one in layouts if one.aspects == own.aspects)
    words = "Keep the layout of the rubric: no other saves more than 1 %."
    if (saved := _saved(best, own)) > _WORTH_CHANGING:
        words = f"Recommended: {name(best.layout)}, which computes {_share(saved)} less. Only an "
        words += "edit of the rubric's [template] makes it the layout of a run. It is another "
        words += "prompt, with another prompt_hash: its verdicts are not comparable with those of "
        words += "runs before."
    together = next((one for one in layouts if one.aspects == "together"), best)
    if together.aspects != own.aspects and (saved := _saved(together, best)) > _WORTH_CHANGING:
        words += f" All aspects together in one answer would compute {_share(saved)} less than "
        words += "that, but then the verdict on one aspect colours those on the others (halo)."
    return [words]


def _saved(one: LayoutCost, other: LayoutCost) -> float:
    return 1 - one.computed_tokens / max(1, other.computed_tokens)


def _share(share: float) -> str:
    return percent(round(share, 3))


def _lint(findings: list[LintFinding] | None) -> list[RenderableType]:
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    if findings is None:
        return []
    if not findings:
        return ["", "Nothing was found that keeps prompts from sharing."]
    parts: list[RenderableType] = ["", Text("What keeps prompts from sharing", style="bold")]
    for one in findings:
        table = _grid()
        at = "" if one.token is None else f", from token {one.token:,} of the prompt on"
        lost = _lost(one)
        table.add_row(f"{one.code}", f"{line(one.where, SENTENCE_LIMIT)}{at}; costs {lost}")
        table.add_row("", line(one.words, SENTENCE_LIMIT))
        if one.text:
            table.add_row("", f"| {line(one.text, _MOST_TEXT)}")
        table.add_row("", line(one.advice, SENTENCE_LIMIT))
        parts.append(table)
    return parts


def _lost(one: LintFinding) -> str:
    """Say what a finding costs."""
    if not one.lost_tokens:
        return "an unknown number of tokens" if one.at_least else "no tokens of this run"
    lost = plural(one.lost_tokens, "token")
    return f"at least {lost}" if one.at_least else lost


def _notes(report: PlanReport) -> list[RenderableType]:
    table = _grid()
    for note in report.notes:
        table.add_row("note", line(note, SENTENCE_LIMIT))
    return ["", table] if report.notes else []


def _grid() -> Table:
    """Two columns: a short label, and words that wrap under themselves."""
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True, min_width=12)
    table.add_column(overflow="fold")
    return table
