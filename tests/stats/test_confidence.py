"""How sure a judge is: one formula, of a judgment and of what both orders come to."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.codes import NO_ANSWER, Status
from judgefast.outcomes.columns import OutcomeColumns
from judgefast.prompts.builtin import load_rubric
from judgefast.prompts.verdict_format import VerdictFormat, VerdictLabel
from judgefast.stats.confidence import confidence, outcome_confidence
from judgefast.verdicts.read import empty

NAN = float("nan")
PAIR = (
    VerdictLabel(text="A", choice="first"),
    VerdictLabel(text="B", choice="second"),
    VerdictLabel(text="C", choice="tie"),
)
ARENA = VerdictFormat(name="arena5").labels
SCORES = tuple(VerdictLabel(text=str(n), score=n) for n in (1, 2, 3))
BEST = tuple(VerdictLabel(text=text, choice=place) for place, text in enumerate("XYZ"))
UNEVEN = (
    VerdictLabel(text="A", choice="first", strength=0.9),
    VerdictLabel(text="B", choice="second", strength=0.0),
    VerdictLabel(text="B?", choice="second", strength=0.3),
)


def sure_of(labels: tuple[VerdictLabel, ...], *rows: Any, outcomes: list[int] | None = None) -> Any:
    """Confidence of outcomes whose judgments are `(swapped, probabilities)`, with their status."""
    judged = [row if len(row) == 3 else (*row, Status.PARSED) for row in rows]
    verdicts = empty(len(judged), len(labels), Status.PARSED)._replace(
        status=np.array([status for *_, status in judged], np.uint8),
        p_labels=np.array([p for _, p, _ in judged], np.float32),
    )
    plan = SimpleNamespace(swapped=np.array([swapped for swapped, *_ in judged], np.uint8))
    counts = np.array(outcomes or [len(judged)], np.uint32)
    n = len(counts)
    none, nan = np.zeros(n, np.uint8), np.full(n, np.nan, np.float32)
    columns = OutcomeColumns(
        item=np.zeros(n, np.uint32),
        candidate=np.zeros(n, np.uint16),
        baseline=np.full(n, NO_ANSWER, np.uint16),
        aspect=np.zeros(n, np.uint16),
        value=np.zeros(n, np.int64),
        weight=none,
        status=none,
        position=none,
        p_win=nan,
        p_tie=nan,
        p_loss=nan,
        label_mass=nan,
        first_judgment=(np.cumsum(counts) - counts).astype(np.uint32),
        judgments=counts,
    )
    form = VerdictFormat(name="label", labels=labels)
    found = outcome_confidence(columns, plan, verdicts, [form])  # type: ignore[arg-type]  # as much of a plan as is read
    return found.tolist() if outcomes else found[0]


def test_published_distributions_come_out_as_in_the_table_of_formulas() -> None:
    """(.6, .3, .1) is .40 by the choice formula of TypeSafe, llama.cpp and SGLang."""
    assert confidence(np.array([[0.6, 0.3, 0.1]]), 3)[0] == pytest.approx(0.4)
    assert confidence(np.array([[0.2] * 5]), 5)[0] == 0
    assert confidence(np.array([[0, 0, 1.0]]), 3)[0] == 1


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6).filter(lambda p: sum(p) > 0.1))
@settings(max_examples=60, deadline=None)
def test_it_is_the_share_of_the_way_from_even_to_certain(weights: list[float]) -> None:
    shares = np.array(weights) / sum(weights)
    (found,) = confidence(shares[None], len(shares))
    even = np.full(len(shares), 1 / len(shares))
    certain = np.eye(len(shares))[shares.argmax()]
    # the distance from even along the most likely label, as a share of all there is
    expected = (shares - even)[shares.argmax()] / (certain - even)[shares.argmax()]
    assert found == pytest.approx(expected, abs=1e-9)
    if len(shares) == 2:
        assert found == pytest.approx(abs(2 * shares[0] - 1))


def test_labels_of_other_aspects_behind_a_rows_own_do_not_count() -> None:
    shares = np.array([[0.75, 0.25, NAN], [0.5, NAN, NAN], [NAN] * 3, [0.5, 0.5, 0.9]], np.float32)
    found = confidence(shares, np.array([2, 2, 3, 2]))
    assert found[0] == pytest.approx(0.5)
    assert np.isnan(found[1:3]).all()
    assert found[3] == 0
    assert np.isnan(confidence(np.zeros((2, 0), np.float32), 3)).all()


def test_a_judge_that_follows_the_place_is_sure_in_each_order_and_of_no_outcome() -> None:
    follows = [0.9, 0.1, 0.0]
    assert confidence(np.array([follows]), 3)[0] == pytest.approx(0.85)
    # .5, .5, 0 over three labels
    assert sure_of(PAIR, (0, follows), (1, follows)) == pytest.approx(0.25)
    assert sure_of(PAIR, (0, follows), (1, [0.1, 0.9, 0.0])) == pytest.approx(0.85)


def test_degrees_turn_into_their_counterparts_and_uneven_ones_into_their_side() -> None:
    forward, turned = [0.7, 0.1, 0.1, 0.05, 0.05], [0.05, 0.05, 0.1, 0.1, 0.7]
    assert sure_of(ARENA, (0, forward), (1, turned)) == pytest.approx((0.7 - 0.2) / 0.8)
    # .9 for the first has no counterpart among 0 and .3: two sides are left
    assert sure_of(UNEVEN, (0, [0.8, 0.1, 0.1]), (1, [0.2, 0.4, 0.4])) == pytest.approx(0.6)


def test_scores_have_no_order_and_the_best_of_several_is_turned_around() -> None:
    assert sure_of(SCORES, (0, [0.8, 0.2, 0]), (0, [0.6, 0.4, 0])) == pytest.approx(0.55)
    assert sure_of(BEST, (0, [0.8, 0.1, 0.1]), (1, [0.1, 0.1, 0.8])) == pytest.approx(0.7)


def test_only_what_was_read_counts_and_each_outcome_is_by_itself() -> None:
    sure, none = [0.9, 0.1, 0.0], [NAN] * 3
    found = sure_of(
        PAIR,
        *[(0, sure), (1, [0.1, 0.9, 0.0])],
        *[(0, sure), (1, none, Status.REFUSED)],
        *[(0, none, Status.TIMEOUT), (1, [0.4, 0.4, 0.2], Status.CONFLICTING)],
        outcomes=[2, 2, 2],
    )
    assert found[:2] == pytest.approx([0.85, 0.85])
    assert np.isnan(found[2])


def test_long_runs_are_looked_at_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = np.random.default_rng(3).dirichlet([1, 1, 1], 10).astype(np.float32)
    rows = [(n % 2, list(p)) for n, p in enumerate(shares)]
    whole = confidence(shares, 3), sure_of(PAIR, *rows, outcomes=[2] * 5)
    monkeypatch.setattr("judgefast.stats.confidence.BLOCK", 3)
    assert confidence(shares, 3).tolist() == whole[0].tolist()
    assert sure_of(PAIR, *rows, outcomes=[2] * 5) == whole[1]


def test_labels_of_every_builtin_rubric_have_counterparts() -> None:
    for name in ("pairwise", "few-shot-quality", "binary"):
        labels = load_rubric(name).verdict.labels
        even = [1 / len(labels)] * len(labels)
        assert sure_of(labels, (0, even)) == pytest.approx(0, abs=1e-6)
