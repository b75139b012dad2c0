"""What `engines/base.py` promises of every engine, for those that run without a model."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.batches.request import Question, Request
from judgefast.engines.replay import ReplayEngine
from judgefast.prompts.decoding import Decoding
from judgefast.prompts.segments import Prompt, Segment
from tests.engines.scripted import ScriptedEngine, answered

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.engines.base import Completion, Engine

PAGE = Path(__file__).resolve().parents[2] / "docs" / "engines.md"
NUM = 40


def of_the_page() -> Engine:
    """The example that `docs/engines.md` gives to authors."""
    names: dict[str, Any] = {}
    text = PAGE.read_text(encoding="utf-8")
    exec(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)[0], names)  # noqa: S102 - ours
    engine: Engine = names["LongerAnswerEngine"](room=NUM)
    return engine


def replay() -> Engine:
    """Recordings of all but the last two items."""
    return ReplayEngine(recorded=[{"id": str(n), "text": "A"} for n in range(NUM - 2)])


ENGINES: dict[str, Callable[[], Engine]] = {
    "page": of_the_page,
    "replay": replay,
    "scripted": lambda: ScriptedEngine(lambda request: answered(request, "A"), room=NUM),
}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Any:
    made = ENGINES[request.param]()
    made.start()
    yield made
    made.close()


def requests() -> list[Request]:
    texts = ("Which is longer?", "one", "two and more")
    segments = tuple(Segment(text, trusted=False) for text in texts)
    return [
        Request(
            request_id=number.to_bytes(16, "big"),
            keys=(number.to_bytes(16, "big"),),
            item_id=str(number),
            shown=(0,),
            repeat=0,
            judge="judge",
            questions=(Question("overall", "choice", "", ("A", "B")),),
            prompt=Prompt(segments, None, bytes(16), 0),
            prefix_group=number // 4,
            decoding=Decoding(max_tokens=1),
            seed=number,
            attempt=3,
        )
        for number in range(NUM)
    ]


def collect_all(engine: Engine, seconds: float = 10) -> list[Completion]:
    done: list[Completion] = []
    until = time.monotonic() + seconds
    while engine.in_flight(0) and time.monotonic() < until:
        done += engine.collect(timeout_seconds=0.1)
    return done


def test_every_request_comes_back_once_as_the_attempt_that_was_asked(engine: Engine) -> None:
    asked = requests()
    engine.submit(0, asked[:10])
    engine.submit(0, asked[10:])
    assert engine.in_flight(0) == NUM
    done = collect_all(engine)
    assert sorted(one.request_id for one in done) == [one.request_id for one in asked]
    assert {(one.attempt, one.lane) for one in done} == {(3, 0)}
    assert engine.in_flight(0) == 0


def test_a_completion_is_a_text_or_says_why_there_is_none(engine: Engine) -> None:
    engine.submit(0, requests())
    for one in collect_all(engine):
        is_error = one.finish_reason == "error"
        assert (one.error_kind is not None) == is_error
        assert bool(one.error) == is_error
        assert not (is_error and one.text)


def test_what_is_cancelled_comes_back_soon_and_unknown_ids_are_ignored(engine: Engine) -> None:
    asked = requests()
    engine.submit(0, asked)
    engine.cancel([one.request_id for one in asked] + [b"nobody asked me."])
    done = collect_all(engine, seconds=2)
    assert len(done) == NUM
    assert {one.finish_reason for one in done} <= {"cancelled", "stop", "error"}


def test_nothing_in_flight_gives_an_empty_list_in_time(engine: Engine) -> None:
    started = time.monotonic()
    assert engine.collect(timeout_seconds=0.05) == []
    assert time.monotonic() - started < 1


def test_the_same_requests_get_the_same_answers(engine: Engine) -> None:
    assert engine.capabilities.deterministic
    seen = []
    for _ in range(2):
        engine.submit(0, requests())
        done = collect_all(engine)
        seen.append({one.request_id: (one.finish_reason, one.text, one.error) for one in done})
    assert seen[0] == seen[1]


@pytest.mark.parametrize("name", ENGINES)
def test_closing_is_quick_safe_twice_and_without_a_start(name: str) -> None:
    never_started, started = ENGINES[name](), ENGINES[name]()
    never_started.close()
    assert isinstance(started.start(), dict)
    started.submit(0, requests())
    begin = time.monotonic()
    started.close()
    started.close()
    assert time.monotonic() - begin < 1
