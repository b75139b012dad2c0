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
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import new_record, refuse_debug_build, say_ratio, write
from stages import begin, run_once, show, summary

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
    "reconcile": ["pipeline.reconciled.reconcile"],
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


def measure(started: float, what: str, folder: str) -> None:
    """In a process of its own: do it, say on stderr what it took, and end."""
    say = begin(started, IMPORTS[what], STAGES)
    if what == "report":
        from judgefast.cli.app import app  # noqa: PLC0415 - its import is timed

        app.main(["report", folder, "--json"], prog_name="judgefast", standalone_mode=False)
        say()
    from judgefast.pipeline.run import resume  # noqa: PLC0415 - as above
    from null_engine import NullEngine  # noqa: PLC0415 - as above

    resume(folder, engine=NullEngine(on_submit=say), show_progress=False)


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
                facts, output = run_once(__file__, [what, str(folder)])
                if what == "report":
                    json.loads(output)
                taken[what].append(facts)
        shutil.rmtree(half)
    return {what: summary(each) for what, each in taken.items()} | {"bytes_on_disk": size}


def main() -> None:
    """Make, measure, print, write one record."""
    if sys.argv[1:2] == ["--of"]:
        measure(float(sys.argv[2]), *sys.argv[3:])
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
    ratio = found[many]["report"]["cpu"] / found[many]["resume"]["cpu"]
    say_ratio("resume: a start that finds all done", ratio, "as fast as `judgefast report`")


if __name__ == "__main__":
    main()
