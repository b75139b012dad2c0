"""Statuses and what they come to, and settings out of range."""

from __future__ import annotations

import math

import pytest

from judgefast.engines.http.options import HttpOptions
from judgefast.engines.http.statuses import is_too_long, next_of
from judgefast.errors import ConfigError


@pytest.mark.parametrize(
    ("status", "words", "step"),
    [
        (429, "", "later"), (503, "", "later"), (408, "", "later"), (529, "", "later"),
        (500, "", "again"), (502, "content filter", "again"), (504, "", "again"),
        (400, "", "refused"), (413, "", "refused"), (422, "", "refused"),
        (400, '{"code": "content_filter"}', "withheld"), (403, "flagged by moderation", "withheld"),
        (401, "", "stop"), (401, "account flagged", "stop"),
        (403, "", "stop"), (404, "", "stop"), (302, "", "stop"),
    ],
)  # fmt: skip
def test_each_status_has_its_consequence(status: int, words: str, step: str) -> None:
    assert next_of(status, words).value == step


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 4096 tokens.",
        "the request exceeds the available context size",
        '{"code": "context_length_exceeded"}',
        "Input is too long for requested model.",
        "The prompt (9000 tokens) is longer than the maximum model length",
    ],
)
def test_a_refusal_for_length_is_known_by_its_words(words: str) -> None:
    assert is_too_long(400, words)
    assert is_too_long(413, "")
    assert not is_too_long(400, "unknown field `logprob_token_ids`")


@pytest.mark.parametrize(
    ("name", "value"),
    [("list_size", 0), ("api", "grpc"), ("timeout_seconds", 0), ("context_tokens", 0),
     ("max_retries", -1), ("concurrency", 1.5), ("patience_seconds", float("nan")),
     ("timeout_seconds", math.inf)],
)  # fmt: skip
def test_a_setting_out_of_range_is_named(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name):
        HttpOptions(base_urls=("http://a",), **{name: value}).check()
