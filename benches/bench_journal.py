"""What a run takes on the disk, how that grows, and what a completion costs the journal.

Sizes are those of whole runs, both orders of a pair, with answers of 200 characters: bytes a
judgment of rows, plan and journal, for verdicts of one token and of 200 characters. It fails where
a judgment of a large run takes over a tenth more than one of a run a tenth as large.

Costs are CPU time of the whole process, a completion of 200 characters each: appending to the open
segment with its syncs, and closing that into Parquet. The rival of appending is a script that
writes the same facts as JSON lines and flushes each: no checksum, no sync, no check that a line can
be read.

python benches/bench_journal.py [--quick] [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgefast.config import RunConfig
from judgefast.engines.base import Completion, Lane
from judgefast.journal.segments import close_segment, list_segments, read_lines
from judgefast.journal.writer import JournalWriter
from judgefast.pipeline.run import run
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.model import JudgeModel
from measure import new_record, refuse_debug_build, say_ratio, spread, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from judgefast.batches.request import Request

FOLDERS = ("rows", "plan", "journal")
LETTERS = "ABC"
TEXT_CHARACTERS = 200
MOST_GROWTH = 1.1
BIG_RUN = 10_000
"""A run of so many judgments and more: what is written once is no part of its growth."""

GROUP = 50

_random = random.Random(0)  # noqa: S311 - words, not secrets
_WORDS = ["".join(_random.choices("abcdefghijklmnopqrstuvwxyz", k=2 + n % 8)) for n in range(5_000)]


def words(seed: int) -> str:
    """Text of 200 characters: words of which each comes once in 5,000."""
    drawn = random.Random(seed).choices(_WORDS, k=60)  # noqa: S311 - words, not secrets
    return " ".join(drawn)[:TEXT_CHARACTERS]


class Judge:
    """Answers at once, by a letter or by 200 characters that end in one."""

    name = "bench"

    def __init__(self, *, is_long: bool) -> None:
        self.capabilities = Capabilities(takes="key", deterministic=True)
        self.model = JudgeModel(name="bench", digest="")
        self.lanes = [Lane(lane=0, room=4_096)]
        self._is_long = is_long
        self._waiting: list[Request] = []

    def start(self) -> dict[str, Any]:
        """Nothing to load."""
        return {}

    def in_flight(self, lane: int) -> int:
        """Requests submitted and not yet collected."""
        del lane
        return len(self._waiting)

    def submit(self, lane: int, requests: Sequence[Request]) -> None:
        """Queue requests."""
        del lane
        self._waiting.extend(requests)

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        """Answer everything queued."""
        del timeout_seconds
        done, self._waiting = [self._answer(request) for request in self._waiting], []
        return done

    def cancel(self, request_ids: Sequence[bytes]) -> None:
        """Nothing to give up."""

    def close(self) -> None:
        """Nothing to free."""

    def _answer(self, request: Request) -> Completion:
        word = int.from_bytes(request.request_id[:4], "little")
        letter = f"[[{LETTERS[word % 3]}]]"
        return completion_of(
            request.request_id, f"{words(word)} {letter}" * self._is_long or letter
        )


def completion_of(request_id: bytes, text: str) -> Completion:
    """Make a completion as a server gives it."""
    return Completion(
        request_id=request_id,
        attempt=1,
        lane=0,
        text=text,
        finish_reason="stop",
        prompt_tokens=812,
        cached_tokens=512,
        completion_tokens=len(text) // 4,
        started=time.time(),
        wall_seconds=0.75,
    )


def rows(items: int) -> Iterator[dict[str, str]]:
    """Pairs of answers of 200 characters."""
    for item in range(items):
        yield {
            "id": f"item-{item}",
            "question": words(3 * item),
            "answer_a": words(3 * item + 1),
            "answer_b": words(3 * item + 2),
        }


def sizes(judgments: int, folder: Path, *, is_long: bool) -> dict[str, float]:
    """Bytes a judgment of a whole run, by folder."""
    config = RunConfig(rubric="pairwise-bracket", out=str(folder))
    finished = run(
        config,
        data=rows(judgments // 2),
        engine=Judge(is_long=is_long),  # type: ignore[arg-type]  # a double is an engine
        show_progress=False,
    )
    if finished.done != judgments:
        message = f"{finished.done:,} of {judgments:,} judgments are done"
        raise RuntimeError(message)
    found = {
        name: sum(path.stat().st_size for path in (folder / name).iterdir()) / judgments
        for name in FOLDERS
    }
    return found | {"all": sum(found.values())}


def measured(work: Callable[[], object], count: int) -> float:
    """CPU microseconds a completion."""
    began = time.process_time()
    work()
    return 1e6 * (time.process_time() - began) / count


def costs(count: int, folder: Path) -> tuple[dict[str, float], float]:
    """CPU microseconds a completion by kind of work, and bytes a completion in an open segment."""
    completions = [
        completion_of(number.to_bytes(16, "little"), words(number)) for number in range(count)
    ]

    def append() -> None:
        journal = JournalWriter(folder, "0" * 32)
        for start in range(0, count, GROUP):
            journal.append(completions[start : start + GROUP])
        journal.close(to_parquet=False)

    def plain() -> None:
        with (folder / "plain.jsonl").open("w") as file:
            for one in completions:
                facts = {name: getattr(one, name) for name in Completion.__struct_fields__}
                file.write(json.dumps(facts | {"request_id": one.request_id.hex()}) + "\n")
                file.flush()

    taken = {"append": measured(append, count), "plain JSON lines": measured(plain, count)}
    [segment] = list_segments(folder)
    opened = segment.opened(folder)
    size = opened.stat().st_size / count
    taken["close"] = measured(lambda: close_segment(folder, segment, read_lines(opened)), count)
    return taken, size


def main() -> None:
    """Measure sizes, then costs; print, write one record, fail where a run outgrows itself."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--judgments", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="small runs, to see that it goes")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if args.quick:
        args.judgments, args.repeats = [1_000, 10_000], 3
    refuse_debug_build(parser)
    record = new_record("journal", "bytes a judgment; CPU microseconds a completion", seed=0)
    outgrown: list[str] = []
    print(
        f"{'judgments':>10}  {'verdict':>14} " + " ".join(f"{one:>8}" for one in (*FOLDERS, "all"))
    )
    for is_long in (False, True):
        verdict = f"{TEXT_CHARACTERS} characters" if is_long else "one token"
        before = None
        for judgments in args.judgments:
            with tempfile.TemporaryDirectory() as folder:
                found = sizes(judgments, Path(folder) / "run", is_long=is_long)
            record[f"{judgments} judgments, {verdict}"] = found
            print(
                f"{judgments:>10,}  {verdict:>14} " + " ".join(f"{n:8.1f}" for n in found.values())
            )
            if before is not None and found["all"] > MOST_GROWTH * before:
                outgrown.append(f"{judgments:,} judgments, {verdict}")
            before = found["all"] if judgments >= BIG_RUN else None
    count = 5_000 if args.quick else 50_000
    taken: dict[str, list[float]] = {}
    for _ in range(args.repeats):
        with tempfile.TemporaryDirectory() as folder:
            each, size = costs(count, Path(folder))
        for name, value in each.items():
            taken.setdefault(name, []).append(value)
    for name, values in taken.items():
        record[name] = each = spread(values)
        line = "{0:>16}: {median:5.1f} us a completion (p10 {p10:.1f}, p90 {p90:.1f})"
        print(line.format(name, **each))
    record["bytes of an open line"] = size
    print(f"{'an open line':>16}: {size:.0f} bytes")
    write(record, args.output)
    ratio = record["plain JSON lines"]["median"] / record["append"]["median"]
    say_ratio("journal: completions appended", ratio, "as fast as plain JSON lines")
    if outgrown:
        parser.exit(1, f"a judgment takes over a tenth more: {'; '.join(outgrown)}\n")


if __name__ == "__main__":
    main()
