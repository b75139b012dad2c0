"""A wish to end: held back while work is in flight, an exception elsewhere."""

from __future__ import annotations

import os
import signal

import pytest

from judgefast.stopping import Stop


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_a_wish_in_a_graceful_block_and_the_second_one_an_end(number: int) -> None:
    stop = Stop()
    with stop.on_signals(), stop.graceful():
        assert not stop.requested
        os.kill(os.getpid(), number)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)


def test_a_signal_outside_of_a_graceful_block_ends_at_once() -> None:
    stop = Stop()
    with stop.on_signals():
        with stop.graceful():
            pass
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
    assert stop.requested


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with Stop().on_signals():
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
