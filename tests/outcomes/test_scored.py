"""Answers judged alone, and the best of several."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from judgefast.codes import CHOICE_TIE, FIXED_ONE, NO_ANSWER, OutcomeStatus, Position
from judgefast.errors import ColumnError, RubricError

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.outcomes.columns import OutcomeColumns

    Reconcile = Callable[..., OutcomeColumns]
    Row = dict[str, Any]
    Value = Callable[[OutcomeColumns], list[float | None]]

UP, DOWN = (0, 1, 2), (2, 1, 0)


def test_a_score_is_the_mean_of_its_repeats(outcomes: Reconcile, value: Value) -> None:
    rows = [
        {"shown": (0,), "score": 4.0, "repeat": 0},
        {"shown": (0,), "score": 99.0, "repeat": 1, "status": 6},
        {"shown": (0,), "score": 5.0, "repeat": 2},
        {"shown": (1,), "status": 2},
    ]
    got = outcomes(rows, mode="scalar")
    assert value(got) == [4.5, None]
    assert got.candidate.tolist() == [0, 1]
    assert got.baseline.tolist() == [NO_ANSWER, NO_ANSWER]
    assert got.status.tolist() == [OutcomeStatus.SCORED, OutcomeStatus.MISSING]
    assert got.position.tolist() == [Position.NOT_COMPARED] * 2
    assert (got.first_judgment.tolist(), got.judgments.tolist()) == ([0, 3], [3, 1])


def test_values_are_rounded_half_to_even(outcomes: Reconcile) -> None:
    scores = [3 / FIXED_ONE / 2, 5 / FIXED_ONE / 2, -3 / FIXED_ONE / 2, 1 / 3]
    rows = [{"shown": (0,), "item": item, "score": score} for item, score in enumerate(scores)]
    assert outcomes(rows, mode="scalar").value.tolist() == [2, 2, -2, 5592405]


@pytest.mark.parametrize("score", [1024.5, -1025.0])
def test_a_value_beyond_the_range_is_refused(score: float, outcomes: Reconcile) -> None:
    rows = [{"shown": (0,), "score": 1024.0}, {"shown": (1,), "score": score}]
    with pytest.raises(ColumnError, match=r"row 1 of `value` holds .*; allowed: values from -1024"):
        outcomes(rows, mode="scalar")


@pytest.mark.parametrize("score", [np.nan, np.inf])
def test_a_parsed_row_without_a_score_is_refused(score: float, outcomes: Reconcile) -> None:
    with pytest.raises(ColumnError, match=r"row 0 of `score` holds .*; allowed: numbers where"):
        outcomes([{"shown": (0,), "score": score}], mode="scalar")


def test_the_expected_score_is_taken_from_probabilities(outcomes: Reconcile, value: Value) -> None:
    rows = [{"shown": (0,), "score": 5.0, "p": (0, 0, 0.25, 0.25, 0.5), "mass": 0.5}]
    got = outcomes(rows, mode="scalar", rule="average", format="levels")
    assert (value(got), got.label_mass.tolist()) == ([4.25], [0.5])
    assert np.isnan([got.p_win, got.p_tie, got.p_loss]).all()
    assert value(outcomes(rows, mode="scalar", rule="strict", format="levels")) == [5]


def test_what_rounding_left_of_the_sum_is_divided_out(outcomes: Reconcile, value: Value) -> None:
    """Shares of f32 need not sum to 1; a score that is sure stays on its level."""
    p = (0, 0, 0, 0, 0.9995)
    rows = [{"shown": (0,), "score": 5.0, "p": p, "mass": 1.0}]
    assert value(outcomes(rows, mode="scalar", rule="average", format="levels")) == [5]
    rows = [{"shown": UP, "choice": 0, "p": p[1:], "mass": 1.0}]
    got = outcomes(rows, mode="choice", rule="average", format="letters")
    assert sum(value(got)) == pytest.approx(1, abs=2**-22)
    rows = [{"shown": (0, 1), "choice": 1, "p": (0, 0.9995, 0), "mass": 1.0}]
    assert value(outcomes(rows, rule="average", format="abc")) == [1]


def test_a_pass_rate_is_by_verdict_or_by_probability(outcomes: Reconcile, value: Value) -> None:
    rows = [{"shown": (0,), "score": 1.0, "p": (0.75, 0.25), "mass": 1.0}]
    assert value(outcomes(rows, mode="binary", rule="strict", format="yes-no")) == [1]
    assert value(outcomes(rows, mode="binary", rule="average", format="yes-no")) == [0.75]


def test_scored_answers_have_no_rule_about_orders(outcomes: Reconcile) -> None:
    message = "the rule `games` does not apply to mode `scalar`; these do: strict, average"
    with pytest.raises(RubricError, match=message):
        outcomes([{"shown": (0,), "score": 1.0}], mode="scalar", rule="games")


def test_two_answers_are_not_one_scored_answer(outcomes: Reconcile) -> None:
    with pytest.raises(ColumnError, match=r"row 0 of `plan` .* one answer shown alone"):
        outcomes([{"shown": (0, 1), "score": 1.0}], mode="scalar")


@pytest.mark.parametrize(
    ("rule", "up", "down", "shares", "position"),
    [
        ("strict", 1, 1, [0, 1, 0], "agree"),
        ("strict", 0, 2, [1, 0, 0], "agree"),
        ("strict", 0, 0, [0.5, 0, 0.5], "first_twice"),
        ("strict", 2, 2, [0.5, 0, 0.5], "differ"),
        ("strict", 0, 1, [0.5, 0.5, 0], "differ"),
        ("strict", CHOICE_TIE, 1, [1 / 3] * 3, "tie_and_win"),
        ("strict", CHOICE_TIE, CHOICE_TIE, [1 / 3] * 3, "agree"),
        ("average", 0, 0, [0.5, 0, 0.5], "first_twice"),
        ("average", CHOICE_TIE, 1, [1 / 6, 2 / 3, 1 / 6], "tie_and_win"),
        ("drop", 2, 0, [0, 0, 1], "agree"),
        ("drop", 0, 0, [None] * 3, "first_twice"),
        ("drop", CHOICE_TIE, 1, [None] * 3, "tie_and_win"),
    ],
)
def test_the_best_of_three(  # noqa: PLR0917 - a table and its fixture
    rule: str,
    up: int,
    down: int,
    shares: list[float | None],
    position: str,
    outcomes: Reconcile,
) -> None:
    rows = [{"shown": UP, "choice": up}, {"shown": DOWN, "choice": down}]
    got = outcomes(rows, mode="choice", rule=rule)
    assert got.value.tolist() == [round((share or 0) * FIXED_ONE) for share in shares]
    assert got.status.tolist() == [3 if share is None else 0 for share in shares]
    assert [Position(code).label for code in got.position] == [position] * 3
    assert got.candidate.tolist() == [0, 1, 2]
    assert got.baseline.tolist() == [NO_ANSWER] * 3
    assert (got.first_judgment.tolist(), got.judgments.tolist()) == ([0] * 3, [2] * 3)


@pytest.mark.parametrize(
    ("one_failed", "shares"), [("pair", None), ("single", [1, 0, 0]), ("tie", [1 / 3] * 3)]
)
def test_the_best_of_three_by_one_order(
    one_failed: str, shares: list[float] | None, outcomes: Reconcile
) -> None:
    rows = [{"shown": UP, "status": 16, "choice": 1}, {"shown": DOWN, "choice": 2}]
    got = outcomes(rows, mode="choice", one_failed=one_failed)
    assert got.value.tolist() == [round(share * FIXED_ONE) for share in shares or [0] * 3]
    assert got.status.tolist() == [0 if shares else OutcomeStatus.ONE_ORDER_MISSING] * 3
    assert got.position.tolist() == [Position.ONE_MISSING] * 3


def test_the_best_of_three_by_probability(outcomes: Reconcile, value: Value) -> None:
    rows = [
        {"shown": UP, "choice": 0, "p": (0.5, 0.25, 0, 0.25), "mass": 1.0},
        {"shown": DOWN, "choice": 0, "p": (1, 0, 0, 0), "mass": 0.5},
    ]
    got = outcomes(rows, mode="choice", rule="average", format="letters")
    assert value(got) == pytest.approx([7 / 24, 4 / 24, 13 / 24], abs=1e-7)
    assert got.p_win.tolist() == [0.25, 0.125, 0.5]
    assert got.p_tie.tolist() == [0.125] * 3
    assert got.p_loss.tolist() == [0.625, 0.75, 0.375]
    assert got.label_mass.tolist() == [0.5] * 3


def test_the_best_of_two_is_the_comparison_of_two(outcomes: Reconcile, value: Value) -> None:
    codes = [0, 1, CHOICE_TIE]
    rows = [
        {"shown": shown, "choice": choice, "item": 3 * a + b}
        for a, forward in enumerate(codes)
        for b, swapped in enumerate(codes)
        for shown, choice in (((0, 1), forward), ((1, 0), swapped))
    ]
    for rule in ("strict", "average", "drop"):
        best, compared = outcomes(rows, mode="choice", rule=rule), outcomes(rows, rule=rule)
        assert value(best)[1::2] == value(compared)
        assert best.position[1::2].tolist() == compared.position.tolist()
        whole = best.value[::2] + best.value[1::2]
        assert set(whole.tolist()) <= {0, FIXED_ONE}


def test_repeats_of_a_choice_are_averaged(outcomes: Reconcile) -> None:
    choices = [(0, 2), (0, 2), (1, 1)]
    rows = [
        {"shown": shown, "choice": choice, "repeat": repeat}
        for repeat, pair in enumerate(choices)
        for shown, choice in zip((UP, DOWN), pair, strict=True)
    ]
    got = outcomes(rows, mode="choice")
    assert got.value.tolist() == [round(FIXED_ONE * 2 / 3), round(FIXED_ONE / 3), 0]
    assert got.position.tolist() == [Position.AGREE] * 3


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"shown": DOWN, "choice": 3}, "row 1 of `choice` holds 3; allowed: positions that were"),
        ({"shown": UP, "choice": 0}, "row 1 of `plan` .* the two orders of the answers"),
        ({"shown": (0, 1), "choice": 0}, "row 1 of `plan` .* every answer of the item"),
        ({"shown": (0, 1, 1), "choice": 0}, "row 1 of `plan` .* every answer of the item"),
        ({"shown": (0, 1, 3), "choice": 0}, "row 1 of `plan` .* every answer of the item"),
    ],
)
def test_a_choice_that_cannot_be_used_is_refused_by_row(
    second: Row, message: str, outcomes: Reconcile
) -> None:
    with pytest.raises(ColumnError, match=message):
        outcomes([{"shown": UP, "choice": 0}, second], mode="choice")


def test_probability_on_an_answer_that_was_not_shown_is_refused(outcomes: Reconcile) -> None:
    rows = [{"shown": (0, 1), "choice": 0, "p": (0.5, 0, 0.5, 0)}]
    with pytest.raises(ColumnError, match=r"row 0 of `p_labels` holds 0.5; allowed: no probab"):
        outcomes(rows, mode="choice", rule="average", format="letters")
    fine = [{"shown": (0, 1), "choice": 0, "p": (0.5, 0.5, 0, 0)}]
    got = outcomes(fine, mode="choice", rule="average", format="letters")
    assert got.value.tolist() == [FIXED_ONE // 2] * 2


def test_items_of_different_size_follow_each_other(outcomes: Reconcile) -> None:
    rows = [
        {"shown": tuple(range(size)), "choice": 0, "item": item}
        for item, size in enumerate([4, 2, 3])
    ]
    got = outcomes(rows, mode="choice")
    starts = [0, 4, 6, 9]
    for item, (start, end) in enumerate(pairwise(starts)):
        assert got.item[start:end].tolist() == [item] * (end - start)
        assert got.value[start:end].tolist() == [FIXED_ONE] + [0] * (end - start - 1)
