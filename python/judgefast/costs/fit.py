"""Efficiencies out of measurements: every kind of row has a fit of few parameters.

How well they predict what they have not seen is for `fit_table` to say.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from judgefast.catalogue.fits import UTILISATION, kv_room, memory_of
from judgefast.catalogue.throughput import Fitted, Measured
from judgefast.costs.efficiencies import of_fitted
from judgefast.costs.ranges import Range
from judgefast.costs.roofline import rates_of
from judgefast.costs.timing import MAX_BATCHED_TOKENS, batch_of, length_of, time_of
from judgefast.costs.workload import Answers, Workload
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy import float64
    from numpy.typing import NDArray

    from judgefast.catalogue.gpus import Gpu
    from judgefast.catalogue.models import Model
    from judgefast.catalogue.shape import Shape

BANDWIDTH = 0.92
"""Share of the memory's bandwidth at which weights are read: about what plain copies reach. Set: in
rows of one model it cannot be told from the seconds that a step takes anyway."""
BATCH = 2048
"""Sequences at once that TensorRT-LLM's bench allows. vLLM's rows all have fixed users."""
_QUEUED = 3000
"""Requests of a queued row that does not say how many."""
_ROOM = 0.05
"""Share of a GPU's memory that a KV cache must have, or the row is not predicted."""


class Case(NamedTuple):
    """A measurement with what it was measured on."""

    row: Measured
    shape: Shape
    gpu: Gpu


class Kind(NamedTuple):
    """Rows that one set of efficiencies is fitted on, and those that it only predicts."""

    key: str
    engine: str
    experts: bool
    fits: Callable[[Measured], bool]
    free: tuple[str, ...]
    """Parameters that are fitted: fields of `Fitted`, and `old`."""
    borrowed: str | None = None
    """Kind whose seconds for a sequence are taken over: its own rows have few at once."""


def _is_70b(row: Measured) -> bool:
    return "-70B-" in row.model and row.weights == "fp8"


KINDS = (
    Kind(
        "TensorRT-LLM, dense",
        "TensorRT-LLM",
        experts=False,
        fits=lambda row: _is_70b(row) or (row.model == "Llama-3.1-8B-Instruct" and not row.users),
        free=("mfu", "cache", "step_seconds", "sequence_seconds", "old"),
    ),
    Kind(
        "vLLM, dense",
        "vLLM",
        experts=False,
        fits=lambda row: _is_70b(row) or row.model == "Qwen3-32B" or row.cached_tokens > 0,
        free=("mfu", "cache", "step_seconds", "activations"),
        borrowed="TensorRT-LLM, dense",
    ),
    Kind(
        "TensorRT-LLM, experts",
        "TensorRT-LLM",
        experts=True,
        fits=lambda row: row.users is not None,
        free=("mfu", "cache", "step_seconds"),
    ),
    Kind(
        "vLLM, experts",
        "vLLM",
        experts=True,
        fits=lambda row: row.users is not None,
        free=("mfu", "cache", "step_seconds"),
    ),
)

_BOUNDS = {
    "mfu": (0.1, 0.55, 1.0),
    "cache": (0.2, 0.8, BANDWIDTH),
    "step_seconds": (0.0, 0.003, 0.05),
    "sequence_seconds": (0.0, 5e-6, 1e-3),
    "activations": (0.0, 100.0, 1000.0),
    "old": (0.8, 1.1, 1.6),
}
"""Least, first and most of a parameter."""
_REQUEST_SECONDS = {"vLLM": 3e-4}
"""Of the host for each request. Set: what the front end took of a CPU for each prompt of 700 tokens
in records of ours. No row has requests so short that it could be fitted."""
_OLD = "0.14.0"
"""Version of TensorRT-LLM (2024) whose steps take longer by the factor `old`."""
SLOW_8BIT = 0.5
"""Factor on the share at which 8-bit caches were read in the rows of vLLM that give no version, of
October 2025: a number took as long as one of 16 bits. Later versions read them at the same share:
rows of 0.12 with long answers say so, and kernels of 0.24 as AIConfigurator has them."""


def cases_of(
    rows: Iterable[Measured], models: Mapping[str, Model], gpus: Mapping[str, Gpu]
) -> list[Case]:
    """Join measurements with their models and accelerators.

    Raises:
        ConfigError: A row names a model, with a known config.json, or a GPU that is not there.

    """
    cases = []
    for row in rows:
        model, gpu = models.get(row.model), gpus.get(row.gpu)
        shape = model.shape if model else None
        if shape is None or gpu is None:
            message = (
                f"`throughput.jsonl`: `{row.key}` is of a model or a GPU that has no sizes here"
            )
            raise ConfigError(
                message, hint="add them with `judgefast models add`, or to gpus.jsonl"
            )
        cases.append(Case(row, shape, gpu))
    return cases


def has_room(case: Case) -> bool:
    """Whether the KV cache has room worth the name: 70B in 8 bits on one 80 GB GPU has not."""
    fit = kv_room(
        case.shape, memory_of(case.gpu) or 0, case.row.gpus, tokens=1, weights=case.row.weights
    )
    room = 0.0 if fit is None else fit.room_bytes
    return room > _ROOM * case.row.gpus * (memory_of(case.gpu) or 0)


def kind_of(row: Measured, experts: bool) -> Kind:  # noqa: FBT001 - a fact of the row's model
    """Set of efficiencies for a row, whether it is fitted on it or not.

    Raises:
        ConfigError: No set is of this engine.

    """
    for kind in KINDS:
        if kind.engine == row.engine and kind.experts == experts:
            return kind
    message = f"`throughput.jsonl`: `{row.key}`: no efficiencies are fitted for {row.engine}"
    raise ConfigError(message, hint=f"known: {', '.join(dict.fromkeys(k.engine for k in KINDS))}")


def workload_of(row: Measured) -> Workload:
    """Requests of a measurement, whose lengths are drawn evenly about the mean."""
    requests = row.requests or _QUEUED
    spread = (row.longest_answer / row.answer_tokens - 1) / math.sqrt(3)
    prompts = requests * row.prompt_tokens
    computed = requests * (row.prompt_tokens - row.cached_tokens)
    return Workload(
        items=requests,
        judgments=requests,
        requests=requests,
        prompt_tokens=round(prompts),
        computed_tokens=Range.exactly(computed),
        longest_prompt=math.ceil(row.prompt_tokens),
        answers=Answers(
            mean=Range.exactly(row.answer_tokens),
            spread=spread,
            most=row.longest_answer,
            basis="published",
            because=row.source,
        ),
        basis="published",
        because=row.source,
    )


def is_dated(row: Measured) -> bool:
    """Whether `SLOW_8BIT` is set for a row: an 8-bit cache of a vLLM of no version."""
    return row.engine == "vLLM" and row.version is None and row.cache == "fp8"


def predict(case: Case, fitted: Fitted, old: float = 1.0, *, slow_8bit: float = SLOW_8BIT) -> float:
    """Output tokens a second that efficiencies expect of a measurement's case."""
    row = case.row
    workload = workload_of(row)
    reached = of_fitted(fitted, 0.0, "fitted", "")
    if is_dated(row):
        slow = reached.cache_8bit * slow_8bit
        reached = msgspec.structs.replace(reached, cache_8bit=slow)
    cache = row.cache or "16bit"
    rates = rates_of(
        case.shape, case.gpu, efficiencies=reached, gpus=row.gpus, weights=row.weights, cache=cache
    )
    if row.version == _OLD:
        rates = msgspec.structs.replace(
            rates,
            step=rates.step * old,
            sequence=rates.sequence * old,
            context_token=rates.context_token * old,
        )
    timed = time_of(
        workload,
        rates,
        room_tokens=_room_tokens(case),
        max_num_seqs=row.users or BATCH,
        max_num_batched_tokens=row.batched_tokens or MAX_BATCHED_TOKENS,
    )
    # Who sends the next request when one is answered has no run-out while it is measured.
    ending = 0.0 if row.users else timed.run_out
    return (
        workload.requests * row.answer_tokens / (timed.prefill + timed.decode + ending + timed.host)
    )


def batch_of_case(case: Case) -> float:
    """Sequences at once: the users of a row, or what is expected to fit."""
    workload, most = workload_of(case.row), case.row.users or BATCH
    return batch_of(workload, room_tokens=_room_tokens(case), max_num_seqs=most)[0]


def _room_tokens(case: Case) -> float:
    row = case.row
    fit = kv_room(
        case.shape,
        memory_of(case.gpu) or 0,
        row.gpus,
        tokens=length_of(workload_of(row)),
        weights=row.weights,
        cache=row.cache or "16bit",
        utilisation=row.memory_share or UTILISATION,
    )
    return math.inf if fit is None else fit.room_tokens


def fit(
    kind: Kind,
    cases: Sequence[Case],
    sequence_seconds: float = 0.0,
    *,
    slow_8bit: float = SLOW_8BIT,
) -> tuple[Fitted, float]:
    """Fit the free parameters of a kind: least soft-L1 of the logarithm of predicted by measured.

    Returns:
        The efficiencies, their errors not yet known; and the factor `old`.

    """
    from scipy.optimize import least_squares  # noqa: PLC0415 - it takes a second to load

    bounds = [_BOUNDS[name] for name in kind.free]

    def misses(values: NDArray[float64]) -> list[float]:
        fitted, old = _fitted(kind, cases, values.tolist(), sequence_seconds)
        measured = [case.row.output_tokens_per_second for case in cases]
        pairs = zip(cases, measured, strict=True)
        return [
            math.log(predict(case, fitted, old, slow_8bit=slow_8bit) / real) for case, real in pairs
        ]

    found = least_squares(
        misses,
        [first for _, first, _ in bounds],
        bounds=([least for least, _, _ in bounds], [most for _, _, most in bounds]),
        x_scale=[first for _, first, _ in bounds],
        loss="soft_l1",
        f_scale=0.1,
    )
    return _fitted(kind, cases, found.x.tolist(), sequence_seconds)


def _reach(cases: Sequence[Case]) -> dict[str, Any]:
    """How far rows reach: what an estimate is compared with to see whether it leaves them."""
    rows = [case.row for case in cases]
    shared = {
        one: [
            row.cached_tokens / row.prompt_tokens for row in rows if (row.answer_tokens <= 1) == one
        ]
        for one in (True, False)
    }
    return {
        "dated": sum(map(is_dated, rows)),
        "sizes": sorted({case.shape.parameters or 0 for case in cases}),
        "smallest_written": min(
            (case.shape.parameters or 0 for case in cases if case.row.answer_tokens > 1), default=0
        ),
        "shortest_answer": min(
            (row.answer_tokens for row in rows if row.answer_tokens > 1), default=2.0
        ),
        "shared_one": max(shared[True], default=None),
        "shared_written": max(shared[False], default=0.0),
        "shortest_prompt": min(row.prompt_tokens - row.cached_tokens for row in rows),
    }


def _fitted(
    kind: Kind, cases: Sequence[Case], values: Sequence[float], sequence_seconds: float
) -> tuple[Fitted, float]:
    by_name = dict(zip(kind.free, values, strict=True))
    rows = [case.row for case in cases]
    found = Fitted(
        key=kind.key,
        engine=kind.engine,
        experts=kind.experts,
        gpus=sorted({row.gpu for row in rows}),
        most_gpus=max(row.gpus for row in rows),
        weights=sorted({row.weights for row in rows}),
        mfu=by_name["mfu"],
        bandwidth=BANDWIDTH,
        cache=by_name["cache"],
        cache_8bit=by_name["cache"],
        step_seconds=by_name["step_seconds"],
        sequence_seconds=by_name.get("sequence_seconds", sequence_seconds),
        activations=by_name.get("activations", 0.0),
        request_seconds=_REQUEST_SECONDS.get(kind.engine, 0.0),
        **_reach(cases),
        rows=len(rows),
        parameters=len(kind.free),
        median=0.0,
        most=0.0,
        worst=0.0,
        source="throughput.jsonl",
        date=max(row.date for row in rows),
    )
    return found, by_name.get("old", 1.0)
