"""Answers that come, but are not what was asked for: asked again, and never counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .judging import KEY, assert_complete, assert_right

if TYPE_CHECKING:
    from .judging import Judging

PASSING = ["content_type", "html", "garbage", "no_choices", "fewer", "more", "duplicates", "huge"]
"""Faults of single answers. `html` is a page of a proxy, with status 502."""


@pytest.mark.parametrize("fault", PASSING)
def test_lists_that_are_answered_amiss_are_asked_again(
    fault: str, server: Any, judging: Judging, names: list[str]
) -> None:
    with server(rules=[{"do": fault, "times": 2, "every": 2, "status": 502}]) as one:
        ran = judging.run(one.url)
        assert_complete(ran, names)
        # A wrong label on what is whole and right may be forgiven, and nothing else.
        assert max(one.log.times("asked").values()) <= 3
        if fault != "content_type":
            assert one.log.requests(fault) == 2
            assert max(one.log.times("asked").values()) >= 2


def test_choices_out_of_order_are_put_in_order_without_asking_again(
    server: Any, judging: Judging, names: list[str]
) -> None:
    with server(rules=[{"do": "shuffled", "times": None}]) as one:
        assert_complete(judging.run(one.url), names)
        assert one.log.requests("shuffled") > 0
        assert max(one.log.lengths) > 1
        assert set(one.log.times("asked").values()) == {1}


@pytest.mark.parametrize("fault", ["garbage", "huge"])
def test_what_is_always_answered_amiss_is_missing_by_name_and_the_rest_is_there(
    fault: str, server: Any, judging: Judging, names: list[str]
) -> None:
    options = {"list_size": 1, "max_retries": 1}
    rules = [{"do": fault, "about": "one of q3.", "times": None, "status": 502}]
    with server(rules=rules) as one:
        ran = judging.run(one.url, options=options)
        assert ran.status == 3, ran.words
        assert ran.counts["failed"] == {"engine_error": 2}
        assert ran.counts["parsed"] == 2 * (len(names) - 1)
        assert_right(ran, names, missing=["q3"])
        assert "judgefast resume" in ran.words
        one.kill()
        one.start(rules=[])
        assert_complete(judging.resume(), names)
        assert one.log.times("answered")["q4/one"] == 1


@pytest.mark.parametrize("fault", ["content_type", "html", "garbage", "no_choices", "huge"])
def test_chats_that_are_answered_amiss_are_asked_again(
    fault: str, server: Any, judging: Judging, names: list[str]
) -> None:
    rules = [{"do": fault, "times": 2, "every": 3, "status": 502}]
    with server(rules=rules, flavour="plain", key=KEY) as one:
        ran = judging.run(one.url, tokenizer=False)
        assert_complete(ran, names)
        assert max(one.log.times("asked").values()) <= 3


@pytest.mark.parametrize(("status", "shown"), [(200, "(text/plain; key=***)"), (500, ": [31m***")])
def test_a_reply_that_repeats_the_key_and_moves_the_cursor_is_shown_without_both(
    status: int, shown: str, server: Any, judging: Judging, names: list[str]
) -> None:
    rule = {"do": "echo", "status": status, "about": "one of q3.", "times": None}
    with server(rules=[rule], key=KEY) as one:
        ran = judging.run(one.url, options={"max_retries": 0})
        assert_right(ran, names, missing=["q3"])
        words = {each["error"] for each in ran.completions() if each["error"]}
        assert all(shown in each for each in words), words
        assert all(each.isprintable() for each in (*words, *ran.words.splitlines()))
