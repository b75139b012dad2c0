"""One order missing, repeats, a named baseline, probabilities, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from judgefast.codes import FIXED_ONE, NO_ANSWER, ONE_FAILED, RULES, OutcomeStatus, Position
from judgefast.errors import ColumnError, ConfigError, RubricError
from judgefast.outcomes.reconcile import default_rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.outcomes.columns import OutcomeColumns

    Reconcile = Callable[..., OutcomeColumns]
    Row = dict[str, Any]
    Says = Callable[[str, tuple[int, int]], Row]
    Value = Callable[[OutcomeColumns], list[float | None]]

FORWARD, SWAPPED = (0, 1), (1, 0)


def statuses(columns: OutcomeColumns) -> list[str]:
    return [OutcomeStatus(code).label for code in columns.status]


def positions(columns: OutcomeColumns) -> list[str]:
    return [Position(code).label for code in columns.position]


@pytest.mark.parametrize(
    ("rule", "one_failed", "expected"),
    [
        ("strict", "pair", None),
        ("strict", "single", 1.0),
        ("strict", "tie", 0.5),
        ("average", "pair", None),
        ("average", "single", 0.75),
        ("average", "tie", 0.5),
        ("judgebench", "pair", 1.0),
        ("judgebench", "single", 1.0),
        ("judgebench", "tie", 1.0),
        ("games", "pair", None),
        ("games", "single", 1.0),
        ("games", "tie", 0.5),
        ("drop", "pair", None),
        ("drop", "single", 1.0),
        ("drop", "tie", 0.5),
    ],
)
def test_a_pair_of_which_one_order_was_read(  # noqa: PLR0917 - a table and three fixtures
    rule: str,
    one_failed: str,
    expected: float | None,
    outcomes: Reconcile,
    says: Says,
    value: Value,
) -> None:
    rows = [
        {**says("B>A", FORWARD), "item": 0},
        {**says("none", SWAPPED), "item": 0},
        {**says("none", FORWARD), "item": 1},
        {**says("B>A", SWAPPED), "item": 1},
    ]
    got = outcomes(rows, rule=rule, one_failed=one_failed, format="arena5")
    assert value(got) == [expected, expected]
    assert positions(got) == ["one_missing", "one_missing"]
    status = "one_order_missing" if expected is None else "scored"
    assert statuses(got) == [status, status]


def test_a_strong_game_alone_weighs_three(outcomes: Reconcile, says: Says) -> None:
    rows = [says("B>>A", FORWARD), says("none", SWAPPED)]
    got = outcomes(rows, rule="games", one_failed="single", format="arena5")
    assert got.weight.tolist() == [3]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("one_failed", ONE_FAILED)
def test_nothing_read_is_missing_under_every_rule(
    rule: str, one_failed: str, outcomes: Reconcile, says: Says
) -> None:
    rows = [says("none", FORWARD), says("none", SWAPPED)]
    got = outcomes(rows, rule=rule, one_failed=one_failed)
    assert (statuses(got), positions(got)) == (["missing"], ["both_missing"])
    assert (got.value.tolist(), got.weight.tolist()) == ([0], [0])


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("one_failed", ONE_FAILED)
@pytest.mark.parametrize("shown", [FORWARD, SWAPPED])
def test_the_vote_of_the_only_order_asked_is_the_value(  # noqa: PLR0917 - three parameters
    rule: str,
    one_failed: str,
    shown: tuple[int, int],
    outcomes: Reconcile,
    says: Says,
    value: Value,
) -> None:
    rows = [{**says(words, shown), "item": item} for item, words in enumerate(["A", "tie", "B"])]
    got = outcomes([*rows, {**says("none", shown), "item": 3}], rule=rule, one_failed=one_failed)
    assert value(got) == [0, 0.5, 1, None]
    assert positions(got) == ["one_order"] * 4


def test_repeats_are_averaged_over_those_that_have_a_value(outcomes: Reconcile, says: Says) -> None:
    votes = [("B", "B"), ("B", "none"), ("A", "B"), ("B", "B")]
    rows = [
        {**says(words, shown), "repeat": repeat}
        for repeat, pair in enumerate(votes)
        for words, shown in zip(pair, (FORWARD, SWAPPED), strict=True)
    ]
    got = outcomes(rows)
    assert got.value.tolist() == [round(FIXED_ONE * 2.5 / 3)]
    assert positions(got) == ["mixed"]
    assert (got.first_judgment.tolist(), got.judgments.tolist()) == ([0], [8])


def test_games_of_repeats_weigh_by_their_strength_and_count_once(
    outcomes: Reconcile, says: Says, value: Value
) -> None:
    votes = [("B>>A", "B>>A"), ("A>B", "A>B")]
    rows = [
        {**says(words, shown), "repeat": repeat}
        for repeat, pair in enumerate(votes)
        for words, shown in zip(pair, (FORWARD, SWAPPED), strict=True)
    ]
    got = outcomes(rows, rule="games", format="arena5")
    assert (value(got), got.weight.tolist()) == ([0.75], [4])


@pytest.mark.parametrize(
    ("votes", "status"),
    [
        ([("A", "B"), ("none", "none")], "inconsistent"),
        ([("none", "A"), ("A", "B")], "inconsistent"),
        ([("none", "A"), ("none", "none")], "one_order_missing"),
    ],
)
def test_no_repeat_has_a_value(
    votes: list[tuple[str, str]], status: str, outcomes: Reconcile, says: Says
) -> None:
    rows = [
        {**says(words, shown), "repeat": repeat}
        for repeat, pair in enumerate(votes)
        for words, shown in zip(pair, (FORWARD, SWAPPED), strict=True)
    ]
    assert statuses(outcomes(rows, rule="drop")) == [status]


def test_a_named_baseline_turns_the_comparison(
    outcomes: Reconcile, says: Says, value: Value
) -> None:
    pair = [says("B>A", FORWARD), says("B>>A", SWAPPED)]
    rows = [{**row, "item": item} for item in range(4) for row in pair]
    got = outcomes(rows, rule="average", baseline=np.array([0, 1, -1, NO_ANSWER]), format="arena5")
    assert value(got) == [0.875, 0.125, 0.875, 0.875]
    assert got.baseline.tolist() == [0, 1, 0, 0]
    assert got.candidate.tolist() == [1, 0, 1, 1]


def test_a_baseline_outside_the_pair_changes_nothing(outcomes: Reconcile, says: Says) -> None:
    got = outcomes([says("A", FORWARD), says("A", SWAPPED)], baseline=np.array([2]))
    assert (got.candidate.tolist(), got.baseline.tolist()) == ([1], [0])


def test_aspects_are_outcomes_of_their_own(outcomes: Reconcile, says: Says, value: Value) -> None:
    rows = [
        {**says(words, shown), "aspect": aspect}
        for aspect, words in enumerate(["A", "B"])
        for shown in (FORWARD, SWAPPED)
    ]
    got = outcomes(rows)
    assert (got.aspect.tolist(), value(got)) == ([0, 1], [0, 1])


def test_average_takes_probabilities_before_strengths(outcomes: Reconcile, value: Value) -> None:
    rows = [
        {"shown": FORWARD, "choice": 1, "p": (0.25, 0.5, 0.25), "mass": 0.75},
        {"shown": SWAPPED, "choice": 0, "p": (0.5, 0.5, 0), "mass": 1.0},
    ]
    got = outcomes(rows, rule="average", format="abc")
    assert value(got) == [(0.625 + 0.5) / 2]
    assert (got.p_win[0], got.p_tie[0], got.p_loss[0]) == (0.5, 0.125, 0.375)
    assert got.label_mass[0] == 0.75
    assert value(outcomes(rows, rule="strict", format="abc")) == [1]


def test_probabilities_need_not_sum_to_one_to_the_last_bit(
    outcomes: Reconcile, value: Value
) -> None:
    rows = [{"shown": FORWARD, "choice": 0, "p": (0.7001, 0.3, 0), "mass": 1.0}]
    (got,) = value(outcomes(rows, rule="average", format="abc"))
    assert got == pytest.approx(0.3 / 1.0001, abs=1e-7)


def test_an_expected_strength_need_not_stand_on_the_side_of_the_choice(
    outcomes: Reconcile, value: Value
) -> None:
    rows = [{"shown": FORWARD, "choice": 254, "strength": 0.625, "p": (0.375, 0.125, 0.5)}]
    assert value(outcomes(rows, rule="strict", format="abc")) == [0.5]
    assert value(outcomes(rows, rule="average", format="abc")) == [0.375]


def test_a_game_read_by_probability_is_as_strong_as_its_likeliest_label(
    outcomes: Reconcile, value: Value
) -> None:
    rows = [
        {"shown": FORWARD, "choice": 1, "strength": 0.3, "p": (0.2, 0.1, 0, 0.3, 0.4)},
        {"shown": SWAPPED, "choice": 1, "strength": 0.4, "p": (0, 0.3, 0.1, 0.4, 0.2)},
    ]
    got = outcomes(rows, rule="games", format="arena5")
    assert (value(got), got.weight.tolist()) == ([0.75], [4])


def test_a_win_without_a_strength_is_strong_among_labels_with_degrees(
    outcomes: Reconcile, value: Value
) -> None:
    rows = [
        {"shown": FORWARD, "choice": 1, "p": (0.2, 0.8, 0)},
        {"shown": SWAPPED, "choice": 1, "p": (0.2, 0.8, 0)},
        {"shown": FORWARD, "item": 1, "choice": 0, "p": (0.8, 0.2, 0)},
        {"shown": SWAPPED, "item": 1, "choice": 1, "p": (0.2, 0.8, 0)},
    ]
    got = outcomes(rows, rule="games", format="graded abc")
    assert (value(got), got.weight.tolist()) == ([0.5, 0.0], [6, 4])


def test_a_run_that_names_no_rule_averages_where_it_reads_probabilities() -> None:
    assert default_rule(probabilities=True) == "average"
    assert default_rule(probabilities=False) == "strict"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"choice": 255}, "row 1 of `choice` holds 255; allowed: 0, 1 or 254 where"),
        ({"choice": 2}, "row 1 of `choice` holds 2; allowed: 0, 1 or 254 where"),
        ({"choice": 0, "strength": 0.25}, "row 1 of `strength` holds 0.25; allowed: strengths"),
        ({"choice": 0, "strength": 1.5}, "row 1 of `strength` holds 1.5; allowed: strengths"),
        ({"choice": 254, "strength": 0.75}, "row 1 of `strength` holds 0.75; allowed: strengths"),
        ({"choice": 0, "shown": (0, 1)}, "row 1 of `plan` holds answers 0 and 1 in repeat 0; "),
    ],
)
def test_a_verdict_that_cannot_be_used_is_refused_by_row(
    row: Row, message: str, outcomes: Reconcile, says: Says
) -> None:
    with pytest.raises(ColumnError, match=message):
        outcomes([says("A", FORWARD), {"shown": SWAPPED, **row}])


@pytest.mark.parametrize("p", [(0.5, 0.25, 0.125), (-0.5, 1, 0.5), (np.nan, 1, 0)])
def test_probabilities_that_are_none_are_refused(p: tuple[float, ...], outcomes: Reconcile) -> None:
    rows = [{"shown": FORWARD, "choice": 0, "p": p}]
    with pytest.raises(ColumnError, match=r"row 0 of `p_labels` .* probabilities that sum to 1"):
        outcomes(rows, rule="average", format="abc")


def test_a_third_row_of_a_repeat_is_refused(outcomes: Reconcile, says: Says) -> None:
    rows = [says("A", FORWARD), says("A", SWAPPED), says("A", FORWARD)]
    with pytest.raises(ColumnError, match="row 2 of `plan` holds answers 0 and 1 in repeat 0"):
        outcomes(rows)


def test_an_answer_compared_with_nothing_is_refused(outcomes: Reconcile) -> None:
    with pytest.raises(ColumnError, match=r"row 0 of `plan` .* two different answers"):
        outcomes([{"shown": (0,), "choice": 0}])


def test_an_unknown_rule_is_refused_with_those_that_exist(outcomes: Reconcile, says: Says) -> None:
    with pytest.raises(RubricError, match="no rule named `mean`; known: strict, average, judgeb"):
        outcomes([says("A", FORWARD)], rule="mean")
    with pytest.raises(RubricError, match="no one_failed named `both`; known: pair, single, tie"):
        outcomes([says("A", FORWARD)], one_failed="both")


def test_a_baseline_that_lacks_an_item_is_refused(outcomes: Reconcile, says: Says) -> None:
    with pytest.raises(ColumnError, match=r"row 0 of `item` holds 3; .* `baseline` has a row for"):
        outcomes([{**says("A", FORWARD), "item": 3}], baseline=np.array([0, 0]))
    with pytest.raises(ColumnError, match="row 1 of `baseline` holds 70000"):
        outcomes([says("A", FORWARD)], baseline=np.array([0, 70000]))


def test_a_baseline_of_scored_answers_is_refused(outcomes: Reconcile) -> None:
    with pytest.raises(ConfigError, match="mode `scalar` compares no two"):
        outcomes([{"shown": (0,), "score": 1.0}], mode="scalar", baseline=np.array([0]))


def test_labels_that_choose_nothing_shown_are_refused(outcomes: Reconcile) -> None:
    rows = [{"shown": FORWARD, "choice": 0, "p": (1, 0, 0, 0)}]
    with pytest.raises(RubricError, match="label 2 of the verdict format chooses neither"):
        outcomes(rows, format="letters")


def test_no_rows_are_no_outcomes(outcomes: Reconcile) -> None:
    for mode in ("pairwise", "scalar", "binary", "choice"):
        assert len(outcomes([], mode=mode).item) == 0
