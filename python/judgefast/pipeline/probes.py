"""Small sets of requests that make an engine show what each kind of its work takes.

Each is mostly of one kind: prompt tokens, attention to what stands far before, steps of one
sequence, of many, of many with long prompts, requests as such, labels. What stands in no other
prompt is drawn anew each time, so that nothing is found in the cache but what shall be.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.batches.request import Request
from judgefast.costs.ranges import Range
from judgefast.costs.workload import Answers, Workload
from judgefast.engines.drive import Flight, drive
from judgefast.engines.source import FixedPlan
from judgefast.errors import EngineError
from judgefast.prompts.decoding import Decoding, Label
from judgefast.prompts.segments import Prompt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.engines.base import Completion, Engine
    from judgefast.prompts.tokenizer import PromptTokenizer

REQUEST_SECONDS = 300.0

_TEXT = """
An impartial judge reads the question, then the first answer, then the second one, and says which
of them is correct, clear and complete, because a correct answer beats a fluent wrong one. Rivers
run to the sea; bread is made of flour, water, salt and time; a triangle has three sides and its
angles add up to half a turn. When the train left the city late in the evening nobody knew how far
it would go, but the driver had counted every stone of that road for twenty years and never missed
a single stop.
"""
"""Prompts are made of its tokens, in an order that is drawn: words that every tokenizer has."""

_SCHEMA = '{"type":"array","items":{"type":"integer"},"minItems":1000}'
"""No answer within it ends before it is cut."""

_LABELS = ("A", "B", "C", "D", "E")


class Probe(NamedTuple):
    """Requests that are alike."""

    name: str
    requests: int
    own: int
    """Prompt tokens of each that no other has."""
    head: int = 0
    """That all begin with; whole blocks of every engine."""
    answer: int = 1
    """Tokens, at most."""
    labels: int = 0
    """Whose probabilities are read, in place of a text."""
    is_held: bool = False
    """To a schema."""
    is_held_out: bool = False
    """Rates are not fitted on it: it shows how well they foretell."""

    def times(self, factor: float) -> Probe:
        """The same with more requests, where it is about many."""
        if self.requests == 1:
            return self
        return self._replace(requests=max(2, round(self.requests * factor)))

    @property
    def longest(self) -> int:
        """Tokens of a prompt with its answer."""
        return self.head + self.own + self.answer


PROBES = (
    Probe("prompts", 2, own=448),
    Probe("long prompts", 1, own=1472),
    Probe("short prompts", 12, own=48),
    Probe("one answer", 1, own=48, answer=40),
    Probe("answers side by side", 12, own=48, answer=32),
    Probe("answers to long prompts", 12, own=48, head=1024, answer=16),
    Probe("labels", 12, own=96, head=128, labels=3),
    Probe("answers to a schema", 12, own=48, answer=24, is_held=True),
    Probe("read labels", 16, own=208, head=128, labels=3, is_held_out=True),
    Probe("short reasons", 16, own=144, head=256, answer=40, is_held_out=True),
    Probe("long prompts, shared", 6, own=272, head=768, answer=16, is_held_out=True),
)
"""For an engine that can read labels, hold a text to a schema, and has room for them all."""


class Done(NamedTuple):
    """What came of a probe, in the terms of a workload."""

    workload: Workload
    label_reads: int
    """Passes of a request behind its first, each for a label."""


class Prober:
    """Makes requests for one engine and sends them.

    Args:
        engine: It has started, and takes token ids.
        tokenizer: The judge's.
        seed: By which prompts are drawn: two calibrations have the same ones.

    """

    def __init__(self, engine: Engine, tokenizer: PromptTokenizer, seed: int = 0) -> None:
        self._engine = engine
        self._draw = random.Random(seed)  # noqa: S311 - words of prompts, not secrets
        self._words = tokenizer.encode_trusted(_TEXT).tolist()
        self._labels = tuple(Label(text, tokenizer.token_id(text)) for text in _LABELS)
        self._number = 0

    def make(self, probe: Probe) -> list[Request]:
        """Requests of a probe, with prompts that were never sent."""
        head = self._draw.choices(self._words, k=probe.head)
        decoding = Decoding(
            max_tokens=probe.answer,
            schema=_SCHEMA if probe.is_held else None,
            labels=self._labels[: probe.labels],
            probabilities=probe.labels > 0,
        )
        return [self._request(probe, head, decoding) for _ in range(probe.requests)]

    def _request(self, probe: Probe, head: list[int], decoding: Decoding) -> Request:
        self._number += 1
        ids = np.array(head + self._draw.choices(self._words, k=probe.own), np.int32)
        name = self._number.to_bytes(16, "little")
        return Request(
            request_id=name,
            keys=(name,),
            item_id=str(self._number),
            shown=(0, 1),
            repeat=0,
            judge="calibration",
            questions=(),
            prompt=Prompt((), ids, bytes(16), shared_tokens=probe.head),
            prefix_group=self._number,
            decoding=decoding,
            seed=self._number,
        )

    def send(self, requests: Sequence[Request]) -> list[Completion]:
        """Have requests answered, all of them.

        Raises:
            EngineError: One was not.

        """
        source = FixedPlan(iter(requests), total=len(requests), lanes=len(self._engine.lanes))
        found: list[Completion] = []
        for some in drive(
            self._engine,
            source,
            flight=Flight(),
            request_seconds=REQUEST_SECONDS,
            stopping=lambda: False,
        ):
            found += some
        for each in found:
            if each.finish_reason not in {"stop", "length"}:
                message = f"a request of the calibration failed: {each.error or each.finish_reason}"
                raise EngineError(message, hint="look at what the engine says, and calibrate again")
        return found


def done(probe: Probe, completions: Sequence[Completion], *, reads_apart: bool) -> Done:
    """Say what was done, by what the engine has counted.

    Args:
        probe: What was asked.
        completions: What came.
        reads_apart: Whether the engine reads each label by a pass of its own.

    """
    requests = len(completions)
    prompt = requests * (probe.head + probe.own)
    cached = [each.cached_tokens for each in completions]
    known = [each for each in cached if each is not None]
    found = sum(known) if len(known) == requests else probe.head * (requests - 1)
    lengths = np.array(
        [1 if probe.labels else each.completion_tokens or probe.answer for each in completions],
        np.float64,
    )
    mean = float(lengths.mean())
    workload = Workload(
        items=requests,
        judgments=requests,
        requests=requests,
        prompt_tokens=prompt,
        computed_tokens=Range.exactly(prompt - found),
        longest_prompt=probe.head + probe.own,
        answers=Answers(
            mean=Range.exactly(mean),
            spread=float(lengths.std()) / mean,
            most=probe.answer,
            basis="measured",
            because=f"{requests} answers of the calibration",
        ),
        basis="counted",
        because=f"the calibration's `{probe.name}`",
    )
    return Done(workload, max(0, probe.labels - 1) if reads_apart else 0)


def probes_for(engine: Engine) -> list[Probe]:
    """Probes that an engine can answer, and that it has room for."""
    capabilities, context = engine.capabilities, engine.model.context_tokens
    return [
        probe
        for probe in PROBES
        if (capabilities.label_probabilities or not probe.labels)
        and (capabilities.schema or not probe.is_held)
        and (context is None or probe.longest + 1 <= context)
    ]
