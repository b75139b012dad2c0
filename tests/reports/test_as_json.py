"""The report for machines: whole, stable, and readable again."""

from __future__ import annotations

import json
import subprocess
import sys

import msgspec

from judgefast.reports.as_json import to_json
from judgefast.reports.report import Counts, Report


def test_a_report_comes_back_as_it_went(follower: Report, scorer: Report) -> None:
    for report in (follower, scorer):
        assert msgspec.json.decode(to_json(report), type=Report) == report


def test_reasons_come_in_one_order_however_they_were_counted() -> None:
    one = Counts(read=0, items=0, planned=3, parsed=0, failed={"timeout": 1, "engine_error": 2})
    other = msgspec.structs.replace(one, failed={"engine_error": 2, "timeout": 1})
    assert to_json(one) == to_json(other)


def test_fields_come_in_the_order_of_their_definition(follower: Report) -> None:
    results = json.loads(to_json(follower))["results"]
    assert list(results)[:5] == ["format", "run", "rubric", "judge", "counts"]
    assert results["format"] == 1


def test_the_stage_loads_no_heavy_library_before_it_is_used() -> None:
    modules = ("report", "text", "as_json", "show", "export", "judgments", "progress", "inert")
    code = f"""
import sys
for name in {modules!r}:
    __import__("judgefast.reports." + name)
print(sorted({{"rich", "pyarrow", "numpy", "scipy", "click"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
