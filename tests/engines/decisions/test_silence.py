"""What counts as silence of a server while our own rate holds back what is sent next."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from judgefast.engines.decisions.jobs import Most, Part, Whole
from judgefast.engines.decisions.options import DecisionOptions
from judgefast.engines.decisions.rates import Rates
from judgefast.engines.decisions.sender import PartSender
from judgefast.engines.remote.endpoints import endpoints_of
from judgefast.engines.remote.options import Secret
from judgefast.engines.remote.unusable import NoReplyError
from judgefast.engines.remote.waiting import Waiting

from .asking import ASKS, STATE, request

if TYPE_CHECKING:
    from collections.abc import Callable

MINUTE = 60.0


class Wire:
    """In place of connections: holds what was sent."""

    def __init__(self) -> None:
        self.done: list[Callable[[NoReplyError], None]] = []

    def send(self, url: str, body: bytes, *, done: Any, **more: Any) -> Wire:
        del url, body, more
        self.done.append(done)
        return self

    def cancel(self) -> None:
        """Nothing is to be called off."""


class Bodies:
    path = "/"

    def body(self, jobs: list[Part]) -> bytes:
        del jobs
        return b""


def test_our_own_rate_excuses_a_server_only_while_nothing_is_out() -> None:
    async def played() -> None:
        options, now, wire = (
            DecisionOptions(base_urls=("http://127.0.0.1:1",)),
            time.monotonic(),
            Wire(),
        )
        (endpoint,) = endpoints_of(options, step=1, now=now)
        nobody: Any = None
        bodies: Any = Bodies()
        spoken: Any = SimpleNamespace(answered="m")
        client: Any = wire
        sender = PartSender(
            client=client,
            endpoints=[endpoint],
            waiting=Waiting(servers=1),
            bodies=bodies,
            spoken=spoken,
            options=options,
            secret=Secret(None),
            examiner=nobody,
            rates=Rates(requests_a_minute=1, tokens_a_second=0, now=now),
            put=lambda _: None,
        )
        endpoint.troubled_since = now
        for number in range(2):
            whole = Whole(request((ASKS[0].question,), number), STATE, [ASKS[:1]])
            whole.split(Most(1), lambda _: 0.0, time.time(), now)
            sender.admit(whole)
        sender.pump()
        assert len(wire.done) == endpoint.in_flight == 1
        assert endpoint.troubled_since == now, "the server has something to answer"
        wire.done[0](NoReplyError("nothing came", was_sent=True))
        assert endpoint.in_flight == 0
        excused = endpoint.troubled_since - now
        assert MINUTE / 2 < excused <= MINUTE, "nothing is sent for a minute"
        await sender.close()

    asyncio.run(played())
