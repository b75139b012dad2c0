"""Names of models in the two shapes of lists: OpenAI's `data`, and Ollama's `models` beside it."""

from __future__ import annotations

from typing import Any

import pytest

from judgefast.engines.decisions.cards import also_called, names_of

from .judging import ask
from .scripted_server import ScriptedServer

LLAMA = {
    "models": [{"name": "judge.gguf", "model": "Org/Clef-flash", "type": "model"}],
    "object": "list",
    "data": [{"id": "judge.gguf", "aliases": ["judge"], "owned_by": "llamacpp"}],
}
"""As llama.cpp lists its model, twice."""


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        (LLAMA, ["judge.gguf"]),
        ({"models": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}, ["a", "b"]),
        ({"data": [], "models": [{"name": "a", "model": "b"}]}, ["a"]),
        ({"data": [{"owned_by": "x"}], "models": [{"name": "a"}, {"model": "b"}, 3]}, ["a"]),
        ({"data": "a", "models": {"name": "a"}}, []),
        (None, []),
    ],
)
def test_models_are_named_by_the_first_shape_that_has_names(
    listed: dict[str, Any] | None, names: list[str]
) -> None:
    assert names_of(listed) == names


@pytest.mark.parametrize("asked", ["judge.gguf", "judge", "Org/Clef-flash"])
def test_a_model_is_called_all_that_its_two_cards_say(asked: str) -> None:
    other = {"name": "other", "model": "Org/Other"}
    listed = LLAMA | {"models": [*LLAMA["models"], other]}
    assert also_called(listed, asked) == ("Org/Clef-flash", "judge", "judge.gguf")


def test_a_model_that_is_in_no_list_may_be_any_of_it() -> None:
    found = also_called(LLAMA, "alias")
    assert found == ("Org/Clef-flash", "alias", "judge", "judge.gguf")
    assert also_called(None, "alias") == ("alias",)


def test_a_head_is_known_by_what_its_server_loaded() -> None:
    with ScriptedServer(models=LLAMA) as server:
        facts = ask(server.url).facts
    assert (facts["model_asked"], facts["shows_all_questions"]) == ("judge.gguf", True)


@pytest.mark.parametrize(
    ("cards", "names"),
    [
        ([{"id": "judge"}, {"id": "clef"}], ("judge",)),
        ([{"id": "judge", "root": "judge"}, {"id": "clef", "root": "clef"}], ("judge",)),
        ([{"id": "judge"}, {"id": "clef-adapter", "parent": "judge"}], ("judge",)),
        (
            [{"id": "judge", "parent": "base"}, {"id": "base"}, {"id": "clef", "parent": "base"}],
            ("base", "judge"),
        ),
        ([{"id": "judge", "parent": "b"}, {"id": "b", "parent": "judge"}], ("b", "judge")),
        ([{"id": "x"}, {"id": "clef", "root": "Org/Clef"}], ("Org/Clef", "clef", "judge", "x")),
    ],
)
def test_a_model_is_what_it_was_made_of_and_not_what_stands_beside_it(
    cards: list[dict[str, str]], names: tuple[str, ...]
) -> None:
    assert also_called({"data": cards}, "judge") == names
