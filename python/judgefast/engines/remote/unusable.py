"""Why there is no reply."""

from __future__ import annotations


class NoReplyError(Exception):
    """Nothing came, or not the whole of it."""

    def __init__(self, words: str, *, was_sent: bool, is_timeout: bool = False) -> None:
        super().__init__(words)
        self.was_sent = was_sent
        """Whether the server may have begun to work on it."""
        self.is_timeout = is_timeout
        """Nothing came although it was waited for as long as is allowed."""
