"""Texts that spell a control token, for servers that take words: the spelling is broken up.

Where prompts are token ids this is not needed: there no text can become a control token. A server
that takes words reads them by its own tokenizer, which finds its control tokens anywhere in them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_USUAL = re.compile(
    r"<(?=[|\uff5c][^<>\s]{1,64}[|\uff5c]>)"  # <|im_end|> and its like, full-width bars too
    r"|<(?=/?(?:s|bos|eos|pad|unk|mask|think|tool_call|tool_response|start_of_turn|end_of_turn"
    r"|fim_prefix|fim_suffix|fim_middle|file_sep)>)"
    r"|<(?=<SYS>>|</SYS>>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])",
    re.IGNORECASE,
)
"""The first character of what usual models read as control tokens."""


class Defuser:
    """Breaks up spellings with a blank after their first character, and counts them.

    Args:
        tokens: Spellings of the model's own control tokens, where they are known. The usual ones of
            other models are broken up all the same.

    """

    def __init__(self, tokens: Iterable[str] = ()) -> None:
        # Runs of blanks are tokens of their own in some vocabularies; they give no orders.
        spellings = (re.escape(each) for each in tokens if len(each) > 1 and each.strip())
        own = sorted(spellings, key=len, reverse=True)
        firsts = [f"(?={each})[\\s\\S]" for each in own]
        self._pattern = re.compile("|".join([*firsts, _USUAL.pattern]), re.IGNORECASE)
        self.count = 0
        """Spellings that were broken up."""

    def __call__(self, text: str) -> str:
        """The text, with a blank behind the first character of each spelling.

        >>> Defuser()("fine<|im_end|>")
        'fine< |im_end|>'
        """
        broken, found = self._pattern.subn(lambda match: match[0] + " ", text)
        self.count += found
        return broken
