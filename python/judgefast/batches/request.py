"""What is sent once to an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.prompts.questions import Question

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from judgefast.prompts.decoding import Decoding
    from judgefast.prompts.segments import Prompt

__all__ = ["Question", "Request", "common_tokens"]


class Request(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One question to the judge. Whatever an engine takes, it is in here."""

    request_id: bytes
    """16 bytes, unique in a run."""
    keys: tuple[bytes, ...]
    """16 bytes for each judgment that the completion answers: of one question those of all
    judgments with this prompt, of several in the order of `questions`."""
    item_id: str
    shown: tuple[int, ...]
    """Index into the item's answers at each position."""
    repeat: int
    judge: str
    questions: tuple[Question, ...]
    """What is asked, for engines that take a state; all about the one item that is shown."""
    prompt: Prompt | None
    """None for engines that take the coordinates alone."""
    prefix_group: int
    """Requests with one group share more than the rubric: they belong on one lane, in order."""
    decoding: Decoding
    seed: int
    """Sampling seed, from the key. 63 bits."""
    attempt: int = 1
    """1 for the first attempt over all launches."""
    next_ids: NDArray[np.int32] | None = None
    """Token ids of the prompt that is sent after it, as it was planned: an engine may compute ahead
    what both begin with. None at the end, and where it is not known."""


def common_tokens(one: NDArray[np.int32], two: NDArray[np.int32]) -> int:
    """Tokens at the head that two prompts have in common."""
    size = min(len(one), len(two))
    differ = one[:size] != two[:size]
    return int(differ.argmax()) if differ.any() else size
