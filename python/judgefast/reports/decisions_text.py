"""What can be decided by an estimate, for a person: an answer first, then what it is made of."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from judgefast.costs.durations import duration_words
from judgefast.reports.console import Look, to_text
from judgefast.reports.inert import line
from judgefast.reports.ranges import figure, money, of_unit, span
from judgefast.reports.words import NAME_LIMIT, SENTENCE_LIMIT, name, percent, plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from judgefast.costs.decisions import Affordable, Deadline, Decisions, Sample, Way
    from judgefast.costs.ranges import Range

MOST_FITTING = 8
"""Settings that fit a deadline which are printed; --json has all."""


def render_decisions(decisions: Decisions, look: Look | None = None) -> str:
    """Write what was asked beside an estimate; 80 columns without colour unless told otherwise.

    Returns:
        Lines that end in a line feed; nothing where nothing was asked.

    """
    parts: list[RenderableType] = []
    if decisions.deadline is not None:
        parts += _deadline(decisions.deadline)
    for one in decisions.budgets or ():
        parts += _budget(one)
    if decisions.power is not None:
        parts += _sample(decisions.power)
    if decisions.alternatives is not None:
        parts += _alternatives(decisions.alternatives)
    return to_text(parts[1:], look or Look()) if parts else ""


def _deadline(deadline: Deadline) -> list[RenderableType]:
    given = duration_words(deadline.seconds)
    spare = deadline.spare
    if deadline.fit == "fits":
        answer = f"It fits in {given}, with {duration_words(spare.low)} to spare if all takes as "
        answer += f"long as it may, and likely {duration_words(spare.likely)}."
    elif deadline.fit == "does_not_fit":
        answer = f"It does not fit in {given}: {duration_words(-spare.likely)} are lacking, and "
        answer += f"{duration_words(-spare.high)} even if all goes well."
    elif spare.likely >= 0:
        answer = f"It likely fits in {given}, with {duration_words(spare.likely)} to spare; if all "
        answer += f"takes as long as it may, {duration_words(-spare.low)} are lacking."
    else:
        answer = f"It likely does not fit in {given}: {duration_words(-spare.likely)} are lacking; "
        answer += f"if all goes well, {duration_words(spare.high)} are to spare."
    said: list[RenderableType] = ["", _title("Deadline"), answer]
    said.append(f"{plural(deadline.most_items, 'item')} such as these likely fit.")
    if deadline.fit == "fits":
        return said
    if deadline.ways:
        said += ["", _title("What likely fits, the nearest first")]
        said += _row("", "time", "GPU-hours", "money", "of asked")
        said += _lines(deadline.ways[:MOST_FITTING])
        if more := len(deadline.ways) - MOST_FITTING:
            said += [f"{more} more fit (--json has all)."] if more > 0 else []
    else:
        said.append(f"None of {deadline.others} other settings fits.")
    return said


def _budget(budget: Affordable) -> list[RenderableType]:
    price = f" at {budget.price}" if budget.price else ""
    many = plural(budget.likely, "item")
    answer = f"{budget.budget}{price} likely buys {many}"
    if budget.surely != budget.at_most:
        answer += f" ({budget.surely:,} to {budget.at_most:,})"
    if budget.likely:
        answer += f", {plural(budget.judgments, 'judgment')}"
    if budget.fixed:
        answer += f", after {budget.fixed}"
    # Never rounded to all, or to nothing, of what it is not.
    share = min(max(round(budget.likely / budget.all_items, 3), 0.001), 0.999)
    whole = f"all {budget.all_items:,} that were asked about"
    if budget.surely >= budget.all_items:
        enough = f"It is enough for {whole}."
    elif budget.likely >= budget.all_items:
        enough = f"It is likely enough for {whole}, but not surely."
    elif budget.likely:
        enough = f"That is {percent(share)} of {whole}."
    else:
        enough = f"One item takes {_amount(budget.one, budget.budget)}."
    return ["", _title("Budget"), f"{answer}.", enough]


def _amount(one: Range | None, budget: str) -> str:
    """What one item takes, in the words of a budget."""
    if one is None:
        return "more"
    if budget.startswith("$"):
        return money(one)
    return of_unit(one, budget.partition(" ")[2].rstrip("s") + "s")


def _sample(sample: Sample) -> list[RenderableType]:
    sides = "either way" if sample.sides == 2 else "one way"  # noqa: PLR2004 - two sides
    many = f"{plural(sample.questions, 'question')}"
    if sample.items != sample.questions:
        many += f" ({plural(sample.items, 'item')}"
        many += f", {percent(round(sample.missing, 3))} without a value)" if sample.missing else ")"
    answer = (
        f"To tell a difference of {sample.difference:g} in {name(sample.name)} from none takes "
        f"{many}: in {percent(sample.power)} of cases it is then found, {sides}, at "
        f"{percent(sample.level)}."
    )
    table = _grid()
    table.add_row("compared", line(sample.design, SENTENCE_LIMIT))
    deviation = f"standard deviation {sample.deviation:.3g} of a question's difference"
    table.add_row("known", f"{deviation}; {line(sample.because, SENTENCE_LIMIT)}")
    if sample.others:
        others = ", ".join(f"{count:,} at {label}" for label, count in sample.others.items())
        table.add_row("otherwise", others)
    found = f"find a difference of {sample.detectable:.3g} or more"
    table.add_row("these items", f"those that were asked about {found}")
    work = f"{plural(sample.judgments, 'judgment')}, {sample.tokens:,} tokens"
    table.add_row("work", f"{work} for one run")
    table.add_row("cost", _cost(sample.way))
    for note in sample.notes:
        table.add_row("note", line(note, SENTENCE_LIMIT))
    return ["", _title("Sample"), answer, table]


def _cost(way: Way) -> str:
    if way.misfit is not None or way.gpu_hours is None or way.seconds is None:
        return way.misfit or ""
    words = f"{of_unit(way.gpu_hours, 'GPU-hours')}, {span(way.seconds)} on {way.placed}"
    return words if way.usd is None else f"{words}; {money(way.usd)} at {way.price}"


def _alternatives(ways: Sequence[Way]) -> list[RenderableType]:
    said: list[RenderableType] = ["", _title("Alternatives")]
    said += _row("", "time", "GPU-hours", "money", "of asked")
    said += _lines(ways)
    return [*said, "Prices age within weeks; --price USD sets your own for your GPU."]


def _lines(ways: Sequence[Way]) -> Iterator[RenderableType]:
    """Two lines each: figures, and what they are of. Before a group or behind one, what changes."""
    for title, group in groupby(ways, key=lambda way: _TITLES.get(way.kind, "")):
        several = list(group)
        says = {one.says for one in several}
        if title:
            common = f": {says.pop()}" if len(says) == 1 and any(says) else ""
            yield from ("", f"{title}{common}")
        for one in several:
            yield from _figures(one)
            if one.says and one.says in says:
                yield _indented(one.says)


_TITLES = {
    "precision": "Other precision",
    "answers": "Other answers",
    "orders": "Other orders",
    "model": "Other judges",
    "gpu": "Other GPUs",
    "gpus": "More GPUs",
    "sample": "Fewer items",
    "decision": "Decision endpoints",
    "api": "Models paid by the token",
}


def _figures(way: Way) -> Iterator[RenderableType]:
    if way.misfit is not None:
        yield f"{line(way.name, NAME_LIMIT)}: {line(way.misfit, SENTENCE_LIMIT)}"
        return
    time = "" if way.seconds is None else span(way.seconds).partition(" (")[0]
    hours = "" if way.gpu_hours is None else figure(way.gpu_hours.likely)
    paid = "" if way.usd is None else money(way.usd)
    share = "" if way.times is None else figure(way.times)
    yield from _row(line(way.name, NAME_LIMIT), time, hours, paid, share)
    if way.kind in {"api", "decision"}:
        yield _indented(way.price)
    else:
        yield _indented(f"{way.placed}, {way.price or 'no dated price is known'}")


_WIDTH = 80
_WIDTHS = (8, 11, 24, 10)


def _row(name: str, *cells: str) -> Iterator[RenderableType]:
    """Cells to the right of a name; a long name has its own line."""
    cut = zip(cells, _WIDTHS, strict=True)
    right = "".join(f" {cell:>{width - 1}}" for cell, width in cut)
    left = _WIDTH - len(right)
    if len(name) > left:
        yield name
        name = ""
    yield f"{name:<{left}}{right}"


def _indented(words: str) -> RenderableType:
    from rich.padding import Padding  # noqa: PLC0415 - loaded when something is shown
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    return Padding(Text(words), (0, 0, 0, 2))


def _title(words: str) -> RenderableType:
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    return Text(words, style="bold")


def _grid() -> Table:
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True, min_width=12)
    table.add_column(overflow="fold")
    return table
