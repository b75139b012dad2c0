"""Verdicts of several aspects, whose labels mean different things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.outcomes.conftest import FORMATS, Format, Label, Row, plan_of, verdicts_of

from judgefast.codes import CHOICE_TIE
from judgefast.outcomes.reconcile import reconcile

if TYPE_CHECKING:
    from judgefast.outcomes.columns import OutcomeColumns

SHORT = Format((Label(score=0.0), Label(score=2.0)))
BY_ASPECT = (FORMATS["levels"], SHORT, FORMATS["levels"])
WIDTH = 5


def row_of(item: int, aspect: int, shares: list[int], status: int) -> Row:
    own = len(BY_ASPECT[aspect].labels)
    mass = sum(shares[:own])
    p = [share / mass for share in shares[:own]] + [np.nan] * (WIDTH - own)
    score = BY_ASPECT[aspect].labels[int(np.argmax(p[:own]))].score
    return {
        "shown": (0,),
        "item": item,
        "aspect": aspect,
        "status": status,
        "score": score,
        "p": p,
        "mass": 0.9,
    }


def judged(rows: list[Row], formats: Any, width: int = WIDTH) -> OutcomeColumns:
    verdicts = verdicts_of(rows, WIDTH)
    verdicts = verdicts._replace(p_labels=np.ascontiguousarray(verdicts.p_labels[:, :width]))
    return reconcile(
        plan_of(rows), verdicts, mode="scalar", rule="average", one_failed="pair", format=formats
    )


@given(
    st.lists(
        st.lists(st.integers(1, 9), min_size=WIDTH + 1, max_size=WIDTH + 1), min_size=3, max_size=12
    )
)
@settings(max_examples=30, deadline=None)
def test_each_aspect_comes_to_what_it_comes_to_alone(drawn: list[list[int]]) -> None:
    rows = [
        row_of(place // 3, place % 3, shares, 4 if status > 7 else 0)
        for place, (status, *shares) in enumerate(drawn)
    ]
    whole = judged(rows, BY_ASPECT)
    assert whole.aspect.tolist() == [row["aspect"] for row in rows]
    assert whole.first_judgment.tolist() == list(range(len(rows)))
    for aspect, form in enumerate(BY_ASPECT):
        own = [place for place, row in enumerate(rows) if row["aspect"] == aspect]
        alone = judged([rows[place] for place in own], form, len(form.labels))
        for name in ("item", "candidate", "value", "weight", "status", "judgments"):
            found = getattr(whole, name)[whole.aspect == aspect]
            assert found.tolist() == getattr(alone, name).tolist(), name


def test_comparisons_of_aspects_keep_their_places_and_their_orders() -> None:
    forms = (FORMATS["abc"], FORMATS["arena5"])
    rows: list[Row] = []
    for item in range(2):
        for aspect in range(2):
            for shown in ((0, 1), (1, 0)):
                choice = shown.index(1)
                wins = {"choice": choice, "strength": 1.0 - choice}
                ties = {"choice": CHOICE_TIE, "strength": 0.5}
                said = wins if aspect == item else ties
                rows.append({"shown": shown, "item": item, "aspect": aspect, **said})
    found = reconcile(
        plan_of(rows),
        verdicts_of(rows, 0),
        mode="pairwise",
        rule="games",
        one_failed="pair",
        format=forms,
    )
    assert found.first_judgment.tolist() == [0, 2, 4, 6]
    assert list(zip(found.item.tolist(), found.aspect.tolist(), strict=True)) == [
        (0, 0), (0, 1), (1, 0), (1, 1),
    ]  # fmt: skip
    assert (found.value / 2**24).tolist() == [1.0, 0.5, 0.5, 1.0]
    assert found.weight.tolist() == [2, 2, 2, 6], "a strong win of the scale with degrees is three"


def test_what_no_aspect_has_takes_no_room() -> None:
    rows = [row_of(place // 3, place % 3, [1] * WIDTH, 0) for place in range(6)]
    plan, verdicts = plan_of(rows), verdicts_of(rows, WIDTH)
    none = np.broadcast_to(np.float32(np.nan), len(rows))
    bare = verdicts._replace(
        p_labels=verdicts.p_labels[:, :0], label_mass=none, strength=none.astype(np.float64)
    )
    how: dict[str, Any] = {"mode": "scalar", "rule": "average", "one_failed": "pair"}
    found = reconcile(plan, bare, format=BY_ASPECT, **how)
    with_mass = reconcile(
        plan, bare._replace(label_mass=verdicts.label_mass), format=BY_ASPECT, **how
    )
    for name in ("p_win", "p_tie", "p_loss", "label_mass"):
        column = getattr(found, name)
        assert (column.strides, len(column)) == ((0,), len(rows)), name
        assert np.isnan(column).all(), name
    assert with_mass.label_mass.tolist() == verdicts.label_mass.tolist()
    assert found.value.tolist() == with_mass.value.tolist()
