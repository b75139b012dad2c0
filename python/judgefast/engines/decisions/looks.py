"""Looks at a server's list of models: it says whose the server is, and may be refused at first."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from judgefast.engines.decisions.failures import GOOD, failure_of
from judgefast.engines.decisions.strict import read_object
from judgefast.engines.decisions.unfit import UnfitReplyError
from judgefast.engines.remote.retries import pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.engines.decisions.asked import Failure
    from judgefast.engines.remote.client import Client
    from judgefast.engines.remote.wires import Reply

LOG = logging.getLogger("judgefast")

LOOK_SECONDS = 10.0
"""Longest wait for one reply, and for room in all looks at a list together."""
_TRIES = 4
"""Of a look that waits."""
AWAY = {"busy", "server"}
"""What a gateway says as well while its backend starts: it is no word of the judge."""


class Looks:
    """Looks at the list of one server.

    Args:
        client: Connections.
        root: The server.
        said: A server's words as they may be told.

    """

    def __init__(self, client: Client, root: str, said: Callable[[str], str]) -> None:
        self._client, self._url, self._said = client, f"{root}/v1/models", said
        self._left = LOOK_SECONDS
        self._is_over = self._has_warned = False
        self._models: dict[str, Any] | None = None

    async def look(self, *, waits: bool = True) -> dict[str, Any] | None:
        """Look, unless it was listed already, or refused for good.

        Args:
            waits: Whether to look again, after a while, where the server is busy, or fails.

        Returns:
            What is listed; None where nothing is that can be read.

        Raises:
            NoReplyError: Nobody is there.

        """
        tries = 1
        while not self._is_over:
            since = time.monotonic()
            reply = await self._client.get(self._url, seconds=LOOK_SECONDS)
            self._left = max(0.0, self._left - (time.monotonic() - since))
            failure = self._failure_of(reply)
            if failure is None or not waits or tries == _TRIES or not self._left:
                break
            if not self._has_warned:
                self._has_warned = True
                LOG.warning(
                    "%s answered %d: %s; it is asked for up to %.0f seconds more",
                    self._url,
                    reply.status,
                    self._said(failure.words),
                    self._left,
                )
            wait = min(max(failure.retry_seconds or 0.0, pause(tries)), self._left)
            self._left -= wait
            tries += 1
            await asyncio.sleep(wait)
        return self._models

    def _failure_of(self, reply: Reply) -> Failure | None:
        """What may be otherwise at another look; None where it was listed, or refused for good."""
        if reply.status not in GOOD:
            failure = failure_of(reply.status, reply.headers, reply.body)
            self._is_over = failure.kind not in AWAY
            return None if self._is_over else failure
        self._is_over = True
        with suppress(UnfitReplyError):
            self._models = read_object(reply.body)
        return None
