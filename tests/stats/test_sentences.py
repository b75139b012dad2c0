"""The rule that turns numbers into sentences, on replays of judges whose bias is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from judgefast.stats import Estimate, findings, position_bias, summarise
from judgefast.stats.aspects import JudgedAspect
from judgefast.stats.slice_names import slice_part, slice_parts

from .tables import make_items, make_outcomes, make_plan, make_verdicts

if TYPE_CHECKING:
    from judgefast.stats import PositionBias

PAIRS = "pairwise"


def replay(
    rng: np.random.Generator, num: int, *, lean: float, edge: float = 0.0
) -> tuple[PositionBias, list[Estimate]]:
    """A judge that reads the answers (B is better by `edge`) and adds `lean` for the first place.

    Returns its position bias and its estimates by the rule `average`.
    """
    sure = rng.beta(0.4, 0.4, num) * (1 - edge)
    chance = np.clip(np.stack([sure, 1 - sure], axis=1) + lean, 0, 1)
    choice = (rng.random((num, 2)) >= chance).astype(np.uint8)
    items = make_items(num, models=["old", "new"], model=[[0, 1]] * num)
    bias = position_bias(make_plan(num), make_verdicts(choice.ravel()), items)
    wins = (choice[:, 0] + (1 - choice[:, 1])) / 2
    return bias, summarise(make_outcomes(range(num), wins), items, mode="pairwise")


@pytest.mark.parametrize("num", [60, 400, 3000])
@pytest.mark.parametrize(
    ("lean", "kinds"),
    [
        (0.0, set()),
        (0.2, {"leans_first"}),
        (-0.2, {"leans_second"}),
        (0.95, {"follows_position"}),
        (-0.95, {"follows_position"}),
    ],
)
def test_replays_of_known_judges_are_told_apart(num: int, lean: float, kinds: set[str]) -> None:
    """Seeded: of unbiased noisy judges, one in twenty leans by chance."""
    bias, estimates = replay(np.random.default_rng(num + 1), num, lean=lean)
    position = [one for one in findings(bias, estimates) if "winner" not in one.kind]
    assert {one.kind for one in position} == kinds
    assert all(("first" if lean > 0 else "second") in one.text for one in position)


def test_a_judge_that_follows_the_position_crowns_nobody() -> None:
    bias, estimates = replay(np.random.default_rng(1), 44, lean=1.0)
    said = findings(bias, estimates)
    assert [one.kind for one in said] == ["follows_position", "no_winner"]
    assert said[0].text == (
        "This judge follows the position, not the answer: in 100 % of 44 comparisons it chose the "
        "same position in both orders, and overall the answer shown first more often than its due."
    )
    assert said[1].text == (
        "No winner is called because this judge follows the position, not the answer."
    )


def test_with_several_aspects_a_winner_is_called_by_overall_alone() -> None:
    """`new` wins in tone, loses in facts, and wins overall since tone weighs more."""
    wins = np.tile([1, 0], (60, 1))
    wins[:6] = 1 - wins[:6]
    outcomes = make_outcomes(np.repeat(range(60), 2), wins.ravel().tolist(), aspect=[0, 1] * 60)
    items = make_items(60, models=["old", "new"], model=[[0, 1]] * 60)
    aspects = [JudgedAspect("tone", 3), JudgedAspect("facts", 1)]
    estimates = summarise(outcomes, items, mode="pairwise", aspects=aspects)
    (winner,) = findings(None, estimates)
    assert winner.kind == "winner"
    assert winner.text.startswith("new wins against old: overall win rate 70 % (")


def test_a_lean_is_told_with_its_interval_and_does_not_hide_a_winner() -> None:
    bias, estimates = replay(np.random.default_rng(2), 400, lean=-0.2, edge=0.5)
    lean, winner = findings(bias, estimates)
    assert lean.text.startswith("This judge leans to the answer shown second: it chose that one in")
    ends = sorted(100 * (0.5 - end) for end in (bias.direction.low, bias.direction.high))
    assert lean.text.endswith(f" (95% interval {ends[0]:.3g} % to {ends[1]:.3g} %).")
    assert winner.kind == "winner"
    assert winner.text.startswith("new wins against old: win rate ")


def test_no_winner_is_called_on_an_interval_that_contains_one_half() -> None:
    items = make_items(30, models=["old", "new"], model=[[0, 1]] * 30)
    outcomes = make_outcomes(range(30), [1] * 16 + [0] * 14)
    (said,) = findings(None, summarise(outcomes, items, mode="pairwise"))
    assert said.kind == "no_winner"
    assert said.text == (
        "No winner is called because the win rate of new against old, 53.3 %, has an interval "
        "(36.1 % to 69.8 %) that contains one half."
    )


def test_an_interval_that_ends_at_one_half_contains_it() -> None:
    wins = Estimate(
        name="win_rate",
        slice="candidate=x baseline=y",
        value=0.6,
        low=0.5,
        high=0.7,
        level=0.95,
        method="cluster-t",
        unit="cluster",
        clusters=30,
        outcomes=30,
        missing=0,
    )
    assert [one.kind for one in findings(None, [wins])] == ["no_winner"]


@pytest.mark.parametrize("num", [1, 2, 3, 5])
def test_a_tiny_run_is_inconclusive_even_if_one_side_wins_all(num: int) -> None:
    outcomes = make_outcomes(range(num), [1] * num)
    (said,) = findings(None, summarise(outcomes, make_items(num), mode="pairwise"))
    assert said.kind == "no_winner"


@pytest.mark.parametrize("wins", [[0.50496, 0.50502], [0.9, 0.901], [0.7, 0.71, 0.72, 0.73, 0.74]])
def test_a_handful_of_clusters_call_no_winner_however_alike(wins: list[float]) -> None:
    """Five on one side are chance in 6 % of cases; with a sixth that says as much one is called."""
    num, one_more = len(wins), [0.7, 0.71, 0.72, 0.73, 0.74, 0.75]
    (said,) = findings(
        None, summarise(make_outcomes(range(num), wins), make_items(num), mode=PAIRS)
    )
    assert said.kind == "no_winner"
    assert f"{num} clusters" in said.text
    (called,) = findings(
        None, summarise(make_outcomes(range(6), one_more), make_items(6), mode=PAIRS)
    )
    assert called.kind == "winner"


def test_why_a_handful_of_clusters_call_no_winner() -> None:
    outcomes = make_outcomes(range(2), [0.9, 0.905])
    (said,) = findings(None, summarise(outcomes, make_items(2), mode=PAIRS))
    assert said.text == (
        "No winner is called because the win rate of answer_b against answer_a, 90.2 % "
        "(87.1 % to 93.4 %), is that of 2 clusters: fewer than 6 may all say the same by chance."
    )


def test_of_too_few_clusters_it_is_said_that_the_judge_may_follow_the_position() -> None:
    """Twelve comparisons of four questions, the first place chosen in each, leaned by value."""
    items = make_items(12, clusters=[one % 4 for one in range(12)])
    bias = position_bias(make_plan(12), make_verdicts([0] * 24), items)
    wins = make_outcomes(range(12), [0.6 + one / 1000 for one in range(12)])
    said = findings(bias, summarise(wins, items, mode=PAIRS))
    assert [one.kind for one in said] == ["may_follow_position", "no_winner"]
    assert said[0].text == (
        "This judge may follow the position, not the answer: in 100 % of 12 comparisons it chose "
        "the same position in both orders; 4 clusters cannot tell it from chance, it takes 20."
    )
    assert said[1].text == (
        "No winner is called because this judge may follow the position, not the answer."
    )


@pytest.mark.parametrize(
    ("choices", "kinds"),
    [
        ([0, 1] * 12, []),  # reads the answers
        ([0, 0, 1, 1] * 6, []),  # by position in every comparison, but to neither side
        ([0, 0] * 5 + [0, 1] * 7, []),  # by position in fewer than half of them
        ([0, 0] * 6 + [0, 1] * 6, ["may_follow_position"]),
    ],
)
def test_few_clusters_may_follow_only_what_would_be_said_of_many(
    choices: list[int], kinds: list[str]
) -> None:
    bias = position_bias(make_plan(12), make_verdicts(choices), make_items(12))
    assert [one.kind for one in findings(bias, [])] == kinds


def test_an_undefined_interval_calls_no_winner_and_says_why() -> None:
    items = make_items(8, clusters=[4] * 8)
    outcomes = make_outcomes(range(8), [1] * 7 + [0.5])
    (said,) = findings(None, summarise(outcomes, items, mode="pairwise"))
    assert "one cluster" in said.text


def test_a_loser_is_named_as_one() -> None:
    outcomes = make_outcomes(range(40), [0] * 40)
    (said,) = findings(None, summarise(outcomes, make_items(40), mode="pairwise"))
    assert said.text == "answer_b loses against answer_a: win rate 0 % (0 % to 8.81 %)."


def test_slices_of_meta_call_no_winner() -> None:
    meta = {"lang": (np.zeros(40, dtype=np.int32), ["de"])}
    items = make_items(40, meta=meta)
    outcomes = make_outcomes(range(40), [1] * 40)
    assert len(findings(None, summarise(outcomes, items, mode="pairwise", slices=["lang"]))) == 1


@pytest.mark.parametrize("name", ["a b", 'say "x"', "x baseline=y", "x meta.z=1", "back\\slash"])
def test_a_model_of_any_name_is_named_whole(name: str) -> None:
    part = f"{slice_part('candidate', name)} {slice_part('baseline', 'other one')}"
    assert slice_parts(part) == {"candidate": name, "baseline": "other one"}
    rate = Estimate(
        name="win_rate",
        slice=part,
        value=0.9,
        low=0.8,
        high=0.95,
        level=0.95,
        method="wilson",
        unit="cluster",
        clusters=100,
        outcomes=100,
        missing=0,
    )
    assert findings(None, [rate])[0].text.startswith(f"{name} wins against other one:")
