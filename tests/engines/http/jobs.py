"""Requests as the loop holds them, made without a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.engines.http.jobs import PromptJob
from judgefast.prompts.decoding import Decoding, Label
from judgefast.prompts.segments import Segment
from tests.engines.remote.jobs import request

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
) -> PromptJob:
    asked = request(ids, decoding, group=group, number=number, segments=segments)
    return PromptJob(asked, 0.0, 0.0)
