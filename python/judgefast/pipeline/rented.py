"""The time of a start is paid for from its beginning to its end, however it ends."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from judgefast.errors import RunDirectoryError
from judgefast.pipeline.metered import LAST_SEEN, utc

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from judgefast.journal.run_directory import RunDirectory

BEAT_SECONDS = 10.0
"""A start that is killed has written down no longer ago than this that it was still there."""


@contextmanager
def rented(
    directory: RunDirectory, facts: dict[str, Any], seconds: Mapping[str, float]
) -> Iterator[None]:
    """Write down that a start is paid for, now and then that it still is, and its end.

    Args:
        directory: The run.
        facts: What is paid for, and since when.
        seconds: By phase; looked at where the start ends by an error or an interruption.

    """
    directory.record_launch(facts)
    is_over = threading.Event()
    beat = threading.Thread(
        target=_beat, args=(directory, is_over), name="judgefast-rented", daemon=True
    )
    beat.start()
    try:
        yield
    except BaseException as error:  # raised again: an engine that loaded for nothing is paid for
        by_signal = {"interrupted": True} if isinstance(error, KeyboardInterrupt) else {}
        with suppress(OSError, RunDirectoryError):  # a disk that is full ends runs, too
            directory.finish_launch(seconds=dict(seconds), **by_signal)
        raise
    finally:
        is_over.set()
        beat.join()


def _beat(directory: RunDirectory, is_over: threading.Event) -> None:
    while not is_over.wait(BEAT_SECONDS):
        with suppress(OSError, RunDirectoryError):
            directory.record_launch({LAST_SEEN: utc(time.time())})
