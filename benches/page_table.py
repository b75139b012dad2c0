"""A table of a page of the docs that a simulation makes: its marks, its record, its options."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benches.measure import new_record, refuse_debug_build, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "statistics.md"


class PageTable(NamedTuple):
    """What is simulated, and how it is shown."""

    name: str
    """Of the bench: its record and the marks in the page are called so."""
    words: str
    """What the bench is for, in a line."""
    cells: Callable[[int, int], Iterator[dict[str, Any]]]
    """Simulates, given the number of runs and a seed; what comes is kept in the record."""
    lines: Callable[[list[dict[str, Any]]], list[str]]
    """Makes the lines of the table from the cells."""
    settings: dict[str, object]
    """What the record says beside them."""
    page: Path = PAGE
    """File that holds the table."""
    runs: int = 20_000
    """Simulated runs of each cell, where no other number is asked for."""

    @property
    def record(self) -> Path:
        """Where the record is kept."""
        return ROOT / "benches" / "results" / f"{self.name}.json"

    def text(self, record: dict[str, Any]) -> str:
        """Write the table of a record, between its marks."""
        begin = f"<!-- {self.name}: made by benches/{self.name}.py -->"
        return "\n".join([begin, "", *self.lines(record["cells"]), "", self._end])

    def rewritten(self, page: str, record: dict[str, Any]) -> str:
        """`page` with the table made anew."""
        made = self.text(record)
        begin = made.partition("\n")[0]
        pattern = f"{re.escape(begin)}.*?{re.escape(self._end)}"
        page, found = re.subn(pattern, lambda _: made, page, flags=re.DOTALL)
        if found != 1:
            msg = f"the marks of the table stand in the page {found} times"
            raise ValueError(msg)
        return page

    @property
    def _end(self) -> str:
        return f"<!-- end of {self.name} -->"


def make(table: PageTable) -> int:
    """Simulate, or bring the page in line with the record, as the command line says."""
    parser = argparse.ArgumentParser(description=table.words)
    parser.add_argument("--runs", type=int, default=table.runs, help="simulated runs of each cell")
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--quick", action="store_true", help="200 runs; page and record stay")
    parser.add_argument("--output", type=Path, help="file for the record; page and record stay")
    parser.add_argument("--from-record", action="store_true", help="simulate nothing")
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if it would")
    parser.add_argument("--page", type=Path, default=table.page, help="file that holds the table")
    given = parser.parse_args()
    refuse_debug_build(parser)
    if not (given.from_record or given.check):
        runs = 200 if given.quick else given.runs
        record = new_record(
            table.name,
            "share of simulated runs whose interval holds the truth",
            runs=runs,
            seed=given.seed,
            **table.settings,
            cells=list(table.cells(runs, given.seed)),
        )
        print(table.text(record))
        if given.quick or given.output is not None:
            write(record, given.output)
            return 0
        write(record, table.record)
    page = given.page.read_text(encoding="utf-8")
    made = table.rewritten(page, json.loads(table.record.read_text(encoding="utf-8")))
    if given.check:
        return int(page != made)
    given.page.write_text(made, encoding="utf-8")
    return 0
