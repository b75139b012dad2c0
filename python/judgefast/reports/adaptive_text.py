"""What adaptive orders saved and what they could have left out, for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from judgefast.reports.words import interval, name, number, percent, plural

if TYPE_CHECKING:
    from msgspec import UnsetType
    from rich.console import RenderableType

    from judgefast.stats.adaptive_found import AdaptiveReport

MOST_MEANS = 4
"""Means whose part is listed; the JSON form has all."""


def adaptive_parts(found: AdaptiveReport | UnsetType) -> list[RenderableType]:
    """The part of a report about adaptive orders; nothing where others were asked."""
    if found is UNSET:
        return []
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True, min_width=12)
    table.add_column(overflow="fold")
    comparisons = plural(found.comparisons, "comparison")
    table.add_row(
        "first order",
        f"surer than {found.sure:g} in {found.closed:,} of {comparisons}; it left "
        f"{found.open:,} open ({percent(found.open_share)})",
    )
    table.add_row(
        "saved",
        f"{found.requests_saved:,} of {found.requests_both:,} requests of both orders "
        f"({percent(found.saved)})",
    )
    clusters = plural(found.audited_clusters, "cluster")
    table.add_row(
        "audit",
        f"{found.audited:,} of the {found.closed:,} in both orders all the same, of {clusters}: "
        f"{percent(found.audit_cost)} of both orders",
    )
    if found.left and not found.audited:
        table.add_row("left out", "unknown: nothing that the first order closed was audited")
        return [Text(""), Text("Adaptive orders", style="bold"), table]
    for place, one in enumerate(found.left[:MOST_MEANS]):
        where = "" if one.slice == "all" else f" {name(one.slice)}"
        moved = f"{number(one.bias.value, signed=True)} {interval(one.bias, signed=True)}"
        if one.bias.value is None:
            moved = "unknown: nothing of it was audited"
        table.add_row("" if place else "left out", f"{name(one.name)}{where}: {moved}")
    if found.left:
        words = "what second orders that were not asked would have changed; the means have it in"
        table.add_row("", words)
    return [Text(""), Text("Adaptive orders", style="bold"), table]
