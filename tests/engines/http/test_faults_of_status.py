"""Refusals: those that mean later, those that mean one prompt, those that mean everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.recorded import write_lines

from .judging import KEY, Judging, assert_complete, assert_right
from .opinion import row

if TYPE_CHECKING:
    from pathlib import Path

A_HANDFUL = 8
"""What may be on its way when the first refusal comes."""


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_or_falters_is_asked_again(
    status: int, server: Any, judging: Judging, names: list[str]
) -> None:
    with server(rules=[{"do": "status", "status": status, "times": 3}]) as one:
        assert_complete(judging.run(one.url), names)
        assert one.log.requests("status") == 3
        assert set(one.log.times("answered").values()) == {1}


def test_a_server_that_is_always_busy_ends_the_run_and_says_what_is_missing(
    server: Any, judging: Judging, names: list[str]
) -> None:
    rule = {"do": "status", "status": 503, "first": 4, "times": None}
    with server(rules=[rule]) as one:
        ran = judging.run(one.url, options={"list_size": 1, "patience_seconds": 1})
        assert ran.status == 3, ran.words
        assert "503" in ran.words
        assert f"of {2 * len(names)} judgments are done" in ran.words
        times = [line["at"] for line in one.log.items]
        assert max(times) - min(times) < 20, "many refusals at once are one"
        one.kill()
        one.start(rules=[])
        assert_complete(judging.resume(), names)
        assert set(one.log.times("answered").values()) == {1}


def test_what_is_always_refused_for_now_is_missing_by_name(
    server: Any, judging: Judging, names: list[str]
) -> None:
    rule = {"do": "status", "status": 500, "about": "one of q7.", "times": None}
    with server(rules=[rule]) as one:
        ran = judging.run(one.url, options={"max_retries": 1})
        assert ran.status == 3, ran.words
        assert ran.counts["failed"] == {"engine_error": 2}
        assert_right(ran, names, missing=["q7"])
        words = {each["error"] for each in ran.completions() if each["error"]}
        assert all("answered 500" in one and "it is so" in one for one in words)
        assert one.log.times("asked")["q7/one"] <= 5


def test_a_key_that_is_refused_ends_the_run_at_once(
    server: Any, judging: Judging, names: list[str]
) -> None:
    with server(key="sk-another") as one:
        ran = judging.run(one.url)
        assert ran.status == 2, ran.words
        assert "JUDGEFAST_API_KEY" in ran.words
        assert "401" in ran.words
        assert len(one.log.lines) <= 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_later_ends_the_run_after_a_handful(
    status: int, server: Any, judging: Judging, names: list[str]
) -> None:
    rule = {"do": "status", "status": status, "first": 3, "times": None}
    with server(rules=[rule]) as one:
        ran = judging.run(one.url, options={"list_size": 1, "concurrency": 4})
        assert ran.status in {2, 3}, ran.words
        assert str(status) in ran.words
        assert "hint: set JUDGEFAST_API_KEY to a key that this server takes" in ran.words
        assert one.log.requests("status") <= A_HANDFUL
        one.kill()
        one.start(rules=[])
        assert_complete(judging.resume(), names)
        twice = [name for name, times in one.log.times("answered").items() if times > 1]
        assert len(twice) < 4, "what was on its way when the run ended"


def test_without_a_key_where_one_is_needed_the_words_say_where_it_is_read(
    server: Any, judging: Judging
) -> None:
    with server(key=KEY) as one:
        ran = judging.run(one.url, key=None)
        assert ran.status == 2
        assert "JUDGEFAST_API_KEY" in ran.words


def test_the_other_name_of_the_key_is_read_too(
    server: Any, judging: Judging, names: list[str]
) -> None:
    with server(key=KEY) as one:
        ran = judging.run(one.url, key=None, env={"OPENAI_API_KEY": KEY})
        assert_complete(ran, names)


def test_a_model_that_the_server_lacks_is_named_with_those_that_it_has(
    server: Any, judging: Judging
) -> None:
    with server(model="judge-7b") as one:
        ran = judging.run(one.url, more=["--model", "judge-70b"])
        assert ran.status == 2, ran.words
        assert "judge-70b" in ran.words
        assert "judge-7b" in ran.words.replace("judge-70b", "")
        assert len(one.log.lines) <= 1


def test_a_prompt_that_is_too_long_is_not_sent(
    server: Any, byte_model: Path, tmp_path: Path, names: list[str]
) -> None:
    rows = [row(name) for name in names]
    rows[4]["question"] += " at length" * 500
    long = Judging(tmp_path, write_lines(tmp_path / "long.jsonl", rows), byte_model)
    with server() as one:
        ran = long.run(one.url)
        assert ran.counts["failed"] == {"too_long": 2}
        assert_right(ran, names, missing=["q4"])
        assert one.log.times("asked")["q4/one"] == 0
        assert not [line for line in one.log.items if line.get("refused")]


def test_a_list_that_is_refused_is_split_down_to_the_one_that_is_too_long(
    server: Any, byte_model: Path, tmp_path: Path, names: list[str]
) -> None:
    """The server takes less than the model's folder says, and than it says itself."""
    rows = [row(name) for name in names]
    rows[4]["question"] += " at length" * 100
    long = Judging(tmp_path, write_lines(tmp_path / "long.jsonl", rows), byte_model)
    with server(context=1500, told_context=4096) as one:
        ran = long.run(one.url, options={"list_size": 8})
        assert ran.counts["failed"] == {"too_long": 2}, ran.words
        assert ran.counts["parsed"] == 2 * (len(names) - 1)
        assert_right(ran, names, missing=["q4"])
        refused = [line for line in one.log.items if line.get("refused")]
        assert 2 <= len(refused) <= 10
        assert set(one.log.times("answered").values()) == {1}


@pytest.mark.parametrize("status", [400, 422])
def test_one_bad_prompt_in_a_list_is_found_and_the_others_are_answered(
    status: int, server: Any, judging: Judging, names: list[str]
) -> None:
    rule = {"do": "status", "status": status, "about": "one of q6.", "times": None}
    with server(rules=[rule]) as one:
        ran = judging.run(one.url, options={"list_size": 8})
        assert ran.status == 3, ran.words
        assert ran.counts["failed"] == {"engine_error": 2}
        assert_right(ran, names, missing=["q6"])
        answered = one.log.times("answered")
        assert set(answered.values()) == {1}
        assert len(answered) == 2 * (len(names) - 1)
        # Each of the two is found by halving lists of 8: 8, 4, 2, 1.
        assert one.log.requests("status") <= 8


def test_a_limit_that_is_always_reached_ends_by_the_seconds_of_a_request(
    server: Any, judging: Judging, names: list[str]
) -> None:
    """A quota is no fault: it is waited for, as long as a person says."""
    rule = {"do": "status", "status": 429, "first": 2, "times": None}
    with server(rules=[rule]) as one:
        ran = judging.run(one.url, more=["--request-seconds", "1"])
        assert ran.status == 3, ran.words
        counts = ran.counts
        assert set(counts["failed"]) == {"timeout"}
        assert counts["failed"]["timeout"] + counts["parsed"] == 2 * len(names)
        assert one.log.requests() < 30, "it is not pressed"
