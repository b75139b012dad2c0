"""What a server turned out to be, and to be able to do."""

from __future__ import annotations

from typing import Literal

import msgspec

Way = Literal["completions", "chat", "sglang"]

PATHS: dict[Way, str] = {
    "completions": "/v1/completions",
    "chat": "/v1/chat/completions",
    "sglang": "/generate",
}


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """Found by asking it once, never guessed from a name or a version."""

    way: Way
    model: str
    """As it is called in requests."""
    lists: bool = False
    """It takes several prompts in one request."""
    labels_by_id: bool = False
    """It gives the probability of tokens by their ids."""
    top_logprobs: int = 0
    """Likeliest tokens whose probability it gives; 0 for none."""
    schema: bool = False
    choice: bool = False
    stream: Literal["no", "tokens", "answers"] = "no"
    """Whether it sends choices of a list as they are made: by the token, or many tokens at once."""
    thinking: bool = False
    """It ends an answer at tokens by their ids, and says which ids it has generated: a judge that
    thinks can be asked for its thinking and for its answer."""
    thinks: bool = False
    """Over chat: the judge was seen to think before it answers."""
    limit_name: str = "max_tokens"
    """What it calls the limit of an answer's tokens."""

    @property
    def labels(self) -> bool:
        """Whether the probability of a label can be had at all."""
        return self.labels_by_id or self.top_logprobs > 0
