"""From the runs of several judges to everything that their report says. No engine is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from msgspec import UNSET

from judgefast.codes import CHOICE_TIE, FIXED_ONE, OutcomeStatus
from judgefast.pipeline.estimates import judged_aspects, resampling_of, scale_of
from judgefast.pipeline.panel_cost import cost_of
from judgefast.pipeline.panel_findings import panel_findings
from judgefast.pipeline.panel_join import ABSENT
from judgefast.pipeline.panel_scales import categories_of, has_votes, placed, spans_of, votes_of
from judgefast.pipeline.panel_verdicts import sided
from judgefast.pipeline.results import report_of, why_incomplete
from judgefast.reports.families import family_words
from judgefast.reports.panel_report import (
    Joining,
    JudgeRow,
    Levels,
    PanelReport,
    TogetherRow,
)
from judgefast.stats.agreement import agreement_of
from judgefast.stats.effective import effective_judges
from judgefast.stats.ratings import Ratings, scale_of_scores
from judgefast.stats.slice_names import slice_part, slice_parts
from judgefast.stats.summary import summarise
from judgefast.stats.votes import HALF, LEVELS, levels_of, majority, mean_of, spread_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.codes import AlphaScale
    from judgefast.outcomes.columns import OutcomeColumns
    from judgefast.pipeline.panel_join import Joined
    from judgefast.pipeline.results import Reading
    from judgefast.stats.agreed import Agreement, EffectiveJudges
    from judgefast.stats.estimate import Estimate
    from judgefast.stats.votes import Votes


class Verdicts(NamedTuple):
    """What the judges say of each unit, taken together. Shape (n,) each."""

    value: NDArray[np.float64]
    """By majority: the side or answer that most chose, or the score that most gave; NaN where tied,
    where most name no one answer of several, or where a judge without a value could change it."""
    mean: NDArray[np.float64]
    """Of the values; NaN where not every judge gave one."""
    spread: NDArray[np.float64]
    """Sample standard deviation of the values; NaN where fewer than two gave one."""
    level: NDArray[np.uint8]
    """Index into `LEVELS`."""
    is_tied: NDArray[np.bool_]
    """Whether every judge gave a value, and no value has the most votes; of a best-of-n also where
    most name no one answer."""
    valued: NDArray[np.int64]
    """Judges that gave a value."""
    votes: Votes
    held_back: NDArray[np.bool_]
    """Whether agreement would be high, but for a judge that is torn."""


def verdicts_of(joined: Joined) -> Verdicts:
    """Take the judges of each unit together.

    The mean is that of every judge: where one has no value, there is none. The majority is there
    as well where more than half of all judges agree, whatever the silent ones would have said.
    """
    values = joined.value
    valued = (~np.isnan(values)).sum(axis=1)
    judges = int(joined.speaking.sum())
    by_all = (valued == judges) & (valued > 1)
    votes = majority(votes_of(joined))
    is_settled = by_all | ((2 * votes.votes > judges) & (valued > 1))
    value, is_tied = np.where(is_settled, votes.value, np.nan), by_all & votes.is_tie
    level = levels_of(joined.said, joined.kind, spans_of(joined))
    held_back = (level == LEVELS.index("high")) & joined.torn.any(axis=1)
    if joined.mode == "choice":  # places of answers have no mean, and no one answer has no place
        centre = spread = np.full(len(values), np.nan)
        is_tied |= by_all & (value == CHOICE_TIE)
        value[value == CHOICE_TIE] = np.nan
    else:
        centre, spread = mean_of(values), spread_of(values)
    return Verdicts(
        value=value,
        mean=np.where(by_all, centre, np.nan),
        spread=spread,
        level=np.where(held_back, np.uint8(LEVELS.index("medium")), level),
        is_tied=is_tied,
        valued=valued,
        votes=votes,
        held_back=held_back,
    )


def panel_report(
    joined: Joined,
    verdicts: Verdicts,
    *,
    panel: str = "",
    not_started: Sequence[str] = (),
    alpha: AlphaScale | None = None,
) -> PanelReport:
    """Say everything that is known of several judges.

    Args:
        joined: Their outcomes.
        verdicts: The same, taken together.
        panel: Name of the panel; empty for finished runs.
        not_started: Judges of it that have no run yet.
        alpha: Scale that alpha is of; None for what the values are.

    """
    first = joined.readings[0]
    level = first.config.level
    asked = (joined.row != ABSENT).sum(axis=1)
    judges, speaking = len(joined.judges), int(joined.speaking.sum())
    counts = np.bincount(verdicts.level, minlength=len(LEVELS)).tolist()
    levels = Levels(
        **dict(zip(LEVELS, counts, strict=True)), held_back=int(verdicts.held_back.sum())
    )
    seed = first.config.seed
    by_aspect = _by_aspect(joined, alpha, level, seed) if judges > 1 else {}
    is_one = judges > 1 and len(joined.aspects) == 1
    whole = _agreement(joined, 0, alpha, level, seed) if is_one else None
    return PanelReport(
        panel=panel,
        mode=joined.mode,
        items=len(np.unique(joined.item)),
        level=level,
        judges=[_judge_row(joined, place, asked) for place in range(judges)],
        not_started=list(not_started),
        silent=[
            name
            for name, has_said in zip(joined.judges, joined.speaking.tolist(), strict=True)
            if not has_said
        ],
        together=_together(joined, verdicts),
        joining=Joining(
            units=len(asked),
            asked_of_all=int((asked == judges).sum()),
            asked_of_some=int(((asked > 1) & (asked < judges)).sum()),
            asked_of_one=int((asked == 1).sum()) if judges > 1 else 0,
            valued_by_all=int(((verdicts.valued == speaking) & (verdicts.valued > 0)).sum()),
            valued_by_some=int(((verdicts.valued > 0) & (verdicts.valued < speaking)).sum()),
            valued_by_none=int((verdicts.valued == 0).sum()),
            unseen=int(joined.unseen.any(axis=1).sum()),
        ),
        agreement=whole,
        agreement_by_aspect=by_aspect,
        levels=levels,
        effective=_effective(joined, level) if is_one else None,
        disagreements=levels.low + levels.medium,
        findings=panel_findings(joined, by_aspect if whole is None else {"": whole}),
    )


def _judge_row(joined: Joined, place: int, asked: NDArray[np.int64]) -> JudgeRow:
    reading = joined.readings[place]
    report = report_of(reading)
    results, manifest = report.results, reading.directory.manifest
    bias = results.position_bias
    families = results.families
    return JudgeRow(
        name=joined.judges[place],
        path=str(reading.directory.path),
        engine=manifest.engine.name,
        model=manifest.model.name,
        judge=results.judge,
        rubric=results.rubric.name,
        rule=results.rubric.rule,
        orders=results.rubric.orders,
        counts=results.counts,
        headline=results.estimates[0] if results.estimates else None,
        accuracy=_named(results.estimates, "accuracy"),
        estimates=_like_first(results.estimates),
        direction=None if bias is None else bias.direction,
        flip_rate=None if bias is None or bias.one_order else bias.flip_rate,
        mean_confidence=None if results.confidence is UNSET else results.confidence.mean,
        self_judging=None if families is UNSET or not families.own else family_words(families),
        families=families,
        cost=cost_of(reading, report),
        findings=results.findings,
        incomplete=why_incomplete(results.counts),
        only=int(((joined.row[:, place] != ABSENT) & (asked == 1)).sum()),
    )


def _named(estimates: Sequence[Estimate], name: str) -> Estimate | None:
    return next((one for one in estimates if one.name == name and one.slice == "all"), None)


def _like_first(estimates: Sequence[Estimate]) -> list[Estimate]:
    """The headline, and those of its name for other models."""
    first = estimates[0] if estimates else None
    return [
        one
        for one in estimates
        if first is not None
        and one.name == first.name
        and slice_parts(one.slice).keys() == slice_parts(first.slice).keys()
    ]


def _together(joined: Joined, verdicts: Verdicts) -> list[TogetherRow]:
    """Estimates of what the judges say as one, by the statistics of a run.

    Tied votes are a tie where two answers are compared, elsewhere the middle of those tied, and of
    a best-of-n a share each: without them it would be a mean of the units on which judges agree.
    There is no majority where any number is a score, and no mean of places of answers.
    """
    rows = []
    undecided = int(verdicts.is_tied.sum())
    said = [("majority", _by_votes(joined, verdicts), undecided)] if has_votes(joined) else []
    if joined.mode != "choice":
        said.append(("mean", verdicts.mean[_shared_outcomes(joined)[1]], 0))
    for name, values, tied in said:
        found = _estimates(joined, values)
        rows.append(
            TogetherRow(
                name=name,
                headline=found[0] if found else None,
                accuracy=_named(found, "accuracy"),
                estimates=_like_first(found),
                undecided=tied,
            )
        )
    return rows


def _by_votes(joined: Joined, verdicts: Verdicts) -> NDArray[np.float64]:
    """What most judges say, of each outcome of the first run that every judge was asked for."""
    outcomes, unit = _shared_outcomes(joined)
    # Where a judge is silent a majority is there only if the others agree: a selection.
    by_all = (verdicts.valued == joined.speaking.sum()) & (verdicts.valued > 1)
    votes = verdicts.votes
    if joined.mode != "choice":
        instead = HALF if joined.kind == "comparison" else votes.middle
        values = np.where(verdicts.is_tied, instead, verdicts.value)
        return np.where(by_all, values, np.nan)[unit]
    given, most = joined.verdicts[unit], votes.votes[unit]
    own = (given == outcomes.candidate[:, None]).sum(axis=1) == most
    of_none = (given == CHOICE_TIE).sum(axis=1) == most
    alike = of_none / joined.readings[0].items.num_answers[outcomes.item]
    return np.where(by_all[unit], (own + alike) / np.maximum(votes.tied[unit], 1), np.nan)


def _shared_outcomes(joined: Joined) -> tuple[OutcomeColumns, NDArray[np.int64]]:
    """Outcomes of the first run that every judge was asked for, and the unit of each."""
    unit = joined.unit_of[0]
    rows = np.flatnonzero(joined.whole[unit])
    return joined.readings[0].outcomes.take(rows), unit[rows]


def _estimates(joined: Joined, chosen: NDArray[np.float64]) -> list[Estimate]:
    """Estimate by values in place of those of `_shared_outcomes`."""
    reading: Reading = joined.readings[0]
    outcomes, _ = _shared_outcomes(joined)
    known = ~np.isnan(chosen)
    none = np.broadcast_to(np.float32(np.nan), len(chosen))
    outcomes = outcomes._replace(
        value=np.rint(np.where(known, chosen, 0.0) * FIXED_ONE).astype(np.int64),
        weight=known.astype(np.uint8),
        status=np.where(known, OutcomeStatus.SCORED, OutcomeStatus.MISSING).astype(np.uint8),
        p_win=none,
        p_tie=none,
        p_loss=none,
        label_mass=none,
    )
    return summarise(
        outcomes,
        reading.items,
        mode=reading.rubric.mode,
        scale=scale_of(reading.rubric),
        level=reading.config.level,
        slices=reading.config.slices,
        aspects=judged_aspects(reading.rubric),
        baseline=reading.config.baseline,
        resampling=resampling_of(reading),
    )


def _by_aspect(
    joined: Joined, alpha: AlphaScale | None, level: float, seed: int
) -> dict[str, Agreement]:
    """Of each aspect by itself: judges that only tell aspects apart would seem to agree.

    What one judge alone has is no matter of agreement.
    """
    if len(joined.aspects) == 1:
        return {}
    return {
        slice_part("aspect", name): _agreement(joined, code, alpha, level, seed)
        for code, name in enumerate(joined.aspects)
        if len(joined.judged_by(code)) > 1
    }


def _agreement(
    joined: Joined, aspect: int, alpha: AlphaScale | None, level: float, seed: int
) -> Agreement:
    rows = np.flatnonzero(joined.aspect == aspect)
    values = placed(joined, rows)
    categories, names = categories_of(joined, aspect, values)
    ratings = Ratings(
        values=values,
        clusters=joined.cluster_id64[rows],
        judges=joined.judges,
        scale=scale_of_scores(values, categories) if joined.kind == "score" else "nominal",
        categories=categories,
        names=names,
    )
    return agreement_of(ratings, alpha=alpha, level=level, seed=seed)


def _effective(joined: Joined, level: float) -> EffectiveJudges | None:
    gold = joined.gold()
    known = np.flatnonzero(~np.isnan(gold))
    if min(len(known), len(joined.judges)) <= 1:
        return None
    values = np.where(joined.unseen[known], np.nan, joined.value[known])
    errors = values - gold[known, None]
    if joined.kind != "score":
        right = gold[known] if joined.mode == "choice" else sided(gold[known])
        wrong = joined.verdicts[known] != right[:, None]
        if joined.mode == "choice":
            wrong |= joined.torn[known]
        errors = np.where(np.isnan(values), np.nan, wrong.astype(np.float64))
    spoke: NDArray[np.bool_] = np.any(~np.isnan(errors), axis=0)  # who is silent has no errors
    if spoke.sum() <= 1:
        return None
    names = [name for name, has_said in zip(joined.judges, spoke.tolist(), strict=True) if has_said]
    return effective_judges(errors[:, spoke], joined.cluster_id64[known], names, level=level)
