"""What servers count themselves: tokens that they read, found in their caches, and generated.

Of a list nobody says which prompt was cached; the server knows the sum, and shows it at `/metrics`.
It counts for all its users: what else was asked of it meanwhile is in it.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, NamedTuple

from judgefast.engines.remote.unusable import NoReplyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.engines.remote.client import Client

_SECONDS = 1.0
_OK = 200
_NAMES = {
    "vllm:prompt_tokens": "prompt_tokens",
    "vllm:prefix_cache_hits": "cached_tokens",
    "vllm:generation_tokens": "completion_tokens",
}
_LINE = re.compile(
    r"^([a-zA-Z_:][\w:]*?)(?:_total)?(?:\{.*\})? (\d+(?:\.\d*)?(?:[eE][-+]?\d\d?)?)(?: \d+)?$",
    re.ASCII,
)


class Counted(NamedTuple):
    """Tokens since a server began."""

    prompt_tokens: int
    cached_tokens: int
    """Of the prompts', those that were found in its cache."""
    completion_tokens: int


def read_counters(text: str) -> Counted | None:
    """Counters of vLLM in the text format of Prometheus, summed over its engines; None without.

    >>> read_counters('vllm:prompt_tokens_total{engine="0"} 7.0')
    """
    sums: dict[str, float] = {}
    for line in text.splitlines():
        found = _LINE.match(line)
        if found and (name := _NAMES.get(found[1])):
            sums[name] = sums.get(name, 0.0) + float(found[2])
    if len(sums) < len(_NAMES):
        return None
    return Counted(**{name: round(value) for name, value in sums.items()})


class Metrics:
    """Reads what the servers have counted, before and after a run.

    Args:
        client: Connections.
        roots: The servers.

    """

    def __init__(self, client: Client, roots: Sequence[str]) -> None:
        self._client, self._roots = client, roots
        self._before: list[Counted | None] = [None] * len(roots)

    async def begin(self) -> None:
        """Read them for the first time."""
        self._before = await self._read()

    async def since(self) -> Counted | None:
        """What was added; None where a server does not say, or has begun anew."""
        if None in self._before:
            return None
        pairs = list(zip(self._before, await self._read(), strict=True))
        added = [
            Counted(*(new - old for new, old in zip(after, before, strict=True)))
            for before, after in pairs
            if before is not None and after is not None
        ]
        if len(added) < len(pairs) or any(min(each) < 0 for each in added):
            return None
        return Counted(*(sum(each) for each in zip(*added, strict=True)))

    async def _read(self) -> list[Counted | None]:
        return await asyncio.gather(*map(self._of, self._roots))

    async def _of(self, root: str) -> Counted | None:
        try:
            reply = await self._client.get(f"{root}/metrics", seconds=_SECONDS)
        except NoReplyError:
            return None
        return read_counters(reply.body.decode("utf-8", "replace")) if reply.status == _OK else None
