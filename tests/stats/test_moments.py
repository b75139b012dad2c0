"""Exact sums, their order, and what they refuse."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.codes import FIXED_ONE
from judgefast.errors import ColumnError
from judgefast.stats import cluster_moments

if TYPE_CHECKING:
    from random import Random

    from numpy.typing import NDArray

    Columns = tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]

Row = tuple[int, int, int, int]
ROW = st.tuples(
    st.integers(0, 5),
    st.integers(-1024 * FIXED_ONE, 1024 * FIXED_ONE),
    st.integers(0, 6),
    st.integers(-1, 2),
)


def columns(rows: list[Row]) -> Columns:
    cluster, value, weight, code = zip(*rows, strict=True) if rows else ((),) * 4
    return (
        np.array(cluster, dtype=np.uint64),
        np.array(value, dtype=np.int64),
        np.array(weight, dtype=np.uint8),
        np.array(code, dtype=np.int64),
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=30), st.randoms())
def test_sums_are_those_of_plain_integers_in_any_order(rows: list[Row], random: Random) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    found = cluster_moments(*columns(rows), 3)
    assert found == cluster_moments(*columns(shuffled), 3)
    for code, moments in enumerate(found):
        sums: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
        for cluster, value, weight, own in rows:
            if own == code and weight:
                sums[cluster][0] += weight * value
                sums[cluster][1] += weight
        pairs = list(sums.values())
        assert moments.clusters == len(pairs)
        assert moments.s == sum(s for s, _ in pairs)
        assert moments.w == sum(w for _, w in pairs)
        assert moments.ss == sum(s * s for s, _ in pairs)
        assert moments.sw == sum(s * w for s, w in pairs)
        assert moments.ww == sum(w * w for _, w in pairs)


def test_squares_of_large_scores_come_back_as_exact_integers() -> None:
    value = np.full(2, 1024 * FIXED_ONE - 1)
    ones = np.ones(2, dtype=np.uint8)
    same = np.zeros(2, dtype=np.uint64)
    moments = cluster_moments(same, value, ones, np.zeros(2, dtype=np.int64), 1)[0]
    assert moments.ss == (2 * (1024 * FIXED_ONE - 1)) ** 2 > 2**64


def test_a_column_that_is_too_short_is_named() -> None:
    cluster, value, weight, code = columns([(1, 0, 1, 0), (2, 0, 1, 0)])
    with pytest.raises(ColumnError, match="`cluster_id64` has 1 rows but `value` has 2"):
        cluster_moments(cluster[:1], value, weight, code, 1)


def test_a_weight_above_six_is_refused_by_row() -> None:
    with pytest.raises(ColumnError, match="row 1 of `weight` holds 7; allowed: 0 to 6"):
        cluster_moments(*columns([(1, 0, 1, 0), (2, 0, 7, 0)]), 1)
