"""A wish to end, from a signal: an exception, except where work in flight is to be left tidy."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class Stop:
    """Whether somebody wants this run to end.

    While `graceful()` is entered a signal only sets `requested`, and the loop inside looks at it;
    elsewhere, and for a second signal, it raises `KeyboardInterrupt` on the spot.
    """

    def __init__(self) -> None:
        self.requested = False
        self._graceful = False

    def check(self) -> None:
        """End here if somebody wants the run to end, as a signal outside `graceful()` does.

        Raises:
            KeyboardInterrupt: `requested` is set, by another thread say.

        """
        if self.requested:
            raise KeyboardInterrupt

    @contextmanager
    def graceful(self) -> Iterator[None]:
        """Hold signals back as a wish until the block ends."""
        self._graceful = True
        try:
            yield
        finally:
            self._graceful = False

    @contextmanager
    def on_signals(self, *numbers: signal.Signals) -> Iterator[Stop]:
        """Listen to signals until the block ends: SIGINT and SIGTERM, a pre-emption notice.

        Only in the main thread. With `numbers`, listen to those alone.
        """
        before = {
            number: signal.signal(number, self._handle)
            for number in numbers or (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._graceful and not self.requested:
            self.requested = True
            return
        self.requested = True
        raise KeyboardInterrupt


def may_listen() -> bool:
    """Whether Ctrl-C is ours to hear: in the main thread, where the program has no own handler."""
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
