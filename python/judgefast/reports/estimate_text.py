"""An estimate for a person, as one string: what it costs first, then why, then how sure it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.costs.alternatives import money_of
from judgefast.reports.console import Look, to_text
from judgefast.reports.inert import line
from judgefast.reports.ranges import dollars, figure, money, of_unit, span, within
from judgefast.reports.words import SENTENCE_LIMIT, name, percent, plural

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from judgefast.costs.estimates import Estimate, Money

_GB = 1e9
_PARTS = {
    "boot": "boot of the machine",
    "download": "download of the weights",
    "load": "load of the weights",
    "compile": "compile and graphs",
    "prefill": "prompts",
    "decode": "answers",
    "run_out": "run-out at the end",
    "host": "host",
    "pre_emptions": "pre-emptions (spot)",
}
_LIMITS = {
    "room": "the KV cache has no room for more",
    "max_num_seqs": "max_num_seqs allows no more",
    "requests": "there are no more requests",
}
_KINDS = {"on_demand": "on demand", "spot": "spot", "given": "at your price"}
_JUDGING = {"prefill", "decode", "run_out", "host"}
_SUM_WIDTH = SENTENCE_LIMIT + 8
"""Columns of the arithmetic: a sum is copied whole, and is not wrapped."""
_PER = 10_000
"""Judgments for which GPU-hours are said too, as guides and other tables do."""


def render_estimate(estimate: Estimate, look: Look | None = None, *, explain: bool = False) -> str:
    """Write what a run will cost; 80 columns without colour unless `look` says otherwise.

    Args:
        estimate: What was worked out.
        look: Width and colour.
        explain: Write the arithmetic line by line too.

    """
    parts: list[RenderableType] = [
        *_head(estimate),
        *_times(estimate),
        *_prices(estimate),
        *_reasons(estimate),
    ]
    look = look or Look()
    sums = to_text(_sums(estimate), look._replace(width=_SUM_WIDTH)) if explain else ""
    return to_text(parts, look) + sums


def _head(estimate: Estimate) -> list[RenderableType]:
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    workload, placed = estimate.workload, estimate.placed
    where = f"{placed.gpus} x {placed.gpu}"
    title = Text("Estimate", style="bold")
    words = f"  {plural(workload.judgments, 'judgment')} by {name(placed.model)} on {where}"
    title.append(words, style="not bold")
    table = _grid()
    table.add_row("GPU-hours", _hours(estimate))
    is_warm = estimate.seconds == estimate.judging_seconds
    since = "from an engine that is ready" if is_warm else f"from the order of {where}"
    table.add_row("time", f"{span(estimate.seconds)} {since} to the last answer")
    if first := money_of(estimate):
        table.add_row("money", f"{money(first.usd)} {_at(first)}")
    if estimate.energy_kwh is not None:
        kwh = of_unit(estimate.energy_kwh, "kWh")
        table.add_row("energy", f"{kwh} of the GPUs, by their rated power")
    table.add_row("asked", _asked(estimate))
    table.add_row("prompts", _prompts(estimate))
    table.add_row("answers", _answers(estimate))
    table.add_row("judge", _judge(estimate))
    if estimate.digest is not None:
        table.add_row("digest", f"{estimate.digest}, as `judgefast plan` says")
    return [title, table]


def _hours(estimate: Estimate) -> str:
    words = of_unit(estimate.gpu_hours, "h")
    warm = estimate.judging_seconds.times(estimate.placed.gpus / 3600)
    if estimate.seconds != estimate.judging_seconds:
        words += f", of them {of_unit(warm, 'h')} of judging"
    many = estimate.workload.judgments
    if many and many != _PER:
        words += f"; {within(warm.times(_PER / many))} of judging for each {_PER:,} judgments"
    return words


def _at(offer: Money) -> str:
    price = f"{dollars(offer.usd_per_gpu_hour)} a GPU-hour"
    if offer.kind == "given":
        return f"at your price of {price}"
    return f"{_KINDS[offer.kind]} at {price} ({name(str(offer.provider))}, {offer.date})"


def _asked(estimate: Estimate) -> str:
    workload = estimate.workload
    words = f"{plural(workload.requests, 'request')} about {plural(workload.items, 'item')}"
    if workload.asked.low != workload.asked.high:
        least, most = (round(workload.requests_at(end)) for end in ("low", "high"))
        return f"{words}, adaptive orders: {least:,} to {most:,} requests"
    if workload.orders > 1:
        words += f", {workload.orders} orders"
    return words


def _prompts(estimate: Estimate) -> str:
    workload = estimate.workload
    mean = workload.prompt_tokens / max(1, workload.requests)
    share = workload.computed_tokens.likely / max(1, workload.prompt_tokens)
    return (
        f"{workload.prompt_tokens:,} tokens, {mean:,.0f} on average; "
        f"{within(workload.computed_tokens)} to compute ({percent(round(share, 3))}), the rest is "
        f"shared [{workload.basis}]"
    )


def _answers(estimate: Estimate) -> str:
    answers = estimate.workload.answers
    words = f"{within(answers.mean)} tokens on average, {answers.most:,} at most"
    if answers.thinking.high:
        words += f", of them {within(answers.thinking)} of thinking"
    return f"{words} [{answers.basis}]"


def _judge(estimate: Estimate) -> str:
    placed = estimate.placed
    words = f"{placed.weights} weights of {placed.weight_bytes / _GB:,.1f} GB"
    if placed.copies > 1:
        each, left = divmod(placed.gpus, placed.copies)
        on = "" if left else f" on {plural(each, 'GPU')} each"
        words = f"{placed.copies} copies{on}, {words}"
    if placed.room_tokens:
        words += f"; room for {placed.room_tokens:,} tokens of {placed.cache} KV cache"
    many = f"{figure(placed.batch)} sequences at once"
    if placed.copies > 1:
        many += " in each"
    return f"{words}; {many}: {_LIMITS.get(placed.limit, placed.limit)}"


def _times(estimate: Estimate) -> list[RenderableType]:
    table = _table("Time", "likely (low to high)", "of all")
    table.add_column("known", no_wrap=True)
    whole = estimate.seconds.likely
    for one in estimate.lines:
        if one.part == "pre_emptions":
            continue
        share = percent(round(one.seconds.likely / whole, 3)) if whole else "-"
        table.add_row(_PARTS[one.part], span(one.seconds), share, one.basis)
    table.add_row("in all", span(estimate.seconds), "", "", style="bold")
    if (extra := estimate.pre_emptions) is not None:
        table.add_row(_PARTS[extra.part], f"+ {span(extra.seconds)}", "", extra.basis)
    return ["", table]


def _prices(estimate: Estimate) -> list[RenderableType]:
    if not estimate.money:
        return ["", f"No dated price of {estimate.placed.gpu} is known; --price USD prices it."]
    if all(one.kind == "given" for one in estimate.money):
        return []
    table = _table("Money", "in all (low to high)", "a GPU-hour")
    table.add_column("date", no_wrap=True)
    table.add_column("provider", overflow="fold")
    for one in estimate.money:
        level = f", {one.level}" if one.level else ""
        label = f"{_KINDS[one.kind]}{level}"
        each = dollars(one.usd_per_gpu_hour)
        whose = name(one.provider or "you")
        table.add_row(label, money(one.usd), each, one.date or "today", whose)
    words = "Prices age within weeks; --price USD sets your own."
    if estimate.pre_emptions is not None:
        words = f"Spot includes the expected pre-emptions. {words}"
    return ["", table, words]


def _reasons(estimate: Estimate) -> list[RenderableType]:
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    table = _grid()
    workload = estimate.workload
    table.add_row("prompts", line(workload.because, SENTENCE_LIMIT))
    table.add_row("answers", line(workload.answers.because, SENTENCE_LIMIT))
    judging = [one.because for one in estimate.lines if one.part in _JUDGING]
    shared = _shared_end(judging)
    for one in estimate.lines:
        words = one.because.removesuffix(shared) if one.part in _JUDGING else one.because
        table.add_row(one.part.replace("_", "-"), line(words, SENTENCE_LIMIT))
        if shared and one.part in _JUDGING and one.because == judging[-1]:
            table.add_row("rates", line(shared.removeprefix("; "), SENTENCE_LIMIT))
    notes = [line(note, SENTENCE_LIMIT) for note in estimate.notes]
    found: list[RenderableType] = ["", Text("Why", style="bold"), table]
    if notes:
        noted = _grid()
        for note in notes:
            noted.add_row("note", note)
        found += [noted]
    return found


def _shared_end(reasons: list[str]) -> str:
    """What all of them end with, from a semicolon on: rates have one reason."""
    if not reasons:
        return ""
    first, *others = [reason.partition("; ") for reason in reasons]
    end = first[1] + first[2]
    return end if first[2] and all(each[2] == first[2] for each in others) else ""


def _sums(estimate: Estimate) -> list[RenderableType]:
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    found: list[RenderableType] = ["", Text("Arithmetic, of the likely case", style="bold")]
    for one in estimate.sums:
        found += [Text(f"{one.title}:"), Text(f"    {line(one.arithmetic, SENTENCE_LIMIT)}")]
    return found


def _table(*titles: str) -> Table:
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(titles[0], no_wrap=True)
    for title in titles[1:]:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _grid() -> Table:
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True, min_width=12)
    table.add_column(overflow="fold")
    return table
