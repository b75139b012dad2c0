"""A state with several questions is one request of ours, in however many it goes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.engines.decisions import DecisionsEngine
from judgefast.errors import EngineError
from judgefast.prompts.questions import Option, Question

from .asking import ASKS, request
from .honest import openai, systemone
from .scripted_server import Say, ScriptedServer

if TYPE_CHECKING:
    from judgefast.engines.base import Completion

BETTER, GOOD, RIGHT = (ASKS[place].question for place in (0, 2, 3))


def asked(
    server: ScriptedServer, about: tuple[Question, ...], model: str | None = None, **options: Any
) -> Completion:
    engine = DecisionsEngine(model, server.url, option_orders=1, **options)
    engine.start()
    engine.submit(0, [request(about)])
    (completion,) = engine.collect(timeout_seconds=20)
    engine.close()
    return completion


@pytest.mark.parametrize("cut", ["overall", "right"])
def test_a_state_that_is_cut_in_one_of_its_requests_is_not_judged(cut: str) -> None:
    def script(number: int, body: dict[str, Any]) -> Say:
        del number
        reply = json.loads(systemone(json.dumps(body).encode()))
        words = {"overall": BETTER.instructions, "right": RIGHT.instructions}[cut]
        if words in json.dumps(body):
            reply["usage"] = {"truncated": True, "state_tokens_dropped": 41}
        return Say(200, reply)

    with ScriptedServer(script) as server:
        completion = asked(server, (BETTER, RIGHT), questions=1)
        assert len(server.of_items) == 2
    assert (completion.error_kind, completion.error) == ("too_long", "the server cut 41 tokens")


def test_a_question_that_is_declined_leaves_the_other_its_answer() -> None:
    def declines(body: bytes) -> bytes:
        reply = json.loads(openai(body))
        if len(reply["answers"]) > 1:
            reply["answers"][0] = {"type": "refusal", "name": reply["answers"][0]["name"]}
        return json.dumps(reply).encode()

    owned = {"data": [{"owned_by": "vllm"}]}
    with ScriptedServer(paths={"/v1/decisions": declines}, models=owned) as server:
        completion = asked(server, (BETTER, GOOD), model="m")
    assert completion.finish_reason == "stop"
    assert [bool(read.logprobs) for read in completion.answers] == [False, True]


def test_every_question_is_looked_at_before_anything_is_sent() -> None:
    many = Question("a", "choice", "?", tuple(Option(f"o{n}", f"o{n}", n) for n in range(300)))
    with ScriptedServer() as server:
        completion = asked(server, (BETTER, many))
        assert server.of_items == []
    assert completion.error_kind == "unsupported"
    assert "the question about `a` has 300 options" in str(completion.error)


def test_a_server_of_another_kind_is_another_judge_though_its_model_has_the_name() -> None:
    other = {"data": [{"owned_by": "sglang"}]}
    with (
        ScriptedServer() as one,
        ScriptedServer(models=other) as two,
        pytest.raises(EngineError, match="is `sglang heads` with the model `m`, and the first one"),
    ):
        DecisionsEngine("m", [one.url, two.url]).start()
