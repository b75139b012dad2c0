"""Answers of every server, recorded or written from its source, come to the same four answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from judgefast.engines.decisions.dialects import DIALECTS
from judgefast.engines.decisions.quirks import quirks_of
from judgefast.engines.decisions.recognise import dialect_of, recognise

from . import oracle
from .asking import ASKS, body_of, server, servers

FOUR = "the four questions"


def row_of(found: dict[str, Any], name: str) -> dict[str, Any] | None:
    return next((row for row in found["answers"] if row["name"] == name), None)


def parts(name: str) -> tuple[dict[str, Any], bytes, dict[str, Any] | None]:
    """What a file holds, the reply to the four questions, and what the server says of models."""
    found = server(name)
    row, models = row_of(found, FOUR), row_of(found, "models")
    assert row is not None
    told = json.loads(body_of(models)) if models and models["status"] == 200 else None
    return found, body_of(row), told


@pytest.mark.parametrize("name", servers())
def test_an_answer_says_where_it_is_from(name: str) -> None:
    origin = server(name)["origin"]
    assert origin.startswith("recorded on ") or (
        origin.startswith("written from ") and origin.endswith(", not recorded")
    )


@pytest.mark.parametrize("name", servers())
def test_probabilities_and_label_mass_are_those_that_another_reader_finds(name: str) -> None:
    found, body, _ = parts(name)
    dialect, reply = DIALECTS[found["dialect"]], json.loads(body)
    read = dialect.read(ASKS, body, quirks_of(found["quirks"], found["dialect"]))
    assert len(read.answers) == len(ASKS)
    for ask, answer in zip(ASKS, read.answers, strict=True):
        wanted = oracle.probabilities(ask, reply)
        assert answer.outcome == ("ok" if wanted else "refused"), answer.words
        assert answer.probabilities == pytest.approx(wanted, abs=1e-12)
        assert answer.label_mass == oracle.mass(ask, reply)


@pytest.mark.parametrize("name", servers())
def test_dialect_and_server_are_told_from_the_reply(name: str) -> None:
    found, body, models = parts(name)
    reply = json.loads(body)
    assert dialect_of(reply) == found["dialect"]
    quirks = recognise(reply, models, found["dialect"])
    assert (quirks.name, quirks.dialect) == (found["quirks"], found["dialect"])


@pytest.mark.parametrize("name", servers())
def test_label_mass_comes_from_the_servers_that_are_said_to_have_it(name: str) -> None:
    found, body, _ = parts(name)
    quirks = quirks_of(found["quirks"], found["dialect"])
    read = DIALECTS[found["dialect"]].read(ASKS, body, quirks)
    assert {answer.label_mass is not None for answer in read.answers} == {quirks.has_mass}


def test_options_come_back_in_the_order_of_the_rubric_whatever_order_they_were_sent_in() -> None:
    found, body, _ = parts("llama.cpp-openjev")
    read = DIALECTS["systemone"].read(ASKS, body, quirks_of(found["quirks"], "systemone"))
    first, reversed_ = read.answers[:2]
    assert first.probabilities == pytest.approx((0.590582, 0.261523, 0.147895), abs=1e-6)
    # The model of this recording looks at the slot alone: what came third now comes first.
    assert reversed_.probabilities == pytest.approx((0.158304, 0.221163, 0.620533), abs=1e-6)


def test_a_server_that_averages_both_orders_says_the_same_to_either() -> None:
    found, body, _ = parts("llama.cpp-lev")
    read = DIALECTS["systemone"].read(ASKS, body, quirks_of(found["quirks"], "systemone"))
    first, reversed_ = read.answers[:2]
    assert first.probabilities == pytest.approx(reversed_.probabilities, abs=1e-3)


def test_the_model_that_has_answered_is_kept() -> None:
    models = {
        name: DIALECTS[found["dialect"]]
        .read(ASKS, body, quirks_of(found["quirks"], found["dialect"]))
        .model
        for name in servers()
        for found, body, _ in [parts(name)]
    }
    assert models["typesafe"] == "jev-1.13.0"
    assert models["llama.cpp-lev"] == "lev.gguf"
    assert models["laya-serve"] == "laya-english"
    assert all(models.values())


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("typesafe", {"prompt_tokens": 158, "completion_tokens": 46}),
        ("vllm-0.33", {"prompt_tokens": 413, "completion_tokens": 4}),
        ("vllm-openai", {"prompt_tokens": 520, "cached_tokens": 384, "completion_tokens": 4}),
        ("sglang-decisions", {"prompt_tokens": 402, "completion_tokens": 0}),
        ("laya", {"prompt_tokens": 512, "completion_tokens": 0, "dropped_tokens": 256}),
        ("sparrow-decider", {"completion_tokens": 0}),
        (
            "openrouter",
            {
                "prompt_tokens": 158,
                "cached_tokens": 64,
                "completion_tokens": 46,
                "usd": 6.636e-06,
            },
        ),
    ],
)
def test_what_a_reply_says_that_it_took_is_kept(name: str, wanted: dict[str, float]) -> None:
    found, body, _ = parts(name)
    quirks = quirks_of(found["quirks"], found["dialect"])
    usage = DIALECTS[found["dialect"]].read(ASKS, body, quirks).usage
    said = {key: getattr(usage, key) for key in usage.__struct_fields__}
    blank = {key: 0 if key == "dropped_tokens" else None for key in said}
    assert said == blank | wanted


def test_the_confidence_of_a_server_is_kept_as_it_came() -> None:
    found, body, _ = parts("laya")
    quirks = quirks_of(found["quirks"], "systemone")
    read = DIALECTS["systemone"].read(ASKS, body, quirks)
    assert [answer.confidence for answer in read.answers] == [0.1826, 0.05, 0.37, 0.7]
    found, body, _ = parts("typesafe")
    assert DIALECTS["systemone"].read(ASKS, body, quirks).answers[3].confidence is None


def test_a_question_may_be_refused_in_a_reply_that_answers_the_rest() -> None:
    found, body, _ = parts("openai")
    read = DIALECTS["openai"].read(ASKS, body, quirks_of(found["quirks"], "openai"))
    outcomes = [answer.outcome for answer in read.answers]
    assert outcomes == ["ok", "refused", "ok", "ok"]
    assert read.answers[1].words == "the server declines to answer this question"


def test_two_decimals_are_divided_by_their_sum_which_is_kept() -> None:
    _, body, _ = parts("openrouter")
    read = DIALECTS["systemone"].read(ASKS, body, quirks_of("openrouter", "systemone"))
    assert read.answers[0].sum_raw == pytest.approx(0.97)
    assert sum(read.answers[0].probabilities) == pytest.approx(1)
    assert read.answers[3].sum_raw is None, "yes alone has no sum"


def test_what_a_server_counts_for_each_question_is_said_of_it() -> None:
    """Of those that were asked here: four questions of one state, and one of them alone."""
    for name in ("vllm-0.32", "llama.cpp-openjev", "llama.cpp-lev"):
        found, body, _ = parts(name)
        one = row_of(found, "one question")
        assert one is not None
        quirks = quirks_of(found["quirks"], "systemone")
        four = DIALECTS["systemone"].read(ASKS, body, quirks).usage.prompt_tokens
        alone = DIALECTS["systemone"].read(ASKS[3:], body_of(one), quirks).usage.prompt_tokens
        assert four is not None
        assert alone is not None
        assert four > 3 * alone
        if name == "vllm-0.32":
            assert quirks.usage_counts == "per_question"


@pytest.mark.parametrize(
    ("usage", "dropped"),
    [
        ({"truncated": True}, 1),
        ({"truncated": True, "state_tokens_dropped": None}, 1),
        ({"truncated": True, "state_tokens_dropped": 256}, 256),
        ({"truncated": False, "truncated_questions": ["q0"]}, 1),
        ({"truncated": False, "truncated_questions": []}, 0),
        ({"truncated": 1}, 0),
        ({}, 0),
    ],
)
def test_a_state_that_the_server_says_it_cut_is_never_taken_for_a_whole_one(
    usage: dict[str, object], dropped: int
) -> None:
    body = json.dumps({"model": "m", "answers": {}, "usage": usage}).encode()
    reply = DIALECTS["systemone"].read(ASKS, body, quirks_of("laya", "systemone"))
    assert reply.usage.dropped_tokens == dropped
