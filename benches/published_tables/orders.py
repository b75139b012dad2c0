"""Both orders of each pair: LLMBar and Position-Bias-Analyzer."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benches.published_tables.cells import estimate_of, head, near, percent, row, same, unread
from tests.published import llmbar, position_bias
from tests.published.replays import patterns_rubric, replay, rows_of, verdicts_of

from judgefast.pipeline.results import bias_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.pipeline.results import Reading

Patterns = list[tuple[str, str]]


class Replayed(NamedTuple):
    """One cell, read twice."""

    source: Reading
    strict: Reading

    @classmethod
    def of(
        cls, recorded: list[dict[str, Any]], source: Patterns, strict: Patterns, which: str
    ) -> Replayed:
        """Replay `recorded` by the source's patterns, and strictly by `strict`."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            one = patterns_rubric(folder / "source.toml", source, which=which, source_rule=True)
            two = patterns_rubric(
                folder / "strict.toml", strict, which="unanimous", source_rule=False
            )
            return cls(
                replay(recorded, one, folder / "source"), replay(recorded, two, folder / "strict")
            )


def llmbar_rows(shared: Path) -> Iterator[str]:
    """The table of LLMBar: a row a cell."""
    yield from head(
        *("judge", "prompting", "subset", "pairs", "accuracy", "agreement", "κ"),
        *("strict accuracy", "unread", "`accuracy`", "`flip_rate`", "`direction`"),
    )
    judged = rows_of(shared / "data/pairs/llmbar_judgments.jsonl")
    published = json.loads((shared / "data/pairs/llmbar_expected.json").read_text("utf-8"))
    for cell in sorted(published, key=lambda each: (each["judge"], each["strategy"])):
        names = (cell["judge"], cell["strategy"], cell["subset"])
        rows = [r for r in judged if (r["judge"], r["strategy"], r["subset"]) == names]
        both = Replayed.of(
            llmbar.recorded(rows),
            llmbar.PATTERNS[names[:2]],
            llmbar.strict_patterns(*names[:2]),
            which="listed",
        )
        found = llmbar.cells(rows, verdicts_of(both.source))[cell["subset"]]
        for figure, value in found.items():
            near(names, figure, value, cell[figure])
        strict = llmbar.cells(rows, verdicts_of(both.strict))[cell["subset"]]
        figures = [
            *names,
            str(cell["n"]),
            f"{cell['accuracy']:.1f}",
            f"{cell['agreement']:.1f}",
            f"{cell['kappa_agreement']:.2f}",
            f"{strict['accuracy']:.1f}",
            unread(both.strict),
            percent(estimate_of(both.strict, "accuracy")),
            *_bias(both.strict),
        ]
        yield row(figures)


def position_bias_rows(shared: Path) -> Iterator[str]:
    """The table of Position-Bias-Analyzer: a row a judge and repetition."""
    yield from head(
        *("judge", "repetition", "judgments", "extracted", "consistent", "rate"),
        *("unread", "read in both orders", "`flip_rate`", "`direction`"),
    )
    judged = rows_of(shared / "data/swap/position_bias_rep.jsonl")
    published = json.loads((shared / "data/swap/position_bias_expected.json").read_text("utf-8"))
    cells = [each for each in published if each.get("judge") in position_bias.JUDGES]
    for cell in sorted(cells, key=lambda each: (each["judge"], each["rep"])):
        names = (cell["judge"], cell["rep"])
        rows = [each | {"rep": 1} for each in judged if (each["judge"], each["rep"]) == names]
        marks = position_bias.FIRST_MARK
        both = Replayed.of(position_bias.recorded(rows), marks, marks, which="first")
        found = position_bias.cell(verdicts_of(both.source), 0)
        for figure, value in found.items():
            same(names, figure, value, cell[figure])
        bias = bias_of(both.strict)
        figures = [
            names[0],
            *(str(value) for value in (names[1], cell["n"], cell["extracted"], cell["consistent"])),
            f"{cell['consistent_rate_percent']:.2f}",
            unread(both.strict),
            str(bias.both_orders if bias else 0),
            *_bias(both.strict),
        ]
        yield row(figures)


def _bias(reading: Reading) -> tuple[str, str]:
    bias = bias_of(reading)
    assert bias is not None  # these rubrics compare
    return percent(bias.flip_rate), percent(bias.direction, sign="+")
