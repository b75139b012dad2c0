"""The engine before servers whose replies are said by the test: sending, waiting, giving up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.engines.decisions import DecisionsEngine
from judgefast.engines.decisions.asked import kept_text, read_kept
from judgefast.errors import ConfigError, EngineError

from .honest import openai, sglang, systemone
from .honest import shares as honest_shares
from .judging import PAIR, ask, collected, requests, shares
from .scripted_server import Say, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable

LABELS = ["A", "B", "C"]


@pytest.mark.parametrize(
    ("orders", "count", "kinds"), [(1, 1, "ABC"), (2, 2, "CBA"), ("all", 3, "CAB")]
)
def test_all_orders_of_a_state_go_in_one_request_and_come_back_aligned(
    orders: Any, count: int, kinds: str
) -> None:
    with ScriptedServer() as server:
        done = ask(server.url, option_orders=orders)
        (asked,) = server.of_items
    questions = asked.body["questions"]
    assert list(questions) == [f"q{n}" for n in range(count)]
    assert list(questions[f"q{count - 1}"]["criteria"]) == list(kinds)
    assert asked.body["state"] == {
        "question": "What is the capital of France?",
        "answer_1": PAIR[0],
        "answer_2": PAIR[1],
    }
    (completion,) = done.completions
    assert shares(completion) == pytest.approx(honest_shares(LABELS))
    (kept,) = done.kept
    assert [len(put.p) for put in kept.questions[0]] == [3] * count
    assert kept_text(kept) == completion.text


@pytest.mark.parametrize("most", [1, 2, 5])
def test_questions_beyond_the_most_of_a_request_go_in_several_of_the_same_state(most: int) -> None:
    with ScriptedServer() as server:
        done = ask(server.url, [PAIR] * 4, option_orders="all", questions=most)
        asked = server.of_items
    assert len(asked) == 4 * -(-3 // most)
    assert len({json.dumps(each.body["state"]) for each in asked}) == 1
    assert max(len(each.body["questions"]) for each in asked) == min(most, 3)
    for completion in done.completions:
        assert shares(completion) == pytest.approx(honest_shares(LABELS))


def test_where_a_model_may_see_all_questions_two_orders_of_one_are_never_in_one_request() -> None:
    """A judge that takes what stands first, and stays with what it said to the question before."""

    def stays(body: bytes) -> bytes:
        reply, said = json.loads(systemone(body)), None
        for name, answer in reply["answers"].items():
            names = list(json.loads(body)["questions"][name]["criteria"])
            said = said or names[0]
            answer["choice"] = said
            answer["probabilities"] = {
                each: 0.8 if each == said else 0.2 / (len(names) - 1) for each in names
            }
        return json.dumps(reply).encode()

    with ScriptedServer(paths={"/v1/systemone": stays}, models=None) as server:
        done = ask(server.url)
        assert [len(each.body["questions"]) for each in server.of_items] == [1, 1]
    assert done.facts["shows_all_questions"] is True
    ahead, reversed_ = done.kept[0].questions[0]
    assert ahead.order == reversed_.order[::-1]
    assert ahead.p == reversed_.p == pytest.approx((0.8, 0.1, 0.1))


def test_no_request_has_more_questions_than_the_server_takes() -> None:
    def vllm(body: bytes) -> bytes:
        return json.dumps(json.loads(systemone(body)) | {"object": "structured_decision"}).encode()

    with ScriptedServer(paths={"/v1/systemone": vllm}, models=None) as server:
        assert ask(server.url, questions=100).facts["questions"] == 64
        assert ask(server.url, questions=7).facts["questions"] == 7
        assert ask(server.url).facts["questions"] == 64
    with ScriptedServer(paths={"/v1/decisions": openai}) as server:
        facts = ask(server.url, model="gpt-6-luna", questions=300).facts
    assert (facts["server"], facts["questions"]) == ("unknown", 64)


def test_scores_keep_their_levels_in_order_and_come_back_by_label() -> None:
    with ScriptedServer() as server:
        done = ask(server.url, [("Paris.",)], rubric="scalar-1-5")
        (asked,) = server.of_items
    (question,) = asked.body["questions"].values()
    assert shares(done.completions[0]) == pytest.approx(honest_shares(question["criteria"]))


def test_yes_and_no_come_back_where_their_labels_stand() -> None:
    with ScriptedServer() as server:
        done = ask(server.url, [("Paris.",)], rubric="binary")
    assert sorted(shares(done.completions[0])) == pytest.approx([0.25, 0.75])


@pytest.mark.parametrize(
    ("name", "answer"), [("systemone", systemone), ("openai", openai), ("sglang", sglang)]
)
def test_the_dialect_is_found_by_asking_and_told(
    name: str, answer: Callable[[bytes], bytes]
) -> None:
    path = "/v1/systemone" if name == "systemone" else "/v1/decisions"
    with ScriptedServer(paths={path: answer}, models={"data": [{"id": "m"}]}) as server:
        engine = DecisionsEngine(base_url=server.url)
        facts = engine.start()
        told = " ".join(engine.told())
        assert engine.told() == []
        (completion,) = collected(engine, requests(engine, [PAIR]))
        engine.close()
    assert (facts["dialect"], facts["path"], facts["model"]) == (name, path, "m")
    assert path in told
    assert "the model that answers is `m`" in told
    mass = 0.5 if name == "sglang" else 1.0
    assert shares(completion) == pytest.approx([mass * p for p in honest_shares(LABELS)])
    assert engine.capabilities.label_mass == (name == "sglang")


def test_system_one_on_the_path_of_others_is_found_too_and_any_path_can_be_named() -> None:
    with ScriptedServer(paths={"/v1/decisions": systemone}) as server:
        assert ask(server.url).facts["path"] == "/v1/decisions"
    with ScriptedServer(paths={"/api/alpha/decisions": systemone}) as server:
        facts = ask(server.url, path="/api/alpha/decisions").facts
        assert (facts["dialect"], facts["path"]) == ("systemone", "/api/alpha/decisions")
        ask(server.url, path="/api/alpha/decisions", dialect="systemone")
        assert {each.path for each in server.asked[-2:]} == {"/api/alpha/decisions"}


def test_what_answers_in_no_dialect_is_refused_in_words_that_say_what_came() -> None:
    chat = Say(200, {"choices": [{"message": {"content": "zebra"}}]})
    with (
        ScriptedServer(lambda number, body: chat) as server,
        pytest.raises(EngineError, match="answers no decisions: /v1/systemone, asked in") as caught,
    ):
        ask(server.url)
    assert "choices" in str(caught.value)
    assert "/v1/decisions answered 404" in str(caught.value)
    assert "--dialect" in str(caught.value.hint)


def test_a_dialect_that_was_named_is_the_only_one_tried() -> None:
    with ScriptedServer(paths={"/v1/decisions": openai}) as server:
        with pytest.raises(EngineError, match=r"/v1/systemone answered 404: Not Found"):
            ask(server.url, dialect="systemone")
        assert {each.path for each in server.asked} == {"/v1/systemone"}
        with pytest.raises(EngineError, match=r"was asked in `sglang`|answered 422"):
            ask(server.url, dialect="sglang", model="m")


def test_one_of_several_models_has_to_be_named() -> None:
    models = {"models": [{"name": "jev-latest"}, {"name": "jev-1.13"}]}
    with ScriptedServer(models=models) as server:
        with pytest.raises(ConfigError, match="serves 2 models, and none was named") as caught:
            ask(server.url)
        assert caught.value.hint == "add --model NAME: jev-latest, jev-1.13"
        facts = ask(server.url, model="jev-latest").facts
    assert (facts["model_asked"], facts["model"]) == ("jev-latest", "m")


def test_a_server_that_is_not_there_is_said_to_be_away() -> None:
    with ScriptedServer() as server:
        url = server.url
    with pytest.raises(EngineError, match=r"no connection to 127\.0\.0\.1"):
        ask(url)
    with ScriptedServer() as server:
        done = ask([server.url, url], [PAIR] * 3)
        assert done.facts["away"] == [url]
        assert {each.finish_reason for each in done.completions} == {"stop"}


def test_servers_of_one_judge_share_the_work_and_another_judge_is_refused() -> None:
    def named(body: bytes) -> bytes:
        return json.dumps(json.loads(systemone(body)) | {"model": "other"}).encode()

    with ScriptedServer() as one, ScriptedServer() as two:
        done = ask([one.url, two.url], [PAIR] * 40, start_concurrency=4)
        assert len(one.of_items) + len(two.of_items) == 40
        assert min(len(one.of_items), len(two.of_items)) > 0
    assert len(done.completions) == 40
    with (
        ScriptedServer() as one,
        ScriptedServer(paths={"/v1/systemone": named}) as two,
        pytest.raises(EngineError, match=r"with the model `other`, and the first one `llama.cpp`"),
    ):
        ask([one.url, two.url])


def test_facts_bring_the_judge_back_without_a_server() -> None:
    with ScriptedServer() as server:
        done = ask(server.url)
        count = len(server.asked)
        again = DecisionsEngine(base_url=server.url)
        again.recall(json.loads(json.dumps(done.facts)))
        assert (again.model.name, again.capabilities.takes) == ("m", "state")
        assert again.manifest_options == {
            "server": "llama.cpp",
            "dialect": "systemone",
            "option_orders": 2,
        }
        assert len(server.asked) == count
        again.close()


def test_an_answer_that_is_malformed_at_the_start_is_told_and_the_run_goes_on() -> None:
    def wrong(body: bytes) -> bytes:
        reply = json.loads(systemone(body))
        for answer in reply["answers"].values():
            answer["probabilities"].popitem()
        return json.dumps(reply).encode()

    with ScriptedServer(paths={"/v1/systemone": wrong}) as server:
        done = ask(server.url)
    assert any("at the start was malformed" in note for note in done.facts["notes"])
    assert shares(done.completions[0]) == [0.0] * 3
    kept = read_kept(done.completions[0].text)
    assert kept
    assert kept.questions[0][0].outcome == "malformed"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dialect": "jev"}, "dialect is 'jev'; it may be auto, systemone, openai, sglang"),
        ({"option_orders": 3}, "option_orders is 3; it may be 1, 2, all"),
        ({"questions": 0}, "questions is 0; the engine `decisions` takes an integer from 1"),
        ({"path": "v1/x"}, "path is 'v1/x'; it must begin with a slash"),
        ({"requests_a_minute": -1}, "requests_a_minute is -1; it must be a number of at least 0"),
        ({"usd_per_million_tokens": "x"}, "usd_per_million_tokens is 'x'"),
        ({"timeout_seconds": 0}, "timeout_seconds is 0; the engine `decisions` takes seconds"),
    ],
)
def test_an_option_out_of_range_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        DecisionsEngine(base_url="http://127.0.0.1:1", **options)
