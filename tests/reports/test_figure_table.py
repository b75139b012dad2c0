"""No figure of a table is cut, whatever the names and numbers are."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.reports.console import Look, to_text
from judgefast.reports.figure_table import Column, figure_table

HEADS = [Column("win_rate"), Column("95 % interval", "left"), Column("CPU s/1,000")]
FIGURES = st.tuples(*[st.text("0123456789.,-", min_size=1, max_size=40)] * 3)
ROWS = st.lists(st.tuples(st.text("ab-_ ", min_size=1, max_size=60), FIGURES), min_size=1)


@settings(max_examples=30, deadline=None)
@given(ROWS, st.integers(40, 120))
def test_every_figure_stands_whole_in_its_row(
    rows: list[tuple[str, tuple[str, ...]]], width: int
) -> None:
    table = figure_table("Judges", HEADS, [[name, *cells] for name, cells in rows], width)
    lines = [line.split() for line in to_text([table], Look(width)).splitlines()]
    shown = iter(lines)
    for _, cells in rows:
        assert any(line[-3:] == [*cells] for line in shown)


def test_a_head_is_broken_where_the_table_would_be_too_wide_and_only_there() -> None:
    row = [["name", "0.500", "[0.450, 0.550]", "781.3"]]
    wide, narrow = (to_text([figure_table("Judges", HEADS, row, at)], Look(at)) for at in (80, 50))
    assert wide.splitlines()[0].endswith("CPU s/1,000")
    assert [line.split()[-1] for line in narrow.splitlines()] == ["s", "/1,000", "781.3"]
    assert max(map(len, narrow.splitlines())) <= 50
