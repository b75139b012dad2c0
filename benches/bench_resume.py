"""How long a run of many judgments takes to go on, and to be reported, in processes of their own.

A run of both orders of N / 2 items is made once by the library's own writers: 1,000 different
questions and completions of about 200 characters, 3 % of them unreadable. `resume` is timed from
the start of the interpreter to the first request that the engine is given, with the second half of
the journal missing; `report --json` to its end, with the whole journal. Where the time goes is said
stage by stage, each without the stages inside it; memory is the peak of the process.

python benches/bench_resume.py [--quick] [--judgments N ...] [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure import new_record, refuse_debug_build, write

if TYPE_CHECKING:
    from collections.abc import Callable

WHAT = ("resume", "report")

BUDGET_SECONDS = 5.0
"""Longest that either may take for a million judgments."""

BUDGET_BYTES = (2 << 30) / 10_000_000
"""Memory for one judgment, so that ten millions stay under 2 GiB."""

STAGES = {
    "read items": ["pipeline.results.load_item_columns", "pipeline.fit.load_item_columns"],
    "read plan": ["pipeline.results.load_plan", "pipeline.run.load_plan"],
    "open, fit": ["pipeline.run.open_run"],
    "index requests": ["journal.answers.AnswerIndex.__init__"],
    "read journal": ["pipeline.results.read_journal_by", "pipeline.run.read_journal"],
    "check sha256": ["journal.reader.verify_closed"],
    "join": ["verdicts.table.AnswerIndex.take"],
    "parse": ["verdicts.table.read_texts"],
    "what to ask": ["pipeline.run.rows_to_ask"],
    "reconcile": ["pipeline.results.reconcile"],
    "estimates": ["pipeline.estimates.measure"],
    "position bias": ["pipeline.estimates.position_bias"],
    "examples": ["pipeline.results._examples"],
    "operations": ["pipeline.results.operations_of"],
}
"""Names of the package that are timed, by stage."""


IMPORTS = {
    "resume": ("cli.app", "cli.resume", "pipeline.run"),
    "report": ("cli.app", "cli.report", "pipeline.results", "reports.as_json"),
}
"""What each command loads."""


class Clock:
    """Seconds by stage, each without the stages that it calls."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inside = [0.0]

    def watch(self, stage: str, name: str) -> None:
        """Time a function or a method of the package from now on."""
        module, _, attribute = name.rpartition(".")
        if module.rpartition(".")[2][0].isupper():
            module, _, owner_name = module.rpartition(".")
            owner = getattr(import_module(f"judgefast.{module}"), owner_name)
        else:
            owner = import_module(f"judgefast.{module}")
        # A name that has moved fails here: its stage would silently be "rest".
        setattr(owner, attribute, self._timed(stage, getattr(owner, attribute)))

    def _timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - whatever it takes
            started = time.perf_counter()
            self._inside.append(0.0)
            try:
                return function(*args, **options)
            finally:
                taken = time.perf_counter() - started
                inside = self._inside.pop()
                self._inside[-1] += taken
                self.seconds[stage] = self.seconds.get(stage, 0.0) + taken - inside

        return timed


def measure(what: str, folder: Path, started: float) -> None:
    """In a process of its own: do it, say on stderr what it took, and end."""
    clock = Clock()
    for name in IMPORTS[what]:
        import_module(f"judgefast.{name}")
    imported = time.time()
    for stage, names in STAGES.items():
        for name in names:
            clock.watch(stage, name)
    ready = time.time()

    def say() -> None:
        wall = time.time() - started - (ready - imported)
        stages = {"start, import": imported - started} | clock.seconds
        stages["rest"] = wall - sum(stages.values())
        peak = peak_bytes()
        cpu = time.process_time()
        facts = {"wall": wall, "cpu": cpu, "peak_bytes": peak, "stages": stages}
        print(json.dumps(facts), file=sys.stderr, flush=True)
        os._exit(0)

    if what == "report":
        from judgefast.cli.app import app  # noqa: PLC0415 - its import is timed

        app.main(["report", str(folder), "--json"], prog_name="judgefast", standalone_mode=False)
        sys.stdout.flush()
        say()
    from judgefast.pipeline.run import resume  # noqa: PLC0415 - as above
    from null_engine import NullEngine  # noqa: PLC0415 - as above

    resume(folder, engine=NullEngine(on_submit=say), show_progress=False)


def peak_bytes() -> int:
    """Most memory that this process has held. `ru_maxrss` would remember the parent's as well."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def run_once(what: str, folder: Path) -> dict[str, Any]:
    """Measure in a new process."""
    command = [sys.executable, __file__, "--of", what, str(folder), repr(time.time())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    if what == "report":
        json.loads(done.stdout)
    facts: dict[str, Any] = json.loads(done.stderr.splitlines()[-1])
    return facts


def measured(judgments: int, repeats: int) -> dict[str, Any]:
    """Make a run of so many judgments, and measure both on it in turn."""
    from recorded_run import make_run  # noqa: PLC0415 - not in the measured process

    taken: dict[str, list[dict[str, Any]]] = {what: [] for what in WHAT}
    with tempfile.TemporaryDirectory() as name:
        half, whole = Path(name) / "half", Path(name) / "whole"
        started = time.perf_counter()
        make_run(whole, judgments, half=half)
        seconds = time.perf_counter() - started
        size = sum(path.stat().st_size for path in whole.rglob("*") if path.is_file())
        made = f"{size / 2**20:.0f} MiB on disk, made in {seconds:.0f} s"
        print(f"{judgments:,} judgments: {made}", flush=True)
        for _ in range(repeats):
            for what, folder in (("resume", half), ("report", whole)):
                taken[what].append(run_once(what, folder))
        shutil.rmtree(half)
    return {what: summary(each) for what, each in taken.items()} | {"bytes_on_disk": size}


def summary(taken: list[dict[str, Any]]) -> dict[str, Any]:
    """Median of each figure over the repeats."""
    stages = {name: None for facts in taken for name in facts["stages"]}
    return {
        name: statistics.median(facts[name] for facts in taken)
        for name in ("wall", "cpu", "peak_bytes")
    } | {
        "stages": {
            name: statistics.median(facts["stages"].get(name, 0.0) for facts in taken)
            for name in stages
        }
    }


def show(what: str, facts: dict[str, Any]) -> None:
    """Print one measurement."""
    mib = facts["peak_bytes"] / 2**20
    print(f"{what}: {facts['wall']:.2f} s ({facts['cpu']:.2f} s CPU), peak {mib:.0f} MiB")
    for stage, seconds in sorted(facts["stages"].items(), key=lambda pair: -pair[1]):
        if seconds >= 0.001:  # noqa: PLR2004 - what is less is nothing
            print(f"    {stage:<16} {seconds:7.3f} s")


def main() -> None:
    """Make, measure, print, write one record."""
    if sys.argv[1:2] == ["--of"]:
        measure(sys.argv[2], Path(sys.argv[3]), float(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--judgments", type=int, nargs="+", default=[1_000_000, 2_000_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="few judgments, to see that it runs")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if args.quick:
        args.judgments, args.repeats = [10_000, 20_000], 1
    refuse_debug_build(parser)
    record = new_record("resume", "s; bytes", repeats=args.repeats)
    found = {judgments: measured(judgments, args.repeats) for judgments in args.judgments}
    for judgments, both in found.items():
        for what in WHAT:
            show(f"{what} of {judgments:,} judgments", both[what])
    few, many = min(found), max(found)
    growth = {}
    for what in WHAT if many > few else ():
        more = found[many][what]["peak_bytes"] - found[few][what]["peak_bytes"]
        growth[what] = more / (many - few)
        print(
            f"{what}: {growth[what]:.0f} bytes more for each judgment from {few:,} to {many:,}"
            f" (at most {BUDGET_BYTES:.0f} keeps 10,000,000 under 2 GiB)"
        )
    record |= {"judgments": {str(judgments): both for judgments, both in found.items()}}
    record["bytes_a_judgment"] = growth
    write(record, args.output)


if __name__ == "__main__":
    main()
