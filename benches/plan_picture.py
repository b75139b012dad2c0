"""The picture of `docs/plan.md`: twelve prompts in two orders, and what a small cache has of each.

What is dark and what is light is no drawing: it is what the simulated cache says of these prompts.

python benches/plan_picture.py > docs/plan.svg
"""

from __future__ import annotations

import sys
from itertools import accumulate, product
from typing import NamedTuple

import numpy as np

from judgefast.batches.cache import CacheSettings, simulate
from judgefast.batches.trie import Segments, order

LENGTHS = {"rubric": 5, "question": 4, "A": 4, "B": 4, "aspect": 3}
"""Parts of a prompt. Blocks."""
QUESTIONS, ASPECTS = 3, 2
CACHE = CacheSettings(
    block_tokens=1, budget_tokens=24, running=1, generated_tokens=1, batched_tokens=64
)
"""Room for one prompt and a little more."""
ROOM = "which has room for little more than one prompt"

UNIT, HEIGHT, GAP, TOP, LEFT, PANEL = 16, 17, 4, 72, 16, 352
COLOURS = {"rubric": "#1f4e79", "question": "#2e7d32", "A": "#b45309", "B": "#7b1fa2"}
COLOURS["aspect"] = "#455a64"
WIDTH = LEFT * 2 + PANEL + UNIT * sum(LENGTHS.values()) + 8


class Bar(NamedTuple):
    """A prompt as it is sent."""

    parts: tuple[str, ...]
    """What each is a part of, and its number."""
    cached: int
    """Blocks at its head that the cache has."""


def bars(*, planned: bool) -> list[Bar]:
    """The prompts in the order of the plan, or in that of loops over order and question."""
    loops = product(range(1, ASPECTS + 1), ("AB", "BA"), range(1, QUESTIONS + 1))
    prompts = [
        ("rubric", f"question {q}", *(f"{answer} {q}" for answer in shown), f"aspect {aspect}")
        for aspect, shown, q in loops
    ]
    numbers: dict[str, int] = {}
    rows = [[numbers.setdefault(name, len(numbers)) for name in each] for each in prompts]
    sizes = [LENGTHS[name.split()[0]] for name in numbers]
    segments = Segments(
        np.array([number for row in rows for number in row], np.uint32),
        np.array([0, *accumulate(map(len, rows))], np.int64),
        np.arange(sum(sizes), dtype=np.int32),
        np.array([0, *accumulate(sizes)], np.int64),
    )
    sent = order(segments) if planned else np.arange(len(rows), dtype=np.uint32)
    cached = simulate(segments, sent, CACHE)
    return [Bar(prompts[row], int(cached[row])) for row in sent.tolist()]


def computed(of: list[Bar]) -> int:
    """Blocks that are computed for some prompts."""
    return sum(sum(LENGTHS.values()) - bar.cached for bar in of)


def picture() -> str:
    """The picture as SVG."""
    height = TOP + 2 * ASPECTS * QUESTIONS * (HEIGHT + GAP) + 32
    panels = [
        (LEFT, "Loops over aspect, order, question", bars(planned=False)),
        (LEFT + PANEL, "The plan: what begins alike side by side", bars(planned=True)),
    ]
    said = " and ".join(f"{computed(of)} blocks" for _, _, of in panels)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"',
        f' height="{height}" role="img" font-family="sans-serif" font-size="12">',
        f"<title>Twelve prompts in two orders: {said} are computed.</title>",
        _box(0, 0, WIDTH, height, 'fill="white"'),
        _text(LEFT, 20, "Each row is a prompt; they are sent from top to bottom."),
        _text(LEFT, 37, f"Dark is computed, light is found in the cache, {ROOM}."),
    ]
    for left, title, of in panels:
        lines.append(_text(left, TOP - 14, title, ' font-weight="bold"'))
        for row, bar in enumerate(of):
            lines += _row(left, TOP + row * (HEIGHT + GAP), bar)
        whole = len(of) * sum(LENGTHS.values())
        lines.append(_text(left, height - 14, f"{computed(of)} of {whole} blocks are computed"))
    return "\n".join([*lines, "</svg>", ""])


def _box(x: int, y: int, width: int, height: int, style: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" {style}/>'


def _text(x: int, y: int, words: str, style: str = "") -> str:
    return f'<text x="{x}" y="{y}"{style}>{words}</text>'


def _row(left: int, top: int, bar: Bar) -> list[str]:
    lines, at = [], 0
    for part in bar.parts:
        kind = part.split()[0]
        end = at + LENGTHS[kind]
        split = min(max(bar.cached, at), end)
        fill = f'fill="{COLOURS[kind]}"'
        for start, stop, style in ((at, split, f'{fill} opacity="0.25"'), (split, end, fill)):
            if stop > start:
                width = (stop - start) * UNIT - 1
                lines.append(_box(left + start * UNIT, top, width, HEIGHT, style))
        ink = ' fill="white"' if split < end else ""
        lines.append(_text(left + at * UNIT + 4, top + 13, part, ink))
        at = end
    return lines


if __name__ == "__main__":
    sys.stdout.write(picture())
