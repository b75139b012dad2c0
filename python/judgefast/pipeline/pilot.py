"""What a finished run tells of the next one: how much questions vary, and how they go together.

A run of comparisons is its own experiment: the value of a question is how far its candidate is
above even. A run that scores two models is one too: the difference of their scores. Of any other
run it takes two: the difference of what they say of a question.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from math import sqrt
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from judgefast.codes import ACROSS, Status
from judgefast.errors import ConfigError
from judgefast.pipeline.comparable import check_comparable
from judgefast.pipeline.compare import paired
from judgefast.pipeline.estimates import bias_of, judged_aspects, measurements_of
from judgefast.stats.few_changes import changes_of
from judgefast.stats.intervals import cluster_error
from judgefast.stats.lookup import headline
from judgefast.stats.moments import cluster_moments
from judgefast.stats.names import suggestion
from judgefast.stats.paired import RunOutcomes, paired_means
from judgefast.stats.power import Spread
from judgefast.stats.sentences import NO_WINNER, position_finding
from judgefast.stats.slice_names import slice_parts
from judgefast.stats.slices import Slicer
from judgefast.stats.summary import statistics_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.pipeline.results import Reading
    from judgefast.stats.paired_mean import PairedMean

MOST_MODELS = 6
"""Of a run with more models, the pairs of the first few are looked at for the widest."""

OF_ADAPTIVE = (
    "The pilot's orders were adaptive: it shows the spread of what was judged so, and what an "
    "audit adds to an interval is not in it."
)
"""Note on a pilot whose means rest on first orders in part."""


class Pilot(NamedTuple):
    """What is known of a mean, or of a difference of means, question by question."""

    name: str
    """Of the mean."""
    slice: str
    spread: Spread
    """Of one question."""
    compares: Literal["sides", "even", "nothing"]
    """Two models or two runs; a win rate and one half; or it is of one mean alone."""
    design: str
    """What is compared with what, in words."""
    questions: int
    """Clusters with a value."""
    values: int
    """Of items, or of pairs of answers of an item."""
    per_question: float
    """Items of a question, on average."""
    missing: float
    """Share of units without a value."""
    unread: float
    """Share of judgments that could not be read."""
    ties: float | None
    """Share of comparisons that came out even; None where nothing is compared."""
    correlation: float | None = None
    """Of what both sides say of a question; None where there is one side."""
    within: float | None = None
    """Correlation of two units of one question (ICC); None where each has one."""
    notes: tuple[str, ...] = ()
    """What a reader has to know, first what the run itself says of its judge."""

    @property
    def because(self) -> str:
        """Where it is from, in words."""
        parts = [f"{self.questions:,} questions of the pilot"]
        if self.correlation is not None:
            parts.append(f"correlation {self.correlation:.2f}")
        if self.within is not None:
            parts.append(
                f"{self.values / self.questions:.1f} values a question, "
                f"which go together by {self.within:.2f}"
            )
        if self.ties is not None:
            parts.append(f"{100 * self.ties:.0f} % ties")
        if self.unread:
            parts.append(f"{100 * self.unread:.2g} % of judgments not read")
        return ", ".join(parts)


def pilot_of(reading: Reading, against: Reading | None = None, *, name: str | None = None) -> Pilot:
    """Read the spread of questions off a run, or off two runs of the same questions.

    Args:
        reading: The run.
        against: The other run, where differences of two runs are planned.
        name: Of the mean; None for the headline of the mode.

    Raises:
        ConfigError: No mean is called so, or too few questions have a value to tell a spread.

    """
    reading = _as_asked(reading)
    if against is not None:
        return _of_runs(reading, _as_asked(against), name)
    parts = _parts_of(reading, name)
    pairs = _pairs_of_models(parts) if reading.rubric.mode in {"scalar", "binary"} else []
    if pairs:
        return _of_models(reading, pairs)
    alone = [part for part in parts if "model" not in slice_parts(part.slice)] or parts
    found = [_Lone.of(reading, part) for part in alone]
    chosen = max(found, key=lambda one: one.spread.variance)
    is_pairs = reading.rubric.mode == "pairwise" and chosen.part.name in {"win_rate", "overall"}
    where = "" if chosen.part.slice == "all" else f" ({chosen.part.slice})"
    against_what = "against even" if is_pairs else "of one run"
    return _said(
        reading,
        chosen,
        design=f"{chosen.part.name} {against_what}{where}",
        against_even=is_pairs,
        notes=_widest(len(found), "slices"),
    )


def _as_asked(reading: Reading) -> Reading:
    """Leave out what was never asked, by a budget or an interruption: it is not lost to reading."""
    status, outcomes = reading.verdicts.status, reading.outcomes
    is_left = (status == Status.BUDGET) | (status == Status.INTERRUPTED)
    left = np.concatenate([[0], np.cumsum(is_left)])
    first = outcomes.first_judgment.astype(np.int64)
    waits = left[first + outcomes.judgments] > left[first]
    rows = np.flatnonzero((outcomes.weight > 0) | ~waits)
    if len(rows) == len(waits):
        return reading
    return reading._replace(outcomes=outcomes.take(rows))


class _Part(NamedTuple):
    """Rows of one slice of a mean. Shape (n,) each."""

    name: str
    slice: str
    item: NDArray[np.int64]
    value: NDArray[np.int64]
    weight: NDArray[np.uint8]
    scale: tuple[float, float]

    def outcomes(self, reading: Reading) -> RunOutcomes:
        """Say the same as one side of a difference."""
        return RunOutcomes(
            item=self.item,
            cluster_id64=reading.items.cluster_id64[self.item],
            value=self.value,
            weight=self.weight,
            slice=np.zeros(len(self.item), dtype=np.int64),
        )


class _Lone(NamedTuple):
    """One mean alone."""

    part: _Part
    spread: Spread
    questions: int
    values: int
    per_question: float
    missing: float
    within: float | None

    @classmethod
    def of(cls, reading: Reading, part: _Part) -> _Lone:
        """Measure how much its questions vary, and how much their units go together."""
        clusters = reading.items.cluster_id64[part.item]
        scored = part.weight > 0
        rows = len(part.item)
        one = np.zeros(rows, dtype=np.int32)
        by_question = cluster_moments(clusters, part.value, part.weight, one, 1)[0]
        if by_question.clusters <= 1:
            raise _too_few(part.name, by_question.clusters)
        error, questions = cluster_error(by_question), by_question.clusters
        alone = cluster_moments(np.arange(rows, dtype=np.uint64), part.value, part.weight, one, 1)
        naive, size = cluster_error(alone[0]), by_question.ww / by_question.w
        within = None
        if size > 1 and naive:
            within = float(np.clip(((error / naive) ** 2 - 1) / (size - 1), -1.0, 1.0))
        [changes] = changes_of(
            clusters[scored], part.value[scored], np.zeros(int(scored.sum()), dtype=np.int64), 1
        )
        few = changes.even / questions if changes is not None and changes.are_few else 0.0
        low, high = part.scale
        return cls(
            part=part,
            spread=Spread(error**2 * questions, width=high - low, few=few),
            questions=questions,
            values=int(scored.sum()),
            per_question=len(np.unique(part.item[scored])) / questions,
            missing=1 - float(scored.mean()),
            within=within,
        )


def _parts_of(reading: Reading, name: str | None) -> list[_Part]:
    """Every slice of a mean, by model and pair of models; those of the headline without a name."""
    known = statistics_of(
        reading.outcomes,
        reading.items,
        mode=reading.rubric.mode,
        aspects=judged_aspects(reading.rubric),
        baseline=reading.config.baseline,
    )
    names = list(dict.fromkeys(one.name for one in known if len(one.rows.item)))
    if not len(reading.outcomes.item):
        raise _too_few(name or "the headline", 0)
    if name is None and names:
        name = names[0]
    if name not in names:
        msg = f"`{reading.directory.path}` has no mean named `{name}`"
        msg += f"; there are: {', '.join(names) or 'none'}"
        raise ConfigError(msg, hint=suggestion(name or "", names))
    aspects = [aspect.name for aspect in reading.rubric.aspects]
    slicer = Slicer(reading.items, fields=(), aspects=aspects)
    found = []
    for one in (one for one in known if one.name == name):
        for cut in slicer.cut(one.rows, one.cuts):
            for code, label in enumerate(cut.slices):
                inside = np.flatnonzero(cut.codes == code)
                found.append(
                    _Part(
                        name,
                        label,
                        one.rows.item[inside].astype(np.int64),
                        one.rows.value[inside],
                        one.rows.weight[inside],
                        one.scales_of(cut)[code],
                    )
                )
    return found


def _pairs_of_models(parts: Sequence[_Part]) -> list[tuple[_Part, _Part]]:
    """Slices of two models that are alike but for the model: of the same aspect."""
    of_rest: dict[str, list[_Part]] = defaultdict(list)
    for part in parts:
        cuts = slice_parts(part.slice)
        if cuts.pop("model", None) is not None:
            of_rest[str(cuts)].append(part)
    return [pair for one in of_rest.values() for pair in combinations(one[:MOST_MODELS], 2)]


def _of_models(reading: Reading, pairs: Sequence[tuple[_Part, _Part]]) -> Pilot:
    """Take the two models whose difference varies most."""
    found: list[tuple[PairedMean, _Part, _Part]] = []
    for one, other in pairs:
        a, b = (part.outcomes(reading) for part in (one, other))
        [mean] = paired_means(a, b, ["all"], name=one.name, scale=one.scale)
        if mean.spread() is not None:
            found.append((mean, one, other))
    if not found:
        raise _too_few(pairs[0][0].name, 0)
    mean, first, second = max(found, key=lambda one: _variance(one[0]))
    sides = [_Lone.of(reading, part) for part in (first, second)]
    return _said(
        reading,
        sides[0],
        mean=mean,
        others=(sides[0].spread.variance, sides[1].spread.variance),
        design=f"{mean.name} of {first.slice} against {second.slice}, question by question",
        notes=_widest(len(found), "pairs of models"),
    )


def _of_runs(reading: Reading, against: Reading, name: str | None) -> Pilot:
    """Take the headline of the differences of two runs."""
    parts = _parts_of(reading, name)
    name = parts[0].name
    differs = check_comparable(reading, against, sorted(ACROSS))
    means = [
        one
        for one in paired(reading, against, [], names={name}, across=sorted(ACROSS)).means
        if one.spread() is not None
    ]
    if not means:
        raise _too_few(name, 0)
    place = headline([one.slice for one in means])
    mean = means[place] if place is not None else max(means, key=_variance)
    mine = next(part for part in parts if part.slice == mean.slice)
    theirs = [part for part in _parts_of(against, name) if part.slice == mean.slice]
    sides = [_Lone.of(reading, mine), *(_Lone.of(against, part) for part in theirs)]
    where = "" if mean.slice == "all" else f" ({mean.slice})"
    return _said(
        reading,
        sides[0],
        mean=mean,
        others=(sides[0].spread.variance, sides[-1].spread.variance),
        design=f"{name} of two runs over the same questions{where}",
        notes=(
            *(_widest(len(means), "slices") if place is None else ()),
            *(f"the two runs differ in {one}" for one in differs),
        ),
    )


def _said(  # noqa: PLR0913 - what is known, by keyword
    reading: Reading,
    lone: _Lone,
    *,
    design: str,
    against_even: bool = False,
    mean: PairedMean | None = None,
    others: tuple[float, float] | None = None,
    notes: tuple[str, ...] = (),
) -> Pilot:
    """Put together what a mean, or the difference of two, says."""
    spread, questions, values, missing = lone.spread, lone.questions, lone.values, lone.missing
    correlation, within = None, lone.within
    if mean is not None:
        moments, own = mean.measurement.moments, mean.spread()
        assert own is not None
        spread, questions, values = own, moments.clusters, moments.outcomes
        missing = mean.measurement.missing / max(mean.both, 1)
        within = None
        if others is not None and all(others):
            product = 2 * sqrt(others[0] * others[1])
            correlation = max(min((sum(others) - spread.variance) / product, 1.0), -1.0)
    return Pilot(
        name=lone.part.name,
        slice=lone.part.slice,
        spread=spread,
        compares="sides" if mean is not None else "even" if against_even else "nothing",
        design=design,
        questions=questions,
        values=values,
        per_question=lone.per_question,
        missing=missing,
        unread=_mean_of(reading, "unreadable") or 0.0,
        ties=_mean_of(reading, "tie_rate"),
        correlation=correlation,
        within=within,
        notes=(*_of_judge(reading), *notes),
    )


def _of_judge(reading: Reading) -> tuple[str, ...]:
    """Repeat the run's warning: no number of questions mends a judge that follows the position."""
    bias = bias_of(reading)
    said = () if reading.seconds is None else (OF_ADAPTIVE,)
    found = None if bias is None else position_finding(bias)
    if found is None or found.kind not in NO_WINNER:
        return said
    words = f"{found.text} No winner is called by it, however many questions are judged."
    return (*said, words)


def _mean_of(reading: Reading, name: str) -> float | None:
    """Mean of all slices of a name, by their weight."""
    found = [one.moments for one in measurements_of(reading, names={name})]
    weight = sum(one.w for one in found)
    return sum((one.mean or 0.0) * one.w for one in found) / weight if weight else None


def _variance(mean: PairedMean) -> float:
    spread = mean.spread()
    return -1.0 if spread is None else spread.variance


def _widest(many: int, what: str) -> tuple[str, ...]:
    """Say that the one that needs most was taken."""
    return (f"of {many} {what} the one that varies most is planned for",) if many > 1 else ()


def _too_few(name: str, questions: int) -> ConfigError:
    msg = f"a spread of `{name}` takes two questions with a value; the pilot has {questions}"
    return ConfigError(msg, hint="judge some fifty questions first, or give --rate or --sd")
