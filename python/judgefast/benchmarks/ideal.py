"""The roofline of a run: what its tokens would take at the speed of the GPU's datasheet.

All FLOP/s and all bandwidth, nothing lost between steps, and as many sequences at once as ran: what
is left of 100 % is the engine's and ours.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from judgefast.catalogue.gpus import find_gpu, parse_gpus
from judgefast.catalogue.models import find_model
from judgefast.costs.efficiencies import Efficiencies
from judgefast.costs.ranges import Range
from judgefast.costs.roofline import rates_of
from judgefast.costs.timing import time_of
from judgefast.costs.workload import Answers, Workload
from judgefast.errors import ConfigError, JudgefastError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.benchmarks.records import Machine, Record, Sample
    from judgefast.catalogue.gpus import Gpu
    from judgefast.catalogue.shape import Precision, Shape

DATASHEET = Efficiencies(
    mfu=1.0,
    bandwidth=1.0,
    cache=1.0,
    cache_8bit=1.0,
    step_seconds=0.0,
    link=1.0,
    error=0.0,
    basis="datasheet",
    because="all that the datasheet promises",
)


def gpus_of(
    named: str | None, machine: Machine, engine: str, facts: dict[str, Any]
) -> tuple[Gpu | None, int]:
    """Say which GPUs an engine ran on, and how many.

    Args:
        named: `--gpu`; it counts more than what is seen.
        machine: Where it was measured.
        engine: Its name.
        facts: Of its start.

    Returns:
        None where the kind is not known; 0 where it ran on none of this machine's.

    Raises:
        ConfigError: There is no GPU of that name.

    """
    if named is not None:
        return parse_gpus(named)
    if engine != "vllm" or not machine.gpus:
        return None, 0
    arguments = facts.get("arguments", {})
    each = int(arguments.get("tensor_parallel_size", 1) or 1)
    each *= int(arguments.get("pipeline_parallel_size", 1) or 1)
    number = min(len(machine.gpus), each * int(facts.get("replicas", 1)))
    try:
        return find_gpu(machine.gpus[0].name), number
    except ConfigError:
        return None, number


def roofline_of(record: Record, gpu: Gpu | None) -> tuple[list[float] | None, str]:
    """Seconds of the judge phase at the datasheet's speed, for each sample; or why there are none.

    Args:
        record: What was measured.
        gpu: What on.

    """
    if gpu is None or not record.gpus:
        ask = f"of the catalogue ran it (engine {record.engine}): name it by --gpu"
        return None, "no GPU " + ("ran it" if record.engine == "embedded" else ask)
    if why := _uncounted(record.samples):
        return None, why
    try:
        shape = _shape_of(record)
    except JudgefastError as error:
        return None, f"sizes of the model are not known: {error}"
    if shape is None:
        return None, f"sizes of the model `{record.model}` are not known"
    facts, arguments = record.engine_facts, record.engine_facts.get("arguments", {})
    copies = int(facts.get("replicas", 1) or 1)
    cache = "fp8" if str(facts.get("cache_dtype", "")).startswith("fp8") else "16bit"
    try:
        rates = rates_of(
            shape,
            gpu,
            efficiencies=DATASHEET,
            gpus=max(1, record.gpus // copies),
            weights=_weights_of(facts, shape),
            cache=cast("Any", cache),
        )
    except ConfigError as error:
        return None, str(error)
    most = int(arguments.get("max_num_seqs") or facts.get("room", 2) // 2 or 1)
    seconds = [
        time_of(_workload_of(sample, record), rates, copies=copies, max_num_seqs=most).seconds
        for sample in record.samples
    ]
    return seconds, f"{record.gpus} x {gpu.key} at its datasheet's speed"


def _uncounted(samples: Sequence[Sample]) -> str | None:
    """Why it is not known what there was to do; None where it is."""
    if not samples:
        return "no run of its own was measured"
    counted = ("prompt_tokens", "cached_tokens", "generated_tokens")
    if any(getattr(sample, name) is None for sample in samples for name in counted):
        return "the engine does not count its tokens, or not those of its cache"
    return None


def _shape_of(record: Record) -> Shape | None:
    folder = record.engine_facts.get("model_folder")
    if folder and (Path(folder) / "config.json").is_file():
        return find_model(Path(folder)).shape
    return find_model(record.model).shape


def _weights_of(facts: dict[str, Any], shape: Shape) -> Precision | None:
    if shape.quantized:
        return None
    return "fp8" if str(facts.get("quantization", "")).startswith("fp8") else "bf16"


def _workload_of(sample: Sample, record: Record) -> Workload:
    """What was asked, in the sums of a workload."""
    requests = max(1, sample.requests)
    prompt = sample.prompt_tokens or 0
    most = max(1, record.workload.lengths.get("max_tokens", 1))
    written = (sample.generated_tokens or requests) / requests
    return Workload(
        items=record.workload.items,
        judgments=sample.judgments,
        requests=requests,
        prompt_tokens=prompt,
        computed_tokens=Range.exactly(prompt - (sample.cached_tokens or 0)),
        longest_prompt=-(-prompt // requests),
        answers=Answers(
            mean=Range.exactly(written),
            spread=0.0,
            most=max(most, round(written)),
            basis="measured",
            because="as the run wrote them",
        ),
        basis="counted",
        because="as the run counted them",
    )
