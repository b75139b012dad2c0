"""Names of all estimates: stable identifiers, listed with their meaning in `docs/statistics.md`."""

from __future__ import annotations

from difflib import get_close_matches

OF_POSITION = ("flip_rate", "direction", "same_position_rate", "noise_flip_rate", "p_first")
"""Estimates of position bias, as `position_bias` gives them."""

NAMES = (
    "win_rate",
    "tie_rate",
    "accuracy",
    "mean",
    "pass_rate",
    "ranking_accuracy",
    "choice_rate",
    "verdict_rate",
    "unreadable",
    *OF_POSITION,
    "overall",
    "overall_accuracy",
    "overall_ranking_accuracy",
    "correlation",
)
"""None is ever renamed: gates, notebooks and dashboards hang on them."""

OF_AGREEMENT = (
    "percent_agreement",
    "all_agree",
    "kappa",
    "kappa_linear",
    "kappa_quadratic",
    "alpha",
    "error_correlation",
    "effective_judges",
)
"""Estimates of several judges, as `agreement_of` and `effective_judges` give them; of no run."""

OVERALL = {
    "win_rate": "overall",
    "mean": "overall",
    "pass_rate": "overall",
    "choice_rate": "overall",
    "accuracy": "overall_accuracy",
    "ranking_accuracy": "overall_ranking_accuracy",
}
"""What a mean is called where it is of the overall values of several aspects; others have none."""


def suggestion(wrong: str, known: list[str] | tuple[str, ...]) -> str | None:
    """Name what a wrong name was meant to be, as a hint.

    >>> suggestion("winrate", NAMES), suggestion("zebra", NAMES)
    ('did you mean `win_rate`?', None)
    """
    close = get_close_matches(wrong, known, n=1)
    return f"did you mean `{close[0]}`?" if close else None
