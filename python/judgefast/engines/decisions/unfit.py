"""A reply that came with a good status and yet answers nothing that was asked."""

from __future__ import annotations

from judgefast.errors import JudgefastError


class UnfitReplyError(JudgefastError):
    """A reply that has no answers in this dialect. The message says what it is instead."""
