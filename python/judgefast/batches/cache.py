"""What an engine's prefix cache will have of each prompt, known before anything is computed.

vLLM's scheduler step by step, without a model (`rust/core/src/batches/cache.rs` says how): blocks
are found by a chain of hashes over their tokens, running requests hold theirs, what nobody holds is
given out again in the order of release. Checked against vLLM itself by
`tests/engines/vllm/real/test_cache.py`, and against kvlint by `tests/batches/test_cache.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast import _native

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from judgefast.batches.trie import Segments


class CacheSettings(msgspec.Struct, frozen=True, kw_only=True):
    """An engine's cache and what it runs at a time."""

    block_tokens: int
    """Tokens of a block, at least 1."""
    budget_tokens: int | None
    """Tokens that the cache holds, those of running requests among them; None: any number. Where
    layers slide, a block holds its tokens for one group of layers, and each counts."""
    running: int
    """Requests that run at a time, at least 1."""
    generated_tokens: int
    """Tokens of each answer, at least 1."""
    batched_tokens: int
    """Tokens that one step computes at most, at least 1."""
    window: int | None = None
    """Tokens that a sliding layer looks at, at least 2; None where no layer slides."""
    full_groups: int = 1
    """Groups of layers that look at all tokens, at least 1."""
    sliding_groups: int = 1
    """Groups of layers that slide; counts only where there is a window."""
    keeps_all: bool = True
    """Blocks of sliding layers stay findable as others do. False: only where a prompt ends, and
    where two were seen to part, as in vLLM of 0.30 and later by default."""
    sends_heads: bool = False
    """What prompts share is sent ahead of them as a prompt of its own, as the engine `vllm` does
    where not all is kept."""

    @classmethod
    def of(cls, cache: msgspec.Struct, *, generated_tokens: int) -> CacheSettings:
        """What an engine says of itself, a `PrefixCache`, for answers of so many tokens."""
        told = msgspec.structs.asdict(cache)
        return cls(**told, generated_tokens=generated_tokens)


class CacheSimulator:
    """A cache that goes on from one set of prompts to the next.

    Sets that are added one after the other come to the same as all in one: what runs at the end of
    one runs on in the next, in the middle of a step too. Heads that are sent ahead are those of
    one set: a few more are sent if it is cut.

    Raises:
        ColumnError: A setting is below what it may be.

    """

    def __init__(self, settings: CacheSettings) -> None:
        """Begin with nothing in the cache."""
        self.settings = settings
        self._native = _native.CacheSimulator(settings)

    def add(self, segments: Segments, order: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Let prompts enter behind those that were added before.

        Args:
            segments: The prompts, n rows.
            order: Rows in the order of sending; those that are not in it are not sent.

        Returns:
            Shape (n,): tokens of each row, not place, that the cache has when it enters. 0 for what
            is not sent, has no tokens, or is larger than the whole cache.

        Raises:
            ColumnError: The columns do not fit each other, or `order` names a row that is not
                there; the message names it.

        """
        return self._native.add(segments, order)

    @property
    def preemptions(self) -> int:
        """Requests so far that lost their blocks to others and are computed once more."""
        return self._native.preemptions

    @property
    def head_tokens(self) -> int:
        """Tokens computed so far of heads that were sent ahead, beside those of the prompts."""
        return self._native.head_tokens

    @property
    def too_large(self) -> int:
        """Prompts so far that are larger than the whole cache, with their answers.

        Like `preemptions` for those who look into a simulation: no plan hangs on either.
        """
        return self._native.too_large


def simulate(
    segments: Segments, order: NDArray[np.uint32], settings: CacheSettings
) -> NDArray[np.uint32]:
    """Cached tokens of each row of one set; see `CacheSimulator.add`.

    For a look at a set by itself, as benches and tests take: a plan goes on from block to block.
    """
    return CacheSimulator(settings).add(segments, order)
