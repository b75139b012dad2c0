"""What every engine process understands and says; each engine adds its own fields and kinds."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 - msgspec reads it

import msgspec


class Numbered(msgspec.Struct, frozen=True, kw_only=True):
    """One request, as it goes to the process."""

    number: int
    """Names it between the two; never used again."""


class Cancel(msgspec.Struct, tag=True, frozen=True):
    """Give up on these."""

    numbers: list[int]


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The model is loaded."""

    pid: int
    load_seconds: float


class Entered(msgspec.Struct, tag=True, frozen=True):
    """This one is about to be given to the model: if the process dies now, it may be why."""

    number: int


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """One request is over, in whatever way."""

    number: int
    error: str | None = None
    cancelled: bool = False


class Beating(msgspec.Struct, frozen=True, kw_only=True):
    """Sign of life, with counters since the process began."""


class Lost(msgspec.Struct, tag=True, frozen=True):
    """The process cannot go on."""

    words: str


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How to start an engine's process, and how to read what it says."""

    engine: str
    """Its name, for messages and for its page in the docs."""
    module: str
    """Run as `python -m module PARENT`."""
    decode: Callable[[bytes], msgspec.Struct]
    """One message of the process: `Loaded`, `Entered`, `Ended`, `Beating` or `Lost`."""
    cancelled: Callable[[int], Ended]
    """The end of a request that was given up before it was sent."""
    blame_after: int = 1
    """Ends of the process that a request has to be in before it is tried alone."""
    own_session: bool = False
    """Put it and what it starts into a session of their own, and kill all of that at once."""
