"""Runs of different data are joined by ids, but only where what was judged is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import judgefast
from tests.recorded import answered_once

if TYPE_CHECKING:
    from pathlib import Path

ITEMS = 4


@pytest.mark.parametrize("field", ["question", "reference", "answer"])
def test_another_text_under_the_same_id_is_another_item(field: str, tmp_path: Path) -> None:
    rows = [row | {"reference": "r"} for row in answered_once(ITEMS)]
    other = [rows[0] | {field: "another"}, *rows[1:]]
    for name, data in (("a", rows), ("b", other)):
        said = [{"id": row["id"], "text": str(1 + at)} for at, row in enumerate(data)]
        judgefast.run(
            data, recorded=said, out=tmp_path / name, rubric="scalar-1-5", engine="replay"
        )
    joining = judgefast.agree([tmp_path / "a", tmp_path / "b"], across=["data"]).report.joining
    assert (joining.units, joining.asked_of_all, joining.asked_of_one) == (ITEMS + 1, ITEMS - 1, 2)
