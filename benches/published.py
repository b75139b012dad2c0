"""The tables of `docs/published.md`: published figures, and what judgefast says of the same texts.

Every cell is replayed twice through the whole pipeline: by the source's own rule, which must give
the published figures, and by our strict one. Run it from the root of the repository:

    python -m benches.published            # rewrites the tables
    python -m benches.published --check    # says whether they are what comes out
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.published import llmbar, position_bias
from tests.published.replays import replay, rows_of, verdicts_of, write_rubric

from judgefast.codes import Status
from judgefast.pipeline.results import bias_of, estimates_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.pipeline.results import Reading
    from judgefast.stats.estimate import Estimate

Patterns = list[tuple[str, str]]
ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "published.md"
SHARED = Path(os.environ.get("JUDGEFAST_SHARED", ROOT.parent / "shared"))
TOLERANCE = 1e-9


class NotAsPublishedError(Exception):
    """A replay by the source's rule does not give the source's figure."""


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
            one = write_rubric(folder / "source.toml", source, which=which, source_rule=True)
            two = write_rubric(folder / "strict.toml", strict, which="unanimous", source_rule=False)
            return cls(
                replay(recorded, one, folder / "source"), replay(recorded, two, folder / "strict")
            )


def llmbar_rows(shared: Path) -> Iterator[str]:
    """The table of LLMBar: a row a cell."""
    yield (
        "| judge | prompting | subset | pairs | accuracy | agreement | κ "
        "| strict accuracy | unread | `accuracy` | `flip_rate` | `direction` |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|---|---|"
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
            if not math.isclose(value, cell[figure], abs_tol=TOLERANCE):
                msg = f"{names}: {figure} is {value}, published {cell[figure]}"
                raise NotAsPublishedError(msg)
        strict = llmbar.cells(rows, verdicts_of(both.strict))[cell["subset"]]
        figures = [
            *names,
            str(cell["n"]),
            f"{cell['accuracy']:.1f}",
            f"{cell['agreement']:.1f}",
            f"{cell['kappa_agreement']:.2f}",
            f"{strict['accuracy']:.1f}",
            _unread(both.strict),
            _percent(_accuracy(both.strict)),
            *_bias(both.strict),
        ]
        yield _row(figures)


def position_bias_rows(shared: Path) -> Iterator[str]:
    """The table of Position-Bias-Analyzer: a row a judge and repetition."""
    yield (
        "| judge | repetition | judgments | extracted | consistent | rate "
        "| unread | read in both orders | `flip_rate` | `direction` |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    judged = rows_of(shared / "data/swap/position_bias_rep.jsonl")
    published = json.loads((shared / "data/swap/position_bias_expected.json").read_text("utf-8"))
    cells = [each for each in published if each.get("judge") in position_bias.JUDGES]
    for cell in sorted(cells, key=lambda each: (each["judge"], each["rep"])):
        names = (cell["judge"], cell["rep"])
        rows = [row | {"rep": 1} for row in judged if (row["judge"], row["rep"]) == names]
        marks = position_bias.FIRST_MARK
        both = Replayed.of(position_bias.recorded(rows), marks, marks, which="first")
        found = position_bias.cell(verdicts_of(both.source), 0)
        for figure, value in found.items():
            if value != cell[figure]:
                msg = f"{names}: {figure} is {value}, published {cell[figure]}"
                raise NotAsPublishedError(msg)
        bias = bias_of(both.strict)
        figures = [
            names[0],
            *(str(value) for value in (names[1], cell["n"], cell["extracted"], cell["consistent"])),
            f"{cell['consistent_rate_percent']:.2f}",
            _unread(both.strict),
            str(bias.both_orders if bias else 0),
            *_bias(both.strict),
        ]
        yield _row(figures)


TABLES = {"llmbar": llmbar_rows, "position-bias": position_bias_rows}


def rewritten(page: str, shared: Path) -> str:
    """`page` with the text between the marks of each table made anew."""
    for name, rows in TABLES.items():
        begin, end = f"<!-- {name}: made by benches/published.py -->", f"<!-- end of {name} -->"
        made = "\n".join([begin, "", *rows(shared), "", end])
        page, found = re.subn(
            f"{re.escape(begin)}.*?{re.escape(end)}",
            lambda _, made=made: made,
            page,
            flags=re.DOTALL,
        )
        if found != 1:
            msg = f"the marks of the table `{name}` stand in the page {found} times"
            raise ValueError(msg)
    return page


def main() -> int:
    """Rewrite the page, or check it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if it would")
    parser.add_argument("--page", type=Path, default=PAGE, help="file that holds the tables")
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder that holds data/")
    given = parser.parse_args()
    page = given.page.read_text(encoding="utf-8")
    made = rewritten(page, given.shared)
    if given.check:
        return int(page != made)
    given.page.write_text(made, encoding="utf-8")
    return 0


def _unread(reading: Reading) -> str:
    status = reading.verdicts.status
    return f"{100 * (status != Status.PARSED).mean():.1f}"


def _accuracy(reading: Reading) -> Estimate:
    found = [(one.name, one.slice) for one in estimates_of(reading)]
    return estimates_of(reading)[found.index(("accuracy", "all"))]


def _bias(reading: Reading) -> tuple[str, str]:
    bias = bias_of(reading)
    assert bias is not None  # these rubrics compare
    return _percent(bias.flip_rate), _percent(bias.direction, sign="+")


def _percent(estimate: Estimate, sign: str = "") -> str:
    """Value and interval in percent, or percentage points where there is a sign."""
    if estimate.value is None:
        return estimate.note or "none"
    if estimate.low is None or estimate.high is None:
        return f"{_one(estimate.value, sign)} ({estimate.note or 'no interval'})"
    low, high = _one(estimate.low, sign), _one(estimate.high, sign)
    return f"{_one(estimate.value, sign)} [{low}, {high}]"


def _one(share: float, sign: str) -> str:
    return f"{round(100 * share, 1) + 0.0:{sign}.1f}"  # a zero has no sign of its own


def _row(figures: list[str]) -> str:
    return f"| {' | '.join(figures)} |"


if __name__ == "__main__":
    sys.exit(main())
