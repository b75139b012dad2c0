"""What a reader of an estimate should know: what does not fit, and what another precision costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from judgefast.costs.alternatives import money_of
from judgefast.costs.estimate import estimate
from judgefast.errors import ConfigError
from judgefast.journal.manifest import read_manifest
from judgefast.pipeline.setting import setting_for
from judgefast.reports.ranges import figure
from judgefast.reports.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgefast.catalogue.gpus import Gpu
    from judgefast.catalogue.models import Model
    from judgefast.costs.estimates import Estimate
    from judgefast.costs.rates_store import Record
    from judgefast.costs.workload import Answers, Workload
    from judgefast.pipeline.setting import CostWishes
    from judgefast.prompts.decoding import Decoding
    from judgefast.prompts.rubric import Rubric
    from judgefast.reports.plan_report import PlanReport

_MATTERS = 0.05
"""Share of the time by which another precision must differ to be worth a line."""
_HOUR, _MINUTE = 3600.0, 60.0


def of_context(model: Model, workload: Workload, plan: PlanReport | None) -> list[str]:
    """Hold prompts and answers to the judge's context.

    Args:
        model: The judge.
        workload: What is asked.
        plan: Of the data, which has left out what is too long; None: of a shape.

    Raises:
        ConfigError: The prompts of a shape do not fit.

    """
    context = _context(model)
    if context is None:
        return [f"the context of `{model.name}` is not known: whether prompts fit is not checked"]
    if plan is not None:
        out = plan.requests.too_long
        if not out:
            return []
        many = plural(out, "judgment")
        words = (
            f"{many} of {plan.requests.judgments:,} too long for the judge's context of "
            f"{context:,} tokens: they fail without being sent, and are not priced"
        )
        return [words]
    needed = workload.longest_prompt + workload.answers.most
    if needed > context:
        msg = (
            f"prompts of {workload.longest_prompt:,} tokens with answers of up to "
            f"{workload.answers.most:,} do not fit `{model.name}`, which reads {context:,}"
        )
        raise ConfigError(msg, hint="give shorter lengths, or take a judge that reads more")
    return []


def of_pilot(wishes: CostWishes, model: Model, rubric: Rubric, answers: Answers) -> list[str]:
    """Say whether the answers of the pilot are used, and whether they are another judge's.

    Raises:
        ConfigError: They are of another rubric.
        RunDirectoryError: It is no run.

    """
    if wishes.pilot is None:
        return []
    manifest = read_manifest(Path(wishes.pilot))
    if answers.basis != "measured":
        return [f"how long the pilot's answers are is not used: {answers.because}"]
    if manifest.rubric.name != rubric.name:
        msg = (
            f"the pilot `{wishes.pilot}` is of rubric `{manifest.rubric.name}`: its answers say "
            f"nothing of how long those of `{rubric.name}` are"
        )
        raise ConfigError(msg, hint="judge a few items by this rubric, or give --answer-tokens N")
    names = {each.rpartition("/")[2].casefold() for each in (model.key, *model.names)}
    judge = manifest.model.name
    if judge.rstrip("/").rpartition("/")[2].casefold() in names:
        return []
    return [f"the pilot was judged by `{judge}`: `{model.name}` may write more, or less"]


def of_cap(answers: Answers, decoding: Decoding) -> list[str]:
    """Say where longer answers were given than the rubric lets a judge write."""
    mean, cap = answers.mean.likely, decoding.most_tokens
    if answers.basis != "given" or decoding.probabilities or mean <= cap:
        return []
    words = (
        f"the rubric cuts answers at {cap:,} tokens, and {mean:,.0f} are priced because they were "
        "given: `max_tokens` of a rubric of your own lets the judge write them"
    )
    return [words]


def _context(model: Model) -> int | None:
    shape = model.shape
    return model.context or (shape.context if shape is not None else None)


def of_precision(  # noqa: PLR0913 - as `setting_for`
    made: Estimate,
    model: Model,
    gpu: Gpu,
    wishes: CostWishes,
    *,
    is_quantized: bool,
    among: Sequence[Record],
) -> Iterator[str]:
    """Say what the precision would cost that was not chosen, where nobody has asked for one.

    Args:
        made: The estimate as it was asked.
        model: The judge.
        gpu: The kind of accelerator.
        wishes: What the user says.
        is_quantized: The checkpoint itself is; its weights stay as they are.
        among: What was measured on this machine.

    """
    placed = made.placed
    others: list[tuple[str, str, dict[str, str]]] = []
    if wishes.cache is None:
        other = "16bit" if placed.cache == "fp8" else "fp8"
        others.append(("--cache", other, {"cache": other}))
    if wishes.weights is None and not is_quantized and placed.weights in {"bf16", "fp8"}:
        other = "bf16" if placed.weights == "fp8" else "fp8"
        others.append(("--weights", other, {"weights": other}))
    for flag, name, change in others:
        # The other one's setting stays as it is: one change at a time is priced.
        stays: dict[str, str | None] = {"cache": placed.cache, "weights": placed.weights}
        if is_quantized:
            stays["weights"] = wishes.weights
        wished = msgspec.structs.replace(wishes, **stays | change)
        try:
            setting = setting_for(
                model,
                gpu,
                wished,
                made.workload,
                gpus=placed.gpus,
                advises=False,
                among=among,
            )
            found = estimate(made.workload, setting)
        except ConfigError:  # it does not fit so, or the accelerator has no such numbers
            continue
        before, after = made.seconds.likely, found.seconds.likely
        if abs(after - before) > _MATTERS * before:
            yield (
                f"{flag} {name}: {_sum(found)} in place of {_sum(made)}; another precision may "
                "change verdicts"
            )


def _sum(found: Estimate) -> str:
    """Time, and money where there is a price."""
    seconds, money = found.seconds.likely, money_of(found)
    unit, size = ("h", _HOUR) if seconds >= _HOUR / 2 else ("min", _MINUTE)
    words = f"{figure(seconds / size)} {unit}"
    return words if money is None else f"{words}, ${money.usd.likely:,.2f}"
