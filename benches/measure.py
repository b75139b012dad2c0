"""What every bench shares: who measured, on what, and how a spread is said."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from typing import TYPE_CHECKING

from judgefast._native import BUILD_PROFILE

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

Record = dict[str, object]


def refuse_debug_build(parser: argparse.ArgumentParser) -> None:
    """End the program where the extension was built without optimisation."""
    if BUILD_PROFILE != "release":
        parser.error(f"this is a {BUILD_PROFILE} build; run `maturin develop --release` first")


def new_record(bench: str, unit: str, **settings: object) -> Record:
    """Begin a record: what was measured, in which unit, at which commit, on which machine."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return {
        "bench": bench,
        "unit": unit,
        **settings,
        "python": platform.python_version(),
        "commit": commit.stdout.strip(),
        "host": {"cpu": _cpu(), "cores": os.cpu_count()},
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Tenth, half and nine tenths of some measurements, of which there are at least two."""
    low, median, high = statistics.quantiles(values, n=10)[::4]
    return {"p10": low, "median": median, "p90": high}


def write(record: Record, path: Path | None) -> None:
    """Keep a record, where a file was named."""
    if path is not None:
        path.write_text(json.dumps(record, indent=2, default=str) + "\n")


def say_ratio(what: str, ratio: float | None, rival: str) -> None:
    """Print the last line of a bench, which `make bench` shows: how it stands to its rival.

    Args:
        what: Of the bench, and as what it is measured: `journal: completions appended`.
        ratio: By how much it is faster, or does less of the same; None where it was not measured.
        rival: By name; where there is no ratio, why.

    """
    shown = "not measured:" if ratio is None else f"{ratio:.3g} times"
    print(f"ratio  {what}: {shown} {rival}")


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - not on every system
            names = [line.partition(":")[2].strip() for line in file if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
