"""A prompt as a list of segments, each ours or somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Segment(msgspec.Struct, frozen=True, gc=False):
    """A run of text with one origin."""

    text: str
    trusted: bool
    """True for the rubric and the chat template; False for questions, answers, references."""
    slot: str = ""
    """Which text of the item it is a part of: `question`, `reference`, `answer`, or `answer_1`,
    `answer_2`, ... in the order shown. Empty for the rubric and the chat template."""


class Prompt(msgspec.Struct, frozen=True, gc=False):
    """What one request says to the judge."""

    segments: tuple[Segment, ...]
    token_ids: NDArray[np.int32] | None
    """Shape (prompt_tokens,); None where the model's tokenizer is unknown."""
    ids_hash: bytes
    """First 16 bytes of the hash over the int32-LE ids; over the segments where there are none.
    Empty in a request of the start that planned it: it is on disk, and need not be met again."""
    shared_tokens: int
    """Tokens at the head that every prompt of the run has: the rubric."""
    replaced_characters: int = 0
    """Characters that the vocabulary lacks, sent as U+FFFD."""
    stripped_characters: int = 0
    """White space taken off the ends of untrusted texts, for clean seams."""
    has_system: bool = False
    """The first segment is a system message, for engines that take chat messages."""

    @property
    def text(self) -> str:
        """The whole prompt, for engines that take one text."""
        return "".join(segment.text for segment in self.segments)

    def messages(self) -> list[dict[str, str]]:
        """The prompt as `role` and `content`, for engines that take chat messages."""
        parts = [segment.text for segment in self.segments]
        system = [{"role": "system", "content": parts[0]}] if self.has_system else []
        return [*system, {"role": "user", "content": "".join(parts[len(system) :])}]

    def state(self) -> dict[str, str]:
        """The item's texts by slot, in the order shown, for engines that take a state.

        A blank text is there, empty; what the item lacks is not.
        """
        texts: dict[str, str] = {}
        for segment in self.segments:
            if segment.slot:
                texts[segment.slot] = texts.get(segment.slot, "") + segment.text
        return {slot: text.removesuffix("\n") for slot, text in texts.items()}
