"""Calibrate an engine, then foretell three workloads and run them: what was said, what it took.

One-token verdicts of pairs; short reasons, whose length a small pilot has shown; long questions
that several answers and both orders share. Every run is `judgefast run` as anybody has it: the
estimate is in its manifest before its engine starts, and its report sets it beside the bill. On a
CPU the seconds are those of the engine's processes, since cores are shared; on a GPU those of the
clock.

python benches/bench_estimate.py [--engine embedded|vllm] [--model FOLDER | --shape 8b]
    [--scale N] [--seconds S] [--quick] [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from judgefast.config import RunConfig
from judgefast.engines.vllm.hardware import is_cpu_build
from judgefast.pipeline.calibrate import calibrate
from judgefast.pipeline.run import run
from judgefast.prompts.builtin import load_rubric
from judgefast.reports.calibration_text import render_calibration
from measure import new_record, refuse_debug_build, say_ratio, write
from model_shapes import SHAPES, write_folder

REASON_TOKENS = 40
PROMISED = 0.10
"""Error on a machine that was calibrated in the same hour."""

ON_A_CPU = {
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
}
CPU_ARGUMENTS: dict[str, Any] = {
    "max_model_len": 2048,
    "max_num_seqs": 64,
    "enforce_eager": True,
    "block_size": 32,
    "max_logprobs": -1,
}
"""Of vLLM on a small machine without a GPU."""

_WORDS = load_rubric("pairwise").source.split()
"""Any words that tokenizers know."""


class Workload(NamedTuple):
    """Rows and how they are judged."""

    name: str
    rubric: str
    items: int
    question: tuple[int, int]
    """Words, from and to."""
    answer: tuple[int, int]
    answers: int = 2


def workloads(scale: float) -> list[Workload]:
    """The three, and the pilot that shows how long reasons are."""

    def many(items: int) -> int:
        return max(2, round(items * scale))

    # A pilot of a dozen answers has none that runs on to its cap; how many steps there are hangs on
    # the longest.
    reasons = Workload("short reasons", "reasons", many(20), (10, 40), (30, 90))
    return [
        reasons._replace(name="pilot", items=many(16)),
        Workload("label read", "pairwise", many(24), (10, 40), (30, 120)),
        reasons,
        Workload("long prompts, shared", "pairwise", many(3), (500, 700), (30, 90), answers=3),
    ]


def write_rows(path: Path, workload: Workload, seed: int) -> None:
    """Write rows of random words; no two workloads have a text in common."""
    draw = random.Random(f"{seed} {workload.name}")  # noqa: S311 - texts, not secrets

    def text(words: tuple[int, int]) -> str:
        return " ".join(draw.choices(_WORDS, k=draw.randint(*words)))

    rows = [
        {
            "id": f"{workload.name} {number}",
            "question": text(workload.question),
            "answers": [
                {"model": f"m{answer}", "text": text(workload.answer)}
                for answer in range(workload.answers)
            ],
        }
        for number in range(workload.items)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_reasons(path: Path) -> None:
    """The built-in rubric with reasons, which are cut soon."""
    source = load_rubric("pairwise-reasons").source
    short = source.replace("max_tokens = 256", f"max_tokens = {REASON_TOKENS}")
    assert short != source
    path.write_text(short.replace('name = "pairwise-reasons"', 'name = "reasons"'))


def judged(config: RunConfig, workload: Workload, scratch: Path, seed: int) -> dict[str, Any]:
    """Run a workload; what was foretold of it and what came, line by line."""
    rows = scratch / f"{workload.name}.jsonl"
    write_rows(rows, workload, seed)
    rubric = str(scratch / "reasons.toml") if workload.rubric == "reasons" else workload.rubric
    finished = run(
        config.replace(data=(str(rows),), rubric=rubric, out=str(scratch / workload.name)),
        show_progress=False,
    )
    report = getattr(finished, "report", None)
    assert report is not None  # nothing interrupts it
    bill = report.operations.estimate
    assert bill is not None  # the engine works here
    return {
        "workload": workload.name,
        "judgments": report.results.counts.planned,
        "rates": bill.rates,
        "because": bill.because,
        "lines": {
            line.name: {
                "low": line.estimated.low,
                "likely": line.estimated.likely,
                "high": line.estimated.high,
                "actual": line.actual,
                "off": line.off,
                "within": line.within,
            }
            for line in bill.lines
        },
        "busy": _busy(scratch / workload.name),
    }


def _busy(folder: Path) -> float | None:
    """Share of the CPU that others took while it was judged."""
    facts = [json.loads(path.read_text()) for path in (folder / "launches").glob("*.json")]
    return next(
        (each["cpu_share_of_others"] for each in facts if "cpu_share_of_others" in each), None
    )


def show(found: dict[str, Any]) -> None:
    """Print a workload: what was said, what it took, by how much that is off."""
    busy = found["busy"]
    others = "" if busy is None else f"; others took {busy:.0%} of the CPU"
    print(f"{found['workload']}: {found['judgments']} judgments{others}")
    for name, line in found["lines"].items():
        if line["off"] is None:
            continue
        spread = f"{line['low']:,.1f} to {line['high']:,.1f}"
        where = "within" if line["within"] else "OUTSIDE"
        print(
            f"  {name:<16} {line['likely']:>12,.1f} ({spread}), it took {line['actual']:,.1f}: "
            f"{line['off']:+.1%}, {where}"
        )
    for why in found["because"]:
        print(f"  because {why}")


def parse_arguments() -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    """Of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--engine", choices=("embedded", "vllm"), default="embedded")
    parser.add_argument("--model", help="folder of a judge")
    parser.add_argument("--shape", choices=sorted(SHAPES), help="random weights of these shapes")
    parser.add_argument("--engine-arg", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--scale", type=float, default=1.0, help="times as many items")
    parser.add_argument("--seconds", type=float, default=60.0, help="to calibrate for")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--uncalibrated", action="store_true", help="by the roofline (GPU)")
    parser.add_argument("--quick", action="store_true", help="little, to see that it runs")
    parser.add_argument("--output", type=Path)
    return parser, parser.parse_args()


def config_of(args: argparse.Namespace, scratch: Path) -> RunConfig:
    """The judge, as a run is told of it."""
    given: dict[str, Any] = {}
    if args.engine == "vllm" and is_cpu_build():
        given |= CPU_ARGUMENTS
        for name, value in ON_A_CPU.items():
            os.environ.setdefault(name, value)
    model = args.model
    if args.shape:
        model = str(write_folder(scratch / args.shape, args.shape))
        given["load_format"] = "dummy"
    for each in args.engine_arg:
        name, _, value = each.partition("=")
        try:
            given[name] = json.loads(value)
        except json.JSONDecodeError:
            given[name] = value
    return RunConfig(engine=args.engine, model=model, engine_args=given, orders="both")


def main() -> None:
    """Calibrate, run, compare, write one record."""
    parser, args = parse_arguments()
    refuse_debug_build(parser)
    if args.quick:
        args.scale, args.seconds = 0.05, 5.0
    with tempfile.TemporaryDirectory(prefix="judgefast-bench-") as folder:
        scratch = Path(folder)
        os.environ["JUDGEFAST_STATE"] = str(scratch / "state")
        if args.quick and args.engine == "embedded":
            args.engine_arg.append("exact=false")  # half the time
        config = config_of(args, scratch)
        write_reasons(scratch / "reasons.toml")
        calibration = None
        if not args.uncalibrated:
            calibration = calibrate(config, seconds=args.seconds, say=_say)
            print(render_calibration(calibration))
        found = []
        for workload in workloads(args.scale)[1:2] if args.quick else workloads(args.scale):
            found.append(judged(config, workload, scratch, args.seed))
            if workload.name != "pilot":
                show(found[-1])
    clock = _clock(found)
    pilots = [each for each in found if each["workload"] == "pilot"]
    others = [each for each in found if each not in pilots]
    worst = max(abs(each["lines"][clock]["off"] or 0.0) for each in others)
    print(f"worst of {len(others)} by {clock}: {worst:.1%}")
    if args.output is not None:
        record = new_record("estimate", "seconds", engine=args.engine, scale=args.scale)
        record |= {
            "clock": clock,
            "worst": worst,
            "workloads": others,
            "pilot": next(iter(pilots), None),
        }
        if calibration is not None:
            import msgspec  # noqa: PLC0415 - the rare case

            record["calibration"] = msgspec.to_builtins(calibration)
            record["calibration"]["stored"] = None  # type: ignore[index]  # a folder that is gone
        write(record, args.output)
    ratio = PROMISED / max(worst, 1e-3)
    say_ratio("estimate: worst of the workloads", ratio, "as near as the promised 10 %")


def _clock(found: list[dict[str, Any]]) -> str:
    has_cpu = all("cpu_seconds" in each["lines"] for each in found)
    return "cpu_seconds" if has_cpu else "judging_seconds"


def _say(words: str) -> None:
    print(words, file=sys.stderr)


if __name__ == "__main__":
    main()
