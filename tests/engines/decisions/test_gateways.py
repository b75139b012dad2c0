"""What stands before a server speaks for it while it is away, and is not taken for the judge."""

from __future__ import annotations

import json
import math
import time
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.engines.decisions import DecisionsEngine
from judgefast.errors import ConfigError, EngineError

from .honest import systemone
from .judging import PAIR, ask, collected, requests
from .scripted_server import DIES, OWNED, Say, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .scripted_server import Script

PAGES = [
    Say(502, b"<html>Bad Gateway</html>"),
    Say(500, b"starting"),
    Say(200, b"<html></html>"),
    Say(200, {"error": {"message": "the upstream is away"}}),
]
_AWAY_SECONDS = 1.2


@pytest.mark.parametrize("page", PAGES)
def test_a_gateway_whose_backend_starts_anew_ends_no_run(page: Say) -> None:
    since: list[float] = []

    def script(number: int, body: dict[str, Any]) -> Say | None:
        del body
        if number <= 5:
            return None
        since.append(time.monotonic())
        return page if time.monotonic() - since[0] < _AWAY_SECONDS else None

    with ScriptedServer(script) as server:
        engine = DecisionsEngine(
            base_url=server.url, patience_seconds=30, start_concurrency=4, max_retries=9
        )
        engine.start()
        done = collected(engine, requests(engine, [PAIR] * 20))
        engine.close()
    assert [each.error for each in done] == [None] * 20


@pytest.mark.parametrize("page", PAGES)
def test_a_second_server_whose_gateway_speaks_at_the_start_is_away(page: Say) -> None:
    with ScriptedServer() as here, ScriptedServer(lambda number, body: page) as away:
        done = ask([here.url, away.url], [PAIR] * 4)
    assert done.facts["away"] == [away.url]
    assert [each.error for each in done.completions] == [None] * 4


@pytest.mark.parametrize("is_known_first", [True, False])
def test_a_second_server_that_is_listed_as_nobody_s_is_another_judge(
    *, is_known_first: bool
) -> None:
    """Though its model has the same name, and its replies tell nothing."""
    models = [OWNED, {"data": [{"owned_by": "somebody"}]}]
    first, second = models if is_known_first else models[::-1]
    names = ("unknown", "llama.cpp") if is_known_first else ("llama.cpp", "unknown")
    with (
        ScriptedServer(models=first) as here,
        ScriptedServer(models=second) as there,
        pytest.raises(
            EngineError,
            match=f"is `{names[0]}` with the model `m`, and the first one `{names[1]}`",
        ),
    ):
        ask([here.url, there.url])


@pytest.mark.parametrize("said", [{"answers": []}, {"model": "m", "choices": []}])
def test_a_second_server_that_answers_in_another_shape_is_not_waited_for(said: object) -> None:
    with (
        ScriptedServer() as here,
        ScriptedServer(lambda number, body: Say(200, said)) as there,
        pytest.raises(EngineError, match="answers otherwise than the first server") as caught,
    ):
        ask([here.url, there.url])
    assert caught.value.hint == "name servers of one judge"


def test_a_first_server_whose_gateway_speaks_at_the_start_is_away_too() -> None:
    with ScriptedServer(lambda number, body: PAGES[0]) as away, ScriptedServer() as here:
        done = ask([away.url, here.url], [PAIR] * 4)
    assert done.facts["away"] == [away.url]


def test_where_gateways_speak_for_all_it_is_said_what_they_say() -> None:
    with (
        ScriptedServer(lambda number, body: PAGES[0]) as server,
        pytest.raises(EngineError, match=r"answers no decisions: .*answered 502: ") as caught,
    ):
        ask(server.url)
    assert "start the server" in str(caught.value.hint)


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "300"}])
def test_a_server_without_room_is_waited_for_as_long_as_patience_says(
    headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    full = Say(429, {"error": {"message": "rate limit reached"}}, headers)
    since = time.monotonic()
    with (
        ScriptedServer(lambda number, body: full) as server,
        pytest.raises(EngineError, match=r"no room within 1 seconds: .*rate limit") as caught,
    ):
        ask(server.url, patience_seconds=1)
    assert time.monotonic() - since > 0.9
    assert "wait until it has room" in str(caught.value.hint)
    assert "it is asked for up to 1 seconds more" in caplog.text


class _Listing(ScriptedServer):
    """A server whose list of models is refused so many times."""

    def __init__(
        self,
        refused: float,
        script: Script | None = None,
        answer: Callable[[bytes], bytes] = systemone,
        models: Sequence[str | None] = (None,),
    ) -> None:
        self.refused = refused
        cards = [{"owned_by": "llamacpp"} | ({"id": each} if each else {}) for each in models]
        super().__init__(script, paths={"/v1/systemone": answer}, models={"data": cards})

    def listed(self) -> Say:
        self.refused -= 1
        return Say(429, b"slow") if self.refused >= 0 else super().listed()


def test_a_server_that_cannot_be_listed_at_once_is_known_all_the_same() -> None:
    with _Listing(2) as server:
        assert ask(server.url).facts["server"] == "llama.cpp"


def test_a_gateway_that_speaks_for_all_while_a_model_loads_hides_no_server() -> None:
    since = time.monotonic()

    class Loading(ScriptedServer):
        def listed(self) -> Say:
            loads = time.monotonic() - since < 4
            return Say(503, b"loading", {"Retry-After": "0.4"}) if loads else super().listed()

    def script(number: int, body: dict[str, Any]) -> Say | None:
        del number, body
        loads = time.monotonic() - since < 4
        return Say(503, b"loading", {"Retry-After": "0.4"}) if loads else None

    with Loading(script) as server:
        assert ask(server.url).facts["server"] == "llama.cpp"


def test_a_server_that_cannot_be_listed_for_a_moment_is_the_same_judge() -> None:
    def script(number: int, body: dict[str, Any]) -> Say | None:
        del body
        if number == 5:
            server.refused = math.inf  # also of the look at it when it is back
        return DIES if 5 <= number < 8 else None

    with _Listing(0, script) as server:
        assert _errors(server) == [None] * 20


def _named(name: str) -> Callable[[bytes], bytes]:
    def answer(body: bytes) -> bytes:
        return json.dumps(json.loads(systemone(body)) | {"model": name}).encode()

    return answer


@pytest.mark.parametrize("model", ["m", "jev-latest"])
@pytest.mark.parametrize("is_hidden_first", [True, False])
def test_what_a_server_says_of_itself_at_one_look_alone_makes_no_other_judge_of_it(
    model: str, *, is_hidden_first: bool
) -> None:
    """It is listed at the start or when it is back; without a list its model's name says who."""

    def script(number: int, body: dict[str, Any]) -> Say | None:
        del body
        if number == 5:
            server.refused = 0 if is_hidden_first else math.inf
        return DIES if 5 <= number < 8 else None

    with _Listing(math.inf if is_hidden_first else 0, script, _named(model)) as server:
        assert _errors(server) == [None] * 20


def test_models_that_are_listed_when_one_has_answered_are_still_to_be_named() -> None:
    """It answered without a name; which of them, nobody knows."""
    with (
        _Listing(4, models=["a", "b"]) as server,
        pytest.raises(ConfigError, match="serves 2 models, and none was named"),
    ):
        ask(server.url)
    with _Listing(4, models=["a"]) as server:
        assert ask(server.url).facts["model_asked"] == "a"
        assert [each.body.get("model") for each in server.asked][:2] == [None, "a"]


@pytest.mark.parametrize("status", [201, 202, 203])
def test_a_gateway_that_answers_by_another_good_status_answers(status: int) -> None:
    """At the start, of items, of a small question in doubt, and of the list."""

    def script(number: int, body: dict[str, Any]) -> Say | None:
        del number
        if "<script>" in json.dumps(body):
            return Say(403, b"blocked")
        reply = json.loads(systemone(json.dumps(body).encode()))
        return Say(status, reply | {"usage": {"input_tokens": 50}})

    class Created(ScriptedServer):
        def listed(self) -> Say:
            return super().listed()._replace(status=status)

    with Created(script) as here, Created(script) as there:
        engine = DecisionsEngine(base_url=[here.url, there.url])
        facts = engine.start()
        done = collected(engine, requests(engine, [PAIR, ("<script>", "x"), PAIR]))
        small = sum(len(each.asked) - len(each.of_items) for each in (here, there))
        assert engine.small.cost(1.0) == 50 * small
        engine.close()
    assert (facts["server"], facts["away"]) == ("llama.cpp", [])
    assert [each.error_kind for each in done] == [None, "invalid", None]
    assert small == 3, "one at the start of each, and one in doubt"


def _errors(server: ScriptedServer) -> list[str | None]:
    engine = DecisionsEngine(
        base_url=server.url, patience_seconds=30, start_concurrency=4, max_retries=9
    )
    engine.start()
    done = collected(engine, requests(engine, [PAIR] * 20))
    engine.close()
    return [each.error for each in done]
