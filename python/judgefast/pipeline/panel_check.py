"""What would end one judge of several later is found before the first of them is paid."""

from __future__ import annotations

from contextlib import closing, suppress
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

from judgefast.errors import ConfigError, EngineError, JudgefastError, ModelError
from judgefast.pipeline.comparable import unlike
from judgefast.pipeline.judge import engine_of, rubric_in_force
from judgefast.pipeline.meter import check_budget, check_money
from judgefast.pipeline.named_family import refuse_named
from judgefast.pipeline.panel_aspects import JOINED_BY_NAMES, without_aspect_in_common
from judgefast.pipeline.panel_directory import run_folder
from judgefast.pipeline.panel_twins import refuse_twins

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from judgefast.engines.base import Engine
    from judgefast.pipeline.panel_judges import PanelJudge
    from judgefast.prompts.rubric import Rubric


class Checked(NamedTuple):
    """What is known of judges before they start, by their names."""

    models: dict[str, str]
    """Names of judge models, where they are known: a server that is away has none yet, which is for
    its turn to say."""
    replays: dict[str, Engine]
    """Engines of recorded outputs, which were read for it."""


def check_judges(judges: Sequence[PanelJudge]) -> Checked:
    """Refuse what one of the judges would refuse later.

    Raises:
        ConfigError: An option does not fit its engine; two judges are one; or rubrics ask for other
            kinds of outcomes.
        DataError: Recorded outputs cannot be read.
        RubricError: A rubric has a mistake.

    """
    rubrics: list[tuple[PanelJudge, Rubric]] = []
    found = Checked({}, {})
    for judge in judges:
        try:
            rubric = rubric_in_force(judge.config)
            check_budget(judge.config)
            _add(found, judge, rubric)
        except JudgefastError as error:
            msg = f"judge `{judge.name}`: {error}"
            raise type(error)(msg, hint=error.hint) from None
        rubrics.append((judge, rubric))
    refuse_twins(rubrics)
    _check_kinds([(judge.name, rubric) for judge, rubric in rubrics])
    return found


def _add(found: Checked, judge: PanelJudge, rubric: Rubric) -> None:
    if judge.engine is not None:
        found.models[judge.name] = judge.engine.model.name
        return
    if judge.config.engine == "replay":
        engine = engine_of(judge.config, rubric, judge.recorded, tuned=False)
        found.replays[judge.name] = engine
        found.models[judge.name] = engine.model.name
        return
    engine = engine_of(judge.config, rubric, is_to_plan=True, tuned=False)
    with closing(engine), suppress(EngineError, ModelError):
        found.models[judge.name] = engine.model.name
        check_money(judge.config, engine)


def check_extension(judges: Sequence[PanelJudge], data: Any) -> None:  # noqa: ANN401 - any rows
    """Refuse to extend several judges by what only the first of them could read.

    Raises:
        ConfigError: The rows are those of stdin, or of an iterator.

    """
    if len(judges) <= 1 or not any(judge.config.extend for judge in judges):
        return
    if any("-" in judge.config.data for judge in judges) or hasattr(data, "__next__"):
        msg = "`extend` reads the rows once for each judge, and these can be read only once"
        raise ConfigError(msg, hint="save them to a file first, or give them as a list")


def check_named(judges: Sequence[PanelJudge], out: Path, data: Any) -> None:  # noqa: ANN401 - any rows
    """Refuse a judge of a candidate's own family before any server hears of any of them.

    Raises:
        ConfigError: One of them is, by the name of its model and the first rows.

    """
    configs = {
        judge.name: judge.config.replace(out=str(run_folder(out, judge.name)))
        for judge in judges
        if judge.engine is None
    }
    refuse_named(configs, data)


def _check_kinds(rubrics: Sequence[tuple[str, Rubric]]) -> None:
    """Refuse what could not be joined when all is judged."""
    for (name, rubric), (other_name, other) in combinations(rubrics, 2):
        if differing := unlike(rubric, other):
            msg = f"judges `{name}` and `{other_name}` give other kinds of outcomes: "
            msg += "; ".join(differing)
            raise ConfigError(msg, hint="judge by rubrics of one mode and one scale")
    if words := without_aspect_in_common([(f"judge `{name}`", one) for name, one in rubrics]):
        raise ConfigError(words, hint=JOINED_BY_NAMES)
