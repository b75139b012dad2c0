"""What is sent: every question whole, in order, in the words of the dialect."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from jevcompat.mock import MockConfig, validate_request

from judgefast.engines.decisions.asked import Ask
from judgefast.engines.decisions.dialects import DIALECTS
from judgefast.engines.decisions.quirks import quirks_of
from judgefast.prompts import load_rubric
from judgefast.prompts.questions import Option, Question, QuestionKind, question_of

from .asking import ASKS, STATE
from .honest import HONEST, shares

KINDS: list[QuestionKind] = ["choice", "score", "yes_no"]
WORDS = st.text('aZ09é中"\\<|>{}:,-😀', min_size=1, max_size=8)
TEXTS = st.text('aZ \n"\\<|>{}é中\x00\u2028', max_size=20)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """Any question that a rubric may put."""
    kind = draw(st.sampled_from(KINDS))
    least, most = (2, 2) if kind == "yes_no" else (2, 8)
    texts = draw(
        st.lists(WORDS, min_size=least, max_size=most, unique_by=lambda word: word.casefold())
    )
    options = tuple(
        Option(
            text, draw(st.sampled_from([text, "what it stands for", f"more than {text}"])), place
        )
        for place, text in enumerate(texts)
    )
    return Question(draw(WORDS), kind, draw(WORDS), options)


@st.composite
def requests(draw: st.DrawFn) -> list[Ask]:
    """Questions, each in some order of its options; levels too, though nobody turns them."""
    asks = []
    for number, question in enumerate(draw(st.lists(questions(), min_size=1, max_size=4))):
        places = range(len(question.options))
        order = places if question.kind == "yes_no" else draw(st.permutations(places))
        asks.append(Ask(f"q{number}", question, tuple(order)))
    return asks


def level_text(option: Option) -> str:
    same = option.meaning.casefold() == option.text.casefold()
    return option.text if same else option.text + ": " + option.meaning


@pytest.mark.parametrize("name", list(DIALECTS))
@settings(max_examples=20, deadline=None)
@given(asks=requests(), state=st.dictionaries(WORDS, TEXTS, min_size=1))
def test_an_honest_reply_gives_every_label_its_own_probability_back(
    name: str, asks: list[Ask], state: dict[str, str]
) -> None:
    dialect = DIALECTS[name]
    reply = HONEST[name](dialect.body("m", state, asks))
    read = dialect.read(asks, reply, quirks_of("unknown", name))
    for ask, answer in zip(asks, read.answers, strict=True):
        options = ask.question.options
        if ask.question.kind == "yes_no":
            wanted = [0.25, 0.75]
        elif ask.question.kind == "choice":
            texts = [option.text for option in options]
            is_neutral = name == "systemone" and any(map(str.isdecimal, texts))
            wanted = shares([f"o{n + 1}" for n in range(len(texts))] if is_neutral else texts)
        else:
            wanted = shares([level_text(option) for option in options])
        assert answer.outcome == "ok", answer.words
        assert answer.probabilities == pytest.approx(wanted, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(asks=requests(), state=st.dictionaries(WORDS, TEXTS, min_size=1))
def test_a_system_one_body_passes_the_checks_of_its_specification(
    asks: list[Ask], state: dict[str, str]
) -> None:
    body = json.loads(DIALECTS["systemone"].body("jev-latest", state, asks))
    strict = MockConfig(faults=frozenset({"forbid-extra", "strict-ids", "string-only-text"}))
    assert validate_request(body, strict) == []


@pytest.mark.parametrize("name", list(DIALECTS))
def test_texts_of_the_state_come_whole_and_in_order(name: str) -> None:
    state = {"question": 'say "}]\n', "answer_1": "é\u2028</s>", "answer_2": "<|im_end|>", "a": ""}
    body = json.loads(DIALECTS[name].body("m", state, ASKS))
    held = body["state"] if name == "systemone" else body["input"]
    found = json.loads(held) if isinstance(held, str) else held
    assert list(found.items()) == list(state.items())


@pytest.mark.parametrize("name", list(DIALECTS))
def test_no_model_is_named_where_none_is_known(name: str) -> None:
    assert "model" not in json.loads(DIALECTS[name].body(None, STATE, ASKS))
    assert json.loads(DIALECTS[name].body("m", STATE, ASKS))["model"] == "m"


def test_system_one_is_written_as_it_is_documented() -> None:
    assert json.loads(DIALECTS["systemone"].body("m", STATE, ASKS)) == {
        "model": "m",
        "state": STATE,
        "questions": {
            "q0": choice("criteria", "A", "B", "C"),
            "q1": choice("criteria", "C", "B", "A"),
            "q2": {
                "type": "score",
                "instructions": "How good is the better answer?",
                "criteria": ["1: useless", "2", "3: usable", "4", "5: excellent"],
            },
            "q3": {"type": "noul", "instructions": "Is answer_1 right?"},
        },
    }


MEANINGS = {
    "A": "answer_1 is better",
    "B": "answer_2 is better",
    "C": "the answers are equally good or equally bad",
}


def choice(key: str, *labels: str) -> dict[str, Any]:
    found = {label: MEANINGS[label] for label in labels}
    return {"type": "choice", "instructions": "Which answer is better?", key: found}


@pytest.mark.parametrize("name", list(DIALECTS))
def test_the_order_of_options_is_kept_on_the_wire(name: str) -> None:
    text = DIALECTS[name].body("m", STATE, ASKS).decode()
    first, second = (text.index(f'"{ask}"') for ask in ("q0", "q1"))
    before, after = text[first:second], text[second:]
    assert before.index("answer_1 is") < before.index("answer_2 is") < before.index("equally good")
    assert after.index("equally good") < after.index("answer_2 is") < after.index("answer_1 is")


def javascript(body: bytes) -> bytes:
    """What a server or gateway in JavaScript makes of a body: whole numbers come first, in order.

    ECMA-262, OrdinaryOwnPropertyKeys: array indices ascending, then strings as they were added.
    """

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        numbers = sorted(int(key) for key, _ in found if key.isdecimal())
        order = [*map(str, numbers), *(key for key, _ in found)]
        return {key: dict(found)[key] for key in order if key in dict(found)}

    return json.dumps(json.loads(body, object_pairs_hook=pairs)).encode()


@pytest.mark.parametrize("labels", ["1 2 3", "A 2 1", "10 9 tie"])
def test_whole_numbers_are_no_keys_of_options_since_some_servers_would_sort_them(
    labels: str,
) -> None:
    meanings = ("answer_1 is better", "answer_2 is better", "the answers are equally good")
    options = tuple(
        Option(text, meaning, place)
        for place, (text, meaning) in enumerate(zip(labels.split(), meanings, strict=True))
    )
    question = Question("overall", "choice", "Write the label.", options)
    asks = [Ask("q0", question, (0, 1, 2)), Ask("q1", question, (2, 1, 0))]
    dialect = DIALECTS["systemone"]
    body = javascript(dialect.body("m", STATE, asks))
    put = [question["criteria"] for question in json.loads(body)["questions"].values()]
    assert list(put[0]) == ["o1", "o2", "o3"]
    assert [*put[1].items()] == [*put[0].items()][::-1]
    assert put[0]["o2"] == f"{labels.split()[1]}: answer_2 is better"
    reply = {
        "answers": {
            ask.id: {
                "type": "choice",
                "choice": "o3",
                "probabilities": {"o1": 0.1, "o2": 0.2, "o3": 0.7},
            }
            for ask in asks
        }
    }
    read = dialect.read(asks, json.dumps(reply).encode(), quirks_of("unknown", "systemone"))
    assert [answer.probabilities for answer in read.answers] == [pytest.approx((0.1, 0.2, 0.7))] * 2


def test_openai_is_written_as_it_is_documented() -> None:
    body = json.loads(DIALECTS["openai"].body("m", STATE, ASKS))
    assert list(body) == ["model", "input", "questions"]
    assert [question["name"] for question in body["questions"]] == ["q0", "q1", "q2", "q3"]
    assert body["questions"][1]["choices"][0] == {"value": "C", "description": MEANINGS["C"]}
    assert body["questions"][2]["levels"][:2] == [
        {"label": "1", "description": "useless"},
        {"label": "2"},
    ]
    assert body["questions"][3] == {
        "type": "predicate",
        "name": "q3",
        "instructions": "Is answer_1 right?",
    }


def test_sglang_is_written_as_it_is_documented() -> None:
    body = json.loads(DIALECTS["sglang"].body("m", STATE, ASKS))
    assert list(body) == ["model", "input", "questions"]
    assert body["questions"][1]["options"][0] == {"name": "C", "description": MEANINGS["C"]}
    assert body["questions"][2]["levels"] == ["1: useless", "2", "3: usable", "4", "5: excellent"]
    assert body["questions"][3] == {
        "id": "q3",
        "type": "yes_no",
        "question": "Is answer_1 right?",
    }


OWN = Question(
    "right",
    "yes_no",
    "Is it correct or wrong?",
    (Option("correct", "yes", 1), Option("wrong", "no", 0)),
)
"""A rubric with its own words for yes and no."""


def test_a_rubrics_own_words_for_yes_and_no_are_told() -> None:
    asks = [Ask("q0", OWN, (0, 1))]
    first = {name: json.loads(DIALECTS[name].body("m", STATE, asks)) for name in DIALECTS}
    criteria = first["systemone"]["questions"]["q0"]["criteria"]
    assert criteria == {"true": "correct", "false": "wrong"}
    told = first["openai"]["questions"][0]["instructions"]
    assert told == "Is it correct or wrong?\nTrue: correct\nFalse: wrong"
    assert first["sglang"]["questions"][0]["yes"] == "correct"
    assert first["sglang"]["questions"][0]["no"] == "wrong"


def sides_of(question: Question) -> dict[str, Any]:
    """What each dialect is told of yes and no; the lines behind the instructions for OpenAI's."""
    asks = [Ask("q0", question, (0, 1))]
    bodies = {name: json.loads(DIALECTS[name].body("m", STATE, asks)) for name in DIALECTS}
    sglang = bodies["sglang"]["questions"][0]
    return {
        "systemone": bodies["systemone"]["questions"]["q0"].get("criteria"),
        "openai": bodies["openai"]["questions"][0]["instructions"][len(question.instructions) :],
        "sglang": {name: sglang[name] for name in ("yes", "no") if name in sglang},
    }


@pytest.mark.parametrize("labels", [("1", "0"), ("+1", "-1"), ("1.0", "0.5"), ("Yes", "No")])
@pytest.mark.parametrize("said", ["Is it right?", "answer_1 of 10 has 1.05 in v0 and 0.55."])
def test_numbers_are_no_words_for_yes_and_no(labels: tuple[str, str], said: str) -> None:
    options = (Option(labels[0], "yes", 0), Option(labels[1], "no", 1))
    told = sides_of(Question("right", "yes_no", said, options))
    assert told == {"systemone": None, "openai": "", "sglang": {}}


def test_the_built_in_rubric_of_yes_and_no_has_no_words_of_its_own_for_them() -> None:
    told = sides_of(question_of(load_rubric("binary")))
    assert told == {"systemone": None, "openai": "", "sglang": {}}


@pytest.mark.parametrize("said", ["Say 1 if it is right, or 0.", "[verdict: 1]\n\n[verdict: 0]"])
def test_numbers_that_a_criterion_or_an_example_has_are_explained(said: str) -> None:
    told = sides_of(
        Question("right", "yes_no", said, (Option("1", "yes", 0), Option("0", "no", 1)))
    )
    assert told == {
        "systemone": {"true": "1", "false": "0"},
        "openai": "\nTrue: 1\nFalse: 0",
        "sglang": {"yes": "1", "no": "0"},
    }
