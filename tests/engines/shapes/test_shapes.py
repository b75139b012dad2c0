"""The protocol fits engines of every shape: each judges, is lost half-way, and is gone on with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from judgefast.batches.request import Request
from judgefast.codes import Status
from judgefast.config import RunConfig
from judgefast.datasets.items import Answer, Item
from judgefast.datasets.rows import items_of, iter_rows
from judgefast.errors import EngineError
from judgefast.pipeline.read_plan import load_plan
from judgefast.pipeline.results import read_run
from judgefast.pipeline.run import run
from judgefast.prompts import PromptPlan, load_rubric
from judgefast.prompts.decoding import Capabilities

from .chat import ChatEngine
from .completions import CompletionsEngine
from .decisions import DecisionEngine
from .judging import HOSTILE, assert_judged, judge
from .server import JudgeServer
from .stepped import SteppedEngine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.engines.base import Engine

    MakeEngine = Callable[..., Engine]

RUBRICS = ("pairwise", "scalar-1-5", "binary")
OVER_HTTP = ("chat", "completions", "decisions")
READ_BY = {"chat": "text", "completions": "text", "decisions": "all"}


@pytest.fixture
def qwen(shared: Path) -> Path:
    return shared / "h200/configs/Qwen2.5-72B-Instruct"


@pytest.fixture
def made(qwen: Path) -> MakeEngine:
    def make(name: str, url: str, **options: Any) -> Engine:
        if name == "chat":
            return ChatEngine(url=url, **options)
        if name == "decisions":
            return DecisionEngine(url=url, **options)
        template = str(qwen / "tokenizer_config.json")
        return CompletionsEngine(url=url, template=template, **options)

    return make


@pytest.mark.parametrize("rubric", RUBRICS)
@pytest.mark.parametrize("by", ["text", "peak"])
def test_an_engine_that_is_stepped_judges_on_two_lanes(
    rubric: str, by: str, qwen: Path, tmp_path: Path
) -> None:
    engine = SteppedEngine(folder=str(qwen), probabilities=by == "peak")
    done = judge(engine, rubric, tmp_path / "run", 12)
    assert done.status == 0
    assert_judged(tmp_path / "run", rubric, 12, by=by)
    spent = done.report.operations
    assert spent.tokens.cached > 0.5 * spent.tokens.prompt  # the rubric, on each lane
    reading = read_run(tmp_path / "run")
    groups = load_plan(reading.directory).columns.prefix_group
    lanes: dict[int, set[int]] = {}
    for batch in reading.directory.completions(["request_id", "lane"]):
        places = reading.table.answers.rows(batch.column("request_id"))
        for place, lane in zip(places.tolist(), batch.column("lane").to_pylist(), strict=True):
            lanes.setdefault(int(groups[place]), set()).add(lane)
    assert all(len(used) == 1 for used in lanes.values())
    assert set.union(*lanes.values()) == {0, 1}


@pytest.mark.parametrize("rubric", RUBRICS)
@pytest.mark.parametrize("name", OVER_HTTP)
def test_an_engine_over_http_judges_and_what_is_turned_away_is_no_attempt(
    name: str, rubric: str, made: MakeEngine, tmp_path: Path
) -> None:
    with JudgeServer(busy=9) as server:
        done = judge(made(name, server.url), rubric, tmp_path / "run", 12)
    assert done.status == 0
    assert_judged(tmp_path / "run", rubric, 12, by=READ_BY[name])
    spent = done.report.operations
    assert (spent.requests, spent.attempts) == (24, 24)
    assert server.answered == 24
    assert spent.tokens.prompt > 24
    if name == "chat":
        assert spent.tokens.cached == 7 * 24
    else:
        assert spent.tokens.cached is None


@pytest.mark.parametrize("name", OVER_HTTP)
def test_a_server_that_is_killed_leaves_typed_failures_and_the_rest_can_be_resumed(
    name: str, made: MakeEngine, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    with JudgeServer(dies_after=9) as server:
        cut = judge(made(name, server.url, patience=0.1), "pairwise", out, 12)
    assert cut.status == 3
    counts = cut.report.results.counts
    assert counts.parsed == 9
    if name == "decisions":
        assert cut.why.startswith("the engine was lost: no answer from 127.0.0.1")
        assert counts.not_judged == {"interrupted": 15}
    else:
        assert cut.why == "15 judgments failed"
        assert counts.failed == {"engine_error": 15}
    with JudgeServer() as server:
        done = judge(made(name, server.url), "pairwise", out, 12)
    assert (done.status, server.answered) == (0, 15)
    assert_judged(out, "pairwise", 12, by=READ_BY[name])


def test_a_replica_that_dies_ends_the_start_with_what_came_before(
    qwen: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    cut = judge(SteppedEngine(folder=str(qwen), dies_after=5), "pairwise", out, 12)
    assert cut.status == 3
    assert cut.why.startswith("the engine was lost: a replica died: CUDA error")
    done = cut.report.results.counts.parsed
    assert 5 <= done < 24
    engine = SteppedEngine(folder=str(qwen))
    finished = judge(engine, "pairwise", out, 12)
    assert finished.status == 0
    assert finished.report.operations.attempts == 24
    assert_judged(out, "pairwise", 12, by="text")


def test_a_server_that_is_not_there_is_an_error_before_anything_is_judged(
    made: MakeEngine, tmp_path: Path
) -> None:
    with JudgeServer() as server:
        pass
    for name in OVER_HTTP:
        with pytest.raises(EngineError, match=r"no judge at 127\.0\.0\.1:"):
            judge(made(name, server.url), "binary", tmp_path / name, 2)


def test_untrusted_texts_arrive_as_they_are(made: MakeEngine, tmp_path: Path) -> None:
    for name in OVER_HTTP:
        with JudgeServer() as server:
            judge(made(name, server.url), "pairwise", tmp_path / name, 2)
        posts = [post for post in server.posts if any(HOSTILE in text for text in _strings(post))]
        assert len(posts) == 2
        for post in posts:
            if name == "decisions":
                assert HOSTILE in (post["state"]["answer_1"], post["state"]["answer_2"])
                assert list(post["state"]) == ["question", "answer_1", "answer_2"]
                assert post["state"]["question"] == "Question 0?"
                assert post["questions"]["q0"]["criteria"]["A"] == "answer_1 is better"
            elif name == "chat":
                assert [message["role"] for message in post["messages"]] == ["system", "user"]
                assert f"]\n{HOSTILE}\n[" in post["messages"][1]["content"]
            else:
                assert f"]\n{HOSTILE}\n[" in post["prompt"]
                assert post["prompt"].endswith("<|im_start|>assistant\n")
    stored = [item for batch in iter_rows(tmp_path / "chat") for item in items_of(batch)]
    assert HOSTILE in {answer.text for item in stored for answer in item.answers}


def test_what_a_filter_withholds_is_an_answer_and_is_not_asked_again(
    made: MakeEngine, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    with JudgeServer(filtered="Question 3?") as server:
        cut = judge(made("chat", server.url), "binary", out, 6)
        again = judge(made("chat", server.url), "binary", out, 6)
    assert cut.report.results.counts.unparsed == {"refused": 1}
    assert (cut.status, again.status, server.answered) == (0, 0, 12)
    status = read_run(out).verdicts.status
    assert (status == Status.REFUSED).sum() == 1
    replayed = run(
        RunConfig(rubric="binary", engine="replay", recorded=str(out), out=str(tmp_path / "two")),
        show_progress=False,
    )
    assert replayed.report.results.counts == cut.report.results.counts


def test_one_request_of_a_decision_engine_answers_several_keys() -> None:
    engine_of = {"takes": "state", "label_probabilities": True}
    plans = [PromptPlan(load_rubric(name), None, Capabilities(**engine_of)) for name in RUBRICS[1:]]
    item = Item(item_id="i", cluster="c", question="Q?", answers=(Answer("so so so yes"),))
    keys = (b"a" * 16, b"b" * 16)
    request = Request(
        request_id=b"r" * 16,
        keys=keys,
        item_id="i",
        shown=(0,),
        repeat=0,
        judge="opinionated",
        questions=tuple(plan.questions[0] for plan in plans),
        prompt=plans[0].render(item, (0,)),
        prefix_group=0,
        decoding=plans[0].decoding,
        seed=0,
    )
    with JudgeServer() as server:
        engine = DecisionEngine(url=server.url)
        engine.start()
        engine.submit(0, [request])
        (completion,) = engine.collect(timeout_seconds=5)
        engine.close()
    assert len(server.posts) == 1
    assert [read.question for read in completion.answers] == [0, 1] == list(range(len(keys)))
    best = [max(range(len(r.logprobs)), key=r.logprobs.__getitem__) for r in completion.answers]
    assert best == [3, 0]  # the label `4`, and the label `1`, which comes first


def _strings(post: Any) -> list[str]:
    if isinstance(post, dict):
        return [text for value in post.values() for text in _strings(value)]
    if isinstance(post, list):
        return [text for value in post for text in _strings(value)]
    return [post] if isinstance(post, str) else []
