"""Raw vLLM beside the pipeline on one engine, in blocks in turns: `alternating_child.py` says how.

Both kinds of requests have the same lengths, the same sampling and the same common head. Behind it
a raw one has the pipeline's own tokens, each exchanged for another, so that the cache helps both
as much.
"""

from __future__ import annotations

import json
import math
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from judgefast.benchmarks.block_ratio import fed, limit, ratio_of, reasons
from judgefast.benchmarks.figures import BATCH, seconds_per_batch
from judgefast.benchmarks.records import Raw
from judgefast.benchmarks.sources import Generated
from judgefast.engines.vllm import fleet, wire
from judgefast.engines.vllm.options import WINDOW
from judgefast.errors import EngineError
from judgefast.pipeline.finished import Finished
from judgefast.pipeline.run import run
from judgefast.stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from judgefast.benchmarks.kept import KeptEngine
    from judgefast.benchmarks.records import Sample
    from judgefast.benchmarks.sources import Source
    from judgefast.config import RunConfig
    from judgefast.engines.base import Engine
    from judgefast.engines.child.messages import Dialect

SETTLING = 6
"""Requests for each sequence that are used up before the first block and after the last."""
LATE_SECONDS = 5.0
SPARE = 3.0
"""Requests are made for an engine that is so much faster than it was seen to be."""
_LOOK_SECONDS = 0.2


@contextmanager
def child_with(
    kind: Literal["alternating", "forced"],
    path: Path | None = None,
    *,
    seconds: float = 0.0,
    blocks: int = 0,
) -> Iterator[None]:
    """Have replicas of vLLM run by a loop of the benchmarks, as long as the context lasts.

    Args:
        kind: `alternating` takes turns once the file is there; `forced` makes texts long alone.
        path: The file of the blocks.
        seconds: Of a block.
        blocks: How many.

    """
    dialect, environment = wire.DIALECT, dict(os.environ)
    module = f"judgefast.benchmarks.{kind}_child"
    _start_by(msgspec.structs.replace(dialect, module=module))
    if path is not None:
        os.environ |= {
            "JUDGEFAST_BLOCKS": str(path),
            "JUDGEFAST_BLOCK_SECONDS": str(seconds),
            "JUDGEFAST_BLOCK_COUNT": str(blocks),
        }
    try:
        yield
    finally:
        _start_by(dialect)
        for name in ("JUDGEFAST_BLOCKS", "JUDGEFAST_BLOCK_SECONDS", "JUDGEFAST_BLOCK_COUNT"):
            os.environ.pop(name, None)
            if name in environment:
                os.environ[name] = environment[name]


def _start_by(dialect: Dialect) -> None:
    fleet.DIALECT = dialect  # type: ignore[attr-defined] # what it starts its processes by


def blocks_in_turns(
    config: RunConfig, engine: Engine, path: Path, *, blocks: int, stop: Stop
) -> list[dict[str, Any]]:
    """Run the pipeline until its blocks and the raw ones are done.

    Args:
        config: Of a run with more requests than the blocks use up.
        engine: vLLM, begun within `child_with("alternating", path, …)`.
        path: The file of the blocks, which is made.
        blocks: How many.
        stop: Ends it before; then `KeyboardInterrupt` is raised.

    Returns:
        What vLLM's counters said of each block.

    Raises:
        EngineError: The engine was lost.
        KeyboardInterrupt: It was stopped.

    """
    path.write_text("[]", encoding="utf-8")
    own, over = Stop(), threading.Event()

    def watch() -> None:
        while not over.wait(_LOOK_SECONDS):
            if stop.requested or len(_read(path)) >= blocks:
                own.requested = True

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        finished = run(config, engine=engine, stop=own, show_progress=False)
    finally:
        over.set()
        watching.join()
    if stop.requested:
        raise KeyboardInterrupt
    found = _read(path)
    if not found and isinstance(finished, Finished) and finished.hint:
        raise EngineError(str(finished.why), hint=finished.hint)
    return found


def raw_of(blocks: list[dict[str, Any]]) -> Raw:
    """What blocks say.

    Raises:
        ConfigError: There is none of one kind.

    """
    ratio, low, high = ratio_of(blocks)
    known = not math.isinf(high)
    return Raw(
        blocks=blocks,
        ratio=ratio,
        low=low if known else None,
        high=high if known else None,
        fed=fed(blocks),
        limit=limit(blocks),
        reasons=list(reasons(blocks)),
    )


def items_for(
    source: Source, engine: Engine, sample: Sample, *, blocks: int, seconds: float
) -> int:
    """Items of a workload that last for so many blocks."""
    assert isinstance(source, Generated)  # a file has as many as it has
    rate = BATCH / seconds_per_batch(sample)
    sequences = sum(lane.room for lane in engine.lanes) / WINDOW
    judgments = SETTLING * sequences + SPARE * rate * blocks * (seconds + LATE_SECONDS) / 2
    return math.ceil(judgments / source.shape.judgments)


def blocks_of(  # noqa: PLR0913 - what is measured, by keyword
    source: Source,
    engine: KeptEngine,
    folder: Path,
    path: Path,
    *,
    sample: Sample,
    number: int,
    blocks: int,
    seconds: float,
    stop: Stop,
) -> Raw:
    """Measure blocks of a workload on an engine that has judged it once.

    Args:
        source: The workload.
        engine: As for :func:`blocks_in_turns`.
        folder: For rows and run.
        path: The file of the blocks.
        sample: Of that run, which says how fast the engine is.
        number: Of this run.
        blocks: How many.
        seconds: Of each.
        stop: Ends it before.

    Raises:
        ConfigError: The workload has too few items.
        EngineError: The engine was lost.

    """
    items = None
    if source.is_new:
        items = items_for(source, engine, sample, blocks=blocks, seconds=seconds)
    config = source.config(folder, number, items)
    found = blocks_in_turns(config, engine, path, blocks=blocks, stop=stop)
    return raw_of(found)


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8") or "[]")
    except (OSError, ValueError):  # it is being written
        return []
    return found
