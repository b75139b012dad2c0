"""The loop around vLLM: requests go in as they come, what has finished goes out after each step."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.engines.child.messages import Entered
from judgefast.engines.vllm.launch import preemptions, prime
from judgefast.engines.vllm.sampling import Sampling
from judgefast.engines.vllm.wire import Beat, Done, Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.engines.vllm.wire import FromChild

BEAT_SECONDS = 1.0
"""Pause between signs of life."""

_TOO_LONG = "model length", "max_model_len", "context length", "decoder prompt"
"""Words by which vLLM's refusal of a long prompt is known; it has no type of its own."""


class Loop:
    """Requests in vLLM by name, from entering to the end of each."""

    def __init__(self, engine: Any, send: Callable[[FromChild], None]) -> None:  # noqa: ANN401 - LLMEngine
        """Serve `engine`; `send` hands messages to the parent."""
        self._engine = engine
        self._send = send
        self._sampling = Sampling()
        self._refusals = _refusals()
        self._flying: dict[str, Work] = {}
        self._steps = 0
        self._primed = 0
        self._beat_due = 0.0

    @property
    def idle(self) -> bool:
        """Whether nothing is in vLLM."""
        return not self._flying

    def add(self, work: Work) -> None:
        """Give a request to vLLM. One that it refuses comes back as an error; others go on."""
        from vllm import TokensPrompt  # noqa: PLC0415 - heavy

        self._send(Entered(work.number))
        ids = np.frombuffer(work.ids, "<i4").tolist()
        name = str(work.number)
        try:
            params = self._sampling.params(work)
            for length in work.heads:  # in the queue before it, so that it finds them computed
                self._primed += 1
                prime(self._engine, f"head-{self._primed}", ids[:length])
            self._engine.add_request(name, TokensPrompt(prompt_token_ids=ids), params)
        except self._refusals as error:
            words = str(error).splitlines()[0] if str(error) else type(error).__name__
            too_long = any(part in words for part in _TOO_LONG)
            self._send(Done(number=work.number, error=words, too_long=too_long))
            return
        self._flying[name] = work

    def cancel(self, numbers: list[int]) -> None:
        """Take requests out of vLLM."""
        names = [name for name in map(str, numbers) if name in self._flying]
        if names:
            self._engine.abort_request(names)
        for name in names:
            self._send(Done(number=self._flying.pop(name).number, cancelled=True))

    def turn(self) -> None:
        """One step of vLLM, if it has anything to do."""
        ended = []
        if self._flying:
            self._steps += 1
            for output in self._engine.step():
                work = self._flying.get(output.request_id)
                if output.finished and work is not None:
                    del self._flying[output.request_id]
                    ended.append(_done(work, output))
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


def _done(work: Work, output: Any) -> Done:  # noqa: ANN401 - vLLM's RequestOutput
    said = output.outputs[0]
    cached = output.num_cached_tokens
    if work.probabilities:
        first = said.logprobs[0] if said.logprobs else {}
        found = [first.get(token) for _, token in work.labels]
        if any(each is None for each in found):
            words = "vLLM gave no probability for a label"
            return Done(number=work.number, error=words, cached_tokens=cached)
        logprobs = [float(each.logprob) for each in found if each is not None]
        return Done(number=work.number, logprobs=logprobs, cached_tokens=cached)
    if said.finish_reason in {"abort", "error"}:
        words = f"vLLM gave the request up: {said.finish_reason}"
        return Done(number=work.number, error=words, cached_tokens=cached)
    return Done(
        number=work.number,
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
