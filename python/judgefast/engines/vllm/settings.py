"""Settings of vLLM for this machine, this model and this data, each with its reason in words.

What the user has set stands; the rest is chosen here, and only where it is known to be better than
vLLM's own default. Why quantisation is as it is: docs/decisions/0016-settings.md.
"""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from judgefast.catalogue.attention import HALF
from judgefast.catalogue.fits import UTILISATION
from judgefast.engines.vllm.hardware import Gpu  # noqa: TC001 - msgspec reads it
from judgefast.engines.vllm.room import (
    Fit,
    Lengths,
    Machine,
    lengths_of,
    numbers_of,
)
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgefast.catalogue.shape import Shape
    from judgefast.engines.base import Workload

GIB = float(1 << 30)
FP8 = "fp8"

MOST_SEQUENCES = 512
"""Side by side, as far as vLLM captures graphs for."""
SEQUENCES = 256
"""Where memory is not known, and where prompts alone are computed: a step is full with fewer."""
_STEP = 8
"""Sequences and graphs come in multiples of it."""
_LENGTH_STEP = 64
_LARGE_BYTES = 70 * GIB
_LARGE_STEP_TOKENS, _STEP_TOKENS = 16_384, 8_192
_FREE_BYTES = GIB
"""Of a GPU that somebody else may hold without being in the way."""
_RECKONED_WITH = {"gpu_memory_utilization", "kv_cache_dtype", "quantization"}
"""What all the rest is chosen by, once it is the user's: what it would be else is not known."""
_SET = "set by --engine-arg"
_TENSOR, _PIPELINE = "tensor_parallel_size", "pipeline_parallel_size"

By = Literal["you", "judgefast", "vLLM"]


class Choice(msgspec.Struct, frozen=True):
    """One setting, and why it is so."""

    name: str
    value: Any
    by: By
    why: str

    @property
    def words(self) -> str:
        """One line for a person."""
        return f"{self.name}={_shown(self.value)} ({self.by}): {self.why}"


class Layout(NamedTuple):
    """Copies of the model, and where each goes."""

    replicas: int
    devices: tuple[str | None, ...]
    """What each sees of the GPUs; None for all of them."""
    fit: Fit | None
    """How a copy fits; None where its size, or the machine's, is not known."""
    machine: Machine | None


class Settings(NamedTuple):
    """What the replicas are started with."""

    layout: Layout
    arguments: dict[str, Any]
    """Of vLLM's `LLM`, beside those that the user gave."""
    choices: list[Choice]


class Wishes(NamedTuple):
    """What the user has said."""

    arguments: Mapping[str, Any]
    replicas: int | None
    devices: Sequence[str]
    may_think: bool = False
    """Whether the judge can; what it is asked to is the workload's to say, where there is one."""


def choose(
    gpus: Sequence[Gpu],
    shape: Shape,
    workload: Workload | None,
    wishes: Wishes,
) -> Settings:
    """Choose what the user has not.

    Args:
        gpus: That may be used; none on a CPU.
        shape: Of the model.
        workload: What is to be asked, where it is known.
        wishes: What the user has set; it stands.

    Raises:
        ConfigError: The model does not fit, or there are fewer GPUs than were asked for.

    """
    given = wishes.arguments
    longest = given.get("max_model_len") or shape.context
    lengths = lengths_of(workload, longest if isinstance(longest, int) else None)
    layout = _lay_out(gpus, shape, lengths, wishes)
    made = [*_parallel(layout, wishes), *_precision(layout, shape, lengths)]
    made += [*_length(lengths, shape.context), *_batch(layout, lengths)]
    if wishes.may_think if workload is None else workload.thinking_tokens:
        why = "an answer goes in before what waits, while its thinking is still in memory"
        made.append(Choice("scheduling_policy", "priority", "judgefast", why))
    if layout.machine is not None and layout.machine.utilisation != UTILISATION:
        why = "somebody else holds memory of a GPU; this is what they leave"
        made.append(Choice("gpu_memory_utilization", layout.machine.utilisation, "judgefast", why))
    choices = [_of_user(one, given) for one in made]
    choices += [
        Choice(name, value, "you", _SET)
        for name, value in given.items()
        if name not in {one.name for one in choices}
    ]
    arguments = {
        one.name: one.value for one in choices if one.by == "judgefast" and one.name != "replicas"
    }
    return Settings(layout, arguments, choices)


def _of_user(one: Choice, given: Mapping[str, Any]) -> Choice:
    if one.name not in given or one.by == "you":
        return one
    if one.name in _RECKONED_WITH:
        return Choice(one.name, given[one.name], "you", _SET)
    why = f"set by --engine-arg; judgefast would take {_shown(one.value)}"
    return Choice(one.name, given[one.name], "you", why)


def _lay_out(gpus: Sequence[Gpu], shape: Shape, lengths: Lengths, wishes: Wishes) -> Layout:
    """How many GPUs hold a copy, and how many copies there are."""
    given = wishes.arguments
    pipeline = int(given.get(_PIPELINE, 1))
    group = int(given[_TENSOR]) * pipeline if _TENSOR in given else None
    if wishes.devices:
        gpus, each = _named(gpus, wishes.devices)
        group = group or each
    machine = _machine(gpus, given) if gpus else None
    fit = None
    if machine is not None and pipeline == 1:
        fit = _best_fit(machine, shape, lengths, wishes, group)
    size = group or (fit.gpus if fit else pipeline)
    if wishes.devices:
        return Layout(len(wishes.devices), tuple(wishes.devices), fit, machine)
    if machine is None:
        replicas = wishes.replicas or 1
        counted = [str(each) for each in range(replicas * size)]
        return Layout(replicas, _devices(counted, replicas, size), None, None)
    replicas = wishes.replicas or max(1, len(gpus) // size)
    if replicas * size > len(gpus):
        msg = f"{replicas} x {size} GPUs are asked for, and there are {len(gpus)}"
        hint = f"lower replicas or {_TENSOR}; CUDA_VISIBLE_DEVICES says which GPUs there are"
        raise ConfigError(msg, hint=hint)
    devices = _devices([gpu.name for gpu in gpus], replicas, size)
    if len(gpus) == 1:
        devices = (None,)
    return Layout(replicas, devices, fit, machine)


def _named(gpus: Sequence[Gpu], devices: Sequence[str]) -> tuple[Sequence[Gpu], int | None]:
    """GPUs that the user has named, and how many each replica has; none where any is not known."""
    sets = [[name.strip() for name in one.split(",")] for one in devices]
    known = {gpu.name: gpu for gpu in gpus}
    names = [name for one in sets for name in one]
    if len({len(one) for one in sets}) > 1 or not all(name in known for name in names):
        return (), None
    return [known[name] for name in names], len(sets[0])


def _devices(names: Sequence[str], replicas: int, size: int) -> tuple[str | None, ...]:
    if replicas == 1 and size == len(names):
        return (None,)
    return tuple(",".join(names[each * size : (each + 1) * size]) for each in range(replicas))


def _machine(gpus: Sequence[Gpu], given: Mapping[str, Any]) -> Machine:
    cache = given.get("kv_cache_memory_bytes")
    share = UTILISATION
    if "gpu_memory_utilization" in given:
        share = float(given["gpu_memory_utilization"])
    elif any(gpu.used_bytes > _FREE_BYTES for gpu in gpus):
        free = min((gpu.total_bytes - gpu.used_bytes) / gpu.total_bytes for gpu in gpus)
        share = min(UTILISATION, max(0.01, floor(100 * free - 1) / 100))
    return Machine(gpus, share, cache if isinstance(cache, int) else None)


def _best_fit(
    machine: Machine, shape: Shape, lengths: Lengths, wishes: Wishes, group: int | None
) -> Fit | None:
    """The fewest GPUs that a copy works well on; where there is no such, what holds most.

    On as many GPUs, first as the checkpoint is; then with its weights rounded to 8 bits; then its
    cache too. A step is taken only where without it too few sequences fit, and it makes more fit.

    Raises:
        ConfigError: It does not fit on all of them.

    """
    most = len(machine.gpus) // (wishes.replicas or 1)
    sizes = [group] if group else [size for size in machine.groups(shape) if size <= most]
    fits: list[Fit] = []
    for size in sizes:
        for quantized, number in _precisions(machine, shape, lengths, wishes.arguments):
            fit = machine.fit(shape, lengths, size, quantized=quantized, cache_bytes=number)
            if fit is None:
                return None
            fits.append(fit)
            if fit.sequences >= lengths.busy and not fit.lacking:
                return fit
    whole = [fit for fit in fits if not fit.lacking]
    if whole:
        return max(whole, key=lambda fit: fit.sequences / fit.gpus)
    if group:  # the user knows better than these sums
        return max(fits, key=lambda fit: fit.room)
    if not fits:
        return None
    closest = min(fits, key=lambda fit: fit.lacking)
    product = machine.gpus[0].product
    msg = (
        f"the model does not fit: on {closest.gpus} x {product} it lacks "
        f"{closest.lacking / GIB:.1f} GiB for its weights and one sequence of "
        f"{lengths.longest:,} tokens"
    )
    hint = f"use more or larger GPUs or a smaller judge; {_TENSOR}=N tries it all the same"
    if lengths.is_known and closest.room > 0:
        hint = f"{hint}; max_model_len=N leaves out what is longer, and the rest is judged"
    raise ConfigError(msg, hint=hint)


def _precisions(
    machine: Machine, shape: Shape, lengths: Lengths, given: Mapping[str, Any]
) -> list[tuple[bool, int]]:
    """Ways to store weights and cache, in the order they are tried: rounded?, bytes of a number."""
    can_round = shape.quantized is None and all(gpu.takes_fp8 for gpu in machine.gpus)
    rounded = [False, True] if can_round else [False]
    if "quantization" in given:
        rounded = [shape.quantized is None and str(given["quantization"]).startswith(FP8)]
    numbers = [HALF]
    if "kv_cache_dtype" in given:
        numbers = [numbers_of(str(given["kv_cache_dtype"]))]
    elif (
        lengths.answer > 1
        and not (shape.is_sliding or shape.is_latent)
        and all(gpu.takes_fp8_cache for gpu in machine.gpus)
    ):
        numbers.append(1)
    if machine.cache_memory is not None:  # smaller weights leave it no more room
        return [(each, number) for each in rounded for number in numbers]
    ways = [(each, numbers[0]) for each in rounded]
    return ways + [(rounded[-1], number) for number in numbers[1:]]


def _parallel(layout: Layout, wishes: Wishes) -> list[Choice]:
    size = layout.fit.gpus if layout.fit else 1
    made = []
    if size > 1 and _TENSOR not in wishes.arguments:
        why = f"one copy needs {size} GPUs together"
        if wishes.devices:
            why = f"devices names {size} for each replica"
        made.append(Choice(_TENSOR, size, "judgefast", why))
    if wishes.replicas is not None or wishes.devices:
        made.append(Choice("replicas", layout.replicas, "you", _SET))
    elif layout.replicas > 1:
        where = "each GPU holds a copy" if size == 1 else f"each {size} GPUs hold a copy"
        made.append(Choice("replicas", layout.replicas, "judgefast", f"{where} of its own"))
    return made


def _precision(layout: Layout, shape: Shape, lengths: Lengths) -> list[Choice]:
    """How weights and cache are stored."""
    fit, machine = layout.fit, layout.machine
    if fit is None or machine is None:
        return []
    of_weights = (shape.weight_bytes or 0) / GIB
    each = machine.each * fit.gpus / GIB
    made = []
    if fit.weights_quantized:
        own = machine.fit(shape, lengths, fit.gpus, quantized=False, cache_bytes=HALF)
        held = own.sequences if own and not own.lacking else 0
        rounded = machine.fit(shape, lengths, fit.gpus, quantized=True, cache_bytes=HALF)
        then = rounded.sequences if rounded else fit.sequences
        why = (
            f"as they are the weights take {of_weights:.1f} of {each:.1f} GiB and leave room for "
            f"{held} sequences; rounded to 8 bits for {then}. Verdicts may differ from "
            "those of the model as published"
        )
        made.append(Choice("quantization", FP8, "judgefast", why))
    elif shape.quantized is None:
        can = all(gpu.takes_fp8 for gpu in machine.gpus)
        faster = f"; quantization={FP8} is faster, and may change verdicts" if can else ""
        why = f"as published they fit: {of_weights:.1f} of {each:.1f} GiB{faster}"
        made.append(Choice("quantization", None, "vLLM", why))
    else:
        why = f"the checkpoint's own: {of_weights:.1f} of {each:.1f} GiB"
        made.append(Choice("quantization", shape.quantized, "vLLM", why))
    room = (
        f"{fit.room / GIB:.1f} GiB hold {fit.sequences} sequences of {lengths.typical:,.0f} tokens"
    )
    if fit.cache_bytes < HALF:
        why = f"{room}; with 16 bits half as many, too few to keep the GPU busy"
        made.append(Choice("kv_cache_dtype", FP8, "judgefast", why))
    else:
        made.append(Choice("kv_cache_dtype", "auto", "vLLM", room))
    return made


def _length(lengths: Lengths, context: int | None) -> list[Choice]:
    if not lengths.is_known:
        return []
    length = _up(lengths.longest, _LENGTH_STEP)
    why = f"the longest prompt with its answer has {lengths.longest:,} tokens"
    if context is not None and length > context:
        length = context
    return [Choice("max_model_len", length, "judgefast", why)]


def _batch(layout: Layout, lengths: Lengths) -> list[Choice]:
    """Sequences side by side, and tokens of a step."""
    fit, machine = layout.fit, layout.machine
    most, why = SEQUENCES, "as many as are ever needed while memory is not known"
    if fit is not None and fit.sequences > 0:
        most, why = MOST_SEQUENCES, "as many as vLLM has graphs for, and memory holds more"
        if lengths.answer <= 1:
            most, why = SEQUENCES, "prompts alone fill a step with fewer"
        if fit.sequences < most:
            most = _down(fit.sequences, _STEP)
            why = f"memory holds {fit.sequences} of {lengths.typical:,.0f} tokens"
    if lengths.requests is not None:
        needed = _up(ceil(lengths.requests / layout.replicas), _STEP)
        if needed < most:
            most, why = needed, "there are no more requests"
    made = [Choice("max_num_seqs", most, "judgefast", why)]
    if machine is not None:
        small = min(gpu.total_bytes for gpu in machine.gpus) < _LARGE_BYTES
        is_a100 = any("A100" in gpu.product for gpu in machine.gpus)
        tokens = _STEP_TOKENS if small or is_a100 else _LARGE_STEP_TOKENS
        made.append(
            Choice("max_num_batched_tokens", tokens, "judgefast", "a step of this GPU is then full")
        )
    return made


def _up(number: int, step: int) -> int:
    return ceil(number / step) * step


def _down(number: int, step: int) -> int:
    return max(1, number if number < step else number // step * step)


def _shown(value: object) -> str:
    return "none" if value is None else str(value)
