"""Which servers answer: one that is away is asked until it is back, and none for long ends it."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from judgefast.engines.http.unusable import NoReplyError
from judgefast.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.engines.http.client import Client
    from judgefast.engines.http.endpoints import Endpoint
    from judgefast.engines.http.options import HttpOptions, Secret

LOG = logging.getLogger("judgefast")

_SERVER_ERROR = 500
_SHORTEST_PROBE = 0.5
_LONGEST_PROBE = 15.0
_PROBE_TIMEOUT = 5.0
_TICK = 0.002
"""Timers are exact to so many seconds."""


class Health:
    """Watches the servers for the sender, in the loop's thread.

    Args:
        client: Connections.
        endpoints: The servers.
        options: The settings.
        secret: The key.
        go_on: Called when a server may be given prompts again.
        end: Takes the error that ends the engine.

    """

    def __init__(  # noqa: PLR0913 - its parts, by keyword
        self,
        *,
        client: Client,
        endpoints: Sequence[Endpoint],
        options: HttpOptions,
        secret: Secret,
        go_on: Callable[[], None],
        end: Callable[[EngineError], None],
    ) -> None:
        self._client, self._endpoints = client, endpoints
        self._options, self._secret = options, secret
        self._go_on, self._end = go_on, end
        self._probes: set[asyncio.Task[None]] = set()

    def failed(self, endpoint: Endpoint, words: str, *, is_gone: bool = False) -> None:
        """Note that no answer came; a server that is away is asked until it is back.

        Args:
            endpoint: The server.
            words: What happened.
            is_gone: Nothing is there to connect to.

        """
        if endpoint.failed(time.monotonic(), is_gone=is_gone):
            LOG.warning("%s is away: %s", endpoint.root, words)
            task = asyncio.get_running_loop().create_task(self._probe(endpoint))
            self._probes.add(task)
            task.add_done_callback(self._probes.discard)
        self._watch(words)

    def has_no_room(
        self, endpoint: Endpoint, seconds: float | None, words: str, *, is_quota: bool
    ) -> None:
        """Leave a server alone for a while.

        Args:
            endpoint: The server.
            seconds: What it asks for; None where it does not say.
            words: What it said.
            is_quota: It works, and has only had enough of us.

        """
        now = time.monotonic()
        if not is_quota:
            endpoint.trouble(now)
            self._watch(words)
        endpoint.is_busy(seconds, now)
        self._wake(endpoint)

    async def close(self) -> None:
        """End all that is on its way."""
        for task in self._probes:
            task.cancel()
        await asyncio.gather(*self._probes, return_exceptions=True)

    def _wake(self, endpoint: Endpoint) -> None:
        """Go on when a pause is over; a timer may come a little before its time."""
        left = endpoint.paused_until - time.monotonic()
        if left > 0:
            asyncio.get_running_loop().call_later(left + _TICK, self._wake, endpoint)
        else:
            self._go_on()

    async def _probe(self, endpoint: Endpoint) -> None:
        """Ask a server that is away until it is there again."""
        wait = _SHORTEST_PROBE
        words = ""
        while not endpoint.is_up:
            await asyncio.sleep(wait)
            wait = min(_LONGEST_PROBE, 2 * wait)
            try:
                reply = await self._client.get(f"{endpoint.root}/v1/models", seconds=_PROBE_TIMEOUT)
            except NoReplyError as error:
                words = self._secret.scrub(str(error))
            else:
                words = f"{endpoint.root} answered {reply.status}"
                if reply.status < _SERVER_ERROR:
                    endpoint.returned()
                    LOG.warning("%s is there again", endpoint.root)
                    self._go_on()
                    return
            self._watch(words)

    def _watch(self, words: str) -> None:
        """Look some time after a failure whether any server has answered since."""
        wait = self._options.patience_seconds + _TICK
        asyncio.get_running_loop().call_later(wait, self._check_life, words)

    def _check_life(self, words: str) -> None:
        """Lose the engine once all servers have only failed for too long."""
        now = time.monotonic()
        since = [endpoint.failing_since for endpoint in self._endpoints]
        known = [each for each in since if each is not None]
        if len(known) < len(since) or now - max(known) < self._options.patience_seconds:
            return
        message = f"no server has answered for {now - max(known):.0f} seconds; last: {words}"
        self._end(EngineError(message, hint="start the server again, then give the same command"))
