"""A list of models that is refused: it is waited for, but not for long, and not without a word."""

from __future__ import annotations

import time

import pytest

from judgefast.engines.decisions import looks

from .judging import ask
from .scripted_server import Say, ScriptedServer

LISTED = {"data": [{"id": "a", "owned_by": "llamacpp"}]}


class Listing(ScriptedServer):
    """A server that says something else first to whoever asks for its models."""

    def __init__(self, *said: Say) -> None:
        super().__init__(models=LISTED)
        self._said = list(said)
        self.looks: list[float] = []
        self.looks_before_it_was_asked = 0

    def listed(self) -> Say:
        self.looks.append(time.monotonic())
        self.looks_before_it_was_asked += not self.asked
        return self._said.pop(0) if self._said else super().listed()

    @property
    def named(self) -> list[str | None]:
        """Models that the questions of the start were put to."""
        return [each.body.get("model") for each in self.asked if each not in self.of_items]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "pause", lambda tries: 0.01 * tries)


@pytest.mark.parametrize("status", [429, 503, 529, 500, 502, 504])
def test_a_list_that_is_refused_for_now_is_looked_for_before_anything_is_asked(status: int) -> None:
    with Listing(*[Say(status, b"not now")] * 2) as server:
        facts = ask(server.url).facts
        assert (len(server.looks), server.looks_before_it_was_asked) == (3, 3)
    assert (facts["server"], facts["model_asked"], server.named) == ("llama.cpp", "a", ["a"])


def test_a_look_is_four_tries_and_so_is_the_one_after_the_first_reply() -> None:
    with Listing(*[Say(429, b"slow")] * 3) as server:
        assert ask(server.url).facts["model_asked"] == "a"
        assert server.looks_before_it_was_asked == 4
    with Listing(*[Say(429, b"slow")] * 7) as server:
        assert ask(server.url).facts["model_asked"] == "a"
        assert (len(server.looks), server.looks_before_it_was_asked) == (8, 4)
        assert server.named == [None, "a"]


@pytest.mark.parametrize(
    "said", [Say(401, b"no"), Say(404, b"no"), Say(501, b"no"), Say(200, b"<html></html>")]
)
def test_a_list_that_is_refused_for_good_is_looked_for_once(said: Say) -> None:
    with Listing(*[said] * 9) as server:
        assert ask(server.url).facts["server"] == "unknown"
        assert len(server.looks) == 1


def test_a_list_is_asked_for_again_when_its_server_says() -> None:
    with Listing(Say(503, b"loading", {"Retry-After": "0.8"})) as server:
        assert ask(server.url).facts["server"] == "llama.cpp"
        first, second = server.looks
    assert 0.75 < second - first < 3


@pytest.mark.parametrize(("wanted", "count"), [("60", 2), ("0.9", 3)])
def test_a_list_that_never_comes_holds_up_a_start_once_and_it_is_said_why(
    wanted: str, count: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(looks, "LOOK_SECONDS", 1.0)
    with Listing(*[Say(429, b"slow", {"Retry-After": wanted})] * 9) as server:
        assert ask(server.url).facts["server"] == "unknown"
        assert server.looks_before_it_was_asked == count
        assert len(server.looks) == count + 1, "it is looked for after the first reply, and at once"
    assert 0.95 < server.looks[count - 1] - server.looks[0] < 1.6
    (said,) = [each for each in caplog.messages if "/v1/models" in each]
    assert said.endswith("/v1/models answered 429: slow; it is asked for up to 1 seconds more")
