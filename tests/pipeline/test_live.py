"""What is read in groups is what would have been read one by one; figures beside the work."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.codes import Status
from judgefast.engines.base import Completion
from judgefast.pipeline.background import Background
from judgefast.pipeline.live import (
    EXAMPLES,
    FIRST_LOOK,
    GROUP_ROWS,
    GROUP_SECONDS,
    WATCHED,
    LiveVerdicts,
    Unreadable,
)
from judgefast.prompts.verdict_format import VerdictFormat
from judgefast.verdicts.table import VerdictTable

if TYPE_CHECKING:
    from collections.abc import Sequence

BRACKET = VerdictFormat(name="bracket")
TEXTS = ("so [[A]]", "thus [[B]]", "", "[[C]]", "nothing", "[[A]] or [[B]]")


class Clock:
    """Stands still until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def table_of(count: int) -> VerdictTable:
    ids = np.zeros((count, 16), np.uint8)
    ids[:, :4] = np.arange(count, dtype="<u4").view(np.uint8).reshape(-1, 4)
    return VerdictTable(ids, BRACKET, planned=np.zeros(count, np.uint8))


def completion(row: int, text: str, attempt: int = 1, *, failed: bool = False) -> Completion:
    return Completion(
        request_id=row.to_bytes(4, "little") + bytes(12),
        attempt=attempt,
        lane=0,
        text="" if failed else text,
        finish_reason="error" if failed else "stop",
        error_kind="timeout" if failed else None,
        prompt_tokens=None if failed else 10,
    )


def parts(said: Sequence[Completion], cuts: list[int]) -> list[list[Completion]]:
    edges = [0, *sorted(cuts), len(said)]
    return [list(said[a:b]) for a, b in pairwise(edges)]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 19), st.sampled_from(TEXTS), st.integers(1, 3), st.booleans()),
        max_size=60,
        unique_by=lambda each: (each[0], each[2]),
    ),
    st.lists(st.integers(0, 60), max_size=6),
    st.integers(0, 3),
)
def test_groups_leave_the_table_that_single_completions_leave(
    said: list[tuple[int, str, int, bool]], cuts: list[int], ticks: int
) -> None:
    completions = [completion(row, text, n, failed=bad) for row, text, n, bad in said]
    one_by_one = table_of(20)
    for each in completions:
        one_by_one.add_live([each], "launch")
    clock, grouped, unreadable = Clock(), table_of(20), Unreadable(None)
    live = LiveVerdicts(grouped, unreadable, "launch", clock)
    for part in parts(completions, [min(cut, len(said)) for cut in cuts]):
        live.add(part)
        clock.now += ticks * GROUP_SECONDS / 2
    live.finish()
    assert live.read == len(said)
    for mine, theirs in zip(grouped.verdicts(), one_by_one.verdicts(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(grouped.answers.attempts, one_by_one.answers.attempts)
    good = sum(each.prompt_tokens or 0 for each in completions)
    assert (live.prompt_tokens or 0) == good
    assert live.cached_tokens is None


def test_cached_tokens_are_a_sum_as_long_as_each_prompt_has_them_and_unknown_from_then_on() -> None:
    live = LiveVerdicts(table_of(8), Unreadable(None), "launch", Clock())
    for row, cached in enumerate([4, 6]):
        live.add([msgspec.structs.replace(completion(row, "[[A]]"), cached_tokens=cached)])
    live.add([completion(2, "", failed=True)])
    live.finish()
    assert live.cached_tokens == 10
    live.add([completion(3, "[[A]]")])
    live.add([msgspec.structs.replace(completion(4, "[[A]]"), cached_tokens=6)])
    live.finish()
    assert live.cached_tokens is None


def test_the_first_is_read_at_once_and_the_next_wait_for_the_clock_or_for_each_other() -> None:
    clock, table, unreadable = Clock(), table_of(1000), Unreadable(None)
    live = LiveVerdicts(table, unreadable, "launch", clock)
    assert live.add([completion(0, "[[A]]")])
    assert not live.add([completion(1, "[[A]]")])
    assert live.read == 1
    clock.now += GROUP_SECONDS
    assert live.add([]), "nothing new is needed: time is up"
    assert live.read == 2
    assert live.add([completion(2 + n, "[[A]]") for n in range(GROUP_ROWS)])
    assert not live.add([])
    assert not live.finish()


def test_the_first_look_at_what_cannot_be_read_waits_for_no_group() -> None:
    unreadable = Unreadable(0.2)
    live = LiveVerdicts(table_of(400), unreadable, "launch", Clock())
    for row in range(200):
        live.add([completion(row, "nothing")])
    assert unreadable.is_too_high
    assert unreadable.total == 200
    assert unreadable.examples == [f"{Status.NO_VERDICT.label}: nothing"] * 3


def test_of_what_failed_it_is_said_why_whatever_was_kept_beside() -> None:
    unreadable = Unreadable(None)
    cut = completion(0, '{"model":"m","questions":[]}', failed=True)
    status = np.array([Status.TOO_LONG], np.uint8)
    unreadable.add(status, [msgspec.structs.replace(cut, error="the server cut 41 tokens")])
    assert unreadable.examples == ["too_long: the server cut 41 tokens"]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0, 1, 4, 17]), st.integers(1, 400)), max_size=20))
def test_the_unreadable_share_is_that_of_the_last_thousand(
    groups: list[tuple[int, int]],
) -> None:
    unreadable = Unreadable(0.5)
    seen: list[int] = []
    for code, size in groups:
        group = [code] * (size - 1) + [0]
        said = [completion(len(seen) + row, f"no {len(seen) + row}") for row in range(len(group))]
        unreadable.add(np.array(group, np.uint8), said)
        seen += group
        last = seen[-WATCHED:]
        share = sum(each > 0 for each in last) / len(last)
        assert unreadable.share == share
        assert unreadable.is_too_high == (len(seen) >= FIRST_LOOK and share > 0.5)
    bad = [(place, status) for place, status in enumerate(seen) if status]
    assert unreadable.total == len(bad)
    assert unreadable.examples == [
        f"{Status(status).label}: no {place}" for place, status in bad[:EXAMPLES]
    ]


def test_a_figure_beside_the_work_is_asked_for_and_never_waited_for() -> None:
    may_end, calls = threading.Event(), []

    def work() -> int:
        calls.append(1)
        may_end.wait(10)
        return len(calls)

    figure = Background(work)
    assert [figure(), figure(), figure()] == [None, None, None]
    assert calls == [1], "one at a time"
    may_end.set()
    while figure() is None:
        pass
    assert isinstance(figure(), int)
