"""The headline of judge outputs that stand in no run: a mean, shares, or a win rate over pairs.

Of several judges each has a headline of its own: a mean over them would be nobody's.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.batches.columns import PlanColumns
from judgefast.codes import CHOICE_NONE, FIXED_ONE, Status
from judgefast.errors import DataError
from judgefast.outcomes.reconcile import reconcile
from judgefast.pipeline.estimates import scale_of
from judgefast.pipeline.verdict_codes import FIRST_VERDICT
from judgefast.stats.measurement import Measurement
from judgefast.stats.moments import Moments, cluster_moments
from judgefast.stats.slice_names import slice_part, slice_parts
from judgefast.stats.summary import summarise
from judgefast.verdicts.read import empty

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from judgefast.pipeline.outputs import Outputs
    from judgefast.pipeline.verdict_codes import VerdictCodes
    from judgefast.prompts.rubric import Rubric
    from judgefast.stats.estimate import Estimate


class _Items(NamedTuple):
    """What statistics read of items that are known by id alone."""

    cluster_id64: NDArray[np.uint64]
    gold_choice: NDArray[np.uint8]
    gold_score: NDArray[np.float64]
    models: Sequence[str]
    model: NDArray[np.int32]
    meta: dict[str, tuple[NDArray[np.int32], Sequence[str]]]


class Pairs(NamedTuple):
    """Outputs that say which item they judge and in which order, put together."""

    row: NDArray[np.int64]
    """Place among all outputs of each judgment."""
    plan: PlanColumns
    items: _Items


class AuditedRows:
    """Columns of all outputs, kept only where rows say what they belong to."""

    def __init__(self, judges: Mapping[str, int], models: Mapping[str, int]) -> None:
        """Hold no row; names get their codes while rows come."""
        self._parts: list[tuple[Outputs, list[NDArray[np.int32]]]] = []
        self._judges, self._models = judges, models
        self.has_orders = False
        self.has_clusters = False
        self._has_judges = False
        self._has_models = False

    def add(self, batch: Outputs, codes: list[NDArray[np.int32]]) -> None:
        """Keep a batch's columns, not its texts."""
        nothing = np.zeros(0, np.int64)
        self.has_clusters = batch.cluster64 is not None
        self.has_orders = batch.unit64 is not None and batch.swapped is not None
        self._has_judges = batch.judge is not None
        self._has_models = batch.models is not None
        if self.has_clusters or self._has_judges:
            self._parts.append(
                (
                    batch._replace(texts=[], numbers=batch.numbers if self.has_orders else nothing),
                    codes,
                )
            )

    @property
    def judges(self) -> Sequence[str]:
        """Names of the judges, where there are several."""
        return list(self._judges) if len(self._judges) > 1 else []

    def column(self, name: str) -> NDArray[np.generic]:
        """One column of all rows."""
        return np.concatenate([getattr(batch, name) for batch, _ in self._parts])

    def codes(self, reading: int) -> NDArray[np.int32]:
        """Code of each row by one reading."""
        return np.concatenate([codes[reading] for _, codes in self._parts])

    def _place(self, row: int) -> str:
        """File and line of an output, as other errors name them."""
        for batch, _ in self._parts:
            if row < len(batch.numbers):
                return f"`{batch.source}`, {batch.unit} {batch.numbers[row]}"
            row -= len(batch.numbers)
        raise IndexError(row)

    @cached_property
    def pairs(self) -> Pairs:
        """Both orders of each item side by side. Ask when all rows are there.

        Raises:
            DataError: Two rows answer one judgment.

        """
        unit, swapped, repeat = (self.column(name) for name in ("unit64", "swapped", "repeat"))
        order = np.lexsort((swapped, repeat, unit))
        unit, swapped, repeat = unit[order], swapped[order], repeat[order]
        same = (unit[1:] == unit[:-1]) & (swapped[1:] == swapped[:-1]) & (repeat[1:] == repeat[:-1])
        if same.any():
            at = int(np.flatnonzero(same)[order[1:][same].argmin()])
            count = int(same.sum())
            msg = f"{self._place(int(order[at + 1]))}, field `id`: "
            msg += f"{self._place(int(order[at]))} answers the same judgment"
            msg += f" ({count:,} such outputs in all)" if count > 1 else ""
            raise DataError(msg, hint="give each a `repeat` of its own, or read none: --map order=")
        starts = np.flatnonzero(np.append(True, unit[1:] != unit[:-1]))
        item = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(unit))))
        count, first = len(unit), order[starts]
        shown = np.stack([swapped, 1 - swapped], axis=1).astype(np.uint16)
        ids = np.zeros((count, 16), np.uint8)
        plan = PlanColumns(
            item=item.astype(np.uint32),
            first=np.ascontiguousarray(shown[:, 0]),
            second=np.ascontiguousarray(shown[:, 1]),
            shown=shown.ravel(),
            shown_offsets=np.arange(count + 1, dtype=np.int64) * 2,
            swapped=swapped.astype(np.uint8),
            repeat=repeat.astype(np.uint16),
            aspect=np.zeros(count, np.uint16),
            request_id=ids,
            key=ids,
            prefix_group=np.zeros(count, np.uint64),
        )
        model = np.full((len(first), 2), -1, np.int32)
        if self._has_models:
            model = self._models_of(first, order, item)
        meta = {}
        if self.judges:
            meta["judge"] = (self.column("judge")[first].astype(np.int32), self.judges)
        items = _Items(
            cluster_id64=self.column("cluster64")[first].astype(np.uint64),
            gold_choice=np.full(len(first), CHOICE_NONE, np.uint8),
            gold_score=np.full(len(first), np.nan),
            models=list(self._models),
            model=model,
            meta=meta,
        )
        return Pairs(order, plan, items)

    def _models_of(
        self, first: NDArray[np.int64], order: NDArray[np.int64], item: NDArray[np.int64]
    ) -> NDArray[np.int32]:
        """Models of each item; its rows must agree."""
        models = self.column("models").astype(np.int32)
        of_item: NDArray[np.int32] = models[first]
        differs = (models[order] != of_item[item]).any(axis=1)
        if differs.any():
            at = int(np.flatnonzero(differs)[order[differs].argmin()])
            other = self._place(int(first[item[at]]))
            msg = f"{self._place(int(order[at]))}, field `model_a`: the models are not those of "
            msg += f"{other}, which has the same `id`"
            hint = "give each pair an `id` of its own, or read none: --map model_a= --map model_b="
            raise DataError(msg, hint=hint)
        return of_item


def headline_of(  # noqa: PLR0913 - by keyword
    rows: AuditedRows,
    reading: int,
    counts: dict[int, int],
    *,
    codes: VerdictCodes,
    rubric: Rubric,
    rule: str | None,
    level: float,
) -> list[Estimate]:
    """Estimate what one reading says: the win rate of pairs, the mean of scores, or shares.

    Args:
        rows: All outputs.
        reading: Which reading of `rows`.
        counts: Outputs by code, of that reading.
        codes: What codes mean.
        rubric: The mode and the format.
        rule: How two orders become one; None where each row stands alone.
        level: Confidence level, in (0, 1).

    """
    if rule is not None:
        return _win_rates(rows, reading, codes=codes, rubric=rubric, rule=rule, level=level)
    choice, score, _ = codes.columns()
    if (choice[FIRST_VERDICT:] == CHOICE_NONE).all():
        fixed = np.rint(np.nan_to_num(score) * FIXED_ONE).astype(np.int64)
        is_binary = rubric.mode == "binary"
        name = "pass_rate" if is_binary else "mean"
        return [
            Measurement(
                name, part, moments, missing, scale=scale_of(rubric), binary=is_binary
            ).estimate(level)
            for part, moments, missing in _moments(rows, reading, counts, fixed)
        ]
    shares = []
    for code in range(FIRST_VERDICT, len(choice)):
        fixed = np.where(np.arange(len(choice)) == code, FIXED_ONE, 0)
        word = slice_part("verdict", codes.word(code))
        for part, moments, missing in _moments(rows, reading, counts, fixed):
            name = word if part == "all" else f"{word} {part}"
            shares.append(Measurement("verdict_rate", name, moments, missing).estimate(level))
    return shares


def _moments(
    rows: AuditedRows, reading: int, counts: dict[int, int], value: NDArray[np.int64]
) -> list[tuple[str, Moments, int]]:
    """Slice, sums over parsed outputs and number of others, of each judge; `value` is by code.

    Rows without id are clusters of their own.
    """
    judges = rows.judges
    if rows.has_clusters or judges:
        found = rows.codes(reading)
        weight = (found >= FIRST_VERDICT).astype(np.uint8)
        numbers = np.arange(len(found), dtype=np.uint64)
        cluster = rows.column("cluster64").astype(np.uint64) if rows.has_clusters else numbers
        slices = rows.column("judge").astype(np.int32) if judges else np.zeros(len(found), np.int32)
        names = [slice_part("meta.judge", name) for name in judges] or ["all"]
        sums = cluster_moments(cluster, value[found], weight, slices, len(names))
        missing = np.bincount(slices[weight == 0], minlength=len(names)).tolist()
        return list(zip(names, sums, missing, strict=True))
    parsed = [(int(value[code]), count) for code, count in counts.items() if code >= FIRST_VERDICT]
    total = sum(count for _, count in parsed)
    weighted = sum(each * count for each, count in parsed)
    moments = Moments(
        clusters=total,
        outcomes=total,
        w=total,
        s=weighted,
        ss=sum(each * each * count for each, count in parsed),
        sw=weighted,
        ww=total,
        is_binary=all(each in (0, FIXED_ONE) for each, _ in parsed),
    )
    return [("all", moments, sum(counts.values()) - total)]


def _win_rates(  # noqa: PLR0913 - as above
    rows: AuditedRows,
    reading: int,
    *,
    codes: VerdictCodes,
    rubric: Rubric,
    rule: str,
    level: float,
) -> list[Estimate]:
    """Pair both orders of each item by a rule, as a run does."""
    pairs = rows.pairs
    found = rows.codes(reading)[pairs.row]
    choice, score, strength = codes.columns()
    verdicts = empty(len(found), 0, Status.PARSED)._replace(
        status=np.where(found < FIRST_VERDICT, found, Status.PARSED).astype(np.uint8),
        choice=choice[found],
        score=score[found],
        strength=strength[found],
    )
    outcomes = reconcile(
        pairs.plan,
        verdicts,
        mode="pairwise",
        rule=rule,  # type: ignore[arg-type]  # a rubric has checked it
        one_failed=rubric.one_failed,
        format=rubric.verdict,
    )
    slices = list(pairs.items.meta)
    all_means = summarise(outcomes, pairs.items, mode="pairwise", level=level, slices=slices)
    wins = [one for one in all_means if one.name == "win_rate"]
    return [one for one in wins if not slices or "meta.judge" in slice_parts(one.slice)]
