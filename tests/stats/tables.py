"""Small tables as the stages before would hand them over, built from plain lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from judgefast.codes import CHOICE_NONE, FIXED_ONE, NO_ANSWER
from judgefast.outcomes.columns import OutcomeColumns
from judgefast.verdicts.columns import VerdictColumns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray


class Items(NamedTuple):
    """The fields of `datasets.columns.ItemColumns` that statistics read."""

    cluster_id64: NDArray[np.uint64]
    gold_choice: NDArray[np.uint8]
    gold_score: NDArray[np.float64]
    models: list[str]
    model: NDArray[np.int32]
    meta: Mapping[str, tuple[NDArray[np.int32], list[str]]]


class Plan(NamedTuple):
    """The fields of `batches.columns.PlanColumns` that statistics read."""

    item: NDArray[np.uint32]
    first: NDArray[np.uint16]
    second: NDArray[np.uint16]
    aspect: NDArray[np.uint16]
    shown_offsets: NDArray[np.int64]


def make_items(
    num: int,
    *,
    clusters: Iterable[int] | None = None,
    models: Sequence[str] = (),
    model: Sequence[Sequence[int]] | None = None,
    answers: int = 2,
    gold: Sequence[int] | None = None,
    meta: Mapping[str, tuple[NDArray[np.int32], list[str]]] | None = None,
) -> Items:
    """Items of which nothing is known but what is given."""
    clusters = range(num) if clusters is None else clusters
    nobody = np.full((num, answers), -1, dtype=np.int32)
    return Items(
        cluster_id64=np.array(list(clusters), dtype=np.uint64),
        gold_choice=np.array([CHOICE_NONE] * num if gold is None else gold, dtype=np.uint8),
        gold_score=np.full(num, np.nan),
        models=list(models),
        model=nobody if model is None else np.array(model, dtype=np.int32),
        meta=meta or {},
    )


def make_outcomes(
    item: Iterable[int],
    value: Sequence[float | None],
    *,
    candidate: ArrayLike = 1,
    baseline: ArrayLike | None = 0,
    aspect: ArrayLike = 0,
    weight: ArrayLike = 1,
) -> OutcomeColumns:
    """Columns of outcomes; a value of None is missing, a baseline of None a scored answer."""
    num = len(value)
    lost = np.array([one is None for one in value], dtype=bool)
    fixed = [0 if one is None else round(one * FIXED_ONE) for one in value]
    nothing = np.full(num, np.nan, dtype=np.float32)

    def column(what: ArrayLike, dtype: type[np.generic]) -> NDArray[Any]:
        return np.array(np.broadcast_to(what, num), dtype=dtype)

    return OutcomeColumns(
        item=np.array(list(item), dtype=np.uint32),
        candidate=column(candidate, np.uint16),
        baseline=column(NO_ANSWER if baseline is None else baseline, np.uint16),
        aspect=column(aspect, np.uint16),
        value=np.array(fixed, dtype=np.int64),
        weight=np.where(lost, 0, column(weight, np.uint8)).astype(np.uint8),
        status=lost.astype(np.uint8),
        position=np.zeros(num, dtype=np.uint8),
        p_win=nothing,
        p_tie=nothing,
        p_loss=nothing,
        label_mass=nothing,
        first_judgment=np.arange(num, dtype=np.uint32),
        judgments=np.ones(num, dtype=np.uint32),
    )


def make_verdicts(
    choice: Sequence[int],
    *,
    status: Sequence[int] | None = None,
    p_labels: ArrayLike | None = None,
) -> VerdictColumns:
    """Columns of verdicts by the position chosen."""
    num = len(choice)
    return VerdictColumns(
        status=np.array([0] * num if status is None else status, dtype=np.uint8),
        choice=np.array(choice, dtype=np.uint8),
        score=np.full(num, np.nan),
        strength=np.full(num, np.nan),
        p_labels=np.array(np.zeros((num, 0)) if p_labels is None else p_labels, dtype=np.float32),
        label_mass=np.ones(num, dtype=np.float32),
        span=np.zeros((num, 2), dtype=np.uint32),
        repaired=np.zeros(num, dtype=np.uint8),
    )


def make_plan(num: int, *, repeats: int = 1, orders: int = 2) -> Plan:
    """Both orders of one comparison for each item, repeats inside an order."""
    item = np.repeat(np.arange(num, dtype=np.uint32), orders * repeats)
    first = np.tile(np.repeat(np.arange(orders, dtype=np.uint16), repeats), num)
    return plan_of(item, first, 1 - first)


def plan_of(
    item: ArrayLike, first: ArrayLike, second: ArrayLike, *, aspect: ArrayLike = 0, shown: int = 2
) -> Plan:
    """A plan of judgments that each show `shown` answers."""
    num = len(np.asarray(item))
    return Plan(
        np.array(item, dtype=np.uint32),
        np.array(first, dtype=np.uint16),
        np.array(second, dtype=np.uint16),
        np.array(np.broadcast_to(aspect, num), dtype=np.uint16),
        np.arange(num + 1) * shown,
    )
