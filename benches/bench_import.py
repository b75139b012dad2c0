"""How long `import judgefast` takes, beside an interpreter that does nothing.

python benches/bench_import.py [--quick] [--output FILE]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from measure import new_record, say_ratio, spread, write

WORK = {"pass": "pass", "judgefast": "import judgefast"}
"""The interpreter alone, then with the package."""

BUDGET_SECONDS = 0.15
"""Longest that the import alone may take."""


def seconds(code: str) -> float:
    """Start an interpreter, run `code`, wait for its end."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def check() -> None:
    """Refuse to time an import that is not the real one, or that loads libraries."""
    code = "import sys, judgefast; judgefast.run; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "pyarrow", "click", "rich", "asyncio", "openvino"} & set(done.stdout.split())
    if heavy:
        sys.exit(f"`import judgefast` loads {', '.join(sorted(heavy))}")


def main() -> None:
    """Check, measure in turn, print two lines and a ratio, write one record."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--quick", action="store_true", help="5 repeats, to see that it runs")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    check()
    repeats = 5 if args.quick else args.repeats
    times: dict[str, list[float]] = {name: [] for name in WORK}
    for _ in range(repeats):  # in turn, so that a busy moment hits both
        for name, code in WORK.items():
            times[name].append(seconds(code))
    record = new_record("import", "s", repeats=repeats)
    medians = {}
    for name, taken in times.items():
        record[name] = each = spread(taken)
        medians[name] = each["median"]
        print(f"{name:>9}: {1e3 * each['median']:.1f} ms (p90 {1e3 * each['p90']:.1f})")
    record["ratio"] = medians["judgefast"] / medians["pass"]
    print(f"    ratio: {record['ratio']:.2f}")
    write(record, args.output)
    say_ratio(
        "import: import judgefast", 1 / record["ratio"], "as fast as Python that does nothing"
    )
    if medians["judgefast"] - medians["pass"] > BUDGET_SECONDS:
        sys.exit(f"the import takes more than {BUDGET_SECONDS} s")


if __name__ == "__main__":
    main()
