"""Two records side by side: which is faster, by the repeats of both, if that can be told."""

from __future__ import annotations

import math
import statistics
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from judgefast.benchmarks.block_ratio import tokens_a_second
from judgefast.benchmarks.figures import FIGURES
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgefast.benchmarks.records import Record

COMPARISON_FORMAT = 1
"""Version of the JSON form. Fields are added, never renamed; a change of meaning raises it."""

LEVEL = 0.95

_SHOWN = 3
"""Differences that an error names."""

_TOGETHER = timedelta(hours=1)

Across = Literal["workload", "machine", "engine", "model"]
ACROSS: tuple[Across, ...] = ("workload", "machine", "engine", "model")
"""What records must have in common, unless it is named."""

HEADLINES = (
    "block_tokens_per_second",
    "steady_judgments_per_second",
    "judgments_per_second",
)
"""Figures that decide, the first that both records have: of blocks beside raw vLLM, of the part in
which the engine was full, of the whole judge phase."""


_RAW = "raw_block_tokens_per_second"
_CPU = "cpu_seconds_per_judgment"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something in which the records differ, by its path."""

    of: str
    a: Any
    b: Any


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of both, and what the second is by the first."""

    figure: str
    a: list[float]
    """Of each repeat, or of each block."""
    b: list[float]
    ratio: float
    """Of the geometric means, the second by the first."""
    low: float | None
    high: float | None
    """Ends of the interval of 95 %; None where a record has one repeat alone, or none differ."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two records side by side."""

    format: int = COMPARISON_FORMAT
    level: float = LEVEL
    differences: list[Difference]
    warnings: list[str]
    headline: Ratio
    verdict: Literal["faster", "slower", "can't tell"]
    """Of the second record."""
    cpu: Ratio | None = None
    """CPU seconds a judgment of engine and host, where it is the CPU that judges: what others do
    on the same cores moves it far less than the rate."""
    figures: list[Ratio]
    """All that both have, each by itself: of twenty intervals one misses."""


def compare(a: Sequence[Record], b: Sequence[Record], *, across: Sequence[str] = ()) -> Comparison:
    """Set records of two kinds side by side, as a rule one of each.

    A repeat is one measurement, whatever goes on inside of it; where records were made beside raw
    vLLM, a block is. Of several records of a kind each is one measurement, by its geometric mean:
    what varies between calls is then known too. The interval is Welch's for the difference of mean
    logarithms.

    Args:
        a: What was before; one record or more.
        b: What is held against it.
        across: What may differ: `workload`, `machine`, `engine`, `model`.

    Raises:
        ConfigError: The records are of different things, or have no figure in common.

    """
    for records in (a, b):
        for other in records[1:]:
            _refuse_unlike(records[0], other, ())
    _refuse_unlike(a[0], b[0], across)
    of_a, of_b = _measured_of_all(a), _measured_of_all(b)
    figures = [_ratio(name, of_a[name], of_b[name]) for name in of_a if name in of_b]
    named = {each.figure: each for each in figures}
    headline = next((named[name] for name in HEADLINES if name in named), None)
    if headline is None:
        message = "these records have no rate in common"
        raise ConfigError(message, hint="measure both the same way, with --vs or without")
    return Comparison(
        differences=list(_differences(a[0], b[0])),
        warnings=[*_warnings(a, b, headline), *_drift(named.get(_RAW))],
        headline=headline,
        verdict=_verdict(headline),
        cpu=named.get(_CPU),
        figures=figures,
    )


def _measured_of_all(records: Sequence[Record]) -> dict[str, list[float]]:
    """Figures of one record by its repeats, of several by their records."""
    each = [measured(record) for record in records]
    if len(each) == 1:
        return each[0]
    return {
        name: [statistics.geometric_mean(values[name]) for values in each]
        for name in each[0]
        if all(name in values for values in each)
    }


def measured(record: Record) -> dict[str, list[float]]:
    """Figures that every repeat of a record knows and that have a logarithm, repeat by repeat."""
    found: dict[str, list[float]] = {}
    if record.raw is not None:
        blocks = record.raw.blocks
        ours = [tokens_a_second(block) for block in blocks if not block["raw"]]
        theirs = [tokens_a_second(block) for block in blocks if block["raw"]]
        found["block_tokens_per_second"] = ours
        found[_RAW] = theirs
    for name, of in FIGURES.items():
        values = [of(sample) for sample in record.samples]
        known = [value for value in values if value is not None]
        if known and len(known) == len(values):
            found[name] = known
    of_host, of_engine = (found.get(f"{part}_{_CPU}") for part in ("host", "engine"))
    if of_host and of_engine and not record.machine.gpus:
        found[_CPU] = [host + engine for host, engine in zip(of_host, of_engine, strict=True)]
    return {
        name: values
        for name, values in found.items()
        if values and all(0 < value < math.inf for value in values)
    }


def _ratio(name: str, a: Sequence[float], b: Sequence[float]) -> Ratio:
    logs_a, logs_b = ([math.log(value) for value in values] for values in (a, b))
    middle = statistics.fmean(logs_b) - statistics.fmean(logs_a)
    reach = _reach(logs_a, logs_b)
    return Ratio(
        figure=name,
        a=list(a),
        b=list(b),
        ratio=math.exp(middle),
        low=None if reach is None else math.exp(middle - reach),
        high=None if reach is None else math.exp(middle + reach),
    )


def _reach(*kinds: Sequence[float]) -> float | None:
    """Half of Welch's interval for a difference of means; None where there is no spread."""
    if any(len(values) < 2 for values in kinds):  # noqa: PLR2004 - one has no variance
        return None
    squares = [statistics.variance(values) / len(values) for values in kinds]
    if sum(squares) <= 0:
        return None
    from scipy.special import stdtrit  # noqa: PLC0415 - heavy

    parts = (square**2 / (len(values) - 1) for square, values in zip(squares, kinds, strict=True))
    freedom = sum(squares) ** 2 / sum(parts)
    return float(stdtrit(freedom, (1 + LEVEL) / 2)) * math.sqrt(sum(squares))


def _verdict(ratio: Ratio) -> Literal["faster", "slower", "can't tell"]:
    """Read the interval of a rate: it must lie on one side of 1."""
    if ratio.low is None or ratio.high is None or ratio.low <= 1 <= ratio.high:
        return "can't tell"
    return "faster" if ratio.low > 1 else "slower"


def _workload_of(record: Record) -> dict[str, Any]:
    """What makes a workload the same one; more items of it, or another seed, make no other."""
    facts = msgspec.to_builtins(record.workload)
    if record.workload.scale is not None:
        facts["prompt_hash"] = ""  # its rubric is drawn by seed and tokenizer, of a given length
    return {name: value for name, value in facts.items() if name not in {"items", "seed"}}


def _machine_of(record: Record) -> dict[str, Any]:
    facts = record.machine
    used = record.gpus if record.gpu else len(facts.gpus)
    gpus = sorted(gpu.name for gpu in facts.gpus)
    return {"cpu": facts.cpu, "cores": facts.cores, "gpus": gpus, "gpus_used": used}


def _parts(record: Record) -> dict[Across, dict[str, Any]]:
    return {
        "workload": _workload_of(record),
        "machine": _machine_of(record),
        "engine": {"engine": record.engine},
        "model": {"model": record.model},
    }


def _refuse_unlike(a: Record, b: Record, across: Sequence[str]) -> None:
    of_a, of_b = _parts(a), _parts(b)
    for part in ACROSS:
        unlike = list(_unlike(of_a[part], of_b[part], part))
        if unlike and part not in across:
            seen = "; ".join(f"{each.of} {each.a} and {each.b}" for each in unlike[:_SHOWN])
            if len(unlike) > _SHOWN:
                seen += f"; and {len(unlike) - _SHOWN} more"
            message = f"these records are not of the same {part}: {seen}"
            hint = f"measure both alike, or say --across {part} if it is what you compare"
            raise ConfigError(message, hint=hint)


def _unlike(a: Any, b: Any, path: str) -> Iterator[Difference]:  # noqa: ANN401 - JSON
    """Leaves in which two values differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        for name in dict.fromkeys([*a, *b]):
            yield from _unlike(a.get(name), b.get(name), f"{path}.{name}" if path else name)
    elif a != b:
        yield Difference(of=path, a=a, b=b)


def _differences(a: Record, b: Record) -> Iterator[Difference]:
    for part, of_a in _parts(a).items():
        yield from _unlike(of_a, _parts(b)[part], part)
    for name in ("judgefast", "commit", "python", "versions", "settings"):
        of_a, of_b = (msgspec.to_builtins(getattr(record, name)) for record in (a, b))
        yield from _unlike(of_a, of_b, name)
    for name in ("items", "seed"):
        yield from _unlike(getattr(a.workload, name), getattr(b.workload, name), f"workload.{name}")
    yield from _unlike(_drivers(a), _drivers(b), "machine.driver")
    yield from _unlike(a.machine.system, b.machine.system, "machine.system")


def _drivers(record: Record) -> list[str]:
    return sorted({gpu.driver or "unknown" for gpu in record.machine.gpus})


def _warnings(a: Sequence[Record], b: Sequence[Record], headline: Ratio) -> Iterator[str]:
    for name, records, values in (("A", a, headline.a), ("B", b, headline.b)):
        if len(values) < 2:  # noqa: PLR2004 - one measurement has no spread
            yield f"{name} has one measurement: there is no interval; measure with --repeats 3"
        samples = [sample for record in records for sample in record.samples]
        if failed := sum(sample.failed for sample in samples):
            asked = sum(sample.judgments for sample in samples)
            yield f"{name} failed {failed:,} of {asked:,} judgments: what fails soon is not fast"
    if (len(a) > 1) != (len(b) > 1):
        name = "A" if len(a) == 1 else "B"
        yield f"{name} is one call: what varies between calls is not known of it"
    items = sorted({record.workload.items for record in (*a, *b)})
    if len(items) > 1 and headline.figure == HEADLINES[-1]:
        yield (
            f"they judged {items[0]:,} to {items[-1]:,} items, and the whole phase counts: filling "
            "up and running out weigh more on fewer"
        )
    has_gpu = any(record.machine.gpus for record in (*a, *b))
    if has_gpu or headline.figure == HEADLINES[0] or min(len(a), len(b)) > 1:
        return
    days = [datetime.fromisoformat(record.created) for record in (*a, *b)]
    if max(days) - min(days) > _TOGETHER:
        yield (
            "they were measured more than an hour apart; cores that others share differ from hour "
            "to hour by more than the repeats of one call show: measure again, in turns"
        )


def _drift(raw: Ratio | None) -> Iterator[str]:
    """Say if raw vLLM differs too: then it is not judgefast, or not alone, that has changed."""
    if raw is not None and (verdict := _verdict(raw)) != "can't tell":
        yield f"raw vLLM beside B is {verdict} too, {raw.ratio:.3f} times that beside A"
