"""An engine process without a model, for tests of its supervisor. Its load says what it does.

Usage: python -m tests.engines.child.stand_in PARENT
"""

from __future__ import annotations

import os
import sys
import time

import msgspec

from judgefast.engines.child import frames
from judgefast.engines.child.messages import (
    Beating,
    Cancel,
    Dialect,
    Ended,
    Entered,
    Loaded,
    Lost,
    Numbered,
)


class Early(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """A first message that says nothing of what to load."""

    dies: bool = False


class Load(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """What to load."""

    deadly: list[int] = []
    """Requests that end the process."""
    endless: list[int] = []
    """Requests that it never comes back from."""


class Work(Numbered, tag=True, frozen=True, kw_only=True):
    """One request."""


class Ready(Loaded, tag=True, frozen=True, kw_only=True):
    """The model is loaded."""


class Done(Ended, tag=True, frozen=True, kw_only=True):
    """One request is over."""


class Beat(Beating, tag=True, frozen=True, kw_only=True):
    """Sign of life."""

    works: int


_to = msgspec.msgpack.Decoder(Early | Load | Work | Cancel)
_from = msgspec.msgpack.Decoder(Ready | Entered | Done | Beat | Lost)
DIALECT = Dialect(
    engine="stand-in",
    module="tests.engines.child.stand_in",
    decode=_from.decode,
    cancelled=lambda number: Done(number=number, cancelled=True),
    blame_after=2,
)


def main() -> None:
    """Take all that has come, then answer it, or die of it."""
    source, output = sys.stdin.buffer, sys.stdout.buffer
    load = Load()
    works = 0
    while (payload := frames.read(source)) is not None:
        message = _to.decode(payload)
        if isinstance(message, Early) and message.dies:
            os._exit(3)
        elif isinstance(message, Load):
            load = message
            frames.write(output, Ready(pid=os.getpid(), load_seconds=0.0))
        elif isinstance(message, Work):
            works += 1
            frames.write(output, Beat(works=works))
            frames.write(output, Entered(message.number))
            if message.number in load.deadly:
                os._exit(4)
            if message.number in load.endless:
                time.sleep(600)
            frames.write(output, Done(number=message.number))


if __name__ == "__main__":
    main()
