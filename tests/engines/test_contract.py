"""What `engines.base.Engine` promises, promise by promise, for engines of every shape."""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import re
import time
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import pytest

from judgefast.batches.cache import CacheSettings, CacheSimulator
from judgefast.batches.request import Request
from judgefast.datasets.items import Answer, Item
from judgefast.engines import built_in, create_engine, engine_names
from judgefast.engines.base import Completion, Engine, PrefixCache, prefix_cache_of
from judgefast.engines.decisions import DecisionsEngine
from judgefast.engines.replay import ReplayEngine
from judgefast.engines.vllm import VllmEngine
from judgefast.errors import EngineError
from judgefast.journal.columns import Line, to_batch
from judgefast.prompts import PromptPlan, load_rubric

from .http.byte_model import write_byte_model
from .http.serving import FaultServer
from .model_engines import FEW, ModelEngines
from .scripted import ScriptedEngine, answered, failed
from .shapes.chat import ChatEngine
from .shapes.completions import CompletionsEngine
from .shapes.decisions import DecisionEngine
from .shapes.server import JudgeServer
from .shapes.stepped import SteppedEngine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PAGE = Path(__file__).resolve().parents[2] / "docs" / "engines.md"
NAMES: list[Any] = ["scripted", "replay", "page", "stepped", "http-ids", "http-words"]
NAMES += ["chat", "completions", "decisions", "served"]
MODELS = [pytest.mark.embedded, pytest.mark.slow]
NAMES += [pytest.param("embedded", marks=MODELS), pytest.param("http-llama", marks=MODELS)]
if importlib.util.find_spec("vllm"):
    NAMES.append("vllm")
OF_OTHERS = sorted(set(engine_names()) - set(built_in()))
"""Engines that are installed beside judgefast; JUDGEFAST_ENGINE_ARGS has their options, as JSON."""
NAMES += OF_OTHERS
OVER_HTTP: dict[str, Any] = {"chat": ChatEngine, "completions": CompletionsEngine}
OVER_HTTP |= {"decisions": DecisionEngine, "served": lambda url: DecisionsEngine(base_url=url)}
BAD = "bad"
"""Id of an item whose judgment fails, whatever the engine."""


class Case(NamedTuple):
    engine: Engine
    server: JudgeServer | FaultServer | None
    few: int = 30
    rubric: str = "pairwise"

    def requests(self, ids: Iterable[str]) -> list[Request]:
        """Requests about items of these ids; that of `BAD` cannot be answered."""
        return requests(self.engine, ids, self.rubric)

    def good(self, n: int | None = None) -> list[Request]:
        return self.requests([f"i{number}" for number in range(n or self.few)])

    @contextmanager
    def held(self) -> Iterator[None]:
        """Where there is a server: it answers nothing."""
        if self.server:
            self.server.gate.clear()
        yield
        if self.server:
            self.server.gate.set()


@pytest.fixture(params=NAMES)
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    if request.param in OVER_HTTP:
        options: dict[str, Any] = {}
        if request.param == "completions":
            options["template"] = str(qwen(request) / "tokenizer_config.json")
        with JudgeServer(busy=1, refused="poison") as server:
            made = Case(OVER_HTTP[request.param](url=server.url, **options), server)
            yield made
            made.engine.close()
        return
    if request.param == "vllm":
        yield of_vllm(request)
        return
    if request.param in FEW:
        yield of_a_model(request)
        return
    if request.param.startswith("http"):
        yield of_http(request)
        return
    engine: Engine
    if request.param == "scripted":
        engine = ScriptedEngine(
            lambda each: failed(each) if each.item_id == BAD else answered(each, "A"), takes="chat"
        )
    elif request.param == "page":
        engine = of_the_page()
    elif request.param in OF_OTHERS:
        options = json.loads(os.environ.get("JUDGEFAST_ENGINE_ARGS", "{}"))
        engine = create_engine(request.param, **options)
    elif request.param == "replay":
        rows = [{"id": f"i{n}", "order": "ab", "text": "A"} for n in range(40)]
        engine = ReplayEngine(recorded=rows)
    else:
        engine = SteppedEngine(folder=str(qwen(request)))
    yield Case(engine, None)
    engine.close()


def qwen(request: pytest.FixtureRequest) -> Path:
    """A real tokenizer and chat template; whoever adds an engine does without."""
    shared: Path = request.getfixturevalue("shared")
    return shared / "h200/configs/Qwen2.5-72B-Instruct"


@pytest.fixture(scope="module")
def judge_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultServer]:
    """A server that refuses what holds the word `poison`, and takes as much as its judge."""
    rule = {"do": "status", "status": 400, "about": "poison", "times": None}
    with FaultServer(tmp_path_factory.mktemp("server"), rules=[rule]) as server:
        yield server


@pytest.fixture(scope="module")
def byte_judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_byte_model(tmp_path_factory.mktemp("models") / "judge")


def of_http(request: pytest.FixtureRequest) -> Case:
    """One server for all tests; the engine sends it token ids, or words."""
    server = request.getfixturevalue("judge_process")
    options: dict[str, Any] = {"base_url": (server.url,)}
    if request.param == "http-ids":
        options["tokenizer"] = str(request.getfixturevalue("byte_judge"))
    else:
        options["api"] = "chat"
    engine = create_engine("http", **options)
    request.addfinalizer(engine.close)
    return Case(engine, server)


def of_vllm(request: pytest.FixtureRequest) -> Case:
    """An engine that serves all tests until one closes it."""
    if "never_started" in request.function.__name__:
        return Case(VllmEngine(), None)
    engine, facts = request.getfixturevalue("replicas")(1)
    engine.start = lambda: facts
    return Case(engine, None)


@pytest.fixture(scope="module")
def models(
    smollm2_weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ModelEngines]:
    with ModelEngines(smollm2_weights, tmp_path_factory.mktemp("engines")) as made:
        yield made


def of_a_model(request: pytest.FixtureRequest) -> Case:
    """One start for all tests until one closes it, which is the last of those that ask it."""
    if "never_started" in request.function.__name__:
        return Case(create_engine("embedded"), None)
    models: ModelEngines = request.getfixturevalue("models")
    engine, facts = models.started(request.param)
    engine.start = lambda: facts
    return Case(engine, None, FEW[request.param], str(models.rubric))


def of_the_page() -> Engine:
    """The example that `docs/engines.md` gives to authors."""
    names: dict[str, Any] = {}
    text = PAGE.read_text(encoding="utf-8")
    exec(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)[0], names)  # noqa: S102 - ours
    engine: Engine = names["LongerAnswerEngine"]()
    return engine


def requests(engine: Engine, ids: Iterable[str], rubric: str) -> list[Request]:
    plan = PromptPlan(load_rubric(rubric), engine.model, engine.capabilities)
    made = []
    for number, name in enumerate(ids):
        question = "poison " * 12_000 if name == BAD else f"Question {number}?"
        answers = (Answer("one"), Answer("one more"))
        item = Item(item_id=name, cluster=name, question=question, answers=answers)
        is_read = engine.capabilities.takes != "key"
        if name == BAD and engine.name in {"longer", *OF_OTHERS}:
            is_read = False  # the one thing that none can answer that reads its prompt
        made.append(
            Request(
                request_id=number.to_bytes(16, "little"),
                keys=(number.to_bytes(16, "little"),),
                item_id=name,
                shown=(0, 1),
                repeat=0,
                judge=engine.model.judge,
                questions=plan.questions,
                prompt=plan.render(item, (0, 1)) if is_read else None,
                prefix_group=number,
                decoding=plan.decoding,
                seed=number,
                attempt=1 + number % 3,
            )
        )
    return made


def submit(engine: Engine, asked: list[Request]) -> dict[int, list[Request]]:
    """Hand requests to the lanes in turn."""
    lanes = [lane.lane for lane in engine.lanes]
    by_lane = {lane: asked[place :: len(lanes)] for place, lane in enumerate(lanes)}
    for lane, members in by_lane.items():
        engine.submit(lane, members)
    return by_lane


def flying(engine: Engine) -> int:
    return sum(engine.in_flight(lane.lane) for lane in engine.lanes)


def collect_all(engine: Engine, *, seconds: float = 20) -> list[Completion]:
    until = time.monotonic() + seconds
    done: list[Completion] = []
    while flying(engine) and time.monotonic() < until:
        done += engine.collect(timeout_seconds=0.1)
    assert not flying(engine)
    assert engine.collect(timeout_seconds=0.05) == []
    return done


def test_every_member_of_the_protocol_is_there(case: Case) -> None:
    for name, member in inspect.getmembers(Engine, inspect.isfunction):
        if not name.startswith("_"):
            own = inspect.signature(getattr(case.engine, name)).parameters
            assert list(own) == list(inspect.signature(member).parameters)[1:], name


def test_what_a_judge_is_is_known_before_it_starts(case: Case) -> None:
    engine = case.engine
    assert engine.name
    assert engine.model.name
    assert engine.model.judge.startswith(engine.model.name)
    assert engine.capabilities.takes in {"ids", "text", "chat", "state", "key"}
    numbers = [lane.lane for lane in engine.lanes]
    assert numbers == list(range(len(numbers)))
    assert all(lane.room >= 1 for lane in engine.lanes)


def test_an_engine_that_knows_its_prefix_cache_says_so_before_it_starts(case: Case) -> None:
    cache = prefix_cache_of(case.engine)
    assert isinstance(cache, PrefixCache | None)
    if case.engine.name in {"embedded", "vllm"}:
        assert cache is not None
        assert cache.block_tokens % 16 == 0
    if cache is not None:
        CacheSimulator(CacheSettings.of(cache, generated_tokens=1))
        assert json.loads(json.dumps(msgspec.to_builtins(cache)))["running"] >= 1


def test_the_facts_of_a_launch_can_be_written_down(case: Case) -> None:
    assert json.loads(json.dumps(facts := case.engine.start())) == facts


def test_each_request_comes_back_once_with_its_attempt_and_lane(case: Case) -> None:
    engine = case.engine
    engine.start()
    by_lane = submit(engine, case.good())
    done = collect_all(engine)
    lane_of = {r.request_id: lane for lane, members in by_lane.items() for r in members}
    attempt_of = {r.request_id: r.attempt for members in by_lane.values() for r in members}
    assert Counter(each.request_id for each in done) == Counter(lane_of.keys())
    for each in done:
        assert each.lane == lane_of[each.request_id]
        assert each.attempt == attempt_of[each.request_id]
        assert (each.finish_reason, each.error_kind, each.error) == ("stop", None, None)
        assert each.answers or each.text in {"A", "B", "C"}


def test_submit_does_not_wait_for_the_model(case: Case) -> None:
    engine = case.engine
    engine.start()
    with case.held():
        started = time.monotonic()
        by_lane = submit(engine, case.good())
        assert time.monotonic() - started < 1
        for lane, members in by_lane.items():
            assert engine.in_flight(lane) == len(members)
    collect_all(engine)


def test_no_requests_are_no_work(case: Case) -> None:
    engine = case.engine
    engine.start()
    for lane in engine.lanes:
        engine.submit(lane.lane, [])
    assert flying(engine) == 0
    assert engine.collect(timeout_seconds=0.05) == []


def test_collect_gives_up_waiting_when_its_time_is_up(case: Case) -> None:
    engine = case.engine
    engine.start()
    started = time.monotonic()
    assert engine.collect(timeout_seconds=0.05) == []
    with case.held():
        if case.server:
            submit(engine, case.good(3))
            assert engine.collect(timeout_seconds=0.05) == []
        assert time.monotonic() - started < 2
    collect_all(engine)


def test_a_request_that_fails_is_a_completion_that_says_why(case: Case) -> None:
    engine = case.engine
    engine.start()
    asked = case.requests(["i0", BAD, "i2"])
    submit(engine, asked)
    done = {each.request_id: each for each in collect_all(engine)}
    bad = done.pop(asked[1].request_id)
    assert (bad.finish_reason, bad.answers) == ("error", ())
    assert not bad.text or engine.capabilities.takes == "state", "where it may hold the bill"
    assert bad.error_kind in {"engine_error", "too_long", "invalid"}
    assert bad.error
    assert {each.finish_reason for each in done.values()} == {"stop"}
    assert len(done) == 2


def test_what_is_cancelled_comes_back_soon(case: Case) -> None:
    engine = case.engine
    engine.start()
    asked = case.good()
    with case.held():
        submit(engine, asked)
        engine.cancel([b"unknown".ljust(16), *(each.request_id for each in asked)])
        done = collect_all(engine, seconds=2)
    assert Counter(each.request_id for each in done) == Counter(r.request_id for r in asked)
    assert {each.finish_reason for each in done} <= {"stop", "cancelled"}
    submit(engine, case.good(5))  # and it goes on
    assert [each.finish_reason for each in collect_all(engine)] == ["stop"] * 5


def test_the_same_requests_give_the_same_completions(case: Case) -> None:
    engine = case.engine
    if not engine.capabilities.deterministic:
        pytest.skip("this engine does not promise it")
    engine.start()
    seen = []
    for asked in (case.good(), case.good()[::-1]):
        submit(engine, asked)
        done = sorted(collect_all(engine), key=lambda each: each.request_id)
        seen.append(done)
    first, again = ([(each.request_id, each.text) for each in done] for done in seen)
    assert first == again
    shares = [[x for each in done for read in each.answers for x in read.logprobs] for done in seen]
    # Which prompts are computed together decides the last digits.
    assert shares[0] == pytest.approx(shares[1], rel=0, abs=1e-3)


def test_completions_can_be_journaled(case: Case) -> None:
    engine = case.engine
    engine.start()
    submit(engine, case.requests(["i0", BAD]))
    for each in collect_all(engine):
        line = msgspec.json.decode(msgspec.json.encode(each), type=Line)
        batch = to_batch([line], launch="ff", first_row=0)
        assert batch.to_pylist()[0]["text"] == each.text
        for count in (each.prompt_tokens, each.cached_tokens, each.completion_tokens):
            assert count is None or count >= 0


def test_close_drops_what_is_in_flight_within_a_second_and_twice(case: Case) -> None:
    engine = case.engine
    engine.start()
    with case.held():
        asked = case.good()
        submit(engine, asked)
        started = time.monotonic()
        engine.close()
        engine.close()
        assert time.monotonic() - started < 1
        for _ in range(2):
            with suppress(EngineError):  # or nothing comes
                engine.collect(timeout_seconds=0)
        engine.cancel([request.request_id for request in asked])


def test_an_engine_that_never_started_can_be_closed(case: Case) -> None:
    case.engine.close()
    case.engine.close()
