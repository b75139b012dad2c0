"""What runs with adaptive orders say of themselves, and where they are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import judgefast
from judgefast.config import RunConfig
from judgefast.engines.base import LabelRead
from judgefast.errors import ConfigError
from judgefast.pipeline.adaptive import asks_less
from judgefast.pipeline.finished import DryRun
from judgefast.pipeline.results import read_run, report_of
from judgefast.pipeline.run import run as pipeline_run
from judgefast.reports.text import render
from judgefast.stats.adaptive_found import AdaptiveReport
from judgefast.stopping import Stop
from tests.engines.scripted import failed
from tests.pipeline.adaptive_judge import (
    ADAPTIVE,
    AUDIT,
    SURE,
    asked_in,
    by_shares,
    expected,
    is_audited,
    judge,
)
from tests.pipeline.judging import go_on, judge_rows, pairs, results_of, start

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion


def test_a_start_says_what_the_audit_has(tmp_path: Path) -> None:
    said: list[str] = []
    start(tmp_path / "run", pairs(40), engine=judge(), say=said.append, **ADAPTIVE)
    drawn = sum(is_audited(0, row["cluster"], AUDIT) for row in items_of(tmp_path / "run"))
    [words] = [each for each in said if "audit" in each]
    assert words.startswith(f"the audit has {drawn} of 40 questions; with fewer than 30, ")


def items_of(out: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = judgefast.Run.open(out).table("items").to_pylist()
    return found


def test_the_report_says_what_was_saved_and_corrects_its_means(tmp_path: Path) -> None:
    out = tmp_path / "run"
    judge_rows(out, pairs(60), engine=judge(), **ADAPTIVE | {"audit": 0.4})
    results = results_of(out)
    found = results.adaptive
    assert isinstance(found, AdaptiveReport)
    assert (found.sure, found.audit) == (SURE, 0.4)
    assert found.comparisons == 60 == found.open + found.closed
    assert found.requests_asked == len(asked_in(out)) == 120 - found.requests_saved
    assert results.counts.not_judged == {"decided": found.requests_saved}
    [rate] = [one for one in results.estimates if one.slice == "candidate=wrong baseline=right"][:1]
    assert rate.method == "audited"
    bias = results.position_bias
    assert bias is not None
    assert bias.of_audit
    drawn = {row["item_id"] for row in judgefast.Run.open(out).table("items").to_pylist()}
    assert bias.comparisons < len(drawn)
    unreadable = next(one for one in results.estimates if one.name == "unreadable")
    assert unreadable.missing == 0
    text = render(report_of(read_run(out)))
    assert "adaptive orders" in text
    assert "Incomplete" not in text


def test_a_second_order_that_was_asked_for_a_failure_is_none_of_the_audit(tmp_path: Path) -> None:
    """Firsts fail in one start, so that their seconds are asked, and are sure in the next."""
    out = tmp_path / "run"

    def fails(request: Request) -> Completion:
        return failed(request) if request.request_id[0] % 2 else by_shares(request)

    judge_rows(out, pairs(60), engine=judge(fails), **ADAPTIVE)
    go_on(out, engine=judge(), retry=("failed",))
    run = judgefast.Run.open(out)
    for_the_audit = expected(run) - expected(run, audit=0.0)
    found = results_of(out).adaptive
    assert isinstance(found, AdaptiveReport)
    assert found.requests_asked > len(expected(run)), "some were asked for failures alone"
    assert found.requests_audit == len(for_the_audit) > 0


def test_what_has_not_come_of_the_audit_was_not_audited(tmp_path: Path) -> None:
    judge_rows(tmp_path / "whole", pairs(60), engine=judge(), **ADAPTIVE)
    run = judgefast.Run.open(tmp_path / "whole")
    for_the_audit = expected(run) - expected(run, audit=0.0)
    stop = Stop()

    def hangs(request: Request) -> Completion | None:
        if request.request_id in for_the_audit:
            stop.requested = True
            return None
        return by_shares(request)

    config = RunConfig(rubric="pairwise", out=str(tmp_path / "run"), **ADAPTIVE)
    pipeline_run(config, data=pairs(60), engine=judge(hangs), stop=stop, show_progress=False)
    whole, found = (results_of(tmp_path / name).adaptive for name in ("whole", "run"))
    assert isinstance(whole, AdaptiveReport)
    assert isinstance(found, AdaptiveReport)
    assert whole.audited > 0
    assert found.audited == 0 < found.closed


def test_a_first_that_was_given_up_on_opens_nothing_until_it_is_asked_again(tmp_path: Path) -> None:
    out = tmp_path / "run"

    def gives_up(request: Request) -> Completion:
        done = by_shares(request)
        if request.request_id[0] % 2:
            return done
        return msgspec.structs.replace(done, finish_reason="cancelled", answers=(), error_kind=None)

    start(out, pairs(40), engine=judge(gives_up), **ADAPTIVE)
    wanted = expected(judgefast.Run.open(out))
    assert asked_in(out) < wanted
    judge_rows(out, pairs(40), engine=judge(), **ADAPTIVE)
    assert asked_in(out) == wanted


def test_an_answer_to_a_question_that_was_not_asked_closes_nothing(tmp_path: Path) -> None:
    def beside(request: Request) -> Completion:
        done = by_shares(request)
        return msgspec.structs.replace(
            done, answers=tuple(LabelRead(1, read.logprobs) for read in done.answers)
        )

    judge_rows(tmp_path / "run", pairs(20), engine=judge(beside), **ADAPTIVE)
    assert len(asked_in(tmp_path / "run")) == 2 * 20


@pytest.mark.parametrize(
    ("now", "less"),
    [
        ({"audit": 0.1}, {"options: audit"}),
        ({"sure": 0.4, "audit": 0.1}, {"options: sure", "options: audit"}),
        ({"sure": 0.6, "audit": 0.3}, set()),
        ({"orders": "one"}, {"options: orders"}),
        ({"orders": "both"}, set()),
    ],
)
def test_no_plan_grows_by_what_asks_fewer_second_orders(
    now: dict[str, Any], less: set[str]
) -> None:
    before = {"orders": "adaptive", "sure": 0.5, "audit": 0.2}
    assert asks_less(before, before | now) == less


def test_an_adaptive_run_is_compared_only_where_that_is_said(tmp_path: Path) -> None:
    runs = []
    for name in "ab":
        judge_rows(tmp_path / name, pairs(20), engine=judge(), **ADAPTIVE)
        runs.append(judgefast.Run.open(tmp_path / name))
    with pytest.raises(ConfigError, match="not corrected by their audits") as refused:
        runs[0].compare(runs[1])
    assert "--across orders" in str(refused.value.hint)
    found = runs[0].compare(runs[1], across=["orders"])
    assert any("not corrected" in words for words in found.across)


def test_a_dry_run_says_from_where_to_where(tmp_path: Path) -> None:
    out, rows = tmp_path / "run", pairs(60)
    dry = start(out, rows, engine=judge(), dry_run=True, **ADAPTIVE)
    assert isinstance(dry, DryRun)
    assert dry.to_ask == dry.requests == 120
    assert 60 < (dry.least_to_ask or 0) == dry.least_requests < 90
    judge_rows(out, rows, engine=judge(), **ADAPTIVE)
    assert dry.least_requests <= len(asked_in(out)) <= 120
    dry = start(out, rows, engine=judge(), dry_run=True, **ADAPTIVE)
    assert isinstance(dry, DryRun)
    assert (dry.to_ask, dry.least_to_ask) == (0, 0)


@pytest.mark.parametrize(
    ("options", "engine", "words"),
    [
        ({"rubric": "pairwise"}, {"label_probabilities": False}, "probabilities of the labels"),
        ({"rubric": "pairwise-reasons"}, {}, "probabilities of the labels"),
        ({"rubric": "pairwise", "rule": "strict"}, {"label_probabilities": False}, "from text"),
        ({"rubric": "scalar-1-5"}, {}, "mode is scalar"),
    ],
)
def test_without_label_probabilities_adaptive_orders_are_refused(
    options: dict[str, Any], engine: dict[str, Any], words: str, tmp_path: Path
) -> None:
    from tests.engines.scripted import ScriptedEngine  # noqa: PLC0415 - here alone

    made = ScriptedEngine(by_shares, **({"label_probabilities": True} | engine))
    with pytest.raises(ConfigError) as refused:
        judge_rows(tmp_path / "run", pairs(2), engine=made, orders="adaptive", **options)
    assert words in f"{refused.value} {refused.value.hint}"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["sure", "audit"])
def test_options_of_adaptive_orders_are_refused_without_them(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"`{name}` is 0.5, but `orders` is both"):
        judge_rows(tmp_path / "run", pairs(2), engine=judge(), **{name: 0.5})
