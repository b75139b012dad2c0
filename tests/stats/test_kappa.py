"""Cohen's kappa against textbook tables, its definition, and what is known of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.stats.kappa import Name, PairCounts, kappa_of, pair_counts
from judgefast.stats.left_out import fisher_ends, groups_of

from .agreement_reference import kappa, left_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.stats.left_out import Coefficient

WEIGHTS: dict[Name, Callable[[int, int], int]] = {
    "kappa": lambda a, b: int(a != b),
    "kappa_linear": lambda a, b: abs(a - b),
    "kappa_quadratic": lambda a, b: (a - b) ** 2,
}
SEXUAL_FUN = [[7, 7, 2, 3], [2, 8, 3, 7], [1, 5, 4, 9], [2, 8, 9, 14]]
"""Of R's vcd: 91 couples, husbands in rows (Agresti 1990, table 2.10)."""

UNITS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 8)), min_size=2, max_size=30
)


def measured(name: Name, rows: list[tuple[int, int, int]], categories: int) -> Coefficient:
    """Kappa of rows of two codes and a cluster."""
    a, b, cluster = np.array(rows).T
    groups = groups_of(cluster.astype(np.uint64), 2 * categories)
    counts = pair_counts(
        a.astype(np.int32), b.astype(np.int32), groups.of_unit, groups.number, categories
    )
    of_clusters = groups.clusters, groups.touched(a != b)
    return kappa_of(name, "all", counts, missing=0, of_clusters=of_clusters)


def kappa_value(units: list[tuple[int, int]], weight: Callable[[int, int], int]) -> object:
    """Kappa by its definition, to be compared with."""
    expected = kappa(units, weight)
    return None if expected is None else pytest.approx(float(expected), abs=1e-12)


def of_table(table: list[list[int]], name: Name = "kappa") -> Coefficient:
    """Kappa of a table of counts, each unit a cluster."""
    rows = [
        (a, b) for a, row in enumerate(table) for b, many in enumerate(row) for _ in range(many)
    ]
    return measured(name, [(a, b, unit) for unit, (a, b) in enumerate(rows)], len(table))


@pytest.mark.parametrize(
    ("table", "name", "published"),
    [
        ([[20, 5], [10, 15]], "kappa", "0.4000"),
        (SEXUAL_FUN, "kappa", "0.1293"),
        (SEXUAL_FUN, "kappa_linear", "0.2374"),
        (SEXUAL_FUN, "kappa_quadratic", "0.3320"),
        ([[45, 15], [25, 15]], "kappa", "0.1304"),
        ([[25, 35], [5, 35]], "kappa", "0.2593"),
        ([[118, 5], [2, 0]], "kappa", "-0.0234"),
    ],
)
def test_textbook_values(table: list[list[int]], name: Name, published: str) -> None:
    assert f"{of_table(table, name).value:.4f}" == published


def test_the_error_is_that_of_the_textbook_formula() -> None:
    """Fleiss, Cohen and Everitt 1969, as R's vcd prints it; the jackknife's is a little larger."""
    for name, published in (
        ("kappa", 0.0686),
        ("kappa_linear", 0.07832),
        ("kappa_quadratic", 0.0973),
    ):
        found = of_table(SEXUAL_FUN, name)  # type: ignore[arg-type]  # names as above
        off = found.left_out - found.left_out.mean()
        error = math.sqrt((91 - 1) / 91 * float((off**2).sum()))
        assert error == pytest.approx(published, rel=0.03)


def test_levels_that_nobody_gave_lie_between_others_all_the_same() -> None:
    """Scikit-learn with labels 1 to 5, and with those observed: 1, 2, 5."""
    a, b = [0, 0, 1, 4, 4, 1, 0, 4, 1, 0], [0, 1, 1, 4, 0, 1, 0, 4, 4, 0]
    whole = [*zip(a, b, range(10), strict=True)]
    seen = [(min(x, 2), min(y, 2), unit) for x, y, unit in whole]
    for name, of_scale, of_seen in (
        ("kappa_linear", 0.5402298850574712, 0.5555555555555556),
        ("kappa_quadratic", 0.5438596491228069, 0.5652173913043479),
    ):
        assert measured(name, whole, 5).value == pytest.approx(of_scale, abs=1e-14)  # type: ignore[arg-type]  # as above
        assert measured(name, seen, 3).value == pytest.approx(of_seen, abs=1e-14)  # type: ignore[arg-type]  # as above


@settings(max_examples=40, deadline=None)
@given(UNITS)
def test_kappa_and_all_that_it_is_without_a_cluster_are_those_of_the_definition(
    rows: list[tuple[int, int, int]],
) -> None:
    units, clusters = [row[:2] for row in rows], [row[2] for row in rows]
    for name, weight in WEIGHTS.items():
        found = measured(name, rows, 4)
        assert found.value == kappa_value(units, weight)
        without = left_out(units, clusters, lambda some, weight=weight: kappa(some, weight))
        assert found.left_out == pytest.approx(
            [math.nan if one is None else float(one) for one in without], nan_ok=True
        )


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 1000)] * 2, st.integers(0, 8)), min_size=2, max_size=30))
def test_a_scale_of_a_thousand_levels_is_as_good_as_one_of_four(
    rows: list[tuple[int, int, int]],
) -> None:
    units, clusters = [row[:2] for row in rows], [row[2] for row in rows]
    for name, weight in WEIGHTS.items():
        found = measured(name, rows, 1001)
        assert found.value == kappa_value(units, weight)
        without = left_out(units, clusters, lambda some, weight=weight: kappa(some, weight))
        assert found.left_out == pytest.approx(
            [math.nan if one is None else float(one) for one in without], nan_ok=True, abs=1e-12
        )


def test_millions_of_units_of_a_thousand_levels_overflow_nothing() -> None:
    """One group of 4 million units at each end: the products are beyond 2^63."""
    ends = np.array([[4_000_000] + 999 * [0] + [4_000_000]])
    counts = PairCounts(ends, ends, np.array([[4_000_000], [4_000_000_000], [4 * 10**12]]))
    for name in get_args(Name):
        found = kappa_of(name, "all", counts, missing=0, of_clusters=(1, 1))
        assert found.value == 0


@settings(max_examples=25, deadline=None)
@given(UNITS, st.permutations(range(4)))
def test_other_names_of_the_categories_and_judges_change_nothing(
    rows: list[tuple[int, int, int]], names: list[int]
) -> None:
    found = measured("kappa", rows, 4).estimate(0.9)
    renamed = [(names[a], names[b], cluster) for a, b, cluster in rows]
    assert measured("kappa", renamed, 4).estimate(0.9) == found
    for name in get_args(Name):
        exchanged = [(b, a, cluster) for a, b, cluster in rows]
        other = measured(name, rows, 4).estimate(0.9)
        assert measured(name, exchanged, 4).estimate(0.9).value == other.value
        turned = [(3 - a, 3 - b, cluster) for a, b, cluster in rows]
        assert measured(name, turned, 4).estimate(0.9).value == other.value


@settings(max_examples=40, deadline=None)
@given(UNITS)
def test_a_row_entered_twice_changes_nothing(rows: list[tuple[int, int, int]]) -> None:
    for name in get_args(Name):
        once, twice = (measured(name, some, 4).estimate(0.95) for some in (rows, rows + rows))
        assert twice.value == once.value
        assert (twice.low, twice.high) == pytest.approx((once.low, once.high), nan_ok=True)


def test_two_judges_who_always_say_the_same_one_thing_have_no_kappa() -> None:
    found = of_table([[30, 0], [0, 0]]).estimate(0.95)
    assert (found.value, found.low, found.high, found.method) == (None, None, None, "undefined")
    assert found.note == "both judges gave the same value throughout: all agreement is chance"


def test_a_judge_who_always_says_one_thing_agrees_by_chance_whatever_the_other_says() -> None:
    found = of_table([[20, 10], [0, 0]]).estimate(0.95)
    assert (found.value, found.low, found.method) == (0.0, None, "undefined")
    assert "one judge gave the same value throughout" in found.note
    assert of_table([[0, 30], [0, 0]]).estimate(0.95).value == 0.0


def test_full_agreement_on_both_categories_has_an_interval_that_is_no_point() -> None:
    found = of_table([[20, 0], [0, 20]]).estimate(0.95)
    assert (found.value, found.high, found.method) == (1.0, 1.0, "few-disagreements")
    # As many as 8.8 % of 40 clusters may disagree (Clopper-Pearson), half of them by chance.
    assert found.low == pytest.approx(1 - 0.08810 / 0.5, abs=1e-4)


def test_an_interval_with_few_disagreements_is_no_shorter_than_that_of_their_share() -> None:
    few, many = of_table([[48, 2], [2, 48]]).estimate(0.95), of_table([[45, 5], [5, 45]])
    assert few.method == "few-disagreements"
    assert few.low is not None
    assert few.low <= 1 - 0.09926 / 0.5 + 1e-4  # Clopper-Pearson of 4 in 100
    assert many.estimate(0.95).method == "jackknife-z"


@pytest.mark.parametrize(
    ("name", "most"), [("kappa", 1), ("kappa_linear", 2), ("kappa_quadratic", 4)]
)
def test_where_nobody_disagrees_a_unit_that_was_not_seen_may_as_far_as_it_can(
    name: Name, most: int
) -> None:
    found = of_table([[20, 0, 0], [0, 0, 0], [0, 0, 20]], name).estimate(0.95)
    by_chance = most / 2
    # As many as 8.8 % of 40 clusters may disagree (Clopper-Pearson), each by the whole scale.
    assert found.low == pytest.approx(1 - 0.08810 * most / by_chance, abs=1e-4)


def test_ends_are_by_students_t_with_a_degree_less_than_there_are_groups() -> None:
    t_of_2 = 4.302652729911275  # 97.5 %
    ends = fisher_ends(0.5, np.array([0.4, 0.5, 0.6]), 0.95)
    reach = t_of_2 * math.sqrt(2 / 3 * 0.02) / (1 - 0.5**2)
    assert ends == pytest.approx([math.tanh(math.atanh(0.5) + side * reach) for side in (-1, 1)])


def test_no_unit_in_common_has_no_kappa() -> None:
    none = np.zeros(0, np.int32)
    empty = pair_counts(none, none, none.astype(np.intp), 0, 3)
    found = kappa_of("kappa", "all", empty, missing=7, of_clusters=(0, 0)).estimate(0.95)
    assert (found.value, found.missing) == (None, 7)
    assert found.note == "no unit has a value of both judges"


def test_one_cluster_has_nothing_to_compare_it_with() -> None:
    found = measured("kappa", [(0, 0, 1), (1, 1, 1), (0, 1, 1)], 2).estimate(0.95)
    assert found.value == pytest.approx(0.4)
    assert found.low is None
    assert found.note.startswith("one cluster")
