"""The right answer in each of four slots: themis-judge-reliability."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benches.published_tables.cells import estimate_of, figure, head, near, row, same
from tests.published import fourway
from tests.published.replays import replay, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

POINTS = 0.003
"""How far an end of our interval may be from the source's."""


def fourway_rows(shared: Path) -> Iterator[str]:
    """The table of slots: a row a slot, and their spread."""
    yield from head("right answer in slot", "items", "as published", "`accuracy`")
    rows = rows_of(shared / "data/swap/fourway_qwen.jsonl")
    text = (shared / "data/swap/fourway_expected.json").read_text("utf-8")
    (published,) = json.loads(text).values()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rubric = fourway.rubric(folder / "fourway.toml")
        reading = replay(
            fourway.recorded(rows),
            rubric,
            folder / "run",
            slices=("gold_slot",),
            one_failed="single",
        )
    for slot, share in fourway.accuracy(reading).items():
        same(slot, "accuracy", round(share, 4), published[slot])
        estimate = estimate_of(reading, "accuracy", f"meta.gold_slot={slot}")
        shown = figure(estimate, digits=4)
        yield row([slot, f"{estimate.outcomes:,}", f"{published[slot]:.4f}", shown])
    whole = estimate_of(reading, "accuracy")
    same("all", "mean", round(whole.value or 0.0, 4), published["mean"])
    shown = figure(whole, digits=4)
    yield row(["all four", f"{whole.clusters:,}", f"{published['mean']:.4f}", shown])
    config = reading.config
    right = fourway.right_of(reading)
    ours = fourway.spread(fourway.accuracy(reading), right, seed=config.seed, level=config.level)
    same("spread", "value", round(ours.value, 4), published["spread"])
    theirs = fourway.published_interval(fourway.right_in(rows))
    for end, found, source in zip(published["spread_ci95"], ours[1:], theirs, strict=True):
        same("spread", "the source's end", round(source, 4), end)
        near("spread", "our end", found, end, POINTS)
    low, high = published["spread_ci95"]
    yield row(
        [
            "spread",
            f"{whole.clusters:,}",
            f"{published['spread']:.4f} [{low:.4f}, {high:.4f}]",
            f"{ours.value:.4f} [{ours.low:.4f}, {ours.high:.4f}]",
        ]
    )
