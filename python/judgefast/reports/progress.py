"""What is said on stderr while a run goes on: one live display, or a plain line every few seconds.

An update costs a look at the clock; only one that is due formats, estimates or writes anything.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TextIO

from judgefast.reports.console import is_terminal
from judgefast.reports.inert import line
from judgefast.reports.words import NAME_LIMIT, duration, interval, number, percent, rate

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.live import Live

    from judgefast.stats.estimate import Estimate

LIVE_SECONDS = 0.25
"""Between two draws on a terminal."""

PLAIN_SECONDS = 5.0
"""Between two lines where stderr is a file or a pipe."""

WINDOW_SECONDS = 60.0
"""Rates are of the last minute, so that they follow the engine, not the warm-up."""


class _Reading(NamedTuple):
    at: float
    done: int
    tokens: int


class Progress:
    """The progress of one start of a run. One thread at a time.

    It never raises for the sake of its stream: where stderr is closed, full or missing, it falls
    silent and the run goes on.
    """

    def __init__(
        self,
        total: int | None,
        *,
        already: int = 0,
        is_silent: bool = False,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the clock; nothing is written yet.

        Args:
            total: Judgments planned; None where the plan has no end yet.
            already: Of them, those that earlier starts have done.
            is_silent: Write nothing.
            stream: Where to; stderr by default.
            clock: Seconds that never go back.

        """
        self._total = total
        self._already = already
        self._done = already
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._is_live = is_terminal(self._stream) and os.environ.get("TERM") != "dumb"
        self._is_silent = is_silent or self._stream is None
        self._live: Live | None = None
        self._started = clock()
        self._every = LIVE_SECONDS if self._is_live else PLAIN_SECONDS
        self._due = self._started + self._every
        self._readings = deque([_Reading(self._started, already, 0)])
        self._last = ""
        if self._is_live and not self._is_silent:
            import rich.live  # noqa: F401, PLC0415 - loaded now, before an engine waits for it

    def update(  # noqa: PLR0913 - counters, by keyword
        self,
        done: int,
        *,
        prompt_tokens: int | None = None,
        cached_tokens: int | None = None,
        completion_tokens: int | None = None,
        unread: int = 0,
        estimate: Callable[[], Estimate | None] | None = None,
    ) -> None:
        """Take note, and write if it is time.

        Args:
            done: Judgments done, earlier starts included.
            prompt_tokens: Sum over this start, cached ones included; None if unknown, as below.
            cached_tokens: Of the prompt tokens.
            completion_tokens: Sum over this start.
            unread: Judgments of this start that are unparsed or failed.
            estimate: Called only when something is written.

        """
        self._done = done
        now = self._clock()
        if now < self._due or self._is_silent:
            return
        self._due = now + self._every
        known = [count for count in (prompt_tokens, completion_tokens) if count is not None]
        reading = _Reading(now, done, sum(known))
        words = self._counts(reading)
        if left := self._left(reading):
            words.insert(1, left)
        if known and (speed := self._rate(reading, reading.tokens - self._readings[0].tokens)):
            words.append(f"{rate(speed)} tokens/s")
        if prompt_tokens and cached_tokens is not None:
            words.append(f"{percent(round(cached_tokens / prompt_tokens, 2))} cached")
        if unread:
            words.append(f"{unread:,} unread")
        self._keep(reading)
        self._write("  ".join(words), _estimate_words(estimate() if estimate else None))

    def close(self) -> None:
        """Leave the terminal as it was, or say the last count. Safe to call twice."""
        if self._live is not None:
            with suppress(OSError, ValueError):
                self._live.stop()
            self._live = None
        elif not self._is_live and not self._is_silent and self._last:
            now = self._clock()
            spent = duration(now - self._started)
            self._write("  ".join([*self._counts(_Reading(now, self._done, 0)), spent]), "")
        self._is_silent = True

    def _counts(self, reading: _Reading) -> list[str]:
        words = [f"{reading.done:,} judged"]
        if self._total:
            share = 100 * reading.done // self._total  # 100 % only when all are done
            words = [f"{reading.done:,} of {self._total:,} ({share} %)"]
        if speed := self._rate(reading, reading.done - self._readings[0].done):
            words.append(f"{rate(speed)}/s")
        return words

    def _rate(self, reading: _Reading, gained: int) -> float:
        passed = reading.at - self._readings[0].at
        return gained / passed if passed > 0 else 0.0

    def _left(self, reading: _Reading) -> str:
        speed = self._rate(reading, reading.done - self._readings[0].done)
        if self._total is None or speed <= 0 or reading.done >= self._total:
            return ""
        return f"{duration((self._total - reading.done) / speed)} left"

    def _keep(self, reading: _Reading) -> None:
        self._readings.append(reading)
        while reading.at - self._readings[1].at >= WINDOW_SECONDS:
            self._readings.popleft()

    def _write(self, words: str, estimate: str) -> None:
        """Write one state; a stream that fails is left alone from then on."""
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        words, estimate = (
            text.encode(encoding, "replace").decode(encoding) for text in (words, estimate)
        )
        try:
            if self._is_live:
                self._draw(words, estimate)
            else:
                self._last = f"{words}  {estimate}".rstrip()
                self._stream.write(self._last + "\n")
                self._stream.flush()
        except (OSError, ValueError):
            self._is_silent = True
            self._live = None

    def _draw(self, words: str, estimate: str) -> None:
        from rich.console import Console, Group  # noqa: PLC0415 - loaded when something is shown
        from rich.live import Live  # noqa: PLC0415 - loaded when something is shown
        from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

        lines = [Text(words, no_wrap=True, overflow="crop")]
        if estimate:
            lines.append(Text(estimate, style="dim", no_wrap=True, overflow="crop"))
        if self._live is None:
            console = Console(
                file=self._stream, force_terminal=True, markup=False, emoji=False, highlight=False
            )
            self._live = Live(
                console=console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        self._live.update(Group(*lines), refresh=True)


def _estimate_words(estimate: Estimate | None) -> str:
    """Say the estimate so far; its interval is wrong for one who stops when it looks good."""
    if estimate is None or estimate.value is None:
        return ""
    where = "" if estimate.slice == "all" else f" {line(estimate.slice, NAME_LIMIT)}"
    figures = f"{line(estimate.name, NAME_LIMIT)} {number(estimate.value)} {interval(estimate)}"
    return f"so far (not anytime-valid): {figures}{where}, of {estimate.outcomes:,}"
