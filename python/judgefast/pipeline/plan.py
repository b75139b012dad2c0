"""From rows to a plan on disk: what will be asked, and what never will, with the reason.

`pipeline/read_plan.py` reads it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from judgefast.batches import trie
from judgefast.batches.cache import CacheSimulator
from judgefast.batches.columns import PlanColumns, concat, own_rows
from judgefast.batches.plan import plan_requests
from judgefast.batches.sharing import Sharing
from judgefast.batches.tables import (
    PLANNED,
    RenderedColumns,
    asks_table,
    requests_table,
)
from judgefast.datasets.rows import items_of, iter_rows
from judgefast.pipeline.blocks import blocks_of
from judgefast.pipeline.cached import cache_of, with_cached
from judgefast.pipeline.once import ask_once
from judgefast.pipeline.order import digest_of
from judgefast.pipeline.prompt_counts import PromptCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from judgefast.config import RunConfig
    from judgefast.datasets.items import Item
    from judgefast.pipeline.cached import CacheWishes
    from judgefast.pipeline.judge import Judge
    from judgefast.prompts.block import PromptBlock

PART_REQUESTS = 65_536
"""Judgments of one part of the plan, at least: it ends with a block."""


class PlanFolder(Protocol):
    """Where a plan is written: a run directory, or an extension of one."""

    def write_plan(self, requests: pa.Table, asks: pa.Table) -> None:
        """Append a part."""

    def seal_plan(self, counts: dict[str, int], digest: str | None = None) -> None:
        """Say that it is whole; `digest` is that of the order of sending."""

    def asked_before(self, request_ids: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
        """Which requests the run has had before it grew; None for a new run."""


class RunPlan(NamedTuple):
    """A plan in memory."""

    columns: PlanColumns
    rendered: RenderedColumns

    def __len__(self) -> int:
        """Judgments planned."""
        return len(self.rendered.planned)

    @property
    def num_items(self) -> int:
        """Items that have a judgment; all but those without an answer of a baseline."""
        item = self.columns.item  # never falls
        return int(np.count_nonzero(item[1:] != item[:-1])) + bool(len(item))

    @property
    def digest(self) -> str:
        """Of the order in which it is sent, as `plan.json` has it. 32 hex digits."""
        return digest_of(self)


class PlannedBlock(NamedTuple):
    """A block of rows, planned."""

    items: list[Item]
    plan: RunPlan
    prompts: PromptBlock | None
    """Of each row of the plan; None where the engine takes no prompt."""
    order: NDArray[np.uint32]
    """Rows of the plan in the order of sending, those that are never sent among them, and those
    that another row asks for."""
    head_tokens: int = 0
    """Expected of heads that are sent ahead of its prompts."""


def plan_block(  # noqa: PLR0913, PLR0917 - a block, and what decides
    batches: Sequence[pa.RecordBatch],
    judge: Judge,
    config: RunConfig,
    base: int,
    counts: PromptCounts,
    directory: PlanFolder | None = None,
) -> PlannedBlock:
    """Plan a block of rows; `base` is the number of its first item."""
    asked: list[PlanColumns] = []
    items: list[Item] = []
    for batch in batches:
        asked.append(_asked(batch, judge, config, base + len(items)))
        items += items_of(batch)
    columns = concat(asked)
    rows = len(columns.item)
    planned = np.zeros(rows, np.uint8)
    order = own_rows(0, rows)
    hashes = tokens = prompts = None
    if judge.rendered:
        prompts = counts.segments_of(judge, items, columns, base)
        if judge.prompts.needs_ids:
            hashes, tokens = trie.measure(prompts.segments)
        else:
            hashes = prompts.frame_hashes()
        in_rows, order = order, trie.order(prompts.segments)
        if not np.array_equal(order, in_rows):
            sent = np.empty_like(order)
            sent[order] = in_rows
            columns = columns._replace(sent=sent)
    context = judge.engine.model.context_tokens
    if tokens is not None and context is not None:
        too_long = tokens + judge.prompts.decoding.most_tokens > context
        planned[too_long] = PLANNED.index("too_long")
    planned[_shows_empty(items, columns, base)] = PLANNED.index("not_needed")
    left_out = prompts.left_out if prompts else None
    if left_out is not None:
        left_out[planned != PLANNED.index("send")] = 0
        counts.add_left_out(columns.item, left_out)
    rendered = RenderedColumns(hashes, tokens, None, planned, left_out)
    before = None if directory is None else directory.asked_before(columns.request_id)
    columns = ask_once(columns, rendered, judge, config, before)
    return PlannedBlock(items, RunPlan(columns, rendered), prompts, order)


def _asked(batch: pa.RecordBatch, judge: Judge, config: RunConfig, base: int) -> PlanColumns:
    return plan_requests(
        batch,
        mode=judge.rubric.mode,
        orders="one" if config.orders == "one" else "both",
        pairs=config.pairs,
        baseline=config.baseline,
        repeats=config.repeats,
        seed=config.seed,
        judge=judge.name,
        prompt_hash=judge.prompts.prompt_hashes,
        aspects=judge.aspects,
        together=judge.prompts.together,
        base=base,
    )


def plan_window(
    batch: pa.RecordBatch, judge: Judge, config: RunConfig, counts: PromptCounts
) -> RunPlan:
    """Plan rows that are in memory, as those of a run are planned; `counts` adds them up."""
    base, plans = 0, []
    for rows in blocks_of([batch]):
        block = plan_block(rows, judge, config, base, counts)
        plans.append(block.plan)
        base += len(block.items)
    return _joined(plans)


def plan_run(  # noqa: PLR0913, PLR0917 - a run, and who is told of it
    directory: PlanFolder,
    rows: Path,
    judge: Judge,
    config: RunConfig,
    say: Callable[[str], None],
    watch: Callable[[PlannedBlock], None] | None = None,
    wishes: CacheWishes | None = None,
) -> RunPlan:
    """Plan a run and write the plan down.

    Args:
        directory: Where the plan goes.
        rows: Folder that holds `rows/` with texts.
        judge: Who judges.
        config: The options of the run.
        say: Told what a person should know.
        watch: Shown each block as it is planned.
        wishes: Of the cache that is simulated, where it shall not be the engine's.

    Returns:
        The plan without the hashes of its prompts, which are on disk alone.

    """
    counts, cache = PromptCounts(config.seed), cache_of(judge, wishes)
    simulator = None if cache is None else CacheSimulator(cache.settings)
    plans: list[RunPlan] = []
    pending: list[RunPlan] = []
    item_ids: list[pa.StringArray] = []
    base = first = 0
    for batches in blocks_of(iter_rows(rows)):
        block = plan_block(batches, judge, config, base, counts, directory)
        if simulator is not None:
            block = with_cached(block, simulator)
        if watch is not None:
            watch(block)
        pending.append(block.plan)
        item_ids += [batch.column("item_id") for batch in batches]
        base += len(block.items)
        if sum(map(len, pending)) >= PART_REQUESTS:
            plans.append(_written(directory, pending, item_ids, judge, first, sum(map(len, plans))))
            pending, item_ids, first = [], [], base
    if pending:
        plans.append(_written(directory, pending, item_ids, judge, first, sum(map(len, plans))))
    whole = _joined(plans)
    plans.clear()  # it is all in there
    directory.seal_plan(
        {
            "items": base,
            "judgments": len(whole),
            "requests": int(Sharing(whole.columns.asked_by).own(len(whole)).sum()),
            **counts.in_plan(),
            **({} if cache is None else cache.in_plan()),
        },
        whole.digest,
    )
    _tell(whole, base, counts, judge, config, say)
    return whole


def _tell(  # noqa: PLR0913, PLR0917 - a plan, and what it was made of
    plan: RunPlan,
    items: int,
    counts: PromptCounts,
    judge: Judge,
    config: RunConfig,
    say: Callable[[str], None],
) -> None:
    """Say what a person should know of a plan."""
    for words in judge.prompts.save_tokens():
        say(words)
    if without := items - plan.num_items:
        say(f"{without:,} of {items:,} items have no answer of {config.baseline}: none is judged")
    if counts.stripped_characters:
        say(f"{counts.stripped_characters:,} blank characters at the ends of texts are not sent")
    if counts.shortened:
        say(counts.shortened)
    if slow := judge.prompts.slow_because:
        say(f"prompts are tokenised by `tokenizers` alone, which is slower: {slow}")
    _tell_of_thinking(plan, judge, say)


def _tell_of_thinking(plan: RunPlan, judge: Judge, say: Callable[[str], None]) -> None:
    decoding = judge.prompts.decoding
    if not decoding.thinking_tokens:
        return
    budget = f"{decoding.thinking_tokens:,} tokens"
    say(f"the judge thinks before it answers, for at most {budget} each time")
    context, tokens = judge.engine.model.context_tokens, plan.rendered.prompt_tokens
    if context is None or tokens is None:
        return
    is_too_long = plan.rendered.planned == PLANNED.index("too_long")
    if fit := int(np.count_nonzero(is_too_long & (tokens + decoding.max_tokens <= context))):
        many = f"{fit:,} of {len(plan):,} judgments fit the context but for these {budget}"
        say(f"{many}: lower `thinking_tokens` of the rubric's [decoding], or raise the context")


def _written(  # noqa: PLR0913, PLR0917 - a part, and where it stands in the run
    directory: PlanFolder,
    plans: list[RunPlan],
    item_ids: list[pa.StringArray],
    judge: Judge,
    base: int,
    rows_before: int,
) -> RunPlan:
    plan = _joined(plans)
    requests = requests_table(
        plan.columns,
        plan.rendered,
        item_ids=pa.concat_arrays(item_ids),
        judge=judge.name,
        prompt_hash=judge.prompts.prompt_hashes,
        base=base,
        rows_before=rows_before,
    )
    directory.write_plan(requests, asks_table(plan.columns, judge.aspects))
    # The hashes are for starts to come: this one knows that it sends what it has planned.
    return RunPlan(plan.columns, plan.rendered._replace(ids_hash=None, left_out=None))


def _joined(plans: list[RunPlan]) -> RunPlan:
    columns: dict[str, Any] = {}
    for name in RenderedColumns._fields:
        parts = [getattr(plan.rendered, name) for plan in plans]
        known = [part for part in parts if part is not None]
        columns[name] = np.concatenate(known) if len(known) == len(parts) else None
    return RunPlan(concat([plan.columns for plan in plans]), RenderedColumns(**columns))


def _shows_empty(items: Sequence[Item], columns: PlanColumns, base: int) -> NDArray[np.bool_]:
    """Whether each judgment shows an answer that loses unseen (`--on-empty lose`)."""
    shows = np.zeros(len(columns.item), np.bool_)
    if not any(answer.empty for item in items for answer in item.answers):
        return shows
    for row, item_row in enumerate(columns.item.tolist()):
        answers = items[item_row - base].answers
        shows[row] = any(answers[index].empty for index in columns.shown_in(row))
    return shows
