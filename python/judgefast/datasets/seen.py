"""Which ids have been seen, for millions of rows, in 16 bytes a row and no Python object.

Sorted runs of numpy columns, merged when they are alike in size: each batch is looked up in a
handful of runs, and an id is copied about log2(rows) times in all.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_CHECK_BITS = 24
"""Bits of the hash kept beside the position: with the 64 of the key, 88 tell ids apart."""


class SeenIds:
    """Ids of a data set, and at which position each was met first."""

    def __init__(self) -> None:
        self._runs: list[tuple[NDArray[np.uint64], NDArray[np.uint64]]] = []

    def add(self, ids: Sequence[str], positions: Sequence[int]) -> list[int | None]:
        """Add ids at positions (below 2^40). Where each was met before, None for a new one."""
        digests = b"".join(sha256(item_id.encode()).digest()[:16] for item_id in ids)
        words = np.frombuffer(digests, dtype="<u8").reshape(-1, 2)
        keys = np.ascontiguousarray(words[:, 0])
        check = words[:, 1] & np.uint64((1 << _CHECK_BITS) - 1)
        tails = (np.array(positions, dtype=np.uint64) << np.uint64(_CHECK_BITS)) | check
        earlier = np.full(len(keys), -1, dtype=np.int64)
        for run in self._runs:
            self._look_up(run, keys, check, earlier)
        order = np.argsort(keys, kind="stable")
        self._within(keys[order], tails[order], order, earlier)
        fresh = order[earlier[order] < 0]
        self._runs.append((keys[fresh], tails[fresh]))
        self._merge()
        return [None if position < 0 else int(position) for position in earlier]

    @staticmethod
    def _look_up(
        run: tuple[NDArray[np.uint64], NDArray[np.uint64]],
        keys: NDArray[np.uint64],
        check: NDArray[np.uint64],
        earlier: NDArray[np.int64],
    ) -> None:
        known, tails = run
        if not len(known):
            return
        at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        mask = np.uint64((1 << _CHECK_BITS) - 1)
        hit = (known[at] == keys) & ((tails[at] & mask) == check)
        earlier[hit] = (tails[at[hit]] >> np.uint64(_CHECK_BITS)).astype(np.int64)

    @staticmethod
    def _within(
        keys: NDArray[np.uint64],
        tails: NDArray[np.uint64],
        order: NDArray[np.intp],
        earlier: NDArray[np.int64],
    ) -> None:
        """Mark repeats inside one batch, whose keys come sorted and stable."""
        if len(keys) < 2:  # noqa: PLR2004 - a pair
            return
        mask = np.uint64((1 << _CHECK_BITS) - 1)
        same = (keys[1:] == keys[:-1]) & (((tails[1:] ^ tails[:-1]) & mask) == 0)
        first = 0
        for place in np.flatnonzero(same):
            if place == 0 or not same[place - 1]:
                first = int(place)
            if earlier[order[place + 1]] < 0:
                earlier[order[place + 1]] = int(tails[first] >> np.uint64(_CHECK_BITS))

    def _merge(self) -> None:
        runs = self._runs
        while len(runs) > 1 and len(runs[-2][0]) <= 2 * len(runs[-1][0]):
            (left, left_tails), (right, right_tails) = runs[-2], runs[-1]
            keys = np.concatenate([left, right])
            order = np.argsort(keys, kind="stable")
            runs[-2:] = [(keys[order], np.concatenate([left_tails, right_tails])[order])]
