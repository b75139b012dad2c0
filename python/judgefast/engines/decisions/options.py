"""Settings of the engine for decision servers."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from judgefast.engines.remote.options import (
    check_context,
    check_integers,
    check_seconds,
    check_words,
)
from judgefast.errors import ConfigError

DialectName = Literal["auto", "systemone", "openai", "sglang"]
OptionOrders = Literal[1, 2, "all"]

NAME = "decisions"
_LEAST = {"concurrency": 1, "start_concurrency": 1, "max_retries": 0}
_SECONDS = ("timeout_seconds", "connect_seconds", "patience_seconds")


class DecisionOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What may be set."""

    base_urls: tuple[str, ...]
    """Roots of the servers, without `/v1`. One judge behind all of them."""
    dialect: DialectName = "auto"
    """How questions are written; `auto`: found by asking one."""
    path: str | None = None
    """Where questions go, after the root; None: where the dialect is spoken."""
    tokenizer: str | None = None
    """The judge's folder or `tokenizer.json`, by which states are measured before they are sent;
    None: they are not."""
    option_orders: OptionOrders = 2
    """In how many orders the options of a choice are put: as the rubric has them, that and its
    reverse, or all rotations."""
    questions: int | None = None
    """Most questions in one request; None: what the server takes, at most 64."""
    requests_a_minute: float | None = None
    """None: what the server is known to allow; 0: whatever it bears."""
    tokens_a_second: float | None = None
    """The same for the tokens of prompts."""
    concurrency: int = 64
    """Most requests at one server at a time; how many of them is learnt."""
    start_concurrency: int = 16
    """Requests at one server before anything is learnt."""
    timeout_seconds: float = 60.0
    """Longest wait for one reply before its request is sent again."""
    connect_seconds: float = 10.0
    """Longest wait for a connection."""
    max_retries: int = 5
    """How often a request is sent again after a reply that was none."""
    patience_seconds: float = 120.0
    """How long all servers may be away before the engine is lost."""
    context_tokens: int | None = None
    """State and longest question together; None: what the server is known to read."""
    allow_moved: bool = False
    """Go on where another model answers than at the start: an alias that moves is one judge."""
    usd_per_million_tokens: float | None = None
    """Price of a prompt's tokens, for the report; None: the catalogue's, or the server's word."""

    def check(self) -> None:
        """Refuse what is out of range.

        Raises:
            ConfigError: Names the setting and what it may be.

        """
        check_words(
            self,
            {"dialect": ("auto", "systemone", "openai", "sglang"), "option_orders": (1, 2, "all")},
        )
        if type(self.allow_moved) is not bool:
            message = f"allow_moved is {self.allow_moved!r}; it may be true or false"
            raise ConfigError(message)
        check_integers(self, NAME, _LEAST if self.questions is None else {"questions": 1} | _LEAST)
        check_seconds(self, NAME, _SECONDS)
        check_context(self.context_tokens)
        for name in ("requests_a_minute", "tokens_a_second", "usd_per_million_tokens"):
            value = getattr(self, name)
            if value is not None and (type(value) not in {int, float} or not 0 <= value < math.inf):
                message = f"{name} is {value!r}; it must be a number of at least 0"
                raise ConfigError(message)
        if self.path is not None and not (
            isinstance(self.path, str) and self.path.startswith("/") and self.path.isprintable()
        ):
            message = f"path is {self.path!r}; it must begin with a slash"
            raise ConfigError(message, hint="write it as /v1/systemone; the host is in --base-url")
