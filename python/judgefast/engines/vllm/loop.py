"""The loop around vLLM: requests go in as they come, what has finished goes out after each step.

A judge that thinks is in vLLM twice: until its thinking ends, and then, with that behind the prompt
and mostly computed, for the answer alone. So a schema, a stop text and `max_tokens` are the
answer's, whatever this vLLM knows of the judge's way to think. To the parent it is one request.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from judgefast.engines.child.messages import Entered
from judgefast.engines.vllm.launch import preemptions, prime
from judgefast.engines.vllm.sampling import Sampling
from judgefast.engines.vllm.wire import Beat, Done, Thinking, Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.engines.vllm.wire import FromChild

BEAT_SECONDS = 1.0
"""Pause between signs of life."""

_GIVEN_UP = {"abort", "error"}

_TOO_LONG = "model length", "max_model_len", "context length", "decoder prompt"
"""Words by which vLLM's refusal of a long prompt is known; it has no type of its own."""


class Flight(NamedTuple):
    """A request in vLLM."""

    work: Work
    thought: tuple[int, ...] | None = None
    """What it has thought; None as long as it thinks, and where it does not."""
    thought_tokens: int | None = None
    """Generated for that."""
    cached_tokens: int | None = None
    """Of the prompt, where that was in vLLM before."""

    @property
    def thinks(self) -> Thinking | None:
        """How, while it does."""
        return self.work.thinking if self.thought is None else None

    @property
    def name(self) -> str:
        """Unlike any other that vLLM was ever given."""
        return _name(self.work.number, answers=self.thought is not None)

    def prompt(self) -> list[int]:
        """Token ids that the next ones follow."""
        ids: list[int] = np.frombuffer(self.work.ids, "<i4").tolist()
        if self.thought is not None and self.work.thinking is not None:
            ids += [*self.thought, *self.work.thinking.closing]
        return ids

    def done(self, **fields: Any) -> Done:  # noqa: ANN401 - of Done
        """Its end, with what it has thought."""
        return Done(
            number=self.work.number,
            thought=np.array(self.thought, "<i4").tobytes() if self.thought else b"",
            thought_tokens=self.thought_tokens,
            **fields,
        )


class Loop:
    """Requests in vLLM by name, from entering to the end of each."""

    def __init__(self, engine: Any, send: Callable[[FromChild], None]) -> None:  # noqa: ANN401 - LLMEngine
        """Serve `engine`; `send` hands messages to the parent."""
        self._engine = engine
        self._send = send
        self._sampling = Sampling()
        self._refusals = _refusals()
        self._flying: dict[str, Flight] = {}
        self._steps = 0
        self._primed = 0
        self._beat_due = 0.0

    @property
    def idle(self) -> bool:
        """Whether nothing is in vLLM."""
        return not self._flying

    def add(self, work: Work) -> None:
        """Give a request to vLLM. One that it refuses comes back as an error; others go on."""
        self._send(Entered(work.number))
        self._enter(Flight(work))

    def cancel(self, numbers: list[int]) -> None:
        """Take requests out of vLLM."""
        possible = [_name(number, answers=each) for number in numbers for each in (False, True)]
        names = [name for name in possible if name in self._flying]
        if names:
            self._engine.abort_request(names)
        for name in names:
            self._send(Done(number=self._flying.pop(name).work.number, cancelled=True))

    def turn(self) -> None:
        """One step of vLLM, if it has anything to do."""
        ended: list[Done] = []
        if self._flying:
            self._steps += 1
            for output in self._engine.step():
                flight = self._flying.get(output.request_id)
                if output.finished and flight is not None:
                    del self._flying[output.request_id]
                    ended += self._ended(flight, output)
        now = time.monotonic()
        if now >= self._beat_due or (ended and not self._flying):
            self._beat_due = now + BEAT_SECONDS
            self._send(
                Beat(
                    steps=self._steps,
                    preemptions=preemptions(self._engine),
                    primed=self._primed,
                )
            )
        for done in ended:  # after the beat: with the last of them the counters are read
            self._send(done)

    def _enter(self, flight: Flight) -> None:
        from vllm import TokensPrompt  # noqa: PLC0415 - heavy

        work, thinks = flight.work, flight.thinks
        prompt = TokensPrompt(prompt_token_ids=flight.prompt())
        try:
            # In the queue before it, so that it finds them computed.
            for length in () if flight.thought is not None else work.heads:
                self._primed += 1
                prime(self._engine, f"head-{self._primed}", prompt["prompt_token_ids"][:length])
            if thinks:
                params = self._sampling.to_think(work, thinks)
            else:
                params = self._sampling.params(work)
            # By vLLM's policy "priority" an answer goes in before what waits, while its thinking is
            # still in memory; by any other this counts for nothing.
            priority = 0 if flight.thought is None else -1
            self._engine.add_request(flight.name, prompt, params, priority=priority)
        except self._refusals as error:
            words = str(error).splitlines()[0] if str(error) else type(error).__name__
            too_long = any(part in words for part in _TOO_LONG)
            self._send(flight.done(error=words, too_long=too_long))
            return
        self._flying[flight.name] = flight

    def _ended(self, flight: Flight, output: Any) -> list[Done]:  # noqa: ANN401 - RequestOutput
        """What to hand on of what vLLM has ended: nothing where an answer is to follow."""
        thinks, said = flight.thinks, output.outputs[0]
        if thinks is None or said.finish_reason in _GIVEN_UP:
            return [_done(flight, output)]
        ids = tuple(said.token_ids)
        has_closed = said.finish_reason != "length" or (ids and ids[-1] in thinks.end_ids)
        flight = flight._replace(
            thought=ids[:-1] if has_closed else ids,  # without the token that has ended it
            thought_tokens=len(ids),
            cached_tokens=output.num_cached_tokens,
        )
        if not has_closed:
            return [flight.done(cut=True, cached_tokens=flight.cached_tokens)]
        self._enter(flight)
        return []


def _name(number: int, *, answers: bool) -> str:
    return f"{number}-answer" if answers else str(number)


def _done(flight: Flight, output: Any) -> Done:  # noqa: ANN401 - vLLM's RequestOutput
    work, said = flight.work, output.outputs[0]
    cached = output.num_cached_tokens if flight.thought is None else flight.cached_tokens
    if work.probabilities:
        first = said.logprobs[0] if said.logprobs else {}
        found = [first.get(token) for _, token in work.labels]
        if any(each is None for each in found):
            words = "vLLM gave no probability for a label"
            return flight.done(error=words, cached_tokens=cached)
        logprobs = [float(each.logprob) for each in found if each is not None]
        return flight.done(logprobs=logprobs, cached_tokens=cached)
    if said.finish_reason in _GIVEN_UP:
        words = f"vLLM gave the request up: {said.finish_reason}"
        return flight.done(error=words, cached_tokens=cached)
    return flight.done(
        tokens=np.array(said.token_ids, "<i4").tobytes(),
        text=said.text if work.stop else None,
        cut=said.finish_reason == "length",
        cached_tokens=cached,
    )


def _refusals() -> tuple[type[Exception], ...]:
    """What `add_request` raises for a bad request, in every vLLM that there is."""
    try:
        from vllm.exceptions import VLLMError  # noqa: PLC0415 - newer releases have it
    except ImportError:
        return (ValueError,)
    return (VLLMError, ValueError)
