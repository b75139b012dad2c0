"""What is said while a run goes on, and that saying it never harms the run."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from judgefast.reports.console import Look, look_of
from judgefast.reports.progress import LIVE_SECONDS, PLAIN_SECONDS, Progress
from judgefast.stats.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

WIN_RATE = Estimate(
    name="win_rate",
    slice="candidate=b\x1b[2J baseline=é",
    value=0.512,
    low=0.463,
    high=0.561,
    level=0.95,
    method="cluster-t",
    unit="cluster",
    clusters=36,
    outcomes=36,
    missing=0,
)


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


class Terminal(io.StringIO):
    """A terminal that keeps what it was sent."""

    def isatty(self) -> bool:
        """Yes."""
        return True


class Full(io.StringIO):
    """A file on a full disk."""

    def write(self, _text: str) -> int:
        """Fail."""
        raise OSError(28, "No space left on device")


def test_plain_lines_come_every_few_seconds_and_say_it_all() -> None:
    clock, stream = Clock(), io.StringIO()
    progress = Progress(1000, already=100, stream=stream, clock=clock)
    for step in range(1, 21):
        clock.now += PLAIN_SECONDS / 10
        progress.update(
            100 + 10 * step,
            prompt_tokens=3000 * step,
            cached_tokens=2000 * step,
            completion_tokens=10 * step,
            unread=step // 10,
            estimate=lambda: WIN_RATE,
        )
    progress.close()
    so_far = (
        "so far (not anytime-valid): win_rate 0.512 [0.463, 0.561] candidate=b\\x1b[2J baseline=é, "
        "of 36"
    )
    assert stream.getvalue().splitlines() == [
        "200 of 1,000 (20 %)  40.0 s left  20.0/s  6,020 tokens/s  67 % cached  1 unread  "
        + so_far,
        "300 of 1,000 (30 %)  35.0 s left  20.0/s  6,020 tokens/s  67 % cached  2 unread  "
        + so_far,
        "300 of 1,000 (30 %)  20.0/s  10.0 s",
    ]


def test_an_update_that_is_not_due_estimates_nothing() -> None:
    def refuse() -> Estimate:
        raise AssertionError

    clock, stream = Clock(), io.StringIO()
    progress = Progress(10, stream=stream, clock=clock)
    for done in range(10):
        clock.now += PLAIN_SECONDS / 100
        progress.update(done, estimate=refuse)
    progress.close()
    assert stream.getvalue() == ""


def test_unknown_tokens_and_totals_are_left_out() -> None:
    clock, stream = Clock(), io.StringIO()
    progress = Progress(None, stream=stream, clock=clock)
    clock.now += PLAIN_SECONDS
    progress.update(50)
    assert stream.getvalue() == "50 judged  10.0/s\n"


def test_the_rate_is_of_the_last_minute() -> None:
    clock, stream = Clock(), io.StringIO()
    progress = Progress(None, stream=stream, clock=clock)
    done = 0
    for second in range(300):
        clock.now += 1
        done += 1 if second < 200 else 9
        progress.update(done)
    assert stream.getvalue().splitlines()[-1].endswith("9.0/s")


def test_a_hundred_percent_means_all() -> None:
    clock, stream = Clock(), io.StringIO()
    progress = Progress(100_000, stream=stream, clock=clock)
    clock.now += PLAIN_SECONDS
    progress.update(99_999)
    assert "(99 %)" in stream.getvalue()


def test_a_terminal_gets_one_display_that_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    clock, stream = Clock(), Terminal()
    progress = Progress(100, stream=stream, clock=clock)
    for done in (10, 20, 30):
        clock.now += LIVE_SECONDS
        progress.update(done, estimate=lambda: WIN_RATE)
    progress.close()
    progress.close()
    written = stream.getvalue()
    assert "10 of 100 (10 %)" in written
    assert "not anytime-valid" in written
    assert "\\x1b[2J" in written
    assert "\x1b[2J" not in written
    assert written.count("\x1b[?25l") == written.count("\x1b[?25h") == 1
    assert "\x1b[2K" in written.split("\x1b[?25h")[1]


def test_a_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    clock, stream = Clock(), Terminal()
    progress = Progress(100, stream=stream, clock=clock)
    clock.now += PLAIN_SECONDS
    progress.update(10)
    assert "\x1b" not in stream.getvalue()


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


def latin() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="ascii")


def test_no_stream_can_break_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    full_terminal = type("FullTerminal", (Full,), {"isatty": lambda _self: True})
    streams: list[Callable[[], io.TextIOBase]] = [closed, Full, full_terminal, latin]
    for make in streams:
        clock = Clock()
        progress = Progress(100, stream=make(), clock=clock)
        for done in (10, 20):
            clock.now += PLAIN_SECONDS
            progress.update(done, estimate=lambda: WIN_RATE)
        progress.close()


def test_without_stderr_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    clock = Clock()
    progress = Progress(100, clock=clock)
    clock.now += PLAIN_SECONDS
    progress.update(10)
    progress.close()


def test_color_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert look_of(Terminal()) == Look(100, color=True)
    assert look_of(io.StringIO()) == look_of(closed()) == look_of(None) == Look(80, color=False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert look_of(Terminal()) == Look(100, color=False)
    monkeypatch.setenv("NO_COLOR", "")
    monkeypatch.setenv("TERM", "dumb")
    assert look_of(Terminal()) == Look(100, color=False)
    monkeypatch.setenv("COLUMNS", "30")
    assert look_of(Terminal()).width == 80
