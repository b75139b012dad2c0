"""Starts that are killed with all their processes, and what the directory looked like then.

It reads the journal in a way of its own: what was written is what lies in the files.
"""

from __future__ import annotations

import base64
import json
import shutil
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from tests.program import Forked

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from pathlib import Path

CHECK_BYTES = 9
"""A line begins with its checksum and a space."""

POLL_SECONDS = 0.002

ALWAYS_COME = ("judging", "closing")
"""Phases of every start that has something to ask."""

WANTED = (None, None, None, None, "planning", "extending", "closing", *["judging"] * 5)
"""What a kill waits for, at random; None: for nothing."""


class Written(NamedTuple):
    """What is journaled of one completion."""

    request_id: str
    attempt: int
    text: str


class Killing:
    """One run directory, and the commands that are killed while they write to it."""

    def __init__(self, folder: Path, out: str, environment: dict[str, str], module: str) -> None:
        folder.mkdir(exist_ok=True)
        self.run = folder / out
        self._folder = folder
        self.phases: Counter[str] = Counter()
        self._environment = environment
        self._module = module
        self._known: dict[tuple[str, int], Written] = {}

    @property
    def kills(self) -> int:
        """How often a start was killed before it ended."""
        return self.phases.total()

    def whole(self, words: Sequence[object]) -> str:
        """Let a command end; its stdout."""
        status, out, err = self._start(words).end()
        assert status in {0, 3}, err
        self.check()
        return out

    def until_killed(self, words: Sequence[object], moments: random.Random, whole: float) -> bool:
        """Start a command and kill all its processes at random; whether it had not ended.

        A third of the moments is anywhere in the time that a start takes; the others are soon after
        something that comes late or takes little time, so that this is found too.
        """
        before = self._launches(), set(self.run.glob(".rows-*"))
        process = self._start(words)
        wanted = moments.choice(WANTED)
        end = time.monotonic() + moments.uniform(0, whole)
        if wanted in ALWAYS_COME:
            end = time.monotonic() + 3 * whole
        while time.monotonic() < end and not process.has_ended():
            if wanted is not None and self._phase(before) == wanted:
                time.sleep(moments.uniform(0, whole / 8 if wanted == "judging" else 0.004))
                break
            time.sleep(POLL_SECONDS)
        process.kill()
        status, _, err = process.end()
        if status != -signal.SIGKILL:
            assert status in {0, 3}, err
            return False
        self.phases[self._phase(before)] += 1
        self.check()
        return True

    def check(self) -> None:
        """Whatever was journaled before is there as it was, and nothing is there twice."""
        now = journaled(self.run)
        changed = [key for key, written in self._known.items() if now.get(key) != written]
        assert changed == []
        attempts = [(one.request_id, one.attempt) for one in now.values()]
        assert len(set(attempts)) == len(attempts)
        self._known = now

    def begin_anew(self) -> None:
        """Remove the run: a start had ended before it was killed."""
        shutil.rmtree(self.run)
        self._known = {}

    def _start(self, words: Sequence[object]) -> Forked:
        return Forked([self._module, *map(str, words)], self._folder, self._environment)

    def _launches(self) -> set[str]:
        return {path.stem for path in self.run.glob("launches/*.json")}

    def _phase(self, before: tuple[set[str], set[Path]]) -> str:
        """What the newest start was doing, by what lies there."""
        new = self._launches() - before[0]
        sealed = (self.run / "plan" / "plan.json").exists()
        if (self.run / ".extension").exists():
            return "extending"
        if not new:
            return "reading" if set(self.run.glob(".rows-*")) - before[1] else "starting"
        return self._phase_of(*new) if sealed else "planning"

    def _phase_of(self, launch: str) -> str:
        """What a start was doing that has a plan."""
        facts = json.loads((self.run / "launches" / f"{launch}.json").read_text())
        names = [path.name for path in self.run.glob(f"journal/{launch}-*")]
        parquet, opened, begun = (
            {name.partition(".")[0] for name in names if part in name.partition(".")[2]}
            for part in ("parquet", "open", "parquet.")
        )
        closed = {name.partition(".")[0] for name in names if name.endswith(".parquet")}
        if opened & parquet or begun - closed:
            return "closing"
        if "engine" not in facts:
            return "resuming"
        if "finished" in facts:
            return "ending"
        return "judging" if opened or not names else "reporting"


def journaled(run: Path) -> dict[tuple[str, int], Written]:
    """Everything in the journal by launch and row, read without judgefast."""
    found: dict[tuple[str, int], Written] = {}
    for path in sorted(run.glob("journal/*.parquet")):
        for row in pl.read_parquet(path).iter_rows(named=True):
            found[row["launch"], row["row"]] = Written(
                row["request_id"].hex(), row["attempt"], row["text"]
            )
    for path in sorted(run.glob("journal/*.open")):
        launch, number = path.stem.split("-")
        lines = [line[CHECK_BYTES:] for line in path.read_bytes().split(b"\n")[:-1]]
        for row, line in enumerate(map(json.loads, lines[1:]), 65_536 * int(number)):
            written = Written(_hex(line["request_id"]), line["attempt"], line["text"])
            assert found.setdefault((launch, row), written) == written
    return found


def _hex(coded: str) -> str:
    return base64.b64decode(coded).hex()
