"""Servers that only ever fail, or say nothing: told, bounded in time, and gone on with later."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.recorded import write_lines

from .judging import Judging, assert_complete, assert_right
from .opinion import row
from .test_faults_of_connection import wait_until

if TYPE_CHECKING:
    from pathlib import Path

SINGLY = {"list_size": 1, "concurrency": 4}


@pytest.fixture
def told_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("judgefast.engines.remote.health.FIRST_TOLD", 0.3)


@pytest.mark.slow
@pytest.mark.usefixtures("told_soon")
def test_a_limit_without_end_is_told_with_its_server_and_then_ends_the_engine(
    server: Any, judging: Judging, names: list[str]
) -> None:
    rule = {"do": "status", "status": 429, "first": 4, "times": None}
    with server(rules=[rule]) as one:
        ran = judging.run(one.url, options=SINGLY | {"patience_seconds": 1.5})
        assert ran.status == 3, ran.words
        assert (
            f"{one.url} has not answered for 0 seconds; last: {one.url} answered 429" in ran.words
        )
        assert ran.words.count("has not answered for") <= 5, "seldom"
        assert "no server has answered for" in ran.words
        assert "it is so" in ran.words
        assert "judgefast resume" in ran.words
        times = [line["at"] for line in one.log.items]
        assert 1.0 < max(times) - min(times) < 6
        one.kill()
        one.start(rules=[])
        assert_complete(judging.resume(), names)
        assert set(one.log.times("answered").values()) == {1}


@pytest.mark.slow
def test_a_server_that_hangs_ends_the_engine_and_loses_nothing(
    server: Any, judging: Judging, names: list[str]
) -> None:
    """It takes connections and says nothing: its process is stopped."""
    options = SINGLY | {"timeout_seconds": 1.0, "patience_seconds": 2.0, "max_retries": 1000}
    with server(seconds=0.05) as one:
        process = judging.start(one.url, options=options)
        wait_until(lambda: sum(one.log.times("answered").values()) >= 4)
        one.gate.clear()
        _, words = process.communicate(timeout=30)
        one.gate.set()
        assert process.returncode == 3, words
        assert "no server has answered for" in words
        assert_complete(judging.resume(), names)


def test_a_server_that_shows_its_models_and_answers_nothing_ends_the_engine_too(
    server: Any, judging: Judging
) -> None:
    hang = {"do": "hang", "first": 4, "times": None, "everything": True}
    options = SINGLY | {"timeout_seconds": 1.0, "patience_seconds": 2.0, "max_retries": 1000}
    with server(rules=[hang]) as one:
        begin = time.monotonic()
        ran = judging.run(one.url, options=options)
        assert ran.status == 3, ran.words
        assert "no server has answered for" in ran.words
        assert one.log.requests("hang") <= 20, "prompts are not burnt on it"
        assert time.monotonic() - begin < 15


def test_one_prompt_that_hangs_does_not_end_the_engine_though_nothing_else_is_left(
    server: Any, judging: Judging, names: list[str]
) -> None:
    rule = {"do": "hang", "about": "one of q11.", "times": None}
    options = SINGLY | {"timeout_seconds": 0.6, "patience_seconds": 0.4, "max_retries": 3}
    with server(rules=[rule]) as one:
        ran = judging.run(one.url, options=options)
        assert ran.counts["failed"] == {"timeout": 2}, ran.words
        assert_right(ran, names, missing=["q11"])


def test_a_server_that_asks_for_no_pause_at_all_is_not_pressed(
    server: Any, judging: Judging, names: list[str]
) -> None:
    rule = {"do": "status", "status": 429, "headers": {"Retry-After": "0"}, "times": None}
    rule |= {"until": 3.0}
    with server(rules=[rule]) as one:
        assert_complete(judging.run(one.url, options=SINGLY), names)
        assert one.log.requests("status") < 40


@pytest.mark.slow
@pytest.mark.parametrize("case", [(503, 1, 6), (408, 0, 4)])
def test_one_prompt_for_which_there_is_never_room_is_given_up_and_the_rest_is_there(
    case: tuple[int, int, int], server: Any, judging: Judging, names: list[str]
) -> None:
    status, retries, times = case
    rule = {"do": "status", "status": status, "about": "one of q3.", "times": None}
    with server(rules=[rule]) as one:
        ran = judging.run(one.url, options={"max_retries": retries, "patience_seconds": 60})
        assert ran.status == 3, ran.words
        assert ran.counts["failed"] == {"engine_error": 2}
        assert_right(ran, names, missing=["q3"])
        words = {each["error"] for each in ran.completions() if each["error"]}
        assert all(f"answered {status}" in one for one in words), words
        assert all(f"({times} times, and others are answered)" in one for one in words)
        assert one.log.times("asked")["q3/one"] <= 8
        assert set(one.log.times("answered").values()) == {1}


def test_a_run_that_begins_with_bad_prompts_goes_on_and_names_them(
    server: Any, byte_model: Path, tmp_path: Path
) -> None:
    names = [f"q{number}" for number in range(40)]
    rows = [row(name) for name in names]
    judging = Judging(tmp_path, write_lines(tmp_path / "bad.jsonl", rows), byte_model)
    rule = {"do": "status", "status": 400, "times": 20}
    with server(rules=[rule]) as one:
        ran = judging.run(one.url, options=SINGLY, more=["--max-unreadable", "1"])
        assert ran.status == 3, ran.words
        assert ran.counts["failed"] == {"engine_error": 20}
        assert ran.counts["parsed"] == 2 * len(names) - 20
        assert set(one.log.times("asked").values()) == {1}


def test_a_setting_that_the_server_refuses_stops_the_run_in_its_words(
    server: Any, byte_model: Path, tmp_path: Path
) -> None:
    many = [row(f"q{number}") for number in range(150)]
    judging = Judging(tmp_path, write_lines(tmp_path / "many.jsonl", many), byte_model)
    rule = {"do": "status", "status": 400, "times": None, "everything": True}
    with server(rules=[rule]) as one:
        options = {"list_size": 8, "concurrency": 16}
        ran = judging.run(one.url, options=options, more=["--max-unreadable", "1"])
        assert ran.status == 3
        assert "every request is refused" in ran.words
        assert "400: " in ran.words
        assert "it is so" in ran.words
        assert len(one.log.times("asked")) < 60


def test_a_server_is_never_given_more_prompts_than_its_concurrency(
    server: Any, judging: Judging, names: list[str]
) -> None:
    with server(seconds=0.05) as one:
        assert_complete(judging.run(one.url, options={"list_size": 8, "concurrency": 3}), names)
        there = most = 0
        for line in one.log.items:
            there += len(line["about"]) * (1 if line["what"] == "asked" else -1)
            most = max(most, there)
        assert most == 3
