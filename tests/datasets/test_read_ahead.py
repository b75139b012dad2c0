"""Batches that a thread reads one ahead."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from judgefast.datasets.read_ahead import read_ahead

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_batches_come_in_order_and_whole() -> None:
    assert list(read_ahead(range(1000))) == list(range(1000))
    assert list(read_ahead([])) == []


def test_an_error_comes_where_its_batch_would_have_come() -> None:
    def batches() -> Iterator[int]:
        yield 1
        msg = "page 2 is damaged"
        raise OSError(msg)

    ahead = read_ahead(batches())
    assert next(ahead) == 1
    with pytest.raises(OSError, match="page 2 is damaged"):
        next(ahead)


def test_it_reads_no_more_than_two_ahead_and_its_thread_ends_with_it() -> None:
    taken = []

    def batches() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    with closing(read_ahead(batches())) as ahead:
        assert next(ahead) == 0
    assert len(taken) <= 3
    assert "judgefast-read-ahead" not in {thread.name for thread in threading.enumerate()}
