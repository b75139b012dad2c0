"""The process of a vLLM replica for `bench_vllm.py`: raw requests and the pipeline's in turns.

In a *raw* block the loop feeds itself, as a plain script would: requests with the lengths and the
parameters of those that came before, the part behind their common head shuffled, so that vLLM finds
as much in its cache as with the pipeline's. What the pipeline sends meanwhile waits. In a block of
*ours* it takes what the pipeline sends and nothing else. Both keep one window full; vLLM's own
counters are read where a block begins and ends.

Blocks begin in a steady state. Requests of one length that begin together end together, and so do
the next ones: prompts and texts would be computed in waves that last for ever. So the texts of the
first ones that vLLM runs side by side get every length up to the whole one, which spreads their
ends; and twice as many as those have ended before the first block.

Settings come in the environment: JUDGEFAST_BLOCKS (file to write), JUDGEFAST_BLOCK_SECONDS,
JUDGEFAST_BLOCK_COUNT, JUDGEFAST_WINDOW, JUDGEFAST_SEQUENCES.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from judgefast.engines.vllm import child
from judgefast.engines.vllm import loop as module
from judgefast.engines.vllm.loop import Loop

if TYPE_CHECKING:
    from judgefast.engines.vllm.wire import Work

RAW_NUMBERS = 1 << 62
"""Raw requests are numbered from here; nobody hears of their ends."""
TEMPLATES = 256


class AlternatingLoop(Loop):
    """The loop of the engine, which feeds itself in every other block."""

    def __init__(self, engine: Any, send: Any) -> None:  # noqa: ANN401 - as in `Loop`
        super().__init__(engine, self._without_raw(send))
        self._window = int(os.environ["JUDGEFAST_WINDOW"])
        self._sequences = int(os.environ["JUDGEFAST_SEQUENCES"])
        self._entered = 0
        self._seconds = float(os.environ["JUDGEFAST_BLOCK_SECONDS"])
        self._left = int(os.environ["JUDGEFAST_BLOCK_COUNT"])
        self._path = Path(os.environ["JUDGEFAST_BLOCKS"])
        self._waiting: deque[Work] = deque()
        self._templates: deque[Work] = deque(maxlen=TEMPLATES)
        self._random = np.random.default_rng(1)
        self._next = RAW_NUMBERS
        self._is_raw = False
        self._ended = 0
        self._until = float("inf")
        self._before: dict[str, float] = {}
        self._records: list[dict[str, Any]] = []

    @property
    def idle(self) -> bool:
        """Never in the middle of a block: the clock runs."""
        return not self._flying and not self._waiting and not self._before

    def add(self, work: Work) -> None:
        """Take a request of the pipeline; it enters when there is room in a block of ours."""
        self._templates.append(work)
        self._waiting.append(work)

    def turn(self) -> None:
        """Fill the window from whoever's turn it is, and step."""
        while len(self._flying) < self._window:
            if self._is_raw:
                super().add(self._raw())
            elif self._waiting:
                super().add(self._spread(self._waiting.popleft()))
            else:
                break
        super().turn()
        if not self._before and self._ended >= 2 * self._sequences:
            self._begin()
        elif self._before and time.perf_counter() >= self._until:
            self._end()

    def _spread(self, work: Work) -> Work:
        """Shorten the first texts, each to another length."""
        self._entered += 1
        if self._entered >= self._sequences:
            return work
        tokens = max(1, work.max_tokens * self._entered // self._sequences)
        return msgspec.structs.replace(work, max_tokens=tokens)

    def _raw(self) -> Work:
        work = self._templates[int(self._random.integers(len(self._templates)))]
        ids = np.frombuffer(work.ids, "<i4").copy()
        head = self._head()
        self._random.shuffle(ids[head:-8])
        self._next += 1
        return msgspec.structs.replace(work, number=self._next, ids=ids.tobytes())

    def _head(self) -> int:
        """Tokens that the first two requests have in common: the rubric."""
        one, two = (np.frombuffer(self._templates[place].ids, "<i4") for place in (0, -1))
        size = min(len(one), len(two))
        return int((one[:size] != two[:size]).argmax())

    def _without_raw(self, send: Any) -> Any:  # noqa: ANN401 - as in `Loop`
        def filtered(message: Any) -> None:  # noqa: ANN401 - any message
            number = getattr(message, "number", 0)
            if isinstance(message, module.Done):
                self._ended += 1
            if number < RAW_NUMBERS:
                send(message)

        return filtered

    def _begin(self) -> None:
        self._before = self._counters()
        self._until = time.perf_counter() + self._seconds

    def _end(self) -> None:
        after = self._counters()
        record = {name: after[name] - value for name, value in self._before.items()}
        self._records.append({"raw": self._is_raw, **record, "waiting": len(self._waiting)})
        self._path.write_text(json.dumps(self._records))
        self._is_raw = not self._is_raw
        if len(self._records) >= self._left:
            self._is_raw = False  # what is left of the run is the pipeline's
        self._begin()

    def _counters(self) -> dict[str, float]:
        found = {each.name: getattr(each, "value", 0) for each in self._engine.get_metrics()}
        prompt, hits = found["vllm:prompt_tokens"], found["vllm:prefix_cache_hits"]
        return {
            "seconds": time.perf_counter(),
            "computed": prompt - hits,
            "cached": hits,
            "generated": found["vllm:generation_tokens"],
            "ended": self._ended,
            "steps": self._steps,
            "front_end_cpu": time.process_time(),
            "preemptions": found.get("vllm:num_preemptions", 0),
        }


if __name__ == "__main__":
    module.Loop = AlternatingLoop  # type: ignore[misc] # the process makes its loop itself
    child.main()
