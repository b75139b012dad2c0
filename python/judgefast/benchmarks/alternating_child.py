"""The process of a vLLM replica that is held to raw vLLM: raw requests and the pipeline's in turns.

In a *raw* block the loop feeds itself, as a plain script would: requests with the lengths and the
parameters of the pipeline's, in its order, the tokens behind their common head exchanged for others
by one table (`raw_texts.py`), so that vLLM finds as much in its cache. What the pipeline sends
meanwhile waits. In a block of *ours* it takes what the pipeline sends and nothing else. Both keep
one window full; vLLM's own counters are read where a block begins and ends.

Texts of 500 tokens live longer than a block lasts, which needs care in four places:

* **Ends are spread, and stay spread.** Requests of one length that begin together end together, and
  so do those that follow them: prompts and texts would come in waves for ever. Lengths are forced,
  and the first ones are let in one by one, as far apart as their ends are to be.
* **Nobody inherits.** Else most of what ends in a block was begun in the one before, and neither
  loop would do its own work. So whoever's turn it is owns all that is in vLLM: when ours begins,
  each request in it becomes one of the pipeline's that wait, whose completion it will be (the
  weights are dummies: no answer means anything); when raw begins, those go back to the head of the
  queue. The pipeline is at its full rate from the first moment, or at none.
* **A queue hides a slow feeder** for as long as it lasts, which is longer than a block: what has
  entered is counted beside what has ended.
* **Blocks begin and end where a request has just ended**, so that a prompt which is counted whole
  at its end is not cut at a place of its own in each.

Until the file of the blocks is there all goes as ever, but for the forced lengths. Then the first
residence time is thrown away: as many ends as vLLM runs side by side, after all of those are in.
Settings come in the environment: JUDGEFAST_BLOCKS (that file), JUDGEFAST_BLOCK_SECONDS,
JUDGEFAST_BLOCK_COUNT.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.benchmarks.forced_child import Forced
from judgefast.benchmarks.gauges import Cores, Gpu
from judgefast.benchmarks.raw_texts import RawTexts
from judgefast.engines.child.messages import Entered
from judgefast.engines.vllm import child
from judgefast.engines.vllm import loop as module
from judgefast.engines.vllm.loop import Loop
from judgefast.engines.vllm.options import WINDOW
from judgefast.engines.vllm.wire import Done

if TYPE_CHECKING:
    from judgefast.engines.vllm.wire import Work

TEMPLATES = 256
LATE_SECONDS = 5.0
"""A block that is over waits at most so long for a request to end."""


class AlternatingLoop(Loop):
    """The loop of the engine, which feeds itself in every other block."""

    def __init__(self, engine: Any, send: Any) -> None:  # noqa: ANN401 - as in `Loop`
        super().__init__(engine, self._to_owner)
        self._to_pipeline = send
        self._sampling = Forced(self._sampling)  # type: ignore[assignment] # the same method
        self._sequences = int(engine.vllm_config.scheduler_config.max_num_seqs)
        self._window = WINDOW * self._sequences
        self._seconds = float(os.environ["JUDGEFAST_BLOCK_SECONDS"])
        self._left = int(os.environ["JUDGEFAST_BLOCK_COUNT"])
        self._path = Path(os.environ["JUDGEFAST_BLOCKS"])
        self._numbers = count(1)
        """Of requests as vLLM is given them; the pipeline's numbers are its own."""
        self._owned: dict[int, Work | None] = {}
        """Requests in vLLM, the oldest first; None for raw ones."""
        self._waiting: deque[Work] = deque()
        self._templates: deque[Work] = deque(maxlen=TEMPLATES)
        self._raw = RawTexts()
        self._is_raw = False
        self._over = self._over_full = self._entered = 0
        self._between = 0.0
        self._dry = 0
        self._since: int | None = None
        """Steps that were done when blocks were asked for."""
        self._left_step = time.perf_counter()
        self._step, engine.step = engine.step, self._timed_step
        self._cores, self._gpu = Cores(), Gpu()
        self._until = float("inf")
        self._before: dict[str, float] = {}
        self._waited = 0
        self._records: list[dict[str, Any]] = []

    @property
    def idle(self) -> bool:
        """Never in the middle of a block: the clock runs."""
        return not self._owned and not self._waiting and not self._before

    def add(self, work: Work) -> None:
        """Take a request of the pipeline; it enters when there is room in a block of ours."""
        self._templates.append(work)
        self._waiting.append(work)

    def cancel(self, numbers: list[int]) -> None:
        """Give requests back at once; what is in vLLM in their name goes on without."""
        gone = set(numbers)
        self._waiting = deque(work for work in self._waiting if work.number not in gone)
        for name, work in self._owned.items():
            if work is not None and work.number in gone:
                self._owned[name] = None
        for number in numbers:
            self._to_pipeline(Done(number=number, cancelled=True))

    def turn(self) -> None:
        """Fill the window from whoever's turn it is, and step."""
        before = self._over
        while len(self._owned) < self._room():
            if self._is_raw:
                self._give(self._raw.following(self._templates), None)
            elif self._waiting:
                work = self._waiting.popleft()
                self._give(work, work)
            else:
                break
        super().turn()
        now = time.perf_counter()
        if not self._before:
            if self._is_asked() and self._over_full >= self._sequences:
                self._begin()
        elif now >= self._until and (self._over > before or now >= self._until + LATE_SECONDS):
            self._end()

    def _is_asked(self) -> bool:
        """Whether blocks are to begin; what ended before does not count."""
        if self._since is None and self._path.exists():
            self._since, self._over_full = self._steps, 0
        return self._since is not None

    def _room(self) -> int:
        """The window; at first one more request whenever the last is so much further."""
        if not self._is_asked():
            return self._window
        tokens = self._templates[0].max_tokens if self._templates else 1
        steps = self._steps - (self._since or 0)
        spread = 1 + steps * self._sequences // max(1, tokens)
        return spread if spread < self._sequences else self._window

    def _give(self, asked: Work, owner: Work | None) -> None:
        self._entered += 1
        number = next(self._numbers)
        self._owned[number] = owner
        super().add(msgspec.structs.replace(asked, number=number))

    def _to_owner(self, message: Any) -> None:  # noqa: ANN401 - any message
        """What the loop says of a request in vLLM, to the pipeline if it is one of its."""
        if isinstance(message, Done):
            self._over += 1
            # While slots are still being taken steps are faster than any later.
            self._over_full += len(self._owned) >= self._sequences
            owner = self._owned.pop(message.number)
            if owner is None and message.error:
                raise RuntimeError(message.error)
        elif isinstance(message, Entered):
            owner = self._owned[message.number]
        else:
            self._to_pipeline(message)
            return
        if owner is not None:
            self._to_pipeline(msgspec.structs.replace(message, number=owner.number))

    def _take_over(self) -> None:
        """Give all that is in vLLM to whoever's turn it is now."""
        if self._is_raw:
            back = [work for work in self._owned.values() if work is not None]
            self._waiting.extendleft(reversed(back))
            self._owned = dict.fromkeys(self._owned)
            return
        for number in self._owned:
            if self._waiting:
                self._owned[number] = work = self._waiting.popleft()
                self._to_pipeline(Entered(work.number))

    def _timed_step(self) -> Any:  # noqa: ANN401 - vLLM's outputs
        self._between += time.perf_counter() - self._left_step
        self._dry += len(self._owned) < self._sequences
        outputs = self._step()
        self._left_step = time.perf_counter()
        return outputs

    def _begin(self) -> None:
        self._before = self._counters()
        self._waited = len(self._waiting)
        self._until = time.perf_counter() + self._seconds

    def _end(self) -> None:
        after = self._counters()
        record = {name: after[name] - value for name, value in self._before.items()}
        waiting = [self._waited, len(self._waiting)]
        self._records.append({"raw": self._is_raw, **record, "waiting": waiting})
        self._path.write_text(json.dumps(self._records))
        self._is_raw = not self._is_raw and len(self._records) < self._left
        self._take_over()
        self._begin()

    def _counters(self) -> dict[str, float]:
        found = {each.name: getattr(each, "value", 0) for each in self._engine.get_metrics()}
        prompt, hits = found["vllm:prompt_tokens"], found["vllm:prefix_cache_hits"]
        front_end, core, pipeline = self._cores.seconds()
        busy, samples = self._gpu.read()
        return {
            "seconds": time.perf_counter(),
            "computed": prompt - hits,
            "cached": hits,
            "generated": found["vllm:generation_tokens"],
            "ended": self._over,
            "entered": self._entered,
            "steps": self._steps,
            "dry_steps": self._dry,
            "between_steps": self._between,
            "front_end_cpu": front_end,
            "core_cpu": core,
            "pipeline_cpu": pipeline,
            "gpu_busy": busy,
            "gpu_samples": samples,
            "preemptions": found.get("vllm:num_preemptions", 0),
        }


if __name__ == "__main__":
    module.Loop = AlternatingLoop  # type: ignore[misc] # the process makes its loop itself
    child.main()
