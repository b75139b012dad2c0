"""Lines of a template, taken apart into literal text and slots.

The seam rule: every part ends with exactly one newline and the next begins with a character that
is no space. Then the ids of the parts, joined, are the ids of the whole text, and what is laid in
a slot never changes the ids around it.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from judgefast.prompts.rubric import Block

OURS = ("criterion", "scale", "examples")
"""Placeholders filled with text of the rubric."""

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")

THEIRS: dict[str, tuple[str, ...]] = {
    "pairwise": ("question", "reference", "answer_1", "answer_2"),
    "scalar": ("question", "reference", "answer"),
    "binary": ("question", "reference", "answer"),
    "choice": ("question", "reference", "answers"),
}
"""Placeholders filled with text of the item, for each mode."""

NEEDED: dict[str, tuple[str, ...]] = {
    "pairwise": ("question", "answer_1", "answer_2"),
    "scalar": ("answer",),
    "binary": ("answer",),
    "choice": ("question", "answers"),
}
"""Placeholders that a template of each mode must hold."""


_ALL_THEIRS = sorted({name for names in THEIRS.values() for name in names})


class Slot(msgspec.Struct, frozen=True):
    """Where a text is laid in."""

    name: str
    line: int = 0
    """Line of the text it stands on, from 0."""

    @property
    def of_answers(self) -> bool:
        """Whether what is laid in depends on the answers shown, and their order."""
        return self.name not in {"question", "reference"}

    @property
    def place(self) -> int:
        """Of the answer that is laid in among those shown, from 0."""
        _, _, number = self.name.partition("_")
        return int(number) - 1 if number else 0


class LineError(Exception):
    """A line of a template that cannot be used."""

    def __init__(self, line: int, words: str, hint: str) -> None:
        super().__init__(words)
        self.line = line
        """From 0, within the text."""
        self.words = words
        self.hint = hint


def split_lines(text: str, allowed: Iterable[str]) -> list[str | Slot]:
    r"""Split a text at its placeholders; literal parts end with a newline.

    Args:
        text: A block or a system message.
        allowed: Names that may stand in it.

    Raises:
        LineError: A placeholder is not alone on its line, or has an unknown name.

    >>> split_lines("[Question]\n{question}\n[Answer]", ["question"])
    ['[Question]\n', Slot(name='question', line=1), '[Answer]\n']

    """
    allowed = list(allowed)
    parts: list[str | Slot] = []
    literal = ""
    for number, line in enumerate(text.split("\n")):
        found = _PLACEHOLDER.search(line)
        if found is None:
            literal += line + "\n"
            continue
        name = found[1]
        if name not in allowed:
            close = get_close_matches(name, allowed, n=1)
            known = ", ".join(f"{{{other}}}" for other in allowed)
            hint = f"did you mean `{{{close[0]}}}`?" if close else f"possible here: {known}"
            raise LineError(number, f"there is no placeholder `{{{name}}}` here", hint)
        if line != found[0]:
            words = f"the placeholder `{{{name}}}` is not alone on its line"
            hint = "put it on a line of its own, without spaces, so that the text stays sealed"
            raise LineError(number, words, hint)
        if literal:
            parts.append(literal)
            literal = ""
        parts.append(Slot(name, number))
    if literal:
        parts.append(literal)
    return parts


def flatten(
    blocks: Iterable[Block], ours: Mapping[str, str], *, with_reference: bool
) -> list[str | Slot]:
    """Lay blocks one below the other: literal text, joined, and the slots for the item's texts.

    Args:
        blocks: Blocks whose lines have been checked.
        ours: What stands in place of the rubric's own placeholders; each ends with one newline.
        with_reference: Whether blocks for items with a reference are in.

    """
    parts: list[str | Slot] = []
    for block in blocks:
        if block.when == "reference" and not with_reference:
            continue
        for part in split_lines(block.text, (*OURS, *_ALL_THEIRS)):
            piece = ours[part.name] if isinstance(part, Slot) and part.name in OURS else part
            if isinstance(piece, str) and parts and isinstance(parts[-1], str):
                parts[-1] += piece
            else:
                parts.append(piece)
    return parts


def seam_fault(parts: list[str | Slot], index: int) -> str | None:
    """Say what is wrong around the item's text at `parts[index]`; None if the seams are clean."""
    before = parts[index - 1] if index else None
    after = parts[index + 1] if index + 1 < len(parts) else None
    if not isinstance(before, str):
        return "needs a line of the rubric before it, to mark where the text begins"
    if not isinstance(after, str):
        return "needs a line of the rubric after it, to mark where the text ends"
    if before.endswith("\n\n") or not before.removesuffix("\n").strip():
        return "must not follow a blank line: the line before it has to be text"
    if after[0].isspace():
        return "must be followed by a line of text that does not begin with a space"
    return None
