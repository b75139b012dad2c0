"""Settings of the HTTP engine."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from judgefast.engines.remote.options import (
    check_context,
    check_integers,
    check_seconds,
    check_words,
)
from judgefast.errors import ConfigError

Api = Literal["auto", "completions", "chat", "sglang"]


class HttpOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What may be set."""

    base_urls: tuple[str, ...]
    """Roots of the servers, without `/v1`. One judge behind all of them."""
    api: Api = "auto"
    """Which of a server's ways is used; `auto`: what it shows it can do."""
    tokenizer: str = "auto"
    """A model folder or `tokenizer.json`; `auto`: looked for by the model's name."""
    list_size: int = 8
    """Prompts in one request where answers are short and the server takes lists."""
    stream: Literal["auto", "on", "off"] = "auto"
    """Whether long answers are asked for in lists, each taken when it ends; `auto`: where a server
    sends many tokens at once, for an event a token costs it more than a list saves."""
    hedge_seconds: float | None = None
    """A request that is older is sent to a second server as well; None: never."""
    hedge: Literal["off", "p95"] = "off"
    """`p95`: the same for one that takes longer than 95 of 100 did."""
    concurrency: int = 256
    """Most prompts at one server at a time; how many of them is learnt."""
    start_concurrency: int = 64
    """Prompts at one server before anything is learnt."""
    timeout_seconds: float = 300.0
    """Longest wait for one answer before its request is sent again."""
    connect_seconds: float = 10.0
    """Longest wait for a connection."""
    max_retries: int = 5
    """How often a prompt is sent again after an answer that was none."""
    patience_seconds: float = 120.0
    """How long all servers may be away before the engine is lost."""
    context_tokens: int | None = None
    """Prompt and answer together; None: what the server says."""

    def check(self) -> None:
        """Refuse what is out of range.

        Raises:
            ConfigError: Names the setting and what it may be.

        """
        words = {"api": get_args(Api), "stream": ("auto", "on", "off"), "hedge": ("off", "p95")}
        check_words(self, words)
        least = {"list_size": 1, "concurrency": 1, "start_concurrency": 1, "max_retries": 0}
        check_integers(self, "http", least)
        times = ["timeout_seconds", "connect_seconds", "patience_seconds"]
        check_seconds(
            self, "http", [*times, *(["hedge_seconds"] if self.hedge_seconds is not None else [])]
        )
        check_context(self.context_tokens)
        self._check_hedging()

    @property
    def is_hedged(self) -> bool:
        """Whether requests that take too long are sent to a second server as well."""
        return self.hedge_seconds is not None or self.hedge != "off"

    def _check_hedging(self) -> None:
        if self.hedge_seconds is not None and self.hedge != "off":
            message = "hedge_seconds and hedge are two ways to say the same"
            raise ConfigError(message, hint="leave one of them out")
        if self.is_hedged and len(self.base_urls) == 1:
            message = "hedging needs a second server: none is asked the same thing twice"
            raise ConfigError(message, hint="add another --base-url, or leave hedging out")
