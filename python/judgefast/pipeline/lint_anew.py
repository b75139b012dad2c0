"""What a change of the rubric or of the data would save: the head of the run, planned anew with it.

By the code that plans runs, and by the cache that the plan is simulated with, so that what is lost
behind a text, and requests that become one, are counted as they would be.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from msgspec.structs import replace

from judgefast.batches.cache import CacheSimulator
from judgefast.datasets.identity import question_cluster
from judgefast.datasets.items import text_hash
from judgefast.datasets.rows import batch_of, items_of, iter_rows
from judgefast.datasets.run_order import in_run_order
from judgefast.errors import ModelError, RubricError
from judgefast.pipeline.blocks import blocks_of
from judgefast.pipeline.judge import Judge, prompts_of
from judgefast.pipeline.plan import plan_block
from judgefast.pipeline.prompt_counts import PromptCounts
from judgefast.pipeline.survey import sent_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from judgefast.batches.cache import CacheSettings
    from judgefast.config import RunConfig
    from judgefast.datasets.items import Item, Text
    from judgefast.prompts.rubric import Rubric

MOST_ITEMS = 20_000
"""Of the head of a run that are planned anew: each finding plans them once, in memory."""
MOST_CHARACTERS = 100_000_000
"""Of their texts."""


class Saved(NamedTuple):
    """What a change saves."""

    tokens: int
    """That need not be computed; never below 0."""
    at_least: bool
    """The run is longer than what was planned anew, or could not be planned at all: of 0 tokens
    nothing is known."""


class Anew:
    """Plans a run again and again, each time with one thing changed.

    Args:
        judge: Who judges, by the rubric as it stands.
        config: The options of the run.
        rows: Folder that holds `rows/`.
        settings: The cache to simulate; None where prompts have no token ids: nothing is known.

    """

    def __init__(
        self, judge: Judge, config: RunConfig, rows: Path, settings: CacheSettings | None
    ) -> None:
        self._judge = judge
        self._config = config.replace(token_cache=None)
        self._rows = rows
        self._settings = settings

    def with_items(self, change: Callable[[Item], Item]) -> Saved:
        """What is saved where every item is another; it is shown them in run order."""
        return self._saved(self._judge.rubric, [change(item) for item in self.items])

    def with_rubric(self, rubric: Rubric) -> Saved:
        """What is saved by another rubric."""
        return self._saved(rubric, self.items)

    @cached_property
    def _head(self) -> tuple[list[Item], bool]:
        """Items, and whether there are more."""
        items: list[Item] = []
        characters = 0
        for batch in iter_rows(self._rows):
            if len(items) >= MOST_ITEMS or characters >= MOST_CHARACTERS:
                return items, True
            found = items_of(batch)
            items += found
            characters += sum(_length(text) for item in found for text in _texts(item))
        return items, False

    @property
    def items(self) -> list[Item]:
        """What is planned anew: the head of the run, or all of it."""
        return self._head[0]

    @cached_property
    def computed(self) -> int:
        """Tokens that are computed for the head of the run as it stands; 0 where it has none."""
        if self._settings is None:
            return 0
        return self._computed(self._made(self._judge.rubric), self.items)

    def _saved(self, rubric: Rubric, items: Sequence[Item]) -> Saved:
        if self._settings is None:
            return Saved(0, at_least=True)
        try:
            judge = self._made(rubric)
        except (RubricError, ModelError):  # the advice makes no prompts, and nobody wrote it
            return Saved(0, at_least=True)
        return Saved(max(0, self.computed - self._computed(judge, items)), at_least=self._head[1])

    def _made(self, rubric: Rubric) -> Judge:
        """The same judge by a rubric."""
        engine = self._judge.engine
        return Judge(rubric, engine, prompts_of(self._config, rubric, engine))

    def _computed(self, judge: Judge, items: Sequence[Item]) -> int:
        """Tokens that are computed for all that is sent."""
        assert self._settings is not None  # the caller has looked
        config = self._config
        simulator, counts = CacheSimulator(self._settings), PromptCounts(config.seed)
        computed = base = 0
        if not items:
            return 0
        rows = in_run_order(batch_of(items), seed=config.seed)
        for batches in blocks_of([rows]):
            block = plan_block(batches, judge, config, base, counts)
            base += len(block.items)
            order = block.order[sent_rows(block.plan)[block.order]]
            tokens = block.plan.rendered.prompt_tokens
            if not len(order) or tokens is None or block.prompts is None:
                continue
            cached = simulator.add(block.prompts.segments, order).astype(np.int64)
            computed += int((tokens.astype(np.int64) - cached)[order].sum())
        return computed + simulator.head_tokens


def with_texts(
    item: Item,
    *,
    question: Text | None = None,
    reference: Text | None = None,
    answers: Sequence[Text | None] | None = None,
) -> Item:
    """Put texts in place of those of an item, and the cluster that it would have been read with.

    Args:
        item: As it stands.
        question: None: as it is.
        reference: As above.
        answers: One for each of the item; None: as they are.

    """
    is_by_question = item.cluster == question_cluster(item.question_sha256, item.reference_sha256)
    if question is not None:
        item = replace(item, question=question, question_sha256=text_hash(question))
    if reference is not None:
        item = replace(item, reference=reference, reference_sha256=text_hash(reference))
    if answers is not None:
        pairs = zip(item.answers, answers, strict=True)
        others = tuple(replace(one, text=text, sha256=text_hash(text)) for one, text in pairs)
        item = replace(item, answers=others)
    if is_by_question:
        cluster = question_cluster(item.question_sha256, item.reference_sha256)
        item = replace(item, cluster=cluster)
    return item


def _texts(item: Item) -> list[Text | None]:
    return [item.question, item.reference, *(answer.text for answer in item.answers)]


def _length(text: Text | None) -> int:
    if text is None or isinstance(text, str):
        return len(text or "")
    return sum(len(turn.content) for turn in text)
