"""How a judge is set up on accelerators that are not here: as our vLLM engine would set itself up.

Layout, precision and sequences are chosen by the engine's own code (`engines/vllm/settings.py`),
from the memory that the catalogue has of each accelerator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from judgefast.catalogue.gpus import read_gpus
from judgefast.catalogue.prices import typical
from judgefast.catalogue.shape import Precision  # noqa: TC001 - msgspec reads annotations
from judgefast.config import in_words
from judgefast.costs.estimate import Setting
from judgefast.costs.offers import offers_of
from judgefast.costs.preemptions import preemptions_of
from judgefast.costs.starting import StartWishes, starting_of
from judgefast.engines.base import Workload as Asked
from judgefast.engines.vllm.hardware import Gpu as Seen
from judgefast.engines.vllm.settings import Settings, Wishes, choose
from judgefast.errors import ConfigError
from judgefast.pipeline.measured_rates import with_measured

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from judgefast.catalogue.gpus import Gpu
    from judgefast.catalogue.models import Model
    from judgefast.catalogue.shape import Shape
    from judgefast.config import RunConfig
    from judgefast.costs.rates_store import Record
    from judgefast.costs.workload import Workload

MEMORY_SHARE = 0.97
"""Of its memory as sold that an accelerator's driver reports, where its own figure is not known."""
_SAID = {"quantization", "kv_cache_dtype", "tensor_parallel_size", "replicas", "max_num_seqs"}
"""Settings whose reasons a reader of an estimate wants."""
_MOST_PLACES = 3
_SIZES = (1, 2, 4, 8)
_FP8_BEFORE_HOPPER = ("L4", "L40", "RTX")
_WITH_FP8, _WITH_FP8_CACHE, _WITHOUT = (8, 9), (9, 0), (8, 0)


class CostWishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the user says of an estimate, beside the options of a run. None: chosen or assumed."""

    gpu: str | None = None
    """Kind and number, as `H200:2`."""
    price: float | None = None
    provider: str | None = None
    gpus_per_copy: int | None = None
    replicas: int | None = None
    weights: Precision | None = None
    cache: Literal["16bit", "fp8"] | None = None
    max_num_seqs: int | None = None
    answer_tokens: float | None = None
    thinking_tokens: float | None = None
    pilot: str | None = None
    preemptions_per_day: float | None = None
    checkpoint_seconds: float | None = None
    starts: StartWishes = StartWishes()

    def check(self) -> None:
        """Refuse what is out of range.

        Raises:
            ConfigError: Names the flag.

        """
        for name in ("gpus_per_copy", "replicas", "max_num_seqs"):
            value = getattr(self, name)
            if value is not None and value < 1:
                msg = f"--{name.replace('_', '-')} is {value}; it must be at least 1"
                raise ConfigError(msg)
        self.starts.check()


def wishes_from(named: dict[str, Any], config: RunConfig) -> CostWishes:
    """Read what the user says of an estimate.

    Args:
        named: Fields of `CostWishes` and of `StartWishes`, without those that a run has too.
        config: The options of the run: `gpu`, `price`, `provider`.

    Raises:
        ConfigError: A value is of the wrong kind.

    """
    of_starts = set(StartWishes.__struct_fields__)
    told: dict[str, Any] = {name: getattr(config, name) for name in ("gpu", "price", "provider")}
    told |= {name: value for name, value in named.items() if name not in of_starts}
    told["starts"] = {name: value for name, value in named.items() if name in of_starts}
    try:
        return msgspec.convert(told, CostWishes, strict=True)
    except msgspec.ValidationError as error:
        msg = f"estimate: {in_words(str(error))}"
        raise ConfigError(msg) from None


def with_engine_args(wishes: CostWishes, given: Mapping[str, Any]) -> CostWishes:
    """Add what `--engine-arg` says of layout and precision, where no flag of the estimate does.

    Args:
        wishes: What the user says of the estimate; it stands.
        given: Options of the vLLM engine by name.

    """
    small = str(given.get("kv_cache_dtype", "auto")).startswith("fp8")
    said = {
        "gpus_per_copy": _whole(given.get("tensor_parallel_size")),
        "replicas": _whole(given.get("replicas")),
        "max_num_seqs": _whole(given.get("max_num_seqs")),
        "cache": "fp8" if small else "16bit" if "kv_cache_dtype" in given else None,
        "weights": "fp8" if str(given.get("quantization", "")).startswith("fp8") else None,
    }
    missing = {name: value for name, value in said.items() if getattr(wishes, name) is None}
    return msgspec.structs.replace(wishes, **missing)


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int | str) and str(value).isdigit() else None


def setting_for(  # noqa: PLR0913 - where and what, and two settings by keyword
    model: Model,
    gpu: Gpu,
    wishes: CostWishes,
    workload: Workload,
    *,
    gpus: int = 1,
    advises: bool = True,
    among: Sequence[Record] | None = None,
) -> Setting:
    """Set a judge up on so many accelerators of a kind, and price it.

    Args:
        model: The judge.
        gpu: The kind of accelerator.
        wishes: What the user says; it stands.
        workload: What is asked: lengths decide how many sequences fit.
        gpus: How many of them are rented.
        advises: Look for what would fit where it does not; who tries many places has no need of it.
        among: What was measured on this machine; None: the file is read.

    Raises:
        ConfigError: Its shape is not known, or it does not fit: by how much, and what would fit.

    """
    wishes.check()
    shape = _as_wished(model, wishes)
    known = _with_memory(gpu)
    try:
        chosen = _chosen(shape, known, gpus, wishes, workload)
    except ConfigError as error:
        hint = _what_fits(shape, gpu, gpus, wishes, workload) if advises else error.hint
        raise ConfigError(str(error), hint=hint) from None
    fit = chosen.layout.fit
    of_copy = fit.gpus if fit else wishes.gpus_per_copy or 1
    given = chosen.arguments
    is_rounded = fit is not None and fit.weights_quantized
    is_small = fit is not None and fit.cache_bytes == 1
    preemptions = preemptions_of(wishes.preemptions_per_day, wishes.checkpoint_seconds)
    if wishes.starts.warm:  # the machine that takes the place of another one is cold
        cold = starting_of(shape.weight_bytes, msgspec.structs.replace(wishes.starts, warm=False))
        preemptions = msgspec.structs.replace(preemptions, restart=cold.seconds)
    setting = Setting(
        model=model.name,
        shape=shape,
        gpu=known,
        gpus=gpus,
        gpus_per_copy=of_copy,
        replicas=wishes.replicas,
        weights="fp8" if is_rounded else shape.precision,
        cache="fp8" if is_small else "16bit",
        max_num_seqs=wishes.max_num_seqs or given["max_num_seqs"],
        starting=starting_of(shape.weight_bytes, wishes.starts),
        offers=offers_of(gpu, price=wishes.price, provider=wishes.provider),
        preemptions=preemptions,
        notes=tuple(
            _notes(chosen, gpu, known, gpus, of_copy * (wishes.replicas or gpus // of_copy))
        ),
    )
    if tokens := given.get("max_num_batched_tokens"):
        setting = msgspec.structs.replace(setting, max_num_batched_tokens=tokens)
    as_usual = (wishes.weights, wishes.cache, wishes.gpus_per_copy) == (None, None, None)
    return with_measured(setting, model, as_usual=as_usual, among=among)


def _as_wished(model: Model, wishes: CostWishes) -> Shape:
    """The shape of the checkpoint that is meant; of fewer than 8 bits it is another one."""
    shape = model.shape
    if shape is None:
        msg = f"the shape of `{model.name}` is not known"
        raise ConfigError(msg, hint="add it: judgefast models add CONFIG.json")
    if wishes.weights is None or shape.quantized is not None:
        if wishes.weights not in {None, shape.precision}:
            msg = f"`{model.name}` is quantised as {shape.quantized}; --weights cannot change that"
            raise ConfigError(msg, hint="leave --weights out")
        return shape
    if wishes.weights in {"bf16", "fp8"}:  # as vLLM rounds them when it loads the checkpoint
        return shape
    return msgspec.structs.replace(
        shape,
        weight_bytes=shape.weight_bytes_at(wishes.weights),
        quantized=wishes.weights,
        precision=wishes.weights,
    )


def _with_memory(gpu: Gpu) -> Gpu:
    if gpu.memory_bytes is not None:
        return gpu
    if gpu.memory_sold is None:
        msg = f"the memory of {gpu.key} is not known"
        raise ConfigError(msg, hint="give it in a file of your own: docs/costs.md")
    return msgspec.structs.replace(gpu, memory_bytes=round(MEMORY_SHARE * gpu.memory_sold))


def _chosen(shape: Shape, gpu: Gpu, gpus: int, wishes: CostWishes, workload: Workload) -> Settings:
    """What the engine would choose on these accelerators.

    Raises:
        ConfigError: It does not fit on them.

    """
    seen = [
        Seen(
            name=str(each),
            product=gpu.key,
            total_bytes=gpu.memory_bytes or 0,
            used_bytes=0,
            capability=_capability(gpu),
        )
        for each in range(gpus)
    ]
    answers = workload.answers
    asked = Asked(
        requests=max(1, workload.requests),
        longest_prompt_tokens=workload.longest_prompt,
        mean_prompt_tokens=workload.prompt_tokens / max(1, workload.requests),
        max_tokens=answers.most,
        labels_only=answers.most == 1,
    )
    return choose(
        seen, shape, asked, Wishes(_arguments(wishes), replicas=wishes.replicas, devices=())
    )


def _arguments(wishes: CostWishes) -> dict[str, Any]:
    """As `--engine-arg` would say it."""
    given: dict[str, Any] = {}
    if wishes.weights in {"bf16", "fp8"}:
        given["quantization"] = None if wishes.weights == "bf16" else "fp8"
    if wishes.cache is not None:
        given["kv_cache_dtype"] = "auto" if wishes.cache == "16bit" else "fp8"
    if wishes.gpus_per_copy is not None:
        given["tensor_parallel_size"] = wishes.gpus_per_copy
    if wishes.max_num_seqs is not None:
        given["max_num_seqs"] = wishes.max_num_seqs
    return given


def _capability(gpu: Gpu) -> tuple[int, int]:
    """Compute capability, as far as settings hang on it: of Hopper, of Ada, or of what was before.

    AMD's that multiply 8-bit numbers are taken for Hopper's.
    """
    if gpu.flops_fp8 is None:
        return _WITHOUT
    return _WITH_FP8 if gpu.key.startswith(_FP8_BEFORE_HOPPER) else _WITH_FP8_CACHE


def takes_fp8(gpu: Gpu) -> tuple[bool, bool]:
    """Whether the engine rounds weights to 8 bits on it, and whether a KV cache of 8 bits pays."""
    capability = _capability(gpu)
    return capability >= _WITH_FP8, capability >= _WITH_FP8_CACHE


def _notes(chosen: Settings, gpu: Gpu, known: Gpu, gpus: int, used: int) -> Iterator[str]:
    for one in chosen.choices:
        if one.name in _SAID and one.by != "you":
            yield one.words
    if left := gpus - used:
        yield f"{left} of {gpus} GPUs hold no copy of the model, and are paid for"
    if known is not gpu:
        yield (
            f"the memory that a driver reports of {gpu.key} is not known: {MEMORY_SHARE:.0%} of "
            "what it is sold as is taken for it"
        )


def _what_fits(shape: Shape, gpu: Gpu, gpus: int, wishes: CostWishes, workload: Workload) -> str:
    """Where it would fit: more of the same, then others that are rented, the fewest first."""
    same = list(_fitting(shape, [gpu], wishes, workload, above=gpus))
    others = [each for each in read_gpus().values() if each.key != gpu.key]
    found = same + sorted(_fitting(shape, others, wishes, workload), key=_easily_had)
    ways = [f"{count} x {key}" for key, count in found[:_MOST_PLACES]]
    words = "no accelerator of the catalogue holds it: take a smaller judge (judgefast models)"
    if ways:
        words = f"it fits on {', or '.join(ways)}: --gpu {found[0][0]}:{found[0][1]}"
    rounded = msgspec.structs.replace(wishes, weights="fp8")
    if wishes.weights == "bf16" and _fits(shape, gpu, gpus, rounded, workload):
        words += f"; or --weights fp8, with which {gpus} x {gpu.key} will do"
    return words


def _easily_had(place: tuple[str, int]) -> tuple[bool, int]:
    """Sort key: what has a price of today comes first, then the fewest."""
    return typical(place[0], "on_demand") is None, place[1]


def _fitting(
    shape: Shape,
    gpus: list[Gpu],
    wishes: CostWishes,
    workload: Workload,
    *,
    above: int = 0,
) -> Iterator[tuple[str, int]]:
    for gpu in gpus:
        for count in _SIZES:
            if count > above and _fits(shape, gpu, count, wishes, workload):
                yield gpu.key, count
                break


def _fits(shape: Shape, gpu: Gpu, count: int, wishes: CostWishes, workload: Workload) -> bool:
    try:
        fit = _chosen(shape, _with_memory(gpu), count, wishes, workload).layout.fit
    except ConfigError:
        return False
    return fit is not None and not fit.lacking
