"""One run with a judge that costs nothing, in a process of its own; says what it took as JSON.

python benches/host_run.py ROWS OUT GROUP [parts]

With `parts` it measures also what is within the stages, which itself takes some microseconds a
judgment: the clock of a thread is asked before and after every request.
"""

from __future__ import annotations

# ruff: noqa: ANN401 - whatever is measured
import json
import sys
import time
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgefast.batches.requests import RequestMaker
from judgefast.config import RunConfig
from judgefast.datasets import run_order
from judgefast.datasets.reader import ItemReader
from judgefast.journal.run_directory import RunDirectory
from judgefast.journal.writer import JournalWriter
from judgefast.pipeline import run
from judgefast.pipeline.prompt_counts import PromptCounts
from judgefast.prompts.block import PromptBlock
from judgefast.verdicts.table import VerdictTable
from null_judge import NullEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STATUS = Path("/proc/self/status")

PHASES = (
    ("read", run, "open_run"),
    ("plan", run, "plan_run"),
    ("judge", run, "_ask"),
    ("results", run, "read_run"),
    ("report", run, "report_of"),
)
"""One after the other: time and CPU of all threads."""

PARTS: tuple[tuple[str, Any, str], ...] = (
    ("read: rows to items", ItemReader, "chunks"),
    ("read: sort and write", run_order, "_written"),
    ("plan: segments", PromptCounts, "segments_of"),
    ("plan: hash", PromptBlock, "frame_hashes"),
    ("plan: write", RunDirectory, "write_plan"),
    ("judge: make requests", RequestMaker, "requests"),
    ("judge: engine", NullEngine, "submit"),
    ("judge: engine", NullEngine, "collect"),
    ("judge: journal thread", JournalWriter, "_run"),
    ("judge: hand over to it", JournalWriter, "append"),
    ("judge: read verdicts", VerdictTable, "add_live"),
)
"""Within them: time and CPU of the thread that does it."""


class Meter:
    """Sums what calls take."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}
        self.cpu: dict[str, float] = {}
        self.rss: dict[str, int] = {}
        self.peak: dict[str, int] = {}

    def watch(
        self, name: str, home: Any, attribute: str, cpu: Callable[[], float], *, phase: bool
    ) -> None:
        """Measure every call of `home.attribute`; of a generator, every step."""
        inner = getattr(home, attribute)

        def add(wall: float, spent: float) -> None:
            self.wall[name] = self.wall.get(name, 0.0) + time.monotonic() - wall
            self.cpu[name] = self.cpu.get(name, 0.0) + cpu() - spent

        def steps(made: Iterator[Any]) -> Iterator[Any]:
            while True:
                wall, spent = time.monotonic(), cpu()
                try:
                    value = next(made)
                except StopIteration:
                    return
                finally:
                    add(wall, spent)
                yield value

        @wraps(inner)
        def measured(*args: Any, **kwargs: Any) -> Any:
            wall, spent = time.monotonic(), cpu()
            try:
                found = inner(*args, **kwargs)
            finally:
                add(wall, spent)
                if phase:
                    self.rss[name] = memory("VmRSS")
                    self.peak[name] = memory("VmHWM")
            return steps(found) if hasattr(found, "__next__") else found

        setattr(home, attribute, measured)


def memory(what: str) -> int:
    """Bytes of memory: `VmRSS` now, `VmHWM` at most."""
    for line in STATUS.read_text(encoding="utf-8").splitlines():
        if line.startswith(what):
            return int(line.split()[1]) * 1024
    return 0


def main(rows: str, out: str, group: int, *, parts: bool) -> None:
    """Run, and print what it took."""
    meter = Meter()
    for name, home, attribute in PHASES:
        meter.watch(name, home, attribute, time.process_time, phase=True)
    for name, home, attribute in PARTS if parts else ():
        meter.watch(name, home, attribute, time.thread_time, phase=False)
    engine = NullEngine(group=group)
    before = memory("VmRSS")
    config = RunConfig(data=(rows,), rubric="pairwise-bracket", out=out, max_unreadable=0.5)
    wall, cpu = time.monotonic(), time.process_time()
    finished = run.run(config, engine=engine, show_progress=False)
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    counts = finished.report.results.counts
    unread = sum(counts.unparsed.values())
    assert counts.planned == counts.parsed + unread
    assert not counts.failed
    print(
        json.dumps(
            {
                "judgments": counts.planned,
                "unread": unread,
                "prompt_characters": engine.prompt_characters / counts.planned,
                "wall": wall,
                "cpu": cpu,
                "rss_before": before,
                "rss_peak": memory("VmHWM"),
                "rss": meter.rss,
                "peak_until": meter.peak,
                "wall_of": meter.wall,
                "cpu_of": meter.cpu,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), parts=sys.argv[4:] == ["parts"])
