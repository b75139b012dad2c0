"""What is known of a judge model without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from judgefast.prompts.tokenizer import PromptTokenizer


class JudgeModel(msgspec.Struct, frozen=True, kw_only=True):
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

    @property
    def judge(self) -> str:
        """Identity that is part of every key: name and digest."""
        return f"{self.name}@{self.digest[:16]}" if self.digest else self.name
