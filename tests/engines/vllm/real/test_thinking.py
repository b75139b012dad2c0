"""Judges that think, on real vLLM: the thinking ends before the answer begins, or is cut."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from judgefast.config import RunConfig
from judgefast.engines.vllm import VllmEngine
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline.run import run
from judgefast.prompts import load_rubric
from judgefast.prompts.decoding import Decoding, Label
from judgefast.runs import Run
from tests.engines.conftest import ON_THE_CPU
from tests.engines.vllm.chain_folder import HARMONY_TEMPLATE, THOUGHT, write_chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"score": {"enum": [1, 2]}},
        "required": ["score"],
        "additionalProperties": False,
    }
)
ANSWERS = {'{"score":1}', '{"score":2}'}


@pytest.fixture(scope="module")
def started(
    vllm_environment: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[VllmEngine, dict[str, Any]]]:
    folder = write_chain(tmp_path_factory.mktemp("models") / "chain")
    settings = {"kv_cache_memory_bytes": 1 << 26, "scheduling_policy": "priority"}
    engine = VllmEngine(str(folder), **ON_THE_CPU | settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_ENABLE_V1_MULTIPROCESSING", "0")  # one process, which starts sooner
        yield engine, engine.start()
        engine.close()


@pytest.fixture
def engine(started: tuple[VllmEngine, dict[str, Any]]) -> VllmEngine:
    return started[0]


@pytest.fixture
def asked(
    engine: VllmEngine, ask: Callable[..., Request], answers: Callable[..., Any]
) -> Callable[..., Completion]:
    def one(text: str, **decoding: Any) -> Completion:
        tokenizer = engine.model.tokenizer
        assert tokenizer is not None
        settings = {"max_tokens": 20, "thinking_tokens": 100} | decoding
        [found] = answers(engine, [ask(tokenizer.encode_trusted(text), Decoding(**settings))])
        completion: Completion = found
        return completion

    return one


def test_the_answer_follows_the_thinking_and_is_held_to_its_own_form(
    asked: Callable[..., Completion],
) -> None:
    free = asked("<think>\n")
    assert (free.reasoning, free.text, free.finish_reason) == (THOUGHT, "[[A]]", "stop")
    assert (free.reasoning_tokens, free.completion_tokens) == (27, 31)
    assert free.prompt_tokens == 2
    held = asked("<think>\n", schema=SCHEMA)
    assert (held.reasoning, held.finish_reason) == (THOUGHT, "stop")
    assert held.text in ANSWERS
    chosen = asked("<think>\n", labels=(Label("yes"), Label("no")))
    assert chosen.text in {"yes", "no"}
    stopped = asked("<think>\n", stop=("c", "A"))
    assert (stopped.reasoning, stopped.text) == (THOUGHT, "[[")
    cut = asked("<think>\n", max_tokens=2)
    assert (cut.reasoning, cut.text, cut.finish_reason) == (THOUGHT, "[[A", "length")
    assert cut.completion_tokens == 29
    drawn = asked("<think>\n", temperature=0.1)
    assert (drawn.reasoning, drawn.text) == (THOUGHT, "[[A]]")


def test_a_budget_that_runs_out_leaves_the_thinking_and_no_answer(
    asked: Callable[..., Completion],
) -> None:
    for budget in (16, 28, 29):
        cut = asked("<think>\n", thinking_tokens=budget, schema=SCHEMA)
        # Two are the marks that would end it.
        is_cut = budget - 2 < len(THOUGHT) + 1
        assert cut.reasoning == THOUGHT[: budget - 2]
        assert cut.reasoning_tokens == budget - 2
        assert cut.finish_reason == ("length" if is_cut else "stop")
        assert (cut.text == "") == is_cut
        assert (cut.completion_tokens == cut.reasoning_tokens) == is_cut
    endless = asked("0", thinking_tokens=300)
    assert endless.reasoning == "0" * 298
    assert (endless.text, endless.finish_reason, endless.error) == ("", "length", None)


def test_a_judge_that_ends_its_thinking_at_once_or_its_turn_is_asked_all_the_same(
    asked: Callable[..., Completion],
) -> None:
    at_once = asked("<think>\nz")
    assert (at_once.reasoning, at_once.text, at_once.reasoning_tokens) == ("", "[[A]]", 1)
    ended = asked("<think>[[", schema=SCHEMA)
    assert (ended.reasoning, ended.reasoning_tokens) == ("A]]", 3)
    assert ended.text in ANSWERS


def test_what_is_read_of_a_prompt_that_goes_straight_to_the_answer_is_not_thought(
    asked: Callable[..., Completion],
) -> None:
    direct = asked("<think>\n\n</think>\n\n", thinking_tokens=0)
    assert (direct.text, direct.reasoning, direct.reasoning_tokens) == ("[[A]]", "", None)
    labels = (Label("A", 33), Label("B", 34))
    read = asked("</think>\n\n", thinking_tokens=0, max_tokens=1, labels=labels, probabilities=True)
    assert (read.reasoning, read.reasoning_tokens, len(read.answers)) == ("", None, 1)
    aloud = asked("yz", thinking_tokens=0)
    assert aloud.text.startswith("</think>"), "a mark in the text is for the reader of verdicts"


def test_harmony_thinks_in_a_channel_and_answers_in_another(
    engine: VllmEngine, asked: Callable[..., Completion], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = msgspec.structs.replace(engine.model, chat_template=HARMONY_TEMPLATE)
    monkeypatch.setattr(engine, "model", model)
    monkeypatch.setattr(engine, "folder", engine.folder._replace(model=model))
    opened = "<|start|>assistant<|channel|>analysis<|message|>"
    found = asked(opened, schema=SCHEMA)
    assert (found.reasoning, found.reasoning_tokens) == ("12", 3)
    assert found.text in ANSWERS
    # The same words, and the answer's end is a message's end as well.
    free = asked(opened)
    assert (free.reasoning, free.text, free.finish_reason) == ("12", "12", "stop")
    cut = asked(f"{opened}0", thinking_tokens=50)
    closing = 4 + len("assistant" + "final")
    assert (cut.reasoning, cut.text) == ("0" * (50 - closing), "")


def test_an_answer_does_not_wait_behind_what_has_not_begun(
    engine: VllmEngine, ask: Callable[..., Request], answers: Callable[..., Any]
) -> None:
    assert engine.model.tokenizer is not None
    long, short = map(engine.model.tokenizer.encode_trusted, ("0", "<think>\n"))
    decoding = Decoding(max_tokens=9, thinking_tokens=200)
    room = engine.lanes[0].room
    requests = [ask(short, decoding), *(ask(long, decoding) for _ in range(room - 1))]
    found: list[Completion] = []
    engine.submit(0, requests)
    while len(found) < room:
        found += engine.collect(timeout_seconds=60)
    assert [each.text for each in found] == ["[[A]]", *[""] * (room - 1)]


def test_both_halves_are_one_request_that_is_cancelled_and_asked_anew_as_one(
    engine: VllmEngine, ask: Callable[..., Request], answers: Callable[..., Any]
) -> None:
    assert engine.model.tokenizer is not None
    endless = engine.model.tokenizer.encode_trusted("0")
    short = engine.model.tokenizer.encode_trusted("<think>\n")
    long = Decoding(max_tokens=4, thinking_tokens=1500)
    cancelled = ask(endless, long)
    engine.submit(0, [cancelled])
    time.sleep(0.3)
    assert engine.in_flight(0) == 1
    engine.cancel([cancelled.request_id])
    [found] = answers(engine, [cancelled], submit=False)
    assert found.finish_reason == "cancelled"
    [supervisor] = engine._supervisors
    assert supervisor.pid is not None
    brief = Decoding(max_tokens=9, thinking_tokens=64)
    requests = [ask(endless, long), *(ask(short, brief) for _ in range(3))]
    engine.submit(0, requests)
    time.sleep(0.1)
    os.kill(supervisor.pid, signal.SIGKILL)
    found = answers(engine, requests, submit=False)
    assert engine.counters()["restarts"] == 1
    assert [each.finish_reason for each in found] == ["length", "stop", "stop", "stop"]
    assert [each.reasoning for each in found[1:]] == [THOUGHT] * 3
    assert {each.attempt for each in found} == {requests[0].attempt}


def test_a_run_keeps_the_thinking_counts_it_and_reads_the_answer_alone(
    started: tuple[VllmEngine, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine, facts = started
    monkeypatch.setattr(engine, "start", lambda: facts)
    monkeypatch.setattr(engine, "close", lambda: None)
    rows = [
        {"id": f"q{n}", "question": f"Q{n}?", "answer_a": "</think>[[B]]", "answer_b": "No."}
        for n in range(3)
    ]
    rubric = tmp_path / "rubric.toml"
    for budget, reasons in ((64, {}), (20, {"truncated": 6})):
        source = load_rubric("pairwise-reasons").source
        rubric.write_text(
            source.replace("[decoding]", f"[decoding]\nthinking_tokens = {budget}"),
            encoding="utf-8",
        )
        out = tmp_path / str(budget)
        config = RunConfig(rubric=str(rubric), out=str(out))
        run(config, data=rows, engine=engine, show_progress=False)
        report = Run.open(out).report
        assert report.results.counts.unparsed == reasons
        directory = RunDirectory.open(out, write=False)
        said = [row for batch in directory.completions() for row in batch.to_pylist()]
        assert len(said) == 6
        assert {row["reasoning"] for row in said} == {THOUGHT[: budget - 2]}
        assert report.operations.tokens.reasoning == sum(row["reasoning_tokens"] for row in said)
        for row in said:
            assert bool(row["text"]) == (not reasons)
            assert THOUGHT not in row["text"]
        [view] = {Run.open(out).show("q1").judgments[0].reasoning}
        assert view == THOUGHT[: budget - 2]
