"""Stages of the host beside plain ways, by pytest-benchmark (`host_stages.py`).

python benches/bench_stages.py [--quick] [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from measure import new_record, refuse_debug_build, say_ratio, write

HERE = Path(__file__).resolve().parent
OURS = "judgefast"


def measure(*, quick: bool) -> dict[str, dict[str, float]]:
    """Run pytest-benchmark; returns the least seconds by stage and by way."""
    rounds = "3" if quick else "30"
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "found.json"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--benchmark-only",
            "-p",
            "no:cacheprovider",
        ]
        options = [f"--benchmark-json={path}", f"--benchmark-min-rounds={rounds}"]
        options += ["--benchmark-max-time=0.2"] if quick else []
        done = subprocess.run(
            [*command, *options, str(HERE / "host_stages.py")],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
        found: dict[str, dict[str, float]] = {}
        for each in json.loads(path.read_text(encoding="utf-8"))["benchmarks"]:
            stage = each["name"].partition("[")[0].removeprefix("test_")
            found.setdefault(stage, {})[each["params"]["way"]] = each["stats"]["median"]
        return found


def main() -> None:
    """Measure, print, write one record."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="few rounds, to see that it runs")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    refuse_debug_build(parser)
    if find_spec("pytest_benchmark") is None:
        say_ratio("stages", None, "pytest-benchmark is not installed")
        return
    found = measure(quick=args.quick)
    write(new_record("stages", "s, the median round", quick=args.quick, stages=found), args.output)
    for stage, ways in found.items():
        for name, seconds in ways.items():
            print(f"{stage}: {name} {1e3 * seconds:.3g} ms")
    for stage, ways in found.items():
        rival = next(name for name in ways if name != OURS)
        say_ratio(f"stages: {stage}", ways[rival] / ways[OURS], f"as fast as {rival}")


if __name__ == "__main__":
    main()
