"""The headline of judge outputs that stand in no run: a mean, shares, or a win rate over pairs."""

from __future__ import annotations

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
from judgefast.stats.summary import summarise
from judgefast.verdicts.read import empty

if TYPE_CHECKING:
    from collections.abc import Sequence

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


class AuditedRows:
    """Columns of all outputs, kept only where rows say what they belong to."""

    def __init__(self) -> None:
        """Hold no row."""
        self._parts: list[tuple[Outputs, list[NDArray[np.int32]]]] = []
        self.has_orders = False
        self.has_clusters = False

    def add(self, batch: Outputs, codes: list[NDArray[np.int32]]) -> None:
        """Keep a batch's columns, not its texts."""
        self.has_clusters = batch.cluster64 is not None
        self.has_orders = batch.unit64 is not None and batch.swapped is not None
        if self.has_clusters:
            self._parts.append((batch._replace(texts=[], numbers=[]), codes))

    def column(self, name: str) -> NDArray[np.generic]:
        """One column of all rows."""
        return np.concatenate([getattr(batch, name) for batch, _ in self._parts])

    def codes(self, reading: int) -> NDArray[np.int32]:
        """Code of each row by one reading."""
        return np.concatenate([codes[reading] for _, codes in self._parts])


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
    missing = sum(count for code, count in counts.items() if code < FIRST_VERDICT)
    choice, score, _ = codes.columns()
    if (choice[FIRST_VERDICT:] == CHOICE_NONE).all():
        fixed = np.rint(np.nan_to_num(score) * FIXED_ONE).astype(np.int64)
        moments = _moments(rows, reading, counts, fixed)
        is_binary = rubric.mode == "binary"
        name = "pass_rate" if is_binary else "mean"
        one = Measurement(name, "all", moments, missing, scale=scale_of(rubric), binary=is_binary)
        return [one.estimate(level)]
    shares = []
    for code in range(FIRST_VERDICT, len(choice)):
        fixed = np.where(np.arange(len(choice)) == code, FIXED_ONE, 0)
        moments = _moments(rows, reading, counts, fixed)
        word = f"verdict={codes.word(code)}"
        shares.append(Measurement("share", word, moments, missing).estimate(level))
    return shares


def _moments(
    rows: AuditedRows, reading: int, counts: dict[int, int], value: NDArray[np.int64]
) -> Moments:
    """Sums over parsed outputs; `value` is by code. Rows without id are clusters of their own."""
    if rows.has_clusters:
        found = rows.codes(reading)
        weight = (found >= FIRST_VERDICT).astype(np.uint8)
        cluster = rows.column("cluster64").astype(np.uint64)
        slices = np.zeros(len(found), np.int32)
        return cluster_moments(cluster, value[found], weight, slices, 1)[0]
    parsed = [(int(value[code]), count) for code, count in counts.items() if code >= FIRST_VERDICT]
    total = sum(count for _, count in parsed)
    weighted = sum(each * count for each, count in parsed)
    return Moments(
        clusters=total,
        outcomes=total,
        w=total,
        s=weighted,
        ss=sum(each * each * count for each, count in parsed),
        sw=weighted,
        ww=total,
        is_binary=all(each in (0, FIXED_ONE) for each, _ in parsed),
    )


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
    unit, swapped, repeat = rows.column("unit64"), rows.column("swapped"), rows.column("repeat")
    order = np.lexsort((swapped, repeat, unit))
    unit, swapped, repeat = unit[order], swapped[order], repeat[order]
    same = (unit[1:] == unit[:-1]) & (swapped[1:] == swapped[:-1]) & (repeat[1:] == repeat[:-1])
    if same.any():
        row = int(order[1:][same].min()) + 1
        msg = f"{int(same.sum()):,} outputs answer a judgment that another one answers; "
        msg += f"the first is output {row:,}, field `id`"
        raise DataError(msg, hint="give each a `repeat` of its own, or read none: --map order=")
    _, first, item = np.unique(unit, return_index=True, return_inverse=True)
    cluster = rows.column("cluster64")[order][first].astype(np.uint64)
    found = rows.codes(reading)[order]
    choice, score, strength = codes.columns()
    count, shown = len(unit), np.stack([swapped, 1 - swapped], axis=1).astype(np.uint16)
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
    verdicts = empty(count, 0, Status.PARSED)._replace(
        status=np.where(found < FIRST_VERDICT, found, Status.PARSED).astype(np.uint8),
        choice=choice[found],
        score=score[found],
        strength=strength[found],
    )
    outcomes = reconcile(
        plan,
        verdicts,
        mode="pairwise",
        rule=rule,  # type: ignore[arg-type]
        one_failed=rubric.one_failed,
        format=rubric.verdict,
    )
    items = _Items(
        cluster_id64=cluster,
        gold_choice=np.full(len(first), CHOICE_NONE, np.uint8),
        gold_score=np.full(len(first), np.nan),
        models=[],
        model=np.full((len(first), 2), -1, np.int32),
        meta={},
    )
    found_all = summarise(outcomes, items, mode="pairwise", level=level)
    return [one for one in found_all if one.name == "win_rate"]
