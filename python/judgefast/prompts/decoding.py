"""What an engine can do, and the decoding that a rubric comes to on it."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

Input = Literal["ids", "text", "chat", "state", "key"]
"""What an engine takes: token ids, one text, chat messages, a state with typed questions, or the
judgment's coordinates alone (a replay)."""


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine takes and can do; decided when it starts, recorded with the launch."""

    takes: Input
    schema: bool = False
    """It can hold the completion to a JSON schema."""
    choice: bool = False
    """It can hold the completion to one of a few strings."""
    label_probabilities: bool = False
    """It gives the log-probability of each label."""
    seed: bool = False
    """It takes a sampling seed for each request."""
    deterministic: bool = False
    """Same requests, same seed, same texts and, to 1e-3, same log-probabilities, whatever is in
    flight."""
    cached_tokens: bool = False
    """It counts the tokens of each prompt that were computed before."""
    thinking: bool = False
    """It lets a judge think with a budget of its own, and keeps that apart from the answer."""
    label_mass: bool = True
    """Label log-probabilities are over a whole vocabulary: what they sum to says something. False
    for judges that know nothing but the labels."""


class Label(msgspec.Struct, frozen=True, gc=False):
    """One of the few words a `label` verdict may be."""

    text: str
    """What the judge writes, with its leading space where the rubric has one."""
    token_id: int | None = None
    """Its one token; None without a tokenizer."""


class Decoding(msgspec.Struct, frozen=True, kw_only=True):
    """The decoding in force. Part of `prompt_hash`."""

    hashed_where_set: ClassVar[tuple[str, ...]] = ("thinking_tokens",)
    """Fields that came later: they are hashed where they hold anything."""

    max_tokens: int
    """Tokens a completion may have, at least 1."""
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    schema: str | None = None
    """JSON schema that the completion is held to, or None."""
    labels: tuple[Label, ...] = ()
    """Labels that the completion is held to, or whose probability is read. Empty: free text."""
    probabilities: bool = False
    """The probability of each label is read, one forced token each; no text is generated."""
    thinking_tokens: int = 0
    """Tokens that the judge may think before it answers, the marks that end its thinking among
    them; `max_tokens` are for the answer alone. 0: it does not think, or as a part of its text."""

    @property
    def is_held(self) -> bool:
        """Whether text is held to a grammar, a schema or a few labels, as it is written."""
        return not self.probabilities and (self.schema is not None or bool(self.labels))

    @property
    def most_tokens(self) -> int:
        """Tokens that may come behind the prompt."""
        return self.max_tokens + self.thinking_tokens
