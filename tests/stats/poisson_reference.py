"""The Poisson bootstrap of `docs/statistics.md` again, in plain Python, from the page alone."""

from __future__ import annotations

import math
from fractions import Fraction
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = tuple[int, int, int, int]
"""Resampling id of the cluster, value in units of 2^-24, weight, slice."""

THRESHOLDS = (24109, 48219, 60273, 64292, 65296, 65497, 65531, 65535)
TO_64_BITS = (1 << 64) - 1


def cluster_word(seed: int, cluster_id64: int) -> int:
    fields = b"".join(
        (8).to_bytes(8, "little") + n.to_bytes(8, "little") for n in (seed, cluster_id64)
    )
    digest = sha256(b"judgefast bootstrap 1\0" + fields).digest()
    return int.from_bytes(digest[:8], "little")


def draws(seed: int, cluster_id64: int, replicate: int) -> int:
    """How often a cluster is drawn in a replicate."""
    j, lane = divmod(replicate, 4)
    h = (cluster_word(seed, cluster_id64) + (j + 1) * 0x9E3779B97F4A7C15) & TO_64_BITS
    h = ((h ^ (h >> 30)) * 0xBF58476D1CE4E5B9) & TO_64_BITS
    h = ((h ^ (h >> 27)) * 0x94D049BB133111EB) & TO_64_BITS
    h ^= h >> 31
    drawn = (h >> (16 * lane)) & 0xFFFF
    return sum(drawn >= threshold for threshold in THRESHOLDS)


def sums(rows: Iterable[Row], seed: int, replicate: int, slice_: int) -> tuple[int, int]:
    """S and W of one replicate of one slice."""
    total, weights = 0, 0
    for cluster, value, weight, own in rows:
        if own == slice_:
            drawn = draws(seed, cluster, replicate) * weight
            total, weights = total + drawn * value, weights + drawn
    return total, weights


def mean(total: int, weights: int) -> float:
    return float(Fraction(total, weights << 24)) if weights else math.nan


def ends(means: Iterable[float], level: float) -> tuple[float, float]:
    ascending = sorted(x for x in means if not math.isnan(x))
    k = math.floor(len(ascending) * (1 - Fraction(level)) / 2)
    return ascending[k], ascending[-1 - k]
