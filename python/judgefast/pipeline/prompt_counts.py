"""What rendering does to the texts of a run, counted; the seams of a sample of prompts, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.errors import ModelError
from judgefast.hashes import framed
from judgefast.reports.words import plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.batches.columns import PlanColumns
    from judgefast.datasets.items import Item
    from judgefast.pipeline.judge import Judge
    from judgefast.prompts.block import PromptBlock

SEAMS_AT_FIRST = 32
"""Prompts of the first block whose seams are checked: a small run is looked at as well."""

SEAMS_ONE_IN = 4096
"""Of all prompts of a run one in so many is checked, which takes little of the time of planning."""


class PromptCounts:
    """What rendering did to texts, summed over a plan.

    Args:
        seed: Of the run; with the keys it draws the prompts whose seams are checked.

    """

    def __init__(self, seed: int) -> None:
        self.replaced_characters = 0
        self.stripped_characters = 0
        self.truncated_items = 0
        """Items with a judgment that shows answers shortened."""
        self.truncated_judgments = 0
        self.truncated_tokens = 0
        """Tokens of answers that these do not show."""
        digest = framed("judgefast seams 1", [seed.to_bytes(8, "little")])
        self._word = np.frombuffer(digest[:8], "<u8")[0]
        self._has_begun = False

    def segments_of(
        self, judge: Judge, items: Sequence[Item], plan: PlanColumns, base: int
    ) -> PromptBlock:
        """Put the prompts of a block into segments, and check the seams of some.

        Raises:
            ModelError: The ids of a prompt, joined from its parts, are not those of its text.

        """
        prompts = judge.prompts
        if prompts.needs_ids:
            for row in self.sample(plan.key).tolist():
                (shown,) = plan.shown_lists(row, row + 1)
                item = items[int(plan.item[row]) - base]
                prompt = prompts.render(item, shown, int(plan.aspect[row]))
                if (difference := prompts.verify_seams(prompt)) is not None:
                    msg = f"joined token ids are not those of the whole prompt: {difference}"
                    hint = "report it with the rubric; this tokenizer breaks the seam rule"
                    raise ModelError(msg, hint=hint)
        block = prompts.segments_of(items, plan, base)
        self.replaced_characters += block.replaced_characters
        self.stripped_characters += block.stripped_characters
        return block

    def sample(self, keys: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Draw rows of a block, in ascending order. `keys` has shape (n, 16)."""
        words = np.ascontiguousarray(keys[:, :8]).view("<u8").ravel() ^ self._word
        drawn = words < (1 << 64) // SEAMS_ONE_IN
        if not self._has_begun:
            self._has_begun = True
            drawn[np.argsort(words, kind="stable")[:SEAMS_AT_FIRST]] = True
        return np.flatnonzero(drawn)

    def add_left_out(self, item: NDArray[np.uint32], left_out: NDArray[np.int32]) -> None:
        """Count tokens that the judgments of a block do not show; `item` is that of each."""
        rows = np.flatnonzero(left_out)
        self.truncated_items += len(np.unique(item[rows]))
        self.truncated_judgments += len(rows)
        self.truncated_tokens += int(left_out.sum(dtype=np.int64))

    @property
    def shortened(self) -> str:
        """What was shortened, for a person; empty where nothing was."""
        if not self.truncated_judgments:
            return ""
        items = plural(self.truncated_items, "item")
        many = f"{self.truncated_tokens:,} tokens of {self.truncated_judgments:,} judgments"
        return f"{items} judged by shortened answers: {many} not shown"

    def in_plan(self) -> dict[str, int]:
        """What the plan says of it."""
        truncated = {
            "truncated_items": self.truncated_items,
            "truncated_judgments": self.truncated_judgments,
            "truncated_tokens": self.truncated_tokens,
        }
        return {
            "replaced_characters": self.replaced_characters,
            "stripped_characters": self.stripped_characters,
            **(truncated if self.truncated_judgments else {}),
        }
