"""Everything a report quotes of a run's outcomes. Names are listed in `docs/statistics.md`."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from judgefast.errors import ConfigError
from judgefast.stats import comparisons, scores
from judgefast.stats.joint import measure_shards
from judgefast.stats.rules import LEVEL
from judgefast.stats.shards import Shards
from judgefast.stats.slices import Slicer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from judgefast.outcomes.columns import OutcomeColumns
    from judgefast.stats.estimate import Estimate
    from judgefast.stats.joint import SlicedRows
    from judgefast.stats.measurement import Measurement
    from judgefast.stats.replicates import Resampling
    from judgefast.stats.slices import JudgedItems, Rows

UNIT_SCALE = (0.0, 1.0)


class Judgments(NamedTuple):
    """The planned judgments, for the share that could not be read. Shape (n,) each."""

    item: NDArray[np.uint32]
    status: NDArray[np.uint8]
    """`codes.Status`."""


class Statistic(NamedTuple):
    """One named mean over outcomes."""

    name: str
    rows: Rows
    scale: tuple[float, float] = UNIT_SCALE
    binary: bool = True


def summarise(  # noqa: PLR0913 - each is a setting of the report, all but two by keyword
    outcomes: OutcomeColumns,
    items: JudgedItems,
    *,
    mode: str,
    scale: tuple[float, float] = UNIT_SCALE,
    level: float = LEVEL,
    slices: Sequence[str] = (),
    aspects: Sequence[str] = (),
    baseline: str | None = None,
    judgments: Judgments | None = None,
    resampling: Resampling | None = None,
) -> list[Estimate]:
    """Estimate what the outcomes of a run say, each with the interval of the published rule.

    Arguments as for `measure`, and `level`, the confidence level, in (0, 1).

    Returns:
        Estimates in the order of the table of names, slices of `meta` after the whole.

    Raises:
        ConfigError: An unknown mode, meta field or baseline, or a level outside (0, 1).

    """
    measured = measure(
        outcomes,
        items,
        mode=mode,
        scale=scale,
        slices=slices,
        aspects=aspects,
        baseline=baseline,
        judgments=judgments,
        resampling=resampling,
    )
    return [one.estimate(level) for one in measured]


def measure(  # noqa: PLR0913 - as above
    outcomes: OutcomeColumns,
    items: JudgedItems,
    *,
    mode: str,
    scale: tuple[float, float] = UNIT_SCALE,
    slices: Sequence[str] = (),
    aspects: Sequence[str] = (),
    baseline: str | None = None,
    judgments: Judgments | None = None,
    resampling: Resampling | None = None,
    names: Collection[str] | None = None,
) -> list[Measurement]:
    """Measure what the outcomes of a run say, before a confidence level is chosen.

    Every interval is clustered: all outcomes of one question move together. Outcomes without a
    value are counted as missing, never averaged, and the note of an estimate gives the bounds
    between which it would lie whatever they had been.

    Args:
        outcomes: One comparison or scored answer a row.
        items: The judged items.
        mode: `pairwise`, `scalar`, `binary` or `choice`.
        scale: Lowest and highest score of the rubric; used by `scalar` alone.
        slices: Meta fields to slice by as well, as `lang` or `meta.lang`.
        aspects: Names of the rubric's aspects, by code. More than one become part of the slice.
        baseline: Model that win rates are against, in `pairwise`.
        judgments: Planned judgments; given, the `unreadable` share is measured.
        resampling: Seed and number of the replicates, of which the ends of rule 4 are percentiles;
            replicate b has the same weights in all measurements. None: analytic ends only.
        names: The means that are wanted; None for all.

    Returns:
        Measurements in the order of the table of names, slices of `meta` after the whole.

    Raises:
        ConfigError: An unknown mode, meta field or baseline.

    """
    statistics = _Statistics(outcomes, items, mode, scale, baseline)
    aspects = aspects or [str(code) for code in range(int(outcomes.aspect.max(initial=0)) + 1)]
    slicer = Slicer(items, fields=slices, aspects=aspects)
    whole = Slicer(items, fields=slices, aspects=())
    shards = Shards(items.cluster_id64, len(outcomes.item if judgments is None else judgments.item))

    def parts_of(shard: int) -> Iterator[SlicedRows]:
        for name, rows, of_scale, binary in statistics.of(
            outcomes.take(shards.rows(shard, outcomes.item)) if shards.number > 1 else outcomes
        ):
            if names is None or name in names:
                yield from slicer.parts(name, rows, scale=of_scale, binary=binary)
        if judgments is not None and (names is None or "unreadable" in names):
            item, status = judgments
            if shards.number > 1:
                asked = shards.rows(shard, item)
                item, status = item[asked], status[asked]
            yield from whole.parts("unreadable", scores.unreadable_rows(item, status), binary=True)

    return measure_shards(parts_of, shards.number, resampling)


def statistics_of(
    outcomes: OutcomeColumns,
    items: JudgedItems,
    *,
    mode: str,
    scale: tuple[float, float] = UNIT_SCALE,
    baseline: str | None = None,
) -> list[Statistic]:
    """Rows of every mean of a mode, the headline first; arguments as for `summarise`.

    Raises:
        ConfigError: An unknown mode or baseline.

    """
    return _Statistics(outcomes, items, mode, scale, baseline).of(outcomes)


class _Statistics:
    """The statistics of a run, for all of its outcomes or some."""

    def __init__(
        self,
        outcomes: OutcomeColumns,
        items: JudgedItems,
        mode: str,
        scale: tuple[float, float],
        baseline: str | None,
    ) -> None:
        """Look at all outcomes once."""
        if mode not in _MODES:
            message = f"no mode `{mode}`; known: {', '.join(_MODES)}"
            raise ConfigError(message)
        if baseline is not None and baseline not in items.models:
            close = get_close_matches(baseline, list(items.models), n=1)
            known = ", ".join(items.models)
            message = f"no model `{baseline}` to serve as baseline; known: {known}"
            raise ConfigError(message, hint=f"did you mean `{close[0]}`?" if close else None)
        self._items, self._scale, self._of_mode = items, scale, _MODES[mode]
        is_pairs = mode == "pairwise"
        self._sides = comparisons.PairSides(outcomes, items, baseline) if is_pairs else None

    def of(self, outcomes: OutcomeColumns) -> list[Statistic]:
        """Rows of every mean over these outcomes, the headline first."""
        return self._of_mode(outcomes, self._items, self._scale, self._sides)


def _pairwise(
    outcomes: OutcomeColumns,
    items: JudgedItems,
    _: tuple[float, float],
    sides: comparisons.PairSides | None,
) -> list[Statistic]:
    assert sides is not None
    pairs = comparisons.pair_rows(outcomes, sides)
    return [
        Statistic("win_rate", pairs),
        Statistic("win_rate", comparisons.model_rows(outcomes, items)),
        Statistic("tie_rate", comparisons.tie_rows(pairs)),
        Statistic("accuracy", comparisons.accuracy_rows(outcomes, items)),
    ]


def _scalar(
    outcomes: OutcomeColumns,
    items: JudgedItems,
    scale: tuple[float, float],
    _: comparisons.PairSides | None,
) -> list[Statistic]:
    return [
        Statistic("mean", scores.all_rows(outcomes), scale, binary=False),
        Statistic("mean", scores.answer_rows(outcomes, items), scale, binary=False),
        Statistic("ranking_accuracy", scores.ranking_rows(outcomes, items)),
    ]


def _binary(
    outcomes: OutcomeColumns,
    items: JudgedItems,
    _: tuple[float, float],
    __: comparisons.PairSides | None,
) -> list[Statistic]:
    return [
        Statistic("pass_rate", scores.all_rows(outcomes)),
        Statistic("pass_rate", scores.answer_rows(outcomes, items)),
        Statistic("accuracy", scores.pass_accuracy_rows(outcomes, items)),
        Statistic("ranking_accuracy", scores.ranking_rows(outcomes, items)),
    ]


def _choice(
    outcomes: OutcomeColumns,
    items: JudgedItems,
    _: tuple[float, float],
    __: comparisons.PairSides | None,
) -> list[Statistic]:
    return [
        Statistic("choice_rate", scores.answer_rows(outcomes, items)),
        Statistic("accuracy", scores.chosen_gold_rows(outcomes, items)),
    ]


_MODES: dict[
    str,
    Callable[
        [OutcomeColumns, JudgedItems, tuple[float, float], comparisons.PairSides | None],
        list[Statistic],
    ],
] = {"pairwise": _pairwise, "scalar": _scalar, "binary": _binary, "choice": _choice}
