"""The simulated cache, against a slow one, against kvlint, and by what must hold of any."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.batches.cache import CacheSettings, CacheSimulator, simulate
from judgefast.errors import ColumnError

from .prompt_sets import Texts, segments_of
from .slow_cache import SlowCache

BASE = CacheSettings(
    block_tokens=4, budget_tokens=None, running=1, generated_tokens=1, batched_tokens=1024
)


@st.composite
def prompt_sets(draw: st.DrawFn) -> tuple[list[list[int]], list[list[int]]]:
    """Rows of segments and the ids of these, of a vocabulary so small that texts begin alike."""
    ids = draw(st.lists(st.lists(st.integers(0, 1), max_size=9), min_size=1, max_size=5))
    row = st.lists(st.integers(0, len(ids) - 1), max_size=5)
    return draw(st.lists(row, min_size=1, max_size=14)), ids


small_settings = st.builds(
    CacheSettings,
    block_tokens=st.integers(1, 5),
    budget_tokens=st.integers(0, 90),
    running=st.integers(1, 5),
    generated_tokens=st.integers(1, 9),
    batched_tokens=st.integers(1, 40),
)


def in_order(rows: int) -> np.ndarray:
    return np.arange(rows, dtype=np.uint32)


@settings(max_examples=300, deadline=None)
@given(prompt_sets(), small_settings)
def test_it_has_of_each_prompt_what_a_slow_cache_has(
    prompts: tuple[list[list[int]], list[list[int]]], chosen: CacheSettings
) -> None:
    rows, ids = prompts
    slow = SlowCache(chosen)
    expected = slow.ask([[token for part in row for token in ids[part]] for row in rows])
    simulator = CacheSimulator(chosen)
    found = simulator.add(segments_of(rows, ids), in_order(len(rows)))
    assert found.tolist() == expected
    assert simulator.preemptions <= slow.preempted, "the slow one goes on to the end"


sliding_settings = st.builds(
    msgspec.structs.replace,
    small_settings,
    window=st.none() | st.integers(2, 12),
    full_groups=st.integers(1, 2),
    sliding_groups=st.integers(1, 2),
    keeps_all=st.booleans(),
)


@settings(max_examples=100, deadline=None)
@given(prompt_sets(), sliding_settings, st.randoms(use_true_random=False), st.data())
def test_sets_added_one_after_the_other_are_as_all_in_one(
    prompts: tuple[list[list[int]], list[list[int]]],
    chosen: CacheSettings,
    random: np.random.Generator,
    data: st.DataObject,
) -> None:
    rows, ids = prompts
    order = list(range(len(rows)))
    random.shuffle(order)
    whole = CacheSimulator(chosen)
    expected = whole.add(segments_of(rows, ids), np.array(order, np.uint32))
    cut = data.draw(st.integers(0, len(rows)))
    parts = CacheSimulator(chosen)
    found = []
    for part in (order[:cut], order[cut:]):
        used = [rows[place] for place in part]
        found += parts.add(segments_of(used, ids), in_order(len(used))).tolist()
    assert found == expected[order].tolist()
    assert (parts.preemptions, parts.too_large) == (whole.preemptions, whole.too_large)


def test_kvlint_finds_the_same_with_one_request_in_flight() -> None:
    """It knows no running requests, evicts heads first, and caches a prompt's last token too."""
    blocks = pytest.importorskip("kvlint.sim.vllm_blocks", reason="kvlint is not installed")
    for seed in range(20):
        texts = Texts(seed)
        parts = [texts.new(1, 90) for _ in range(12)]
        rows = [texts.random.choice(parts, texts.random.integers(1, 6)) for _ in range(60)]
        theirs = blocks.VLLMBlockSimulator(block_size=16)
        expected = []
        for row in rows:
            ids = texts.prompt(row)
            told = theirs.feed_tokens("", ids.tolist())
            expected.append(min(told.cached_tokens, (len(ids) - 1) // 16 * 16))
        chosen = msgspec.structs.replace(BASE, block_tokens=16)
        found = simulate(texts.segments(rows), in_order(len(rows)), chosen)
        assert found.tolist() == expected


def test_what_a_window_has_left_behind_makes_room_and_is_no_longer_shared() -> None:
    texts = Texts(1)
    head, tails = texts.new(64), [texts.new(8) for _ in range(4)]
    rows = [(head, tail) for tail in tails]
    dense = msgspec.structs.replace(BASE, window=16)
    few = msgspec.structs.replace(dense, keeps_all=False)
    # The first two that share a head compute it, where sliding layers are kept at few places only.
    assert simulate(texts.segments(rows), in_order(4), dense).tolist() == [0, 64, 64, 64]
    assert simulate(texts.segments(rows), in_order(4), few).tolist() == [0, 0, 64, 64]
    # 72 tokens in full, and never more than 16 - 1 + a step, and a block, in the layers that slide.
    for budget, too_large in ((72 + 28, 0), (72 + 24, 4)):
        tight = msgspec.structs.replace(dense, budget_tokens=budget, batched_tokens=8)
        simulator = CacheSimulator(tight)
        found = simulator.add(texts.segments(rows), in_order(4))
        assert simulator.too_large == too_large
        assert found[0] == 0


def test_heads_that_are_sent_ahead_are_found_by_all_and_counted_apart() -> None:
    texts = Texts(2)
    head, tails = texts.new(130), [texts.new(20) for _ in range(5)]
    rows = [(head, tail) for tail in tails]
    few = msgspec.structs.replace(BASE, window=16, keeps_all=False, sends_heads=True)
    simulator = CacheSimulator(few)
    assert simulator.add(texts.segments(rows), in_order(5)).tolist() == [128] * 5
    assert simulator.head_tokens == 129
    head = texts.new(60)
    short = [(head, tail) for tail in tails]
    # Not worth a request: the first two compute it.
    assert simulate(texts.segments(short), in_order(5), few).tolist() == [0, 0, 60, 60, 60]


def test_rows_that_are_not_sent_and_prompts_without_tokens_have_nothing() -> None:
    rows = [[0], [0], [1], [0, 0]]
    found = simulate(segments_of(rows, [[7] * 9, []]), np.array([3, 1, 2], np.uint32), BASE)
    assert found.tolist() == [0, 8, 0, 0]


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("block_tokens", 0, "`block_tokens` holds 0; allowed: 1 or more"),
        ("running", 0, "`running` holds 0"),
        ("generated_tokens", 0, "`generated_tokens` holds 0"),
        ("batched_tokens", 0, "`batched_tokens` holds 0"),
        ("window", 1, "`window` holds 1; allowed: 2 or more"),
    ],
)
def test_settings_that_make_no_sense_are_named(setting: str, value: int, words: str) -> None:
    with pytest.raises(ColumnError, match=words):
        CacheSimulator(msgspec.structs.replace(BASE, **{setting: value}))


def test_an_order_that_names_a_row_that_is_not_there_is_refused() -> None:
    with pytest.raises(ColumnError, match=r"row 1 of `order` holds 2; allowed: rows of the set"):
        simulate(segments_of([[0], [0]], [[1]]), np.array([0, 2], np.uint32), BASE)
