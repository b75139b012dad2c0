"""Texts a second of `judgefast replay` and `judgefast parse`, beside the bare parser.

A run of both orders of N / 2 items is made once by the library's own writers (`recorded_run`), of
1,000 different completions of about 200 characters, 3 % of them unreadable. Its rubric reads
`[[A]]`; the other one reads the same by a pattern. `replay` reads the run by both and says what
changes; `parse` reads a file of the same texts, with ids and orders, strictly and leniently; both
are timed from the start of the interpreter, in a process of their own. The bare parser gets the
texts as a list, once by each of the two rules of `replay`. Where the time goes is said stage by
stage, each without the stages inside it; memory is the peak of the process.

python benches/bench_reread.py [--quick] [--judgments N ...] [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from measure import new_record, refuse_debug_build, say_ratio, write
from stages import begin, run_once, show, summary

RUBRIC = "pairwise-bracket"
OTHER = r"""[verdict]
name = "regex"
which = "unanimous"
labels = [
  { text = "A", choice = "first" },
  { text = "B", choice = "second" },
  { text = "C", choice = "tie" },
]
patterns = [{ regex = '\[\[([ABC])\]\]' }]

"""

IMPORTS = {
    "replay": ("cli.app", "cli.replay", "pipeline.reread", "reports.text", "reports.readings"),
    "parse": ("cli.app", "cli.parse", "pipeline.audit", "reports.readings"),
}
"""What each command loads."""

STAGES = {
    "read items": ["pipeline.results.load_item_columns"],
    "read plan": ["pipeline.results.load_plan"],
    "read journal": ["pipeline.results.read_journal_by"],
    "check sha256": ["journal.reader.verify_closed"],
    "join": ["verdicts.table.AnswerIndex.take"],
    "columns": ["pipeline.outputs.OutputReader._batch"],
    "parse": ["verdicts.table.read_texts", "pipeline.audit.read_texts"],
    "count": ["pipeline.audit._count", "pipeline.audit.VerdictCodes.code"],
    "reconcile": ["pipeline.reconciled.reconcile", "pipeline.audit_headline.reconcile"],
    "estimates": ["pipeline.reread.estimates_of", "pipeline.audit_headline.summarise"],
    "pair orders": ["pipeline.audit.headline_of"],
    "difference": ["pipeline.reread.compare_runs"],
    "position bias": ["pipeline.estimates.position_bias"],
    "operations": ["pipeline.results.operations_of"],
}


def run_command(started: float, args: list[str]) -> None:
    """In a process of its own: run a command, say on stderr what it took, and end."""
    rest = "rest (rows of the file)" if args[0] == "parse" else "rest"
    say = begin(started, IMPORTS[args[0]], STAGES, rest)
    from judgefast.cli.app import app  # noqa: PLC0415 - its import is timed

    app.main(args, prog_name="judgefast", standalone_mode=False)
    say()


def bare(texts: list[str], rubrics: list[Path]) -> float:
    """CPU seconds of the parser alone, by each rubric once."""
    from judgefast.prompts.builtin import load_rubric  # noqa: PLC0415 - not in the measured process
    from judgefast.verdicts.read import read_texts  # noqa: PLC0415 - as above

    forms = [load_rubric(str(path)).verdict for path in rubrics]
    cut = np.zeros(len(texts), np.uint8)
    started = time.process_time()
    for form in forms:
        read_texts(form, texts, cut)
    return time.process_time() - started


def prepare(folder: Path, judgments: int) -> tuple[list[Path], list[str]]:
    """Make the run, two rubrics and a file of the run's texts; returns the rubrics and texts."""
    from judgefast.journal.run_directory import RunDirectory  # noqa: PLC0415 - as above
    from judgefast.prompts.builtin import load_rubric  # noqa: PLC0415 - as above
    from recorded_run import make_run  # noqa: PLC0415 - as above

    make_run(folder / "run", judgments, half=folder / "half")
    own = load_rubric(RUBRIC).source
    start, end = own.index("[verdict]"), own.index("[decoding]")
    rubrics = [folder / "own.toml", folder / "other.toml"]
    for path, source in zip(rubrics, (own, own[:start] + OTHER + own[end:]), strict=True):
        path.write_text(source, encoding="utf-8")
    directory = RunDirectory.open(folder / "run", write=False)
    texts = [
        text for batch in directory.completions(["text"]) for text in batch["text"].to_pylist()
    ]
    with (folder / "outputs.jsonl").open("w", encoding="utf-8") as file:
        for number, text in enumerate(texts):
            row = {"id": f"item-{number // 2:07d}", "order": ("ab", "ba")[number % 2], "text": text}
            file.write(json.dumps(row | {"finish_reason": "stop"}) + "\n")
    return rubrics, texts


def measured(judgments: int, repeats: int) -> dict[str, Any]:
    """Make a run of so many judgments, and measure all on it in turn."""
    taken: dict[str, list[dict[str, Any]]] = {what: [] for what in IMPORTS}
    parser = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rubrics, texts = prepare(folder, judgments)
        commands = {
            "replay": ["replay", str(folder / "run"), "--rubric", str(rubrics[1])],
            "parse": ["parse", str(folder / "outputs.jsonl"), "--rubric", str(rubrics[0])],
        }
        for _ in range(repeats):
            for what, args in commands.items():
                taken[what].append(run_once(__file__, args)[0])
            parser.append(bare(texts, rubrics))
    return {what: summary(each) for what, each in taken.items()} | {"bare": median(parser)}


def main() -> None:
    """Make, measure, print, write one record."""
    if sys.argv[1:2] == ["--of"]:
        run_command(float(sys.argv[2]), sys.argv[3:])
        return
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--judgments", type=int, nargs="+", default=[200_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="few judgments, to see that it runs")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if args.quick:
        args.judgments, args.repeats = [10_000, 20_000], 1
    refuse_debug_build(parser)
    record = new_record("reread", "s; bytes", repeats=args.repeats)
    found = {judgments: measured(judgments, args.repeats) for judgments in args.judgments}
    for judgments, facts in found.items():
        for what in IMPORTS:
            show(f"{what} of {judgments:,} texts", facts[what])
            rate = judgments / facts[what]["cpu"]
            print(f"    {rate:,.0f} texts a second of CPU, start and statistics included")
        rate = 2 * judgments / facts["bare"]
        print(f"bare parser, both rules: {facts['bare']:.2f} s CPU, {rate:,.0f} texts a second")
    record["judgments"] = {str(judgments): facts for judgments, facts in found.items()}
    write(record, args.output)
    last, facts = list(found.items())[-1]
    ratio = facts["bare"] / 2 / facts[next(iter(IMPORTS))]["cpu"]
    say_ratio(f"reread: {last:,} texts, start to statistics", ratio, "as fast as the parser alone")


if __name__ == "__main__":
    main()
