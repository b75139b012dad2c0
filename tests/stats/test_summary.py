"""The named estimates of a run: which rows enter, for which side, in which slice."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.codes import CHOICE_TIE, Status
from judgefast.errors import ConfigError
from judgefast.stats import Judgments, slices, summarise
from judgefast.stats.aspects import JudgedAspect

from .tables import make_items, make_outcomes

if TYPE_CHECKING:
    from judgefast.stats import Estimate


def scored(*names: str) -> list[JudgedAspect]:
    """Aspects that are scored from 1 to 5."""
    return [JudgedAspect(name, scale=(1, 5)) for name in names]


def named(estimates: list[Estimate], name: str) -> dict[str, Estimate]:
    return {one.slice: one for one in estimates if one.name == name}


def values(estimates: list[Estimate], name: str) -> dict[str, float | None]:
    return {part: one.value for part, one in named(estimates, name).items()}


def test_models_that_alternate_between_positions_are_counted_for_one_side() -> None:
    """Y wins all four: as answer_b in two rows, as answer_a in the others."""
    items = make_items(4, models=["y", "x"], model=[[1, 0], [1, 0], [0, 1], [0, 1]])
    found = summarise(make_outcomes(range(4), [1, 1, 0, 0]), items, mode="pairwise")
    assert values(found, "win_rate") == {
        "candidate=y baseline=x": 1.0,
        "model=y": 1.0,
        "model=x": 0.0,
    }


def test_a_named_baseline_is_the_baseline_of_its_pairs() -> None:
    items = make_items(4, models=["y", "x"], model=[[1, 0], [1, 0], [0, 1], [1, 0]])
    outcomes = make_outcomes(range(4), [1, 1, 0, 0])
    found = summarise(outcomes, items, mode="pairwise", baseline="y")
    assert values(found, "win_rate")["candidate=x baseline=y"] == 0.25
    found = summarise(outcomes, items, mode="pairwise", baseline="x")
    assert values(found, "win_rate")["candidate=y baseline=x"] == 0.75


def test_models_that_keep_their_places_keep_the_rows_orientation() -> None:
    items = make_items(2, models=["z", "a"], model=[[0, 1], [0, 1]])
    found = summarise(make_outcomes([0, 1], [1, 1]), items, mode="pairwise")
    assert values(found, "win_rate")["candidate=a baseline=z"] == 1.0
    mirrored = make_items(2, models=["z", "a"], model=[[1, 0], [1, 0]])
    found = summarise(make_outcomes([0, 1], [1, 1]), mirrored, mode="pairwise")
    assert values(found, "win_rate")["candidate=z baseline=a"] == 1.0


def test_answers_without_models_are_named_by_their_place() -> None:
    found = summarise(make_outcomes([0, 1], [1, 0.5]), make_items(2), mode="pairwise")
    assert values(found, "win_rate") == {"candidate=answer_b baseline=answer_a": 0.75}


def test_two_answers_of_one_model_are_told_apart_by_place() -> None:
    items = make_items(1, models=["x"], model=[[0, 0]])
    found = summarise(make_outcomes([0], [1]), items, mode="pairwise")
    assert values(found, "win_rate") == {"candidate=answer_b baseline=answer_a": 1.0}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from([None, 0, 0.5, 0.75, 1])),
        min_size=1,
        max_size=40,
    )
)
def test_swapping_the_answers_of_every_row_changes_no_win_rate(
    rows: list[tuple[int, int, float | None]],
) -> None:
    """With fixed names, win(A, B) = 1 - win(B, A), and a tie is one half for both."""
    rows = [row for row in rows if row[0] != row[1]]
    names = ["c", "a", "b"]
    item = range(len(rows))
    clusters = [one % 7 for one in item]

    def rates(
        pairs: list[tuple[int, ...]], value: list[float | None]
    ) -> dict[str, tuple[float | None, int, int]]:
        items = make_items(len(rows), clusters=clusters, models=names, model=pairs or None)
        found = summarise(make_outcomes(item, value), items, mode="pairwise")
        return {
            part: (one.value, one.outcomes, one.missing)
            for part, one in named(found, "win_rate").items()
        }

    straight = rates([row[:2] for row in rows], [row[2] for row in rows])
    swapped = rates(
        [row[1::-1] for row in rows], [None if row[2] is None else 1 - row[2] for row in rows]
    )
    for part, rate in straight.items():
        if part.startswith("model="):
            assert swapped[part] == rate
        else:
            first, second = part.removeprefix("candidate=").split(" baseline=")
            other = swapped.get(f"candidate={second} baseline={first}")
            if other is None:
                assert swapped[part] == rate
            else:
                back = None if other[0] is None else 1 - other[0]
                assert (back, *other[1:]) == (pytest.approx(rate[0]), *rate[1:])


def test_wins_ties_and_losses_are_the_whole() -> None:
    found = summarise(make_outcomes(range(5), [1, 0.5, 0, 0.5, 1]), make_items(5), mode="pairwise")
    ties = values(found, "tie_rate")["candidate=answer_b baseline=answer_a"]
    rate = values(found, "win_rate")["candidate=answer_b baseline=answer_a"]
    wins, losses = 2 / 5, 1 / 5
    assert ties == 0.4
    assert rate == pytest.approx(wins + ties / 2)
    assert wins + ties + losses == pytest.approx(1)


def test_accuracy_counts_a_tie_half_unless_gold_is_a_tie() -> None:
    gold = [1, 1, 1, 0, 0, CHOICE_TIE, CHOICE_TIE, CHOICE_TIE]
    items = make_items(9, gold=[*gold, 255])
    outcome = [1, 0.5, 0, 0, 0.25, 0.5, 0.5, 1, 1]
    found = summarise(make_outcomes(range(9), outcome), items, mode="pairwise")
    accuracy = named(found, "accuracy")["all"]
    assert accuracy.value == pytest.approx((1 + 0.5 + 0 + 1 + 1 + 1 + 1 + 0) / 8)
    assert accuracy.outcomes == 8


def test_comparisons_without_the_gold_answer_have_no_accuracy() -> None:
    items = make_items(1, answers=3, gold=[2])
    outcomes = make_outcomes([0] * 3, [1, 1, 0], candidate=[1, 2, 2], baseline=[0, 0, 1])
    accuracy = named(summarise(outcomes, items, mode="pairwise"), "accuracy")["all"]
    assert (accuracy.value, accuracy.outcomes) == (0.5, 2)


def test_missing_outcomes_are_counted_and_bounded_never_averaged() -> None:
    score = [4, None, 5, 1, None]
    outcomes = make_outcomes(range(5), score, candidate=0, baseline=None)
    items = make_items(5, answers=1)
    mean = named(summarise(outcomes, items, mode="scalar", scale=(1, 5)), "mean")["all"]
    assert (mean.value, mean.outcomes, mean.missing) == (pytest.approx(10 / 3), 3, 2)
    assert mean.note == "2 missing: between 2.4 and 4 whatever they were"


def test_a_missing_game_may_have_weighed_as_much_as_the_heaviest() -> None:
    outcomes = make_outcomes(range(3), [1, 0.5, None], weight=[6, 2, 0])
    rate = named(summarise(outcomes, make_items(3), mode="pairwise"), "win_rate")
    (one,) = rate.values()
    assert one.note.endswith("1 missing: between 0.5 and 0.9286 whatever they were")


def test_an_estimate_over_no_outcome_is_no_number() -> None:
    outcomes = make_outcomes([0, 1], [None, None], candidate=0, baseline=None)
    found = summarise(outcomes, make_items(2, answers=1), mode="binary")
    (rate,) = found
    assert (rate.value, rate.low, rate.high, rate.missing) == (None, None, None, 2)
    assert rate.note == "no outcome has a value"


def test_a_run_without_rows_has_no_estimates() -> None:
    for mode in ("pairwise", "scalar", "binary", "choice"):
        assert summarise(make_outcomes([], []), make_items(0), mode=mode) == []


def test_slices_of_meta_are_named_and_leave_out_rows_without_the_field() -> None:
    meta = {"lang": (np.array([0, 1, 0, -1], dtype=np.int32), ["de", "fr"])}
    items = make_items(4, answers=1, models=["x"], model=[[0]] * 4, meta=meta)
    outcomes = make_outcomes(range(4), [1, 0, 1, 0], candidate=0, baseline=None)
    for asked in ("lang", "meta.lang"):
        found = values(summarise(outcomes, items, mode="binary", slices=[asked]), "pass_rate")
        assert found == {
            "all": 0.5,
            "meta.lang=de": 1.0,
            "meta.lang=fr": 0.0,
            "model=x": 0.5,
            "model=x meta.lang=de": 1.0,
            "model=x meta.lang=fr": 0.0,
        }


def test_several_aspects_are_slices_of_their_own() -> None:
    outcomes = make_outcomes(
        [0, 0, 1, 1], [1, 2, 3, 5], candidate=0, baseline=None, aspect=[0, 1, 0, 1]
    )
    items = make_items(2, answers=1, models=["x", "y"], model=[[0], [1]])
    judged = Judgments(np.array([0, 0, 1, 1], dtype=np.uint32), np.zeros(4, dtype=np.uint8))
    found = summarise(
        outcomes, items, mode="scalar", aspects=scored("tone", "facts"), judgments=judged
    )
    assert values(found, "unreadable") == {"all": 0.0}
    assert values(found, "mean") == {
        "aspect=tone": 2.0,
        "aspect=facts": 3.5,
        "model=x aspect=tone": 1.0,
        "model=x aspect=facts": 2.0,
        "model=y aspect=tone": 3.0,
        "model=y aspect=facts": 5.0,
    }


def test_ranking_finds_gold_in_any_order_of_rows_and_needs_it_judged() -> None:
    items = make_items(3, gold=[0, 1, 0])
    outcomes = make_outcomes(
        [2, 1, 0, 1, 2], [5, 4, 1, 3, 2], candidate=[0, 1, 1, 0, 1], baseline=None
    )
    found = summarise(outcomes, items, mode="scalar", scale=(1, 5))
    ranking = named(found, "ranking_accuracy")["all"]
    assert (ranking.value, ranking.outcomes, ranking.missing) == (1.0, 2, 0)


def test_ranking_compares_gold_with_every_other_answer() -> None:
    items = make_items(3, answers=3, gold=[1, 0, CHOICE_TIE])
    scores = [3, 5, 5, 2, 1, None, 1, 2, 3]
    outcomes = make_outcomes(np.repeat(range(3), 3), scores, candidate=[0, 1, 2] * 3, baseline=None)
    ranking = named(summarise(outcomes, items, mode="scalar", scale=(1, 5)), "ranking_accuracy")
    assert ranking["all"].value == pytest.approx((1 + 0.5 + 1) / 3)
    assert (ranking["all"].outcomes, ranking["all"].missing) == (3, 1)


def test_ranking_is_done_within_an_aspect() -> None:
    items = make_items(1, gold=[1])
    outcomes = make_outcomes(
        [0] * 4, [5, 1, 1, 2], candidate=[0, 0, 1, 1], baseline=None, aspect=[0, 1, 0, 1]
    )
    found = summarise(outcomes, items, mode="scalar", aspects=scored("p", "q"))
    assert values(found, "ranking_accuracy") == {"aspect=p": 0.0, "aspect=q": 1.0}


def test_a_pass_is_compared_with_the_gold_score_of_a_lone_answer() -> None:
    items = make_items(4, answers=1)._replace(gold_score=np.array([1, 0, 0, np.nan]))
    outcomes = make_outcomes(range(4), [1, 0, 0, 1], candidate=0, baseline=None)
    accuracy = named(summarise(outcomes, items, mode="binary"), "accuracy")["all"]
    assert (accuracy.value, accuracy.outcomes) == (1.0, 3)
    wrong = make_outcomes(range(4), [0, 1, 0.5, 1], candidate=0, baseline=None)
    found = summarise(wrong, items, mode="binary")
    assert values(found, "accuracy") == {"all": pytest.approx(0.5 / 3)}


def test_choices_are_counted_by_model_and_against_gold() -> None:
    items = make_items(
        2, answers=3, models=["x", "y", "z"], model=[[0, 1, 2], [2, 0, 1]], gold=[1, 1]
    )
    outcomes = make_outcomes(
        np.repeat([0, 1], 3), [0, 1, 0, 1, 0, 0], candidate=[0, 1, 2] * 2, baseline=None
    )
    found = summarise(outcomes, items, mode="choice")
    assert values(found, "choice_rate") == {"model=x": 0.0, "model=y": 0.5, "model=z": 0.5}
    assert values(found, "accuracy") == {"all": 0.5}


def test_unreadable_judgments_are_a_share_of_those_judged() -> None:
    status = [Status.PARSED, Status.EMPTY, Status.TIMEOUT, Status.PARSED, Status.BUDGET]
    judged = Judgments(np.arange(5, dtype=np.uint32), np.array(status, dtype=np.uint8))
    outcomes = make_outcomes([0], [1])
    found = summarise(outcomes, make_items(5), mode="pairwise", judgments=judged)
    share = named(found, "unreadable")["all"]
    assert (share.value, share.outcomes, share.missing) == (0.5, 4, 1)


def test_unreadable_judgments_are_counted_in_each_aspect_and_in_all() -> None:
    status = np.array([Status.PARSED, Status.EMPTY, Status.PARSED, Status.PARSED], dtype=np.uint8)
    item, aspect = np.array([0, 0, 1, 1], np.uint32), np.array([0, 1, 0, 1], np.uint16)
    outcomes = make_outcomes(item, [1, None, 1, 3], candidate=0, baseline=None, aspect=aspect)
    found = summarise(
        outcomes,
        make_items(2, answers=1),
        mode="scalar",
        aspects=scored("tone", "facts"),
        judgments=Judgments(item, status, aspect),
    )
    assert values(found, "unreadable") == {"all": 0.25, "aspect=tone": 0.0, "aspect=facts": 0.5}
    alone = Judgments(item, status, np.zeros(4, np.uint16))
    found = summarise(
        outcomes._replace(aspect=alone.aspect),
        make_items(2, answers=1),
        mode="scalar",
        aspects=scored("tone"),
        judgments=alone,
    )
    assert values(found, "unreadable") == {"all": 0.25}


def test_every_interval_carries_its_level_method_and_unit() -> None:
    outcomes = make_outcomes(range(30), [1, 0, 0.5] * 10)
    for one in summarise(outcomes, make_items(30), mode="pairwise", level=0.9):
        assert (one.level, one.unit, one.clusters) == (0.9, "cluster", 30)
        assert one.method in {"wilson", "clopper-pearson", "cluster-t", "cluster-normal"}
        assert (one.replicates, one.seed) == (None, None)


def test_both_aspects_of_one_question_move_together() -> None:
    """Twice as many rows of the same questions is no more evidence."""
    once = make_outcomes(range(50), [1, 0, 0.5, 0.5, 1] * 10)
    twice = make_outcomes([*range(50), *range(50)], [1, 0, 0.5, 0.5, 1] * 20)
    items = make_items(50)
    one, two = (
        named(summarise(columns, items, mode="pairwise"), "win_rate") for columns in (once, twice)
    )
    for part, estimate in one.items():
        assert (two[part].low, two[part].high) == (estimate.low, estimate.high)


@pytest.mark.parametrize(
    ("setting", "message", "hint"),
    [
        ({"mode": "pairs"}, "no mode `pairs`; known: pairwise, scalar, binary, choice", None),
        ({"slices": ["lnag"]}, "no meta field `lnag` to slice by; known: `meta.lang`", "meta.lang"),
        ({"baseline": "gpt"}, "no model `gpt` to serve as baseline; known: gpt-x", "gpt-x"),
    ],
)
def test_unknown_names_are_refused_with_what_is_known(
    setting: dict[str, Any], message: str, hint: str | None
) -> None:
    meta = {"lang": (np.zeros(1, dtype=np.int32), ["de"])}
    items = make_items(1, models=["gpt-x"], meta=meta)
    with pytest.raises(ConfigError) as refused:
        summarise(make_outcomes([0], [1]), items, **{"mode": "pairwise", **setting})
    assert str(refused.value) == message
    assert hint is None or hint in refused.value.hint


PROGRAM = """
import sys, msgspec, numpy as np
from types import SimpleNamespace
from judgefast.hashes import cluster_id64
from judgefast.stats import RunOutcomes, differences_of, paired_means
rows = int(sys.argv[1])
order = np.random.default_rng(int(sys.argv[2])).permutation(rows)
ids = np.array([cluster_id64(f"q{i % 97}") for i in range(rows)], dtype=np.uint64)[order]
value = np.array([(i * 7919) % (1 << 24) for i in range(rows)])[order]
run = RunOutcomes(order, ids, value, np.ones(rows, dtype=np.uint8), order % 3)
other = run._replace(value=(value * 31) % (1 << 24))
means = paired_means(run, other, ["x", "y", "z"], name="mean")
print(msgspec.json.encode(differences_of(means, level=0.95, other_slices={})).hex())
"""


def test_hash_seeds_and_row_order_change_no_byte() -> None:
    answers = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM, "300", shuffle],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed, shuffle in (("0", "5"), ("1", "6"))
    }
    assert len(answers) == 1


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(st.tuples(st.sampled_from([0, 1, 0, 1, 1]), st.integers(-1, 3)), min_size=1),
    data=st.data(),
)
def test_slices_are_the_same_whether_codes_are_sorted_or_looked_up(
    rows: list[tuple[int, int]], data: st.DataObject
) -> None:
    value, lang = zip(*rows, strict=True)
    languages = (np.array(lang, np.int32), ["a", "b", "c", "never", "d"])
    items = make_items(len(rows), meta={"lang": languages})
    outcomes = make_outcomes(range(len(rows)), data.draw(st.permutations(value)))
    found = []
    for small in (0, 1 << 16):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(slices, "_SMALL", small)
            found.append(summarise(outcomes, items, mode="pairwise", slices=["lang"]))
    assert found[0] == found[1]
    parts = named(found[0], "tie_rate")
    for code, name in enumerate(languages[1]):
        mine = [part for part in parts if part.endswith(f"meta.lang={name}")]
        assert len(mine) == (code in lang)
        assert sum(parts[part].outcomes for part in mine) == lang.count(code)
