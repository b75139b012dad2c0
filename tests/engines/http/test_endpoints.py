"""Several servers: one dies, one is slow, all are gone; and a run that is itself killed."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.recorded import write_lines

from .judging import Judging, assert_complete
from .opinion import row
from .serving import FaultServer, merged
from .test_faults_of_connection import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ITEMS = 60
IN_FLIGHT = 8
SOON = 0.1
"""Seconds in which what was on its way may still arrive."""
ONE_BY_ONE = {"list_size": 1, "concurrency": IN_FLIGHT}


@pytest.fixture
def names() -> list[str]:
    return [f"q{number}" for number in range(ITEMS)]


@pytest.fixture
def pair(tmp_path: Path) -> Callable[..., tuple[FaultServer, FaultServer]]:
    """Two servers by two scripts, each with its log."""

    def make(first: dict[str, Any], second: dict[str, Any]) -> tuple[FaultServer, FaultServer]:
        folders = [tmp_path / "first", tmp_path / "second"]
        for folder in folders:
            folder.mkdir()
        return FaultServer(folders[0], **first), FaultServer(folders[1], **second)

    return make


def test_a_server_that_dies_in_the_middle_leaves_its_work_to_the_other(
    pair: Any, judging: Judging, names: list[str]
) -> None:
    first, second = pair(
        {"seconds": 0.05}, {"seconds": 0.05, "rules": [{"do": "die", "first": 10}]}
    )
    with first, second:
        ran = judging.run(first.url, second.url, options=ONE_BY_ONE)
        assert_complete(ran, names)
        assert sum(second.log.times("answered").values()) >= 2
        both = merged([first.log, second.log]).times("answered")
        assert len(both) == 2 * ITEMS
        assert sum(both.values()) == 2 * ITEMS, "what was answered is not asked of the other"
        assert second.url.removeprefix("http://") in ran.words


def test_the_faster_of_two_servers_does_more_and_takes_over_what_waits_for_the_slower(
    pair: Any, byte_model: Path, tmp_path: Path, names: list[str]
) -> None:
    """All prompts begin alike: they are one group, which one server alone would have."""
    alike = [row(name) | {"question": "Which is right?"} for name in names]
    judging = Judging(tmp_path, write_lines(tmp_path / "alike.jsonl", alike), byte_model)
    first, second = pair({"seconds": 0.01}, {"seconds": 0.4})
    with first, second:
        ran = judging.run(first.url, second.url, options=ONE_BY_ONE | {"timeout_seconds": 5})
        assert_complete(ran, names)
        quick = sum(first.log.times("answered").values())
        slow = sum(second.log.times("answered").values())
        assert quick > 2 * slow > 0
        lines = [line["at"] for log in (first.log, second.log) for line in log.items]
        assert max(lines) - min(lines) < 4, "an even share of the slow one alone would take 3 s"


def test_retry_after_is_kept_and_meanwhile_the_other_server_does_the_work(
    pair: Any, judging: Judging, names: list[str]
) -> None:
    rule = {"do": "status", "status": 429, "headers": {"Retry-After": "1"}, "first": 2, "times": 1}
    first, second = pair({"rules": [rule], "seconds": 0.02}, {"seconds": 0.2})
    with first, second:
        assert_complete(judging.run(first.url, second.url, options=ONE_BY_ONE), names)
        (refused,) = [line for line in first.log.items if line.get("fault")]
        later = [line["at"] - refused["at"] for line in first.log.items if line["what"] == "asked"]
        sent_after = [seconds for seconds in later if seconds > SOON]
        assert min(sent_after) >= 1.0, "it is left alone for as long as it asks"
        meanwhile = [line for line in second.log.items if 0 < line["at"] - refused["at"] < 1]
        assert len(meanwhile) > 2
        (name,) = refused["about"]
        (again,) = [
            line for line in second.log.items if line["what"] == "asked" and name in line["about"]
        ]
        assert again["at"] - refused["at"] < 1, "its prompt does not wait with it"


def test_a_list_of_servers_of_which_one_is_not_there_is_served_by_the_other(
    pair: Any, judging: Judging, names: list[str]
) -> None:
    first, second = pair({}, {})
    with first:
        with second:
            pass
        ran = judging.run(first.url, second.url)
        assert_complete(ran, names)
        assert second.url.removeprefix("http://") in ran.words


def test_servers_of_two_models_are_not_taken_for_one_judge(pair: Any, judging: Judging) -> None:
    first, second = pair({"model": "judge-a"}, {"model": "judge-b"})
    with first, second:
        ran = judging.run(first.url, second.url)
        assert ran.status == 2
        assert "judge-a" in ran.words
        assert "judge-b" in ran.words


def test_when_all_servers_are_dead_the_run_ends_and_is_finished_when_they_are_back(
    pair: Any, judging: Judging, names: list[str]
) -> None:
    dying = {"seconds": 0.02, "rules": [{"do": "die", "first": 20}]}
    first, second = pair(dying, dying)
    with first, second:
        options = ONE_BY_ONE | {"patience_seconds": 0.5}
        ran = judging.run(first.url, second.url, options=options)
        assert ran.status == 3, ran.words
        for one in (first, second):
            assert one.url.removeprefix("http://") in ran.words
        assert "judgefast resume" in ran.words
        done = merged([first.log, second.log]).times("answered")
        assert 0 < sum(done.values()) < 2 * ITEMS
        for one in (first, second):
            one.kill()
            one.start(rules=[])
        assert_complete(judging.resume(), names)
        both = merged([first.log, second.log]).times("answered")
        assert len(both) == 2 * ITEMS
        assert max(both.values()) == 1, "what was answered before is not asked again"


def test_a_run_that_is_killed_asks_at_most_what_was_on_its_way_twice(
    server: Any, judging: Judging, names: list[str]
) -> None:
    with server(seconds=0.03) as one:
        process = judging.start(one.url, options=ONE_BY_ONE)
        wait_until(lambda: sum(one.log.times("answered").values()) >= 40)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        before = one.log.times("asked")
        assert 40 <= sum(before.values()) < 2 * ITEMS
        assert_complete(judging.resume(), names)
        asked = one.log.times("asked")
        assert len(asked) == 2 * ITEMS
        again = {name for name, times in asked.items() if times > 1}
        # What the engine was given: the servers' share, and answers on their way to the journal,
        # which a host that gets no turn has not taken yet.
        assert len(again) <= IN_FLIGHT + IN_FLIGHT // 2 + 1
        assert max(asked.values()) <= 2


def test_a_run_that_is_interrupted_ends_at_once_and_goes_on(
    server: Any, judging: Judging, names: list[str]
) -> None:
    with server(rules=[{"do": "hang", "first": 30, "times": None}]) as one:
        process = judging.start(one.url, options=ONE_BY_ONE | {"timeout_seconds": 60})
        wait_until(lambda: one.log.requests("hang") >= IN_FLIGHT)
        process.send_signal(signal.SIGINT)
        _, words = process.communicate(timeout=5)
        assert process.returncode == 130, words
        one.kill()
        one.start(rules=[])
        assert_complete(judging.resume(), names)
        assert max(one.log.times("answered").values()) == 1
