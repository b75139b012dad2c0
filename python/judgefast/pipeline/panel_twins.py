"""Judges that are one: refused where that is known before they are paid, and told where not."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgefast.pipeline.panel_join import Joined
    from judgefast.pipeline.panel_judges import PanelJudge
    from judgefast.prompts.rubric import Rubric

_OF_NO_ANSWER: dict[str, Any] = {
    "rubric": "",
    "budget": (),
    "gpu": None,
    "price": None,
    "provider": None,
    "family": None,
    "allow_self": False,
}
"""Options that change no answer; the rubric is compared by what it says."""


def refuse_twins(judges: Sequence[tuple[PanelJudge, Rubric]]) -> None:
    """Refuse two judges that would say the same, and be paid twice.

    Args:
        judges: Each with its rubric as it is in force.

    Raises:
        ConfigError: Two differ in nothing but names, budgets, prices and families.

    """
    for (one, one_rubric), (other, other_rubric) in combinations(judges, 2):
        if one.engine is not other.engine or one.recorded is not other.recorded:
            continue
        if _says(one) == _says(other) and _asks(one_rubric) == _asks(other_rubric):
            msg = f"`{one.name}` and `{other.name}` are the same judge under two names"
            hint = "leave one out; --repeats asks one judge more often"
            raise ConfigError(msg, hint=hint)


def answering_alike(joined: Joined) -> Iterator[str]:
    """Say of which two judges one model seems to have answered the same prompts."""
    for (name, reading), (other_name, other) in combinations(
        zip(joined.judges, joined.readings, strict=True), 2
    ):
        one, two = reading.directory.manifest, other.directory.manifest
        if "replay" in {one.engine.name, two.engine.name}:
            continue  # whose texts they are is not known
        if one.judge == two.judge and one.rubric.prompt_hash == two.rubric.prompt_hash:
            yield (
                f"{name} and {other_name} both answer as `{one.judge}`, and to the same prompts: "
                "where that is one model, their agreement says how steady it is, not how right."
            )


def _says(judge: PanelJudge) -> str:
    config = judge.config.replace(**_OF_NO_ANSWER)
    if config.recorded is not None:
        config = config.replace(recorded=str(Path(config.recorded).resolve()))
    return repr(config)


def _asks(rubric: Rubric) -> Rubric:
    """The rubric without what no judge sees and no answer is read by."""
    return msgspec.structs.replace(rubric, name="", source="", file="")
