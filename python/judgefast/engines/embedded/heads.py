"""What each prompt begins with that others begin with too: it is computed once for all of them."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from judgefast.batches.request import common_tokens
from judgefast.engines.embedded.guards import BLOCK_TOKENS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from judgefast.batches.request import Request


class Heads:
    """Names the heads of requests as they come, in the order in which they are sent.

    The rubric and the question of a prompt are known by the request. How much more it shares is
    known by its neighbours: prompts that begin alike stand side by side in a plan, and each knows
    the one behind it. Only whole blocks are shared.
    """

    def __init__(self) -> None:
        self._next: NDArray[np.int32] | None = None
        self._with_next = 0

    def of(self, request: Request, ids: NDArray[np.int32]) -> tuple[int, ...]:
        """Identities of the heads of a prompt, the shortest first; `ids` are its tokens."""
        assert request.prompt is not None  # a guard has looked
        shared = request.prompt.shared_tokens
        with_last = self._with_next if _is_same(self._next, ids) else 0
        following = request.next_ids
        self._next = following
        self._with_next = 0 if following is None else common_tokens(ids, following)
        group = request.prefix_group.to_bytes(8, "little", signed=request.prefix_group < 0)
        heads = [ids[:shared].tobytes()] if shared >= BLOCK_TOKENS else []
        heads.append(group)
        more = sorted({_whole(with_last), _whole(self._with_next)})
        heads += [ids[:tokens].tobytes() for tokens in more if tokens > shared]
        return tuple(int.from_bytes(sha256(head).digest()[:8], "little") for head in heads)


def _whole(tokens: int) -> int:
    """Tokens in whole blocks."""
    return tokens // BLOCK_TOKENS * BLOCK_TOKENS


def _is_same(ids: NDArray[np.int32] | None, others: NDArray[np.int32]) -> bool:
    return ids is not None and len(ids) == len(others) and bool((ids == others).all())
