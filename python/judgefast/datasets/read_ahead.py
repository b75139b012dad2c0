"""Batches read by a thread, one ahead of whoever works through them."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

T = TypeVar("T")


def read_ahead(batches: Iterable[T]) -> Generator[T, None, None]:
    """Yield what `batches` yields, while a thread takes the next one.

    Errors of `batches` are raised where their batch would have come. When the iterator is closed,
    the thread ends with the batch that it is at.
    """
    turns = _Turns()
    thread = threading.Thread(
        target=_take_all, args=(iter(batches), turns), name="judgefast-read-ahead", daemon=True
    )
    thread.start()
    try:
        while True:
            kind, value = turns.get()
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value
    finally:
        turns.close()
        thread.join()


class _Turns:
    """One place between two threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._held: deque[tuple[str, Any]] = deque()
        self._is_closed = False

    def put(self, kind: str, value: object) -> bool:
        """Lay something down when the place is free; false once nobody wants it."""
        with self._changed:
            while self._held and not self._is_closed:
                self._changed.wait()
            self._held.append((kind, value))
            self._changed.notify_all()
            return not self._is_closed

    def get(self) -> tuple[str, Any]:
        with self._changed:
            while not self._held:
                self._changed.wait()
            self._changed.notify_all()
            return self._held.popleft()

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._held.clear()
            self._changed.notify_all()


def _take_all(batches: Iterator[Any], turns: _Turns) -> None:
    try:
        for batch in batches:
            if not turns.put("batch", batch):
                return
    except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
        turns.put("error", error)
    else:
        turns.put("end", None)
