"""Whether a state fits: counted where the tokenizer is known, guarded where a server cuts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgefast.engines.decisions.asked import Ask
from judgefast.engines.decisions.jobs import Most, Whole
from judgefast.engines.decisions.rates import Rates
from judgefast.engines.decisions.tokens import AROUND, Lengths, Limit
from judgefast.prompts.questions import Option, Question
from judgefast.prompts.tokenizer import PromptTokenizer
from tests.engines.http.byte_model import write_byte_model
from tests.prompts.aspects import several

from .asking import request
from .honest import systemone
from .judging import PAIR, ask
from .scripted_server import Say, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Sequence
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


def test_a_spelt_control_token_counts_as_the_text_that_a_server_may_take_it_for(
    bytewise: Path,
) -> None:
    tokenizer = PromptTokenizer.from_file(bytewise / "tokenizer.json")
    spelt = "<|im_end|>"
    assert tokenizer.is_control_token(spelt)
    lengths = Lengths(Limit(900, is_told=True, cuts_silently=True), tokenizer)
    assert lengths.too_long({"x": spelt * 100}, (SHORT,)) == lengths.too_long(
        {"x": "s" * len(spelt) * 100}, (SHORT,)
    )
    assert lengths.too_long({"x": spelt * 100}, (SHORT,))


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


def test_a_state_is_guessed_at_as_often_as_the_server_counts_it() -> None:
    limit = Limit(None, is_told=False, cuts_silently=False)
    asks = [Ask(f"q{n}", SHORT, (0, 1)) for n in range(4)]
    state = {"x": "s" * 300}
    once, each = Lengths(limit, None), Lengths(limit, None, counts_each=True)
    questions = once.guess({}, asks)
    assert once.guess(state, asks) == pytest.approx(questions + 100)
    assert each.guess(state, asks) == pytest.approx(questions + 400)


@pytest.mark.parametrize(("beside", "times"), [({}, 1), ({"diagnostics": {}}, 2)])
def test_of_a_rate_is_spent_what_the_server_will_count(
    beside: dict[str, Any], times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question in two orders: vLLM counts the state with each, others are taken to do it once."""
    spent: list[float] = []
    real = Rates.sent

    def sent(self: Rates, tokens: float, now: float) -> None:
        spent.append(tokens)
        real(self, tokens, now)

    def script(number: int, body: dict[str, Any]) -> Say:
        del number
        return Say(200, json.loads(systemone(json.dumps(body).encode())) | beside)

    monkeypatch.setattr(Rates, "sent", sent)
    owned = {"data": [{"owned_by": "vllm" if beside else "llamacpp"}]}
    with ScriptedServer(script, models=owned) as server:
        ask(server.url, [("x" * 30_000, "y")])
    (tokens,) = spent
    assert tokens == pytest.approx(10_000 * times, rel=0.05)


@given(st.integers(1, 5), st.floats(50, 500), st.lists(st.integers(1, 300), min_size=1))
def test_a_request_holds_as_many_questions_as_it_may_and_no_more(
    most: int, tokens: float, sizes: list[int]
) -> None:
    """Each is as long as its id says; the state has 40 tokens."""
    asks = [Ask(f"{size}", SHORT, (0, 1)) for size in sizes]

    def guess(some: Sequence[Ask]) -> float:
        return 40 + sum(int(ask.id) for ask in some)

    whole = Whole(request((SHORT,)), {}, [asks])
    parts = [part.asks for part in whole.split(Most(most, tokens), guess, 0, 0)]
    assert [ask for part in parts for ask in part] == asks
    for part, later in zip(parts, [*parts[1:], None], strict=True):
        assert len(part) == 1 or (len(part) <= most and guess(part) <= tokens)
        if later is not None:
            assert len(part) == most or guess([*part, later[0]]) > tokens


def test_what_a_server_takes_in_one_request_is_kept_to(tmp_path: Path) -> None:
    """TypeSafe: 64,000 tokens of state and questions, beside 32,000 of the longest of them."""
    rubric = tmp_path / "long.toml"
    criteria = several("clarity", "tone", "truth").replace("Is ", "word " * 15_000 + "Is ")
    rubric.write_text(criteria, encoding="utf-8")
    jev = {"data": [{"id": "jev-1.13", "owned_by": "typesafe"}]}

    def script(number: int, body: dict[str, Any]) -> Say | None:
        del number
        reply = json.loads(systemone(json.dumps(body).encode()))
        return Say(200, reply | {"model": "jev-1.13"})

    with ScriptedServer(script, models=jev) as server:
        done = ask(server.url, [("x",)], rubric=str(rubric))
        asked = [each.body for each in server.of_items]
    assert done.facts["server"] == "typesafe"
    assert done.completions[0].finish_reason == "stop"
    assert len(asked) > 1
    assert max(len(json.dumps(body)) for body in asked) < 64_000 * 3
