"""A budget stops a run inside it, cleanly, and says what was spent and how to go on."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow.compute as pc
import pytest

import judgefast
from judgefast.config import config_from
from judgefast.errors import ConfigError
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline import budget as budget_module
from judgefast.pipeline.finished import DryRun, Finished
from judgefast.pipeline.gate import gate_run
from judgefast.pipeline.order import REORDERED
from judgefast.pipeline.results import read_run, report_of
from judgefast.pipeline.stream import stream
from judgefast.reports.text import render
from judgefast.stopping import Stop
from tests.engines.scripted import ScriptedEngine, answered, failed
from tests.pipeline.budgets import asked_of_items, budget_of
from tests.pipeline.judging import (
    by_hash,
    go_on,
    judge_rows,
    pairs,
    results_of,
    start,
)
from tests.prompts.marked import TEMPLATES, marked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion

    Rows = list[dict[str, Any]]


def test_a_budget_of_judgments_ends_in_whole_items_and_resumes_to_the_end(tmp_path: Path) -> None:
    out = tmp_path / "run"
    engine = ScriptedEngine(by_hash, room=6, batch=4)
    finished = judge_rows(out, pairs(30), engine=engine, budget=("21judgments",))
    assert (finished.status, finished.done) == (3, 20)
    assert finished.why == "40 judgments were not judged, since the budget is spent"
    assert finished.go_on == f"judgefast resume {out} --budget 60judgments"
    counts = results_of(out).counts
    assert (counts.parsed, counts.not_judged) == (20, {"budget": 40})
    assert set(asked_of_items(out).values()) == {2}, "an item is half judged"
    found = budget_of(out)
    assert (found.given, found.reached) == (["21judgments"], "judgments")
    assert (found.spent.judgments, found.spent.tokens) == (20, 220)
    assert found.items_in_part == 0

    later = go_on(out, budget=("60judgments",))
    assert (later.status, later.done, later.go_on) == (0, 60, None)
    assert results_of(out).counts.not_judged == {}
    assert budget_of(out).reached is None


def test_what_was_judged_is_the_beginning_of_the_runs_random_order(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    judge_rows(whole, pairs(30), seed=5)
    judge_rows(cut, pairs(30), seed=5, budget=("20judgments",))
    in_order = read_run(whole).items.item_id.to_pylist()
    assert set(asked_of_items(cut)) == set(in_order[:10])
    assert in_order[:10] != sorted(in_order)[:10]


def test_a_budget_does_not_leave_out_the_short_answers_of_the_end(tmp_path: Path) -> None:
    def written(request: Request) -> Completion:
        tokens = 10 + int(request.item_id.removeprefix("item-")) % 7 * 100
        return msgspec.structs.replace(by_hash(request), completion_tokens=tokens)

    rows = [
        {**row, "question": f"{at} " + "long " * (10 + at % 7 * 100)}
        for at, row in enumerate(pairs(400))
    ]
    for name, budget in (("whole", ()), ("cut", ("760judgments",))):
        engine = ScriptedEngine(written, room=48, batch=12)
        judge_rows(tmp_path / name, rows, engine=engine, budget=budget)
        with RunDirectory.open(tmp_path / name, write=False) as directory:
            [launch] = directory.launches()
            assert (REORDERED in launch) is (name == "whole")
    in_order = read_run(tmp_path / "cut").items.item_id.to_pylist()
    assert list(asked_of_items(tmp_path / "cut")) == in_order[:380]


def test_a_resume_without_a_budget_keeps_it_and_starts_no_engine(tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = judge_rows(out, pairs(10), budget=("8judgments",))
    engine = ScriptedEngine(by_hash)
    again = go_on(out, engine=engine)
    assert (again.status, again.why, again.go_on) == (3, first.why, first.go_on)
    assert engine.submitted == []
    assert engine.closed
    assert results_of(out).counts.not_judged == {"budget": 12}
    raised = go_on(out, budget=("12judgments",))
    assert (raised.status, raised.done) == (3, 12)
    kept = go_on(out)
    assert (kept.status, kept.done) == (3, 12)
    assert budget_of(out).given == ["12judgments"], "the last budget counts, not the first"
    same = judge_rows(out, pairs(10))
    assert (same.status, same.done) == (3, 12), "the same command without one keeps it too"
    below = go_on(out, budget=("10judgments",))
    assert below.status == 3
    words = " ".join(render(report_of(read_run(out))).split())
    assert "budget 10 judgments: more than that was spent, nothing more fits" in words
    free = go_on(out, budget=("none",))
    assert (free.status, free.done) == (0, 20)
    assert report_of(read_run(out)).operations.budget is None


def test_tokens_need_prompts_that_are_counted_before_they_are_sent(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a budget in tokens needs prompts whose tokens"):
        judge_rows(tmp_path / "run", pairs(20), budget=("200tokens",))


def ids_of(request: Request) -> Sequence[int]:
    assert request.prompt is not None
    assert request.prompt.token_ids is not None
    return request.prompt.token_ids.tolist()


def counting(*, room: int, counts: bool) -> ScriptedEngine:
    """An engine that takes token ids, and counts what it was sent and what it wrote, or not."""

    def answer(request: Request) -> Completion:
        sent, wrote = len(ids_of(request)), 1 + request.seed % request.decoding.max_tokens
        return msgspec.structs.replace(
            by_hash(request),
            prompt_tokens=sent if counts else None,
            cached_tokens=None,
            completion_tokens=wrote if counts else None,
        )

    engine = ScriptedEngine(answer, takes="ids", room=room)
    engine.model = marked(TEMPLATES["off_by_default"])
    return engine


@pytest.mark.parametrize("room", [1, 7])
@pytest.mark.parametrize("counts", [True, False])
def test_tokens_of_all_starts_stay_within_the_budget(
    tmp_path: Path, room: int, *, counts: bool
) -> None:
    out = tmp_path / "run"
    limit, sent = 9_000, 0
    for _ in range(2):
        engine = counting(room=room, counts=counts)
        finished = judge_rows(out, pairs(20), engine=engine, budget=(f"{limit}tokens",))
        assert finished.status == 3
        found = budget_of(out)
        assert found.reached == "tokens"
        plan = read_run(out)
        each = [len(ids_of(one)) + one.decoding.max_tokens for _, one in engine.submitted]
        longest, sent = 2 * max(each), sent + sum(each)
        assert limit - longest < found.spent.tokens <= limit
        assert set(asked_of_items(out).values()) == {2}
        if counts:
            journal = plan.directory.completions(["prompt_tokens", "completion_tokens"])
            sums = [pc.sum(column).as_py() for batch in journal for column in batch.columns]
            assert found.spent.tokens == sum(sums)
        else:
            assert found.spent.tokens == sent
        limit *= 2


def test_a_budget_too_small_for_one_item_judges_nothing_and_says_what_one_costs(
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    engine = ScriptedEngine(by_hash)
    with pytest.raises(ConfigError) as caught:
        judge_rows(out, pairs(5), engine=engine, budget=("1judgment",))
    assert str(caught.value) == (
        "the budget of 1 judgment buys no judgment: the first item takes 2 judgments"
    )
    assert caught.value.hint == "nothing was judged; give --budget 2judgments at least"
    assert engine.submitted == []
    assert go_on(out, budget=("2judgments",)).done == 2


def test_money_that_is_spent_before_the_first_judgment_judges_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"buys no judgment: the start alone has taken \d+ s of"):
        judge_rows(tmp_path / "run", pairs(5), budget=("0.0001usd",), price=2.0)


class SendsAgain(ScriptedEngine):
    """Says that it sent some prompts twice, as one over HTTP does."""

    def counters(self) -> dict[str, int]:
        return {"resent": 2, "hedged": 1, "went_away": 5}


def test_what_an_engine_sent_twice_by_itself_is_said_to_be_in_no_count(tmp_path: Path) -> None:
    out = tmp_path / "run"
    for budget in ("4judgments", "8judgments"):
        judge_rows(out, pairs(5), engine=SendsAgain(by_hash), budget=(budget,))
    assert budget_of(out).sent_again == 6
    words = " ".join(render(report_of(read_run(out))).split())
    assert "6 prompts sent again by the engine: tokens of the copies are not counted" in words


def test_failed_attempts_count_once_in_judgments_and_each_time_in_tokens(tmp_path: Path) -> None:
    out = tmp_path / "run"

    def half(request: Request) -> Completion:
        return failed(request) if request.repeat == 0 and request.attempt == 1 else by_hash(request)

    judge_rows(out, pairs(3), half, budget=("4judgments",))
    assert results_of(out).counts.failed == {"engine_error": 4}
    assert budget_of(out).spent.judgments == 4
    later = go_on(out)
    assert (later.status, later.done) == (3, 4), "asked again, and no judgment more"
    assert budget_of(out).spent.judgments == 4


def test_a_gate_on_a_run_that_its_budget_stopped_is_inconclusive(tmp_path: Path) -> None:
    out = tmp_path / "run"
    judge_rows(out, pairs(60), lambda request: answered(request, "A"), budget=("100judgments",))
    report = gate_run(read_run(out), ["unreadable <= 0.5"])
    assert report.decision == "inconclusive"
    assert report.run.incomplete == "20 judgments were not judged, since the budget is spent"


def test_an_interruption_stays_one(tmp_path: Path) -> None:
    out, stop = tmp_path / "run", Stop()

    def stopping(request: Request) -> Completion:
        stop.requested = True
        return by_hash(request)

    from judgefast.pipeline.run import run  # noqa: PLC0415 - as `start` calls it, with a stop

    config = config_from(
        {"rubric": "pairwise", "out": str(out), "budget": "10judgments"}, where="test"
    )
    finished = run(
        config, data=pairs(30), engine=ScriptedEngine(stopping), stop=stop, show_progress=False
    )
    assert isinstance(finished, Finished)
    assert finished.status == 130
    assert results_of(out).counts.not_judged.keys() == {"interrupted"}
    assert go_on(out).status == 3
    assert results_of(out).counts.not_judged == {"budget": 50}


def test_unreadable_judgments_stop_a_run_before_its_budget_and_say_so(tmp_path: Path) -> None:
    out = tmp_path / "run"
    engine = ScriptedEngine(lambda request: answered(request, "Hm."), room=8, batch=4)
    finished = judge_rows(out, pairs(300), engine=engine, budget=("500judgments",))
    assert finished.why == "100% of the last judgments could not be read"
    assert results_of(out).counts.not_judged == {"interrupted": 400}


def test_what_is_reckoned_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    start(tmp_path / "one", pairs(2), budget=("1usd",), gpu="H200:2", say=said.append)
    [words] = [each for each in said if "reckoned" in each]
    assert words.startswith("the budget is reckoned for 2 x H200-SXM at $")
    assert "on demand, 20" in words, "a price has its date"
    said.clear()
    start(tmp_path / "two", pairs(2), budget=("1gpu-hour",), say=said.append)
    assert said[-1] == (
        "the budget is reckoned for 1 machine; --gpu KIND:NUMBER says how much is paid for"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"budget": "5usd"}, "a budget in money needs the price of a GPU-hour"),
        ({"budget": "5 hours"}, "`hours` is no unit of a budget; the nearest is `gpu-hours`"),
        ({"budget": 20}, "test: `budget` is 20, an amount of nothing"),
        ({"budget": ["none", "5usd"]}, "`none` stands beside a budget"),
        ({"budget": "5usd", "gpu": "H2OO"}, "H2OO"),
        ({"budget": "5usd", "gpu": "H200", "provider": "Nobody"}, "no price of `Nobody`"),
        ({"price": -1.0}, "`price` is -1.0; it must be at least 0"),
    ],
)
def test_a_wrong_budget_is_refused_before_anything_is_read(
    tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    out = tmp_path / "run"
    with pytest.raises(ConfigError, match=words):
        judge_rows(out, pairs(2), **vars_of(options))
    assert not out.exists()


def vars_of(options: dict[str, Any]) -> dict[str, Any]:
    config = config_from(options, where="test")
    return {name: getattr(config, name) for name in options}


@pytest.mark.parametrize(
    ("first", "then", "price"),
    [
        ({"price": 9.0}, {"provider": "RunPod"}, "RunPod"),
        ({"provider": "RunPod"}, {"price": 9.0}, "given"),
        ({"provider": "RunPod"}, {}, "RunPod"),
    ],
)
def test_a_price_or_a_provider_takes_the_place_of_both_of_before(
    tmp_path: Path, first: dict[str, Any], then: dict[str, Any], price: str
) -> None:
    out = tmp_path / "run"
    judge_rows(out, pairs(10), budget=("8judgments",), gpu="H200", **first)
    go_on(out, budget=("12judgments",), **then)
    assert price in (budget_of(out).price or "")


def test_another_gpu_drops_the_price_of_the_one_before(tmp_path: Path) -> None:
    out = tmp_path / "run"
    judge_rows(out, pairs(10), budget=("8judgments",), gpu="H200", price=9.0)
    go_on(out, budget=("12judgments",))
    assert budget_of(out).price == "given"
    go_on(out, budget=("16judgments",), gpu="H100")
    assert "on demand" in (budget_of(out).price or "")


class OnGpus(ScriptedEngine):
    """Says that it works on four GPUs."""

    def start(self) -> dict[str, Any]:
        return {"replicas": 2, "tensor_parallel_size": 2, "device": "NVIDIA H200"}


def test_gpus_that_the_engine_uses_are_paid_for_even_if_fewer_were_said(tmp_path: Path) -> None:
    out, said = tmp_path / "run", list[str]()
    engine = OnGpus(by_hash)
    start(out, pairs(2), engine=engine, budget=("1usd",), gpu="H200", price=2, say=said.append)
    assert "the budget is reckoned for 4 x H200-SXM at $2.00/h, as given" in said
    spent = budget_of(out).spent
    assert spent.usd == pytest.approx(2 * spent.gpu_hours)
    with RunDirectory.open(out, write=False) as directory:
        [launch] = directory.launches()
    assert launch["rented"]["gpus"] == 4
    assert budget_module.gpus_of_engine({"replicas": 2, "device": "cpu"}) == 0


def test_from_python_one_budget_is_a_text(tmp_path: Path) -> None:
    run = judgefast.run(
        pairs(5),
        rubric="pairwise",
        engine=ScriptedEngine(by_hash),
        out=tmp_path / "run",
        budget="4judgments",
    )
    assert (run.status, run.why) == (3, "6 judgments were not judged, since the budget is spent")
    assert judgefast.Run.open(tmp_path / "run").status == 3
    verdicts = run.table("verdicts").column("status").to_pylist()
    assert Counter(verdicts) == {"parsed": 4, "budget": 6}


def test_a_dry_run_names_the_budget_and_a_stream_refuses_one(tmp_path: Path) -> None:
    dry = start(tmp_path / "run", pairs(3), dry_run=True, budget=("4judgments",))
    assert isinstance(dry, DryRun)
    assert dry.budget == ("4judgments",)
    with pytest.raises(ConfigError, match="`budget` has no meaning for a stream"):
        next(stream(pairs(2), rubric="pairwise", budget="5usd"))
