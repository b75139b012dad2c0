"""Requests that failed, told of as they do: the first few of a kind."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judgefast.engines.base import ErrorKind

LOG = logging.getLogger("judgefast")

_SORT, _MOST_TOLD = 60, 5
"""Characters of its words by which a failure is one of a kind, and kinds that are told."""


class Told:
    """What was said to the user of failed requests."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def failed(self, kind: ErrorKind, words: str) -> None:
        """Say that a request failed, where it is one of the first few of a kind."""
        sort = f"{kind} {words[:_SORT]}"
        if sort not in self._said and len(self._said) < _MOST_TOLD:
            self._said.add(sort)
            LOG.warning("a request failed (%s): %s", kind, words)
