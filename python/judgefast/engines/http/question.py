"""A small question, asked in the way of a run: what a server makes of it is not about any row."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from judgefast.batches.request import Request
from judgefast.engines.http.jobs import PromptJob
from judgefast.prompts.segments import Prompt, Segment

if TYPE_CHECKING:
    from judgefast.prompts.decoding import Decoding
    from judgefast.prompts.tokenizer import PromptTokenizer

TEXT = "Which animal has stripes?"


def token_ids(tokenizer: PromptTokenizer) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """A few ids of the judge, at least two of them different where it has them."""
    ids = tokenizer.encode_trusted(TEXT)
    return np.unique(ids)[:8].astype(np.int32) if len(set(ids.tolist())) > 1 else ids


def question(tokenizer: PromptTokenizer | None, decoding: Decoding) -> PromptJob:
    """The question as a request; in words where there is no tokenizer."""
    ids = None if tokenizer is None else token_ids(tokenizer)
    request = Request(
        request_id=bytes(16),
        keys=(bytes(16),),
        item_id="question",
        shown=(0,),
        repeat=0,
        judge="",
        questions=(),
        prompt=Prompt((Segment(TEXT, trusted=True),), ids, b"", 0),
        prefix_group=0,
        decoding=decoding,
        seed=0,
    )
    return PromptJob(request, time.time(), time.monotonic())
