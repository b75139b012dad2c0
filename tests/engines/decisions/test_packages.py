"""Decision servers that are packages: sparrow-decider's and laya-serve's."""

from __future__ import annotations

import pytest

from judgefast.errors import ConfigError, EngineError

from .judging import PAIR, ask, shares


def test_sparrow_answers_questions_of_every_kind(sparrow: str) -> None:
    done = ask(sparrow, [PAIR, ("No.", "It is Paris.")])
    assert done.facts["server"] == "sparrow nano"
    assert done.facts["option_orders"] == 1
    assert any("by itself" in note for note in done.facts["notes"])
    for completion in done.completions:
        assert sum(shares(completion)) == pytest.approx(1, abs=1e-9)
        assert completion.prompt_tokens is None  # it says 0 of everything
    score = ask(sparrow, [("Paris.",)], rubric="scalar-1-5").completions[0]
    assert len(shares(score)) == 5
    assert sum(shares(score)) == pytest.approx(1, abs=1e-9)
    assert sum(shares(ask(sparrow, [("Paris.",)], rubric="binary").completions[0])) == 1


def test_what_sparrow_would_cut_in_silence_is_not_sent(sparrow: str) -> None:
    done = ask(sparrow, [("word " * 1000, "x"), PAIR])
    bad, good = done.completions
    assert (bad.error_kind, bad.text) == ("too_long", "")
    assert bad.error
    assert (
        "at 3 a token, more than the 512 tokens that the server reads before it cuts" in bad.error
    )
    assert good.finish_reason == "stop"
    assert any("at 3 bytes a token (512" in note for note in done.facts["notes"])


def test_laya_serve_has_names_and_errors_of_its_own(laya: str) -> None:
    with pytest.raises(ConfigError, match="models, and none was named"):
        ask(laya)
    with pytest.raises(EngineError, match="answered 422"):
        ask(laya, model="nobody")
    done = ask(laya, model="jev-latest")
    assert done.facts["server"] == "laya-serve"
    assert done.facts["model"] == "laya-english"
    assert shares(done.completions[0]) == pytest.approx([1 / 3] * 3, abs=1e-3)
