"""Flip rate, direction, and what noise alone explains."""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.codes import CHOICE_TIE, NO_ANSWER, Status
from judgefast.stats import PositionBias, position_bias

from .tables import make_items, make_plan, make_verdicts, plan_of

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST, SECOND, TIE = 0, 1, CHOICE_TIE


def judged(
    choices: Sequence[Sequence[int]],
    *,
    repeats: int = 1,
    clusters: Sequence[int] | None = None,
    status: Sequence[int] | None = None,
) -> PositionBias:
    """Position bias of comparisons given as rows of forward repeats, then swapped repeats."""
    plan = make_plan(len(choices), repeats=repeats)
    flat = [one for row in choices for one in row]
    items = make_items(len(choices), clusters=clusters)
    return position_bias(plan, make_verdicts(flat, status=status), items)


def test_flips_and_the_matrix_are_counted_by_answer_not_by_place() -> None:
    bias = judged(
        [
            (FIRST, SECOND),  # A twice
            (SECOND, FIRST),  # B twice
            (FIRST, FIRST),  # A, then B
            (SECOND, SECOND),  # B, then A
            (TIE, TIE),
            (TIE, FIRST),  # tie, then B
        ],
    )
    assert bias.flip_matrix == ((1, 1, 0), (1, 1, 0), (0, 1, 1))
    assert bias.flip_rate.value == 0.5
    assert bias.same_position_rate.value == pytest.approx(2 / 6)
    assert (bias.first_twice, bias.second_twice) == (1, 1)
    assert bias.direction.value == pytest.approx(0.25 / 6)
    assert (bias.comparisons, bias.both_orders, bias.one_order) == (6, 6, False)


def test_unread_orders_are_missing_and_lend_no_weight() -> None:
    """The order that was read alone would say that the judge prefers the first place."""
    choices = [(FIRST, SECOND)] * 20 + [(FIRST, FIRST)] * 20
    bad = [Status.PARSED, Status.NO_VERDICT] * 20
    status = [Status.PARSED] * 40 + bad
    bias = judged(choices, status=status)
    assert (bias.comparisons, bias.both_orders) == (40, 20)
    for estimate in (bias.flip_rate, bias.direction, bias.same_position_rate):
        assert (estimate.value, estimate.outcomes, estimate.missing) == (0, 20, 20)
    assert not bias.direction_alert


def test_the_better_answer_cancels_out_of_the_direction() -> None:
    """A judge that always finds the same answer better has no direction and no flips."""
    bias = judged([(FIRST, SECOND)] * 30)
    assert (bias.direction.value, bias.flip_rate.value) == (0.0, 0.0)
    assert not bias.direction_alert
    assert bias.direction.method == "undefined"


@pytest.mark.parametrize(("place", "sign"), [(FIRST, 1), (SECOND, -1)])
def test_a_judge_that_sees_only_the_place_is_found_out(place: int, sign: int) -> None:
    bias = judged([(place, place)] * 30)
    assert bias.direction.value == sign * 0.5
    assert bias.direction.method == "clopper-pearson"
    assert bias.direction_alert
    assert bias.guide_flip_rule
    assert bias.same_position_rate.value == 1.0


def test_a_constant_lean_alerts_though_it_has_no_variance() -> None:
    bias = judged([(FIRST, TIE)] * 30)
    assert (bias.direction.value, bias.direction.method) == (0.25, "undefined")
    assert bias.direction_alert


def test_few_clusters_raise_no_alert_however_many_rows_they_have() -> None:
    assert not judged([(FIRST, FIRST)] * 19).direction_alert
    many = judged([(FIRST, FIRST)] * 190, clusters=[one % 19 for one in range(190)])
    assert not many.direction_alert
    assert judged([(FIRST, FIRST)] * 20).direction_alert


def test_five_that_lean_could_be_chance() -> None:
    fair = [(FIRST, SECOND)] * 40
    assert not judged(fair + [(FIRST, FIRST)] * 5).direction_alert
    assert judged(fair + [(FIRST, FIRST)] * 6).direction_alert


def test_a_lean_too_small_to_matter_raises_no_alert() -> None:
    fair = [(FIRST, SECOND)] * 4000
    sure = judged(fair + [(FIRST, FIRST)] * 100)
    assert sure.direction.low > 0
    assert not sure.direction_alert


def noisy(
    rng: np.random.Generator, num: int, lean: float = 0.0, *, repeats: int = 1, ties: float = 0.0
) -> list[list[int]]:
    """Verdicts of a judge that is unsure of each comparison in its own measure."""
    better = rng.beta(1.0, 1.0, (num, 1))
    chance = np.concatenate([np.tile(better, repeats), np.tile(1 - better, repeats)], axis=1)
    first = rng.random(chance.shape) < np.clip(chance + lean, 0, 1)
    tied = rng.random(chance.shape) < ties
    return np.where(tied, TIE, np.where(first, FIRST, SECOND)).tolist()


def test_a_noisy_judge_without_bias_trips_the_guides_rule_and_not_ours() -> None:
    """Such a judge flips 14 to 40 %; the alert may come by chance in about 5 %."""
    rng = np.random.default_rng(5)
    runs = [judged(noisy(rng, 150, ties=0.1)) for _ in range(200)]
    assert np.mean([run.guide_flip_rule for run in runs]) > 0.95
    assert np.mean([run.direction_alert for run in runs]) <= 0.08


def test_a_moderate_bias_is_found() -> None:
    rng = np.random.default_rng(6)
    for lean in (0.15, -0.15):
        runs = [judged(noisy(rng, 200, lean)) for _ in range(40)]
        assert np.mean([run.direction_alert for run in runs]) > 0.9
        assert all(np.sign(run.direction.value) == np.sign(lean) for run in runs)


def test_repeats_tell_noise_from_bias() -> None:
    rng = np.random.default_rng(8)
    noise = judged(noisy(rng, 600, repeats=3), repeats=3)
    assert noise.noise_share > 0.85
    biased = judged([[FIRST] * 6] * 300 + noisy(rng, 300, repeats=3), repeats=3)
    assert biased.noise_share < 0.45
    assert judged([(FIRST, FIRST)] * 9).noise_flip_rate is None


def test_noise_is_that_of_comparisons_read_in_both_orders_and_explains_at_most_all() -> None:
    unread = Status.EMPTY
    bias = judged(
        [(FIRST, SECOND, SECOND, SECOND), (FIRST, SECOND, FIRST, FIRST)],
        repeats=2,
        status=[0, 0, 0, 0, 0, 0, unread, unread],
    )
    assert (bias.noise_flip_rate.value, bias.noise_flip_rate.outcomes) == (0.5, 1)
    steady = judged([(FIRST, FIRST, SECOND, SECOND), (TIE, FIRST, TIE, FIRST)], repeats=2)
    assert steady.noise_share == 1.0
    assert steady.noise_flip_rate.value >= steady.flip_rate.value > 0


def test_noise_over_thousands_of_repeats_stays_exact() -> None:
    """Sums of its pairs times each other's counts leave 64 bits."""
    half = 1000
    bias = judged([[FIRST, SECOND] * half * 2], repeats=2 * half)
    assert bias.noise_flip_rate.value == pytest.approx(half / (2 * half - 1), abs=1e-7)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from([FIRST, SECOND, TIE]), min_size=6, max_size=6),
        min_size=1,
        max_size=12,
    )
)
def test_repeats_count_as_every_pair_of_judgments_does(choices: list[list[int]]) -> None:
    """The oracle walks all pairs of judgments, one comparison at a time."""
    bias = judged(choices, repeats=3)
    back = {FIRST: SECOND, SECOND: FIRST, TIE: TIE}
    flips, same, noise, lean = [], [], [], []
    for row in choices:
        forward, swapped = row[:3], row[3:]
        pairs = list(product(forward, swapped))
        flips.append(np.mean([one != back[other] for one, other in pairs]))
        same.append(np.mean([one == other != TIE for one, other in pairs]))
        alike = [*combinations(forward, 2), *combinations(swapped, 2)]
        noise.append(np.mean([one != other for one, other in alike]))
        lean.append(np.mean([{FIRST: 0.5, TIE: 0, SECOND: -0.5}[one] for one in row]))
    for estimate, expected in (
        (bias.flip_rate, flips),
        (bias.same_position_rate, same),
        (bias.noise_flip_rate, noise),
        (bias.direction, lean),
    ):
        assert estimate.value == pytest.approx(np.mean(expected), abs=1e-7)
    assert sum(map(sum, bias.flip_matrix)) == 9 * len(choices)


def test_one_order_alone_still_has_a_direction() -> None:
    first = np.arange(40) % 2
    plan = plan_of(range(40), first, 1 - first)
    bias = position_bias(plan, make_verdicts([FIRST] * 36 + [SECOND] * 4), make_items(40))
    assert bias.one_order
    assert (bias.direction.value, bias.direction_alert) == (pytest.approx(0.4), True)
    assert (bias.flip_rate.value, bias.guide_flip_rule) == (None, False)


def test_aspects_and_pairs_of_one_item_are_comparisons_of_their_own() -> None:
    plan = plan_of([0] * 6, [0, 1, 0, 2, 0, 1], [1, 0, 2, 0, 1, 0], aspect=[0, 0, 0, 0, 1, 1])
    verdicts = make_verdicts([FIRST, SECOND, FIRST, FIRST, SECOND, SECOND])
    bias = position_bias(plan, verdicts, make_items(1, answers=3))
    assert (bias.comparisons, bias.both_orders) == (3, 3)
    assert bias.flip_rate.value == pytest.approx(2 / 3)
    assert bias.flip_rate.clusters == 1


def test_each_of_several_aspects_has_its_own_bias() -> None:
    """The judge follows the first place in `tone`, and reads the answers in `facts`."""
    item, aspect, first = np.repeat(range(30), 4), [0, 0, 1, 1] * 30, np.array([0, 1, 0, 1] * 30)
    plan = plan_of(item, first, 1 - first, aspect=aspect)
    verdicts = make_verdicts([FIRST, FIRST, FIRST, SECOND] * 30)
    items = make_items(30)
    bias = position_bias(plan, verdicts, items, aspects=["tone", "facts"])
    assert (bias.direction.value, bias.direction.outcomes, bias.direction.clusters) == (
        0.25,
        60,
        30,
    )
    assert bias.by_aspect is not msgspec.UNSET
    of_aspect = {(one.name, one.slice): one.value for one in bias.by_aspect}
    assert of_aspect == {
        ("flip_rate", "aspect=tone"): 1.0,
        ("flip_rate", "aspect=facts"): 0.0,
        ("direction", "aspect=tone"): 0.5,
        ("direction", "aspect=facts"): 0.0,
        ("same_position_rate", "aspect=tone"): 1.0,
        ("same_position_rate", "aspect=facts"): 0.0,
    }
    assert position_bias(plan, verdicts, items).by_aspect is msgspec.UNSET


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_judgments_in_any_order_are_counted_alike(data: st.DataObject) -> None:
    shown = st.sampled_from([(0, 1), (1, 0), (0, 2), (2, 1)])
    rows = st.tuples(st.integers(0, 3), st.integers(0, 1), shown, st.sampled_from([FIRST, SECOND]))
    judgments = sorted(data.draw(st.lists(rows, min_size=1, max_size=20)))
    found = []
    for order in (range(len(judgments)), data.draw(st.permutations(range(len(judgments))))):
        item, aspect, pair, choice = zip(*(judgments[row] for row in order), strict=True)
        first, second = zip(*pair, strict=True)
        plan = plan_of(item, first, second, aspect=aspect)
        found.append(position_bias(plan, make_verdicts(choice), make_items(4, answers=3)))
    assert found[0] == found[1]
    comparisons = {(item, aspect, frozenset(pair)) for item, aspect, pair, _ in judgments}
    assert found[0].comparisons == len(comparisons)


def test_probabilities_give_the_mean_of_the_first_place() -> None:
    plan = make_plan(2)
    labels = [[0.9, 0.1, 0], [0.5, 0.1, 0.4], [0.2, 0.8, 0], [np.nan] * 3]
    verdicts = make_verdicts([FIRST, FIRST, SECOND, SECOND], p_labels=labels)
    bias = position_bias(plan, verdicts, make_items(2), label_choices=["first", "second", "tie"])
    assert bias.p_first.value == pytest.approx((0.9 + 0.7) / 2, abs=1e-6)
    assert (bias.p_first.outcomes, bias.p_first.missing) == (1, 1)
    assert judged([(FIRST, FIRST)]).p_first is None


@pytest.mark.parametrize("shown", [1, 3])
def test_only_judgments_that_show_two_answers_are_comparisons(shown: int) -> None:
    plan = plan_of(range(3), [0] * 3, [NO_ANSWER if shown == 1 else 1] * 3, shown=shown)
    bias = position_bias(plan, make_verdicts([FIRST] * 3), make_items(3, answers=shown))
    assert (bias.comparisons, bias.flip_rate.value, bias.direction.value) == (0, None, None)


def test_it_goes_to_json_and_back() -> None:
    bias = judged([(FIRST, FIRST), (FIRST, SECOND)])
    assert msgspec.json.decode(msgspec.json.encode(bias), type=PositionBias) == bias
