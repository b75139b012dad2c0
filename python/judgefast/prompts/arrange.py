"""Where blocks stand that differ from aspect to aspect, for prompts to share what they can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.prompts.template import OURS, Slot, split_lines

if TYPE_CHECKING:
    from judgefast.prompts.rubric import Block, LayoutName

OF_ASPECTS = frozenset({"criterion", "scale"})
"""Placeholders whose texts differ from aspect to aspect."""

_THEIRS = ("question", "reference", "answer", "answer_1", "answer_2", "answers")


def names_in(text: str) -> list[str]:
    """Names of the placeholders of a text whose lines have been checked, in its order."""
    parts = split_lines(text, (*OURS, *_THEIRS))
    return [part.name for part in parts if isinstance(part, Slot)]


def moves(block: Block) -> bool:
    """Whether a block is about the aspect, and would take no text of the item along."""
    names = set(names_in(block.text))
    return bool(names & OF_ASPECTS) and not names & set(_THEIRS)


def arrange(blocks: tuple[Block, ...], layout: LayoutName) -> tuple[Block, ...]:
    """Put blocks in the order of a layout; those that move keep their order among themselves.

    `aspect-last`: right behind the block with the last answer, so that prompts about one item begin
    alike up to there. What stands behind the answers stays behind. `aspect-first`: before all
    others, so that prompts about one aspect begin alike.

    """
    if layout == "as-written":
        return blocks
    if layout == "aspect-first":
        return (*filter(moves, blocks), *(block for block in blocks if not moves(block)))
    shows = [any(name.startswith("answer") for name in names_in(block.text)) for block in blocks]
    end = len(shows) - shows[::-1].index(True)  # every template shows an answer
    head, tail = blocks[:end], blocks[end:]
    return (*(block for block in head if not moves(block)), *filter(moves, head), *tail)
