"""The Rust kernels beside the plain way of doing the same, by criterion (`rust/core/benches`).

python benches/bench_kernels.py [--quick] [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from measure import new_record, say_ratio, write

ROOT = Path(__file__).resolve().parents[1]
COMMAND = ("cargo", "bench", "--quiet", "--locked", "-p", "judgefast-core", "--bench", "kernels")
OURS = "judgefast"


def measure(*, quick: bool) -> dict[str, dict[str, dict[str, Any]]]:
    """Run criterion; returns its estimates by group and by way. Seconds."""
    with tempfile.TemporaryDirectory() as name:
        more = ["--quick"] if quick else []
        done = subprocess.run(
            [*COMMAND, "--", *more, "--noplot"],
            cwd=ROOT,
            env=os.environ | {"CRITERION_HOME": name},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(done.stderr)
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for path in sorted(Path(name).glob("*/*/new/benchmark.json")):
            facts = json.loads(path.read_text(encoding="utf-8"))
            said = json.loads((path.parent / "estimates.json").read_text(encoding="utf-8"))
            between = said["mean"]["confidence_interval"]
            found.setdefault(facts["group_id"], {})[facts["function_id"]] = {
                "seconds": said["mean"]["point_estimate"] / 1e9,
                "low": between["lower_bound"] / 1e9,
                "high": between["upper_bound"] / 1e9,
            }
        return found


def main() -> None:
    """Measure, print, write one record."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="few rounds, to see that it runs")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if shutil.which("cargo") is None:
        say_ratio("kernels", None, "there is no cargo")
        return
    found = measure(quick=args.quick)
    record = new_record("kernels", "s, with criterion's interval of 95 %", quick=args.quick)
    write(record | {"groups": found}, args.output)
    for group, ways in found.items():
        for name, way in ways.items():
            print(f"{group}: {name} {1e3 * way['seconds']:.3g} ms")
    for group, ways in found.items():
        rival = next(name for name in ways if name != OURS)
        ratio = ways[rival]["seconds"] / ways[OURS]["seconds"]
        say_ratio(f"kernels: {group}", ratio, f"as fast as {rival}")


if __name__ == "__main__":
    main()
