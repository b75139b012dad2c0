"""The numbers of a report: estimates with their intervals, and what the places decide."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec import UNSET

from judgefast.reports.inert import line
from judgefast.reports.words import (
    SENTENCE_LIMIT,
    interval,
    name,
    number,
    percent,
    plural,
)
from judgefast.stats.slice_names import slice_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from judgefast.stats.estimate import Estimate
    from judgefast.stats.position import PositionBias

ANSWERS = ("answer a", "answer b", "tie")
"""Rows and columns of `PositionBias.flip_matrix`."""

MOST_LABELS = 3
"""Estimates named before one note that many share."""


def estimate_parts(estimates: Sequence[Estimate]) -> list[RenderableType]:
    """Lay out estimates as a table, the slices of a name below it, and their notes.

    Args:
        estimates: Names come in the order of their first estimate, slices below their name.

    Returns:
        Renderables; none where there is no estimate.

    """
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    if not estimates:
        return []
    levels = {estimate.level for estimate in estimates}
    one_level = f"{percent(min(levels))} interval" if len(levels) == 1 else "interval"
    with_missing = any(estimate.missing for estimate in estimates)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Estimates", overflow="fold", min_width=16)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column(one_level, no_wrap=True)
    table.add_column("clusters", justify="right", no_wrap=True)
    if with_missing:
        table.add_column("missing", justify="right", no_wrap=True)
    table.add_column("method", no_wrap=True)
    by_name: dict[str, list[Estimate]] = defaultdict(list)
    for estimate in estimates:
        by_name[estimate.name].append(estimate)
    for title, group in by_name.items():
        _add_group(table, name(title), group, levels=len(levels), with_missing=with_missing)
    labels = [
        name(estimate.name) + ("" if estimate.slice == "all" else f" {name(estimate.slice)}")
        for estimate in estimates
    ]
    notes = note_parts(zip(labels, (estimate.note for estimate in estimates), strict=True))
    return [Text(""), table, *notes]


def note_parts(noted: Iterable[tuple[str, str]]) -> list[RenderableType]:
    """Say each note once, with what it is of; an empty note is none."""
    from rich.padding import Padding  # noqa: PLC0415 - loaded when something is shown
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    return [Padding(Text(note, style="dim"), (0, 0, 0, 2)) for note in _notes(noted)]


def _notes(noted: Iterable[tuple[str, str]]) -> list[str]:
    of_note: dict[str, list[str]] = defaultdict(list)
    for label, note in noted:
        if note:
            of_note[note].append(label)
    notes = []
    for note, labels in of_note.items():
        more = f" and {len(labels) - MOST_LABELS:,} more" if len(labels) > MOST_LABELS else ""
        owners = ", ".join(labels[:MOST_LABELS])
        notes.append(f"{owners}{more}: {line(note, SENTENCE_LIMIT)}")
    return notes


def _add_group(
    table: Table, title: str, group: list[Estimate], *, levels: int, with_missing: bool
) -> None:
    from rich.padding import Padding  # noqa: PLC0415 - loaded when something is shown
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    if group[0].slice != "all":
        table.add_row(title)
    for estimate in group:
        whole = estimate.slice == "all"
        label = title if whole else Padding(Text(name(estimate.slice)), (0, 0, 0, 2))
        level = f" ({percent(estimate.level)})" if levels > 1 else ""
        missing = [f"{estimate.missing:,}"] if with_missing else []
        table.add_row(
            label,
            number(estimate.value),
            interval(estimate) + level,
            f"{estimate.clusters:,}",
            *missing,
            name(estimate.method),
        )


def position_parts(bias: PositionBias | None) -> list[RenderableType]:
    """Lay out position bias: the direction first, since only it shows a preference for a place.

    Args:
        bias: None where nothing was compared.

    Returns:
        Renderables; none where nothing was compared.

    """
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    if bias is None:
        return []
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True, min_width=12)
    table.add_column(overflow="fold")
    table.add_row("direction", _direction(bias.direction))
    if bias.direction_alert:
        table.add_row("alert", Text("the place of an answer moves the verdict", style="bold red"))
    if bias.p_first is not None:
        first = f"{number(bias.p_first.value)} {interval(bias.p_first)}"
        table.add_row("P(first)", f"{first}, mean probability of the answer shown first")
    if bias.of_audit:
        table.add_row("measured on", "the audit: a random share of the clusters, in both orders")
    if bias.one_order:
        why = "nothing was audited" if bias.of_audit else "one order was asked"
        table.add_row("flip rate", f"unknown: {why}")
    else:
        _add_flips(table, bias)
    for label, words in _by_aspect(bias):
        table.add_row(label, words)
    parts: list[RenderableType] = [Text(""), Text("Position bias", style="bold"), table]
    if any(map(any, bias.flip_matrix)):
        parts.append(_matrix(bias.flip_matrix))
    return parts


def _add_flips(table: Table, bias: PositionBias) -> None:
    ends = f"{number(bias.flip_rate.value)} {interval(bias.flip_rate)}"
    read = f"{bias.both_orders:,} of {plural(bias.comparisons, 'comparison')}"
    table.add_row("flip rate", f"{ends}, {read} read in both orders")
    table.add_row(
        "same place",
        f"{number(bias.same_position_rate.value)} {interval(bias.same_position_rate)}, "
        f"{bias.first_twice:,} times first twice, {bias.second_twice:,} times second twice",
    )
    verdict = "exceeded" if bias.guide_flip_rule else "not exceeded"
    if bias.flip_rate.value is None:
        verdict = "unknown"
    table.add_row(
        "guides' rule",
        f"flip rate above 15 %: {verdict}. It counts noise as bias; the direction does not.",
    )
    if bias.noise_flip_rate is not None:
        noise = f"{number(bias.noise_flip_rate.value)} {interval(bias.noise_flip_rate)}"
        share = "" if bias.noise_share is None else f": explains {percent(bias.noise_share)} of it"
        table.add_row("noise", f"repeats in the same order flip at {noise}{share}")


def _by_aspect(bias: PositionBias) -> Iterator[tuple[str, str]]:
    """Say of each aspect, where there are several, what is said first of all of them."""
    known = (
        {} if bias.by_aspect is UNSET else {(one.name, one.slice): one for one in bias.by_aspect}
    )
    for place, (_, where) in enumerate(key for key in known if key[0] == "direction"):
        words = f"{name(slice_parts(where).get('aspect', where))}: direction "
        words += _direction(known["direction", where])
        flips = known.get(("flip_rate", where))
        if flips is not None and not bias.one_order:
            words += f"; flip rate {number(flips.value)} {interval(flips)}"
        yield "" if place else "by aspect", words


def _direction(direction: Estimate) -> str:
    ends = f"{number(direction.value, signed=True)} {interval(direction, signed=True)}"
    if direction.low is None or direction.high is None:
        return ends
    if direction.low > 0:
        return f"{ends} toward the answer shown first"
    if direction.high < 0:
        return f"{ends} toward the answer shown second"
    return f"{ends} none shown: the interval holds zero"


def _matrix(matrix: Sequence[Sequence[int]]) -> Table:
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    table.add_column("forward \\ swapped", style="cyan")
    for answer in ANSWERS:
        table.add_column(answer, justify="right")
    for answer, row in zip(ANSWERS, matrix, strict=True):
        table.add_row(f"  {answer}", *(f"{count:,}" for count in row))
    return table
