"""The part of a rubric that says how a prompt is laid out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from judgefast.prompts.rubric import Block, Template
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
    from collections.abc import Iterable

    from judgefast.prompts.table import Table


def read_template(table: Table, mode: str, reference: str, filled: Iterable[str]) -> Template:
    """Read and check `[template]`.

    Args:
        table: The table.
        mode: The rubric's mode.
        reference: `never`, `optional` or `required`.
        filled: Those of the rubric's own placeholders that it has a text for.

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
    table.finish()
    slots: dict[str, tuple[Table, str, Slot, str | None]] = {}
    places: list[tuple[Table, str, str, tuple[str, ...], str | None]] = []
    if system:
        places.append((table, "system", system, OURS, None))
    possible = (*OURS, *THEIRS[mode])
    places += [(t, "text", b.text, possible, b.when) for t, b in zip(tables, blocks, strict=True)]
    for place, key, text, allowed, when in places:
        for slot in _slots(place, key, text, allowed):
            if slot.name in slots:
                hint = "use each placeholder once"
                place.refuse_line(key, slot.line, f"`{{{slot.name}}}` stands here again", hint)
            slots[slot.name] = place, key, slot, when
    _check_names(table, mode, reference, filled, slots)
    ours = dict.fromkeys(OURS, "text\n")
    for with_reference in (True, False):
        parts = flatten(blocks, ours, with_reference=with_reference)
        for index, part in enumerate(parts):
            fault = seam_fault(parts, index) if isinstance(part, Slot) else None
            if isinstance(part, Slot) and fault is not None:
                place, key, slot, _ = slots[part.name]
                place.refuse_line(key, slot.line, f"`{{{part.name}}}` {fault}", None)
    return Template(cast("Any", wrap), system, blocks)


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


def _check_names(
    table: Table,
    mode: str,
    reference: str,
    filled: Iterable[str],
    slots: dict[str, tuple[Table, str, Slot, str | None]],
) -> None:
    for name in NEEDED[mode]:
        if name not in slots:
            words = f"lacks the placeholder `{{{name}}}`, which the mode `{mode}` needs"
            table.refuse("blocks", words, hint=f"add a line `{{{name}}}` to one of them")
    if reference != "never" and "reference" not in slots:
        words = f'lacks the placeholder `{{reference}}`, but `reference` is "{reference}"'
        table.refuse("blocks", words, hint='add it, or set reference = "never"')
    for name, (place, key, slot, when) in slots.items():
        if name in OURS and name not in filled:
            words = f"`{{{name}}}` stands here, but the rubric has no {name}"
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
