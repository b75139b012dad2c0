"""One item, and what every judge of a panel has said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.reports.console import Look
from judgefast.reports.show import ItemView, render_item, render_judgments
from judgefast.reports.words import name, number

if TYPE_CHECKING:
    from collections.abc import Iterator


class UnitView(msgspec.Struct, frozen=True, kw_only=True):
    """What the judges of one comparison, or of one scored answer, say together."""

    candidate: str
    baseline: str | None
    aspect: str
    level: str
    """`high`, `medium`, `low`; `none` where fewer than two judges have a value."""
    majority: float | None
    tied: bool
    mean: float | None


class PanelItem(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that several judges know of one item."""

    item_id: str
    judges: dict[str, ItemView]
    """By name: the item as each has it, with its judgments."""
    units: list[UnitView] = []
    not_judged_by: list[str] = []
    """Judges whose run does not have it."""


def render_panel_item(item: PanelItem, look: Look | None = None) -> str:
    """Write one item for a person: its texts once, then what each judge said.

    Args:
        item: Its texts may hold anything; they are escaped as `render_item` does.
        look: Width and colour; 80 columns without colour by default.

    """
    return "".join(_parts(item, look or Look()))


def _parts(item: PanelItem, look: Look) -> Iterator[str]:
    (_, first), *_ = item.judges.items()
    yield render_item(msgspec.structs.replace(first, judgments=[], outcomes=[]), look)
    for judge, view in item.judges.items():
        yield f"\n== judge {name(judge)}\n"
        yield render_judgments(view, look)
    for judge in item.not_judged_by:
        yield f"\n== judge {name(judge)}\n  (its run does not have this item)\n"
    yield "\n== together\n\n"
    for unit in item.units:
        yield f"  {_together(unit)}\n"


def _together(unit: UnitView) -> str:
    who = name(unit.candidate)
    if unit.baseline is not None:
        who += f" over {name(unit.baseline)}"
    majority = "tied" if unit.tied else number(unit.majority)
    words = f"{who}, aspect {name(unit.aspect)}: majority {majority}, mean {number(unit.mean)}"
    return f"{words}; agreement {unit.level}"
