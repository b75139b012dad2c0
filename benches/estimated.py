"""An estimate before a setting is measured: GPU-hours for 10,000 judgments of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgefast.benchmarks.figures import BATCH
from judgefast.catalogue.gpus import find_gpu
from judgefast.catalogue.models import find_model
from judgefast.costs.efficiencies import efficiencies_of
from judgefast.costs.ranges import Range
from judgefast.costs.roofline import place, rates_of
from judgefast.costs.timing import time_of
from judgefast.costs.workload import Answers, Workload
from judgefast.engines.vllm.hardware import find_gpus
from judgefast.errors import JudgefastError
from model_shapes import NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gpu_settings import Setting

FRAME = 70
"""Tokens of a prompt beside rubric, question and answers: marks and chat template."""
_HOUR = 3600.0


def estimate_of(setting: Setting, named: str | None) -> dict[str, Any]:
    """Estimate a setting by the fitted roofline, for a GPU by its name or the first one here.

    Returns:
        `words`, and where it could be estimated `gpu_hours`, `low` and `high`.

    """
    here = find_gpus()
    name = named or (here[0].product if here else None)
    if name is None or setting.shapes not in NAMES:
        return {"words": "nothing, for want of a GPU: name one by --gpu"}
    try:
        gpu, shape = find_gpu(name), find_model(NAMES[setting.shapes]).shape
        if shape is None:
            return {"words": f"nothing: sizes of {NAMES[setting.shapes]} are not known"}
        workload = workload_of(setting)
        weights: Any = None if shape.quantized else setting.weights
        cache: Any = setting.cache
        reached = efficiencies_of(gpu=gpu, shape=shape, weights=weights, workload=workload)
        rates = rates_of(shape, gpu, efficiencies=reached, weights=weights, cache=cache)
        placed = place(
            shape,
            gpu,
            model=NAMES[setting.shapes],
            workload=workload,
            weights=weights,
            cache=cache,
            max_num_seqs=setting.sequences,
            utilisation=0.95,
        )
        timed = time_of(
            workload,
            rates,
            room_tokens=placed.room_tokens,
            max_num_seqs=setting.sequences,
            max_num_batched_tokens=16_384,
        )
    except JudgefastError as error:
        return {"words": f"nothing: {error}"}
    hours = Range.within((timed.seconds - timed.run_out) / _HOUR, rates.error)
    return {
        "gpu": gpu.key,
        "gpu_hours": hours.likely,
        "low": hours.low,
        "high": hours.high,
        "because": rates.because,
        "words": f"{hours.likely:.3f} GPU-hours ({hours.low:.3f} to {hours.high:.3f}) for "
        f"{BATCH:,} judgments on {gpu.key}, {timed.batch:.0f} at once; {rates.because}",
    }


def workload_of(setting: Setting) -> Workload:
    """What 10,000 judgments of a setting ask; the rubric is found in the cache, the rest is not."""
    shape = setting.workload
    own = shape.question + 2 * shape.answer
    prompt = shape.rubric + own + FRAME
    return Workload(
        items=BATCH // (2 if shape.orders == "both" else 1),
        judgments=BATCH,
        requests=BATCH,
        prompt_tokens=BATCH * prompt,
        computed_tokens=Range.exactly(BATCH * (own + FRAME // 2)),
        longest_prompt=prompt,
        answers=Answers(
            mean=Range.exactly(shape.max_tokens),
            spread=0.0,
            most=shape.max_tokens,
            basis="given",
            because="lengths are forced",
        ),
        orders=2 if shape.orders == "both" else 1,
        basis="given",
        because="lengths of the setting",
    )


def hours_of(blocks: Sequence[dict[str, Any]]) -> float:
    """Hours that 10,000 judgments take at the rate of our blocks, which is that of a long run."""
    ours = [block for block in blocks if not block["raw"]]
    rate = sum(block["ended"] for block in ours) / sum(block["seconds"] for block in ours)
    return float(BATCH / rate / _HOUR)
