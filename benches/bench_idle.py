"""Whether the engine ever waits for the host.

A simulated engine has 256 slots, each busy with one request for 128 ms: 2,000 completions a second.
It keeps its own clock, a thread hands completions back as an engine in the process would, and
everything the host does goes on beside it: rendering, journal, reading of verdicts, the progress
display on a terminal, and the headline. Every fsync takes 10 ms longer than it does.

The idle share: of the slot-seconds between the moment at which all slots were first busy and the
moment at which the source had nothing left to hand out, the part in which a slot was free. In all
of that time there was work left to do. A slot is filled when a request reaches the engine, or at
once where one waits in its queue.

python benches/bench_idle.py [--judgments N] [--prompt-tokens N] [--quick] [--output FILE]
"""

from __future__ import annotations

import argparse
import heapq
import os
import pty
import sys
import tempfile
import threading
import time
from collections import deque
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgefast import files
from judgefast.batches.request import Request
from judgefast.config import RunConfig
from judgefast.engines.base import Completion, Lane
from judgefast.journal import open_segment
from judgefast.pipeline.run import run
from judgefast.prompts.decoding import Decoding
from judgefast.prompts.segments import Prompt, Segment
from measure import new_record, refuse_debug_build, say_ratio, write
from null_judge import NullEngine, recorded_texts, write_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


SLOTS = 256
SERVICE_SECONDS = 0.128
SYNC_SECONDS = 0.010
PROMISED = 0.01

_NO_PROMPT = {"ids_hash": bytes(16), "shared_tokens": 0}


class SlottedEngine(NullEngine):
    """256 slots and a queue before them; a thread of its own ends what is due."""

    def __init__(self, window: int) -> None:
        super().__init__(group=1)
        self.lanes = [Lane(lane=0, room=window)]
        self.idle_seconds = 0.0
        self.filled_at = 0.0
        """When all slots were first busy."""
        self.last_submit = 0.0
        self._texts = recorded_texts()
        self._changed = threading.Condition()
        self._queue: deque[Request] = deque()
        self._busy: list[tuple[float, int, Request]] = []
        self._done: list[Completion] = []
        self._number = 0
        self._free_since: deque[float] = deque()
        self._idle: list[tuple[float, float]] = []
        self._is_closed = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self) -> dict[str, Any]:
        """Start the clock: all slots are free."""
        self._free_since.extend([time.monotonic()] * SLOTS)
        self._thread.start()
        return super().start()

    def in_flight(self, lane: int) -> int:
        """Requests submitted and not yet collected."""
        del lane
        return len(self._queue) + len(self._busy) + len(self._done)

    def submit(self, lane: int, requests: Sequence[Request]) -> None:
        """Fill free slots, and queue the rest."""
        del lane
        for request in requests:
            assert request.prompt is not None  # this engine takes text
            self.prompt_characters += len(request.prompt.text)
        with self._changed:
            now = self.last_submit = time.monotonic()
            self._queue.extend(requests)
            while self._queue and self._free_since:
                self._idle.append((self._free_since.popleft(), now))
                self._begin(now)
            if not self._free_since and not self.filled_at:
                self.filled_at = now
            self._changed.notify_all()

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        """What has ended."""
        with self._changed:
            if not self._done and timeout_seconds:
                self._changed.wait_for(lambda: self._done, timeout_seconds)
            done, self._done = self._done, []
            return done

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def idle_share(self) -> float:
        """Of the slot-seconds in which there was work left, the part in which a slot was free."""
        start, end = self.filled_at, self.last_submit
        free = sum(max(0.0, min(b, end) - max(a, start)) for a, b in self._idle)
        return free / (SLOTS * (end - start))

    def _begin(self, at: float) -> None:
        self._number += 1
        heapq.heappush(self._busy, (at + SERVICE_SECONDS, self._number, self._queue.popleft()))

    def _serve(self) -> None:
        """End what is due, at the time at which it was due, whenever this thread comes to run."""
        with self._changed:
            while not self._is_closed:
                now = time.monotonic()
                ended = False
                while self._busy and self._busy[0][0] <= now:
                    due, _, request = heapq.heappop(self._busy)
                    self._done.append(self._completion(request))
                    ended = True
                    if self._queue:
                        self._begin(due)
                    else:
                        self._free_since.append(due)
                if ended:
                    self._changed.notify_all()
                self._changed.wait(self._busy[0][0] - now if self._busy else None)

    def _completion(self, request: Request) -> Completion:
        text = self._texts[int.from_bytes(request.request_id[:4], "little") % len(self._texts)]
        return Completion(
            request_id=request.request_id,
            attempt=request.attempt,
            lane=0,
            text=text,
            finish_reason="stop",
            prompt_tokens=3000,
            completion_tokens=60,
        )


def slowed(sync: Callable[[int], None]) -> Callable[[int], None]:
    """A sync that takes 10 ms longer, as on a network disk."""

    def slow(descriptor: int) -> None:
        time.sleep(SYNC_SECONDS)
        sync(descriptor)

    return slow


def measure(rows: Path, out: Path, window: int) -> dict[str, float]:
    """Judge all rows with this window."""
    engine = SlottedEngine(window)
    config = RunConfig(data=(str(rows),), rubric="pairwise-bracket", out=str(out))
    cpu = time.process_time()
    finished = run(config, engine=engine, show_progress=True)
    cpu = time.process_time() - cpu
    counts = finished.report.results.counts
    assert counts.planned == counts.parsed + sum(counts.unparsed.values())
    seconds = engine.last_submit - engine.filled_at
    return {
        "idle_share": engine.idle_share(),
        "completions_a_second": (counts.planned - SLOTS) / seconds,
        "cpu_us_a_judgment": 1e6 * cpu / counts.planned,
    }


def bare(count: int) -> float:
    """Idle share of a loop that does nothing but refill: what the machine itself lets stand."""
    engine = SlottedEngine(SLOTS)
    engine.start()
    prompt = Prompt(segments=(Segment("x" * 12_000, trusted=True),), token_ids=None, **_NO_PROMPT)
    requests = [
        Request(
            request_id=number.to_bytes(16, "little"),
            keys=(number.to_bytes(16, "little"),),
            item_id=str(number),
            shown=(0, 1),
            repeat=0,
            judge="null",
            questions=(),
            prompt=prompt,
            prefix_group=0,
            decoding=Decoding(max_tokens=1),
            seed=0,
        )
        for number in range(count)
    ]
    left = iter(requests)
    engine.submit(0, list(islice(left, SLOTS)))
    came_back = 0
    while came_back < count:
        done = engine.collect(timeout_seconds=0.2)
        came_back += len(done)
        if more := list(islice(left, len(done))):
            engine.submit(0, more)
    engine.close()
    return engine.idle_share()


def on_a_terminal() -> None:
    """Make stderr a terminal that somebody reads and nobody sees, so that progress is drawn."""
    reader, writer = pty.openpty()
    sys.stderr = os.fdopen(writer, "w")
    os.environ["TERM"] = "xterm"
    threading.Thread(
        target=lambda: [None for _ in iter(lambda: os.read(reader, 65_536), b"")], daemon=True
    ).start()


def main() -> None:
    """Measure both windows, print, write one record."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--judgments", type=int, default=60_000)
    parser.add_argument("--prompt-tokens", type=int, default=3_000)
    parser.add_argument("--quick", action="store_true", help="few rows, to see that it runs")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if args.quick:
        args.judgments = 6_000
    refuse_debug_build(parser)

    os.fsync = slowed(os.fsync)
    open_segment._sync = slowed(open_segment._sync)  # noqa: SLF001 - it was looked up at import
    assert files.os.fsync is os.fsync
    on_a_terminal()
    record = new_record(
        "idle",
        "share of the slot-seconds in which there was work left",
        judgments=args.judgments,
        prompt_tokens=args.prompt_tokens,
        slots=SLOTS,
        service_seconds=SERVICE_SECONDS,
        sync_seconds=SYNC_SECONDS,
    )
    worst = 0.0
    record["bare loop, window 256"] = alone = bare(args.judgments // 2)
    print(f"bare loop, window 256: idle {alone:.2%}: what this machine lets stand by itself")
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.jsonl"
        write_pairs(rows, args.judgments // 2, args.prompt_tokens)
        for window in (SLOTS, 2 * SLOTS):
            found = measure(rows, Path(folder) / f"run-{window}", window)
            record[f"window {window}"] = found
            worst = max(worst, found["idle_share"])
            print(
                "window {0}: idle {idle_share:.2%}, {completions_a_second:,.0f} completions a "
                "second, {cpu_us_a_judgment:.0f} us of CPU a judgment".format(window, **found)
            )
    print(f"worst: {worst:.2%}, promised: under {PROMISED:.0%}")
    write(record, args.output)
    ratio = (1 - worst) / (1 - alone)
    say_ratio("idle: slots kept busy by a whole run", ratio, "as busy as a bare loop keeps them")


if __name__ == "__main__":
    main()
