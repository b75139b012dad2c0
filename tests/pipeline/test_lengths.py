"""Lengths of a run's answers: sums of its journal, and how sure a mean over few items is."""

from __future__ import annotations

from statistics import fmean, pstdev
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import judgefast
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline.lengths import Lengths, lengths_of
from tests.recorded import pairs, record

if TYPE_CHECKING:
    from pathlib import Path


def of(tokens: list[int], items: float) -> Lengths:
    squares = float(sum([each**2 for each in tokens]))
    return Lengths(len(tokens), 0, items, float(sum(tokens)), squares, max(tokens), 0.0)


def test_a_run_is_summed_up_by_items_though_each_is_asked_twice(tmp_path: Path) -> None:
    rows = record(pairs())
    for number, row in enumerate(rows):
        row["completion_tokens"] = 50 + number
    run = judgefast.run(
        pairs(), rubric="pairwise-reasons", engine="replay", recorded=rows, out=tmp_path / "run"
    )
    seen = [row["completion_tokens"] for row in run.table("completions").to_pylist()]
    found = lengths_of(RunDirectory.open(tmp_path / "run", write=False))
    assert found is not None
    assert (found.answers, found.items, found.uncounted) == (72, 36, 0)
    assert found.mean == pytest.approx(fmean(seen))
    assert found.deviation == pytest.approx(pstdev(seen))
    assert found.most == max(seen)


@settings(max_examples=50, deadline=None)
@given(tokens=st.lists(st.integers(20, 400), min_size=4, max_size=40), each=st.integers(1, 4))
def test_answers_to_the_same_items_make_a_mean_no_surer(tokens: list[int], each: int) -> None:
    """As many requests of an item as you like, all alike: the range is that of the items."""
    once = of(tokens, len(tokens)).expected("")
    more = of(tokens * each, len(tokens)).expected("")
    assert more.mean.low == pytest.approx(once.mean.low)
    assert more.mean.high == pytest.approx(once.mean.high)
    low, high = (
        stats.t.interval(0.95, len(tokens) - 1, fmean(tokens), stats.sem(tokens))
        if len(set(tokens)) > 1
        else (fmean(tokens), fmean(tokens))
    )
    assert once.mean.low == pytest.approx(max(1.0, low))
    assert once.mean.high == pytest.approx(high)


def test_one_item_shows_nothing_of_how_items_differ() -> None:
    found = of([100, 100], 1).expected("")
    assert (found.mean.low, found.mean.high) == (50.0, 200.0)
