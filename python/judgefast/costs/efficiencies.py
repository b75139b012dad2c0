"""How much of a datasheet an engine reaches, and for which models and accelerators that is known.

What was fitted holds where its rows are: an engine, models with or without experts, a kind of GPU,
how many of them, a precision, what was asked. Anywhere else the same shares are a guess, with a
wider error and that reason beside it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from judgefast.catalogue.gpus import read_gpus
from judgefast.catalogue.throughput import Fitted, read_fitted
from judgefast.costs.ranges import Basis  # noqa: TC001 - msgspec reads annotations
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from judgefast.catalogue.gpus import Gpu
    from judgefast.catalogue.shape import Precision, Shape
    from judgefast.costs.workload import Workload

LINK = 0.7
"""Share of a link's bandwidth that an all-reduce reaches. Set, not fitted."""
LEAST_ERROR = 0.20
"""No uncalibrated estimate is taken for better than this."""

_BEYOND: dict[str, float] = {"engine": 0.35, "weights": 0.30, "size": 0.35}
"""Error where an estimate leaves the rows of a fit, by what rows that are in none came out at."""
_EXPERTS = 0.40
"""The same of models with experts: their rows have 64 sequences at once, and queued ones of
TensorRT-LLM came out up to twice as slow."""
_OTHER_EXPERTS = 1.0
"""Of experts with other than MXFP4 weights: Qwen3-235B in 8 bits was half as fast on vLLM 0.12."""
_OTHER_MODEL = 0.50
"""Of another model, where all rows are of one, so that none can be left out."""
_SOME_GPUS, _FEW_GPUS, _MANY_GPUS = 4, 0.30, 0.40
"""GPUs of a copy up to which the first error holds; beyond it the second."""
_OTHER_GPU = 0.50
_RELATIVE = 0.35
"""The same for another GPU, and for one of the architecture of a fit's rows."""
_UNTRIED = {"one token": 0.35, "short answers": 0.35, "shared": 0.35, "held": 0.25, "short": 0.50}
"""Error of what no row asks. Set, until it is measured: AIConfigurator is up to 33 % away from us
where prefixes are shared and answers written."""
_LITTLE = 0.05
"""Share of a prompt that counts as nothing shared, and by which it may be more than in any row."""
_NEAR = 0.8
"""Sizes and lengths down to this share of the least in a fit's rows are taken to be among them."""
_PROMPT_NEAR = 0.5
"""The same of computed prompt tokens: what hangs on them is a sum, and not on their number."""


class Efficiencies(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of a datasheet's figures, and seconds that it does not know of."""

    mfu: float
    """Of the peak FLOP/s, in matrix multiplications."""
    bandwidth: float
    """Of the memory's, when weights are read."""
    cache: float
    """Of the memory's, when a KV cache of 16-bit numbers is read."""
    cache_8bit: float
    """The same, of 8-bit numbers."""
    step_seconds: float
    """For each step, beside reading the weights."""
    sequence_seconds: float = 0.0
    """For each sequence in a step, beside its FLOP and its cache."""
    activations: float = 0.0
    """Bytes that a token moves between multiplications, for each number of each layer's width."""
    request_seconds: float = 0.0
    """Of the host for each request, that nothing overlaps."""
    link: float = LINK
    """Of a link's bandwidth, in all-reduces."""
    error: float
    basis: Basis
    because: str

    def cache_of(self, number_bytes: int) -> float:
        """Share of the bandwidth at which a cache of such numbers is read."""
        return self.cache_8bit if number_bytes == 1 else self.cache


def of_fitted(fitted: Fitted, error: float, basis: Basis, because: str) -> Efficiencies:
    """Take over what was fitted, with an error and a reason."""
    return Efficiencies(
        mfu=fitted.mfu,
        bandwidth=fitted.bandwidth,
        cache=fitted.cache,
        cache_8bit=fitted.cache_8bit,
        step_seconds=fitted.step_seconds,
        sequence_seconds=fitted.sequence_seconds,
        activations=fitted.activations,
        request_seconds=fitted.request_seconds,
        error=error,
        basis=basis,
        because=because,
    )


class _Beyond(NamedTuple):
    """One way in which a case leaves the rows of a fit."""

    words: str
    error: float


def efficiencies_of(  # noqa: PLR0913 - what efficiencies hang on
    *,
    gpu: Gpu,
    shape: Shape,
    weights: Precision | None = None,
    gpus: int = 1,
    engine: str = "vLLM",
    workload: Workload | None = None,
    fitted: Mapping[str, Fitted] | None = None,
) -> Efficiencies:
    """Choose what was fitted nearest to an engine, a model, accelerators and what is asked.

    Args:
        gpu: Kind of accelerator.
        shape: Of the model.
        weights: Precision as they load; None for the checkpoint's own.
        gpus: That hold one copy together.
        engine: By name; what is not vLLM or TensorRT-LLM is taken for vLLM.
        workload: What is asked; None: something as in the rows.
        fitted: Sets to choose from; by default the catalogue's.

    Returns:
        `basis` is `fitted` inside the rows of a fit, else `assumed`; `because` says of which rows,
        how well they are predicted, and each way in which this case leaves them. Their errors are
        taken for independent of each other: squares of what each adds are added.

    Raises:
        ConfigError: There is no set, or a line of the user's own file is not one.

    """
    known = list((read_fitted() if fitted is None else fitted).values())
    mixed = shape.experts > 1
    if not known:
        message = "no efficiencies are in the catalogue: `efficiencies.jsonl` has no row"
        raise ConfigError(message, hint="install the package anew, or calibrate on the machine")
    row = min(known, key=lambda each: (each.experts != mixed, each.engine != engine))
    own = weights if weights is not None and shape.quantized is None else shape.precision
    least = max(LEAST_ERROR, row.most, _EXPERTS if row.experts else 0.0)
    beyond = [
        *_of_engine(row, engine, mixed=mixed),
        *_of_model(row, shape, own, workload),
        *_of_gpus(row, gpu, gpus),
        *(_of_workload(row, workload) if workload else ()),
    ]
    error = math.hypot(least, *(math.sqrt(max(0.0, each.error**2 - least**2)) for each in beyond))
    because = "; ".join([_said(row), *(each.words for each in beyond)])
    return of_fitted(row, error, "assumed" if beyond else "fitted", because)


def _said(row: Fitted) -> str:
    """How well the rows of a fit are predicted, in words."""
    words = f"fitted on {row.rows} of {max(row.rows, row.all_rows)} measured rows of {row.engine}"
    words += (
        f" ({row.key}), each predicted by a fit without it: half of them within {row.median:.0%}, "
        f"the worst {row.worst:.0%} off"
    )
    if row.all_median is not None and row.all_worst is not None:
        factor = " and no factor for caches of October 2025" if row.dated else ""
        words += f" (nothing left out{factor}: {row.all_median:.0%} and {row.all_worst:.0%})"
    if row.model_median is not None and row.model_worst is not None:
        words += f"; without all rows of its model {row.model_median:.0%} and {row.model_worst:.0%}"
    if row.experts:
        words += "; none of them has more than 64 sequences at once"
    return words


def _of_engine(row: Fitted, engine: str, *, mixed: bool) -> Iterator[_Beyond]:
    if row.experts != mixed or row.engine != engine:
        sort = "experts" if mixed else "one network"
        yield _Beyond(f"none of {engine} with {sort}", _BEYOND["engine"])


def _of_model(
    row: Fitted, shape: Shape, weights: Precision | None, workload: Workload | None
) -> Iterator[_Beyond]:
    size = shape.parameters or 0
    if size not in row.sizes:
        error = _OTHER_MODEL if row.model_most is None else row.model_most
        yield _Beyond("none of a model of this size", error)
    if weights not in row.weights:
        error = _OTHER_EXPERTS if row.experts else _BEYOND["weights"]
        yield _Beyond(f"none with {weights or 'such'} weights", error)
    writes = workload is None or workload.answers.mean.likely > 1
    smallest = row.smallest_written if writes else min(row.sizes, default=0)
    if size < _NEAR * smallest and not row.experts:
        what = " that writes" if writes else ""
        yield _Beyond(f"none of so small a model{what}", _BEYOND["size"])


def _of_gpus(row: Fitted, gpu: Gpu, gpus: int) -> Iterator[_Beyond]:
    if gpu.key not in row.gpus:
        known = read_gpus()
        alike = {known[key].architecture for key in row.gpus if key in known}
        yield _Beyond(
            f"none on a {gpu.key}", _RELATIVE if gpu.architecture in alike else _OTHER_GPU
        )
    if gpus > row.most_gpus:
        yield _Beyond(f"none with {gpus} GPUs", _FEW_GPUS if gpus <= _SOME_GPUS else _MANY_GPUS)


def _of_workload(row: Fitted, workload: Workload) -> Iterator[_Beyond]:
    """What is asked, and in no row was."""
    answer = workload.answers.mean.likely
    shared = 1 - workload.computed_tokens.likely / max(1, workload.prompt_tokens)
    computed = workload.computed_tokens.likely / max(1, workload.requests)
    if answer <= 1:
        tried = row.shared_one or 0.0
        if row.shared_one is None:
            yield _Beyond("none with answers of one token", _UNTRIED["one token"])
    else:
        tried = row.shared_written
        if answer < _NEAR * row.shortest_answer:
            yield _Beyond(f"none with answers of {answer:.0f} tokens", _UNTRIED["short answers"])
        if workload.held:
            yield _Beyond("none with answers held to a grammar", _UNTRIED["held"])
    if shared > tried + _LITTLE:
        behind = "" if answer <= 1 else " and answers of more than one token"
        words = f"shares {shared:.0%} of its prompts" if tried else "has shared prefixes"
        yield _Beyond(f"none {words}{behind}", _UNTRIED["shared"])
    if computed < _PROMPT_NEAR * row.shortest_prompt:
        yield _Beyond(f"none with prompts of {computed:.0f} computed tokens", _UNTRIED["short"])
