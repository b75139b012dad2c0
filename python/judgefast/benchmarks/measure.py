"""One run of a workload through the whole pipeline, in figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from judgefast.benchmarks.gauges import Gpu, Memory
from judgefast.benchmarks.kept import Moment
from judgefast.benchmarks.records import Latency, Sample, Steady
from judgefast.errors import EngineError
from judgefast.pipeline.finished import Finished
from judgefast.pipeline.run import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from judgefast.benchmarks.kept import KeptEngine
    from judgefast.config import RunConfig
    from judgefast.stopping import Stop

SLICES = 100
"""Of the judge phase, in its throughput over time."""

INTERRUPTED = 130


class Ends(NamedTuple):
    """Requests of one run that were answered, each a row; in seconds since the first was given."""

    started: NDArray[np.float64]
    ended: NDArray[np.float64]
    tokens: NDArray[np.int64]
    """Prompt and generated; 0 where the engine does not say."""


def measured(
    config: RunConfig, engine: KeptEngine, gpu: Gpu, *, stop: Stop, say: Callable[[str], None]
) -> Sample:
    """Run a workload once, through plan, journal and report.

    Args:
        config: Of the run; its directory is new.
        engine: May have been started by an earlier run.
        gpu: Watches the GPUs of this machine.
        stop: Ends the run, and then raises `KeyboardInterrupt`.
        say: Told what a person should know.

    Raises:
        EngineError: The engine was lost, or nothing was judged.
        JudgefastError: The run cannot be made.
        KeyboardInterrupt: It was stopped.

    """
    before = engine.counted() if engine.facts is not None else {}
    gpu.forget()
    memory = Memory()
    engine.gpu = gpu
    began = Moment.now()
    try:
        ended = run(config, engine=engine, stop=stop, say=say, show_progress=False)
    finally:
        most = memory.stop()
    over = Moment.now()
    assert isinstance(ended, Finished)  # no dry run was asked for
    if ended.status == INTERRUPTED:
        raise KeyboardInterrupt
    if ended.report is None or "collected" not in engine.marks or not ended.done:
        message = f"the workload was not judged: {ended.why or 'nothing was asked'}"
        raise EngineError(message, hint=ended.hint or "see what was said above")
    return _sample(
        ended,
        engine,
        moments=(began, over),
        counters={name: value - before.get(name, 0) for name, value in engine.counted().items()},
        most=most,
        gpu=(gpu.most_bytes, _share(engine.busy["loaded"], engine.busy["collected"])),
    )


def _sample(  # noqa: PLR0913 - what was seen of one run, by keyword
    finished: Finished,
    engine: KeptEngine,
    *,
    moments: tuple[Moment, Moment],
    counters: dict[str, float],
    most: int | None,
    gpu: tuple[int | None, float | None],
) -> Sample:
    assert finished.report is not None  # the caller has seen to it
    counts, operations = finished.report.results.counts, finished.report.operations
    ends = read_ends(finished.path)
    seconds = {
        name: value
        for name in operations.seconds.__struct_fields__
        if (value := getattr(operations.seconds, name)) is not None
    }
    marks, (began, over) = engine.marks, moments
    loaded, collected = marks["loaded"], marks["collected"]
    prepared = marks.get("prepared", loaded)
    tokens = operations.tokens
    return Sample(
        judgments=counts.parsed + sum(counts.unparsed.values()),
        parsed=counts.parsed,
        unparsed=sum(counts.unparsed.values()),
        failed=sum(counts.failed.values()),
        requests=operations.requests,
        prompt_tokens=tokens.prompt,
        cached_tokens=tokens.cached,
        generated_tokens=tokens.completion,
        thinking_tokens=tokens.reasoning,
        seconds=seconds,
        cpu_seconds={
            "read and plan": prepared.own_cpu - began.own_cpu,
            "load": loaded.own_cpu - prepared.own_cpu,
            "judge": collected.own_cpu - loaded.own_cpu,
            "report": over.own_cpu - collected.own_cpu,
        },
        engine_cpu_seconds=collected.below_cpu - loaded.below_cpu if engine.has_processes else None,
        in_flight_mean=operations.in_flight_mean,
        latency=latency_of(ends),
        steady=steady_of(ends, counts.planned / max(1, operations.requests)),
        steps=counters.get("steps"),
        preemptions=counters.get("preemptions"),
        host_peak_bytes=most,
        gpu_peak_bytes=gpu[0],
        gpu_busy=gpu[1],
        series=series_of(ends, counts.planned / max(1, operations.requests)),
    )


def read_ends(path: Path) -> Ends:
    """When the requests of a run were given and answered, out of its journal."""
    import numpy as np  # noqa: PLC0415 - heavy

    from judgefast.runs import Run  # noqa: PLC0415 - loads every stage

    table = Run.open(path).table("completions")
    kept = np.array([reason != "error" for reason in table["finish_reason"].to_pylist()], bool)

    def column(name: str) -> Any:  # noqa: ANN401 - an array of either kind
        return np.array(table[name].fill_null(0).to_numpy())[kept]

    started = column("started").astype(float)
    ended = started + column("wall_seconds")
    first = started.min() if len(started) else 0.0
    tokens = column("prompt_tokens").astype(int) + column("completion_tokens").astype(int)
    return Ends(started - first, ended - first, tokens)


def latency_of(ends: Ends) -> Latency | None:
    """Percentiles of what one request waited; None without requests."""
    import numpy as np  # noqa: PLC0415 - heavy

    if not len(ends.started):
        return None
    waited = ends.ended - ends.started
    p10, p50, p90, p99 = (float(one) for one in np.quantile(waited, [0.1, 0.5, 0.9, 0.99]))
    return Latency(p10=p10, p50=p50, p90=p90, p99=p99, most=float(waited.max()))


def most_in_flight(ends: Ends) -> int:
    """Requests that the engine held at once, at most."""
    import numpy as np  # noqa: PLC0415 - heavy

    # One that ends when another begins makes room for it.
    times = np.concatenate([ends.started, ends.ended])
    change = np.concatenate([np.ones(len(ends.started), int), -np.ones(len(ends.ended), int)])
    order = np.lexsort((change, times))
    return int(np.cumsum(change[order]).max()) if len(times) else 0


def steady_of(ends: Ends, judgments: float) -> Steady | None:
    """The part of a run between filling up and running out.

    It begins when all requests that filled the engine at first have ended, and ends when the last
    request was given to it. What ends within it is counted.

    Args:
        ends: Of the run.
        judgments: That one request answers, on average.

    Returns:
        None where fewer requests end in it than the engine holds at once: that is no rate.

    """
    import numpy as np  # noqa: PLC0415 - heavy

    room = most_in_flight(ends)
    if not room or len(ends.started) <= room:
        return None
    first = np.argsort(ends.started, kind="stable")[:room]
    begins, over = float(ends.ended[first].max()), float(ends.started.max())
    within = (ends.ended > begins) & (ends.ended <= over)
    if int(within.sum()) < room or over <= begins:
        return None
    return Steady(
        seconds=over - begins,
        judgments=round(float(within.sum()) * judgments),
        tokens=int(ends.tokens[within].sum()),
    )


def series_of(ends: Ends, judgments: float, slices: int = SLICES) -> list[tuple[float, int, int]]:
    """Judgments and tokens that ended in each slice of the judge phase."""
    import numpy as np  # noqa: PLC0415 - heavy

    if not len(ends.ended) or ends.ended.max() <= 0:
        return []
    slices = min(slices, len(ends.ended))
    edges = np.linspace(0, float(ends.ended.max()), slices + 1)
    ended, _ = np.histogram(ends.ended, edges)
    tokens, _ = np.histogram(ends.ended, edges, weights=ends.tokens)
    up_to = np.rint(np.cumsum(ended) * judgments)
    judged = np.diff(up_to, prepend=0)
    return [
        (round(float(edge), 4), int(count), round(float(weight)))
        for edge, count, weight in zip(edges[1:], judged, tokens, strict=True)
    ]


def _share(before: tuple[float, float], after: tuple[float, float]) -> float | None:
    samples = after[1] - before[1]
    return (after[0] - before[0]) / samples if samples else None
