"""Identifiers, one row at a time. The bulk twin, with the same bytes, is `rust/core/src/hashes.rs`.

`sha256(tag || 0x00 || for each field: u64-LE length || bytes)`; every use has a tag of its own.
Test vectors are in `docs/formats.md`.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def framed(tag: str, fields: Iterable[bytes]) -> bytes:
    """Hash `fields`, each framed by its length, for the use named by `tag`. 32 bytes.

    >>> framed("judgefast text 1", [b"Paris"]).hex()[:16]
    'd92b884c0a23a901'
    """
    parts = [tag.encode(), b"\0"]
    for field in fields:
        parts += (len(field).to_bytes(8, "little"), field)
    return sha256(b"".join(parts)).digest()


def cluster_id64(cluster: str) -> int:
    """Resampling id of a cluster name.

    >>> hex(cluster_id64("q1"))
    '0x3ec08dcd2d07810f'
    """
    digest = sha256(b"judgefast cluster 1\0" + cluster.encode()).digest()
    return int.from_bytes(digest[:8], "little")
