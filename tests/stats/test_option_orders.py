"""What the order of options does: contrasts within a question, with intervals over clusters."""

from __future__ import annotations

from itertools import permutations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.engines.decisions.asked import Put
from judgefast.stats.option_orders import PutRows, option_orders, put_question

NAN = float("nan")


def leaning(shares: list[float], order: tuple[int, ...], lean: float) -> Put:
    """Shares, of which the option that stands first takes something for its place."""
    p = [(1 - lean) * shares[option] for option in order]
    p[0] += lean
    return Put(order, tuple(p))


def measured(rows: list[tuple[int, float, float, float]], **more: Any) -> Any:
    columns = np.array(rows, np.float64).T
    item = columns[0].astype(np.int64)
    times = np.where(np.isnan(columns[1]), 1, 2)
    items = SimpleNamespace(cluster_id64=np.arange(item.max() + 1, dtype=np.uint64))
    return option_orders(PutRows(item, times, *columns[1:]), items, **more)  # type: ignore[arg-type]  # as much of items as is read


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
    found = put_question([leaning(shares, order, lean) for order in orders])
    assert found is not None
    # what an option gains is the lean, whichever it is
    assert found.gain == pytest.approx(lean, abs=1e-9)
    if how != "reversed" or n == 2:
        assert found.bias == pytest.approx(lean * (1 - 1 / n), abs=1e-9)


def test_flips_are_pairs_of_orders_that_choose_another_option() -> None:
    one, other, third = Put((0, 1), (0.7, 0.3)), Put((1, 0), (0.6, 0.4)), Put((1, 0), (0.2, 0.8))
    for puts, share in (([one, other], 1), ([one, third], 0), ([one, other, third], 2 / 3)):
        found = put_question(puts)
        assert found is not None
        assert found.flipped == pytest.approx(share)


def test_a_question_with_one_order_of_its_options_says_nothing_of_them() -> None:
    put = Put((0, 1), (0.9, 0.1))
    assert put_question([]) is None
    assert put_question([put]) is None
    assert put_question([put, put]) is None
    assert put_question([put, Put((1, 0), outcome="refused")]) is None


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
