"""Which judgments a plan holds, and in which order."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.batches import concat, plan_requests
from judgefast.batches.columns import no_plan
from judgefast.codes import NO_ANSWER
from judgefast.errors import ColumnError, ConfigError, RubricError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from judgefast.batches import PlanColumns

    Batch = Callable[[list[dict[str, Any]]], pa.RecordBatch]

MODES = ["pairwise", "scalar", "binary", "choice"]


def planned(items: pa.RecordBatch, **changed: Any) -> PlanColumns:
    asked: dict[str, Any] = {
        "mode": "pairwise",
        "orders": "both",
        "repeats": 1,
        "seed": 0,
        "judge": "judge@0",
        "prompt_hash": "00" * 32,
        "aspects": ["overall"],
    }
    return plan_requests(items, **(asked | changed))


def coordinates(plan: PlanColumns) -> list[tuple[int, tuple[int, ...], int, int]]:
    """Item, answers shown, aspect and repeat of each row."""
    rows = range(len(plan.item))
    columns = (plan.item.tolist(), map(plan.shown_in, rows), plan.aspect.tolist())
    return list(zip(*columns, plan.repeat.tolist(), strict=True))


def item(name: str, *answers: str | None) -> dict[str, Any]:
    return {"item_id": name, "question": f"what is {name}?", "answers": answers}


def test_pairs_stand_with_their_orders_side_by_side_and_repeats_inside(batch: Batch) -> None:
    plan = planned(batch([item("q", "a", "b", "c")]), repeats=2)
    expected = [
        (0, shown, 0, repeat)
        for low, high in [(0, 1), (0, 2), (1, 2)]
        for repeat in (0, 1)
        for shown in [(low, high), (high, low)]
    ]
    assert coordinates(plan) == expected
    assert plan.swapped.tolist() == [0, 1] * 6
    assert plan.first.tolist() == [shown[0] for _, shown, _, _ in expected]
    assert plan.second.tolist() == [shown[1] for _, shown, _, _ in expected]


def test_answers_are_scored_one_by_one_whatever_the_orders(batch: Batch) -> None:
    items = batch([item("q", "a", "b"), item("r", "c")])
    for mode in ("scalar", "binary"):
        for orders in ("both", "one"):
            plan = planned(items, mode=mode, orders=orders, aspects=["x", "y"])
            assert coordinates(plan) == [
                (0, (0,), 0, 0),
                (0, (0,), 1, 0),
                (0, (1,), 0, 0),
                (0, (1,), 1, 0),
                (1, (0,), 0, 0),
                (1, (0,), 1, 0),
            ]
            assert set(plan.second.tolist()) == {NO_ANSWER}
            assert not plan.swapped.any()


def test_the_best_of_several_is_asked_forward_and_reversed(batch: Batch) -> None:
    plan = planned(batch([item("q", "a", "b", "c"), item("r", "a", "b")]), mode="choice")
    shown = [shown for _, shown, _, _ in coordinates(plan)]
    assert shown == [(0, 1, 2), (2, 1, 0), (0, 1), (1, 0)]
    assert plan.swapped.tolist() == [0, 1, 0, 1]


def test_one_order_is_one_of_the_two_for_each_pair_and_the_same_in_each_repeat(
    batch: Batch,
) -> None:
    items = batch([item(f"q{number}", "a", "b", "c") for number in range(20)])
    both, one = (planned(items, orders=orders, repeats=2) for orders in ("both", "one"))
    assert set(coordinates(one)) < set(coordinates(both))
    per_pair = Counter((i, frozenset(shown), r) for i, shown, _, r in coordinates(one))
    assert set(per_pair.values()) == {1}
    assert len(per_pair) == 20 * 3 * 2
    assert (one.swapped[::2] == one.swapped[1::2]).all()


def hashed(tag: str, seed: int, name: str, number: int) -> int:
    """A number of the sparse design, as `docs/keys.md` has it."""
    fields = (seed.to_bytes(8, "little"), name.encode(), number.to_bytes(2, "little"))
    framed = b"".join(len(field).to_bytes(8, "little") + field for field in fields)
    return int.from_bytes(sha256(tag.encode() + b"\0" + framed).digest()[:8], "little")


@settings(max_examples=60, deadline=None)
@given(answers=st.integers(2, 13), rounds=st.integers(1, 13), seed=st.integers(0, 2**64 - 1))
def test_sparse_pairs_are_those_of_the_page_and_keep_their_keys(
    batch: Batch, answers: int, rounds: int, seed: int
) -> None:
    items = batch([item(name, *map(str, range(answers))) for name in ("q", "größe")])
    whole = planned(items, seed=seed)
    plan = planned(items, seed=seed, pairs=f"sparse:{rounds}")
    keys = dict(zip(coordinates(whole), map(bytes, whole.key), strict=True))
    assert [keys[place] for place in coordinates(plan)] == list(map(bytes, plan.key))
    circle = answers if answers % 2 else answers - 1
    for number, name in enumerate(["q", "größe"]):
        seat = sorted(range(answers), key=lambda n: hashed("judgefast pairs 1", seed, name, n))
        order = sorted(range(2, circle), key=lambda n: hashed("judgefast rounds 1", seed, name, n))
        played = [0, 1, *order][:rounds] if rounds < answers - 1 else range(circle)
        met = {
            frozenset((seat[one], seat[two]))
            for one in range(answers)
            for two in range(one)
            for r in played
            if ((one + two) % circle == r if one < circle else 2 * two % circle == r)
        }
        found = [shown for i, shown, _, _ in coordinates(plan) if i == number]
        assert {frozenset(pair) for pair in found} == met
        assert found[::2] == sorted(found[::2])


def test_sparse_pairs_meet_about_equally_often_over_items(batch: Batch) -> None:
    items = batch([item(f"q{number}", *"abcdef") for number in range(3000)])
    plan = planned(items, pairs="sparse:2")
    meetings = Counter(frozenset(shown) for _, shown, _, _ in coordinates(plan)[::2])
    # 6 of 15 pairs each: 1200 expected, 27 the standard deviation.
    assert len(meetings) == 15
    assert max(abs(count - 1200) for count in meetings.values()) < 5 * 27


def test_pairs_with_the_baseline_are_with_its_first_answer(batch: Batch) -> None:
    owners = [["x", "base", "y"], ["base", "x"], ["x", "y"], ["y", None, "x", "base", "base"]]
    rows = [item(f"q{n}", *map(str, range(len(models)))) for n, models in enumerate(owners)]
    items = batch([row | {"models": models} for row, models in zip(rows, owners, strict=True)])
    plan = planned(items, pairs="baseline", baseline="base", orders="both")
    assert [(i, shown) for i, shown, _, _ in coordinates(plan)][::2] == [
        (0, (0, 1)),
        (0, (1, 2)),
        (1, (0, 1)),
        (3, (0, 3)),
        (3, (1, 3)),
        (3, (2, 3)),
        (3, (3, 4)),
    ]
    whole = planned(items)
    assert {bytes(key) for key in plan.key} < {bytes(key) for key in whole.key}
    assert (whole.key == planned(items, baseline="base").key).all()
    with pytest.raises(ConfigError, match="`pairs` is baseline, but no baseline is named"):
        planned(items, pairs="baseline")


@pytest.mark.parametrize(
    ("mode", "answers", "rows"), [("pairwise", 2, 1), ("pairwise", 4, 6), ("choice", 3, 1)]
)
def test_one_order_shows_about_half_swapped(
    mode: str, answers: int, rows: int, batch: Batch
) -> None:
    texts = [str(answer) for answer in range(answers)]
    items = batch([item(f"q{number}", *texts) for number in range(4000)])
    swapped = planned(items, orders="one", seed=7, mode=mode).swapped.reshape(-1, rows)
    # 4.5 standard deviations of a fair coin: a sound plan fails once in 150,000 seeds.
    bound = 4.5 * 0.5 / np.sqrt(4000)
    assert np.abs(swapped.mean(axis=0) - 0.5).max() < bound
    for left in range(rows):
        for right in range(left):
            agree = (swapped[:, left] == swapped[:, right]).mean()
            assert abs(agree - 0.5) < bound, "pairs of one item are turned independently"


def test_another_seed_turns_other_items(batch: Batch) -> None:
    items = batch([item(f"q{number}", "a", "b") for number in range(200)])
    turned = [planned(items, orders="one", seed=seed).swapped for seed in (0, 1, 0)]
    assert (turned[0] == turned[2]).all()
    assert 60 < (turned[0] != turned[1]).sum() < 140


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(2, 4), max_size=5),
    mode=st.sampled_from(MODES),
    orders=st.sampled_from(["both", "one"]),
    repeats=st.integers(1, 3),
    aspects=st.sampled_from([["x"], ["x", "y"]]),
    texts=st.sampled_from([["same"] * 4, ["a", "b", "c", None], [None] * 4]),
)
def test_nothing_is_lost_and_nothing_asked_twice(  # noqa: PLR0917 - parts of one example
    batch: Batch,
    sizes: list[int],
    mode: str,
    orders: str,
    repeats: int,
    aspects: list[str],
    texts: list[str | None],
) -> None:
    items = batch([item(f"q{number}", *texts[:size]) for number, size in enumerate(sizes)])
    plan = planned(items, mode=mode, orders=orders, repeats=repeats, aspects=aspects)
    each = {"pairwise": lambda n: n * (n - 1) // 2, "choice": lambda _: 1}.get(mode, lambda n: n)
    turns = 2 if orders == "both" and mode in {"pairwise", "choice"} else 1
    per_item = [each(size) * turns * repeats * len(aspects) for size in sizes]
    assert np.bincount(plan.item, minlength=len(sizes)).tolist() == per_item
    assert len(set(coordinates(plan))) == len(plan.item)
    assert len({key.tobytes() for key in plan.key}) == len(plan.item)
    assert (np.diff(plan.item.astype(np.int64)) >= 0).all()


def test_batches_make_the_plan_of_the_whole(batch: Batch) -> None:
    items = batch([item(f"q{number}", "a", "b", *"cd"[: number % 3]) for number in range(9)])
    whole = planned(items, mode="choice")
    parts = [planned(items.slice(at, 4), mode="choice", base=at) for at in (0, 4, 8)]
    for name, joined in concat(parts)._asdict().items():
        np.testing.assert_array_equal(joined, getattr(whole, name), err_msg=name)
    assert concat([whole]) is whole


def test_no_items_are_no_judgments(batch: Batch) -> None:
    plan = planned(batch([]))
    assert (len(plan.item), plan.key.shape, plan.shown_offsets.tolist()) == (0, (0, 16), [0])


def test_prefix_groups_are_by_question_and_by_item_where_there_is_none(batch: Batch) -> None:
    asked = [
        {"item_id": str(n), "question": text, "answers": ["a", "b"]}
        for n, text in enumerate(["x", "x", "y", None, None])
    ]
    groups = planned(batch(asked)).prefix_group.reshape(-1, 2)
    assert (groups[:, 0] == groups[:, 1]).all()
    x, also_x, y, none, other = groups[:, 0].tolist()
    assert x == also_x
    assert len({x, y, none, other}) == 4


@pytest.mark.parametrize(
    ("mode", "answers", "seen"), [("pairwise", ["a"], 1), ("choice", ["a"], 1), ("scalar", [], 0)]
)
def test_an_item_with_too_few_answers_is_refused_by_row(
    mode: str, answers: list[str], seen: int, batch: Batch
) -> None:
    items = batch([item("q", "a", "b"), item("r", *answers)])
    with pytest.raises(ColumnError, match=f"row 1 of `answers` holds {seen} answers; allowed: "):
        planned(items, mode=mode)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"repeats": 0}, "`repeats` is 0; it must be from 1 to 65535"),
        ({"repeats": 65536}, "`repeats` is 65536; it must be from 1 to 65535"),
        ({"seed": -1}, "`seed` is -1; it must be from 0 to 2\\^64 - 1"),
        ({"aspects": []}, r"`aspects` is \[\]; it must name at least one aspect, and none twice"),
        ({"aspects": ["x", "x"]}, "`aspects` is .*; it must name at least one aspect"),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(
    changed: dict[str, Any], message: str, batch: Batch
) -> None:
    with pytest.raises(ConfigError, match=message):
        planned(batch([]), **changed)


def test_an_unknown_mode_is_refused_with_those_that_exist(batch: Batch) -> None:
    with pytest.raises(RubricError, match="no mode named `pair`; known: pairwise, scalar, binary"):
        planned(batch([]), mode="pair")
    with pytest.raises(RubricError, match="no orders named `ab`; known: both, one"):
        planned(batch([]), orders="ab")
    with pytest.raises(RubricError, match="no pairs named `few`; known: all, baseline, sparse:K"):
        planned(batch([]), pairs="few")


def test_a_plan_to_send_says_what_is_shown_by_its_pairs_alone() -> None:
    rows = np.arange(4, dtype=np.uint32)
    pairs = np.array([[0, 1], [1, 0], [0, 2], [2, 0]], np.uint16)
    whole = no_plan()._replace(
        item=rows // 2,
        first=pairs[:, 0],
        second=pairs[:, 1],
        shown=pairs.ravel(),
        shown_offsets=np.arange(5, dtype=np.int64) * 2,
    )
    sent = whole.to_send()
    assert (len(sent.shown), len(sent.shown_offsets)) == (0, 0)
    assert sent.shown_lists() == whole.shown_lists() == [(0, 1), (1, 0), (0, 2), (2, 0)]
    assert sent.shown_lists(1, 3) == whole.shown_lists(1, 3) == [(1, 0), (0, 2)]
    assert sent.shown_in(2) == whole.shown_in(2) == (0, 2)
    for name, column in sent.whole()._asdict().items():
        np.testing.assert_array_equal(column, getattr(whole, name))
    other = whole._replace(second=pairs[::-1, 1])
    assert other.to_send() is other
    single = whole._replace(shown=rows.astype(np.uint16), shown_offsets=np.arange(5))
    assert single.to_send() is single


def test_row_numbers_of_parts_that_are_joined_count_on() -> None:
    rows = np.zeros(3, np.uint32)
    plain = no_plan()._replace(item=rows, shown_offsets=np.zeros(4, np.int64))
    sent = plain._replace(sent=np.array([2, 0, 1], np.uint32))
    shared = plain._replace(asked_by=np.array([0, 0, 2], np.uint32))
    joined = concat([plain, sent, shared])
    assert joined.sent.tolist() == [0, 1, 2, 5, 3, 4, 6, 7, 8]
    assert joined.asked_by.tolist() == [0, 1, 2, 3, 4, 5, 6, 6, 8]
    alone = concat([plain, plain])
    assert (len(alone.sent), len(alone.asked_by)) == (0, 0)
    assert alone.key is alone.request_id
    other = plain._replace(key=np.ones((3, 16), np.uint8), request_id=np.zeros((3, 16), np.uint8))
    assert concat([plain._replace(request_id=other.request_id, key=other.request_id), other]).key[
        :, 0
    ].tolist() == [0, 0, 0, 1, 1, 1]
