"""Host work a judgment of a whole run, beside a plain loop over the same recorded outputs.

The run reads rows, hashes and shuffles them, plans, journals every completion, parses, reconciles,
estimates with intervals and reports. The rival is what a careful script does instead: decode each
line, search the verdict with a compiled pattern, compare the two orders, take a mean and a naive
error. What the run costs above it is the price of the promises.

python benches/bench_replay.py [--quick] [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from judgefast.config import RunConfig
from judgefast.pipeline.run import run
from measure import new_record, refuse_debug_build, say_ratio, spread, write

VERDICT = re.compile(r"\[\[([ABC])\]\]")


def write_rows(path: Path, items: int) -> None:
    """Write both orders of each item: the second answer wins in two of three items."""
    said = (("A", "B"), ("B", "A"), ("B", "A"))
    with path.open("w") as file:
        for item in range(items):
            for order, verdict in zip(("ab", "ba"), said[item % 3], strict=True):
                text = f"Both answer the question, one of them better. [[{verdict}]]"
                file.write(json.dumps({"id": item, "order": order, "text": text}) + "\n")


def plain_loop(path: Path) -> float:
    """Win rate of the second answer, as a script takes it."""
    said: dict[int, dict[str, str]] = defaultdict(dict)
    with path.open() as file:
        for line in file:
            row = json.loads(line)
            found = VERDICT.findall(row["text"])
            if len(set(found)) == 1:
                said[row["id"]][row["order"]] = found[0]
    values = []
    for verdicts in said.values():
        if len(verdicts) == 2:  # noqa: PLR2004 - both orders
            one = {"A": "a", "B": "b"}.get(verdicts["ab"])
            two = {"A": "b", "B": "a"}.get(verdicts["ba"])
            values.append(0.5 if one != two or one is None else float(one == "b"))
    statistics.stdev(values)
    return statistics.fmean(values)


def whole_run(path: Path, out: Path) -> float:
    """Win rate of the second answer, as a run reports it."""
    config = RunConfig(rubric="pairwise-bracket", engine="replay", recorded=str(path), out=str(out))
    finished = run(config, show_progress=False)
    value: float = finished.report.results.estimates[0].value
    return value


def main() -> None:
    """Check that both say the same, measure in turn, print, write one record."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--items", type=int, default=50_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="few rows, to see that it runs")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if args.quick:
        args.items, args.repeats = 2_000, 3
    refuse_debug_build(parser)

    times: dict[str, list[float]] = {"run": [], "plain loop": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recorded.jsonl"
        write_rows(path, args.items)
        for repeat in range(args.repeats + 1):  # the first one warms up
            started = time.process_time()
            ours = whole_run(path, Path(folder) / f"run-{repeat}")
            between = time.process_time()
            theirs = plain_loop(path)
            ended = time.process_time()
            if abs(ours - theirs) > 1e-6:  # noqa: PLR2004 - values are multiples of 2^-24
                parser.exit(1, f"the run says {ours}, the loop {theirs}\n")
            if repeat:
                times["run"].append(between - started)
                times["plain loop"].append(ended - between)
    judgments = 2 * args.items
    record = new_record(
        "replay",
        "CPU microseconds a judgment, all threads",
        judgments=judgments,
        repeats=args.repeats,
    )
    medians = {}
    for name, taken in times.items():
        record[name] = each = spread([1e6 * value / judgments for value in taken])
        medians[name] = each["median"]
        print(
            "{0:>10}: {median:.1f} us a judgment (p10 {p10:.1f}, p90 {p90:.1f})".format(
                name, **each
            )
        )
    record["ratio"] = medians["run"] / medians["plain loop"]
    print(f"     ratio: {record['ratio']:.1f}")
    write(record, args.output)
    say_ratio("replay: a run of recorded outputs", 1 / record["ratio"], "as fast as a plain loop")


if __name__ == "__main__":
    main()
