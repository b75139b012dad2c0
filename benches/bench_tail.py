"""How long slots are idle at the end of a run, with its last requests in the plan's order and not.

A simulated engine with a clock of its own: slots, each busy with one request as long as its answer
is long. Every run is 50 windows: what the engine
holds at once, its slots or a multiple of them. Answers are of two aspects whose
lengths differ tenfold; or as long as their prompts make them; or nobody knows how long.

The idle share: of all slot-seconds of the run, those in which a slot was free and nothing was left
to take. `kept` is the plan's order to the end, `arranged` that of `engines/tail.py`, `best` the
last two windows by their true lengths.

python benches/bench_tail.py [--slots N] [--held N] [--windows N] [--seeds N] [--output FILE]
"""

from __future__ import annotations

import argparse
import heapq
import statistics
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from judgefast.batches.request import Question, Request
from judgefast.engines.base import Completion
from judgefast.engines.source import FixedPlan
from judgefast.engines.tail import Tail
from judgefast.prompts.decoding import Decoding
from judgefast.prompts.segments import Prompt

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORKLOADS = ("two aspects", "as the prompt", "unknown", "all alike")
DECODING = Decoding(max_tokens=1000)
QUESTIONS = tuple(
    (Question(aspect=name, kind="score", instructions="", options=()),)
    for name in ("short", "long")
)


def lengths_of(
    workload: str, aspects: NDArray[np.int64], prompts: NDArray[np.int64], seed: int
) -> NDArray[np.float64]:
    """How long each answer is."""
    drawn = np.random.default_rng(seed)
    if workload == "two aspects":
        return np.where(aspects, 300.0, 30.0) * drawn.lognormal(0.0, 0.2, len(aspects))
    if workload == "as the prompt":
        return prompts / 8 * drawn.lognormal(0.0, 0.2, len(aspects))
    if workload == "unknown":
        return drawn.lognormal(4.5, 0.6, len(aspects))
    return np.full(len(aspects), 100.0)


def requests_of(aspects: NDArray[np.int64], prompts: NDArray[np.int64]) -> list[Request]:
    """Requests about one of two aspects each, with prompts of some lengths."""
    longest = np.zeros(int(prompts.max()), np.int32)
    return [
        Request(
            request_id=number.to_bytes(16, "little"),
            keys=(),
            item_id="",
            shown=(0,),
            repeat=0,
            judge="",
            questions=QUESTIONS[aspect],
            prompt=Prompt((), longest[:length], b"", 0),
            prefix_group=0,
            decoding=DECODING,
            seed=0,
        )
        for number, aspect, length in zip(count(), aspects.tolist(), prompts.tolist(), strict=False)
    ]


def idle_share(source: FixedPlan, lengths: NDArray[np.float64], slots: int, room: int) -> float:
    """Run all requests through the slots; the share of slot-time idle after the last was taken."""
    waiting: list[Request] = []
    busy: list[tuple[float, int]] = []
    now, in_flight = 0.0, 0
    while True:
        more = source.take(0, room - in_flight)
        in_flight += len(more)
        waiting += more
        while waiting and len(busy) < slots:
            number = int.from_bytes(waiting.pop(0).request_id, "little")
            heapq.heappush(busy, (now + float(lengths[number]), number))
        if not busy:
            return 1 - float(lengths.sum()) / (slots * now)
        now, number = heapq.heappop(busy)
        in_flight -= 1
        source.give([completion(number, int(lengths[number]))])


def completion(number: int, tokens: int) -> Completion:
    """What came back."""
    return Completion(
        request_id=number.to_bytes(16, "little"),
        attempt=1,
        lane=0,
        text="",
        finish_reason="stop",
        completion_tokens=tokens,
    )


def shares(workload: str, slots: int, held: int, windows: int, seed: int) -> dict[str, float]:
    """Idle share of one run in each order of its end."""
    drawn = np.random.default_rng(seed)
    room, total = held * slots, held * slots * windows
    aspects, prompts = drawn.integers(0, 2, total), drawn.integers(200, 3000, total)
    lengths = lengths_of(workload, aspects, prompts, seed)
    requests = requests_of(aspects, prompts)
    end = len(requests) - 2 * room
    last = sorted(range(end, total), key=lambda row: -lengths[row])
    return {
        "kept": idle_share(FixedPlan(requests, total=total), lengths, slots, room),
        "arranged": idle_share(
            FixedPlan(requests, total=total, tail=Tail(room)), lengths, slots, room
        ),
        "best": idle_share(
            FixedPlan([*requests[:end], *(requests[row] for row in last)], total=total),
            lengths,
            slots,
            room,
        ),
    }


def main() -> None:
    """Measure, print, and write."""
    from measure import new_record, say_ratio, write  # noqa: PLC0415 - tests run the engine alone

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]  # it has one
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--held", type=int, default=2, help="requests held for each slot")
    parser.add_argument("--windows", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one seed, to see that it runs")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    if options.quick:
        options.seeds = 1
    settings = {name: value for name, value in vars(options).items() if name != "output"}
    record = new_record("tail", "share", **settings)
    for workload in WORKLOADS:
        runs = [
            shares(workload, options.slots, options.held, options.windows, seed)
            for seed in range(options.seeds)
        ]
        middle = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        record[workload] = middle
        told = ", ".join(f"{name} {share:.2%}" for name, share in middle.items())
        print(f"{workload}: {told}")
    write(record, options.output)
    ratio = record["two aspects"]["kept"] / record["two aspects"]["arranged"]
    say_ratio("tail: idle slots at the end, two aspects", ratio, "fewer than in the plan's order")


if __name__ == "__main__":
    main()
