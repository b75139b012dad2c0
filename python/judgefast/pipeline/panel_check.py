"""What would end one judge of several later is found before the first of them is paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.errors import ConfigError, EngineError, JudgefastError, ModelError
from judgefast.pipeline.judge import engine_of, rubric_in_force

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.pipeline.panel_judges import PanelJudge
    from judgefast.prompts.rubric import Rubric


def check_judges(judges: Sequence[PanelJudge]) -> dict[str, str]:
    """Refuse what one of the judges would refuse later.

    Returns:
        Names of judge models by the judge, where they are known: a server that is away has none
        yet, which is for its turn to say.

    Raises:
        ConfigError: An option does not fit its engine; or rubrics ask for other kinds of outcomes.
        RubricError: A rubric has a mistake.

    """
    rubrics: list[tuple[str, Rubric]] = []
    models: dict[str, str] = {}
    for judge in judges:
        try:
            rubric = rubric_in_force(judge.config)
            model = _model_of(judge, rubric)
        except JudgefastError as error:
            msg = f"judge `{judge.name}`: {error}"
            raise type(error)(msg, hint=error.hint) from None
        rubrics.append((judge.name, rubric))
        if model is not None:
            models[judge.name] = model
    _check_kinds(rubrics)
    return models


def _model_of(judge: PanelJudge, rubric: Rubric) -> str | None:
    if judge.engine is not None:
        return judge.engine.model.name
    if judge.config.engine == "replay":
        return None  # its recordings are read at its turn; what they were made by has no name
    engine = engine_of(judge.config, rubric, is_to_plan=True, tuned=False)
    try:
        return engine.model.name
    except (EngineError, ModelError):
        return None
    finally:
        engine.close()


def _check_kinds(rubrics: Sequence[tuple[str, Rubric]]) -> None:
    first_name, first = rubrics[0]
    for name, rubric in rubrics[1:]:
        kinds = [(one.mode, _scales(one)) for one in (first, rubric)]
        if kinds[0] != kinds[1]:
            words = [f"{mode}{f' on {scale}' if scale else ''}" for mode, scale in kinds]
            msg = f"judges `{first_name}` and `{name}` give other kinds of outcomes: "
            msg += " and ".join(words)
            raise ConfigError(msg, hint="judge by rubrics of one mode and one scale")


def _scales(rubric: Rubric) -> str:
    if rubric.mode != "scalar":
        return ""
    scales = {f"{one.scale.low:g} to {one.scale.high:g}" for one in rubric.aspects if one.scale}
    return ", ".join(sorted(scales))
