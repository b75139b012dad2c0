"""A real server that is not vLLM: llama.cpp's, with its key set, over SmolLM2."""

from __future__ import annotations

import json
import os
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.engines.embedded import fetch
from judgefast.errors import ModelError
from judgefast.runs import Run
from tests.recorded import write_lines

from .judging import KEY, Judging, short_reasons
from .llama import serve_llama, write_llama_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest.importorskip("xllamacpp", reason="its wheel is not made for this platform")
pytestmark = [pytest.mark.embedded, pytest.mark.slow]

ROWS = [
    {"id": "sky", "question": "What color is the sky?", "answer_a": "Blue.", "answer_b": "Salt."},
    {"id": "two", "question": "What is 1 + 1?", "answer_a": "11", "answer_b": "2"},
]


@pytest.fixture(scope="module")
def weights() -> Path:
    try:
        return fetch()
    except ModelError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def url(weights: Path) -> Iterator[str]:
    """One start for all tests."""
    with serve_llama(weights) as address:
        yield address


@pytest.fixture(scope="module")
def folder(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_llama_folder(weights, tmp_path_factory.mktemp("models") / "smollm2")


@pytest.fixture
def judging(folder: Path, tmp_path: Path) -> Judging:
    return Judging(tmp_path, write_lines(tmp_path / "rows.jsonl", ROWS), folder)


OPTIONS = {"timeout_seconds": 60, "list_size": 2}


def test_texts_are_judged_over_chat_and_said_not_to_be_sealed(url: str, judging: Judging) -> None:
    ran = judging.run(url, tokenizer=False, options=OPTIONS)
    assert ran.status == 0, ran.words
    assert ran.counts["parsed"] == 2 * len(ROWS)
    for row in ran.completions():
        assert row["prompt_tokens"] > 100
    assert "sealed" in ran.words + ran.data


def test_token_ids_are_judged_in_lists_and_labels_are_read_from_the_likeliest(
    url: str, judging: Judging, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = judging.run(url, options=OPTIONS)
    assert ran.status == 0, ran.words
    rows = ran.completions()
    assert len({row["request_id"] for row in rows}) == len(rows) == 2 * len(ROWS)
    monkeypatch.setenv("JUDGEFAST_API_KEY", KEY)
    prompt = Run.open(ran.out).prompt(rows[0]["request_id"])
    assert prompt is not None
    assert prompt.token_ids is not None
    assert rows[0]["prompt_tokens"] == len(prompt.token_ids), (
        "though it counts those of a list once"
    )
    body = {"prompt": prompt.token_ids.tolist(), "max_tokens": 1, "temperature": 0, "logprobs": 20}
    (choice,) = asked(url, "/v1/completions", body)["choices"]
    listed = {
        each["token"]: each["logprob"] for each in choice["logprobs"]["content"][0]["top_logprobs"]
    }
    (answer,) = rows[0]["answers"]
    for label, value in zip("ABC", answer["logprobs"], strict=True):
        if label in listed:  # its numbers hang on what else it computes
            assert value == pytest.approx(listed[label], abs=0.4)
        else:
            assert value <= min(listed.values()) + 0.4
    assert listed.keys() & set("ABC")


def test_a_wrong_key_is_refused_by_it_at_once(url: str, judging: Judging) -> None:
    ran = judging.run(url, key="sk-wrong", options=OPTIONS)
    assert ran.status == 2, ran.words
    assert "JUDGEFAST_API_KEY" in ran.words


def test_a_schema_holds_its_answers(url: str, judging: Judging, tmp_path: Path) -> None:
    rubric = str(short_reasons(tmp_path))
    ran = judging.run(url, tokenizer=False, rubric=rubric, options=OPTIONS, more=["--limit", "1"])
    assert len(ran.completions()) == 2
    for row in ran.completions():
        assert row["text"].lstrip().startswith("{")
        assert '"verdict"' in row["text"]


def test_answers_of_a_list_are_streamed_where_that_is_wanted(
    url: str, judging: Judging, tmp_path: Path
) -> None:
    """It sends an event a token, so it is not done unasked."""
    rubric = str(short_reasons(tmp_path))
    ran = judging.run(url, rubric=rubric, options=OPTIONS | {"stream": "on"})
    assert ran.facts["engine"]["abilities"]["stream"] == "tokens"
    rows = ran.completions()
    assert len({row["request_id"] for row in rows}) == len(rows) == 2 * len(ROWS)
    for row in rows:
        assert row["text"]
        assert 1 < row["completion_tokens"] <= 24


def asked(url: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Ask it without judgefast."""
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    request = urllib.request.Request(url + path, json.dumps(body).encode(), headers)  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 - our own server
        found: dict[str, Any] = json.load(response)
    return found
