"""Requests as the loop holds them, made without a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.batches.request import Request
from judgefast.engines.remote.jobs import Job
from judgefast.prompts.decoding import Decoding, Label
from judgefast.prompts.segments import Prompt, Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

LABELS = (Label("A", 32), Label("B", 33), Label("tie", 48731))
LABEL_READ = Decoding(max_tokens=1, labels=LABELS, probabilities=True)
TEXT = Decoding(max_tokens=8)


def job(
    ids: Sequence[int] | None = (1, 2, 3),
    decoding: Decoding = LABEL_READ,
    *,
    group: int = 0,
    number: int = 0,
    segments: Sequence[Segment] = (Segment("Which is better?", trusted=True),),
) -> Job:
    array = None if ids is None else np.array(ids, dtype=np.int32)
    request = Request(
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
    return Job(request, 0.0, 0.0)
