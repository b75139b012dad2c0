"""How well fitted efficiencies predict rows that they have not seen.

Three answers, since each hides what the next one shows. By folds, by a hash of the key: a row is
predicted by a fit on the other folds, which know rows of the same model. By models: a row is
predicted by a fit that knows no row of its model. And of all rows: by folds again, with those that
no fit takes, and without the factor that is set for a date.
"""

from __future__ import annotations

import hashlib
import math
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from judgefast.catalogue.throughput import Fitted, Measured  # noqa: TC001 - of public tuples
from judgefast.costs.fit import KINDS, SLOW_8BIT, Case, Kind, fit, has_room, predict

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

FOLDS = 5


class Predicted(NamedTuple):
    """A measurement beside what a fit without its fold says. `error` is a share of the measured."""

    row: Measured
    kind: str
    """Key of the fit; it ends in `, unseen` where no row of this sort was in it."""
    tokens_per_second: float

    @property
    def error(self) -> float:
        """Share by which the prediction is too fast; below 0 it is too slow."""
        return self.tokens_per_second / self.row.output_tokens_per_second - 1


class Table(NamedTuple):
    """All rows predicted, and the efficiencies fitted on all of each kind."""

    predicted: list[Predicted]
    excluded: list[Measured]
    """For want of room: no fit predicts them, and they are advised against."""
    fitted: dict[str, Fitted]
    by_model: list[Predicted]
    """Rows of a fit with more than one model, each by a fit without its model."""
    whole: list[Predicted]
    """Every row out of its fold: nothing left out, no factor for a date."""


def fold_of(key: str) -> int:
    """Fold of a row, by its key alone: a new row moves no other."""
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % FOLDS


def table(cases: Sequence[Case]) -> Table:
    """Fit every kind, and predict every row by a fit without its fold, and without its model.

    A row that no fit takes is predicted by the fit of its engine on all of that one's rows, and
    counts as unseen.
    """
    excluded = [case.row for case in cases if not has_room(case)]
    found = Table([], excluded, {}, [], [])
    for kind in KINDS:
        of_kind = [
            case
            for case in cases
            if case.row.engine == kind.engine and (case.shape.experts > 1) == kind.experts
        ]
        usable = [case for case in of_kind if has_room(case)]
        seen = [case for case in usable if kind.fits(case.row)]
        borrowed = found.fitted[kind.borrowed].sequence_seconds if kind.borrowed else 0.0
        fitted, old = fit(kind, seen, borrowed)
        own = left_out(kind, seen, _fold, borrowed)
        by_model = left_out(kind, seen, _model, borrowed)
        whole = left_out(kind, of_kind, _fold, borrowed, slow_8bit=1.0)
        found.predicted.extend(own)
        found.predicted.extend(
            Predicted(case.row, f"{kind.key}, unseen", predict(case, fitted, old))
            for case in usable
            if not kind.fits(case.row)
        )
        found.by_model.extend(by_model)
        found.whole.extend(whole)
        fitted = msgspec.structs.replace(fitted, all_rows=len(of_kind))
        found.fitted[kind.key] = _with_errors(fitted, own, by_model, whole)
    return found


def _fold(case: Case) -> Hashable:
    return fold_of(case.row.key)


def _model(case: Case) -> Hashable:
    """Two models of one size are one network to a roofline."""
    return case.shape.parameters


def left_out(
    kind: Kind,
    cases: Sequence[Case],
    part_of: Callable[[Case], Hashable],
    borrowed: float = 0.0,
    *,
    slow_8bit: float = SLOW_8BIT,
) -> list[Predicted]:
    """Predict each case by a fit without all that are of the same part; nothing if all are of one.

    Args:
        kind: What is fitted.
        cases: That it is fitted on.
        part_of: What is left out together.
        borrowed: Seconds for a sequence, of another kind.
        slow_8bit: Factor on the cache of rows of a date, see `fit`.

    """
    predicted = []
    parts = dict.fromkeys(map(part_of, cases))
    for part in parts if len(parts) > 1 else ():
        others = [case for case in cases if part_of(case) != part]
        fitted, old = fit(kind, others, borrowed, slow_8bit=slow_8bit)
        predicted += [
            Predicted(case.row, kind.key, predict(case, fitted, old, slow_8bit=slow_8bit))
            for case in cases
            if part_of(case) == part
        ]
    return predicted


def _with_errors(
    fitted: Fitted,
    own: Sequence[Predicted],
    by_model: Sequence[Predicted],
    whole: Sequence[Predicted],
) -> Fitted:
    folds, everything = summary(own), summary(whole)
    fitted = msgspec.structs.replace(
        fitted,
        median=folds.median,
        most=folds.most,
        worst=folds.worst,
        all_median=everything.median,
        all_worst=everything.worst,
    )
    if not by_model:
        return fitted
    models = summary(by_model)
    return msgspec.structs.replace(
        fitted, model_median=models.median, model_most=models.most, model_worst=models.worst
    )


class Errors(NamedTuple):
    """Errors of some predictions, as shares of what was measured."""

    rows: int
    median: float
    most: float
    """95 of 100 are within it."""
    worst: float
    mean: float
    """With its sign: above 0 is too fast."""


def summary(predicted: Sequence[Predicted]) -> Errors:
    """Sum up the errors of at least one prediction."""
    sizes = sorted(abs(each.error) for each in predicted)
    mean = sum(each.error for each in predicted) / len(predicted)
    most = sizes[math.ceil(0.95 * len(sizes)) - 1]
    return Errors(len(sizes), median(sizes), most, sizes[-1], mean)
