"""Scores of single answers: WildBench and the ensembles on RewardBench 2."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benches.published_tables.cells import estimate_of, figure, head, near, percent, row, same
from tests.published import composo, wildbench
from tests.published.replays import replay, rows_of

from judgefast.codes import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

POINTS = 0.003
"""How far an end of our interval may be from the source's."""


def wildbench_rows(shared: Path) -> Iterator[str]:
    """The table of WildBench: a row a model."""
    yield from head("model", "answers", "mean as published", "unread", "`mean`")
    recorded = wildbench.recorded(rows_of(shared / "data/scalar/wildbench_scores.jsonl"))
    published = json.loads((shared / "data/scalar/wildbench_expected.json").read_text("utf-8"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reading = replay(recorded, wildbench.rubric(folder / "scalar.toml"), folder / "run")
    for model, cell in sorted(published["models"].items()):
        mean = estimate_of(reading, "mean", f"model={model}")
        same(model, "mean", mean.value, cell["score"])
        same(model, "answers", mean.outcomes, cell["total"])
        yield row(
            [
                model,
                f"{cell['total']:,}",
                repr(cell["score"]),
                str(mean.missing),
                figure(mean, digits=2),
            ]
        )


def composo_rows(shared: Path) -> Iterator[str]:
    """The table of the ensembles: a row a judge and number of scores."""
    yield from head(
        *("judge", "scores", "questions", "right", "its interval", "tied", "USD a question"),
        *("right, our interval", "unread scores", "`ranking_accuracy`"),
    )
    rows = rows_of(shared / "data/scalar/composo_gpt_base.jsonl")
    published = json.loads((shared / "data/scalar/composo_expected.json").read_text("utf-8"))
    for cell in published["rows"]:
        judge, repeats = cell["model"], cell["k"]
        where = (judge, repeats)
        recorded = composo.recorded(rows, judge, repeats)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            rubric = composo.rubric(folder / "scalar.toml")
            reading = replay(recorded, rubric, folder / "run", repeats=repeats)
        best = composo.best_of_four(reading, rows)
        same(where, "n", best.read.sum(), cell["n"])
        same(where, "n_correct", best.right.sum(), cell["n_correct"])
        same(where, "n_tied", best.tied.sum(), cell["n_tied"])
        ends = composo.published_interval(best)
        ours = composo.measured(reading, best).estimate(reading.config.level)
        for name, end, found, published_end in zip(
            ("low", "high"),
            ends,
            (ours.low, ours.high),
            cell["ci95_percentile_bootstrap"],
            strict=True,
        ):
            near(where, name, end, published_end)
            near(where, f"our {name}", found or 0.0, published_end, POINTS)
        share = f"{100 * best.right.sum() / best.read.sum():.1f}%"
        half = f"±{50 * (ends[1] - ends[0]):.1f}pp"
        usd = composo.usd(rows, judge, repeats, published["usd_per_million"][judge])
        words = f"n={cell['n']} {share} {half} ${usd:.4f}"
        same(where, "the row", words, cell["published"])
        read = int((reading.verdicts.status == Status.PARSED).sum())
        yield row(
            [
                judge,
                str(repeats),
                f"{cell['n']:,}",
                f"{share[:-1]} {half[:-2]}",
                f"[{100 * ends[0]:.2f}, {100 * ends[1]:.2f}]",
                str(cell["n_tied"]),
                f"{usd:.4f}",
                percent(ours, digits=2),
                f"{len(recorded) - read} of {len(recorded):,}",
                percent(estimate_of(reading, "ranking_accuracy")),
            ]
        )
