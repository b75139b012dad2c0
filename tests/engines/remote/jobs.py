"""Requests as the loop holds them, made without a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.batches.request import Request
from judgefast.engines.remote.jobs import Job
from judgefast.prompts.decoding import Decoding
from judgefast.prompts.segments import Prompt, Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

WORD = Decoding(max_tokens=1)


def request(
    ids: Sequence[int] | None = (1, 2, 3),
    decoding: Decoding = WORD,
    *,
    group: int = 0,
    number: int = 0,
    segments: Sequence[Segment] = (Segment("Which is better?", trusted=True),),
) -> Request:
    array = None if ids is None else np.array(ids, dtype=np.int32)
    return Request(
        request_id=number.to_bytes(16, "little"),
        keys=(number.to_bytes(16, "little"),),
        item_id=f"i{number}",
        shown=(0, 1),
        repeat=0,
        judge="judge",
        questions=(),
        prompt=Prompt(tuple(segments), array, b"", 0),
        prefix_group=group,
        decoding=decoding,
        seed=41 + number,
    )


def job(*, decoding: Decoding = WORD, group: int = 0, number: int = 0) -> Job:
    return Job(request(decoding=decoding, group=group, number=number), 0.0, 0.0)
