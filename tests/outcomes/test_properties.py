"""What holds for any verdicts, against an oracle that says the rules in words."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.codes import (
    CHOICE_TIE,
    FIXED_ONE,
    ONE_FAILED,
    RULES,
    OutcomeStatus,
    Position,
    Status,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.outcomes.columns import OutcomeColumns

    Reconcile = Callable[..., OutcomeColumns]
    Row = dict[str, Any]

CANDIDATE = 1
UNREAD = [status for status in Status if status is not Status.PARSED]
HALF = Fraction(1, 2)


@st.composite
def judgments(draw: st.DrawFn, shown: tuple[int, int]) -> Row:
    """One judgment of two answers, with rubbish in its columns where it was not read."""
    strength = draw(st.sampled_from([None, 0.0, 0.25, 0.5, 0.75, 1.0]))
    if strength is None:
        choice = draw(st.sampled_from([0, 1, CHOICE_TIE]))
    else:
        choice = CHOICE_TIE if strength == 0.5 else int(strength < 0.5)
    first = draw(st.integers(0, 1000))
    second = draw(st.integers(0, 1000 - first))
    row = {"shown": shown, "choice": choice, "mass": draw(st.sampled_from([0.5, 1.0]))}
    if strength is not None:
        row["strength"] = strength
    if draw(st.booleans()):
        row["p"] = np.array([first, second, 1000 - first - second], np.float32) / np.float32(1000)
    if draw(st.integers(0, 3)) == 0:
        rubbish = {"strength": 7.0, "choice": draw(st.integers(0, 255)), "p": (2.0, 0.0, 9.0)}
        row = {"shown": shown, "status": draw(st.sampled_from(UNREAD)), **rubbish}
    return row


@st.composite
def comparisons(draw: st.DrawFn) -> list[list[list[Row]]]:
    """Comparisons of some items, each a list of repeats, each a list of one or two judgments."""
    orders = st.sampled_from([[(0, 1), (1, 0)], [(1, 0), (0, 1)], [(0, 1)], [(1, 0)]])
    repeats = st.lists(
        orders.flatmap(lambda shown: st.tuples(*map(judgments, shown)).map(list)),
        min_size=1,
        max_size=3,
    )
    return draw(st.lists(repeats, max_size=4))


def rows_of(plan: list[list[list[Row]]]) -> list[Row]:
    """The judgments in plan order."""
    return [
        {**row, "item": item, "repeat": number}
        for item, repeats in enumerate(plan)
        for number, repeat in enumerate(repeats)
        for row in repeat
    ]


def liked(row: Row) -> str:
    """What one judgment says of the candidate: `win`, `tie` or `loss`."""
    if row["choice"] == CHOICE_TIE:
        return "tie"
    return "win" if row["shown"][row["choice"]] == CANDIDATE else "loss"


def points(row: Row) -> Fraction:
    """Expected points of the candidate by one judgment, as `average` counts them."""
    if "p" in row:
        p = [Fraction(float(p)) for p in row["p"]]
        by_answer = dict(zip((*row["shown"], "tie"), p, strict=True))
        return (by_answer[CANDIDATE] + by_answer["tie"] / 2) / sum(p)
    if "strength" in row:
        strength = Fraction(row["strength"])
        return strength if row["shown"][0] == CANDIDATE else 1 - strength
    return {"win": Fraction(1), "tie": HALF, "loss": Fraction(0)}[liked(row)]


def game(row: Row) -> tuple[Fraction, int]:
    """Points and weight of one judgment as a game; of the three labels only `second` is strong."""
    result = {"win": Fraction(1), "tie": HALF, "loss": Fraction(0)}[liked(row)]
    strong = np.argmax(row["p"]) == 1 if "p" in row else row.get("strength") in {0.0, 1.0}
    return result, 3 if strong else 1


def votes_in_words(read: list[Row], rule: str) -> tuple[Fraction, int] | OutcomeStatus:
    """What the judgments of one repeat that were read come to: value and weight, or why not."""
    likes = [liked(row) for row in read]
    margin = likes.count("win") - likes.count("loss")
    result = {1: Fraction(1), 0: HALF, -1: Fraction(0)}
    weight = 1
    if rule == "games":
        weight = sum(weight for _, weight in map(game, read))
        value = sum((result * w for result, w in map(game, read)), Fraction(0)) / weight
    elif rule == "average":
        value = sum(map(points, read), Fraction(0)) / len(read)
    elif rule == "judgebench":
        value = result[(margin > 0) - (margin < 0)]
    elif rule == "drop" and len(set(likes)) > 1:
        return OutcomeStatus.INCONSISTENT
    else:
        value = result[margin // len(likes)] if len(set(likes)) == 1 else HALF
    return value, weight


def repeat_in_words(
    repeat: list[Row], rule: str, one_failed: str
) -> tuple[Fraction, int] | OutcomeStatus:
    """What one repeat comes to, be it read or not; what was decided without was not asked."""
    asked = [row for row in repeat if row.get("status") != Status.DECIDED]
    repeat = asked if len(asked) == 1 else repeat
    read = [row for row in repeat if "status" not in row]
    if not read:
        return OutcomeStatus.MISSING
    if len(read) < len(repeat) and rule != "judgebench" and one_failed != "single":
        return (HALF, 1) if one_failed == "tie" else OutcomeStatus.ONE_ORDER_MISSING
    return votes_in_words(read, rule)


def outcome_in_words(
    repeats: list[list[Row]], rule: str, one_failed: str
) -> tuple[int, int, OutcomeStatus]:
    """Fixed-point value, weight and status of one comparison."""
    results = [repeat_in_words(repeat, rule, one_failed) for repeat in repeats]
    valued = [result for result in results if isinstance(result, tuple)]
    if not valued:
        return 0, 0, max(result for result in results if not isinstance(result, tuple))
    weight = sum(weight for _, weight in valued)
    mean = sum((value * weight for value, weight in valued), Fraction(0)) / weight
    each = round(Fraction(weight, len(valued)))
    return round(mean * FIXED_ONE), each, OutcomeStatus.SCORED


graded = {"format": "graded abc"}
some_rule = st.sampled_from(RULES)
some_way = st.sampled_from(ONE_FAILED)


@settings(max_examples=150, deadline=None)
@given(comparisons(), some_rule, some_way)
def test_the_kernel_does_what_the_words_say(
    outcomes: Reconcile, plan: list[list[list[Row]]], rule: str, one_failed: str
) -> None:
    got = outcomes(rows_of(plan), rule=rule, one_failed=one_failed, **graded)
    expected = [outcome_in_words(repeats, rule, one_failed) for repeats in plan]
    columns = (got.value, got.weight, got.status)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == expected


@settings(max_examples=40, deadline=None)
@given(comparisons(), some_rule, some_way)
def test_changing_the_names_gives_the_mirror_image(
    outcomes: Reconcile, plan: list[list[list[Row]]], rule: str, one_failed: str
) -> None:
    rows = rows_of(plan)
    how: dict[str, Any] = {"rule": rule, "one_failed": one_failed, **graded}
    got = outcomes(rows, **how)
    renamed = outcomes([{**row, "shown": row["shown"][::-1]} for row in rows], **how)
    turned = outcomes(rows, **how, baseline=np.ones(len(plan), np.int64))
    for mirror in (renamed, turned):
        valued = got.status == OutcomeStatus.SCORED
        assert mirror.value.tolist() == np.where(valued, FIXED_ONE - got.value, 0).tolist()
        for same in ("weight", "status", "position", "label_mass", "p_tie"):
            np.testing.assert_array_equal(getattr(mirror, same), getattr(got, same))
        np.testing.assert_array_equal(mirror.p_win, got.p_loss)
        np.testing.assert_array_equal(mirror.p_loss, got.p_win)


@settings(max_examples=40, deadline=None)
@given(comparisons(), some_rule, some_way)
def test_asking_all_again_with_the_same_answers_changes_nothing(
    outcomes: Reconcile, plan: list[list[list[Row]]], rule: str, one_failed: str
) -> None:
    how: dict[str, Any] = {"rule": rule, "one_failed": one_failed, **graded}
    once, twice = (
        outcomes(rows_of([repeats * times for repeats in plan]), **how) for times in (1, 2)
    )
    for same in ("value", "weight", "status", "position", "label_mass", "p_win", "p_tie"):
        np.testing.assert_array_equal(getattr(once, same), getattr(twice, same))


@settings(max_examples=40, deadline=None)
@given(comparisons(), some_way)
def test_with_wins_alone_strict_is_average(
    outcomes: Reconcile, plan: list[list[list[Row]]], one_failed: str
) -> None:
    def plain(row: Row) -> Row:
        kept = {name: row[name] for name in ("shown", "status") if name in row}
        return {**kept, "choice": row["choice"] % 2}

    rows = [plain(row) | {k: row[k] for k in ("item", "repeat")} for row in rows_of(plan)]
    strict, average = (
        outcomes(rows, rule=rule, one_failed=one_failed) for rule in ("strict", "average")
    )
    assert strict.value.tolist() == average.value.tolist()
    assert strict.status.tolist() == average.status.tolist()


@settings(max_examples=40, deadline=None)
@given(comparisons(), some_rule, some_way, st.integers(0, 255), st.floats(width=32))
def test_what_stands_beside_a_failure_enters_no_value(  # noqa: PLR0917 - parts of one example
    outcomes: Reconcile,
    plan: list[list[list[Row]]],
    rule: str,
    one_failed: str,
    choice: int,
    number: float,
) -> None:
    how: dict[str, Any] = {"rule": rule, "one_failed": one_failed, **graded}
    rows = rows_of(plan)
    other = {"choice": choice, "score": number, "strength": number, "p": (number,) * 3}
    changed = [row | other if "status" in row else row for row in rows]
    for before, after in zip(outcomes(rows, **how), outcomes(changed, **how), strict=True):
        np.testing.assert_array_equal(before, after)


@settings(max_examples=40, deadline=None)
@given(comparisons(), some_rule, some_way)
def test_every_comparison_is_counted_once(
    outcomes: Reconcile, plan: list[list[list[Row]]], rule: str, one_failed: str
) -> None:
    got = outcomes(rows_of(plan), rule=rule, one_failed=one_failed, **graded)
    by_status = Counter(OutcomeStatus(code).label for code in got.status)
    assert sum(by_status.values()) == len(plan)
    assert got.item.tolist() == list(range(len(plan)))
    assert int(got.judgments.sum()) == sum(len(repeat) for repeats in plan for repeat in repeats)
    assert ((got.weight == 0) == (got.status != OutcomeStatus.SCORED)).all()
    assert (got.weight <= 6).all()
    assert ((got.value >= 0) & (got.value <= FIXED_ONE)).all()


def position_in_words(repeat: list[Row]) -> str:
    """How the orders of one repeat relate; one that the other has decided was not asked."""
    decided = [row.get("status") == Status.DECIDED for row in repeat]
    if len(repeat) == 1 or sum(decided) == 1:
        return "one_order"
    read = [row for row in repeat if "status" not in row]
    if len(read) < 2:
        return "one_missing" if read else "both_missing"
    likes = [liked(row) for row in read]
    if likes[0] == likes[1]:
        return "agree"
    if "tie" in likes:
        return "tie_and_win"
    return "second_twice" if read[0]["choice"] else "first_twice"


@settings(max_examples=100, deadline=None)
@given(comparisons(), some_rule)
def test_the_position_is_what_the_words_say(
    outcomes: Reconcile, plan: list[list[list[Row]]], rule: str
) -> None:
    got = outcomes(rows_of(plan), rule=rule, **graded)
    each = [{position_in_words(repeat) for repeat in repeats} for repeats in plan]
    expected = [one.pop() if len(one) == 1 else "mixed" for one in each]
    assert [Position(code).label for code in got.position] == expected


@pytest.mark.parametrize("one_failed", ["pair", "single", "tie"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("place", [0, 1])
def test_an_order_that_was_decided_counts_as_never_asked(
    place: int, rule: str, one_failed: str, outcomes: Reconcile
) -> None:
    for choice, other in product([0, 1, 254], [0, 1, 254]):
        rows: list[Row] = [
            {"shown": (0, 1), "choice": choice, "repeat": 0},
            {"shown": (1, 0), "choice": other, "repeat": 0},
            {"shown": (0, 1), "choice": other, "repeat": 1},
            {"shown": (1, 0), "choice": choice, "repeat": 1},
        ]
        decided = [*rows]
        decided[place] = rows[place] | {"status": Status.DECIDED}
        del rows[place]
        found = outcomes(decided, rule=rule, one_failed=one_failed)
        wanted = outcomes(rows, rule=rule, one_failed=one_failed)
        for name in ("value", "weight", "status", "position"):
            assert getattr(found, name).tolist() == getattr(wanted, name).tolist()
        assert found.judgments.tolist() == [4]


@pytest.mark.parametrize("rule", RULES)
def test_many_rows_give_what_each_gives_alone(rule: str, outcomes: Reconcile) -> None:
    rng = np.random.default_rng(1)
    rows = [
        {"shown": shown, "choice": int(rng.choice([0, 1, 254])), "item": item}
        for item in range(300)
        for shown in ((0, 1), (1, 0))
    ]
    whole = outcomes(rows, rule=rule)
    alone = [outcomes(rows[2 * item : 2 * item + 2], rule=rule) for item in range(300)]
    assert whole.value.tolist() == [one.value.item() for one in alone]
    assert whole.status.tolist() == [one.status.item() for one in alone]
