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
    asked_of: list[str] = []
    """Judges that were asked for it: of runs of different data, those with these contents."""


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
    yield _texts(first, look)
    for judge, view in item.judges.items():
        yield f"\n== judge {name(judge)}\n"
        if _contents(view) != _contents(first):
            yield "(other contents, under the same id)\n"
            yield _texts(view, look)
        yield render_judgments(view, look)
    for judge in item.not_judged_by:
        yield f"\n== judge {name(judge)}\n  (its run does not have this item)\n"
    yield "\n== together\n\n"
    for unit in item.units:
        yield f"  {_together(unit, len(item.judges) + len(item.not_judged_by))}\n"


def _texts(view: ItemView, look: Look) -> str:
    return render_item(msgspec.structs.replace(view, judgments=[], outcomes=[]), look)


def _contents(view: ItemView) -> tuple[object, ...]:
    """What makes two items of one id the same."""
    return view.question, view.reference, [answer.text for answer in view.answers]


def _together(unit: UnitView, judges: int) -> str:
    who = name(unit.candidate)
    if unit.baseline is not None:
        who += f" over {name(unit.baseline)}"
    majority = "tied" if unit.tied else number(unit.majority)
    words = f"{who}, aspect {name(unit.aspect)}: majority {majority}, mean {number(unit.mean)}"
    if 0 < len(unit.asked_of) < judges:
        words += f"; asked of {', '.join(map(name, unit.asked_of))} alone"
    return f"{words}; agreement {unit.level}"
