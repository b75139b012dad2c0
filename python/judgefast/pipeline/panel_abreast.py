"""Several judges side by side: a thread for each, one wish to end for all."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

from judgefast.stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Say = Callable[[str], None]

T = TypeVar("T")

LOOK_SECONDS = 0.1
"""How often the main thread looks whether somebody wants to end, and whether all have."""


class _Seated(threading.Thread):
    """One judge at work. It dies with the program: its engine's process and its lock do, too."""

    def __init__(self, name: str, work: Callable[[Stop, Say], T], say: Say) -> None:
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
        is_ready: Whether the others may begin; they do too where the first has ended.
        stop: The wish to end all.
        say: Told, each with its name before it.

    Returns:
        What each gave, by name; what was not begun, or was interrupted early, is not there.

    Raises:
        JudgefastError: The first that a work raised, once all have ended.

    """
    telling = threading.Lock()

    def say_for(name: str) -> Say:
        def tell(words: str) -> None:
            with telling:
                say(f"{name}: {words}")

        return tell

    threads = [_Seated(name, work, say_for(name)) for name, work in works]
    first, *others = threads
    with stop.graceful():
        first.start()
        begun = [first]
        while any(thread.is_alive() for thread in begun) or (others and not stop.requested):
            if others and not stop.requested and (is_ready() or not first.is_alive()):
                if first.error is not None:
                    break
                for thread in others:
                    thread.start()
                begun += others
                others = []
            if stop.requested or any(thread.error is not None for thread in begun):
                for thread in begun:
                    thread.stop.requested = True
            for thread in begun:
                thread.join(LOOK_SECONDS / len(begun))
    errors = [thread.error for thread in begun if thread.error is not None]
    real = [error for error in errors if not isinstance(error, KeyboardInterrupt)]
    if real:
        raise real[0]
    if errors and not stop.requested:
        raise errors[0]
    return {thread.judge: thread.result for thread in begun if thread.result is not None}  # type: ignore[misc]  # each is what its work gave
