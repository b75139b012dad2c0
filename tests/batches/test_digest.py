"""The digest of the order of sending: what it tells apart, and what it does not."""

from __future__ import annotations

import hashlib
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.batches.digest import NEVER, FirstSent, order_digest, order_sent
from judgefast.hashes import framed

COUNT = 12
GROUPS = np.array([1, 1, 1, 2, 2, 3, 3, 3, 3, 1, 1, 4], np.uint64)
IDS = np.frombuffer(
    b"".join(hashlib.md5(bytes([row])).digest() for row in range(COUNT)),  # noqa: S324 - a name
    np.uint8,
).reshape(-1, 16)


def sent(launch: list[int], started: list[float]) -> FirstSent:
    return FirstSent(np.array(launch, np.int32), np.array(started, np.float64))


def digest(order: Any = None) -> str:
    return order_digest(GROUPS, IDS, None if order is None else np.array(order))


def test_the_digest_is_the_hash_that_the_page_defines() -> None:
    fields: list[bytes] = []
    for number, start, end in ((1, 0, 3), (2, 3, 5), (3, 5, 9), (1, 9, 11), (4, 11, 12)):
        fields += [number.to_bytes(8, "little"), IDS[start:end].tobytes()]
    assert digest() == framed("judgefast plan order 1", fields)[:16].hex()
    assert digest(range(COUNT)) == digest()
    assert order_digest(GROUPS[:0], IDS[:0]) == framed("judgefast plan order 1", [])[:16].hex()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 9)), max_size=8), st.data())
def test_a_digest_in_chunks_is_that_of_all_groups_one_by_one(
    stretches: list[tuple[int, int]], data: st.DataObject
) -> None:
    groups = np.repeat(*np.array(stretches, np.uint64).reshape(-1, 2).T.astype(np.int64))
    ids = np.frombuffer(
        b"".join(hashlib.md5(bytes([row])).digest() for row in range(len(groups))),  # noqa: S324 - a name
        np.uint8,
    ).reshape(-1, 16)
    order = np.array(data.draw(st.permutations(range(len(groups)))), np.int64)
    begins = [row for row in range(len(groups)) if not row or groups[row] != groups[row - 1]]
    sent: dict[int, list[int]] = {}
    for row in order.tolist():
        sent.setdefault(max(begin for begin in begins if begin <= row), []).append(row)
    fields: list[bytes] = []
    for begin, rows in sent.items():
        fields += [int(groups[begin]).to_bytes(8, "little"), ids[rows].tobytes()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("judgefast.batches.digest.CHUNK", data.draw(st.integers(1, 12)))
        found = order_digest(groups.astype(np.uint64), ids, order)
    assert found == framed("judgefast plan order 1", fields)[:16].hex()


@pytest.mark.parametrize("is_reordered", [False, True])
def test_a_digest_takes_a_few_bytes_a_request_however_many_groups_there_are(
    is_reordered: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    count = 300_000
    ids = np.random.default_rng(1).integers(0, 256, (count, 16), dtype=np.uint8)
    groups = np.arange(count, dtype=np.uint64)
    order = groups[::-1].astype(np.int64) if is_reordered else None
    tracemalloc.start()
    order_digest(groups, ids, order)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * count


@pytest.mark.parametrize(
    ("order", "same"),
    [
        ([0, 3, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11], True),  # two lanes, each at a group
        ([0, 3, 1, 4, 2, 5, 9, 6, 7, 8, 11, 10], True),
        ([1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], False),  # another order in a group
        ([3, 4, 0, 1, 2, 5, 6, 7, 8, 9, 10, 11], False),  # another order of groups
        ([9, 10, 2, 3, 4, 5, 6, 7, 8, 0, 1, 11], False),
    ],
)
def test_groups_side_by_side_are_the_same_order_and_none_other_is(
    order: list[int], *, same: bool
) -> None:
    assert (digest(order) == digest()) is same


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.data())
def test_starts_that_are_killed_and_go_on_leave_the_digest_of_the_plan(
    room: int, data: st.DataObject
) -> None:
    """Each start sends in planned order what has no answer; what it has in flight may be lost."""
    launch, started, clock = [NEVER] * COUNT, [0.0] * COUNT, 0.0
    for number in range(data.draw(st.integers(1, 3))):
        open_rows = [row for row in range(COUNT) if launch[row] == NEVER]
        reached = data.draw(st.integers(0, len(open_rows)))
        for at, row in enumerate(open_rows[:reached]):
            clock += data.draw(st.sampled_from([0.0, 0.5]))
            if at < reached - room or data.draw(st.booleans()):
                launch[row], started[row] = number, clock
        clock += 1
    order = order_sent(sent(launch, started))
    assert sorted(order.tolist()) == list(range(COUNT))
    assert order.tolist() == list(range(COUNT))


def test_another_order_is_seen_but_for_the_end_that_may_have_one() -> None:
    started = [1.0, 2.0, 4.0, 3.0, 5.0, 6.0, 7.0, 8.0, 9.0, 12.0, 11.0, 10.0]
    first = sent([0] * COUNT, started)
    assert order_sent(first).tolist() == [0, 1, 3, 2, 4, 5, 6, 7, 8, 11, 10, 9]
    to_end = order_sent(first, np.array([9]))
    assert to_end.tolist() == [0, 1, 3, 2, *range(4, COUNT)]
    resumed = sent([0] * 5 + [1] * 7, started)
    assert order_sent(resumed, np.array([COUNT, 9])).tolist() == to_end.tolist()
