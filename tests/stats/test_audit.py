"""The mean that an audit corrects, and its interval, against the textbook's formulas."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from judgefast.codes import FIXED_ONE
from judgefast.stats.audit import Second
from judgefast.stats.joint import SlicedRows, measure_parts, measure_shards
from judgefast.stats.tails import by_t, estimate_among

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.stats import Measurement

QUARTER = FIXED_ONE // 4
LEVEL = 0.95
FEW = "only 5 of 40 clusters that the first order closed were audited, under 6: too few for an "
FEW += "interval"


def part_of(
    cluster: Sequence[int] | NDArray[np.int64],
    first: NDArray[np.int64],
    both: NDArray[np.int64],
    closed: NDArray[np.bool_],
    drawn: NDArray[np.bool_],
    *slices: NDArray[np.int64],
) -> SlicedRows:
    """Rows of a mean on 0 to 1, in quarters; `drawn` says whose cluster was audited."""
    codes = slices[0] if slices else np.zeros(len(first), np.int64)
    ones = np.ones(len(first), np.uint8)
    base = np.where(closed, first, both) * QUARTER
    known = np.where(closed & ~drawn, -99, both) * QUARTER  # what is not known is not looked at
    return SlicedRows(
        "win_rate",
        [str(code) for code in range(int(codes.max()) + 1)],
        np.asarray(cluster, np.uint64),
        base,
        ones,
        codes,
        binary=False,
        second=Second(known, ones, closed, closed & drawn, 0.5),
    )


def drawn_rows(seed: int, clusters: int, each: int, share: float) -> tuple[NDArray[np.int64], ...]:
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(clusters), each)
    first = rng.integers(0, 5, len(cluster))
    both = np.clip(first + rng.integers(-1, 2, len(cluster)), 0, 4)
    closed = rng.random(len(cluster)) < 0.6
    drawn = (rng.random(clusters) < share)[cluster]
    return cluster, first, both, closed, drawn


def one_of(*columns: NDArray[np.int64]) -> Measurement:
    (found,) = measure_parts([part_of(*columns)])
    return found


table = st.lists(
    st.tuples(
        st.integers(0, 25), st.integers(0, 4), st.integers(0, 4), st.booleans(), st.booleans()
    ),
    min_size=1,
    max_size=60,
)


@settings(max_examples=40)
@given(table)
def test_it_is_the_difference_estimator_of_the_textbook(
    rows: list[tuple[int, int, int, bool, bool]],
) -> None:
    cluster, first, both, closed, drawn = (np.array(column) for column in zip(*rows, strict=True))
    found = one_of(cluster, first, both, closed, drawn)
    shut = [row for row in rows if row[3]]
    total = Fraction(sum(row[2] for row in rows if not row[3]) + sum(row[1] for row in shut))
    below = [Fraction(row[1] < 2) + Fraction(row[1] == 2, 2) for row in shut]
    sides = [below, [1 - part for part in below]]
    if any(
        sum(side)
        and len({row[0] for row, part in zip(shut, side, strict=True) if row[4] and part}) < 6
        for side in sides
    ):
        sides = [[Fraction(1)] * len(shut)]
    for side in sides:
        known = [(part, row) for part, row in zip(side, shut, strict=True) if row[4]]
        if weight := sum(part for part, _ in known):
            total += sum(side) / weight * sum(part * (row[2] - row[1]) for part, row in known)
    assert found.audit is not None
    assert found.audit.mean == float(total / 4 / len(rows))


@pytest.mark.parametrize("share", [0.3, 0.06])
def test_its_errors_are_those_of_the_influence_of_each_cluster(share: float) -> None:
    """With many audited clusters either side of the middle is alone; with few they are one."""
    cluster, first, both, closed, drawn = drawn_rows(3, 90, 3, share)
    found = one_of(cluster, first, both, closed, drawn)
    audit = found.audit
    assert audit is not None

    def by_cluster(column: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(cluster, column)

    below = (first < 2) + (first == 2) / 2
    sides = [below, 1 - below] if share > 0.1 else [np.ones(len(first))]
    seen = closed & drawn
    off, err = by_cluster(np.where(closed, first, both) / 4), np.zeros(90)
    mine, heavy, mean, freedom = off, np.zeros(90), off.sum(), -len(sides)
    for side in sides:
        change = by_cluster(np.where(seen, both - first, 0) / 4 * side)
        shut, audited = by_cluster(closed * side), by_cluster(seen * side)
        factor, rate = shut.sum() / audited.sum(), change.sum() / audited.sum()
        mean += factor * change.sum()
        off = off + rate * shut
        err = err + change - rate * audited
        heavy = heavy + factor * (change - rate * audited)
    mean /= len(first)
    off = off - mean * 3
    audited, factor = by_cluster(seen * 1.0), closed.sum() / seen.sum()
    number = (audited > 0).sum()
    freedom += number
    own = (off**2).sum() + 2 * (off * heavy).sum() + factor * (err**2).sum()
    rest = 0.25 * (audited**2).sum() / number
    extra = (heavy**2).sum() - factor * (err**2).sum() + factor * (factor - 1) * rest
    spread = audit.spread(90)
    assert audit.freedom == freedom
    assert spread.value == pytest.approx(mean, abs=1e-12)
    assert spread.own == pytest.approx((own * 90 / 89) ** 0.5 / len(first), rel=1e-9)
    assert spread.audit == pytest.approx((extra * number / freedom) ** 0.5 / len(first), rel=1e-9)
    of_first = found._replace(audit=None).estimate(LEVEL)
    assert of_first.value is not None
    assert spread.change * closed.sum() / len(first) == pytest.approx(mean - of_first.value)

    estimate = found.estimate(LEVEL)
    assert of_first.low is not None
    mine_reach = (
        (of_first.value - of_first.low)
        * spread.own
        / np.sqrt(((mine - of_first.value * 3) ** 2).sum() * 90 / 89 / len(first) ** 2)
    )
    reach = spread.audit * student.ppf(0.975, freedom)
    assert estimate.method == "audited"
    assert estimate.value == pytest.approx(mean, abs=1e-12)
    assert estimate.low == pytest.approx(mean - np.hypot(mine_reach, reach), rel=1e-9)


def test_a_judge_that_says_the_place_is_corrected_for_each_place_alone() -> None:
    """All audited show the one answer first: what the other place does is known from few."""
    cluster = np.arange(120)
    first = np.where(cluster % 2 == 0, 4, 0)
    both = np.full(120, 2)
    drawn = (cluster % 2 == 0) & (cluster < 60) | (cluster % 2 == 1) & (cluster < 14)
    found = one_of(cluster, first, both, cluster >= 0, drawn)
    assert found.audit is not None
    assert found.audit.sides == (7, 30)
    assert found.audit.mean == 0.5, "pooled it would be far off"
    assert found.audit.spread(120).own == 0
    bare = found._replace(audit=found.audit._replace(sides=(5, 30)))
    assert bare.audit.mean < 0.3


def test_values_in_the_middle_count_half_on_either_side() -> None:
    """So what is said of one model is one minus what is said of the other, to the last bit."""
    cluster, first, both, closed, drawn = drawn_rows(12, 200, 1, 0.4)
    one = one_of(cluster, first, both, closed, drawn).audit
    other = one_of(cluster, 4 - first, 4 - both, closed, drawn).audit
    assert one is not None
    assert other is not None
    assert min(one.sides) >= 6
    assert one.mean == pytest.approx(1 - other.mean, abs=1e-15)
    assert one.spread(200)[1:3] == other.spread(200)[1:3]


def test_where_every_closed_row_is_audited_it_is_the_mean_of_both_orders() -> None:
    cluster, first, both, closed, drawn = drawn_rows(4, 60, 2, 1.0)
    found = one_of(cluster, first, both, closed, drawn).estimate(LEVEL)
    ordinary = one_of(cluster, both, both, closed & False, drawn).estimate(LEVEL)
    assert found.value == ordinary.value
    assert found.low == pytest.approx(ordinary.low, abs=1e-9)
    assert found.high == pytest.approx(ordinary.high, abs=1e-9)


def test_where_nothing_is_closed_nothing_changes() -> None:
    cluster, first, both, closed, drawn = drawn_rows(4, 60, 2, 0.1)
    part = part_of(cluster, first, both, closed & False, drawn)
    (found,), (ordinary,) = measure_parts([part]), measure_parts([part._replace(second=None)])
    assert found.estimate(LEVEL) == ordinary.estimate(LEVEL)


def test_order_of_rows_and_shards_change_no_bit() -> None:
    cluster, first, both, closed, drawn = drawn_rows(5, 80, 3, 0.3)
    codes = np.random.default_rng(6).integers(0, 2, len(first))
    rows = (cluster, first, both, closed, drawn, codes)
    whole = measure_parts([part_of(*rows)])
    mixed = np.random.default_rng(7).permutation(len(first))
    assert measure_parts([part_of(*(column[mixed] for column in rows))]) == whole
    pieces = [np.flatnonzero(cluster % 3 == shard) for shard in range(3)]
    found = measure_shards(
        lambda shard: [part_of(*(column[pieces[shard]] for column in rows))], len(pieces)
    )
    assert found == whole


def test_an_audit_that_saw_no_change_does_not_say_that_there_is_none() -> None:
    cluster, first, _, closed, drawn = drawn_rows(8, 200, 1, 0.1)
    found = one_of(cluster, first, first, closed, drawn)
    estimate, of_first = found.estimate(LEVEL), found._replace(audit=None).estimate(LEVEL)
    assert found.audit is not None
    assert estimate.value == of_first.value
    assert estimate.low is not None
    assert of_first.low is not None
    assert estimate.low < of_first.low - 0.001
    spread = found.audit.spread(200)
    assert spread.change == 0
    assert spread.audit > 0.5 * closed.mean() / found.audit.clusters * 0.9


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (0, "not corrected: 0 of 40 clusters that the first order closed were audited"),
        (5, FEW),
        (6, ""),
    ],
)
def test_too_few_audited_clusters_give_no_interval(seen: int, words: str) -> None:
    cluster, closed = np.arange(50), np.arange(50) < 40
    first = cluster % 5
    both = np.where(cluster % 2 == 0, 2, first)
    estimate = one_of(cluster, first, both, closed, cluster < seen).estimate(LEVEL)
    assert estimate.note == words
    assert (estimate.low is None) == (seen < 6)
    assert estimate.method == ("audited" if seen == 6 else "undefined")
    assert estimate.value is not None
    one = one_of(cluster, first, both, closed, cluster < seen)
    assert (by_t(one, LEVEL) is None) == (seen < 6)


def test_an_audit_of_which_nothing_could_be_read_corrects_nothing() -> None:
    cluster = np.arange(20)
    part = part_of(cluster, cluster % 5, cluster % 5, cluster >= 0, cluster < 8)
    assert part.second is not None
    unread = part.second._replace(weight=np.zeros(20, np.uint8))
    (found,) = measure_parts([part._replace(second=unread)])
    estimate = found.estimate(LEVEL)
    assert (estimate.value, estimate.low) == (0.5, None)
    assert estimate.note.endswith(
        "8 of 20 clusters that the first order closed were audited, "
        "and nothing could be read in both orders"
    )


def test_ends_hold_at_any_level_around_the_corrected_mean() -> None:
    cluster, first, both, closed, drawn = drawn_rows(9, 120, 2, 0.3)
    found = one_of(cluster, first, np.maximum(both - 1, 0), closed, drawn)
    widths = []
    for level in (0.95, 0.99, 0.998):
        among = estimate_among(found, level, of_family=0.95)
        assert among.method == "audited"
        assert among.value is not None
        assert among.low is not None
        assert among.high is not None
        assert among.low < among.value < among.high
        widths.append(among.high - among.low)
    assert widths == sorted(widths)
    alone = found.estimate(0.99)
    assert by_t(found, 0.99) == pytest.approx((alone.low, alone.high), abs=0.004)


def test_more_of_the_same_clusters_shrink_both_errors() -> None:
    cluster, first, both, closed, drawn = drawn_rows(10, 100, 2, 0.3)
    found = one_of(cluster, first, both, closed, drawn)
    grown = found.enlarged(400)
    assert found.audit is not None
    assert grown.audit is not None
    before, after = found.audit.spread(100), grown.audit.spread(400)
    assert after.value == pytest.approx(before.value)
    assert after.own == pytest.approx(before.own / 2, rel=0.01)
    assert after.audit < before.audit * 0.51
    assert grown.audit.clusters == 4 * found.audit.clusters


def test_turned_it_says_the_negative() -> None:
    cluster, first, both, closed, drawn = drawn_rows(11, 100, 2, 0.3)
    (found,) = measure_parts(
        [part_of(cluster, first, both, closed, drawn)._replace(scales=((-1.0, 1.0),))]
    )
    one, other = found.estimate(LEVEL), found.turned().estimate(LEVEL)
    assert one.value is not None
    assert one.low is not None
    assert one.high is not None
    assert (other.value, other.low, other.high) == pytest.approx(
        (-one.value, -one.high, -one.low), abs=1e-12
    )
