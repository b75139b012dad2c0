"""Runs of different data are joined by ids, but only where what was judged is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import judgefast
from tests.recorded import answered_once

if TYPE_CHECKING:
    from pathlib import Path


def test_another_text_under_the_same_id_is_another_item(tmp_path: Path) -> None:
    fields = ["question", "reference", "answer"]
    rows = [row | {"reference": "r"} for row in answered_once(len(fields) + 1)]
    other = [row | {field: "another"} for row, field in zip(rows, fields, strict=False)]
    for name, data in (("a", rows), ("b", [*other, rows[-1]])):
        said = [{"id": row["id"], "text": str(1 + at)} for at, row in enumerate(data)]
        judgefast.run(
            data, recorded=said, out=tmp_path / name, rubric="scalar-1-5", engine="replay"
        )
    panel = judgefast.agree([tmp_path / "a", tmp_path / "b"], across=["data"])
    asked = {
        f"i{at}": sum(row["item_id"] == f"i{at}" for row in panel.table("panel").to_pylist())
        for at in range(len(rows))
    }
    assert asked == {"i0": 2, "i1": 2, "i2": 2, "i3": 1}
