"""A check that joining the ids of parts gave the ids of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    from judgefast.prompts.segments import Prompt
    from judgefast.prompts.tokenizer import PromptTokenizer


class SeamDifference(msgspec.Struct, frozen=True):
    """A stretch of a prompt whose ids are not those of its text."""

    text: str
    """Text between two control tokens."""
    sent: tuple[int, ...]
    """Ids in the prompt."""
    whole: tuple[int, ...]
    """Ids of the text, encoded at once."""


def verify_seams(prompt: Prompt, tokenizer: PromptTokenizer) -> SeamDifference | None:
    """Encode each stretch between control tokens at once, and compare.

    Args:
        prompt: A rendered prompt with token ids.
        tokenizer: The tokenizer that rendered it.

    Returns:
        The first stretch that differs, or None: the prompt is what the judge would have got had
        its text been encoded whole, but for the seal.

    """
    if prompt.token_ids is None:
        return None
    sent = _split_ids(prompt, tokenizer)
    texts = _split_text(prompt, tokenizer)
    for text, ids in zip(texts, sent, strict=True):
        # Untrusted text may hold a control token's string: the sealed way reads it as text.
        whole, _ = tokenizer.encode_untrusted(text)
        if not np.array_equal(whole, ids):
            return SeamDifference(text, tuple(ids.tolist()), tuple(whole.tolist()))
    return None


def _split_ids(prompt: Prompt, tokenizer: PromptTokenizer) -> list[np.ndarray]:
    ids = np.asarray(prompt.token_ids)
    cuts = np.flatnonzero(tokenizer.is_control(ids))
    starts = [0, *(cuts + 1)]
    ends = [*cuts, len(ids)]
    return [ids[start:end] for start, end in zip(starts, ends, strict=True)]


def _split_text(prompt: Prompt, tokenizer: PromptTokenizer) -> list[str]:
    texts = [""]
    for segment in prompt.segments:
        if not segment.trusted:
            texts[-1] += segment.text
            continue
        position = 0
        for start, end in tokenizer.control_spans(segment.text):
            texts[-1] += segment.text[position:start]
            texts.append("")
            position = end
        texts[-1] += segment.text[position:]
    return texts
