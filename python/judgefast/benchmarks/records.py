"""What one `judgefast bench` leaves: one JSON file with the raw samples and all they hang on.

Figures of a table are computed from the samples whenever they are shown, never kept beside them.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

from judgefast import __version__
from judgefast.errors import ConfigError
from judgefast.files import write_whole

RECORD_FORMAT = 1
"""Version of the JSON form. Fields are added, never renamed; a change of meaning raises it."""

_PACKAGES = ("vllm", "torch", "openvino-genai", "openvino", "aiohttp", "tokenizers", "numpy")


class GpuFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One GPU of the machine, as its driver names it."""

    name: str
    memory_bytes: int
    driver: str | None = None


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where it was measured."""

    cpu: str
    cores: int
    """That this process may use."""
    memory_bytes: int | None
    system: str
    gpus: list[GpuFacts] = []


class WorkloadFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked."""

    name: str
    """Of a workload, or `file`, or `recorded`."""
    items: int
    orders: str
    """`both` or `one`."""
    seed: int
    source: str | None = None
    """Name of the file or of the run directory; None where texts were generated."""
    scale: float | None = None
    """Share of its lengths at which a workload was generated."""
    lengths: dict[str, int] = {}
    """Tokens, as generated: `rubric`, `question`, `answer`, `max_tokens`."""
    rubric: str = ""
    """Name of the rubric."""
    prompt_hash: str = ""
    forced: bool = False
    """Whether every text was made to have its longest length."""


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds from when the engine was given a request to its completion."""

    p10: float
    p50: float
    p90: float
    p99: float
    most: float


class Steady(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a run in which the engine was full: neither filling up nor running out."""

    seconds: float
    judgments: int
    tokens: int
    """Prompt and generated."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the workload, in raw figures."""

    judgments: int
    parsed: int
    unparsed: int
    failed: int
    requests: int
    prompt_tokens: int | None
    cached_tokens: int | None
    """Of the prompt tokens; None where the engine does not say."""
    generated_tokens: int | None
    thinking_tokens: int | None
    """Of the generated ones."""
    seconds: dict[str, float]
    """Wall time by phase: `read`, `plan`, `load`, `judge`, `report`."""
    cpu_seconds: dict[str, float]
    """CPU of this process, by the same phases."""
    engine_cpu_seconds: float | None
    """CPU of the processes below this one, in the judge phase; None where there are none."""
    in_flight_mean: float | None
    latency: Latency | None
    steady: Steady | None
    """None where the run was too short to have such a part."""
    steps: float | None
    preemptions: float | None
    host_peak_bytes: int | None
    """Most memory that this process and those below it held together, by samples."""
    gpu_peak_bytes: int | None
    gpu_busy: float | None
    """Share of the judge phase in which the GPUs ran anything; None without a GPU."""
    series: list[tuple[float, int, int]] = []
    """End of a slice of the judge phase in seconds, judgments and tokens that ended in it."""


class Raw(msgspec.Struct, frozen=True, kw_only=True):
    """Raw vLLM beside ours: blocks of one run in turns, by vLLM's own counters."""

    blocks: list[dict[str, Any]]
    ratio: float
    """Tokens computed and generated a second, ours by raw."""
    low: float | None
    high: float | None
    """Of the interval of 95 %; None where two blocks give none."""
    fed: float
    limit: str
    reasons: list[str] = []


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of a sweep."""

    settings: dict[str, Any]
    """Options of the engine; none for its own choice."""
    hours: list[float] = []
    """Of the machine for 10,000 judgments, of each repeat."""
    again: list[float] = []
    """The same, measured once more: of the best setting, and of the engine's own choice."""
    failed: str | None = None
    """Why it was not measured."""


class PriceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What an hour of one GPU costs."""

    usd: float
    provider: str | None = None
    kind: str = "given"
    """`on_demand`, `spot`, or `given` by the user."""
    date: str | None = None
    """ISO; None where the user gave it."""
    source: str | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One call of `judgefast bench`."""

    format: int = RECORD_FORMAT
    created: str
    """UTC, ISO 8601."""
    judgefast: str
    commit: str | None
    """Of the checkout; None where the package is installed."""
    python: str
    machine: Machine
    versions: dict[str, str]
    engine: str
    model: str
    engine_facts: dict[str, Any] = {}
    """As the engine gave them when it started."""
    settings: dict[str, Any] = {}
    """Of the engine, as they were asked for: `--engine-arg` and what a sweep set."""
    gpu: str | None = None
    """Name of the catalogue; None where there is none, or it is not known there."""
    gpus: int = 0
    """That the engine used, all replicas together; 0 without a GPU."""
    price: PriceFacts | None = None
    """Of an hour of one GPU; None where none was given and none is known."""
    ideal_seconds: list[float] | None = None
    """Of each sample, what the judge phase would take at the datasheet's speed: the roofline."""
    ideal_because: str = ""
    """What the roofline is made of, or why there is none."""
    workload: WorkloadFacts
    samples: list[Sample] = []
    raw: Raw | None = None
    sweep: list[Swept] = []
    """What other settings took, where they were tried; `samples` are those of the best."""


def machine_facts() -> Machine:
    """Look at this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = None
    with suppress(OSError, ValueError):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        cpu=_cpu(),
        cores=cores or 1,
        memory_bytes=memory,
        system=platform.platform(),
        gpus=_gpus(),
    )


def versions() -> dict[str, str]:
    """Versions of the packages that decide how fast it is, those that are installed."""
    found = {}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def new_record(**facts: Any) -> Record:  # noqa: ANN401 - fields of `Record`
    """Begin a record: when, by what, on which machine."""
    return Record(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        judgefast=__version__,
        commit=_commit(),
        python=platform.python_version(),
        machine=machine_facts(),
        versions=versions(),
        **facts,
    )


def write_record(record: Record, path: Path) -> None:
    """Keep a record, whole or not at all."""
    write_whole(path, to_json(record))


def to_json(record: Record) -> bytes:
    """A record as it lies on the disk; what JSON cannot hold is said in words.

    Records are shown to others: of the model's folder its name alone is kept.
    """
    facts = record.engine_facts
    if folder := facts.get("model_folder"):
        named = facts | {"model_folder": Path(folder).name}
        record = msgspec.structs.replace(record, engine_facts=named)
    data = msgspec.json.encode(record, enc_hook=str)
    return msgspec.json.format(data, indent=1) + b"\n"


def read_record(path: Path) -> Record:
    """Read a record.

    Raises:
        ConfigError: The file is not there, is none, or is of another version.

    """
    hint = "name a file that `judgefast bench --record` wrote"
    try:
        data = path.read_bytes()
    except OSError as error:
        message = f"the record `{path}` cannot be read: {error.strerror}"
        raise ConfigError(message, hint=hint) from None
    try:
        seen = msgspec.json.decode(data, type=_Versioned).format
        if seen == RECORD_FORMAT:
            return msgspec.json.decode(data, type=Record)
    except msgspec.DecodeError as error:
        message = f"`{path}` is no record of `judgefast bench`: {error}"
        raise ConfigError(message, hint=hint) from None
    message = f"`{path}` is of format {seen}; this program reads {RECORD_FORMAT}"
    raise ConfigError(message, hint="use the version of judgefast that wrote it")


def read_records(path: Path) -> list[Record]:
    """Read one record, or all of a folder.

    Raises:
        ConfigError: As for `read_record`, or the folder holds none.

    """
    if not path.is_dir():
        return [read_record(path)]
    found = [read_record(each) for each in sorted(path.glob("*.json"))]
    if not found:
        message = f"the folder `{path}` holds no record"
        raise ConfigError(message, hint="name one with files that `judgefast bench --record` wrote")
    return found


class _Versioned(msgspec.Struct):
    """What every version of a record says of itself."""

    format: int


def _cpu() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if "model name" in line:
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _gpus() -> list[GpuFacts]:
    from judgefast.engines.vllm.hardware import find_gpus  # noqa: PLC0415 - asks the driver

    driver = _driver()
    return [
        GpuFacts(name=gpu.product, memory_bytes=gpu.total_bytes, driver=driver)
        for gpu in find_gpus()
    ]


def _driver() -> str | None:
    with suppress(OSError):
        said = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8")
        words = said.splitlines()[0].split()
        return next((word for word in words if word[0].isdigit() and "." in word), None)
    return None


def _commit() -> str | None:
    git = shutil.which("git")
    folder = Path(__file__).resolve().parents[3]
    if git is None or not (folder / ".git").exists():
        return None
    done = subprocess.run(  # noqa: S603 - a constant command
        [git, "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or None
