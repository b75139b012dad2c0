"""What judges may say of one aspect, by the rubric of each: every value, its name, and the range.

Aspects of one rubric may have unlike scales: nothing here is taken from another aspect than asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.codes import CHOICE_TIE, FIXED_ONE
from judgefast.reports.show import letter
from judgefast.stats.ratings import Ratings
from judgefast.stats.votes import HALF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from judgefast.pipeline.panel_join import Joined
    from judgefast.prompts.rubric import Scale
    from judgefast.prompts.verdict_format import VerdictFormat, VerdictLabel

Steps = tuple[float, ...]
"""Every value that there is, ascending."""


def categories_of(
    joined: Joined, aspect: int, values: NDArray[np.float64]
) -> tuple[Steps | None, tuple[str, ...] | None]:
    """Every value that a judge may give by an aspect, and what it is called.

    Args:
        joined: Several judges.
        aspect: Index into their `aspects`.
        values: What they said of it, as `placed` has it. Shape (n, k).

    Returns:
        None for values that are any number, and for names that are those of numbers.

    """
    if joined.kind == "score":
        return _steps(joined, aspect), None
    if joined.kind == "comparison":
        is_of_two = (np.minimum(joined.candidate, joined.baseline) == 0).all() and (
            np.maximum(joined.candidate, joined.baseline) == 1
        ).all()
        return (0.0, HALF, 1.0), ("a", "tie", "b") if is_of_two else ("earlier", "tie", "later")
    if joined.mode == "choice":
        most = max(int(reading.items.num_answers.max(initial=0)) for reading in joined.readings)
        places = [*map(float, range(most)), float(CHOICE_TIE)]
        return tuple(places), (*map(letter, range(most)), "tie")
    called = {1.0: "yes", 0.0: "no"}
    if joined.mode == "binary":
        called |= {score: one.text.strip() for score, one in _labels(joined, aspect)}
    steps = [0.0, HALF, 1.0] if (values == HALF).any() else [0.0, 1.0]
    return tuple(steps), tuple({HALF: "undecided"}.get(step) or called[step] for step in steps)


def placed(joined: Joined, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """What judges are measured by, of some units: verdicts, and of two answers by their places.

    0 is the answer that stands earlier in the row, 1 the later one: which of them is the baseline
    is the report's matter, and none of what judges agree on. Of several answers who names a and b
    does not say what another says who names b and c: neither has a verdict.

    Returns:
        Shape (len(rows), k).

    """
    values = joined.said[rows]
    if joined.mode == "choice":
        return np.where(joined.torn[rows], np.nan, values)
    if joined.kind != "comparison":
        return values
    is_turned = joined.candidate[rows] < joined.baseline[rows]
    return np.where(is_turned[:, None], 1 - values, values)


def votes_of(joined: Joined) -> NDArray[np.float64]:
    """What judges vote for: of scores the nearest of the scale, since expected ones never meet.

    NaN where any number is a score: two that meet do so by chance, and a majority of such units is
    one of a selection.
    """
    if joined.kind != "score":
        return joined.verdicts
    votes = np.full(joined.verdicts.shape, np.nan)
    for aspect in range(len(joined.aspects)):
        steps = _steps(joined, aspect)
        if steps is not None:
            rows = np.flatnonzero(joined.aspect == aspect)
            clusters = joined.cluster_id64[rows]
            scores = Ratings(joined.verdicts[rows], clusters, joined.judges, "interval", steps)
            votes[rows] = scores.nearest()
    return votes


def has_votes(joined: Joined) -> bool:
    """Whether judges vote by every aspect: each has few values, which meet."""
    aspects = range(len(joined.aspects))
    return joined.kind != "score" or all(_steps(joined, one) is not None for one in aspects)


def spans_of(joined: Joined) -> NDArray[np.float64]:
    """Range of the scale of each unit, that of its aspect by the first run that has it."""
    spans = [
        next((scale.high - scale.low for scale, _ in _asked(joined, aspect) if scale), 1.0)
        for aspect in range(len(joined.aspects))
    ]
    return np.array(spans)[joined.aspect]


def _steps(joined: Joined, aspect: int) -> Steps | None:
    """Scores of the labels, and of scales of whole numbers; None where any number is one."""
    scores = {score for score, _ in _labels(joined, aspect)}
    for scale, _ in _asked(joined, aspect):
        if scale is not None and scale.integer:
            scores.update(np.arange(scale.low, scale.high + 1).tolist())
    return tuple(sorted(scores)) or None


def _labels(joined: Joined, aspect: int) -> Iterator[tuple[float, VerdictLabel]]:
    """Labels of an aspect that have a score, each with it as outcomes hold it."""
    for _, form in _asked(joined, aspect):
        for label in form.labels:
            if label.score is not None:
                yield round(label.score * FIXED_ONE) / FIXED_ONE, label


def _asked(joined: Joined, aspect: int) -> Iterator[tuple[Scale | None, VerdictFormat]]:
    """Scale and form of an aspect by each run that has it."""
    is_alone = len(joined.aspects) == 1  # whatever each calls it
    for reading in joined.readings:
        rubric = reading.rubric
        for one, form in zip(rubric.aspects, rubric.verdicts, strict=True):
            if is_alone or one.name == joined.aspects[aspect]:
                yield one.scale, form
