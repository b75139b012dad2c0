"""What is known of a judge model without running it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from judgefast.prompts.reasoning import find_reasoning

if TYPE_CHECKING:
    from judgefast.prompts.reasoning import Reasoning
    from judgefast.prompts.tokenizer import PromptTokenizer


class JudgeModel(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A judge model's identity and the parts of it that shape a prompt."""

    name: str
    digest: str
    """Digest of the weights, or a revision; empty where it cannot be known (over HTTP)."""
    tokenizer: PromptTokenizer | None = None
    chat_template: str | None = None
    """Jinja source."""
    bos_token: str = ""
    eos_token: str = ""
    context_tokens: int | None = None
    """Prompt and completion together."""

    @cached_property
    def reasoning(self) -> Reasoning | None:
        """How it thinks before it answers; None where it does not, or nobody can know."""
        return find_reasoning(self)

    @property
    def judge(self) -> str:
        """Identity that is part of every key: name and digest."""
        return f"{self.name}@{self.digest[:16]}" if self.digest else self.name
