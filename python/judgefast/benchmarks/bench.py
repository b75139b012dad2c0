"""`judgefast bench`: a workload run again and again on an engine, and what came of it."""

from __future__ import annotations

import math
import tempfile
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.benchmarks.gauges import Gpu
from judgefast.benchmarks.kept import KeptEngine
from judgefast.benchmarks.measure import measured
from judgefast.benchmarks.records import Record, new_record
from judgefast.benchmarks.sources import (
    Generated,
    Own,
    Source,
    is_generated,
    is_run,
    own_file,
    recorded_run,
    shape_for,
)
from judgefast.config import RunConfig
from judgefast.errors import ConfigError
from judgefast.journal.manifest import read_manifest
from judgefast.pipeline.judge import engine_of
from judgefast.pipeline.tuned import tuned_for, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from judgefast.benchmarks.records import Raw, Sample
    from judgefast.engines.base import Engine
    from judgefast.stopping import Stop

SMALL_SCALE, SMALL_ITEMS = 0.1, 8
"""Of the embedded engine, which runs a model of 135 million parameters on CPU cores."""

WARM_SHARE = 4
"""The warm-up judges so small a part of the items: one of so many."""

_LEAST_WARM = 2

_ON_CPU = ("embedded", "replay")

BLOCKS = "blocks.json"
"""File by which the process of vLLM and this one talk of blocks."""


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for."""

    what: str
    """Name of a workload, a file, or a run directory."""
    config: RunConfig = RunConfig()
    """Engine and its options; of a file `rubric` and all else that shapes a run too."""
    given: frozenset[str] = frozenset()
    """Options of `config` that the user has set: they count more than those of a recorded run."""
    items: int | None = None
    """Of one run; None for the workload's own number, or all that a file has."""
    scale: float | None = None
    orders: str | None = None
    max_tokens: int | None = None
    repeats: int | None = None
    """None: 3, or 1 where raw vLLM stands beside it."""
    warm_up: bool = True
    force_lengths: bool = False
    """Every text has its longest length, as with weights that mean nothing; vLLM alone."""
    tuned: bool = True
    """Whether settings count that a sweep has found best, as in a run."""
    raw: bool = False
    blocks: int = 6
    block_seconds: float = 20.0
    gpu: str | None = None
    """On which it runs, as the user says."""

    def check(self, engine: str) -> None:
        """Refuse a wish outside its range, or one that the engine cannot grant.

        Raises:
            ConfigError: Names the flag and what it may be.

        """
        least = {"items": 1, "repeats": 1, "blocks": 2}
        for name, lowest in least.items():
            value = getattr(self, name)
            if value is not None and value < lowest:
                message = f"--{name} is {value}; it must be at least {lowest}"
                raise ConfigError(message, hint="leave it out for the usual number")
        if not 0 < self.block_seconds < math.inf:
            message = f"--block-seconds is {self.block_seconds:g}; it must be above 0, and end"
            raise ConfigError(message, hint="20 is usual")
        if self.gpu is not None and engine in _ON_CPU:
            message = f"--gpu {self.gpu} does not go with the engine `{engine}`"
            raise ConfigError(message, hint="it computes on the CPU: leave --gpu out")
        if (self.raw or self.force_lengths) and engine != "vllm":
            flag = "--vs raw-vllm" if self.raw else "--force-lengths"
            message = f"{flag} is for the engine `vllm`, not for `{engine}`"
            raise ConfigError(message, hint=f"add --engine vllm, or leave {flag} out")


def bench(wishes: Wishes, *, stop: Stop, say: Callable[[str], None]) -> Record:
    """Measure a workload.

    Texts of a workload by name are new in each run, so one engine serves all of them: what a run
    finds in its cache is what any run would. Those of a file are the same each time, so each run
    has an engine of its own. A warm-up comes first and does not count.

    Args:
        wishes: What is measured.
        stop: Ends it.
        say: Told how far it is.

    Raises:
        ConfigError: A wish is out of range, or does not fit the engine.
        EngineError: The engine does not start, or is lost.
        JudgefastError: The workload cannot be judged.
        KeyboardInterrupt: It was stopped.

    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="judgefast-bench-")))
        if wishes.raw or wishes.force_lengths:
            from judgefast.benchmarks.against_raw import child_with  # noqa: PLC0415 - for vLLM

            stack.enter_context(
                child_with(
                    "alternating" if wishes.raw else "forced",
                    folder / BLOCKS,
                    seconds=wishes.block_seconds,
                    blocks=wishes.blocks,
                )
            )
        bench_of = _Bench(wishes, folder, stop, say)
        return bench_of.run()


class _Bench:
    """One call: the engine, the workload, and where runs lie."""

    def __init__(
        self, wishes: Wishes, folder: Path, stop: Stop, say: Callable[[str], None]
    ) -> None:
        self._wishes, self._folder, self._stop, self._say = wishes, folder, stop, say
        self._gpu = Gpu()
        self._samples: list[Sample] = []
        self._raw: Raw | None = None
        self._facts: dict[str, Any] = {}
        self._runs = self._read = 0
        self._prompt_hash = ""

    def run(self) -> Record:
        wishes = self._wishes
        own = self._of_files()
        config = wishes.config if own is None else own.of_engine
        wishes.check(config.engine)
        rubric = None if own is None else own.rubric
        self._make = partial(engine_of, config, rubric, tuned=wishes.tuned)
        first = self._make()
        tuned = tuned_for(first, config.engine_args) if wishes.tuned else None
        if tuned is not None:
            self._say(words_of(tuned))
        try:
            source = own or self._generated(first)
            engine = KeptEngine(first, self._requests(source), bench=Path(wishes.what).name)
            repeats = wishes.repeats or (1 if wishes.raw else 3)
            if source.is_new:
                self._on_one(source, engine, repeats)
            else:
                self._on_new(source, engine, repeats)
            model = first.model
        finally:
            first.close()
        facts = msgspec.structs.replace(
            source.facts(),
            forced=wishes.raw or wishes.force_lengths,
            items=self._items(source),
            prompt_hash=self._prompt_hash,
        )
        return new_record(
            engine=config.engine,
            model=model.name,
            engine_facts=self._facts,
            settings=({} if tuned is None else tuned.options) | dict(config.engine_args),
            workload=facts,
            samples=self._samples,
            raw=self._raw,
        )

    def _of_files(self) -> Own | None:
        """The workload, where it is a file or a run."""
        wishes, config = self._wishes, self._wishes.config
        if is_run(wishes.what):
            config = config.replace(limit=wishes.items)
            return recorded_run(Path(wishes.what), config, wishes.given, self._folder)
        if is_generated(wishes.what):
            return None
        return own_file(config.replace(data=(wishes.what,), limit=wishes.items))

    def _generated(self, engine: Engine) -> Generated:
        wishes, config = self._wishes, self._wishes.config
        small = config.engine == "embedded"
        usual = SMALL_SCALE if small else 1.0
        scale = usual if wishes.scale is None else wishes.scale
        shape = shape_for(
            wishes.what, scale=scale, orders=wishes.orders, max_tokens=wishes.max_tokens
        )
        return Generated(
            shape,
            config,
            items=wishes.items or (min(SMALL_ITEMS, shape.items) if small else shape.items),
            tokenizer=engine.model.tokenizer,
            scale=scale,
        )

    def _requests(self, source: Source) -> int | None:
        return source.items * source.shape.judgments if isinstance(source, Generated) else None

    def _items(self, source: Source) -> int:
        """Items of one run, those of a file as they were read."""
        if source.items is not None or not self._samples:
            return source.items or 0
        return self._read

    def _on_one(self, source: Source, engine: KeptEngine, repeats: int) -> None:
        assert source.items is not None  # it generates its texts
        try:
            if self._wishes.warm_up:
                self._once(source, engine, max(_LEAST_WARM, source.items // WARM_SHARE))
            for number in range(repeats):
                self._say(f"run {number + 1} of {repeats} …")
                self._samples.append(self._once(source, engine))
            if self._wishes.raw:
                self._raw = self._blocks(source, engine)
        finally:
            engine.shut()

    def _on_new(self, source: Source, engine: KeptEngine, repeats: int) -> None:
        warm = [None] if self._wishes.warm_up else []
        for number in [*warm, *range(repeats)]:
            if number is not None:
                self._say(f"run {number + 1} of {repeats} …")
            try:
                sample = self._once(source, engine)
            finally:
                engine.shut()
            if number is not None:
                self._samples.append(sample)
            if self._wishes.raw or number != repeats - 1:
                engine = KeptEngine(self._make(), bench=Path(self._wishes.what).name)
        if self._wishes.raw:
            # On an engine that has not read these prompts yet, as vLLM alone has not.
            try:
                self._raw = self._blocks(source, engine)
            finally:
                engine.shut()

    def _once(self, source: Source, engine: KeptEngine, items: int | None = None) -> Sample:
        if items is not None or (not self._runs and self._wishes.warm_up):
            self._say("warming up …")
        with self._room() as folder:
            config = source.config(folder, self._runs, items)
            sample = measured(config, engine, self._gpu, stop=self._stop, say=_nothing)
            manifest = read_manifest(folder / "run")
            self._read, self._prompt_hash = manifest.data.items, manifest.rubric.prompt_hash
        self._runs += 1
        self._facts = engine.facts or {}
        return sample

    def _blocks(self, source: Source, engine: KeptEngine) -> Raw:
        from judgefast.benchmarks.against_raw import blocks_of  # noqa: PLC0415 - for vLLM

        self._say(f"{self._wishes.blocks} blocks of {self._wishes.block_seconds:g} s in turns …")
        engine.is_shared = True
        with self._room() as folder:
            return blocks_of(
                source,
                engine,
                folder,
                self._folder / BLOCKS,
                sample=self._samples[-1],
                number=self._runs,
                blocks=self._wishes.blocks,
                seconds=self._wishes.block_seconds,
                stop=self._stop,
            )

    @contextmanager
    def _room(self) -> Iterator[Path]:
        """A folder for one run, which goes with it: ten of them would fill a small disk."""
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            yield Path(name)


def _nothing(words: str) -> None:
    del words
