"""Verdicts read from label probabilities."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.codes import CHOICE_NONE, CHOICE_TIE, Status
from judgefast.errors import ColumnError
from judgefast.prompts.verdict_format import VerdictFormat, VerdictLabel
from judgefast.verdicts import empty, read_labels

if TYPE_CHECKING:
    from judgefast.verdicts import VerdictColumns

A = VerdictLabel(text="A", choice="first")
B = VerdictLabel(text="B", choice="second")
C = VerdictLabel(text="C", choice="tie")
AB = VerdictFormat(name="label", labels=(A, B))
ABC = VerdictFormat(name="label", labels=(A, B, C))
STARS = VerdictFormat(
    name="label", labels=tuple(VerdictLabel(text=str(star), score=star) for star in range(1, 6))
)


def one(verdict_format: VerdictFormat, *probabilities: float) -> VerdictColumns:
    with np.errstate(divide="ignore"):
        return read_labels(verdict_format, np.log([probabilities]))


def test_the_choice_is_the_most_likely_label() -> None:
    columns = one(ABC, 0.1, 0.6, 0.1)
    assert (columns.status[0], columns.choice[0]) == (Status.PARSED, 1)
    np.testing.assert_allclose(columns.p_labels, [[0.125, 0.75, 0.125]], rtol=1e-6)
    np.testing.assert_allclose(columns.label_mass, [0.8], rtol=1e-6)
    np.testing.assert_allclose(columns.strength, [0.125 + 0.125 / 2])
    assert np.isnan(columns.score[0])
    assert (columns.span == 0).all()
    assert not columns.repaired.any()


def test_labels_with_scores_give_the_expected_score() -> None:
    columns = one(STARS, 0.0625, 0.125, 0.25, 0.5, 0.0625)
    np.testing.assert_allclose(columns.score, [3.375])
    assert (columns.choice[0], np.isnan(columns.strength[0])) == (CHOICE_NONE, True)


def test_two_scores_equally_likely_have_an_expected_score() -> None:
    columns = one(STARS, 0.0625, 0.25, 0.25, 0.0625, 0.0625)
    assert columns.status[0] == Status.PARSED
    np.testing.assert_allclose(columns.score, [30 / 11])


def test_an_exact_tie_of_two_answers_is_a_tie_only_where_the_format_has_one() -> None:
    with_tie = one(ABC, 0.25, 0.25, 0.125)
    assert (with_tie.status[0], with_tie.choice[0]) == (Status.PARSED, CHOICE_TIE)
    without = one(AB, 0.25, 0.25)
    assert (without.status[0], without.choice[0]) == (Status.CONFLICTING, CHOICE_NONE)
    assert np.isnan(without.strength[0])
    np.testing.assert_allclose(without.p_labels, [[0.5, 0.5]])


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.001, 5.0, 1e300])
def test_a_number_that_is_no_log_probability_is_malformed(bad: float) -> None:
    columns = read_labels(AB, np.array([[-1.0, bad], [bad, -1.0], [-1.0, -2.0]]))
    assert columns.status.tolist() == [Status.MALFORMED, Status.MALFORMED, Status.PARSED]
    assert columns.choice[:2].tolist() == [CHOICE_NONE, CHOICE_NONE]
    assert np.isnan(columns.p_labels[:2]).all()
    assert np.isnan(columns.label_mass[:2]).all()


def test_minus_infinity_is_a_probability_of_zero_and_all_of_them_are_malformed() -> None:
    columns = read_labels(AB, np.array([[0.0, -math.inf], [-math.inf, -math.inf]]))
    assert columns.status.tolist() == [Status.PARSED, Status.MALFORMED]
    np.testing.assert_allclose(columns.p_labels[0], [1.0, 0.0])
    assert (columns.choice[0], columns.label_mass[0]) == (0, 1.0)


def test_rounding_may_carry_a_probability_a_little_above_one() -> None:
    assert read_labels(AB, np.array([[9e-7, -20.0]])).status[0] == Status.PARSED


def test_labels_that_hold_more_than_everything_together_are_malformed() -> None:
    assert one(AB, 0.7, 0.7).status[0] == Status.MALFORMED


def test_a_mass_too_small_for_a_double_still_divides() -> None:
    columns = read_labels(AB, np.array([[-1000.0, -1000.0 - math.log(3)]]))
    np.testing.assert_allclose(columns.p_labels, [[0.75, 0.25]], rtol=1e-6)
    assert (columns.label_mass[0], columns.choice[0]) == (0.0, 0)


@given(st.lists(st.tuples(*[st.floats(-30, -1.2)] * 3), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_each_row_is_what_it_is_alone_and_exchanging_the_labels_mirrors_it(
    rows: list[tuple[float, float, float]],
) -> None:
    together = read_labels(ABC, np.array(rows))
    mirror = read_labels(ABC, np.array([(b, a, c) for a, b, c in rows]))
    np.testing.assert_allclose(together.strength, 1 - mirror.strength, rtol=0, atol=1e-12)
    for row, logprobs in enumerate(rows):
        weights = [math.exp(value) for value in logprobs]
        mass = math.fsum(weights)
        np.testing.assert_allclose(together.label_mass[row], mass, rtol=1e-6)
        strength = (weights[0] + weights[2] / 2) / mass
        np.testing.assert_allclose(together.strength[row], strength, rtol=1e-12)


def test_another_number_of_columns_is_refused() -> None:
    with pytest.raises(
        ColumnError, match=r"`logprobs` has shape \(1, 2\); the format has 3 labels"
    ):
        read_labels(ABC, np.zeros((1, 2)))
    with pytest.raises(ColumnError, match=r"shape \(3,\)"):
        read_labels(ABC, np.zeros(3))
    with pytest.raises(ColumnError, match="has 0 labels"):
        read_labels(VerdictFormat(name="rating", low=1, high=5), np.zeros((1, 0)))


def test_empty_columns_hold_nothing_that_could_be_averaged() -> None:
    columns = empty(2, 3, Status.TOO_LONG)
    assert columns.status.tolist() == [17, 17]
    assert columns.choice.tolist() == [CHOICE_NONE, CHOICE_NONE]
    assert np.isnan(columns.score).all()
    assert columns.p_labels.shape == (2, 3)
    assert columns.span.dtype == np.uint32
    assert empty(0, 2, Status.PARSED).span.shape == (0, 2)
