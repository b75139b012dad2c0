"""The rubric as lint advises it: its blocks in another order, for plans that weigh the advice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.prompts.arrange import OF_ASPECTS, names_in
from judgefast.prompts.layouts import allowed_layouts
from judgefast.prompts.rubric import Block
from judgefast.prompts.template import OURS, Slot, flatten, seam_fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from judgefast.prompts.rubric import Rubric


def question_first(rubric: Rubric) -> Rubric | None:
    """Put the question before the answers; None where that makes no template."""
    units = _units(rubric)
    at = next((place for place, one in enumerate(units) if "question" in _slots(one)), None)
    first = next((place for place, one in enumerate(units) if _shows_answer(one)), None)
    if at is None or first is None or at < first:
        return None
    units.insert(first, units.pop(at))
    return _of_units(rubric, units)


def part_first(rubric: Rubric, text: str) -> Rubric | None:
    """Put what stands behind texts of the item before them; None where that makes no template.

    Args:
        rubric: As it stands.
        text: The part as it is sent, with marks around it. Of several lines the last one stays
            where it is: it puts the question to the judge.

    """
    units = _units(rubric)
    first = next((place for place, one in enumerate(units) if _slots(one)), len(units))
    moved: list[Block] = []
    kept: list[Block] = []
    for place, unit in enumerate(units):
        own = unit.text.split("\n")
        plain = [line for line in own if not names_in(line)]
        is_late = place > first and not _slots(unit) and all(line in text for line in plain)
        if not is_late or (len(rubric.aspects) > 1 and OF_ASPECTS & set(names_in(unit.text))):
            kept.append(unit)
            continue
        stays = own[-1:] if len(own) > 1 and place == len(units) - 1 else []
        moved.append(Block("\n".join(own[: len(own) - len(stays)]), unit.when))
        if stays:
            kept.append(Block(stays[0], unit.when))
    return _of_units(rubric, [*kept[:first], *moved, *kept[first:]]) if moved else None


def aspects_last(rubric: Rubric) -> Rubric | None:
    """Put what aspects differ in behind the answers; None where the rubric does not allow it."""
    return dict(allowed_layouts(rubric)).get("aspect-last")


def _of_units(rubric: Rubric, units: Iterable[Block]) -> Rubric | None:
    template = msgspec.structs.replace(rubric.template, blocks=tuple(units))
    ours = dict.fromkeys(OURS, "text\n")
    for with_reference in (True, False):
        parts = flatten(template.blocks, ours, with_reference=with_reference)
        places = [place for place, part in enumerate(parts) if isinstance(part, Slot)]
        if any(seam_fault(parts, place) for place in places):
            return None
    return msgspec.structs.replace(rubric, template=template)


def _units(rubric: Rubric) -> list[Block]:
    """The blocks, cut so that each text of the item stands in one of its own with its marks."""
    return [
        Block("\n".join(lines), block.when)
        for block in rubric.template.blocks
        for lines in _cut(block.text.split("\n"))
    ]


def _cut(lines: list[str]) -> Iterator[list[str]]:
    """Cut lines behind the one that follows a text of the item, and before the one before it."""
    slots = [place for place, line in enumerate(lines) if _slots(Block(line))]
    done = 0
    for number, place in enumerate(slots, start=1):
        start = max(done, place - 1)
        if start > done:
            yield lines[done:start]
        room = slots[number] - 1 if number < len(slots) else len(lines)
        done = max(place + 1, min(place + 2, room))
        yield lines[start:done]
    if done < len(lines):
        yield lines[done:]


def _slots(block: Block) -> list[str]:
    """Names of the item's texts in a block."""
    return [name for name in names_in(block.text) if name not in OURS]


def _shows_answer(block: Block) -> bool:
    return any(name.startswith("answer") for name in _slots(block))
