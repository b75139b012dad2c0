"""The part of a rubric that says how a prompt is laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args

from judgefast.prompts.arrange import OF_ASPECTS, arrange, moves, names_in
from judgefast.prompts.rubric import Asking, Block, LayoutName, Template
from judgefast.prompts.template import (
    NEEDED,
    OURS,
    THEIRS,
    LineError,
    Slot,
    flatten,
    seam_fault,
    split_lines,
)

if TYPE_CHECKING:
    from judgefast.prompts.table import Table


class Asks(NamedTuple):
    """What a template has to hold."""

    mode: str
    reference: str
    """`never`, `optional` or `required`."""
    filled: list[str]
    """Those of the rubric's own placeholders that it has a text for."""
    aspects: int = 1


Place = tuple["Table", str, Slot, str | None]
"""Of a placeholder: the table and key of its text, itself, and when its block is shown."""


def read_template(
    table: Table, asks: Asks, layout: LayoutName | None = None, aspects: Asking | None = None
) -> Template:
    """Read and check `[template]`.

    Args:
        table: The table.
        asks: What it has to hold.
        layout: The layout, in place of the one written.
        aspects: Whether they are asked together, in place of what is written.

    Raises:
        RubricError: A block or a placeholder that cannot be used; the message names its line.

    """
    wrap = table.one_of("wrap", ("chat", "plain"), "chat")
    system = table.text("system", "", blank=True).strip()
    if system and wrap == "plain":
        hint = "put the text into the first block"
        table.refuse("system", "has no place in plain text", hint=hint)
    tables = table.tables("blocks")
    if not tables:
        table.refuse(None, "has no blocks", hint="add [[template.blocks]] with a `text`")
    blocks = tuple(_block(block) for block in tables)
    written_aspects = cast("Asking", table.one_of("aspects", get_args(Asking), "one-by-one"))
    aspects = aspects or written_aspects
    if "layout" in table.values:
        written = table.one_of("layout", get_args(LayoutName))
        layout = layout or cast("LayoutName", written)
    table.finish()
    placed = list(zip(tables, blocks, strict=True))
    slots = _slots_by_name(table, system, placed, asks.mode)
    _check_names(table, asks, slots)
    if asks.aspects > 1 and "criterion" not in slots:
        words = "lacks `{criterion}`, so that all aspects would be asked the same"
        table.refuse("blocks", words, hint="add a line `{criterion}` to one of them")
    if layout is None:
        is_shared = asks.aspects > 1 and aspects == "one-by-one"
        layout = "aspect-last" if is_shared else "as-written"
    else:
        _check_layout(table, layout, system, placed)
    template = Template(cast("Any", wrap), system, arrange(blocks, layout), layout, aspects)
    _check_seams(template, slots)
    return template


def _slots_by_name(
    table: Table, system: str, blocks: list[tuple[Table, Block]], mode: str
) -> dict[str, Place]:
    slots: dict[str, Place] = {}
    places: list[tuple[Table, str, str, tuple[str, ...], str | None]] = []
    if system:
        places.append((table, "system", system, OURS, None))
    possible = (*OURS, *THEIRS[mode])
    places += [(inner, "text", block.text, possible, block.when) for inner, block in blocks]
    for place, key, text, allowed, when in places:
        for slot in _slots(place, key, text, allowed):
            if slot.name in slots:
                hint = "use each placeholder once"
                place.refuse_line(key, slot.line, f"`{{{slot.name}}}` stands here again", hint)
            slots[slot.name] = place, key, slot, when
    return slots


def _check_seams(template: Template, slots: dict[str, Place]) -> None:
    """Refuse a layout in which a text of the item would touch another."""
    ours = dict.fromkeys(OURS, "text\n")
    where = "" if template.layout == "as-written" else f" in the layout `{template.layout}`"
    for with_reference in (True, False):
        parts = flatten(template.blocks, ours, with_reference=with_reference)
        for index, part in enumerate(parts):
            fault = seam_fault(parts, index) if isinstance(part, Slot) else None
            if isinstance(part, Slot) and fault is not None:
                place, key, slot, _ = slots[part.name]
                place.refuse_line(key, slot.line, f"`{{{part.name}}}`{where} {fault}", None)


def _check_layout(
    table: Table, layout: LayoutName, system: str, blocks: list[tuple[Table, Block]]
) -> None:
    """Refuse a layout that was asked for where what has to move cannot."""
    if layout == "as-written":
        return
    hint = "give it a block of its own"
    stuck = [name for name in names_in(system) if name in OF_ASPECTS] if system else []
    if layout == "aspect-last" and stuck:
        words = f"is `aspect-last`, but `{{{stuck[0]}}}` stands in `system`, before the answers"
        table.refuse("layout", words, hint=hint)
    for place, block in blocks:
        stuck = [name for name in names_in(block.text) if name in OF_ASPECTS]
        if stuck and not moves(block):
            words = f"holds `{{{stuck[0]}}}` beside a text of the item, and cannot be moved for"
            place.refuse("text", f"{words} the layout `{layout}`", hint=hint)


def _block(table: Table) -> Block:
    text = table.text("text").removesuffix("\n")
    when = table.one_of("when", ("reference",)) if "when" in table.values else None
    table.finish()
    if "\r" in text:
        table.refuse("text", "holds a carriage return", hint="use plain line ends (LF)")
    if text[0].isspace():
        table.refuse("text", "begins with white space", hint="begin it with a word")
    if text[-1].isspace():
        hint = "end it with a word and at most one newline"
        table.refuse("text", "ends with white space", hint=hint)
    return Block(text, cast("Any", when))


def _slots(table: Table, key: str, text: str, allowed: tuple[str, ...]) -> list[Slot]:
    try:
        parts = split_lines(text, allowed)
    except LineError as error:
        table.refuse_line(key, error.line, error.words, error.hint)
    return [part for part in parts if isinstance(part, Slot)]


def _check_names(table: Table, asks: Asks, slots: dict[str, Place]) -> None:
    mode, reference, filled = asks.mode, asks.reference, asks.filled
    for name in NEEDED[mode]:
        if name not in slots:
            words = f"lacks the placeholder `{{{name}}}`, which the mode `{mode}` needs"
            table.refuse("blocks", words, hint=f"add a line `{{{name}}}` to one of them")
    if reference != "never" and "reference" not in slots:
        words = f'lacks the placeholder `{{reference}}`, but `reference` is "{reference}"'
        table.refuse("blocks", words, hint='add it, or set reference = "never"')
    for name, (place, key, slot, when) in slots.items():
        if name in OURS and name not in filled:
            all_of = " for every aspect" if name == "scale" and asks.aspects > 1 else ""
            words = f"`{{{name}}}` stands here, but the rubric has no {name}{all_of}"
            place.refuse_line(key, slot.line, words, "give one, or take the line out")
        if name == "reference" and reference == "never":
            words = '`{reference}` stands here, but `reference` is "never"'
            place.refuse_line(key, slot.line, words, 'set reference = "optional" or "required"')
        if name == "reference" and reference == "optional" and when is None:
            words = "`{reference}` stands in a block that items without a reference get too"
            place.refuse_line(key, slot.line, words, 'add when = "reference" to the block')
        if name in NEEDED[mode] and when is not None and reference != "required":
            words = f"`{{{name}}}` stands in a block that items without a reference do not get"
            place.refuse_line(key, slot.line, words, "move it to a block without `when`")
    if "examples" in filled and "examples" not in slots:
        hint = "add a line `{examples}`, or take [[examples]] out"
        table.refuse("blocks", "lacks `{examples}`, but the rubric has worked examples", hint=hint)
