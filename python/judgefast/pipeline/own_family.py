"""A judge of a candidate's own family: refused before anything is asked, or said in the report."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from judgefast.catalogue.families import read_families, with_given
from judgefast.errors import ConfigError
from judgefast.reports.families import JudgeFamilies, OwnAnswers, own_words, strange_words
from judgefast.reports.words import name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgefast.config import RunConfig
    from judgefast.datasets.columns import ItemColumns
    from judgefast.datasets.items import Item
    from judgefast.journal.manifest import Manifest
    from judgefast.pipeline.results import Reading

ALLOWED = "name a judge of another family, or add --allow-self; the report then says so"


def answers_by_model(items: ItemColumns) -> dict[str | None, int]:
    """Count the answers of each model; those that name none under None."""
    named = items.model[items.model >= 0]
    counts: dict[str | None, int] = dict(
        zip(items.models, np.bincount(named, minlength=len(items.models)).tolist(), strict=True)
    )
    unnamed = int(items.num_answers.sum()) - len(named)
    return counts | ({None: unnamed} if unnamed else {})


def models_of(items: list[Item]) -> dict[str | None, int]:
    """Count the answers of each model in a window of a stream."""
    return dict(Counter(answer.model for item in items for answer in item.answers))


def families_of(judge: str, given: str | None, answers: Mapping[str | None, int]) -> JudgeFamilies:
    """Compare the judge's families with the candidates'.

    Args:
        judge: Name of the judge model.
        given: Its family as a user says it; None for what the name says.
        answers: Answers by the model that wrote them; None for no name.

    Raises:
        ConfigError: What is given says nothing, or the user's own rows cannot be read.

    """
    if given is None:
        known = read_families()
        families = known.of(judge)
    else:
        known, families = with_given(given)
        if not families:
            msg = f"`family` is `{given}`, which names no family"
            raise ConfigError(msg, hint="write a family such as qwen, or leave `family` out")
    own: list[OwnAnswers] = []
    unknown: dict[str, int] = {}
    for model, count in answers.items():
        if model is None or not count:
            continue
        theirs = known.of(model)
        shared = sorted({*families} & {*theirs})
        if shared or known.same(judge, model):
            own.append(OwnAnswers(model=model, answers=count, families=shared))
        elif not theirs or known.lacks_base(theirs):
            unknown[model] = count
    return JudgeFamilies(
        judge=judge,
        families=list(families),
        given=given is not None,
        strange=sorted(known.strange - {key for one in own for key in one.families}),
        base_unknown=known.lacks_base(families),
        own=sorted(own, key=lambda one: (-one.answers, one.model)),
        unknown=unknown,
        unnamed=answers.get(None, 0),
    )


def families_of_run(reading: Reading) -> JudgeFamilies:
    """Compare them for a report."""
    judge = reading.directory.manifest.model.name
    return families_of(judge, reading.config.family, answers_by_model(reading.items))


def strangers_of(config: RunConfig, judge: str, items: ItemColumns) -> list[str]:
    """Say before anything is asked what a user gave as the judge's family and is not known."""
    if config.family is None:
        return []
    found = families_of(judge, config.family, answers_by_model(items))
    return [strange_words(found)] if found.strange else []


def as_started(config: RunConfig, manifest: Manifest) -> RunConfig:
    """Allow again what a run that is there was begun with.

    Its rows and judge are the same; only an extension brings candidates that nobody has allowed.
    """
    allows = not config.extend or bool(manifest.config.get("allow_self"))
    return config.replace(allow_self=True) if allows else config


def refuse_own(config: RunConfig, judge: str, answers: Mapping[str | None, int]) -> JudgeFamilies:
    """Refuse a judge of a candidate's own family, unless that is allowed.

    Raises:
        ConfigError: It would judge its own; the message says whom, and how many answers.

    """
    found = families_of(judge, config.family, answers)
    if found.own and not config.allow_self:
        of = ", ".join(map(name, found.families)) or "not known"
        msg = (
            f"the judge `{name(judge)}` (family {of}) would judge answers of its own family: "
            f"{own_words(found)}"
        )
        raise ConfigError(msg, hint=ALLOWED)
    return found
