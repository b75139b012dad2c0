"""What every attempt at a decision endpoint took, as far as its completions say."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judgefast.engines.decisions.asked import Kept

_UNBILLED = {"too_long", "unsupported", "invalid"}
"""Failures of a request that was refused, or never sent."""
_FAILED = {"error", "cancelled"}


class Paid:
    """Sums over completions, failed ones among them."""

    def __init__(self) -> None:
        self._tokens: Counter[str] = Counter()
        self._usd = 0.0
        self._replies = self._counted = self._priced = 0
        self.models: Counter[str] = Counter()
        """Replies by the model that answered."""
        self.unseen = 0
        """Attempts that failed after they were sent: some of what they took is in no sum."""

    def add(
        self,
        kept: Kept | None,
        prompt_tokens: int | None,
        finish_reason: str,
        error_kind: str | None,
    ) -> None:
        """Take in a completion."""
        if finish_reason in _FAILED and (kept is not None or error_kind not in _UNBILLED):
            self.unseen += 1
        if kept is None:
            return
        has_usd, is_failed = kept.usd is not None, finish_reason in _FAILED
        if not is_failed:
            self._replies += 1
            self._counted += prompt_tokens is not None
            self._priced += has_usd
        if kept.model or kept.questions:  # else nobody has answered
            self.models[kept.model] += 1
            self._tokens[kept.model] += prompt_tokens or 0
        self._usd += kept.usd or 0.0

    @property
    def tokens(self) -> dict[str, int] | None:
        """Prompt tokens by the model that answered; None where a good reply does not count them."""
        return dict(self._tokens) if self._counted == self._replies else None

    @property
    def usd(self) -> float | None:
        """What the server says that it cost; None where a good reply does not say."""
        return self._usd if self._replies and self._priced == self._replies else None
