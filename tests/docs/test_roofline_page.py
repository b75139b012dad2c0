"""The page of every row is what the fit says today, and AIConfigurator's record is of our rows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from judgefast.catalogue.throughput import read_measured

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(
    r"^\| (\S+) \| ([^|]+) \| ([\d,.]+) \| ([\d,.]+) \| ([-+][\d.]+)% \| (\S+) \|$", re.MULTILINE
)


def rows() -> list[tuple[str, ...]]:
    found = ROW.findall((ROOT / "docs/roofline-rows.md").read_text("utf-8"))
    return [tuple(one) for one in found]


def test_every_row_is_on_the_page_with_its_error() -> None:
    measured = read_measured()
    shown = {row[0] for row in rows()}
    excluded = {
        key
        for key, row in measured.items()
        if "70B" in row.model and (row.gpu, row.gpus) == ("H100-SXM", 1)
    }
    assert shown == set(measured) - excluded
    for key, _, real, predicted, error, _ in rows():
        of_row = measured[key].output_tokens_per_second
        assert float(real.replace(",", "")) == pytest.approx(of_row, abs=0.51)
        ratio = float(predicted.replace(",", "")) / of_row - 1
        assert ratio == pytest.approx(float(error) / 100, abs=0.003)


def test_aiconfigurators_errors_are_those_of_its_record() -> None:
    record = json.loads((ROOT / "benches/aiconfigurator.json").read_text("utf-8"))
    assert record["aiconfigurator"] == "0.12.0"
    measured = read_measured()
    for key, *_, error in rows():
        theirs = record["predicted"].get(key, {}).get("tokens_per_second")
        if not theirs:
            assert error == "-"
            continue
        ratio = theirs / measured[key].output_tokens_per_second - 1
        assert float(error.rstrip("%")) / 100 == pytest.approx(ratio, abs=0.0006)


def test_the_summary_of_the_costs_page_is_that_of_the_rows() -> None:
    costs = (ROOT / "docs/costs.md").read_text("utf-8").split("## The roofline\n")[1]
    [row] = re.findall(
        r"^\| 70B FP8, one H200 \| 62 \| ([\d.]+) % \| ([\d.]+) % \|", costs, re.MULTILINE
    )
    errors = sorted(
        abs(float(each[4]))
        for each in rows()
        if "70b" in each[0] and "h200-sxmx1-" in each[0] and "unseen" not in each[1]
    )
    assert len(errors) == 62
    assert (errors[30] + errors[31]) / 2 == pytest.approx(float(row[0]), abs=0.06)
    assert errors[-1] == pytest.approx(float(row[1]), abs=0.06)
