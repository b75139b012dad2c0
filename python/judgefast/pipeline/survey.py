"""A plan looked at block by block as it is made: how long, how much shared, what does not fit.

Nothing is kept of a block but sums, a few of its longest prompts, and, as long as there is room
for it, its token ids: what other orders would cost can only be said of all prompts together.
"""

from __future__ import annotations

from heapq import nlargest
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.batches import trie
from judgefast.batches.cache import CacheSettings, CacheSimulator
from judgefast.batches.sharing import Sharing
from judgefast.batches.tables import PLANNED
from judgefast.batches.trie import Segments
from judgefast.pipeline.prefixes import (
    cached_by_slot,
    shared_with_former,
    working_tokens,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.pipeline.plan import PlannedBlock, RunPlan
    from judgefast.prompts.plan import PromptPlan

MOST_IDS = 32_000_000
MOST_TOKENS = 250_000_000
MOST_ROWS = 1_000_000
"""Of prompts that other orders are simulated with: ids of their distinct segments, tokens of the
whole prompts, requests. A larger run is judged by the first of its shuffled questions."""

MOST_LONGEST = 3
MOST_TOO_LONG = 100

_SENT = PLANNED.index("send")
_TOO_LONG = PLANNED.index("too_long")
_NOT_NEEDED = PLANNED.index("not_needed")


class Misfit(NamedTuple):
    """An item of which a prompt is too long."""

    tokens: int
    item_id: str
    requests: int


class Survey:
    """Sums over the blocks of a plan.

    Args:
        settings: The cache that the plan is simulated with; None where prompts have no tokens.
        keeps_sample: Other orders will be asked for.
        characters_of: Renders prompts to count their characters, where they have no tokens.

    """

    def __init__(
        self,
        settings: CacheSettings | None,
        *,
        keeps_sample: bool = True,
        characters_of: PromptPlan | None = None,
    ) -> None:
        self.truncated = self.left_out_tokens = 0
        self.items = self.judgments = self.requests = self.too_long = self.not_needed = 0
        self.prompt_tokens = self.longest_tokens = self.computed_tokens = 0
        self.characters: int | None = None if characters_of is None else 0
        self.by_slot = np.zeros(256, np.int64)
        self.working_tokens = 0
        self.longest: list[tuple[int, str]] = []
        self.misfits: list[Misfit] = []
        self.sample = Sample()
        self._keeps_sample = keeps_sample
        self._settings = settings
        self._characters_of = characters_of
        self._questions = Different()
        self._answers = Different()

    def __call__(self, block: PlannedBlock) -> None:
        """Take a block in."""
        columns, rendered = block.plan
        base, self.items = self.items, self.items + len(block.items)
        self.judgments += len(rendered.planned)
        self._questions.add([item.question_sha256 for item in block.items])
        self._answers.add([each.sha256 for item in block.items for each in item.answers])
        is_sent = sent_rows(block.plan)
        self.requests += int(is_sent.sum())
        if rendered.left_out is not None:
            left_out = rendered.left_out[is_sent]
            self.truncated += int(np.count_nonzero(left_out))
            self.left_out_tokens += int(left_out.sum(dtype=np.int64))
        self.too_long += int((rendered.planned == _TOO_LONG).sum())
        self.not_needed += int((rendered.planned == _NOT_NEEDED).sum())
        if self._characters_of is not None:
            self._count_characters(self._characters_of, block, base, np.flatnonzero(is_sent))
        settings, found = self._settings, rendered.planned_cached_tokens
        if settings is None or rendered.prompt_tokens is None or found is None:
            return
        assert block.prompts is not None  # they have tokens
        tokens = rendered.prompt_tokens.astype(np.int64)
        self._note_lengths(block, columns.item - base, tokens, is_sent)
        order = block.order[is_sent[block.order]]
        if not len(order):
            return
        segments = block.prompts.segments
        cached = np.where(is_sent, found, 0).astype(np.int64)
        self.prompt_tokens += int(tokens[order].sum())
        computed = int((tokens - cached)[order].sum()) + block.head_tokens
        self.computed_tokens += computed
        self.by_slot += cached_by_slot(segments, block.prompts.slots, cached)
        shared = shared_with_former(segments, order)
        running, answer = settings.running, settings.generated_tokens
        working = working_tokens(tokens[order], shared, running, answer)
        self.working_tokens = max(self.working_tokens, working)
        if self._keeps_sample:
            self.sample.add(block, base, order, tokens, computed)

    @property
    def questions(self) -> int:
        """Different ones."""
        return self._questions.count()

    @property
    def answers(self) -> int:
        """Different ones."""
        return self._answers.count()

    def _count_characters(
        self, prompts: PromptPlan, block: PlannedBlock, base: int, rows: NDArray[np.int64]
    ) -> None:
        columns, found = block.plan.columns, 0
        shown = columns.shown_lists()
        for row in rows.tolist():
            item = block.items[int(columns.item[row]) - base]
            prompt = prompts.render(item, shown[row], int(columns.aspect[row]))
            found += sum([len(segment.text) for segment in prompt.segments])
        self.characters = (self.characters or 0) + found

    def _note_lengths(
        self,
        block: PlannedBlock,
        items: NDArray[np.uint32],
        tokens: NDArray[np.int64],
        is_sent: NDArray[np.bool_],
    ) -> None:
        """Keep the longest prompts, and those that do not fit; `items` are places in the block."""
        sent = np.flatnonzero(is_sent)
        if len(sent):
            of_item: dict[int, int] = {}
            for row in sent[np.argsort(-tokens[sent], kind="stable")[: 16 * MOST_LONGEST]].tolist():
                of_item.setdefault(int(items[row]), int(tokens[row]))
            found = [(many, block.items[item].item_id) for item, many in of_item.items()]
            self.longest = nlargest(MOST_LONGEST, self.longest + found)
            self.longest_tokens = max(self.longest_tokens, int(tokens[sent].max()))
        own = Sharing(block.plan.columns.asked_by).own(len(block.plan))
        rows = np.flatnonzero(own & (block.plan.rendered.planned == _TOO_LONG))
        numbers, places, counts = np.unique(items[rows], return_inverse=True, return_counts=True)
        longest = np.zeros(len(numbers), np.int64)
        np.maximum.at(longest, places, tokens[rows])
        self.misfits += [
            Misfit(int(longest[at]), block.items[int(item)].item_id, int(counts[at]))
            for at, item in enumerate(numbers.tolist())
        ]
        self.misfits = nlargest(MOST_TOO_LONG, self.misfits)


class Sample:
    """The prompts that other orders are simulated with, and what the plan's own order made of them.

    They are whole blocks, from the first one on.
    """

    def __init__(self) -> None:
        self.requests = self.prompt_tokens = self.computed_tokens = 0
        self._is_full = False
        self._ids = 0
        self._parts: list[tuple[Segments, NDArray[np.int64], NDArray[np.uint64]]] = []

    def add(
        self,
        block: PlannedBlock,
        base: int,
        order: NDArray[np.uint32],
        tokens: NDArray[np.int64],
        computed: int,
    ) -> None:
        """Take a block in, as long as there is room for all of it.

        Args:
            block: The next one.
            base: Number of its first item.
            order: Rows that are sent, in the order of the plan.
            tokens: Of each row.
            computed: Of all that is sent, in that order.

        """
        assert block.prompts is not None  # the caller has looked
        segments = block.prompts.segments
        total = int(tokens[order].sum())
        self._is_full |= (
            self._ids + len(segments.ids) > MOST_IDS
            or self.requests + len(order) > MOST_ROWS
            or self.prompt_tokens + total > MOST_TOKENS
        ) and bool(self._parts)
        if self._is_full:
            return
        rows = np.sort(order)
        self._ids += len(segments.ids)
        self.requests += len(rows)
        self.prompt_tokens += total
        self.computed_tokens += computed
        keys, ids = natural_keys(block, base, rows), ids_of(block, rows)
        self._parts.append((_taken(segments, rows), keys, ids))

    def computed(self, settings: CacheSettings) -> dict[str, int]:
        """Tokens to compute in `natural` and in `random` order, and at the `least`.

        The least counts each beginning that prompts share once, to the token: no cache computes
        fewer.
        """
        segments = _joined([part for part, _, _ in self._parts])
        natural = np.concatenate([keys for _, keys, _ in self._parts])
        drawn = np.concatenate([ids for _, _, ids in self._parts])
        orders = {"natural": np.lexsort(natural.T[::-1]), "random": np.argsort(drawn)}
        found = {name: self._computed(segments, rows, settings) for name, rows in orders.items()}
        return found | {"least": trie.ideal(segments)}

    def _computed(
        self, segments: Segments, rows: NDArray[np.int64], settings: CacheSettings
    ) -> int:
        simulator = CacheSimulator(settings)
        cached = simulator.add(segments, rows.astype(np.uint32))
        return self.prompt_tokens - int(cached.sum(dtype=np.int64)) + simulator.head_tokens


def sent_rows(plan: RunPlan) -> NDArray[np.bool_]:
    """Whether the request of each judgment is sent by that judgment: not by another, not never."""
    is_sent: NDArray[np.bool_] = plan.rendered.planned == _SENT
    return is_sent & Sharing(plan.columns.asked_by).own(len(plan))


def natural_keys(block: PlannedBlock, base: int, rows: NDArray[np.integer]) -> NDArray[np.int64]:
    """Shape (n, 6): what loops over aspect, order, question and pair sort by, the outermost first.

    Questions are in the order of the data.
    """
    columns = block.plan.columns
    data = np.array([item.row for item in block.items], np.int64)
    fields = (
        columns.aspect,
        columns.swapped,
        data[columns.item - base],
        columns.first,
        columns.second,
        columns.repeat,
    )
    return np.stack([np.asarray(field)[rows].astype(np.int64) for field in fields], axis=1)


def ids_of(block: PlannedBlock, rows: NDArray[np.integer]) -> NDArray[np.uint64]:
    """The first 8 bytes of each request's id, which are drawn by a hash: an order at random."""
    ids = np.ascontiguousarray(block.plan.columns.request_id[rows])
    return ids.view(np.uint64)[:, 0]


def _taken(segments: Segments, rows: NDArray[np.integer]) -> Segments:
    """Some of the prompts, ascending; segments that none of them has stay."""
    if len(rows) == len(segments.segment_offsets) - 1:
        return segments
    counts = np.diff(segments.segment_offsets)
    is_in = np.zeros(len(counts), np.bool_)
    is_in[rows] = True
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts[rows])])
    return segments._replace(
        segments=segments.segments[np.repeat(is_in, counts)], segment_offsets=offsets
    )


def _joined(parts: Sequence[Segments]) -> Segments:
    """Sets of prompts as one; what two of them have in common is there twice."""
    if len(parts) == 1:
        return parts[0]
    before = np.cumsum([0, *(len(part.id_offsets) - 1 for part in parts)])
    numbers = [part.segments + np.uint32(at) for part, at in zip(parts, before[:-1], strict=True)]
    return Segments(
        np.concatenate(numbers),
        _offsets([np.diff(part.segment_offsets) for part in parts]),
        np.concatenate([part.ids for part in parts]),
        _offsets([np.diff(part.id_offsets) for part in parts]),
    )


def _offsets(lengths: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(np.concatenate(lengths))])


class Different:
    """How many texts differ, by the first 8 bytes of their hashes; what is not there has none."""

    def __init__(self) -> None:
        self._seen = [np.zeros(0, np.uint64)]

    def add(self, hashes: Sequence[bytes]) -> None:
        """Take the hashes of a block in."""
        known = b"".join([each[:8] for each in hashes])
        self._seen.append(np.unique(np.frombuffer(known, np.uint64)))

    def count(self) -> int:
        """Of all that were taken in."""
        return len(np.unique(np.concatenate(self._seen)))
