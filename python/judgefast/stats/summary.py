"""Everything a report quotes of a run's outcomes. Names are listed in `docs/statistics.md`."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from judgefast.errors import ConfigError
from judgefast.stats import comparisons, scores
from judgefast.stats.adaptive import audited_statistics
from judgefast.stats.aspects import UNIT_SCALE, JudgedAspect, overall_scale
from judgefast.stats.joint import measure_shards
from judgefast.stats.names import OVERALL
from judgefast.stats.overall import RESCALED, overall_outcomes
from judgefast.stats.rules import LEVEL
from judgefast.stats.shards import Shards
from judgefast.stats.slices import Slicer, Statistic

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from judgefast.outcomes.columns import OutcomeColumns
    from judgefast.stats.adaptive import AdaptiveOutcomes
    from judgefast.stats.aspects import Scale
    from judgefast.stats.estimate import Estimate
    from judgefast.stats.joint import SlicedRows
    from judgefast.stats.measurement import Measurement
    from judgefast.stats.replicates import Resampling
    from judgefast.stats.slices import JudgedItems


class Judgments(NamedTuple):
    """The planned judgments, for the share that could not be read. Shape (n,) each."""

    item: NDArray[np.uint32]
    status: NDArray[np.uint8]
    """`codes.Status`."""
    aspect: NDArray[np.uint16] | None = None
    """Index of the aspect; None where there is one."""

    def take(self, rows: NDArray[np.int64]) -> Judgments:
        """Some of the judgments."""
        aspect = None if self.aspect is None else self.aspect[rows]
        return Judgments(self.item[rows], self.status[rows], aspect)


def summarise(  # noqa: PLR0913 - each is a setting of the report, all but two by keyword
    outcomes: OutcomeColumns,
    items: JudgedItems,
    *,
    mode: str,
    scale: Scale = UNIT_SCALE,
    level: float = LEVEL,
    slices: Sequence[str] = (),
    aspects: Sequence[JudgedAspect] = (),
    baseline: str | None = None,
    judgments: Judgments | None = None,
    adaptive: AdaptiveOutcomes | None = None,
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
        adaptive=adaptive,
        resampling=resampling,
    )
    return [one.estimate(level) for one in measured]


def measure(  # noqa: PLR0913 - as above
    outcomes: OutcomeColumns,
    items: JudgedItems,
    *,
    mode: str,
    scale: Scale = UNIT_SCALE,
    slices: Sequence[str] = (),
    aspects: Sequence[JudgedAspect] = (),
    baseline: str | None = None,
    judgments: Judgments | None = None,
    adaptive: AdaptiveOutcomes | None = None,
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
        scale: Lowest and highest score of the rubric, where `aspects` do not say it; used by
            `scalar` alone.
        slices: Meta fields to slice by as well, as `lang` or `meta.lang`.
        aspects: The rubric's aspects, by code. More than one become part of the slice, and their
            weighted means are measured too, first of all (`OVERALL`). None: as many as the
            outcomes have, called by their codes, of one weight.
        baseline: Model that win rates are against, in `pairwise`.
        judgments: Planned judgments; given, the `unreadable` share is measured.
        adaptive: How the outcomes came about where second orders were left out, in `pairwise`:
            every mean is then corrected by what was audited.
        resampling: Seed and number of the replicates, of which the ends of rule 4 are percentiles;
            replicate b has the same weights in all measurements. None: analytic ends only.
        names: The means that are wanted; None for all.

    Returns:
        Measurements in the order of the table of names, slices of `meta` after the whole.

    Raises:
        ConfigError: An unknown mode, meta field or baseline; a weight that is not above 0.

    """
    aspects = aspects or [
        JudgedAspect(str(code), scale=scale)
        for code in range(int(outcomes.aspect.max(initial=0)) + 1)
    ]
    statistics = _Statistics(outcomes, items, mode, aspects, baseline)
    slicer = Slicer(items, fields=slices, aspects=[aspect.name for aspect in aspects])
    shards = Shards(items.cluster_id64, len(outcomes.item if judgments is None else judgments.item))

    if adaptive is not None and adaptive.is_whole:
        adaptive = None

    def parts_of(shard: int) -> Iterator[SlicedRows]:
        judged, how = outcomes, adaptive
        if shards.number > 1:
            rows = shards.rows(shard, outcomes.item)
            judged, how = outcomes.take(rows), None if adaptive is None else adaptive.take(rows)
        for statistic in statistics.of(judged, how):
            if names is None or statistic.name in names:
                yield from slicer.parts(statistic)
        if judgments is not None and (names is None or "unreadable" in names):
            asked = judgments
            if shards.number > 1:
                asked = judgments.take(shards.rows(shard, judgments.item))
            yield from slicer.parts(unreadable(asked))

    return measure_shards(parts_of, shards.number, resampling)


def statistics_of(
    outcomes: OutcomeColumns,
    items: JudgedItems,
    *,
    mode: str,
    aspects: Sequence[JudgedAspect],
    baseline: str | None = None,
) -> list[Statistic]:
    """Rows of every mean of a mode, the headline first; arguments as for `summarise`.

    Raises:
        ConfigError: An unknown mode or baseline; a weight that is not above 0.

    """
    return _Statistics(outcomes, items, mode, aspects, baseline).of(outcomes)


def unreadable(judgments: Judgments) -> Statistic:
    """Share of the planned judgments that could not be read."""
    item, status, aspect = judgments
    found = scores.unreadable_rows(item, status)
    if aspect is None:
        return Statistic("unreadable", found, cuts="whole")
    return Statistic("unreadable", found._replace(aspect=aspect), cuts="both")


class _Statistics:
    """The statistics of a run, for all of its outcomes or some."""

    def __init__(
        self,
        outcomes: OutcomeColumns,
        items: JudgedItems,
        mode: str,
        aspects: Sequence[JudgedAspect],
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
        if mode != "scalar":  # only a score has a scale of its own
            aspects = [aspect._replace(scale=UNIT_SCALE) for aspect in aspects]
        self._items, self._aspects, self._of_mode = items, aspects, _MODES[mode]
        is_pairs = mode == "pairwise"
        self._sides = comparisons.PairSides(outcomes, items, baseline) if is_pairs else None

    def of(
        self, outcomes: OutcomeColumns, adaptive: AdaptiveOutcomes | None = None
    ) -> list[Statistic]:
        """Rows of every mean over these outcomes, the headline first."""
        scales = tuple(aspect.scale for aspect in self._aspects)
        found = self._rows(outcomes, scales, adaptive)
        if len(scales) <= 1:
            return found
        return [*self._overall(outcomes, adaptive), *found]

    def _rows(
        self,
        outcomes: OutcomeColumns,
        scales: tuple[Scale, ...],
        adaptive: AdaptiveOutcomes | None,
    ) -> list[Statistic]:
        def of_mode(columns: OutcomeColumns) -> list[Statistic]:
            return self._of_mode(columns, self._items, scales, self._sides)

        if adaptive is None:
            return of_mode(outcomes)
        return audited_statistics(of_mode, outcomes, adaptive)

    def _overall(
        self, outcomes: OutcomeColumns, adaptive: AdaptiveOutcomes | None
    ) -> list[Statistic]:
        """The same means, of the overall values of several aspects."""
        overall, scale = overall_outcomes(outcomes, self._aspects), overall_scale(self._aspects)
        note = RESCALED if len({aspect.scale for aspect in self._aspects}) > 1 else ""
        how = None if adaptive is None else adaptive.overall(self._aspects)
        return [
            one._replace(
                name=OVERALL[one.name],
                cuts="whole",
                note=note if OVERALL[one.name] == "overall" else "",
            )
            for one in self._rows(overall, (scale,), how)
            if one.name in OVERALL
        ]


def _pairwise(
    outcomes: OutcomeColumns,
    items: JudgedItems,
    _: tuple[Scale, ...],
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
    scales: tuple[Scale, ...],
    _: comparisons.PairSides | None,
) -> list[Statistic]:
    return [
        Statistic("mean", scores.all_rows(outcomes), scales, binary=False),
        Statistic("mean", scores.answer_rows(outcomes, items), scales, binary=False),
        Statistic("ranking_accuracy", scores.ranking_rows(outcomes, items)),
    ]


def _binary(
    outcomes: OutcomeColumns,
    items: JudgedItems,
    _: tuple[Scale, ...],
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
    _: tuple[Scale, ...],
    __: comparisons.PairSides | None,
) -> list[Statistic]:
    return [
        Statistic("choice_rate", scores.answer_rows(outcomes, items)),
        Statistic("accuracy", scores.chosen_gold_rows(outcomes, items)),
    ]


_MODES: dict[
    str,
    Callable[
        [OutcomeColumns, JudgedItems, tuple[Scale, ...], comparisons.PairSides | None],
        list[Statistic],
    ],
] = {"pairwise": _pairwise, "scalar": _scalar, "binary": _binary, "choice": _choice}
