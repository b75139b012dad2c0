"""A key that a server repeats goes no further, however long it is and wherever words are cut."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from .honest import systemone
from .judging import ask
from .scripted_server import Say, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk-proj/" + "".join("abcdefgh+/&_-.~"[at % 15] for at in range(156)) + "=="
"""As long as keys of projects are: longer than what is shown of a value."""
ESCAPES: dict[str, Callable[[str], str]] = {
    "plain": str,
    "as PHP does": lambda text: text.replace("/", "\\/"),
    "as ASP.NET does": lambda text: text.replace("+", "\\u002B").replace("&", "\\u0026"),
    "as Go does": lambda text: text.replace("&", "\\u0026"),
    "as JSON may": lambda text: text.replace("/", "\\u002f").replace("-", "\\u002D"),
    "as JSON in JSON": lambda text: text.replace("/", r"\\/").replace("+", r"\\u002B"),
    "as a page in JSON": lambda text: text.replace("&", "\\u0026amp;").replace("+", "\\u0026#43;"),
    "as an address in one": lambda text: text.replace("/", "%252F").replace("&", "%2526"),
    "as a page has it": lambda text: text.replace("&", "&amp;").replace("+", "&#43;"),
    "as an address has it": lambda text: text.replace("/", "%2F").replace("+", "%2b"),
}
_WRITTEN = re.compile("[^A-Za-z0-9]+|(?<=[^A-Za-z0-9])(?:amp|43|2[BFbf]|u00..)")


def _in_an_answer(body: dict[str, Any]) -> Say:
    reply = json.loads(systemone(json.dumps(body).encode()))
    reply["answers"]["q0"]["choice"] = f"Bearer {KEY}"
    return Say(200, reply)


def _in_a_refusal(body: dict[str, Any]) -> Say:
    del body
    return Say(422, {"error": {"message": f"{'x' * 250} Authorization: Bearer {KEY}"}})


def _on_a_page(body: dict[str, Any]) -> Say:
    del body
    return Say(200, f"Bearer {KEY}".encode())


@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize("echo", [_in_an_answer, _in_a_refusal, _on_a_page])
def test_no_part_of_a_key_is_kept_or_said(
    echo: Callable[[dict[str, Any]], Say],
    escape: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("JUDGEFAST_API_KEY", KEY)

    def script(number: int, body: dict[str, Any]) -> Say | None:
        if not number:
            return None
        said = echo(body)
        text = said.body.decode() if isinstance(said.body, bytes) else json.dumps(said.body)
        return said._replace(body=ESCAPES[escape](text).encode())

    with ScriptedServer(script) as server:
        done = ask(server.url, max_retries=0)
    (completion,) = done.completions
    shown = f"{completion.text} {completion.error} {caplog.text} {done.facts}"
    assert "***" in shown
    assert "abcdefgh" not in shown
    assert "skproj" not in _WRITTEN.sub("", shown)


def test_a_short_key_stays_in_answers_where_it_is_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGEFAST_API_KEY", "answers")
    with ScriptedServer() as server:
        assert ask(server.url).completions[0].error is None
