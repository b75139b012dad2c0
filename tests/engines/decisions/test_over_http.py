"""The engine against honest servers of each dialect: found, asked, averaged."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.engines.decisions.asked import read_kept
from judgefast.engines.decisions.engine import DecisionsEngine
from judgefast.errors import EngineError

from . import honest
from .asking import ASKS, STATE, request
from .honest import shares

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from judgefast.engines.base import Completion

QUESTIONS = (ASKS[0].question, ASKS[2].question, ASKS[3].question)
LABELS = ["A", "B", "C"]
LEVELS = ["1: useless", "2", "3: usable", "4", "5: excellent"]
PATHS = {"systemone": "/v1/systemone", "openai": "/v1/decisions", "sglang": "/v1/decisions"}


@contextmanager
def served(path: str, speak: Callable[[bytes], bytes]) -> Iterator[tuple[str, list[Any]]]:
    """An address, and what is asked there; a body that the dialect has not is refused."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path != path:
                self.say(404, b'{"detail": "Not Found"}')
                return
            try:
                reply = speak(body)
            except (ValueError, KeyError, AttributeError) as error:
                self.say(422, json.dumps({"detail": [{"msg": str(error)}]}).encode())
                return
            asked.append(json.loads(body))
            self.say(200, reply)

        def do_GET(self) -> None:
            self.say(200, b'{"data": [{"id": "judge", "owned_by": "nobody"}]}')

        def say(self, status: int, reply: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def judged(url: str, **options: Any) -> tuple[dict[str, Any], Completion]:
    """Facts of the start, and what three questions came to."""
    engine = DecisionsEngine(None, url, max_retries=0, patience_seconds=1, **options)
    try:
        facts = engine.start()
        engine.submit(0, [request(QUESTIONS, 1)])
        (completion,) = engine.collect(timeout_seconds=20)
    finally:
        engine.close()
    return facts, completion


def chances(completion: Completion) -> list[list[float]]:
    return [[math.exp(each) for each in read.logprobs] for read in completion.answers]


@pytest.mark.parametrize("name", ["systemone", "openai", "sglang"])
@pytest.mark.parametrize("said", ["auto", "named"])
def test_each_dialect_is_found_and_spoken(name: str, said: str) -> None:
    dialect = name if said == "named" else "auto"
    with served(PATHS[name], honest.HONEST[name]) as (url, asked):
        facts, completion = judged(url, dialect=dialect)
    assert (facts["dialect"], facts["path"]) == (name, PATHS[name])
    choice, score, right = chances(completion)
    mass = 0.5 if name == "sglang" else 1.0
    assert choice == pytest.approx([mass * each for each in shares(LABELS)])
    assert score == pytest.approx([mass * each for each in shares(LEVELS)])
    # The rubric's labels are no, yes; the question's options yes, no.
    assert right == pytest.approx([mass * 0.75, mass * 0.25])
    last = asked[-1]
    assert len(last["questions"]) == 4, "a choice in both orders, and the others once"
    held = last.get("state", last.get("input"))
    assert (json.loads(held) if isinstance(held, str) else held) == STATE


def test_typesafes_shape_where_others_have_theirs() -> None:
    with served("/v1/decisions", honest.systemone) as (url, _):
        facts, completion = judged(url)
    assert (facts["dialect"], facts["path"]) == ("systemone", "/v1/decisions")
    assert chances(completion)[0] == pytest.approx(shares(LABELS))


def test_a_path_of_a_gateway_is_asked_where_it_is_said() -> None:
    with served("/inference/v1/systemone", honest.systemone) as (url, _):
        facts, completion = judged(url, path="/inference/v1/systemone")
        assert facts["path"] == "/inference/v1/systemone"
        assert completion.finish_reason == "stop"
        with pytest.raises(EngineError, match="answers no decisions"):
            judged(url)


def test_a_question_that_is_refused_leaves_the_others() -> None:
    def declines(body: bytes) -> bytes:
        reply = json.loads(honest.openai(body))
        reply["answers"] = [
            {"type": "refusal", "name": each["name"]} if each["type"] == "score" else each
            for each in reply["answers"]
        ]
        return json.dumps(reply).encode()

    with served("/v1/decisions", declines) as (url, _):
        _, completion = judged(url)
    choice, score, right = completion.answers
    assert (choice.logprobs != (), score.logprobs, right.logprobs != ()) == (True, (), True)
    assert completion.finish_reason == "stop"


def test_a_model_that_looks_at_the_slot_alone_is_evened_out() -> None:
    """Two orders leave nothing between the first option and the last."""

    def by_slot(body: bytes) -> bytes:
        reply = json.loads(honest.systemone(body))
        for name, question in json.loads(body)["questions"].items():
            if question["type"] == "choice":
                given = zip(question["criteria"], (0.7, 0.2, 0.1), strict=False)
                reply["answers"][name]["probabilities"] = dict(given)
        return json.dumps(reply).encode()

    with served("/v1/systemone", by_slot) as (url, _):
        _, both = judged(url)
        _, one = judged(url, option_orders=1)
        _, every = judged(url, option_orders="all")
    assert chances(both)[0] == pytest.approx([0.4, 0.2, 0.4])
    assert chances(one)[0] == pytest.approx([0.7, 0.2, 0.1])
    assert chances(every)[0] == pytest.approx([1 / 3] * 3)
    kept = read_kept(every.text)
    assert kept is not None
    assert len({put.order for put in kept.questions[0]}) == 3


def test_questions_are_split_and_come_back_as_one_completion() -> None:
    with served("/v1/systemone", honest.systemone) as (url, asked):
        _, whole = judged(url)
        seen = len(asked)
        _, split = judged(url, questions=1)
    assert [len(each["questions"]) for each in asked[seen:]][-4:] == [1, 1, 1, 1]
    assert split.answers == whole.answers
