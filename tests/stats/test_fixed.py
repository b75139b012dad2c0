"""Rounding once, half to even."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.stats.fixed import fixed_ratio, for_products, rounded_quotient

PAIRS = st.lists(
    st.tuples(st.integers(-(2**50), 2**50), st.integers(1, 2**40)), min_size=1, max_size=8
)


@settings(max_examples=150, deadline=None)
@given(PAIRS)
def test_quotients_round_as_fractions_do(pairs: list[tuple[int, int]]) -> None:
    top, bottom = (np.array(column) for column in zip(*pairs, strict=True))
    expected = [round(Fraction(*pair)) for pair in pairs]
    assert rounded_quotient(top, bottom).tolist() == expected


def test_halves_go_to_the_even_neighbour() -> None:
    top = np.array([1, 3, 5, -1, -3])
    assert rounded_quotient(top, np.full(5, 2)).tolist() == [0, 2, 2, 0, -2]


def test_a_third_is_the_nearest_multiple() -> None:
    assert fixed_ratio(np.array([1]), np.array([3])).tolist() == [5592405]


def test_products_beyond_64_bits_are_exact() -> None:
    top = np.array([2**50 + 1, -(2**50) - 1])
    expected = [round(Fraction(int(one) * 2**24, 2**30)) for one in top]
    assert fixed_ratio(top, np.full(2, 2**30)).tolist() == expected


@pytest.mark.parametrize(("left", "right"), [(2**40, 2**21), (1, 2**31), (2**40, 2**19)])
def test_sums_of_two_products_are_exact_however_large(left: int, right: int) -> None:
    tops, sizes = for_products(np.array([[left, left]]), np.array([[right, right]]))
    assert (tops[:, 0] * sizes[:, 1] + tops[:, 1] * sizes[:, 0]).tolist() == [2 * left * right]
    assert (sizes[:, 0] * sizes[:, 1] * 2).tolist() == [2 * right * right]
    assert (tops.dtype == np.int64) is (left * right < 2**60 and right < 2**30)
