"""Which servers answer: one that is away is asked until it is back, and none for long ends it."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Protocol

from judgefast.engines.remote.unusable import NoReplyError
from judgefast.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.engines.remote.endpoints import Endpoint
    from judgefast.engines.remote.options import Secret

LOG = logging.getLogger("judgefast")

FIRST_TOLD = 15.0
"""Seconds without an answer from a server, after which it is told; doubled each time."""

_SHORTEST_PROBE = 0.5
_LONGEST_PROBE = 15.0
_TICK = 0.002
"""Timers are exact to so many seconds."""
_LOOKS = 8
"""How often the servers are looked at while patience lasts, but once a second at least."""


class OtherJudgeError(EngineError):
    """A server that is not to be asked: it has another judge, or can do less."""


class Examines(Protocol):
    """Who asks a server that was away."""

    async def examine(self, root: str, *, is_known: bool) -> None:
        """Ask it.

        Args:
            root: The server.
            is_known: It was compared before.

        Raises:
            NoReplyError: It does not answer yet.
            OtherJudgeError: It is not to be asked.

        """


class Health:
    """Watches the servers for the sender, in the loop's thread.

    Args:
        endpoints: The servers.
        patience: Seconds that all of them may fail.
        secret: The key.
        examiner: Asks one that was away.
        go_on: Called when a server may be given prompts again.
        end: Takes the error that ends the engine.

    """

    def __init__(  # noqa: PLR0913 - its parts, by keyword
        self,
        *,
        endpoints: Sequence[Endpoint],
        patience: float,
        secret: Secret,
        examiner: Examines,
        go_on: Callable[[], None],
        end: Callable[[EngineError], None],
    ) -> None:
        self._endpoints, self._examiner = endpoints, examiner
        self._patience, self._secret = patience, secret
        self._go_on, self._end = go_on, end
        self._probes: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._words: dict[int, str] = {}
        self._told: dict[int, float] = {}

    def failed(
        self,
        endpoint: Endpoint,
        words: str,
        *,
        is_gone: bool = False,
        waited_since: float | None = None,
    ) -> None:
        """Note that no answer came; a server that is away is asked until it is back.

        Args:
            endpoint: The server.
            words: What happened.
            is_gone: Nothing is there to connect to.
            waited_since: Monotonic; nothing came for what was sent then.

        """
        if endpoint.failed(time.monotonic(), is_gone=is_gone, waited_since=waited_since):
            self._is_away(endpoint, words)
        self._watch(endpoint, words)

    def has_no_room(self, endpoint: Endpoint, seconds: float | None, words: str) -> None:
        """Leave a server alone for a while.

        Args:
            endpoint: The server.
            seconds: What it asks for; None where it does not say.
            words: What it said.

        """
        now = time.monotonic()
        endpoint.trouble(now)
        endpoint.is_busy(seconds, now)
        self._watch(endpoint, words)
        self._wake(endpoint)

    def rest(self) -> None:
        """Note that no server owes anything: time that goes by now is nobody's silence."""
        for endpoint in self._endpoints:
            if endpoint.is_up:
                endpoint.troubled_since = None

    def waits(self, seconds: float) -> None:
        """Note that nothing will be sent for so long: that is nobody's silence either."""
        for endpoint in self._endpoints:
            if endpoint.troubled_since is not None:
                endpoint.troubled_since += seconds

    async def close(self) -> None:
        """End all that is on its way."""
        if self._timer is not None:
            self._timer.cancel()
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

    def _is_away(self, endpoint: Endpoint, words: str) -> None:
        LOG.warning("%s is away: %s", endpoint.root, words)
        task = asyncio.get_running_loop().create_task(self._probe(endpoint))
        self._probes.add(task)
        task.add_done_callback(self._probes.discard)

    async def _probe(self, endpoint: Endpoint) -> None:
        """Ask a server that is away until it is there again."""
        wait = _SHORTEST_PROBE
        while not endpoint.is_up:
            await asyncio.sleep(max(wait, endpoint.paused_until - time.monotonic()))
            wait = min(_LONGEST_PROBE, 2 * wait)
            try:
                await self._examiner.examine(endpoint.root, is_known=endpoint.is_known)
            except NoReplyError as error:
                endpoint.has_failed_again = True
                self._watch(endpoint, self._secret.scrub(str(error)))
            except OtherJudgeError as error:
                self._leave_out(endpoint, str(error))
                return
            else:
                endpoint.is_known = True
                endpoint.returned(time.monotonic())
                LOG.warning("%s is there again", endpoint.root)
                self._go_on()

    def _leave_out(self, endpoint: Endpoint, words: str) -> None:
        """Never ask a server again."""
        endpoint.is_left_out = True
        if all(each.is_left_out for each in self._endpoints):
            self._end(EngineError(words, hint="start a server of the judge, and go on"))
        else:
            LOG.warning("%s is left out: %s", endpoint.root, words)

    def _watch(self, endpoint: Endpoint, words: str) -> None:
        """Look from time to time, until all servers have answered since they failed."""
        self._words[endpoint.place] = words
        if self._timer is None:
            wait = min(1.0, self._patience / _LOOKS)
            self._timer = asyncio.get_running_loop().call_later(wait, self._look)

    def _look(self) -> None:
        """Tell who is silent, and lose the engine where all servers have been for too long."""
        self._timer = None
        now = time.monotonic()
        asked = [endpoint for endpoint in self._endpoints if not endpoint.is_left_out]
        for endpoint in asked:
            silent = endpoint.silent_seconds(now)
            words = self._words.get(endpoint.place, "")
            if silent >= self._patience and endpoint.is_doubtful and endpoint.leave(now):
                self._is_away(endpoint, words)
            self._tell(endpoint, silent, words)
        troubled = [endpoint for endpoint in asked if endpoint.troubled_since is not None]
        if troubled:
            self._watch(troubled[0], self._words[troubled[0].place])
        least = min((endpoint.silent_seconds(now) for endpoint in asked), default=0.0)
        if least < self._patience or any(
            endpoint.may_yet_answer(now, self._patience) for endpoint in asked
        ):
            return
        last = "; ".join(dict.fromkeys(self._words[endpoint.place] for endpoint in asked))
        message = f"no server has answered for {least:.0f} seconds; last: {last}"
        hint = "see to the server, then give the same command: it goes on"
        self._end(EngineError(message, hint=hint))

    def _tell(self, endpoint: Endpoint, silent: float, words: str) -> None:
        """Say seldom that a server does not answer."""
        due = self._told.get(endpoint.place, FIRST_TOLD)
        if silent < FIRST_TOLD:
            self._told.pop(endpoint.place, None)
        elif silent >= due:
            self._told[endpoint.place] = 2 * due
            LOG.warning(
                "%s has not answered for %.0f seconds; last: %s; the run ends where no server "
                "answers for %g seconds",
                endpoint.root,
                silent,
                words,
                self._patience,
            )
