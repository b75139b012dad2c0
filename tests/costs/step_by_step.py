"""An engine in steps: what `time_of` sums up is lived through here, request by request.

Written apart from it: a queue, running sequences, a room of tokens, chunks of prompts. A shared
prefix is computed by nobody and lies in the room once. When the room is full, the youngest goes
back to the queue and is computed anew.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.costs.rates import Rates


@dataclass
class Running:
    """One request."""

    answer: int
    due: int
    """Prompt tokens still to compute."""
    own: int = 0
    """Tokens in the room that nobody shares."""
    written: int = 0


@dataclass
class Engine:
    """Settings of one copy."""

    rates: Rates
    prompt: int
    computed: int
    room: float
    places: int
    chunk: int

    def run(self, answers: Sequence[int]) -> float:
        """Seconds for a request for each answer's length."""
        queue = deque(Running(answer, self.computed) for answer in answers)
        running: list[Running] = []
        seconds = len(answers) * self.rates.request
        while queue or running:
            seconds += self._step(queue, running)
        return seconds

    def _step(self, queue: deque[Running], running: list[Running]) -> float:
        writing = [each for each in running if not each.due]
        while writing and self._used(running) + len(writing) > self.room and len(running) > 1:
            youngest = running.pop()
            youngest.due, youngest.own = youngest.own + youngest.due, 0
            queue.appendleft(youngest)
            writing = [each for each in running if not each.due]
        left = self.chunk - len(writing)
        seconds = 0.0
        for each in running:
            left, cost = self._compute(each, left)
            seconds += cost
        while queue and left > 0 and len(running) < self.places:
            if running and self._used(running) + queue[0].due + 1 > self.room:
                break
            running.append(queue.popleft())
            left, cost = self._compute(running[-1], left)
            seconds += cost
        if writing:
            seconds += self.rates.step
            touched = 1 - (1 - self.rates.expert_share) ** len(writing)
            seconds += self.rates.experts * touched
        else:
            seconds += self.rates.prompt_step
        for each in writing:
            each.written += 1
            each.own += 1
            behind = self.prompt + each.written
            seconds += self.rates.sequence + self._looks(behind) * self.rates.context_token
        running[:] = [each for each in running if each.due or each.written < each.answer]
        return seconds

    def _used(self, running: list[Running]) -> int:
        return self.prompt - self.computed + sum(each.own + each.due for each in running)

    def _compute(self, one: Running, left: int) -> tuple[int, float]:
        """Compute a chunk of a prompt; its last token writes the first of the answer."""
        if not one.due or left <= 0:
            return left, 0.0
        now = min(one.due, left)
        start = self.prompt + one.written - one.due
        pairs = sum(self._looks(at + 0.5) for at in range(start, start + now))
        one.due -= now
        one.own += now
        if not one.due and one.written < one.answer:
            one.written += 1
        return left - now, now * self.rates.prompt_token + pairs * self.rates.prompt_pair

    def _looks(self, tokens: int) -> float:
        """Tokens looked at, by the layers that look so far."""
        if self.rates.window is None:
            return tokens
        far = self.rates.window_share
        return (1 - far) * tokens + far * min(tokens, self.rates.window)
