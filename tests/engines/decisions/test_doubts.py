"""Whose fault a refusal is, and whose a silence: no row may end a run."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from judgefast.engines.decisions import DecisionsEngine
from judgefast.errors import EngineError

from .honest import openai, systemone
from .judging import PAIR, ask, collected, requests
from .scripted_server import Say, ScriptedServer, say_to_items


@pytest.mark.parametrize(
    "said",
    [
        Say(403, b"<html>You have been blocked</html>"),
        Say(400, {"error": {"message": "state: the model 'x' was not found in the shop"}}),
        Say(404, b"blocked"),
    ],
)
def test_a_text_that_a_wall_refuses_as_it_would_a_key_ends_no_run(said: Say) -> None:
    def script(number: int, body: dict[str, Any]) -> Say | None:
        return said if number and "<script>" in json.dumps(body) else None

    with ScriptedServer(script) as server:
        done = ask(server.url, [PAIR, ("<script>", "x"), PAIR, PAIR])
    assert [each.error_kind for each in done.completions] == [None, "invalid", None, None]
    assert f"answered {said.status}" in str(done.completions[1].error)


def test_what_is_refused_to_all_ends_the_run_as_what_it_is() -> None:
    no = Say(403, {"detail": "this key is not for that"})
    with (
        ScriptedServer(lambda number, body: no if number else None) as server,
        pytest.raises(EngineError, match="answered 403") as caught,
    ):
        ask(server.url)
    assert "JUDGEFAST_API_KEY" in str(caught.value.hint)


@pytest.mark.parametrize("status", [502, 429])
def test_a_text_that_a_wall_refuses_while_its_backend_is_away_is_not_sent_on_and_on(
    status: int,
) -> None:
    away = iter([Say(status, {"error": "no backend"})] * 2)

    def script(number: int, body: dict[str, Any]) -> Say | None:
        if "<script>" in json.dumps(body):
            return Say(403, b"blocked")
        return next(away, None) if number else None

    with ScriptedServer(script) as server:
        (done,) = ask(server.url, [("<script>", "x")]).completions
        times = [each.at for each in server.of_items]
    assert done.error_kind == "invalid"
    assert len(times) == 3, "once for each time that nothing was known"
    assert min(times[1] - times[0], times[2] - times[1]) > 0.1


@pytest.mark.parametrize("status", [502, 429])
def test_a_backend_that_does_not_come_back_ends_the_run_when_patience_does(status: int) -> None:
    def script(number: int, body: dict[str, Any]) -> Say | None:
        if number == 0:
            return None
        is_item = "zebra" not in json.dumps(body)
        return Say(403, b"blocked") if is_item else Say(status, {"error": "no backend"})

    with ScriptedServer(script) as server:
        with pytest.raises(EngineError, match="no server has answered for"):
            ask(server.url, patience_seconds=0.7)
        assert len(server.of_items) <= 6


def test_after_many_that_are_unsupported_it_is_seen_that_all_are() -> None:
    no = Say(501, {"error": {"message": "no such head"}})
    with ScriptedServer(lambda number, body: no if number else None) as server:
        engine = DecisionsEngine(base_url=server.url, concurrency=1, start_concurrency=1)
        engine.start()
        engine.submit(0, requests(engine, [PAIR] * 40))
        lost = None
        while lost is None:
            try:
                engine.collect(timeout_seconds=5)
            except EngineError as error:
                lost = error
        engine.close()
        assert len(server.of_items) < 12
    assert str(lost).startswith("every request is refused: ")
    assert "--retry failed" in str(lost.hint)


def test_a_server_that_takes_fewer_questions_at_a_time_is_told_of_with_the_way_out() -> None:
    """One whose limit is not known: it says it, and a person has to."""

    def script(number: int, body: dict[str, Any]) -> Say | None:
        del number
        said = {"error": {"message": "at most 1 question is supported"}}
        return Say(501, said) if len(body["questions"]) > 1 else None

    with ScriptedServer(script) as server:
        (failed,) = ask(server.url).completions
        assert failed.error_kind == "unsupported"
        assert str(failed.error).endswith(
            "at most 1 question is supported (2 questions were in the request; "
            "--engine-arg questions=1 puts fewer into one)"
        )
        assert ask(server.url, questions=1).completions[0].error is None


def test_refusals_between_answers_are_not_in_a_row_however_many() -> None:
    def script(number: int, body: dict[str, Any]) -> Say | None:
        del number
        return Say(422, {"error": "no"}) if "<script>" in json.dumps(body) else None

    pairs = [("<script>", "x") if at % 4 else PAIR for at in range(24)]
    with ScriptedServer(script) as server:
        done = ask(server.url, pairs, concurrency=1, start_concurrency=1)
        assert len(server.asked) == 1 + len(pairs), "the small question is that of the start alone"
    kinds = [each.error_kind for each in done.completions]
    assert kinds == ["invalid" if at % 4 else None for at in range(24)]


def test_a_small_question_that_is_refused_otherwise_ends_the_run_as_well() -> None:
    def script(number: int, body: dict[str, Any]) -> Say | None:
        if number == 0:
            return None
        is_item = "zebra" not in json.dumps(body)
        return Say(403, {"detail": "blocked"}) if is_item else Say(422, {"error": "no"})

    with (
        ScriptedServer(script) as server,
        pytest.raises(EngineError, match="answered 403: blocked"),
    ):
        ask(server.url, max_retries=0)


def test_a_request_for_which_there_is_never_room_is_given_up_though_it_is_alone() -> None:
    """No quota counts what is sent: so it need not be seen first that others pass."""

    def script(number: int, body: dict[str, Any]) -> Say | None:
        return Say(503, b"full") if number and "zebra" not in json.dumps(body) else None

    with ScriptedServer(script) as server:
        (done,) = ask(server.url, max_retries=0, patience_seconds=5).completions
        assert len(server.of_items) == 3
    assert done.error_kind == "engine_error"
    assert str(done.error).endswith("answered 503: full (3 times, and others are answered)")


def test_a_server_that_hangs_has_been_silent_since_it_was_asked() -> None:
    def script(number: int, body: dict[str, Any]) -> Say | None:
        del body
        if number:
            time.sleep(1)
        return None

    with ScriptedServer(script) as server:
        with pytest.raises(EngineError, match="no server has answered for"):
            ask(server.url, timeout_seconds=0.4, patience_seconds=0.3)
        assert len(server.of_items) == 1


def test_a_server_that_was_busy_when_all_was_given_up_is_not_lost() -> None:
    with ScriptedServer(say_to_items(*[Say(429, b"slow", {"Retry-After": "1"})])) as server:
        engine = DecisionsEngine(base_url=server.url, patience_seconds=0.5)
        engine.start()
        asked = requests(engine, [PAIR])
        engine.submit(0, asked)
        while not server.of_items:
            time.sleep(0.01)
        time.sleep(0.05)
        engine.cancel([asked[0].request_id])
        (given_up,) = engine.collect(timeout_seconds=2)
        assert given_up.finish_reason == "cancelled"
        assert engine.collect(timeout_seconds=1.5) == []
        (done,) = collected(engine, requests(engine, [PAIR]))
        engine.close()
    assert done.finish_reason == "stop"


@pytest.mark.parametrize("counts", [True, False])
def test_tokens_are_kept_to_a_rate_by_our_guess_and_by_the_server_s_count(*, counts: bool) -> None:
    def counting(body: bytes) -> bytes:
        reply = json.loads(systemone(body))
        if counts:
            reply["usage"] = {"input_tokens": 400, "output_tokens": 0}
        return json.dumps(reply).encode()

    pair = ("word " * (1 if counts else 240), "x")
    with ScriptedServer(paths={"/v1/systemone": counting}) as server:
        done = ask(
            server.url,
            [pair] * 3,
            questions=1,
            tokens_a_second=800,
            concurrency=1,
            start_concurrency=1,
        )
        times = sorted(each.at for each in server.of_items)
    assert done.facts["tokens_a_second"] == 800
    # Six requests, each with the whole state: 400 tokens or a little more, a second's worth ahead.
    assert 1.0 < times[-1] - times[0] < 5


def test_the_limit_is_that_of_the_model_which_is_asked() -> None:
    models = {"data": [{"id": "small", "max_model_len": 9}, {"id": "m", "max_model_len": 4096}]}
    with ScriptedServer(models=models) as server:
        assert ask(server.url, model="m").facts["context_tokens"] == 4096
        assert ask(server.url, model="other").facts["context_tokens"] is None


def test_a_path_that_is_denied_is_no_word_about_the_others() -> None:
    def script(number: int, body: dict[str, Any]) -> Say | None:
        del number
        denied = Say(403, {"message": "Missing Authentication Token"})
        return denied if "questions" in body and isinstance(body["questions"], dict) else None

    with ScriptedServer(
        script, paths={"/v1/systemone": systemone, "/v1/decisions": openai}
    ) as server:
        assert ask(server.url, model="m").facts["dialect"] == "openai"


def test_a_judge_without_a_name_is_called_by_its_server() -> None:
    def nameless(body: bytes) -> bytes:
        reply = json.loads(systemone(body))
        del reply["model"]
        return json.dumps(reply | {"routing": {}}).encode()

    with ScriptedServer(paths={"/v1/systemone": nameless}, models=None) as server:
        assert ask(server.url).facts["model"] == "unknown at laya"
