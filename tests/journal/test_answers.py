"""Which completion counts, against a rule written with dictionaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.codes import Status
from judgefast.engines.base import Completion
from judgefast.errors import ColumnError
from judgefast.journal.answers import AnswerIndex, State
from judgefast.journal.columns import to_batch
from judgefast.journal.run_directory import RunDirectory

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

PLANNED = 5


class Came(NamedTuple):
    """One completion: request 5 and above are not in the plan."""

    request: int
    attempt: int
    launch: int
    how: str


def ids(numbers: range) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    joined = b"".join(number.to_bytes(16, "little") for number in numbers)
    return np.frombuffer(joined, np.uint8).reshape(-1, 16)


def batch_of(came: list[Came], first_row: int = 0) -> pa.RecordBatch:
    """Completions of one launch."""
    completions = [
        Completion(
            request_id=one.request.to_bytes(16, "little"),
            attempt=one.attempt,
            lane=0,
            text="",
            finish_reason=one.how if one.how in {"stop", "length", "cancelled"} else "error",
            error_kind=one.how if one.how in {"timeout", "too_long", "engine_error"} else None,
        )
        for one in came
    ]
    return to_batch(completions, launch=f"{came[0].launch:032x}", first_row=first_row)


def index_of(*came: Came) -> AnswerIndex:
    index = AnswerIndex(ids(range(PLANNED)))
    for row, one in enumerate(came):
        index.add(batch_of([one], row))
    return index


came_back = st.builds(
    Came,
    request=st.integers(0, PLANNED + 1),
    attempt=st.integers(1, 3),
    launch=st.integers(0, 3),
    how=st.sampled_from(["stop", "length", "error", "timeout", "too_long", "cancelled"]),
)


@settings(max_examples=60, deadline=None)
@given(came=st.lists(came_back, max_size=25), order=st.randoms(use_true_random=False))
def test_the_highest_final_attempt_counts_then_the_smallest_launch_and_row(
    came: list[Came], order: random.Random
) -> None:
    batches: list[pa.RecordBatch] = []
    places: list[tuple[Came, int]] = []
    for launch in range(4):
        of_launch = [one for one in came if one.launch == launch]
        places.extend((one, row) for row, one in enumerate(of_launch))
        starts = range(0, len(of_launch), 3)
        batches += [batch_of(of_launch[start : start + 3], start) for start in starts]
    order.shuffle(batches)
    index = AnswerIndex(ids(range(PLANNED)))
    for batch in batches:
        index.add(batch)

    counted = {
        (row["request_id"][0], row["launch"], row["row"])
        for batch in batches
        for row, counts in zip(batch.to_pylist(), index.counts(batch).tolist(), strict=True)
        if counts
    }
    known = [(one, row) for one, row in places if one.request < PLANNED]
    final = [(one, row) for one, row in known if one.how in {"stop", "length"}]
    expected = set()
    for request in range(PLANNED):
        mine = sorted(
            (-one.attempt, one.launch, row) for one, row in final if one.request == request
        )
        came_through = [
            one.attempt for one, _ in known if one.request == request and one.how != "cancelled"
        ]
        assert index.attempts[request] == max(came_through, default=0)
        assert index.final_attempt[request] == (-mine[0][0] if mine else 0)
        state = State.ANSWERED if mine else State.FAILED if came_through else State.UNASKED
        assert index.state[request] == state
        if mine:
            expected.add((request, f"{mine[0][1]:032x}", mine[0][2]))
    assert counted == expected
    assert index.num_superseded == len(final) - len(expected)
    assert index.num_unknown == len(came) - len(known)
    assert index.num_cancelled == sum(one.how == "cancelled" for one, _ in known)
    assert len(known) == index.num_final + index.num_failed + index.num_cancelled


def test_what_is_missing_is_asked_until_its_attempts_are_used_up() -> None:
    index = index_of(
        Came(0, 1, 0, "stop"),
        Came(1, 1, 0, "timeout"),
        Came(2, 1, 0, "timeout"),
        Came(2, 2, 0, "engine_error"),
        Came(2, 3, 0, "error"),
        Came(3, 1, 0, "cancelled"),
    )
    assert index.missing(3).tolist() == [1, 3, 4]
    assert index.missing(1).tolist() == [3, 4]
    assert index.missing(4).tolist() == [1, 2, 3, 4]
    retry = np.array([True, False, True, False, False])
    assert index.missing(3, retry).tolist() == [0, 1, 2, 3, 4]
    assert index.failure.tolist() == [0, Status.TIMEOUT, Status.ENGINE_ERROR, 0, 0]


def test_what_is_too_long_for_the_engine_is_asked_again_only_on_request() -> None:
    index = index_of(Came(0, 1, 0, "too_long"))
    assert index.missing(3).tolist() == [1, 2, 3, 4]
    assert index.failure[0] == Status.TOO_LONG
    assert index.missing(3, np.array([True] + [False] * 4)).tolist() == [0, 1, 2, 3, 4]


def test_an_answer_stays_though_a_later_attempt_failed() -> None:
    index = index_of(Came(0, 1, 0, "length"), Came(0, 2, 1, "timeout"))
    assert index.state[0] == State.ANSWERED
    assert index.final_attempt[0] == 1
    assert index.attempts[0] == 2
    assert index.num_superseded == 0


def test_an_id_that_the_plan_has_twice_is_refused() -> None:
    with pytest.raises(ColumnError, match=r"row 1 of `request_id` holds 0700.*each id once"):
        AnswerIndex(np.concatenate([ids(range(7, 8)), ids(range(7, 8))]))


def test_an_empty_plan_knows_nothing() -> None:
    index = AnswerIndex(np.empty((0, 16), np.uint8))
    batch = batch_of([Came(0, 1, 0, "stop")])
    assert index.add(batch).tolist() == [-1]
    assert index.counts(batch).tolist() == [False]
    assert index.missing(3).tolist() == []
    assert index.num_unknown == 1


def test_a_slice_of_a_batch_is_joined_by_its_own_rows() -> None:
    batch = batch_of([Came(number, 1, 0, "stop") for number in range(5)])
    index = AnswerIndex(ids(range(PLANNED)))
    assert index.add(batch.slice(2, 2)).tolist() == [2, 3]
    assert index.final_attempt.tolist() == [0, 0, 1, 1, 0]


def test_a_run_directory_joins_its_journal_to_its_plan(
    run: Path, completion: Callable[..., Completion]
) -> None:
    requests = pa.table({"request_id": pa.array([b"%016d" % n for n in range(4)], pa.binary(16))})
    with RunDirectory.open(run, write=True) as directory:
        directory.write_plan(requests.slice(0, 3), requests.slice(0, 3))
        directory.write_plan(requests.slice(3), requests.slice(3))
        directory.seal_plan({"requests": 4})
        number = int.from_bytes(b"%016d" % 3, "little")
        directory.journal.append([completion(number), completion(12)])
    with RunDirectory.open(run, write=False) as reader:
        index = reader.final_attempts()
        assert index.missing(3).tolist() == [0, 1, 2]
        assert index.num_unknown == 1
        [batch] = reader.completions()
        assert index.counts(batch).tolist() == [True, False]
