"""Bad statuses of every server: each is of one kind, and says what the server says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from judgefast.engines.decisions.failures import failure_of

from .asking import body_of, server

RECORDED = {
    ("llama.cpp-openjev", "no state"): ("invalid", '"state" must be provided'),
    ("llama.cpp-openjev", "no questions"): ("invalid", '"questions" must be a non-empty object'),
    ("llama.cpp-openjev", "an unknown kind of question"): ("invalid", "must be one of: choice"),
    ("llama.cpp-openjev", "300 options"): ("unsupported", "supports at most 52"),
    ("llama.cpp-lev", "300 options"): ("unsupported", "supports at most 26"),
    ("llama.cpp-openjev", "11 levels"): ("unsupported", "an array of 2 to 10 levels"),
    ("llama.cpp-openjev", "no JSON"): ("invalid", "parse error at line 1"),
    ("llama.cpp-openjev", "no such path"): ("not_found", "File Not Found"),
    ("llama.cpp-openjev", "a state that is too long"): ("too_long", "exceeds the available"),
    ("llama.cpp-openjev", "a wrong key"): ("auth", "Invalid API Key"),
    ("vllm-0.32", "an unknown model"): ("not_found", "`no-such-model` does not exist"),
    ("vllm-0.32", "no state"): ("invalid", "Field required"),
    ("vllm-0.32", "no questions"): ("invalid", "questions: needs at least one question"),
    ("vllm-0.32", "an unknown kind of question"): ("unsupported", "unknown question type 'maybe'"),
    ("vllm-0.32", "300 options"): ("unsupported", "question 'q0': at most 26 options"),
    ("vllm-0.32", "11 levels"): ("unsupported", "question 'q0': at most 10 options"),
    ("vllm-0.32", "65 questions"): ("unsupported", "questions: at most 64 for this model"),
    ("vllm-0.32", "two levels alike"): ("invalid", "question 'q2': duplicate option names"),
    ("vllm-0.32", "no JSON"): ("invalid", "JSON decode error"),
    ("vllm-0.32", "no such path"): ("not_found", "Not Found"),
    ("vllm-0.32", "a state that is too long"): ("too_long", "at least 2049 input tokens"),
    ("vllm-0.32", "a wrong key"): ("auth", "Unauthorized"),
    ("laya-serve", "an unknown model"): ("not_found", "model: unknown model 'no-such-model'"),
    ("laya-serve", "no state"): ("invalid", "body.state: Field required"),
    ("laya-serve", "no questions"): ("invalid", "body.questions: Dictionary should have at least"),
    ("laya-serve", "an unknown kind of question"): ("invalid", "Input tag 'maybe'"),
    ("laya-serve", "300 options"): ("unsupported", "at most 255 items"),
    ("laya-serve", "11 levels"): ("unsupported", "at most 10 items after validation, not 11"),
    ("laya-serve", "no JSON"): ("invalid", "body.1: JSON decode error"),
    ("laya-serve", "no such path"): ("not_found", "Not Found"),
    ("laya-serve", "a state that is too long"): ("too_long", "context budget exceeded"),
    ("laya-serve", "a wrong key"): ("auth", "Missing or invalid API key."),
    ("laya-serve", "too many requests"): ("busy", "Rate limit exceeded."),
    ("sparrow-decider", "an unknown kind of question"): ("unsupported", "unknown question type"),
    ("sparrow-decider", "11 levels"): ("unsupported", "a list of 2-10 levels"),
    ("sparrow-decider", "no JSON"): ("invalid", "Expecting property name"),
    ("sparrow-decider", "no such path"): ("not_found", "not found"),
}


def test_every_recorded_refusal_is_here() -> None:
    names = {name for name, _ in RECORDED}
    refused = {
        (name, row["name"])
        for name in names - {"llama.cpp-lev"}
        for row in server(name)["answers"]
        if row["status"] != 200
    }
    assert refused <= set(RECORDED)


@pytest.mark.parametrize(("name", "case"), RECORDED)
def test_a_recorded_refusal(name: str, case: str) -> None:
    (row,) = [row for row in server(name)["answers"] if row["name"] == case]
    failure = failure_of(row["status"], row["headers"], body_of(row))
    kind, words = RECORDED[name, case]
    assert (failure.kind, failure.status) == (kind, row["status"])
    assert words in failure.words
    assert (failure.retry_seconds is not None) == (case == "too many requests")


def flat(message: str) -> dict[str, Any]:
    """Of SGLang."""
    return {"object": "error", "message": message, "type": "BadRequestError", "code": 400}


def inner(message: str, code: int, type_: str) -> dict[str, Any]:
    """Of vLLM and llama.cpp."""
    return {"error": {"code": code, "message": message, "type": type_, "param": None}}


def detail(message: str, type_: str) -> dict[str, Any]:
    """Of TypeSafe."""
    return {"detail": {"error_type": type_, "message": message}}


def field(*loc: str, msg: str) -> dict[str, Any]:
    """Of FastAPI."""
    return {"detail": [{"loc": list(loc), "msg": msg, "type": "value_error"}]}


NO_LABEL = (
    "question 'q0': the answer label 'A' is not one distinct token after the chat prompt for this"
    " tokenizer, so this model is not supported"
)
TASKS = 'The request builds 5000 decision tasks, the maximum is 4096. Give fewer "questions"'
BYTES = "The request is 9000 bytes, over the 4096 byte threshold for the 48 token budget."

WRITTEN: list[tuple[int, Any, str, str]] = [
    # TypeSafe
    (422, field("body", "state", msg="Field required"), "invalid", "body.state: Field required"),
    (401, detail("bad key", "authentication_error"), "auth", "bad key"),
    (403, detail("Must supply a key", "authentication_error"), "auth", "Must supply a key"),
    (404, detail("Model not served: jev", "not_found"), "not_found", "Model not served: jev"),
    (400, detail("Unknown model: x", "api_usage_error"), "not_found", "Unknown model: x"),
    (429, detail("slow down", "rate_limit_error"), "busy", "slow down"),
    (529, detail("come again", "overloaded_error"), "busy", "come again"),
    # vLLM
    *(
        (400, inner(words, 400, "BadRequestError"), kind, words)
        for kind, words in (
            ("unsupported", "questions: at most 64 for this model"),
            ("unsupported", "question 'q0': at most 26 options for this model"),
            ("unsupported", "unknown question type 'rank'; supported: ['choice', 'noul', 'score']"),
            ("invalid", "question 'q0': duplicate option names"),
        )
    ),
    (404, inner("The model `m` does not exist.", 404, "NotFoundError"), "not_found",
     "The model `m` does not exist."),
    (501, inner("The model does not support it", 501, "NotImplementedError"), "unsupported",
     "The model does not support it"),
    (500, inner("EngineCore died", 500, "InternalServerError"), "server", "EngineCore died"),
    # llama.cpp
    (501, inner("no decision model", 501, "not_supported_error"), "unsupported",
     "no decision model"),
    (422, inner("no content", 422, "unprocessable_entity_error"), "invalid", "no content"),
    (413, inner(TASKS, 413, "request_too_large_error"), "unsupported", TASKS),
    (413, inner(BYTES, 413, "request_too_large_error"), "too_long", BYTES),
    (400, inner("no batch", 400, "exceed_batch_size_error"), "too_long", "no batch"),
    (429, inner("the queue is full", 429, "rate_limit_error"), "busy", "the queue is full"),
    (503, inner("Loading model", 503, "unavailable_error"), "busy", "Loading model"),
    # SGLang
    (400, flat(NO_LABEL), "unsupported", NO_LABEL),
    (400, flat("/v1/decisions does not serve decision checkpoints"), "unsupported",
     "/v1/decisions does not serve decision checkpoints"),
    (422, field("body", "questions", msg="option name 'a' repeats another option"), "invalid",
     "body.questions: option name 'a' repeats another option"),
    # Laya, OpenRouter, OpenAI, proxies
    (413, {"detail": "120 options: at most 100 options"}, "unsupported",
     "120 options: at most 100 options"),
    (413, {"detail": "60000 characters (limit 50000)"}, "too_long",
     "60000 characters (limit 50000)"),
    (408, {"detail": "inference timed out"}, "busy", "inference timed out"),
    (402, {"error": {"code": 402, "message": "Insufficient credits"}}, "auth",
     "Insufficient credits"),
    (403, {"error": {"code": 403, "message": "Your input was flagged"}}, "invalid",
     "Your input was flagged"),
    (429, inner("no quota", 429, "insufficient_quota"), "auth", "no quota"),
    (400, {"error": {"message": "no", "code": "context_length_exceeded"}}, "too_long", "no"),
    (400, {"error": "bad"}, "invalid", "bad"),
    (405, {"detail": "Method Not Allowed"}, "not_found", "Method Not Allowed"),
    (302, "", "not_found", "HTTP 302"),
    (502, "<html>\n <b>Bad  Gateway</b>", "server", "<html> <b>Bad Gateway</b>"),
    (504, "", "server", "HTTP 504"),
    (418, {"status": "odd"}, "invalid", '{"status": "odd"}'),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind", "words"), WRITTEN)
def test_a_refusal_written_from_the_servers_source(
    status: int, body: Any, kind: str, words: str
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    failure = failure_of(status, {}, text.encode())
    assert (failure.kind, failure.words, failure.status) == (kind, words, status)
    assert failure.retry_seconds is failure.limit is failure.tokens is None


LONG = {
    "request (6159 tokens) exceeds the available context size (2048 tokens), try": (6159, 2048),
    "This model's maximum context length is 2048 tokens. However, your prompt contains at least"
    " 2049 input tokens, which exceeds this limit even without any output tokens.": (2049, 2048),
    "The decoder prompt (length 5000) is longer than the maximum model length of 4096. Make sure"
    " that `max_model_len` is no smaller than the number of text tokens.": (5000, 4096),
    "the prompt has 5000 tokens, which does not fit the context length of 4096 tokens": (
        5000,
        4096,
    ),
    "The request renders 900 prompt tokens, the maximum is 48. Give a shorter `state`, fewer"
    " questions, or raise the limit with --decision-max-prompt-tokens": (900, 48),
    "context budget exceeded: state plus longest question is ~40020 tokens (limit 32768)": (
        40020,
        32768,
    ),
    "the questions take 70000 tokens, more than the 64000 this model reads": (70000, 64000),
    "state plus the longest question has 33000 tokens; the limit is 32000": (33000, 32000),
}


@pytest.mark.parametrize("words", LONG)
@pytest.mark.parametrize("status", [400, 413, 422])
def test_how_long_it_is_and_how_long_it_may_be_are_read(status: int, words: str) -> None:
    failure = failure_of(status, {}, json.dumps({"error": {"message": words}}).encode())
    assert (failure.kind, failure.tokens, failure.limit) == ("too_long", *LONG[words])


@pytest.mark.parametrize(
    "body",
    [
        {"detail": {"error_type": "state_too_long", "message": "no"}},
        {"error": {"type": "input_too_large", "message": "no"}},
        {"detail": "Input exceeds 64000 tokens"},
        {"detail": "input exceeds the maximum number of tokens"},
    ],
)
def test_a_length_in_other_words_is_one_all_the_same(body: dict[str, Any]) -> None:
    assert failure_of(422, {}, json.dumps(body).encode()).kind == "too_long"


@pytest.mark.parametrize("quote", ["'{}'", '"{}"', "`{}`"])
def test_what_a_server_quotes_of_a_state_is_no_word_of_its_own(quote: str) -> None:
    said = quote.format("at most 3 options are not supported, it is too long")
    body = {"error": {"message": f"state.answer_1: {said} isn't what can't be"}}
    assert failure_of(400, {}, json.dumps(body).encode()).kind == "invalid"


def test_what_llama_cpp_counts_goes_before_its_words() -> None:
    error = {"type": "exceed_context_size_error", "message": "", "n_prompt_tokens": 7, "n_ctx": 5}
    failure = failure_of(400, {}, json.dumps({"error": error}).encode())
    assert (failure.kind, failure.tokens, failure.limit) == ("too_long", 7, 5)


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({}, None),
        ({"Retry-After": "2"}, 2),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"RETRY-AFTER": "0"}, 0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"Retry-After-Ms": "-5"}, 0),
        ({"retry-after-ms": "soon", "retry-after": "3"}, 3),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, 0),
        ({"retry-after": "1e9"}, 300),
        ({"retry-after-ms": "1e9"}, 300),
        ({"retry-after-ms": "nan"}, 0),
    ],
)
def test_how_long_a_server_asks_to_be_left_alone(
    headers: dict[str, str], wanted: float | None
) -> None:
    assert failure_of(429, headers, b"").retry_seconds == wanted


def test_a_date_is_a_time_from_now() -> None:
    then = datetime.now(UTC) + timedelta(seconds=30)
    failure = failure_of(503, {"Retry-After": format_datetime(then, usegmt=True)}, b"")
    assert failure.retry_seconds is not None
    assert 20 < failure.retry_seconds <= 30


@settings(max_examples=30, deadline=None)
@given(
    status=st.one_of(st.integers(300, 599), st.integers(100, 999)),
    body=st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["error", "detail", "message", "type", "loc", "msg", "n_ctx"]),
                    inner,
                    max_size=3,
                )
            ),
            max_leaves=6,
        ).map(lambda value: json.dumps(value).encode()),
    ),
)
def test_no_reply_is_too_odd_to_be_a_failure(status: int, body: bytes) -> None:
    failure = failure_of(status, {}, body)
    assert failure.words.strip()
    failure.words.encode()
    assert len(failure.words) < 500
