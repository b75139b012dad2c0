"""A command in a process of its own: what it takes, stage by stage, and its memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


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


def begin(
    started: float, imports: Sequence[str], stages: Mapping[str, Sequence[str]], rest: str = "rest"
) -> Callable[[], None]:
    """Load modules of the package and time what they do from now on.

    Args:
        started: When the interpreter was started.
        imports: Modules that the command loads.
        stages: Names of the package that are timed, by stage.
        rest: What the time outside of them is called.

    Returns:
        What says on stderr what it took, and ends the process.

    """
    clock = Clock()
    for name in imports:
        import_module(f"judgefast.{name}")
    imported = time.time()
    for stage, names in stages.items():
        for name in names:
            clock.watch(stage, name)
    ready = time.time()

    def say() -> None:
        sys.stdout.flush()
        wall = time.time() - started - (ready - imported)
        taken = {"start, import": imported - started} | clock.seconds
        taken[rest] = wall - sum(taken.values())
        facts = {"wall": wall, "cpu": time.process_time(), "peak_bytes": _peak_bytes()}
        print(json.dumps(facts | {"stages": taken}), file=sys.stderr, flush=True)
        os._exit(0)

    return say


def run_once(bench: str, args: Sequence[str]) -> tuple[dict[str, Any], str]:
    """Start a bench again as `--of TIME ARGS`; returns what it said of itself, and its output."""
    command = [sys.executable, bench, "--of", repr(time.time()), *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    facts: dict[str, Any] = json.loads(done.stderr.splitlines()[-1])
    return facts, done.stdout


def _peak_bytes() -> int:
    """Most memory that this process has held. `ru_maxrss` would remember the parent's as well."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


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
