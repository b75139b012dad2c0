"""The named rules by which verdicts become outcomes. Their tables are in `docs/outcomes.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeVar, cast

import numpy as np

from judgefast import _native
from judgefast.codes import CHOICE_NONE, CHOICE_TIE, NO_ANSWER
from judgefast.errors import ColumnError, ConfigError
from judgefast.outcomes.columns import OutcomeColumns
from judgefast.verdicts.columns import is_one

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.batches.columns import PlanColumns
    from judgefast.codes import OneFailed, Rule
    from judgefast.verdicts.columns import VerdictColumns

_POSITIONS = {"first": 0, "second": 1, "tie": CHOICE_TIE}
_WITHOUT_DEGREES = {None, 0.0, 0.5, 1.0}


Number = TypeVar("Number", np.float32, np.float64)


class Label(Protocol):
    """What a label of a verdict format stands for."""

    @property
    def choice(self) -> str | int | None:
        """`first`, `second`, `tie`, or a position; None for a score."""

    @property
    def score(self) -> float | None:
        """None for a choice."""

    @property
    def strength(self) -> float | None:
        """Preference for the answer shown first, 0 to 1; None where the format has no degrees."""


class Format(Protocol):
    """What reconciliation needs to know of a verdict format."""

    @property
    def labels(self) -> Sequence[Label]:
        """In the order of `p_labels`."""


class LabelMeanings(NamedTuple):
    """What the columns of `p_labels` mean."""

    choice: NDArray[np.uint8]
    score: NDArray[np.float64]
    strong: NDArray[np.uint8]
    """1 for the ends of a scale of preference that has steps between."""
    graded: bool
    """Whether the format has such a scale."""


def default_rule(*, probabilities: bool) -> Rule:
    """Rule of a run that names none: `average` where label probabilities are read."""
    return "average" if probabilities else "strict"


def reconcile(  # noqa: PLR0913 - the settings of a run, named by keyword
    plan: PlanColumns,
    verdicts: VerdictColumns,
    *,
    mode: Literal["pairwise", "scalar", "binary", "choice"],
    rule: Rule,
    one_failed: OneFailed,
    format: Format | Sequence[Format],  # noqa: A002 - the word of the rubric
    baseline: NDArray[np.integer] | None = None,
) -> OutcomeColumns:
    """Turn the verdicts of a plan into outcomes, one a comparison or scored answer.

    A judgment whose status is not `parsed` enters no value. Values are rounded once, to a multiple
    of 2^-24, half to even. Changing the names of two compared answers turns `value` into exactly
    `FIXED_ONE - value`.

    Args:
        plan: What was asked; the judgments of one comparison are contiguous. No other thread may
            write to the columns meanwhile, nor to those of `verdicts`.
        verdicts: What was read, row for row of `plan`.
        mode: What was asked.
        rule: How the two orders of a repeat become one; one of `RULES`.
        one_failed: What becomes of a repeat of which one order was read; one of `ONE_FAILED`. The
            rule `judgebench` has its own and takes the vote that is there.
        format: The rubric's verdict format: what its labels mean. One for all judgments, or one
            for each aspect: then a judgment's probabilities are those of its format's labels, and
            what is left of its row is not looked at.
        baseline: For each item, in the order of `rows`, the index of the answer that others are
            compared with; negative, or `NO_ANSWER`, for the one with the lower index, which is
            the default. Comparisons of two alone.

    Raises:
        ColumnError: The columns do not fit together, or a parsed verdict holds what the mode
            cannot use; the message names column and row.
        ConfigError: `baseline` with a mode that compares no two answers.
        RubricError: The mode has no such rule, or there is none of that name.

    Source:
        Zheng et al. 2023, arXiv:2306.05685 (`strict`); Wang et al. 2023, arXiv:2305.17926
        (`average`); ScalerLab/JudgeBench `metrics.py`; lmarena/arena-hard-auto `show_result.py`
        (`games`).

    """
    if baseline is not None and mode != "pairwise":
        msg = f"`baseline` names the answer to compare with, but mode `{mode}` compares no two"
        raise ConfigError(msg)
    settings = _Settings(mode, rule, one_failed, baseline)
    is_alone = hasattr(format, "labels")
    formats = [cast("Format", format)] if is_alone else list(cast("Sequence[Format]", format))
    if all(other.labels == formats[0].labels for other in formats):
        return _reconciled(plan, verdicts, formats[0], settings)
    parts = []
    for aspect, each in enumerate(formats):
        rows = np.flatnonzero(plan.aspect == aspect)
        shares = verdicts.p_labels[:, : len(each.labels)]
        own = verdicts._replace(p_labels=shares).take(rows)
        own = own._replace(p_labels=np.ascontiguousarray(own.p_labels))
        found = _reconciled(plan.take(rows), own, each, settings)
        first = rows[found.first_judgment].astype(found.first_judgment.dtype)
        parts.append(found._replace(first_judgment=first))
    joined = OutcomeColumns._make(map(_joined, zip(*parts, strict=True)))
    return joined.take(np.argsort(joined.first_judgment, kind="stable"))


class _Settings(NamedTuple):
    mode: Literal["pairwise", "scalar", "binary", "choice"]
    rule: Rule
    one_failed: OneFailed
    baseline: NDArray[np.integer] | None


def _reconciled(
    plan: PlanColumns,
    verdicts: VerdictColumns,
    format: Format,  # noqa: A002 - the word of the rubric
    settings: _Settings,
) -> OutcomeColumns:
    """Outcomes of judgments whose labels all mean the same."""
    ids, values, codes, chances, judged = _native.reconcile(
        plan,
        verdicts._replace(
            score=_numbers(verdicts.score),
            strength=_numbers(verdicts.strength),
            label_mass=_mass(verdicts),
        ),
        label_meanings(format, verdicts.p_labels.shape[1]),
        None if settings.baseline is None else _baseline_column(settings.baseline),
        mode=settings.mode,
        rule=settings.rule,
        one_failed=settings.one_failed,
    )
    item, candidate, of_baseline = ids
    aspect, value, weight = values
    status, position = codes
    p_win, p_tie, p_loss = chances
    label_mass, first_judgment, judgments = judged
    p_win, p_tie, p_loss, label_mass = (
        column if len(column) else np.broadcast_to(np.float32(np.nan), len(item))
        for column in (p_win, p_tie, p_loss, label_mass)
    )
    return OutcomeColumns(
        item=item,
        candidate=candidate,
        baseline=of_baseline,
        aspect=aspect,
        value=value,
        weight=weight,
        status=status,
        position=position,
        p_win=p_win,
        p_tie=p_tie,
        p_loss=p_loss,
        label_mass=label_mass,
        first_judgment=first_judgment,
        judgments=judgments,
    )


def _numbers(column: NDArray[Number]) -> NDArray[Number]:
    """A column as the kernel takes it: nothing of one that is NaN throughout, and says so."""
    is_nan = is_one(column) and np.isnan(column[0])
    return column[:0] if is_nan else np.ascontiguousarray(column)


def _mass(verdicts: VerdictColumns) -> NDArray[np.float32]:
    """Label mass as the kernel takes it: there, known or not, where there are probabilities."""
    if verdicts.p_labels.shape[1]:
        return np.ascontiguousarray(verdicts.label_mass)
    return _numbers(verdicts.label_mass)


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Join columns; those without any number stay one NaN that is seen n times."""
    filled = [part for part in parts if len(part)]
    if filled and all(is_one(part) and np.isnan(part[0]) for part in filled):
        return np.broadcast_to(filled[0][0], sum(map(len, filled)))
    return np.concatenate(parts)


def label_meanings(format: Format, width: int) -> LabelMeanings:  # noqa: A002 - as above
    """What each of the `width` columns of label probabilities means.

    Raises:
        ColumnError: The format has another number of labels.

    """
    labels = format.labels
    if width not in {0, len(labels)}:
        msg = f"`p_labels` has {width} columns but the verdict format has {len(labels)} labels"
        raise ColumnError(msg)
    graded = any(label.strength not in _WITHOUT_DEGREES for label in labels)
    read = labels[:width]
    choices = [_position(label.choice) for label in read]
    scores = [np.nan if label.score is None else label.score for label in read]
    strong = [graded and _is_end(label) for label in read]
    return LabelMeanings(
        choice=np.array(choices, np.uint8),
        score=np.array(scores, np.float64),
        strong=np.array(strong, np.uint8),
        graded=graded,
    )


def _is_end(label: Label) -> bool:
    """Whether no label can prefer an answer more; a win without a strength is such."""
    if label.strength is None:
        return label.choice in {"first", "second"}
    return label.strength in {0.0, 1.0}


def _position(choice: str | int | None) -> int:
    """Code of a label's choice."""
    if choice is None:
        return CHOICE_NONE
    return _POSITIONS[choice] if isinstance(choice, str) else choice


def _baseline_column(baseline: NDArray[np.integer]) -> NDArray[np.uint16]:
    """Baselines as the kernel takes them."""
    above = np.flatnonzero(baseline > NO_ANSWER)
    if above.size:
        row = above[0]
        msg = f"row {row} of `baseline` holds {baseline[row]}; answers are numbered up to 65534"
        raise ColumnError(msg)
    return np.where(baseline < 0, NO_ANSWER, baseline).astype(np.uint16)
