"""Whether a state fits: counted where the tokenizer is known, guarded where a server cuts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgefast.engines.decisions.tokens import AROUND, Lengths, Limit
from judgefast.prompts.questions import Option, Question
from judgefast.prompts.tokenizer import PromptTokenizer
from tests.engines.http.byte_model import write_byte_model

from .judging import PAIR, ask
from .scripted_server import ScriptedServer

if TYPE_CHECKING:
    from pathlib import Path

SHORT = Question("a", "choice", "Which?", (Option("A", "one", 0), Option("B", "two", 1)))
LONG = Question("b", "yes_no", "Is it so? " * 5, (Option("yes", "yes", 0), Option("no", "no", 1)))
OF_LONG = 50 + 2 * len("yesno")


@pytest.fixture(scope="module")
def bytewise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer with a token for each byte."""
    return write_byte_model(tmp_path_factory.mktemp("tokens") / "judge")


def test_a_state_and_the_longest_question_may_have_just_so_many_tokens(bytewise: Path) -> None:
    tokenizer = PromptTokenizer.from_file(bytewise / "tokenizer.json")
    lengths = Lengths(Limit(300, is_told=True, cuts_silently=False), tokenizer)
    room = 300 - OF_LONG - len('{"x": ""}')
    assert not lengths.too_long({"x": "s" * room}, (SHORT, LONG))
    said = lengths.too_long({"x": "s" * (room + 1)}, (SHORT, LONG))
    assert said == "state and longest question have 301 tokens, and 300 may be"
    assert lengths.too_long({"x": '"' * (room // 2 + 1)}, (SHORT, LONG))  # JSON writes two of each
    silent = Lengths(Limit(300, is_told=True, cuts_silently=True), tokenizer)
    assert not silent.too_long({"x": "s" * (room - AROUND)}, (LONG,))
    assert silent.too_long({"x": "s" * (room + 1 - AROUND)}, (LONG,))
    assert lengths.unchecked == silent.unchecked == 0


@given(st.text(max_size=300))
def test_what_is_short_as_json_of_ascii_surely_fits(text: str) -> None:
    lengths = Lengths(Limit(400, is_told=True, cuts_silently=True), None)
    said = lengths.too_long({"x": text}, (SHORT,))
    size = len(json.dumps({"x": text})) + len('["Which?", "A", "one", "B", "two"]') + AROUND
    assert lengths.unchecked == (size > 400)
    if size <= 400:
        assert not said


@pytest.mark.parametrize(("is_told", "cuts"), [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("letter", ["s", "\u8bcd"])
def test_bytes_are_a_guard_only_where_a_server_is_known_to_cut(
    letter: str,
    is_told: bool,  # noqa: FBT001 - a case of the table
    cuts: bool,  # noqa: FBT001 - as above
) -> None:
    lengths = Lengths(Limit(100, is_told=is_told, cuts_silently=cuts), None)
    room = 300 - len("Which?AoneBtwo") - len('{"x": ""}')
    most = room // len(letter.encode())
    assert not lengths.too_long({"x": letter * most}, (SHORT,))
    said = lengths.too_long({"x": letter * (most + 1)}, (SHORT,))
    assert bool(said) == (is_told and cuts)
    if said:
        assert "bytes: at 3 a token, more than the 100 tokens that the server reads" in said
    assert lengths.unchecked == 2


def test_without_any_limit_nothing_is_refused_and_all_of_it_is_unchecked() -> None:
    lengths = Lengths(Limit(None, is_told=False, cuts_silently=True), None)
    assert not lengths.too_long({"x": "s" * 10**6}, (SHORT,))
    assert lengths.unchecked == 1


def test_what_is_too_long_by_the_tokenizer_is_never_sent(bytewise: Path) -> None:
    with ScriptedServer() as server:
        done = ask(
            server.url,
            [("word " * 200, "x"), PAIR],
            tokenizer=str(bytewise),
            context_tokens=1000,
        )
        assert len(server.of_items) == 1
    bad, good = done.completions
    assert (bad.finish_reason, bad.error_kind) == ("error", "too_long")
    assert bad.error
    assert bad.error.endswith("tokens, and 1,000 may be")
    assert good.finish_reason == "stop"
    assert done.counters["unchecked_lengths"] == 0
    assert done.facts["tokenizer"] == str(bytewise / "tokenizer.json")
    assert not any("could not be checked" in note for note in done.facts["notes"])
    with ScriptedServer() as server:
        done = ask(server.url)
    assert done.counters["unchecked_lengths"] == 1
    assert any("could not be checked" in note for note in done.facts["notes"])
