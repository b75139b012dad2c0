"""Small tables as the stages before would hand them over."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from judgefast.codes import CHOICE_NONE, FIXED_ONE, NO_ANSWER
from judgefast.outcomes.columns import OutcomeColumns
from judgefast.verdicts.columns import VerdictColumns

SHOWN_ALONE = None


class Items(NamedTuple):
    """The fields of `datasets.columns.ItemColumns` that statistics read."""

    cluster_id64: np.ndarray
    num_answers: np.ndarray
    gold_choice: np.ndarray
    gold_score: np.ndarray
    models: list
    model: np.ndarray
    meta: dict


class Plan(NamedTuple):
    """The fields of `batches` `PlanColumns` that statistics read."""

    item: np.ndarray
    first: np.ndarray
    second: np.ndarray


def make_items(num, *, clusters=None, models=(), model=None, answers=2, gold=None, meta=None):
    clusters = range(num) if clusters is None else clusters
    nobody = np.full((num, answers), -1, dtype=np.int32)
    return Items(
        cluster_id64=np.array(list(clusters), dtype=np.uint64),
        num_answers=np.full(num, answers, dtype=np.uint16),
        gold_choice=np.array([CHOICE_NONE] * num if gold is None else gold, dtype=np.uint8),
        gold_score=np.full(num, np.nan),
        models=list(models),
        model=nobody if model is None else np.array(model, dtype=np.int32),
        meta=meta or {},
    )


def make_outcomes(item, value, *, candidate=1, baseline=0, aspect=0, weight=1):
    """Columns of outcomes; a value of None is missing."""
    num = len(item)
    lost = np.array([one is None for one in value], dtype=bool)
    fixed = [0 if one is None else round(one * FIXED_ONE) for one in value]
    nothing = np.full(num, np.nan, dtype=np.float32)

    def column(what, dtype):
        return np.array(np.broadcast_to(what, num), dtype=dtype)

    return OutcomeColumns(
        item=np.array(item, dtype=np.uint32),
        candidate=column(candidate, np.uint16),
        baseline=column(NO_ANSWER if baseline is SHOWN_ALONE else baseline, np.uint16),
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


def make_verdicts(choice, *, status=None, p_labels=None):
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


def make_plan(num, *, repeats=1, orders=2):
    """Both orders of one comparison for each item, repeats inside an order."""
    item = np.repeat(np.arange(num, dtype=np.uint32), orders * repeats)
    first = np.tile(np.repeat(np.arange(orders, dtype=np.uint16), repeats), num)
    return Plan(item, first, (1 - first).astype(np.uint16))


class Tables:
    """What `tables` hands to a test."""

    items = staticmethod(make_items)
    outcomes = staticmethod(make_outcomes)
    verdicts = staticmethod(make_verdicts)
    plan = staticmethod(make_plan)


@pytest.fixture(scope="session")
def tables():
    return Tables
