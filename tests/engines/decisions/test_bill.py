"""What a reply took is on the bill also where the request that it belongs to has failed."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.engines.decisions import DecisionsEngine
from judgefast.engines.decisions.asked import read_kept
from judgefast.engines.decisions.quirks import QUIRKS, quirks_of, shows_all_questions

from .honest import systemone
from .judging import PAIR, ask, collected, requests
from .scripted_server import DIES, Say, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable


def paid(body: dict[str, Any]) -> dict[str, Any]:
    reply: dict[str, Any] = json.loads(systemone(json.dumps(body).encode()))
    return reply | {"usage": {"input_tokens": 50, "output_tokens": 0, "cost": 0.001}}


def test_a_part_that_was_answered_is_paid_for_though_the_next_one_was_refused() -> None:
    def script(number: int, body: dict[str, Any]) -> Say | None:
        return Say(422, {"error": "no"}) if number == 2 else Say(200, paid(body))

    with ScriptedServer(script) as server:
        done = ask(server.url, questions=1, concurrency=1, start_concurrency=1)
    (failed,) = done.completions
    assert (failed.finish_reason, failed.error_kind) == ("error", "invalid")
    assert failed.prompt_tokens == 50
    kept = read_kept(failed.text)
    assert kept is not None
    assert (kept.model, kept.questions, kept.usd) == ("m", (), 0.001)


def test_a_state_that_was_cut_is_paid_for() -> None:
    def script(number: int, body: dict[str, Any]) -> Say:
        reply = paid(body)
        if number:
            reply["usage"]["state_tokens_dropped"] = 41
        return Say(200, reply)

    with ScriptedServer(script) as server:
        done = ask(server.url)
    assert done.completions[0].error_kind == "too_long"
    assert [kept.usd for kept in done.kept] == [0.001]


def test_a_request_without_any_reply_has_cost_nothing_that_is_known() -> None:
    def script(number: int, body: dict[str, Any]) -> Say:
        return Say(422, {"error": "no"}) if number else Say(200, paid(body))

    with ScriptedServer(script) as server:
        (failed,) = ask(server.url).completions
    assert (failed.text, failed.prompt_tokens) == ("", None)


def test_what_came_before_a_request_was_given_up_is_paid_for() -> None:
    may_end, came = threading.Event(), threading.Event()

    def script(number: int, body: dict[str, Any]) -> Say:
        if number == 2:
            came.set()
            may_end.wait(20)
        return Say(200, paid(body))

    with ScriptedServer(script) as server:
        engine = DecisionsEngine(
            base_url=server.url, questions=1, concurrency=1, start_concurrency=1
        )
        try:
            engine.start()
            (asked,) = requests(engine, [PAIR])
            engine.submit(0, [asked])
            assert came.wait(20)
            engine.cancel([asked.request_id])
            until, found = time.monotonic() + 20, []
            while not found and time.monotonic() < until:
                found = list(engine.collect(timeout_seconds=0.1))
        finally:
            may_end.set()
            engine.close()
    (given_up,) = found
    assert given_up.finish_reason == "cancelled"
    kept = read_kept(given_up.text)
    assert kept is not None
    assert (kept.usd, given_up.prompt_tokens) == (0.001, 50)


def test_the_small_questions_of_a_second_server_and_of_one_that_is_back_are_paid_for() -> None:
    """Each server bills another amount, so that it is known whose question is on the bill."""

    def counting(tokens: int) -> Callable[[bytes], bytes]:
        def answer(body: bytes) -> bytes:
            usage = {"usage": {"input_tokens": tokens}}
            return json.dumps(json.loads(systemone(body)) | usage).encode()

        return answer

    def script(number: int, body: dict[str, Any]) -> Say | None:
        del body
        return DIES if 5 <= number < 8 else None

    with (
        ScriptedServer(script, paths={"/v1/systemone": counting(50)}) as first,
        ScriptedServer(paths={"/v1/systemone": counting(7)}) as second,
    ):
        engine = DecisionsEngine(base_url=first.url, patience_seconds=30, start_concurrency=4)
        engine.start()
        collected(engine, requests(engine, [PAIR] * 20))
        small = len(first.asked) - len(first.of_items)
        assert small > 1, "it was asked again when it was back"
        assert engine.small.cost(1.0) == 50 * small
        engine.close()
        engine = DecisionsEngine(base_url=[first.url, second.url])
        engine.start()
        assert engine.small.cost(1.0) == 50 + 7
        engine.close()


@pytest.mark.parametrize(
    ("name", "model", "shows"),
    [
        ("vllm", "org/qwen", False),
        ("llama.cpp", "openjev", False),
        ("llama.cpp", "Clef-flash", True),
        ("vllm", "perplexity/nimble-1", True),
        ("vllm", "CLEF_v2", True),
        ("vllm", "/home/kevin/models/Qwen3-8B", False),
        ("vllm", "org/nimbleness", False),
        ("typesafe", "jev-1.13.0", False),
        ("sglang heads", "m", True),
        ("unknown", "m", True),
    ],
)
def test_who_shows_a_judge_all_questions_at_once(name: str, model: str, *, shows: bool) -> None:
    assert shows_all_questions(quirks_of(name, "systemone"), [model]) == shows


def test_a_server_that_is_not_known_may_show_all_questions_and_the_start_says_so() -> None:
    assert all(row.shows_all_questions for row in QUIRKS if row.name == "unknown")
    with ScriptedServer(models=None) as server:
        assert ask(server.url).facts["shows_all_questions"] is True
    answers = {"data": [{"id": "m", "owned_by": "llamacpp"}]}
    with ScriptedServer(models=answers) as server:
        assert ask(server.url).facts["shows_all_questions"] is False
    answers = {"data": [{"id": "clef", "owned_by": "llamacpp"}]}
    with ScriptedServer(models=answers) as server:
        assert ask(server.url, model="clef").facts["shows_all_questions"] is True
