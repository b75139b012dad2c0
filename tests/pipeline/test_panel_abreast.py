"""Judges side by side: what none can go on with ends all, and nobody else begins."""

from __future__ import annotations

import threading
import time

import pytest

from judgefast.errors import EngineError
from judgefast.pipeline.panel_abreast import abreast
from judgefast.stopping import Stop

SECONDS = 20


def test_an_error_of_one_is_a_wish_to_end_for_the_others() -> None:
    begun = threading.Event()
    told: list[bool] = []

    def fails(stop: Stop, say: object) -> None:
        del stop, say
        assert begun.wait(SECONDS)
        message = "none can go on"
        raise EngineError(message)

    def works(stop: Stop, say: object) -> None:
        del say
        begun.set()
        until = time.monotonic() + 2
        while not stop.requested and time.monotonic() < until:
            time.sleep(0.01)
        told.append(stop.requested)

    with pytest.raises(EngineError, match="none can go on"):
        abreast(
            [("a", fails), ("b", works)], is_ready=lambda: True, stop=Stop(), say=lambda _: None
        )
    assert told == [True]


def test_where_the_first_fails_alone_no_other_begins() -> None:
    begun: list[str] = []

    def fails(stop: Stop, say: object) -> None:
        del stop, say
        message = "none can go on"
        raise EngineError(message)

    def works(stop: Stop, say: object) -> None:
        del stop, say
        begun.append("b")

    with pytest.raises(EngineError, match="none can go on"):
        abreast(
            [("a", fails), ("b", works)], is_ready=lambda: False, stop=Stop(), say=lambda _: None
        )
    assert begun == []
