"""A judge that thinks, asked twice over token ids: until its thinking ends, and for the answer.

So a schema, a stop text and `max_tokens` are the answer's, whatever the server knows of the judge's
way to think; and the second time the prompt is in the server's cache. Over chat the server parts
the two, or leaves the marks in the text: then they are parted here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

if TYPE_CHECKING:
    from judgefast.engines.http.jobs import PromptJob
    from judgefast.prompts.decoding import Decoding
    from judgefast.prompts.reasoning import Reasoning

_OPEN, _CLOSE = "<think>", "</think>"


class Thought(NamedTuple):
    """What a judge has thought."""

    text: str
    tokens: int
    """Generated for that."""
    cached_tokens: int | None
    """Of the prompt, where that was sent first."""


class Phases(NamedTuple):
    """Two decodings out of one."""

    think: Decoding
    """Free text, up to what ends it; its `thinking_tokens` are not 0."""
    answer: Decoding


class Thinking:
    """Leads requests through both phases.

    Args:
        reasoning: How the judge thinks.

    """

    def __init__(self, reasoning: Reasoning) -> None:
        self.reasoning = reasoning
        self._closing = np.array(reasoning.closing_ids, np.int32)
        self._phases: dict[Decoding, Phases] = {}

    def begin(self, job: PromptJob) -> None:
        """Let it think first, if it is to."""
        if job.decoding.thinking_tokens:
            job.decoding = self._of(job.decoding).think

    def ended(self, job: PromptJob, ids: list[int], thought: Thought, *, is_cut: bool) -> bool:
        """Keep what a job has thought; whether it goes on to its answer.

        Args:
            job: That thinks.
            ids: Tokens that were generated, the one that ended them too.
            thought: What they say.
            is_cut: The budget ended it.

        """
        has_closed = not is_cut or (bool(ids) and ids[-1] in self.reasoning.end_ids)
        job.thought = thought
        if has_closed and job.ids is not None:
            job.ids = np.concatenate((job.ids, np.array(ids[:-1], np.int32), self._closing))
            job.decoding = self._of(job.request.decoding).answer
        return has_closed

    def _of(self, decoding: Decoding) -> Phases:
        found = self._phases.get(decoding)
        if found is None:
            room = self.reasoning.room(decoding.thinking_tokens)
            think = msgspec.structs.replace(
                decoding, max_tokens=room, stop=(), schema=None, labels=(), probabilities=False
            )
            found = Phases(think, msgspec.structs.replace(decoding, thinking_tokens=0))
            self._phases[decoding] = found
        return found


def parted(text: str, *, is_open: bool = False, is_cut: bool = False) -> tuple[str, str]:
    r"""The thinking in a text, and the answer behind it.

    Args:
        text: As the judge wrote it.
        is_open: The judge thinks: it may begin within that, which the prompt has opened.
        is_cut: The limit ended it.

    >>> parted("<think>\nlong\n</think>\n\nA")
    ('long', 'A')
    >>> parted("<think>not at its end", is_cut=True)
    ('not at its end', '')
    >>> parted("long</think>A", is_open=True)
    ('long', 'A')

    """
    bare = text.lstrip()
    may_think = bare.startswith(_OPEN) or (is_open and (is_cut or _CLOSE in text))
    if not may_think:
        return "", text
    thought, closed, answer = bare.removeprefix(_OPEN).partition(_CLOSE)
    return thought.strip(), answer.lstrip() if closed else ""
