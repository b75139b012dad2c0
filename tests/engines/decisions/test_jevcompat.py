"""The engine against `jevcompat mock` with each fault that it knows: what each comes to.

A fault of what we do not ask for, or do not need, changes nothing. One that makes an answer none
leaves those beside it. One that leaves no answers ends the start.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Literal

import pytest
from jevcompat.mock import FAULTS, MockConfig, make_server

from judgefast.engines.decisions.asked import read_kept
from judgefast.engines.decisions.engine import DecisionsEngine
from judgefast.engines.remote.options import KEY_NAMES
from judgefast.errors import EngineError
from judgefast.prompts.questions import Option, Question

from .asking import request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.engines.base import Completion

BETTER = Question(
    "overall",
    "choice",
    "Which answer is better?",
    (
        Option("Première", "answer_1 is better", 0),
        Option("Seconde", "answer_2 is better", 1),
        Option("Tie", "they are alike", 2),
    ),
)
GOOD = Question(
    "quality", "score", "How good is it?", tuple(Option(f"{n}", f"level {n}", n) for n in range(6))
)
RIGHT = Question(
    "right", "yes_no", "Is it right?", (Option("yes", "yes", 0), Option("no", "no", 1))
)

ASPECTS = [question.aspect for question in (BETTER, GOOD, RIGHT)]

Outcome = Literal["ok", "malformed", "refused"]
ALL: dict[str, set[str]] = {
    "first-question-only": {"quality", "right"},
    "nfd-keys": {"overall"},
    "extra-answer": {"overall", "quality", "right"},
    "boolean-type": {"right"},
    "noul-range": {"right"},
    "choice-key-case": {"overall"},
    "choice-sum": {"overall"},
    "legend-1-based": {"quality"},
    "score-keys-1-based": {"quality"},
    "score-sum": {"quality"},
}
"""Faults that make answers none, and to which of the questions: to one that is put twice, once is
enough."""
NEVER = {
    "wrong-route": "/v1/systemone answered 404: No route /v1/systemone",
    "xssi-200": "the reply is no JSON: it begins `)]}'",
    "reject-jev-latest": "Model not served: jev-latest",
}
"""Faults that leave no answers, and the words in which the start ends."""
FAILED = {"cap-5-levels": ("unsupported", "at most 5 items")}
"""Faults that refuse the request, its kind and its words."""


def asked(*faults: str, key: str | None = None) -> Completion:
    """One request to a server with these faults."""
    with served(MockConfig(key=key, faults=frozenset(faults))) as url:
        engine = DecisionsEngine("jev-latest", url, max_retries=0, patience_seconds=1)
        try:
            engine.start()
            engine.submit(0, [request((BETTER, GOOD, RIGHT))])
            (completion,) = engine.collect(timeout_seconds=20)
        finally:
            engine.close()
    return completion


@contextmanager
def served(config: MockConfig) -> Iterator[str]:
    """Its own context looks only twice a second whether it is to end."""
    server = make_server(config)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def outcomes(completion: Completion) -> dict[str, Outcome]:
    """What became of each question."""
    found: dict[str, Outcome] = {}
    for read in completion.answers:
        aspect = ASPECTS[read.question]
        if not read.logprobs:
            found[aspect] = "refused"
        else:
            is_none = all(value == -math.inf for value in read.logprobs)
            found[aspect] = "malformed" if is_none else "ok"
    return found


@pytest.fixture(scope="module")
def sound() -> Completion:
    """Without a fault."""
    return asked()


def test_a_sound_server_answers_all(sound: Completion) -> None:
    assert set(outcomes(sound).values()) == {"ok"}
    kept = read_kept(sound.text)
    assert kept is not None
    assert kept.model == "jevcompat-mock-0.1"
    assert [[put.order for put in puts] for puts in kept.questions] == [
        [(0, 1, 2), (2, 1, 0)],
        [tuple(range(6))],
        [(0, 1)],
    ]


LEAKS = {"id-leaks", "batch-leaks", "order-leaks"}
"""The model sees what it should not: its numbers are others, and nobody could tell."""
HARMLESS = sorted(set(FAULTS) - set(ALL) - set(NEVER) - set(FAILED) - LEAKS)


@pytest.mark.parametrize("fault", HARMLESS)
def test_a_fault_of_what_no_verdict_needs_changes_nothing(fault: str, sound: Completion) -> None:
    assert asked(fault).answers == sound.answers


@pytest.mark.parametrize("fault", sorted(LEAKS))
def test_a_model_that_sees_too_much_is_answered_all_the_same(fault: str) -> None:
    assert set(outcomes(asked(fault)).values()) == {"ok"}


@pytest.mark.parametrize("fault", ALL)
def test_an_answer_that_is_none_is_malformed_alone(fault: str, sound: Completion) -> None:
    completion = asked(fault)
    found = outcomes(completion)
    assert {aspect for aspect, each in found.items() if each == "malformed"} == ALL[fault]
    assert completion.finish_reason == "stop"
    for read, other in zip(completion.answers, sound.answers, strict=True):
        if ASPECTS[read.question] not in ALL[fault]:
            assert read == other


@pytest.mark.parametrize("fault", NEVER)
def test_a_server_without_answers_ends_the_start(fault: str) -> None:
    with pytest.raises(EngineError) as told:
        asked(fault)
    assert NEVER[fault] in str(told.value)


@pytest.mark.parametrize("fault", FAILED)
def test_a_server_with_lower_limits_fails_the_request(fault: str) -> None:
    completion = asked(fault)
    kind, words = FAILED[fault]
    assert (completion.finish_reason, completion.error_kind) == ("error", kind)
    assert completion.error is not None
    assert words in completion.error


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """Ours, as the engine finds it."""
    monkeypatch.setenv("JUDGEFAST_API_KEY", "sk-of-ours")
    return "sk-of-ours"


def test_a_key_is_sent(key: str, sound: Completion) -> None:
    assert asked(key=key).answers == sound.answers


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ("auth-rejects-header", None),
        ("auth-x-api-key", "sk-of-ours"),
        ("auth-invalid-403-text", "sk-of-another"),
        ("text-errors", "sk-of-another"),
        ("validation-400", "sk-of-another"),
    ],
)
@pytest.mark.usefixtures("key")
def test_a_key_that_is_refused_ends_the_start(fault: str, wanted: str | None) -> None:
    with pytest.raises(EngineError, match=r"answered 40[13]: ") as told:
        asked(fault, key=wanted)
    assert "JUDGEFAST_API_KEY" in str(told.value.hint)
    assert "sk-of" not in f"{told.value} {told.value.hint}"


@pytest.mark.parametrize("fault", ["auth-plain", "text-errors", "error-flat"])
def test_a_key_that_is_missing_ends_the_start(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEY_NAMES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(EngineError, match=r"answered 40[13]: ") as told:
        asked(fault, key="sk-of-another")
    assert "JUDGEFAST_API_KEY" in str(told.value.hint)
