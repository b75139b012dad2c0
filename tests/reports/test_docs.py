"""`docs/reports.md` names every line, field and column, and invents none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from judgefast.costs.budget import Spent
from judgefast.costs.ranges import Range
from judgefast.pipeline.tables import table_source
from judgefast.reports.estimate_bill import LINES, BilledLine, EstimateBill
from judgefast.reports.families import JudgeFamilies, OwnAnswers
from judgefast.reports.judgments import judgments_schema
from judgefast.reports.labels import Confidence
from judgefast.reports.report import (
    Bill,
    Counts,
    FirstRequest,
    LabelMass,
    LaunchFacts,
    Operations,
    PositionBias,
    Report,
    Results,
    RubricFacts,
    RunBudget,
    Seconds,
    SendingOrder,
    Tokens,
    UnparsedExample,
)
from judgefast.reports.text import render
from judgefast.reports.unused_gold import UnusedGold
from judgefast.reports.verdict_price import VerdictPrice
from judgefast.stats.adaptive_found import AdaptiveReport, Left
from judgefast.stats.aspect_table import AspectRow, AspectTable
from judgefast.stats.estimate import Estimate
from judgefast.stats.option_bias import OptionOrders
from judgefast.stats.sentences import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    import msgspec

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def named(text: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", text))


def rows_of(title: str) -> str:
    return "\n".join(row for row in section(title).splitlines() if row.startswith("| "))


def fields(structs: Iterable[type[msgspec.Struct]]) -> set[str]:
    return {field for struct in structs for field in struct.__struct_fields__}


def test_every_field_of_the_json_is_documented_and_no_other() -> None:
    inner = (
        AspectRow,
        AspectTable,
        Counts,
        Estimate,
        FirstRequest,
        LabelMass,
        LaunchFacts,
        PositionBias,
        RubricFacts,
        RunBudget,
        Spent,
    )
    inner += (BilledLine, Confidence, EstimateBill, JudgeFamilies, OptionOrders, OwnAnswers, Range)
    inner += (VerdictPrice, AdaptiveReport, Left, Finding, UnusedGold)
    expected = (
        set(LINES)
        | fields((*inner, Bill, Seconds, SendingOrder, Tokens, UnparsedExample))
        | {"null"}
    )
    expected |= {f"results.{field}" for field in Results.__struct_fields__}
    expected |= {f"operations.{field}" for field in Operations.__struct_fields__}
    assert named(rows_of("JSON")) == expected


def test_every_column_of_the_table_is_documented_in_order() -> None:
    rows = [row for row in section("The table of judgments").splitlines() if row.startswith("| `")]
    columns = [one for row in rows for one in re.findall(r"`([^`]+)`", row.split("|")[1])]
    assert sorted(columns) == sorted(judgments_schema().names)


@pytest.mark.parametrize("name", ["verdicts", "outcomes", "estimates"])
def test_every_column_of_the_other_tables_is_documented_in_order(name: str) -> None:
    rows = section("The other tables").splitlines()
    (row,) = [row for row in rows if row.startswith(f"| `{name}`")]
    known = table_source(name).schema().names
    listed = re.findall(r"`([^`]+)`", row.split("|")[3])
    assert [column for column in dict.fromkeys(listed) if column in known] == known


def test_every_label_of_a_full_report_is_explained(follower: Report) -> None:
    labels = {
        re.split(r"  +", text.strip())[0]
        for text in render(follower).splitlines()[1:]
        if re.match(r"(  )?[a-z'P(]+( [a-z]+)?\)?  +\S", text)
    }
    of_the_data = {
        "win_rate",
        "accuracy",
        "answer a",
        "answer b",
        "tie",
        "conflicting",
        "truncated",
    }
    below_a_sum = {"skipped", "unparsed"}
    assert {"rows", "direction", "guides' rule", "tokens", "asked", "label mass"} <= labels
    assert labels - of_the_data - below_a_sum <= named(rows_of("The report on the screen"))
