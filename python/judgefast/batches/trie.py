"""Prompts as sequences of segments: what they share, in which order they are sent, their names.

A segment is a piece of a prompt that lies between two seams (`prompts.pieces`); two prompts share
what their segments share from the first on. No prompt is ever put together here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast import _native
from judgefast.prompts.block import Segments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Segments", "ideal", "measure", "order"]


def order(segments: Segments) -> NDArray[np.uint32]:
    """Rows in the order of sending.

    Depth first over the trie of segments: prompts that end at a node, in the order of rows, then
    the node's children in the order in which they first appear. Equal prompts stand side by side.

    Returns:
        Shape (n,), each row once.

    Raises:
        ColumnError: The columns do not fit each other; the message names the row.

    """
    return _native.order_prompts(segments)


def ideal(segments: Segments) -> int:
    """Tokens that are computed where each prefix that prompts share is computed once.

    Prefixes of token ids, whatever the segments that they lie in: no cache computes fewer.

    Raises:
        ColumnError: As `order`.

    """
    return _native.ideal_tokens(segments)


def measure(segments: Segments) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Hash and count the token ids of each prompt.

    Returns:
        Shape (n, 16), as `prompts.pieces.hash_of_ids` of each prompt's pieces, and shape (n,):
        tokens.

    Raises:
        ColumnError: As `order`; or a prompt has more than 2^31 - 1 tokens.

    """
    hashes, tokens = _native.measure_prompts(segments)
    return hashes.reshape(-1, 16), tokens
