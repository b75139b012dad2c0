"""On which level of measurement the alpha of a panel is taken, and what it needs of the rubrics."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from judgefast.codes import ALPHA_SCALES
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.prompts.rubric import Rubric


def check_alpha(alpha: str | None, rubrics: Sequence[Rubric]) -> None:
    """Refuse a level of measurement that what the judges give does not have.

    Args:
        alpha: One of `codes.ALPHA_SCALES`; None for what the values are.
        rubrics: Of all judges, of one mode.

    Raises:
        ConfigError: It is none; or answers have no order, or scores no steps.

    """
    if alpha is None:
        return
    if alpha not in ALPHA_SCALES:
        close = get_close_matches(str(alpha), ALPHA_SCALES, n=1)
        msg = f"`alpha` is {alpha!r}; it must be {', '.join(ALPHA_SCALES[:-1])} or interval"
        raise ConfigError(msg, hint=f"did you mean `{close[0]}`?" if close else None)
    if rubrics[0].mode == "choice" and alpha != "nominal":
        msg = f"`alpha` is {alpha}, and answers of which one is chosen have no order"
        raise ConfigError(msg, hint="leave it out, or take nominal")
    if rubrics[0].mode == "scalar" and alpha != "interval":
        _check_steps(alpha, rubrics)


def _check_steps(alpha: str, rubrics: Sequence[Rubric]) -> None:
    """Refuse scores that are any number; steps of one rubric are those of all, by aspect."""
    is_one = all(len(rubric.aspects) == 1 for rubric in rubrics)
    stepless: dict[str, str] = {}
    stepped: set[str] = set()
    for rubric in rubrics:
        for aspect, form in zip(rubric.aspects, rubric.verdicts, strict=True):
            name = rubrics[0].aspects[0].name if is_one else aspect.name
            if any(label.score is not None for label in form.labels):
                stepped.add(name)
            elif aspect.scale is not None and not aspect.scale.integer:
                stepless[name] = f"any number from {aspect.scale.low:g} to {aspect.scale.high:g}"
            else:
                stepped.add(name)
    for name, words in stepless.items():
        if name not in stepped:
            msg = f"`alpha` is {alpha}, and scores of `{name}` are {words}"
            raise ConfigError(msg, hint="leave it out, or take interval")
