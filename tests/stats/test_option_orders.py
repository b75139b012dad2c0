"""What the order of options does: contrasts within a question, with intervals over clusters."""

from __future__ import annotations

from itertools import permutations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.stats import shards
from judgefast.stats.option_orders import PutRows, option_orders, put_questions

NAN = float("nan")


def leaning(shares: list[float], order: tuple[int, ...], lean: float) -> list[float]:
    """Shares, of which the option that stands first takes something for its place."""
    p = [(1 - lean) * shares[option] for option in order]
    p[0] += lean
    return p


def measured(rows: list[tuple[int, float, float, float]], **more: Any) -> Any:
    columns = np.array(rows, np.float64).T
    put_once = np.isnan(columns[1])
    item, *found = (column[~put_once] for column in columns)
    times = np.array([0, put_once.sum(), len(item)])
    items = SimpleNamespace(cluster_id64=np.arange(columns[0].max() + 1, dtype=np.uint64))
    kept = [each.astype(np.float32) for each in found]
    return option_orders(PutRows(item.astype(np.uint32), *kept, times), items, **more)  # type: ignore[arg-type]  # as much of items as is read


@given(
    st.lists(st.floats(0.01, 1), min_size=2, max_size=4),
    st.floats(0, 0.9),
    st.sampled_from(["reversed", "rotated", "all"]),
)
@settings(max_examples=60, deadline=None)
def test_the_gain_of_a_first_place_is_the_lean_whatever_the_options_say(
    weights: list[float], lean: float, how: str
) -> None:
    n, shares = len(weights), [weight / sum(weights) for weight in weights]
    forward = tuple(range(n))
    orders = {
        "reversed": [forward, forward[::-1]],
        "rotated": [forward[k:] + forward[:k] for k in range(n)],
        "all": list(permutations(forward)),
    }[how]
    p = np.array([[leaning(shares, order, lean) for order in orders]] * 2)
    _, bias, gain = put_questions(orders, p)
    # what an option gains is the lean, whichever it is
    assert gain == pytest.approx([lean] * 2, abs=1e-9)
    if how != "reversed" or n == 2:
        assert bias == pytest.approx([lean * (1 - 1 / n)] * 2, abs=1e-9)


def test_flips_are_pairs_of_orders_that_choose_another_option() -> None:
    flipped, _, gain = put_questions(
        [(0, 1), (1, 0)], np.array([[[0.7, 0.3], [0.6, 0.4]], [[0.7, 0.3], [0.2, 0.8]]])
    )
    assert flipped.tolist() == [1, 0]
    assert gain == pytest.approx([0.3, 0.0 - 0.1])
    three = np.array([[[0.7, 0.3], [0.6, 0.4], [0.2, 0.8]]])
    assert put_questions([(0, 1), (1, 0), (1, 0)], three)[0] == pytest.approx([2 / 3])


def test_where_the_same_option_stands_first_nothing_is_gained() -> None:
    p = np.array([[[0.5, 0.3, 0.2], [0.4, 0.2, 0.4]]])
    flipped, bias, gain = put_questions([(0, 1, 2), (0, 2, 1)], p)
    assert flipped.tolist() == [0]
    assert bias == pytest.approx([0.45 - 1 / 3])
    assert np.isnan(gain).all()


def test_parts_of_a_run_come_to_what_the_whole_does(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    rows = [(n % 90, float(n % 4 == 0), *rng.normal(0, 0.1, 2)) for n in range(270)]
    whole = measured(rows)
    monkeypatch.setattr(shards, "SHARD_ROWS", 16)
    assert measured(rows) == whole


def test_intervals_are_over_clusters_and_hold_the_ends_of_their_scales() -> None:
    rng = np.random.default_rng(7)
    bias = rng.normal(0.1, 0.05, 60)
    rows = [(n % 30, float(n % 3 == 0), bias[n], -bias[n]) for n in range(60)]
    found = measured([*rows, (3, NAN, NAN, NAN)])
    assert (found.questions, found.times) == (61, {"1": 1, "2": 60})
    flips, slot, gain = found.estimates
    assert [one.name for one in found.estimates] == ["option_flip_rate", "slot_bias", "slot_gain"]
    assert flips.value == pytest.approx(1 / 3)
    # an oracle: the mean of each cluster, and the error of their mean
    means = (bias[:30] + bias[30:]) / 2
    error = means.std(ddof=1) / np.sqrt(30)
    assert slot.value == pytest.approx(means.mean(), abs=1e-6)
    assert slot.high - slot.low == pytest.approx(2 * 2.045 * error, rel=0.05)
    assert (gain.low, gain.high) == pytest.approx((-slot.high, -slot.low), abs=1e-6)
    assert slot.clusters == 30


def test_without_two_orders_nothing_is_estimated() -> None:
    found = measured([(0, NAN, NAN, NAN), (1, NAN, NAN, NAN)], models={"m": 2})
    assert found.estimates == []
    assert (found.times, found.models) == ({"1": 2}, {"m": 2})
