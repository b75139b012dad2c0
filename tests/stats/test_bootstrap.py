"""The bootstrap beside a second program, in any order, any shards and on every path."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast import _native
from judgefast.codes import FIXED_ONE
from judgefast.errors import ColumnError, ConfigError
from judgefast.stats import PoissonBootstrap, Replicates, Resampling, replicate_means
from judgefast.stats.histogram import histogram_means
from judgefast.stats.moments import cluster_moments
from tests.stats import poisson_reference as reference

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from numpy.typing import NDArray

    from tests.stats.poisson_reference import Row

    Columns = tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint32]]

SLICES = 3
PATHS = _native.bootstrap_paths()
LARGEST = 2048 * FIXED_ONE
VALUE = st.one_of(
    st.sampled_from([0, FIXED_ONE // 2, FIXED_ONE, LARGEST, -LARGEST]),
    st.integers(-LARGEST, LARGEST),
)
ROW = st.tuples(
    st.one_of(st.integers(0, 5), st.integers(0, 2**64 - 1)),
    VALUE,
    st.integers(0, 6),
    st.integers(0, SLICES - 1),
)


def columns(rows: list[Row]) -> Columns:
    cluster, value, weight, code = zip(*rows, strict=True) if rows else ((),) * 4
    return (
        np.array(cluster, dtype=np.uint64),
        np.array(value, dtype=np.int64),
        np.array(weight, dtype=np.uint8),
        np.array(code, dtype=np.uint32),
    )


def scores(rows: int) -> Columns:
    """Rows of about two thirds as many clusters, discrete scores and probabilities mixed."""
    rng = np.random.default_rng(5)
    value = np.where(
        rng.random(rows) < 0.7,
        rng.integers(1, 6, rows) * FIXED_ONE,
        rng.integers(0, FIXED_ONE, rows),
    )
    return (
        rng.integers(0, rows * 2 // 3, rows, dtype=np.uint64),
        value,
        rng.integers(1, 4, rows, dtype=np.uint8),
        rng.integers(0, SLICES, rows, dtype=np.uint32),
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(ROW, max_size=12), st.integers(0, 2**64 - 1), st.integers(1, 9))
def test_means_are_those_of_a_second_program(rows: list[Row], seed: int, replicates: int) -> None:
    resampling = Resampling(seed, replicates)
    found = replicate_means(*columns(rows), SLICES, resampling=resampling)
    slow = [
        [reference.mean(*reference.sums(rows, seed, b, own)) for b in range(replicates)]
        for own in range(SLICES)
    ]
    np.testing.assert_array_equal([own.means for own in found], slow)


@settings(max_examples=40, deadline=None)
@given(st.lists(ROW, max_size=60), st.integers(1, 130), st.randoms())
def test_neither_order_nor_shards_nor_path_change_a_bit(
    rows: list[Row], replicates: int, random: Random
) -> None:
    resampling = Resampling(7, replicates)
    whole = [own.means for own in replicate_means(*columns(rows), SLICES, resampling=resampling)]
    shuffled = list(rows)
    random.shuffle(shuffled)
    shards = [PoissonBootstrap(SLICES, resampling=resampling) for _ in range(7)]
    for at, shard in enumerate(shards):
        shard.add(*columns(shuffled[at::7]))
    random.shuffle(shards)
    for shard in shards[1:]:
        shards[0].merge(shard)
    np.testing.assert_array_equal([own.means for own in shards[0].replicates()], whole)
    for path in PATHS:
        sums = _native.PoissonSums(SLICES, replicates, 7, path=path)
        sums.add(*columns(shuffled))
        np.testing.assert_array_equal(sums.means(), whole)


def test_long_streams_give_the_same_bits_on_every_path_and_without_one() -> None:
    rows = scores(150_000)
    wanted = np.arange(SLICES, dtype=np.uint32)
    [first, *others] = [
        _native.replicate_means(*rows, SLICES, wanted, 3, 70, path=path) for path in [None, *PATHS]
    ]
    for other in others:
        np.testing.assert_array_equal(other, first)
    stream = PoissonBootstrap(SLICES, resampling=Resampling(3, 70))
    for start in range(0, 150_000, 40_000):
        stream.add(*(column[start : start + 40_000] for column in rows))
    np.testing.assert_array_equal([own.means for own in stream.replicates()], first)


def test_weights_of_a_cluster_have_mean_and_variance_one() -> None:
    ids = np.arange(2000, dtype=np.uint64)
    drawn = np.array(
        [[reference.draws(0, int(cluster), b) for b in range(0, 400, 10)] for cluster in ids[:500]]
    )
    assert abs(drawn.mean() - 1) < 0.03
    assert abs(drawn.var() - 1) < 0.06
    ones = np.zeros(2000, dtype=np.int64)
    pair = replicate_means(
        ids, ones + FIXED_ONE, np.ones(2000, np.uint8), ones, 1, resampling=Resampling(0, 64)
    )
    assert set(pair[0].means) == {1.0}


def test_the_distribution_of_a_weight_is_poisson_up_to_the_last_bits() -> None:
    steps = np.diff([0, *reference.THRESHOLDS, 1 << 16]) / (1 << 16)
    poisson = [math.exp(-1) / math.factorial(k) for k in range(9)]
    np.testing.assert_allclose(steps, poisson, atol=2e-5)
    k = np.arange(9)
    mean = (k * steps).sum()
    assert mean == 1
    assert abs(((k - mean) ** 2 * steps).sum() - 1) < 4e-5


def test_one_cluster_draws_the_same_in_every_slice() -> None:
    rows = [(own, (own % 3) * FIXED_ONE, 1, where) for own in range(50) for where in range(2)]
    both = replicate_means(*columns(rows), 2, resampling=Resampling(9, 100))
    np.testing.assert_array_equal(both[0].means, both[1].means)


def test_wanted_slices_come_in_the_order_asked_and_others_change_nothing() -> None:
    rows = scores(2000)
    whole = replicate_means(*rows, SLICES, resampling=Resampling(1, 33))
    asked = replicate_means(*rows, SLICES, resampling=Resampling(1, 33), wanted=[2, 0, 2])
    np.testing.assert_array_equal(
        [own.means for own in asked], [whole[at].means for at in (2, 0, 2)]
    )


def test_codes_below_zero_leave_a_row_out() -> None:
    ids, value, weight, _ = scores(300)
    codes = np.arange(300) % 2 - 1
    inside = codes == 0
    all_rows = replicate_means(ids, value, weight, codes, 1, resampling=Resampling(1, 40))
    some = replicate_means(
        ids[inside], value[inside], weight[inside], codes[inside], 1, resampling=Resampling(1, 40)
    )
    np.testing.assert_array_equal(all_rows[0].means, some[0].means)


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_the_hash_seed_of_python_changes_nothing(hash_seed: str) -> None:
    program = (
        "import numpy as np; from judgefast.hashes import cluster_id64;"
        "from judgefast.stats import replicate_means, Resampling;"
        "ids = np.array([cluster_id64(n) for n in {'q1', 'q2', 'q3'}], dtype=np.uint64);"
        "m = replicate_means(ids, (ids % 7).astype(np.int64) << 24, np.ones(3, np.uint8),"
        "np.zeros(3, int), 1, resampling=Resampling(4, 50)); print(m[0].means.tobytes().hex())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    from judgefast.hashes import cluster_id64  # noqa: PLC0415 - beside the program above

    ids = np.array([cluster_id64(name) for name in ("q1", "q2", "q3")], dtype=np.uint64)
    found = replicate_means(
        ids,
        (ids % 7).astype(np.int64) << 24,
        np.ones(3, np.uint8),
        np.zeros(3, int),
        1,
        resampling=Resampling(4, 50),
    )
    assert done.stdout.strip() == found[0].means.tobytes().hex()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.floats(-9, 9), st.just(math.nan)), min_size=1, max_size=50),
    st.floats(0.001, 0.999),
)
def test_ends_are_those_of_the_published_rule(means: list[float], level: float) -> None:
    found = Replicates(np.array(means), seed=0).ends(level)
    if all(math.isnan(one) for one in means):
        assert found is None
    else:
        assert found == reference.ends(means, level)


def test_a_level_that_is_a_double_away_from_a_step_is_taken_as_it_is() -> None:
    drawn = Replicates(np.arange(1000.0), seed=0)
    assert pytest.approx(50) == 1000 * (1 - 0.9) / 2
    assert drawn.ends(0.9) == (49.0, 950.0)  # the double 0.9 is a little more than nine tenths
    assert drawn.ends(0.5) == (250.0, 749.0)


def test_what_cannot_be_drawn_is_refused_in_words() -> None:
    with pytest.raises(ConfigError, match="`level` is 1; it must be above 0 and below 1"):
        Replicates(np.ones(3), seed=0).ends(1)
    with pytest.raises(ConfigError, match="`seed` is -1; it must be 0 to"):
        PoissonBootstrap(1, resampling=Resampling(-1))
    with pytest.raises(ConfigError, match="`replicates` is 0; it must be 1 to"):
        replicate_means(*scores(3), SLICES, resampling=Resampling(0, 0))
    with pytest.raises(ConfigError, match="`num_slices` is 0; it must be at least 1"):
        PoissonBootstrap(0, resampling=Resampling(0))
    one = PoissonBootstrap(1, resampling=Resampling(0, 8))
    with pytest.raises(ColumnError, match="have the seeds 0 and 1"):
        one.merge(PoissonBootstrap(1, resampling=Resampling(1, 8)))
    with pytest.raises(ColumnError, match="`replicates` has 8 rows but"):
        one.merge(PoissonBootstrap(1, resampling=Resampling(0, 9)))
    with pytest.raises(ColumnError, match="a bootstrap cannot be merged with itself"):
        one.merge(one)
    with pytest.raises(ColumnError, match="row 0 of `wanted` holds 3"):
        replicate_means(*scores(3), SLICES, resampling=Resampling(0, 8), wanted=[3])


def draw(*rows: NDArray[np.generic]) -> object:
    return replicate_means(*rows, SLICES, resampling=Resampling(0, 8))


def stream(*rows: NDArray[np.generic]) -> None:
    PoissonBootstrap(SLICES, resampling=Resampling(0, 8)).add(*rows)


def sums(*rows: NDArray[np.generic]) -> object:
    return cluster_moments(*rows, SLICES)


def bins(*rows: NDArray[np.generic]) -> object:
    return histogram_means(*rows, SLICES, Resampling(0, 8))


EVERY_SUM = pytest.mark.parametrize("total", [draw, stream, sums, bins])
COLUMNS = ("cluster_id64", "value", "weight", "codes")


@EVERY_SUM
@pytest.mark.parametrize("at", range(4))
def test_a_column_of_floats_is_refused_by_name_not_cut_to_integers(
    total: Callable[..., object], at: int
) -> None:
    rows = list(scores(30))
    total(*rows)
    rows[at] = rows[at].astype(np.float64)
    with pytest.raises(ColumnError, match=f"`{COLUMNS[at]}` holds float64; it must hold integers"):
        total(*rows)


@EVERY_SUM
@pytest.mark.parametrize(
    ("at", "number"), [(0, -1), (1, 1 << 63), (2, 256), (2, 257), (2, -255), (3, 1 << 32)]
)
def test_a_number_that_its_column_cannot_hold_is_refused_not_wrapped(
    total: Callable[..., object], at: int, number: int
) -> None:
    rows = list(scores(30))
    rows[at] = rows[at].astype(np.uint64 if number > 1 << 62 else np.int64)
    rows[1] = np.abs(rows[1])
    total(*rows)
    rows[at][7] = number
    with pytest.raises(ColumnError, match=f"row 7 of `{COLUMNS[at]}` holds {number}; allowed"):
        total(*rows)
