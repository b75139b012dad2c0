"""Prompts for raw vLLM that are new to its cache and share as much among themselves as ours do.

They are the pipeline's own, in its order, with each token behind their common head exchanged for
another one by one table. Where two begin alike the exchanged ones do too, and end to be alike at
the same place: what orders, aspects and pairs of one question share is shared here as well. The
next pass through them has another table, so that none is found from an earlier one, or from ours.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.engines.vllm.wire import Work

END = 8
"""Tokens at the end that stay: by them the judge's turn begins."""


class RawTexts:
    """Gives one request after another."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(1)
        self._left: deque[Work] = deque()
        self._head = 0
        self._table = np.zeros(0, "<i4")

    def following(self, known: Sequence[Work]) -> Work:
        """Make the next request.

        Args:
            known: Requests of the pipeline, as they came; at least one.

        """
        if not self._left:
            self._begin(known)
        work = self._left.popleft()
        ids = np.frombuffer(work.ids, "<i4").copy()
        ids[self._head : -END] = self._table[ids[self._head : -END]]
        return msgspec.structs.replace(work, ids=ids.tobytes())

    def _begin(self, known: Sequence[Work]) -> None:
        """Begin a pass. It must take no longer than a step: it is in the time of raw vLLM."""
        self._left.extend(known)
        texts = [np.frombuffer(work.ids, "<i4") for work in known]
        self._head = head_of(texts)
        occurs = np.zeros(1 + max(int(text.max()) for text in texts), bool)
        for text in texts:
            occurs[text] = True
        tokens = np.flatnonzero(occurs)
        self._table = np.arange(len(occurs), dtype="<i4")
        self._table[tokens] = self._random.permutation(tokens)


def head_of(texts: Sequence[np.ndarray]) -> int:
    """Tokens that all texts begin with: the rubric, or all of the shortest."""
    first = texts[0]
    head = len(first)
    for text in texts[1:]:
        head = min(head, len(text))
        differs = first[:head] != text[:head]
        if differs.any():
            head = int(differs.argmax())
    return head
