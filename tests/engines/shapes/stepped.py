"""An in-process engine that has to be stepped, as vLLM's, with a replica on each lane."""

from __future__ import annotations

import json
import time
from collections import deque
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from judgefast.engines.base import Completion, LabelRead, Lane
from judgefast.errors import EngineError
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.model import JudgeModel
from judgefast.prompts.tokenizer import PromptTokenizer

from .fake_llm import FakeLLM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.batches.request import Request


@cache
def _tokenizer(path: Path) -> PromptTokenizer:
    return PromptTokenizer.from_file(path)


class SteppedEngine:
    name = "their-stepped"

    def __init__(
        self,
        *,
        folder: str,
        replicas: int = 2,
        room: int = 6,
        probabilities: bool = False,
        dies_after: int = -1,
    ) -> None:
        home = Path(folder)
        facts = json.loads((home / "tokenizer_config.json").read_text("utf-8"))
        tokenizer = _tokenizer(home / "tokenizer.json")
        self.capabilities = Capabilities(
            takes="ids", choice=True, label_probabilities=probabilities, deterministic=True
        )
        self.model = JudgeModel(
            name="qwen-without-weights",
            digest=tokenizer.sha256,
            tokenizer=tokenizer,
            chat_template=facts["chat_template"],
            eos_token=facts["eos_token"],
            context_tokens=4096,
        )
        self.lanes = [Lane(lane=lane, room=room) for lane in range(replicas)]
        self._make = partial(FakeLLM, home / "tokenizer.json", dies_after=dies_after)
        self._llms: list[FakeLLM] = []
        self._flying: dict[str, tuple[int, Request, float]] = {}
        self._ready: deque[Completion] = deque()

    def start(self) -> dict[str, Any]:
        self._llms = [self._make() for _ in self.lanes]
        return {"replicas": len(self._llms)}

    def in_flight(self, lane: int) -> int:
        lanes = [on for on, _, _ in self._flying.values()] + [done.lane for done in self._ready]
        return lanes.count(lane)

    def submit(self, lane: int, requests: Sequence[Request]) -> None:
        for request in requests:
            assert request.prompt
            assert request.prompt.token_ids is not None
            labels = request.decoding.labels if request.decoding.probabilities else ()
            params = SimpleNamespace(
                max_tokens=request.decoding.max_tokens,
                temperature=request.decoding.temperature,
                seed=request.seed,
                logprob_token_ids=[label.token_id for label in labels],
            )
            name = f"{request.request_id.hex()}-{request.attempt}"
            prompt = {"prompt_token_ids": request.prompt.token_ids.tolist()}
            self._flying[name] = (lane, request, time.time())
            try:
                self._llms[lane].add_request(name, prompt, params)
            except ValueError as error:
                kind = {"finish_reason": "error", "error_kind": "too_long"}
                self._end(name, text="", error=str(error), **kind)

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        until = time.monotonic() + timeout_seconds
        while not self._ready and time.monotonic() < until:
            busy = [llm for llm in self._llms if llm.has_unfinished_requests()]
            if not busy:
                break
            for llm in busy:
                self._step(llm)
        done, self._ready = list(self._ready), deque()
        return done

    def cancel(self, request_ids: Sequence[bytes]) -> None:
        wanted = {request_id.hex() for request_id in request_ids}
        for name in [name for name in self._flying if name.split("-")[0] in wanted]:
            self._llms[self._flying[name][0]].abort_request([name])
            self._end(name, text="", finish_reason="cancelled")

    def close(self) -> None:
        self._llms, self._flying, self._ready = [], {}, deque()

    def _step(self, llm: FakeLLM) -> None:
        try:
            outputs = llm.step()
        except RuntimeError as error:
            if self._ready:
                return  # it is as dead at the next step; hand over what is there first
            msg = f"a replica died: {error}"
            raise EngineError(msg, hint="resume on a healthy device") from error
        for output in outputs:
            (said,) = output.outputs
            labels = self._flying[output.request_id][1].decoding.labels
            reads = (_label_read(labels, said.logprobs[0]),) if said.logprobs else ()
            self._end(
                output.request_id,
                text=said.text,
                finish_reason=said.finish_reason,
                answers=reads,
                prompt_tokens=len(output.prompt_token_ids),
                cached_tokens=output.num_cached_tokens,
                completion_tokens=len(said.token_ids),
            )

    def _end(self, name: str, **fields: Any) -> None:
        lane, request, started = self._flying.pop(name)
        self._ready.append(
            Completion(
                request_id=request.request_id,
                attempt=request.attempt,
                lane=lane,
                started=started,
                wall_seconds=time.time() - started,
                **fields,
            )
        )


def _label_read(labels: Any, logprobs: dict[int, Any]) -> LabelRead:
    return LabelRead(0, tuple(logprobs[label.token_id].logprob for label in labels))
