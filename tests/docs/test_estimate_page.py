"""What the pages say of `judgefast estimate` is what the code has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from judgefast.costs import estimates, preemptions, starting
from judgefast.costs.ranges import Basis, Range
from judgefast.costs.shape_given import ShapeGiven
from judgefast.costs.workload import Answers, Workload
from judgefast.pipeline.stand_in import BYTES_A_TOKEN, BYTES_RANGE, OTHER_RANGE

DOCS = Path(__file__).resolve().parents[2] / "docs"


def section(page: str, title: str) -> str:
    text = (DOCS / page).read_text("utf-8")
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


PAGE = section("costs.md", "Estimate")


def test_every_field_of_the_json_is_documented_and_no_other() -> None:
    rows = [row for row in section("formats.md", "Estimate").splitlines() if row.startswith("| `")]
    firsts = [re.findall(r"`(\w+)`", row.split("|")[1])[0] for row in rows]
    assert sorted(firsts) == sorted(estimates.Estimate.__struct_fields__)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[2])}
    structs = (Workload, Answers, estimates.Placed, estimates.Line, estimates.Money, estimates.Sum)
    inner = {field for each in structs for field in each.__struct_fields__}
    assert inner <= named
    assert set(get_args(estimates.Part)) <= named


@pytest.mark.parametrize("word", get_args(Basis))
def test_every_way_to_know_a_figure_is_explained(word: str) -> None:
    assert f"`{word}`" in PAGE


@pytest.mark.parametrize("name", ShapeGiven.__struct_fields__)
def test_every_name_of_a_shape_is_explained(name: str) -> None:
    assert f"`{name}`" in PAGE.split("`--shape` has")[1].split("\n\n")[0]


def test_what_is_assumed_is_what_the_page_says() -> None:
    def spread(value: Range) -> str:
        return f"{value.low:g} to {value.high:g}"

    for value in (starting.BOOT_SECONDS, starting.COMPILE_SECONDS):
        assert f"{spread(value)}, likely {value.likely:g} |" in PAGE
    for value in (starting.DOWNLOAD_RATE, starting.LOAD_RATE):
        assert f"{spread(value)} GB/s, likely {value.likely:g} |" in PAGE
    assert f"{spread(preemptions.PER_DAY)} a day, likely {preemptions.PER_DAY.likely:g}" in PAGE
    assert f"({preemptions.CHECKPOINT_SECONDS:g}: judgefast keeps" in PAGE
    assert f"{spread(OTHER_RANGE)} of the judge's" in PAGE
    bytes_a_token = f"{1 / BYTES_RANGE.high:.1f} to {1 / BYTES_RANGE.low:.1f}"
    assert f"{BYTES_A_TOKEN:g} bytes are taken for a token ({bytes_a_token})" in PAGE
