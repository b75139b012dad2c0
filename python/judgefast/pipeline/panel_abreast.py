"""Several judges side by side: a thread for each, one wish to end for all."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar, cast

from judgefast.stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Say = Callable[[str], None]

T = TypeVar("T")

LOOK_SECONDS = 0.1
"""How often the main thread looks whether somebody wants to end, and whether all have."""


class _Seated(threading.Thread):
    """One judge at work. It dies with the program: its engine's process and its lock do, too."""

    def __init__(self, name: str, work: Callable[[Stop, Say], object], say: Say) -> None:
        super().__init__(name=f"judgefast-judge-{name}", daemon=True)
        self.judge = name
        self.stop = Stop()
        self.result: object = None
        self.error: BaseException | None = None
        self._work = work
        self._say = say

    def run(self) -> None:
        """Judge, and keep what came of it for the main thread."""
        try:
            self.result = self._work(self.stop, self._say)
        except BaseException as error:  # noqa: BLE001 - raised again by the main thread
            self.error = error


def abreast(
    works: Sequence[tuple[str, Callable[[Stop, Say], T]]],
    *,
    is_ready: Callable[[], bool],
    stop: Stop,
    say: Say,
) -> dict[str, T]:
    """Do several works at once.

    A wish to end becomes one of each work, which ends tidily; so does the error of one that none
    can go on with. A second signal ends the program on the spot, as everywhere.

    Args:
        works: Each a name, and what is called with a wish to end of its own and whom to tell. The
            first begins alone.
        is_ready: Whether the others may begin. Where the first ends before, the next begins alone.
        stop: The wish to end all.
        say: Told, each with its name before it.

    Returns:
        What each gave, by name; what was not begun, or was interrupted early, is not there.

    Raises:
        JudgefastError: The first that a work raised, once all have ended.

    """
    waiting = [_Seated(name, work, _teller(name, say)) for name, work in works]
    begun: list[_Seated] = []
    with stop.graceful():
        while waiting and not (stop.requested or any(one.error is not None for one in begun)):
            alone = [] if is_ready() else waiting[:1]
            for thread in alone or waiting:
                thread.start()
            begun += alone or waiting
            waiting = waiting[len(alone or waiting) :]
            while any(one.is_alive() for one in alone) and not (is_ready() or stop.requested):
                alone[0].join(LOOK_SECONDS)
        _wait(begun, stop)
    _raise_first(begun, stop)
    return {thread.judge: cast("T", thread.result) for thread in begun if thread.result is not None}


def _teller(name: str, say: Say) -> Say:
    return lambda words: say(f"{name}: {words}")


def _wait(threads: Sequence[_Seated], stop: Stop) -> None:
    """Wait until all have ended, and let each know once they are to."""
    while any(thread.is_alive() for thread in threads):
        if stop.requested or any(thread.error is not None for thread in threads):
            for thread in threads:
                thread.stop.requested = True
        for thread in threads:
            thread.join(LOOK_SECONDS / len(threads))


def _raise_first(threads: Sequence[_Seated], stop: Stop) -> None:
    """Raise what a thread raised; its interruption is that of all, unless nobody asked for it."""
    errors = [thread.error for thread in threads if thread.error is not None]
    for error in errors:
        if not isinstance(error, KeyboardInterrupt):
            raise error
    if errors and not stop.requested:
        raise errors[0]
