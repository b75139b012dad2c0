"""Every way in which an answer can be none, by its words; those beside it are taken."""

from __future__ import annotations

import json
from typing import Any

import pytest

from judgefast.engines.decisions.dialects import DIALECTS
from judgefast.engines.decisions.quirks import quirks_of
from judgefast.engines.decisions.unfit import UnfitReplyError

from .asking import ASKS, STATE
from .honest import HONEST

NAMES = list(DIALECTS)


def honest(name: str) -> dict[str, Any]:
    """A good reply to the four questions."""
    found: dict[str, Any] = json.loads(HONEST[name](DIALECTS[name].body("m", STATE, ASKS)))
    return found


def outcomes(name: str, reply: dict[str, Any] | bytes) -> list[str]:
    """Words of each answer that is malformed; `ok` of one that is not."""
    body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    read = DIALECTS[name].read(ASKS, body, quirks_of("unknown", name))
    assert len(read.answers) == len(ASKS)
    for answer in read.answers:
        assert answer.outcome in {"ok", "malformed"}
        assert bool(answer.probabilities) == (answer.outcome == "ok") == (not answer.words)
    return [answer.words or "ok" for answer in read.answers]


def systemone(place: int, **changes: Any) -> list[str]:
    """Outcomes where the answer at `place` is changed; a key that is None is left out."""
    reply = honest("systemone")
    answer = reply["answers"][f"q{place}"] | changes
    left = {key: value for key, value in answer.items() if value is not None}
    reply["answers"][f"q{place}"] = left
    return outcomes("systemone", reply)


def alone(place: int, words: str) -> list[str]:
    """One answer malformed, in these words; the others taken."""
    return [words if number == place else "ok" for number in range(len(ASKS))]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"A": 0.5, "B": 0.5}, "no probability for `C`"),
        ({"B": 1}, "no probability for `A`, `C`"),
        ({}, "no probability for `A`, `B`, `C`"),
        (
            {"a": 0.5, "b": 0.3, "C": 0.2},
            "no probability for `A`, `B`, but a probability for `a`, `b`",
        ),
        ({"A": 0.5, "B": 0.3, "C": 0.1, "D": 0.1}, "a probability for `D`, which is no label"),
        ({"A": 0.5, "B": 0.3, "C": "0.2"}, 'the probability of `C` is "0.2", no number'),
        ({"A": 0.5, "B": 0.5, "C": True}, "the probability of `C` is true, no number"),
        ({"A": 0.5, "B": 0.5, "C": [0]}, "the probability of `C` is [0], no number"),
        ({"A": 0.5, "B": 0.5, "C": {}}, "the probability of `C` is {}, no number"),
        ({"A": float("nan"), "B": 1, "C": 0}, "the probability of `A` is NaN, no finite number"),
        ({"A": 1, "B": float("inf"), "C": 0}, "the probability of `B` is Infinity, no finite"),
        ({"A": 1, "B": 10**400, "C": 0}, "the probability of `B` is 1000"),
        ({"A": 1.2, "B": -0.1, "C": -0.1}, "the probability of `A` is 1.2, not from 0 to 1"),
        ({"A": 1.0, "B": 0.5, "C": -0.5}, "the probability of `C` is -0.5, not from 0 to 1"),
        ({"A": 0.501, "B": 0.3, "C": 0.1}, "its probabilities sum to 0.901, not to 1"),
        ({"A": 0.5, "B": 0.3, "C": 0.1}, "its probabilities sum to 0.9, not to 1"),
        ({"A": 0, "B": 0, "C": 0}, "its probabilities sum to 0, not to 1"),
        ([0.5, 0.3, 0.2], "`probabilities` is [0.5, 0.3, 0.2], no object"),
        ("A", '`probabilities` is "A", no object'),
        (None, "`probabilities` is null, no object"),
    ],
)
def test_probabilities_that_are_none(found: Any, words: str) -> None:
    said = systemone(0, probabilities=found)
    assert words in said[0]
    assert said[1:] == ["ok", "ok", "ok"]


NO_YES = (
    "no probability for `yes`, `no`, but a probability for `true`, `false`, which is no label of it"
)


@pytest.mark.parametrize(
    ("place", "changes", "words"),
    [
        (0, {"choice": "D"}, 'it chooses "D", which is no label of it'),
        (0, {"choice": 1}, "it chooses 1, which is no label of it"),
        (0, {"type": "score"}, 'its `type` is "score", not `choice`'),
        (0, {"type": None}, "its `type` is null, not `choice`"),
        (2, {"type": "choice"}, 'its `type` is "choice", not `score`'),
        (3, {"type": "boolean"}, 'its `type` is "boolean", not `noul`'),
        (3, {"noul": 1.5}, "`noul` is 1.5, not from 0 to 1"),
        (3, {"noul": None}, "`noul` is null, no number"),
        (3, {"noul": "0.5"}, '`noul` is "0.5", no number'),
        (3, {"noul": True}, "`noul` is true, no number"),
        (
            3,
            {"noul": 0.9, "probabilities": {"yes": 0.1, "no": 0.9}},
            "`noul` is 0.9, but the probability of `yes` 0.1",
        ),
        (
            3,
            {"probabilities": {"true": 0.25, "false": 0.75}},
            NO_YES,
        ),
        (2, {"probabilities": None}, "`probabilities` is null, no object"),
        (2, {"score": "2"}, '`score` is "2", no number'),
        (2, {"score": float("nan")}, "`score` is NaN, no finite number"),
        (2, {"score": 5}, "`score` is 5, not from 0 to 4"),
        (2, {"score": -1}, "`score` is -1, not from 0 to 4"),
        (2, {"legend": []}, "`legend` is [], no object"),
    ],
)
def test_an_answer_that_is_none(place: int, changes: dict[str, Any], words: str) -> None:
    assert systemone(place, **changes) == alone(place, words)


def test_levels_counted_from_one_are_not_taken_for_levels_counted_from_zero() -> None:
    answer = honest("systemone")["answers"]["q2"]
    later = {str(int(key) + 1): share for key, share in answer["probabilities"].items()}
    said = "no probability for `0`, but a probability for `5`, which is no label of it"
    assert systemone(2, probabilities=later) == alone(2, said)


def test_a_legend_that_names_the_levels_otherwise_is_not_believed() -> None:
    legend = honest("systemone")["answers"]["q2"]["legend"]
    later = {str(int(key) + 1): level for key, level in legend.items()}
    keys = 'its `legend` has the keys ["1", "2", "3", "4", "5"], not 0 to 4'
    assert systemone(2, legend=later) == alone(2, keys)
    reverse = dict(zip(legend, reversed(legend.values()), strict=True))
    words = 'its `legend` calls level 0 "5: excellent", not "1: useless"'
    assert systemone(2, legend=reverse) == alone(2, words)


def test_what_no_verdict_needs_is_not_held_against_an_answer() -> None:
    fine = ["ok"] * 4
    labels = honest("systemone")["answers"]["q0"]["probabilities"]
    least = min(labels, key=lambda label: labels[label])
    assert systemone(0, choice=least) == fine, "its choice is not its most probable label"
    assert systemone(0, choice=None) == fine
    assert systemone(0, confidence=float("nan")) == fine
    assert systemone(0, confidence="high") == fine
    assert systemone(0, x_debug=float("nan")) == fine
    assert systemone(2, score=None) == fine
    assert systemone(2, score=3.9) == fine
    assert systemone(2, legend=None) == fine
    nulls = dict.fromkeys("01234")
    assert systemone(2, legend=nulls) == fine, "null says nothing of a level"


@pytest.mark.parametrize("found", [None, "A", 1, [0.5], True])
@pytest.mark.parametrize("name", ["systemone", "sglang"])
def test_an_answer_that_is_no_object(name: str, found: Any) -> None:
    reply = honest(name)
    reply["answers"]["q1"] = found
    assert outcomes(name, reply) == alone(1, f"its answer is {json.dumps(found)}, no object")


@pytest.mark.parametrize("name", ["systemone", "sglang"])
def test_a_question_without_an_answer(name: str) -> None:
    reply = honest(name)
    del reply["answers"]["q1"]
    assert outcomes(name, reply) == alone(1, "the reply has no answer to it")
    assert outcomes(name, reply | {"answers": {}}) == ["the reply has no answers"] * 4


@pytest.mark.parametrize("name", ["systemone", "sglang"])
def test_answers_to_what_was_not_asked_may_be_anothers(name: str) -> None:
    reply = honest(name)
    reply["answers"]["p7"] = reply["answers"]["q3"]
    assert outcomes(name, reply) == ["the reply answers `p7`, which was not asked"] * 4


@pytest.mark.parametrize("name", ["systemone", "sglang"])
def test_a_key_that_stands_twice_is_not_settled_by_the_last_one(name: str) -> None:
    body = json.dumps(honest(name))
    twice = body.replace('"A": ', '"A": 0.9, "A": ', 1).encode()
    assert twice != body.encode()
    said = outcomes(name, twice)
    assert said.count("`probabilities` has `A` more than once") == 1
    assert said.count("ok") == 3
    answer = json.dumps(honest(name)["answers"]["q3"])
    twice = body.replace('"q3": ', f'"q3": {answer}, "q3": ').encode()
    assert outcomes(name, twice) == alone(3, "the reply answers it more than once")
    twice = body.replace('"type": ', '"type": "x", "type": ', 1).encode()
    assert outcomes(name, twice).count("its answer has `type` more than once") == 1
    with pytest.raises(UnfitReplyError, match="has no object `answers`"):
        outcomes(name, body.replace('"answers": ', '"answers": {}, "answers": ').encode())


def openai(place: int, **changes: Any) -> list[str]:
    """As `systemone`, in OpenAI's list."""
    reply = honest("openai")
    answer = reply["answers"][place] | changes
    reply["answers"][place] = {key: value for key, value in answer.items() if value is not None}
    return outcomes("openai", reply)


ROWS = [
    {"value": "A", "probability": 0.5},
    {"value": "B", "probability": 0.3},
    {"value": "C", "probability": 0.2},
]


@pytest.mark.parametrize(
    ("place", "changes", "words"),
    [
        (0, {"name": "q1"}, 'the answer in its place has the name "q1"'),
        (0, {"name": None}, "the answer in its place has the name null"),
        (0, {"type": "predicate"}, 'its `type` is "predicate", not `choice`'),
        (0, {"choice": "D"}, 'it chooses "D", which is no label of it'),
        (0, {"choice": True}, "it chooses true, which is no label of it"),
        (0, {"probabilities": {"A": 1}}, '`probabilities` is {"A": 1}, no list'),
        (0, {"probabilities": [0.5]}, "one of `probabilities` is 0.5, no object"),
        (0, {"probabilities": ROWS[:2]}, "no probability for `C`"),
        (0, {"probabilities": [*ROWS, ROWS[0]]}, "`probabilities` has `A` more than once"),
        (
            0,
            {"probabilities": [*ROWS[:2], {"value": True, "probability": 0.2}]},
            "one of `probabilities` has the value true, which is no label of it",
        ),
        (
            0,
            {"probabilities": [*ROWS[:2], {"value": "C"}]},
            "the probability of `C` is null, no number",
        ),
        (3, {"probability": None}, "`probability` is null, no number"),
        (3, {"probability": 2}, "`probability` is 2, not from 0 to 1"),
        (2, {"score": None, "probabilities": None}, "`probabilities` is null, no list"),
    ],
)
def test_an_answer_of_openais_that_is_none(place: int, changes: dict[str, Any], words: str) -> None:
    assert openai(place, **changes) == alone(place, words)


def test_a_level_has_its_place_and_its_label() -> None:
    rows = honest("openai")["answers"][2]["probabilities"]
    later = [row | {"value": row["value"] + 1} for row in rows]
    words = 'it calls level 1 "1", which is 0'
    assert openai(2, probabilities=later) == alone(2, words)
    turned = list(reversed(rows))
    assert openai(2, probabilities=turned) == ["ok"] * 4, "rows may come in any order"


def test_a_list_of_answers_has_one_for_each_question() -> None:
    reply = honest("openai")
    short = reply | {"answers": reply["answers"][:3]}
    assert outcomes("openai", short) == ["the reply has 3 answers to 4 questions"] * 4
    assert outcomes("openai", reply | {"answers": []}) == ["the reply has no answers"] * 4
    other = reply | {"answers": [*reply["answers"], {"type": "refusal", "name": "p7"}]}
    assert outcomes("openai", other) == ["the reply answers `p7`, which was not asked"] * 4
    swapped = [reply["answers"][place] for place in (1, 0, 2, 3)]
    said = outcomes("openai", reply | {"answers": swapped})
    assert said[0] == 'the answer in its place has the name "q1"'
    assert said[2:] == ["ok", "ok"]


UNFIT = {
    b"": "the reply is no JSON: it is empty",
    b"<html> <b>502": "the reply is no JSON: it begins `<html> <b>502`",
    b")]}'\n{}": "the reply is no JSON: it begins `)]}' {}`",
    b"\xff\xfe\x00": "the reply is no JSON",
    b"[" * 100_000: "the reply is no JSON",
    b"9" * 5_000: "the reply is no JSON",
    b"[]": "the reply is no JSON object: it begins `[]`",
    b"null": "the reply is no JSON object: it begins `null`",
    b"{}": "its keys are []",
    b'{"answers": null}': 'its keys are ["answers"]',
    b'{"answers": "A"}': 'its keys are ["answers"]',
    b'{"error": {"message": "no"}}': "the reply has no answers but an error: no",
    b'{"detail": "full"}': "the reply has no answers but an error: full",
    b'{"choices": [], "usage": {}}': 'its keys are ["choices", "usage"]',
}


@pytest.mark.parametrize("body", UNFIT)
@pytest.mark.parametrize("name", NAMES)
def test_a_reply_that_answers_nothing_says_what_it_is_instead(name: str, body: bytes) -> None:
    with pytest.raises(UnfitReplyError) as told:
        DIALECTS[name].read(ASKS, body, quirks_of("unknown", name))
    assert UNFIT[body] in str(told.value)


@pytest.mark.parametrize("name", NAMES)
def test_a_reply_in_another_dialect_is_unfit(name: str) -> None:
    wants_list = name == "openai"
    other = "systemone" if wants_list else "openai"
    with pytest.raises(UnfitReplyError, match="has no"):
        outcomes(name, honest(other))


def test_lone_surrogates_of_a_server_harm_nobody() -> None:
    reply = honest("systemone") | {"model": "\ud800m"}
    reply["answers"]["q0"]["probabilities"] = {"\udfff": 1.0}
    read = DIALECTS["systemone"].read(
        ASKS, json.dumps(reply).encode(), quirks_of("unknown", "systemone")
    )
    (read.model + read.answers[0].words).encode()
    assert read.model == "?m"
