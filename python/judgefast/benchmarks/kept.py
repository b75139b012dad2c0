"""An engine that stays loaded from one measured run to the next, and notes when things happened."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from judgefast.benchmarks.gauges import cpu_below, has_below

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.batches.request import Request
    from judgefast.benchmarks.gauges import Gpu
    from judgefast.engines.base import Completion, Engine, Workload

SPARE = 1.1
"""Prompts of later runs may be so much longer than those of the first, by which it is set up."""
_SPARE_TOKENS = 16


class Moment(NamedTuple):
    """A point of a run."""

    at: float
    """Monotonic. Seconds."""
    own_cpu: float
    """CPU of this process. Seconds."""
    below_cpu: float
    """CPU of those below it."""

    @classmethod
    def now(cls) -> Moment:
        """Look at all clocks."""
        return cls(time.monotonic(), time.process_time(), cpu_below())


class KeptEngine:
    """Hands an engine to one run after another; only :meth:`shut` closes it.

    Args:
        engine: Not started yet.
        requests: Of the largest run to come, by which an engine sets itself up.
        bench: What is measured, for what is remembered of the engine's speed.

    """

    def __init__(
        self, engine: Engine, requests: int | None = None, *, bench: str | None = None
    ) -> None:
        self._engine = engine
        self.bench = bench
        self.is_shared = False
        """Whether requests that are not the run's are among its own: its speed is no speed then."""
        self._requests = requests
        self._has_begun = False
        self.facts: dict[str, Any] | None = None
        """What the start gave; None before."""
        self.marks: dict[str, Moment] = {}
        """Of the latest run: `prepared`, `loaded`, `sent` (the first request), `collected` (the
        last completion)."""
        self.has_processes = False
        self.gpu: Gpu | None = None
        """Looked at whenever a moment is noted."""
        self.busy: dict[str, tuple[float, float]] = {}
        """What it said then: the sum of shares, and how many."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of whatever engine it is
        """All else is the engine's."""
        return getattr(self._engine, name)

    def begin(self) -> None:
        """See :class:`Engine`; the first time alone."""
        self.marks = {}
        if not self._has_begun and (begin := getattr(self._engine, "begin", None)):
            begin()
        self._has_begun = True

    def prepare(self, workload: Workload) -> None:
        """See :class:`Engine`; the first time alone, with room for longer prompts."""
        self._mark("prepared")
        prepare = getattr(self._engine, "prepare", None)
        if self.facts is not None or prepare is None:
            return
        longest = workload.longest_prompt_tokens
        requests = max(workload.requests, self._requests or 0)
        prepare(
            msgspec.structs.replace(
                workload,
                requests=requests,
                of_run=max(requests, workload.of_run or 0),
                longest_prompt_tokens=None
                if longest is None
                else int(SPARE * longest) + _SPARE_TOKENS,
            )
        )

    def told(self) -> list[str]:
        """See :class:`Engine`."""
        told = getattr(self._engine, "told", None)
        return told() if told else []

    def start(self) -> dict[str, Any]:
        """See :class:`Engine`; once."""
        if self.facts is None:
            self.facts = self._engine.start()
        self._mark("loaded")
        return dict(self.facts)

    def submit(self, lane: int, requests: Sequence[Request]) -> None:
        """See :class:`Engine`."""
        if "sent" not in self.marks:
            self._mark("sent")
        self._engine.submit(lane, requests)

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        """See :class:`Engine`."""
        return self._engine.collect(timeout_seconds=timeout_seconds)

    def close(self) -> None:
        """Stay: another run comes. Its judge phase is over."""
        if "loaded" in self.marks and "collected" not in self.marks:
            self.has_processes = has_below()
            self._mark("collected")

    def shut(self) -> None:
        """Close the engine."""
        self._engine.close()

    def counted(self) -> dict[str, float]:
        """What the engine has counted so far; empty where it does not count."""
        counters = getattr(self._engine, "counters", None)
        return {} if counters is None else dict(counters())

    def _mark(self, name: str) -> None:
        self.marks[name] = Moment.now()
        if self.gpu is not None:
            self.busy[name] = self.gpu.read()
