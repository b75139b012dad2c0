"""Rows in words to columns and back, for the tests of this stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from judgefast.batches.columns import PlanColumns
from judgefast.codes import CHOICE_NONE, CHOICE_TIE, FIXED_ONE, NO_ANSWER
from judgefast.outcomes.columns import OutcomeColumns
from judgefast.outcomes.reconcile import reconcile
from judgefast.verdicts.columns import VerdictColumns

Row = dict[str, Any]
Reconcile = Callable[..., OutcomeColumns]


class Label(NamedTuple):
    """A label of a verdict format."""

    choice: str | int | None = None
    score: float | None = None
    strength: float | None = None


class Format(NamedTuple):
    """A verdict format."""

    labels: tuple[Label, ...] = ()


DEGREES = (("first", 1.0), ("first", 0.75), ("tie", 0.5), ("second", 0.25), ("second", 0.0))
FORMATS = {
    "plain": Format(),
    "arena5": Format(tuple(Label(choice, strength=by) for choice, by in DEGREES)),
    "abc": Format((Label("first"), Label("second"), Label("tie"))),
    "graded abc": Format((Label("first", strength=0.75), Label("second"), Label("tie"))),
    "levels": Format(tuple(Label(score=float(level)) for level in range(1, 6))),
    "letters": Format((Label(0), Label(1), Label(2), Label("tie"))),
    "yes-no": Format((Label(score=1.0), Label(score=0.0))),
}


def plan_of(rows: list[Row]) -> PlanColumns:
    """Plan columns of rows that say `shown` and may say `item`, `repeat`, `aspect`."""
    shown = [row["shown"] for row in rows]
    lengths = [len(answers) for answers in shown]
    keys = np.zeros((len(rows), 16), np.uint8)

    def column(name: str, dtype: type) -> np.ndarray:
        return np.array([row.get(name, 0) for row in rows], dtype)

    return PlanColumns(
        item=column("item", np.uint32),
        first=np.array([answers[0] for answers in shown], np.uint16),
        second=np.array([(*answers, NO_ANSWER)[1] for answers in shown], np.uint16),
        shown=np.array([answer for answers in shown for answer in answers], np.uint16),
        shown_offsets=np.cumsum([0, *lengths], dtype=np.int64),
        swapped=np.array([answers[0] > answers[-1] for answers in shown], np.uint8),
        repeat=column("repeat", np.uint16),
        aspect=column("aspect", np.uint16),
        request_id=keys,
        key=keys,
        prefix_group=column("item", np.uint64),
    )


def verdicts_of(rows: list[Row], width: int) -> VerdictColumns:
    """Verdict columns of rows that may say `status`, `choice`, `score`, `strength`, `p`, `mass`."""
    none = [np.nan] * width

    def column(name: str, default: float, dtype: type) -> np.ndarray:
        return np.array([row.get(name, default) for row in rows], dtype)

    return VerdictColumns(
        status=column("status", 0, np.uint8),
        choice=column("choice", CHOICE_NONE, np.uint8),
        score=column("score", np.nan, np.float64),
        strength=column("strength", np.nan, np.float64),
        p_labels=np.array([row.get("p", none) for row in rows], np.float32).reshape(
            len(rows), width
        ),
        label_mass=column("mass", np.nan, np.float32),
        span=np.zeros((len(rows), 2), np.uint32),
        repaired=np.zeros(len(rows), np.uint8),
    )


@pytest.fixture(scope="session")
def outcomes() -> Reconcile:
    """Reconcile rows in words: `outcomes(rows, rule=..., one_failed=..., format=...)`."""

    def reconciled(rows: list[Row], **settings: Any) -> OutcomeColumns:
        layout = FORMATS[settings.pop("format", "plain")]
        defaults = {"mode": "pairwise", "rule": "strict", "one_failed": "pair"}
        verdicts = verdicts_of(rows, len(layout.labels))
        return reconcile(plan_of(rows), verdicts, format=layout, **(defaults | settings))

    return reconciled


@pytest.fixture(scope="session")
def says() -> Callable[[str, tuple[int, int]], Row]:
    """One judgment of answers A and B (0 and 1): `says("B>>A", (1, 0))`."""
    lead = {"A>>B": -2, "A>B": -1, "A": -1, "tie": 0, "A=B": 0, "B": 1, "B>A": 1, "B>>A": 2}

    def row(words: str, shown: tuple[int, int]) -> Row:
        if words == "none":
            return {"shown": shown, "status": 4}
        by = lead[words] if shown == (1, 0) else -lead[words]
        choice = CHOICE_TIE if by == 0 else int(by < 0)
        graded = {"strength": 0.5 + by / 4} if ">" in words or "=" in words else {}
        return {"shown": shown, "choice": choice, **graded}

    return row


@pytest.fixture(scope="session")
def value() -> Callable[[OutcomeColumns], list[float | None]]:
    """Values as numbers, None where an outcome has none."""

    def values(columns: OutcomeColumns) -> list[float | None]:
        pairs = zip(columns.value.tolist(), columns.status.tolist(), strict=True)
        return [None if status else fixed / FIXED_ONE for fixed, status in pairs]

    return values
