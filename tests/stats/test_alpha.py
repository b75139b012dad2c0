"""Krippendorff's alpha against published examples, its definition, and what is known of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.codes import ALPHA_SCALES, AlphaScale
from judgefast.stats.alpha import alpha_of
from judgefast.stats.ratings import Ratings

from .agreement_reference import alpha, left_out

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from judgefast.stats.left_out import Coefficient

    Rows = list[tuple[list[int | None], int]]

EXAMPLE_A = ["1211111111", "2221121121"]
"""Krippendorff 2011: two observers, ten units, yes or no."""
EXAMPLE_B = ["112243335441", "212223335444"]
"""The same: five categories."""
EXAMPLE_C = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
"""The same: four observers, twelve units, values missing."""
THREE_CODERS = ["*****34121133*3", "1*213343*******", "**21344*21133*4"]
"""The example of the article on alpha in Wikipedia: three coders, fifteen units."""
FLEISS_1971 = """
    00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
    00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"""
"""How many of six psychiatrists gave each of five diagnoses to each of 30 patients."""
FOURTEEN = "0000e 02642 00356 03920 22811 77000 32630 25322 65210 02237"
"""The example of the article on Fleiss' kappa in Wikipedia: 14 raters (e), ten subjects."""

VALUES = st.lists(
    st.tuples(
        st.lists(st.sampled_from([None, 1, 2, 3, 5]), min_size=3, max_size=3), st.integers(0, 6)
    ),
    min_size=1,
    max_size=20,
)


def of_rows(rows: Sequence[tuple[Sequence[int | None], int]], scale: AlphaScale) -> Coefficient:
    values = [[math.nan if one is None else float(one) for one in row] for row, _ in rows]
    clusters = np.array([cluster for _, cluster in rows], np.uint64)
    judges = [str(judge) for judge in range(len(values[0]))]
    steps = (1.0, 2.0, 3.0, 4.0, 5.0)
    return alpha_of(Ratings(np.array(values), clusters, judges, scale, steps))


def of_text(lines: list[str], scale: AlphaScale) -> Coefficient:
    """An observer a line, a unit a letter, `.` and `*` where there is none."""
    units = [
        ([None if one in ".*" else 1 + "12345".find(one) for one in unit], place)
        for place, unit in enumerate(zip(*lines, strict=True))
    ]
    return of_rows(units, scale)


@pytest.mark.parametrize(
    ("example", "scale", "published"),
    [
        (EXAMPLE_A, "nominal", ".095"),
        (EXAMPLE_B, "nominal", ".692"),
        (EXAMPLE_C, "nominal", ".743"),
        (EXAMPLE_C, "ordinal", ".815"),
        (EXAMPLE_C, "interval", ".849"),
        (THREE_CODERS, "nominal", ".691"),
        (THREE_CODERS, "interval", ".811"),
    ],
)
def test_published_examples(example: list[str], scale: AlphaScale, published: str) -> None:
    assert f"{of_text(example, scale).value:.3f}" == f"0{published}"


@pytest.mark.parametrize(
    ("table", "published"), [(FLEISS_1971, "0.430"), (FOURTEEN, "0.210")], ids=["1971", "14 raters"]
)
def test_alpha_is_the_kappa_of_fleiss_but_for_its_factor_for_small_samples(
    table: str, published: str
) -> None:
    units = [
        [code for code, many in enumerate(unit, 1) for _ in range(int(many, 16))]
        for unit in table.split()
    ]
    found = of_rows([(unit, place) for place, unit in enumerate(units)], "nominal")
    assert found.value == pytest.approx(float(alpha(units, "nominal") or 0), abs=1e-14)
    values = sum(map(len, units))
    assert f"{1 - (1 - found.value) * values / (values - 1):.3f}" == published


def coded(path: Path, codes: list[str]) -> Rows:
    """A coder a line, a unit a column; the place of a code, from 1, stands for it."""
    lines = path.read_text("utf-8").splitlines()
    units = zip(*(line.split(",") for line in lines), strict=True)
    return [
        ([1 + codes.index(one) if one else None for one in unit], place)
        for place, unit in enumerate(units)
    ]


def test_the_codings_of_evalica(shared: Path) -> None:
    rows = coded(shared / "data/ranking/codings.csv", [*"12345"])
    found = [of_rows(rows, scale).value for scale in ALPHA_SCALES]
    assert found == pytest.approx(
        [0.743421052631579, 0.8153875037548813, 0.8491071428571428], abs=1e-14
    )
    words = coded(shared / "data/ranking/gcl.csv", ["NN", "VBP"])
    assert of_rows(words, "nominal").value == pytest.approx(1 / 12, abs=1e-14)


@settings(max_examples=25, deadline=None)
@given(VALUES)
def test_alpha_and_all_that_it_is_without_a_cluster_are_those_of_the_definition(
    rows: Rows,
) -> None:
    units = [row for row, _ in rows if sum(one is not None for one in row) > 1]
    clusters = [one for row, one in rows if sum(value is not None for value in row) > 1]
    for scale in ALPHA_SCALES:
        found, expected = of_rows(rows, scale), alpha(units, scale)
        assert found.value == (None if expected is None else pytest.approx(float(expected)))
        without = left_out(units, clusters, lambda some, scale=scale: alpha(some, scale))
        if units:
            assert found.left_out == pytest.approx(
                [math.nan if one is None else float(one) for one in without], nan_ok=True
            )


def test_a_scale_of_many_levels_takes_no_table_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only scales without distances count category by category."""
    values = np.array([[0.0, 100_000.0], [7.0, 9.0], [50_000.0, math.nan], [100_000.0, 99_000.0]])
    clusters = np.arange(4, dtype=np.uint64)
    steps = tuple(map(float, range(100_001)))
    found = alpha_of(Ratings(values, clusters, "ab", "interval", steps))
    units = [(0, 100_000), (7, 9), (100_000, 99_000)]
    assert found.value == pytest.approx(float(alpha(units, "interval") or 0))
    assert found.most == 100_000**2
    monkeypatch.setattr("judgefast.stats.alpha._of_categories", None)
    seen = alpha_of(Ratings(values[1:], clusters[1:], "ab", "interval", steps))
    assert seen.most == 100_000**2  # of the scale, whatever was given


@settings(max_examples=20, deadline=None)
@given(VALUES)
def test_an_interval_scale_without_categories_has_the_same_alpha(rows: Rows) -> None:
    values = np.array([[math.nan if one is None else one for one in row] for row, _ in rows])
    clusters = np.array([cluster for _, cluster in rows], np.uint64)
    found = alpha_of(Ratings(values, clusters, "abc", "interval"))
    expected = of_rows(rows, "interval")
    assert found.value == (None if expected.value is None else pytest.approx(expected.value))
    assert found.left_out == pytest.approx(expected.left_out, nan_ok=True)
    assert found.disagreeing == expected.disagreeing
    moved = alpha_of(Ratings(values * 7 - 1000, clusters, "abc", "interval"))
    assert moved.value == (None if found.value is None else pytest.approx(found.value))


@settings(max_examples=20, deadline=None)
@given(VALUES, st.randoms(use_true_random=False), st.permutations([1, 2, 3, 4, 5]))
def test_the_order_of_rows_and_judges_changes_no_bit_and_other_names_no_alpha(
    rows: Rows, random: object, names: list[int]
) -> None:
    other = [*rows]
    random.shuffle(other)  # type: ignore[attr-defined]  # a random.Random of hypothesis
    order = [2, 0, 1]
    moved = [([row[judge] for judge in order], cluster) for row, cluster in other]
    for scale in ALPHA_SCALES:
        assert of_rows(moved, scale).estimate(0.9) == of_rows(rows, scale).estimate(0.9)
    renamed = [
        ([None if one is None else names[one - 1] for one in row], cluster) for row, cluster in rows
    ]
    expected = of_rows(rows, "nominal").value
    found = of_rows(renamed, "nominal").value
    assert found == (None if expected is None else pytest.approx(expected))


@settings(max_examples=20, deadline=None)
@given(VALUES)
def test_a_row_entered_twice_changes_alpha_by_its_small_sample_factor_alone(rows: Rows) -> None:
    """What is expected is of pairs without a value with itself: n - 1, where it was n."""
    for scale in ("nominal", "interval"):
        once, twice = of_rows(rows, scale), of_rows(rows + rows, scale)  # type: ignore[arg-type]  # as above
        if once.value is None or twice.value is None:
            assert once.value is twice.value
            continue
        known = [sum(one is not None for one in row) for row, _ in rows]
        values = sum(many for many in known if many > 1)
        factor = (2 * values - 1) / (2 * (values - 1))
        assert 1 - twice.value == pytest.approx((1 - once.value) * factor)


def test_judges_who_all_say_the_same_have_no_alpha() -> None:
    """Others raise, or say 1."""
    for scale in ALPHA_SCALES:
        found = of_rows([([3, 3, 3], unit) for unit in range(50)], scale).estimate(0.95)
        assert (found.value, found.low, found.method) == (None, None, "undefined")
        assert found.note == "every value is the same: all agreement is chance"
    numbers = np.full((50, 2), 0.1 + 0.2)
    alike = alpha_of(Ratings(numbers, np.arange(50, dtype=np.uint64), "ab", "interval"))
    assert alike.value is None


def test_units_with_one_value_say_nothing() -> None:
    found = of_rows([([1, None, None], unit) for unit in range(9)], "nominal").estimate(0.95)
    assert (found.value, found.outcomes, found.missing) == (None, 0, 9)
    assert found.note == "no unit has two values"
