"""What a report, a table and `show` say of judges that take typed questions, and what they cost."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from msgspec import UNSET

import judgefast
from judgefast.pipeline.item_view import view_item
from judgefast.pipeline.results import read_run, report_of
from judgefast.pipeline.token_price import _is_near
from judgefast.reports.as_json import to_json
from judgefast.reports.show import render_item
from judgefast.reports.text import render
from tests.pipeline.deciding import by_state, deciding
from tests.pipeline.judging import judge_rows, pairs
from tests.prompts.aspects import several

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion
    from judgefast.prompts.questions import Question
    from judgefast.reports.report import Report


def report_on(out: Path, rows: Any, **options: Any) -> Report:
    engine = options.pop("engine", None) or deciding()
    finished = judge_rows(out, rows, engine=engine, max_unreadable=1.0, **options)
    report = report_of(read_run(out))
    # the start that has judged, and one that keeps no ids, say the same
    assert finished.report is not None
    assert to_json(finished.report.results) == to_json(report.results)
    assert finished.report.operations.price == report.operations.price
    assert to_json(report_of(read_run(out, to_report=True)).results) == to_json(report.results)
    return report


def refused_second(request: Request, question: Question) -> Any:
    return "refused" if request.item_id == "item-1" else by_state(request, question)


def test_a_report_says_what_the_order_of_the_options_did(tmp_path: Path) -> None:
    report = report_on(tmp_path / "run", pairs(12), engine=deciding(refused_second, lean=0.2))
    options = report.results.options
    assert options is not UNSET
    assert (options.questions, options.times) == (22, {"2": 22})
    assert options.models == {"their-1": 24}
    assert options.confidence_server == pytest.approx(0.5)
    assert options.slot_gain is not None
    assert options.slot_gain.value == pytest.approx(0.2)
    assert options.slot_gain.clusters == 11
    assert options.slot_gain in report.results.quotable
    text = " ".join(render(report).split())
    for words in (
        "put           22 questions: 22 twice",
        "flip rate",
        "slot gain     +0.200",
        "answered by   their-1 (24)",
        "label mass    no label mass is known of this judge",
        "refused       item-1, forward: not this",
        "price         unknown: no price of `their-1` is in the catalogue",
    ):
        assert " ".join(words.split()) in text, words
    assert json.loads(to_json(report))["results"]["options"]["slot_bias"]["name"] == "slot_bias"


def test_a_judge_without_a_liking_for_a_place_has_no_gain(tmp_path: Path) -> None:
    report = report_on(tmp_path / "run", pairs(8), engine=deciding(lean=0.0))
    options = report.results.options
    assert options is not UNSET
    assert options.slot_gain is not None
    assert options.slot_gain.value == pytest.approx(0, abs=1e-6)
    assert options.option_flip_rate is not None
    assert options.option_flip_rate.value == 0


def test_questions_put_once_are_called_unbalanced_and_several_aspects_may_colour(
    tmp_path: Path,
) -> None:
    rubric = tmp_path / "several.toml"
    rubric.write_text(several("clarity", "tone"), encoding="utf-8")
    rows = [{"id": f"q{n}", "question": "Q?", "answer": f"{n}"} for n in range(3)]
    report = report_on(tmp_path / "run", rows, rubric=str(rubric))
    assert "levels of a score have one order, and were put in it" in render(report)
    alone = report_on(tmp_path / "alone", pairs(3), engine=deciding(put_once=True))
    text = " ".join(render(alone).split())
    assert "each question was put with one order of its options (unbalanced, unless" in text
    assert any("one verdict may colour the next" in one for one in report.results.findings)
    (word,) = {one.status for one in view_item(read_run(tmp_path / "run"), "q1").judgments}
    assert word == "parsed"


@pytest.mark.parametrize(("shown", "may_colour"), [([False], False), ([False, True], True)])
def test_aspects_may_colour_each_other_where_any_server_may_show_them_together(
    shown: list[bool], tmp_path: Path, *, may_colour: bool
) -> None:
    rubric = tmp_path / "several.toml"
    rubric.write_text(several("clarity", "tone"), encoding="utf-8")
    rows = [{"id": f"q{n}", "question": "Q?", "answer": f"{n}"} for n in range(2)]
    out = tmp_path / "run"
    for place, shows in enumerate(shown):
        engine = deciding()
        engine.start = partial(dict, shows_all_questions=shows)  # type: ignore[method-assign]  # one start
        judge_rows(out, rows[: place + 1], engine=engine, rubric=str(rubric), extend=place > 0)
    findings = report_of(read_run(out)).results.findings
    assert any("one verdict may colour the next" in one for one in findings) == may_colour


def test_yes_and_no_are_not_called_unbalanced(tmp_path: Path) -> None:
    rows = [{"id": f"q{n}", "question": "Q?", "answer": f"{n}"} for n in range(3)]
    report = report_on(tmp_path / "run", rows, rubric="binary", engine=deciding(put_once=True))
    assert report.results.options is not UNSET
    assert report.results.options.kinds == ["yes_no"]
    text = " ".join(render(report).split())
    assert "yes and no have no order in a request: there is none to turn round" in text
    assert "unbalanced" not in text


def test_a_judge_that_writes_has_no_such_section(tmp_path: Path) -> None:
    judge_rows(tmp_path / "run", pairs(2))
    report = report_of(read_run(tmp_path / "run"))
    assert report.results.options is UNSET
    assert report.results.confidence is UNSET
    assert report.operations.price is UNSET


def test_confidence_is_ours_in_the_tables_and_the_servers_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "run"
    report = report_on(out, pairs(6), engine=deciding(refused_second))
    run = judgefast.Run.open(out)
    verdicts = run.table("verdicts").to_pylist()
    for row in verdicts:
        if row["status"] == "parsed":
            most = max(row["p_labels"])
            assert row["confidence"] == pytest.approx((most - 1 / 3) / (2 / 3), abs=1e-6)
        else:
            assert row["confidence"] is None
    outcomes = {row["item_id"]: row for row in run.table("outcomes").to_pylist()}
    for row in run.table("judgments").to_pylist():
        assert row["confidence"] == outcomes[row["item_id"]]["confidence"]
        assert row["confidence_server"] == (None if row["item_id"] == "item-1" else 0.5)
        chances = [row["p_win"], row["p_tie"], row["p_loss"]]
        if row["item_id"] != "item-1":
            assert row["confidence"] == pytest.approx((max(chances) - 1 / 3) * 1.5, abs=1e-6)
    confidence = report.results.confidence
    assert confidence is not UNSET
    sure = [row["confidence"] for row in outcomes.values() if row["confidence"] is not None]
    assert (confidence.judgments, confidence.outcomes) == (10, len(sure))
    assert confidence.quartiles == pytest.approx(np.quantile(sure, (0.25, 0.5, 0.75)), abs=1e-6)


def test_show_says_each_time_that_a_question_was_put(tmp_path: Path) -> None:
    out = tmp_path / "run"
    report_on(out, pairs(3), engine=deciding(refused_second))
    text = render_item(view_item(read_run(out), "item-0"))
    assert text.count("put: P(A)") == text.count("put: P(C)") == 2
    assert text.count("; the server's own, of another meaning: 0.500") == 2
    refused = render_item(view_item(read_run(out), "item-1"))
    assert "no verdict (refused)" in refused
    assert "put: refused, not this" in refused
    assert '"questions"' not in text + refused


def priced(report: Report) -> Any:
    assert report.operations.price is not UNSET
    return report.operations.price


def test_what_the_server_says_a_reply_costs_is_what_was_paid(tmp_path: Path) -> None:
    engine = deciding(usd=0.00025)
    report = report_on(tmp_path / "run", pairs(4), engine=engine)
    price = priced(report)
    assert (price.by, price.verdicts) == ("server", 8)
    assert price.usd == pytest.approx(0.002)
    assert price.usd_per_1000 == pytest.approx(0.25)
    assert "price         $0.25 for 1,000 verdicts ($0.002 so far), by what the server" in render(
        report
    )


def test_tokens_are_priced_by_the_user_before_the_catalogue(tmp_path: Path) -> None:
    given = {"engine_args": {"usd_per_million_tokens": 2.0}}
    price = priced(report_on(tmp_path / "given", pairs(2), engine=named("jev-latest"), **given))
    assert (price.by, price.prompt_tokens, price.usd) == ("given", 400, pytest.approx(0.0008))
    assert len(price.date) == 10
    report = report_on(tmp_path / "row", pairs(2), engine=named("jev-latest"))
    price = priced(report)
    assert (price.by, price.source) == ("catalogue", "TypeSafe, TypeSafe Jev 1.13")
    assert price.usd_per_1000 == pytest.approx(100 * 0.042 / 1e6 * 1000)
    assert "undated, seen 2026-11-26" in price.date
    assert "$0.0042 for 1,000 verdicts" in render(report)


def test_a_price_that_nobody_says_is_said_to_be_unknown(tmp_path: Path) -> None:
    local = priced(
        report_on(
            tmp_path / "local",
            pairs(2),
            engine=named("jev-latest"),
            base_url=("http://127.0.0.1:1",),
        )
    )
    assert local.usd is None
    assert "the servers are one's own" in local.unknown
    engine = named("jev-latest", tokens=None)
    uncounted = priced(report_on(tmp_path / "uncounted", pairs(2), engine=engine))
    assert uncounted.unknown == "the server does not count the tokens of every reply"


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("localhost", True),
        ("gpu-box", True),
        ("10.1.2.3", True),
        ("::1", True),
        ("api.typesafe.ai", False),
        ("8.8.8.8", False),
    ],
)
def test_servers_of_ones_own_are_known_by_their_host(host: str, *, near: bool) -> None:
    assert _is_near(host) == near


def named(model: str, tokens: int | None = 100) -> Any:
    """A judge that answers by another name, and counts its tokens or does not."""
    engine = deciding()
    answer = engine._answer

    def answered(request: Request) -> Completion:
        done = answer(request)
        assert done is not None
        return msgspec.structs.replace(
            done, prompt_tokens=tokens, text=done.text.replace("their-1", model)
        )

    engine._answer = answered
    return engine
