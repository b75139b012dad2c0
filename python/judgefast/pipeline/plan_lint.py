"""`plan --lint`: what breaks sharing in a rubric or in the data, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.pipeline.lint_anew import Anew
from judgefast.pipeline.lint_rubric import RubricLint
from judgefast.pipeline.lint_texts import TextLint
from judgefast.pipeline.survey import sent_rows

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.batches.cache import CacheSettings
    from judgefast.config import RunConfig
    from judgefast.pipeline.judge import Judge
    from judgefast.pipeline.plan import PlannedBlock
    from judgefast.reports.plan_report import LintFinding

BLOCK_TOKENS = 16
"""Where the engine's cache is unknown."""


class Lint:
    """Watches the blocks of a plan.

    Args:
        judge: Who judges, by which rubric.
        config: The options of the run.
        rows: Folder that holds `rows/`.
        settings: The cache that is simulated; None where prompts have no tokens.

    """

    def __init__(
        self, judge: Judge, config: RunConfig, rows: Path, settings: CacheSettings | None
    ) -> None:
        tokenizer = judge.engine.model.tokenizer if judge.prompts.needs_ids else None

        def count(text: str) -> int:
            return 0 if tokenizer is None else len(tokenizer.seal(text).token_ids)

        anew = Anew(judge, config, rows, settings)
        block_tokens = BLOCK_TOKENS if settings is None else settings.block_tokens
        self._rubric = RubricLint(judge, block_tokens, anew)
        self._texts = TextLint(rows, count, judge.prompts.shared_tokens, anew)
        self._items = 0

    def __call__(self, block: PlannedBlock) -> None:
        """Take a block in."""
        self._texts.add(block.items, self._items)
        self._items += len(block.items)
        tokens = block.plan.rendered.prompt_tokens
        if block.prompts is None or tokens is None:
            return
        order = block.order[sent_rows(block.plan)[block.order]]
        if len(order):
            self._rubric.add(block, order, tokens.astype(np.int64))

    def findings(self) -> list[LintFinding]:
        """What was found, the dearest first."""
        found = [*self._rubric.findings(), *self._texts.findings()]
        return sorted(found, key=lambda one: (-one.lost_tokens, one.code, one.where))
