"""What a run is foretold to take, from the plan that it has just made; kept before it is begun.

The rates are those that were calibrated on this machine, else, on GPUs of the catalogue, those of
the roofline. Where neither is known nothing is said, and the manifest says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from judgefast.costs.adaptive import ASSUMED, with_open
from judgefast.costs.estimates import Estimate, Placed
from judgefast.costs.ranges import Range
from judgefast.costs.rates_store import answers_before, known, now, records
from judgefast.errors import ConfigError, JudgefastError
from judgefast.journal.forecast import Forecast
from judgefast.pipeline.speed import (
    can_be_measured,
    gpus_of,
    kind_of,
    machine_of,
    options_of,
    place_of,
    setting_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.config import RunConfig
    from judgefast.costs.calibration import Place
    from judgefast.costs.estimate import Setting
    from judgefast.costs.rates import Rates
    from judgefast.costs.rates_store import Known, Record
    from judgefast.costs.workload import Answers, Workload
    from judgefast.engines.base import Engine
    from judgefast.journal.run_directory import RunDirectory
    from judgefast.pipeline.adaptive import SecondOrders
    from judgefast.pipeline.judge import Judge
    from judgefast.pipeline.plan import RunPlan
    from judgefast.pipeline.speed import Kind

CALIBRATE = "judgefast estimate --calibrate --engine {}"


def record_forecast(
    directory: RunDirectory,
    plan: RunPlan,
    judge: Judge,
    config: RunConfig,
    seconds: SecondOrders | None = None,
) -> None:
    """Keep in the manifest what the whole plan is foretold to take, unless it is there already.

    A run that has grown has a new plan, and is foretold anew.
    """
    if directory.manifest.estimate is not None or not can_be_measured(judge.engine):
        return
    try:
        found = forecast(plan, judge, config, directory.manifest.data.identity, seconds)
    except JudgefastError as error:  # whatever cannot be foretold can still be judged
        found = Forecast(made=now(), reason=str(error))
    directory.record_estimate(msgspec.to_builtins(found))


def forecast(
    plan: RunPlan,
    judge: Judge,
    config: RunConfig,
    data: str,
    seconds: SecondOrders | None = None,
) -> Forecast:
    """Foretell what the engine will take for a plan.

    Args:
        plan: What is asked.
        judge: Who is asked; not started.
        config: The options of the run.
        data: Identity of the data.
        seconds: Of adaptive orders: those that may not be needed.

    Raises:
        JudgefastError: It cannot be foretold; the message says why.

    """
    from judgefast.pipeline.survey import sent_rows  # noqa: PLC0415 - as below
    from judgefast.pipeline.workloads import workload_from_plan  # noqa: PLC0415 - half a second

    engine, decoding = judge.engine, judge.prompts.decoding
    measured = records()
    here = known(setting_of(engine), measured)
    if here is None and not gpus_of(engine):  # before the plan is summed up, which takes a while
        how = CALIBRATE.format(engine.name)
        reason = f"this judge was never calibrated on this machine: {how}"
        return Forecast(made=now(), reason=reason)
    kind = kind_of(engine, decoding)
    answers = _answers(judge, data, measured)
    orders = 2 if judge.rubric.mode in {"pairwise", "choice"} and config.orders != "one" else 1
    workload = workload_from_plan(plan, answers, orders=orders)
    if seconds is not None:
        least = np.count_nonzero(seconds.needed_anyway & sent_rows(plan))
        workload = with_open(workload, float(least), ASSUMED)
    workload = msgspec.structs.replace(workload, held=kind.is_held)
    cpu = None
    if here is None or gpus_of(engine):
        setting = gpu_setting(engine, config, workload, measured)
        estimate = _on_gpus(setting, workload, here, kind)
    else:
        estimate, cpu = _on_cpu(engine, workload, here, kind)
    return Forecast(
        made=now(),
        estimate=estimate,
        cpu_seconds=cpu,
        answer_tokens=answers.mean.by(workload.asked).times(
            workload.requests * (1 + kind.label_reads)
        ),
    )


def _answers(judge: Judge, data: str, measured: Sequence[Record]) -> Answers:
    """How much the judge will write: as it did when it was asked this before, else by the cap."""
    from judgefast.pipeline.answers import answers_of  # noqa: PLC0415 - as above

    decoding = judge.prompts.decoding
    if not decoding.probabilities:
        setting = setting_of(judge.engine)
        before = answers_before(setting, judge.prompts.prompt_hash, data, measured)
        if before is not None:  # one that was never seen may still be cut at the cap alone
            return msgspec.structs.replace(before, most=max(before.most, decoding.most_tokens))
    return answers_of(decoding)


def _on_cpu(
    engine: Engine, workload: Workload, known: Known, kind: Kind
) -> tuple[Estimate, Range | None]:
    from judgefast.costs.estimate import priced  # noqa: PLC0415 - as above

    place = place_of(engine)
    rates = known.rates("wall", **kind._asdict(), requests=workload.requests)
    assert rates is not None  # the clock was read
    memory = getattr(engine, "cache_memory", None)
    placed = Placed(
        model=engine.model.name,
        gpu=machine_of(engine),
        gpus=0,  # none is rented
        copies=place.copies,
        weights="as loaded",
        cache="as loaded",
        weight_bytes=0,
        kv_bytes_per_token=float((memory(1, 1) if memory else None) or 0.0),
        room_tokens=0 if place.room_tokens == float("inf") else int(place.room_tokens),
        batch=0.0,
        limit="requests",
    )
    estimate = priced(
        workload,
        placed,
        rates,
        max_num_seqs=place.max_num_seqs,
        max_num_batched_tokens=place.batched_tokens,
    )
    by_cpu = known.rates("cpu", **kind._asdict(), requests=workload.requests)
    return estimate, None if by_cpu is None else seconds_within(workload, by_cpu, place)


def seconds_within(workload: Workload, rates: Rates, place: Place) -> Range:
    """Seconds at the ends of what is not known of a workload, and of its rates."""
    low, likely, high = (place.seconds(workload, rates, end) for end in ("low", "likely", "high"))
    return Range(low / (1 + rates.error), likely, high * (1 + rates.error))


def _on_gpus(setting: Setting, workload: Workload, known: Known | None, kind: Kind) -> Estimate:
    from judgefast.costs.estimate import estimate  # noqa: PLC0415 - as above

    if known is not None:
        rates = known.rates("wall", **kind._asdict(), requests=workload.requests)
        setting = msgspec.structs.replace(setting, rates=rates)
    return estimate(workload, setting)


def gpu_setting(
    engine: Engine,
    config: RunConfig,
    workload: Workload,
    measured: Sequence[Record] | None = None,
) -> Setting:
    """How a judge is set up on the GPUs of this machine, by the catalogue.

    Args:
        engine: Which GPUs it works on, and how it is set up.
        config: The options of the run: `gpu`, `price`, `provider`.
        workload: What is asked.
        measured: On this machine; None: the file is read.

    Raises:
        ConfigError: They are not in the catalogue, or the model is not known.

    """
    from judgefast.catalogue.gpus import find_gpu, parse_gpus  # noqa: PLC0415 - as above
    from judgefast.catalogue.models import model_of  # noqa: PLC0415 - as above
    from judgefast.pipeline.setting import (  # noqa: PLC0415 - as above
        CostWishes,
        setting_for,
        with_engine_args,
    )

    here = gpus_of(engine)
    gpu = parse_gpus(config.gpu)[0] if config.gpu else find_gpu(here[0])
    wishes = CostWishes(price=config.price, provider=config.provider)
    wishes = with_engine_args(wishes, options_of(engine))
    folder: Any = getattr(engine, "folder", None)
    if folder is None:
        msg = f"the engine `{engine.name}` does not say where its model is"
        raise ConfigError(msg)
    return setting_for(model_of(folder.path), gpu, wishes, workload, gpus=len(here), among=measured)
