"""A prefix cache in plain Python, for layers that look at all tokens: slow, and written otherwise.

What a block holds is its key: all tokens up to its end. Blocks are objects in one list, in the
order in which they are given out next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.batches.cache import CacheSettings


@dataclass(eq=False)
class Block:
    holds: tuple[int, ...] | None = None
    users: int = 0


@dataclass(eq=False)
class Asked:
    row: int
    ids: list[int]
    prompt: int
    done: int = 0
    """Tokens that are computed."""
    now: int = 0
    """Tokens that this step computes."""
    blocks: list[Block] = field(default_factory=list)


class SlowCache:
    """Everything that is asked of it at once, to the end."""

    def __init__(self, settings: CacheSettings) -> None:
        self.settings = settings
        assert settings.budget_tokens is not None
        self.size = settings.block_tokens
        self.queue = [Block() for _ in range(settings.budget_tokens // self.size)]
        self.capacity = len(self.queue)
        self.filled: list[Block] = []
        """Blocks that hold something, in the order in which they came to."""
        self.preempted = 0
        self._words = count(-1, -1)

    def ask(self, prompts: Sequence[Sequence[int]]) -> list[int]:
        """Cached tokens of each prompt, 0 for what is empty or too large."""
        extra = self.settings.generated_tokens - 1
        self.waiting = [
            Asked(row, list(ids), len(ids))
            for row, ids in enumerate(prompts)
            if ids and -(-(len(ids) + extra) // self.size) <= self.capacity
        ]
        self.running: list[Asked] = []
        cached: dict[int, int] = {}
        while self.waiting or self.running:
            left, lost = self._go_on()
            if not lost:
                self._let_in(left, cached)
            self._end_step()
        return [cached.get(row, 0) for row in range(len(prompts))]

    def _go_on(self) -> tuple[int, bool]:
        """Schedule those that run; tokens that are left, and whether somebody lost its place."""
        left, lost, place = self.settings.batched_tokens, False, 0
        while place < len(self.running) and left:
            each = self.running[place]
            each.now = min(len(each.ids) - each.done, left)
            if self._extend(each):
                left -= each.now
                place += 1
                continue
            last = self.running.pop()
            self._give_back(last)
            last.done = last.now = 0
            self.waiting.insert(0, last)
            self.preempted += 1
            lost = True
        return left, lost

    def _let_in(self, left: int, cached: dict[int, int]) -> None:
        while self.waiting and left and len(self.running) < self.settings.running:
            each = self.waiting[0]
            found = self._found(each.ids)
            idle = sum(block.users == 0 for block in found)
            if -(-len(each.ids) // self.size) - len(found) + idle > len(self.queue):
                return
            for block in found:
                self._use(block)
            each.blocks, each.done = found, len(found) * self.size
            each.now = min(len(each.ids) - each.done, left)
            cached.setdefault(each.row, each.done)
            assert self._extend(each)
            left -= each.now
            self.running.append(self.waiting.pop(0))

    def _end_step(self) -> None:
        for each in tuple(self.running):
            each.done, each.now = each.done + each.now, 0
            if each.done == len(each.ids):
                each.ids.append(next(self._words))
                if len(each.ids) - each.prompt == self.settings.generated_tokens:
                    self.running.remove(each)
                    self._give_back(each)

    def _found(self, ids: list[int]) -> list[Block]:
        found: list[Block] = []
        for end in range(self.size, len(ids), self.size):
            same = [block for block in self.filled if block.holds == tuple(ids[:end])]
            if not same:
                break
            found.append(same[0])
        return found

    def _use(self, block: Block) -> None:
        if block.users == 0:
            self.queue.remove(block)
        block.users += 1

    def _extend(self, each: Asked) -> bool:
        """Blocks for what a step computes; false where there are too few."""
        end = each.done + each.now
        lacking = -(-end // self.size) - len(each.blocks)
        if lacking > len(self.queue):
            return False
        for _ in range(lacking):
            block = self.queue[0]
            if block in self.filled:
                self.filled.remove(block)
            block.holds = None
            self._use(block)
            each.blocks.append(block)
        for place in range(end // self.size):
            block = each.blocks[place]
            if block.holds is None:
                block.holds = tuple(each.ids[: (place + 1) * self.size])
                self.filled.append(block)
        return True

    def _give_back(self, each: Asked) -> None:
        for block in reversed(each.blocks):
            block.users -= 1
            if block.users == 0:
                self.queue.insert(0 if block.holds is None else len(self.queue), block)
        each.blocks = []
