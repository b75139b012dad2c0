"""The embedded engine as the pipeline sees it."""

from __future__ import annotations

import queue
import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from judgefast.engines.base import Lane, PrefixCache
from judgefast.engines.child.supervisor import Answer, Failure, Patience, Supervisor
from judgefast.engines.embedded.folders import ModelFolder, open_model
from judgefast.engines.embedded.guards import BLOCK_TOKENS, Limits, blocks_needed, refuse
from judgefast.engines.embedded.heads import Heads
from judgefast.engines.embedded.options import EmbeddedOptions
from judgefast.engines.embedded.replies import Pending
from judgefast.engines.embedded.wire import DIALECT, Beat, Done, Load, Ready, Work
from judgefast.errors import EngineError
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.model import JudgeModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion


class EmbeddedEngine:
    """SmolLM2, or another small model, on the CPU of this machine.

    Args:
        model: A GGUF file (llama, qwen2 or qwen3 with the pre-tokenizer smollm or qwen2) or an
            OpenVINO folder; None for the SmolLM2 weights (`judgefast embedded fetch`).
        options: The other settings of :class:`EmbeddedOptions`, by name.

    Raises:
        ConfigError: A setting is out of range.
        TypeError: There is no setting of that name.

    """

    name = "embedded"
    drives = ("openvino-genai", "gguf")
    settings = EmbeddedOptions
    capabilities = Capabilities(
        takes="ids",
        schema=True,
        choice=True,
        label_probabilities=True,
        seed=True,
        deterministic=EmbeddedOptions().exact,
    )
    reads_labels_apart = True
    """Each label takes a pass of its own, behind the one that computes the prompt."""

    def __init__(self, model: str | Path | None = None, **options: Any) -> None:  # noqa: ANN401 - those of `EmbeddedOptions`
        path = None if model is None else Path(model)
        self.options = EmbeddedOptions(model=path, **options)
        self.options.check()
        self.lanes: Sequence[Lane] = (Lane(lane=0, room=self.options.room),)
        self.capabilities = msgspec.structs.replace(
            self.capabilities, deterministic=self.options.exact
        )
        self._done: queue.SimpleQueue[Completion | EngineError] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._pending: dict[int, Pending] = {}
        self._next_number = 0
        self._heads = Heads()
        self._in_flight = 0
        self._supervisor: Supervisor | None = None
        self._lost: EngineError | None = None
        self._closed = False

    @cached_property
    def folder(self) -> ModelFolder:
        """The folder that is loaded; a GGUF file is converted when it is first asked for.

        Raises:
            ModelError: The model is missing, damaged or of a kind that is not read here.

        """
        return open_model(self.options.model)

    @cached_property
    def model(self) -> JudgeModel:
        """The judge model, known without starting the engine.

        Raises:
            ModelError: See `folder`.

        """
        from judgefast.prompts.tokenizer import PromptTokenizer  # noqa: PLC0415 - heavy

        facts = self.folder.facts
        return JudgeModel(
            name=self.folder.name,
            digest=self.folder.digest,
            tokenizer=PromptTokenizer.from_file(self.folder.path / "tokenizer.json"),
            chat_template=facts.chat_template,
            bos_token=facts.bos_token,
            eos_token=facts.eos_token,
            context_tokens=facts.context_tokens,
        )

    @cached_property
    def limits(self) -> Limits:
        """What the guards hold requests to."""
        facts = self.folder.facts
        per_token = facts.bytes_per_token(self.options.bytes_per_value)
        return Limits(
            vocabulary=facts.vocabulary,
            context_tokens=facts.context_tokens,
            kv_blocks=self.options.blocks(per_token),
        )

    def cache_memory(self, tokens: int, sequences: int) -> float:
        """KV cache that so many different tokens take, however many sequences share them. Bytes."""
        del sequences
        per_token = self.folder.facts.bytes_per_token(self.options.bytes_per_value)
        return float(tokens * per_token)

    @property
    def prefix_cache(self) -> PrefixCache:
        """See :class:`PrefixCache`.

        Raises:
            ModelError: See `folder`.

        """
        return PrefixCache(
            block_tokens=BLOCK_TOKENS,
            budget_tokens=self.limits.kv_blocks * BLOCK_TOKENS,
            running=self.options.room,
            batched_tokens=self.options.batched_tokens,
        )

    @property
    def pid(self) -> int | None:
        """Process id of the engine process; None before the start."""
        return self._supervisor.pid if self._supervisor else None

    def start(self) -> dict[str, Any]:
        """Load the model in a process of its own; see :meth:`Engine.start`.

        Raises:
            ModelError: See `folder`.
            EngineError: It does not load.

        """
        load = Load(
            folder=str(self.folder.path.absolute()),
            properties=self.options.properties,
            kv_blocks=self.limits.kv_blocks,
            batched_tokens=self.options.batched_tokens,
            room=self.options.room,
            context_tokens=self.limits.context_tokens,
            eos_ids=self.folder.facts.eos_ids,
        )
        self._supervisor = Supervisor(
            DIALECT,
            load,
            self._answered,
            patience=Patience(self.options.step_seconds, self.options.load_seconds),
        )
        ready = cast("Ready", self._supervisor.start())
        return {
            "engine": self.name,
            "openvino": ready.openvino,
            "openvino_genai": ready.openvino_genai,
            "precision": "exact" if self.options.exact else "fast",
            "properties": self.options.properties,
            "threads": self.options.threads,
            "cores": ready.cores,
            "kv_blocks": self.limits.kv_blocks,
            "kv_block_tokens": BLOCK_TOKENS,
            "batched_tokens": self.options.batched_tokens,
            "room": self.options.room,
            "model": self.folder.name,
            "model_folder": str(self.folder.path),
            "model_sha256": self.folder.digest,
            "load_seconds": round(ready.load_seconds, 3),
            "pid": ready.pid,
        }

    def counters(self) -> dict[str, float]:
        """What the engine process has done since it began; for reports and tests.

        Returns:
            `steps`, `mean_in_flight` (requests in a step), `primed_heads` (prefixes computed
            ahead for others), `echoed_labels` (read without a forced token), `retried` (run again
            alone) and `restarts` (of the process, over all).

        """
        supervisor = self._supervisor
        beat = cast("Beat | None", supervisor.beat) if supervisor else None
        if supervisor is None or beat is None:
            return {"restarts": 0.0}
        return {
            "steps": beat.steps,
            "mean_in_flight": beat.requests_in_steps / max(1, beat.steps),
            "primed_heads": beat.primed_heads,
            "echoed_labels": beat.echoed_labels,
            "retried": beat.retried,
            "restarts": supervisor.restarts,
        }

    def in_flight(self, lane: int) -> int:
        """See :meth:`Engine.in_flight`."""
        return self._in_flight if lane == 0 else 0

    def submit(self, lane: int, requests: Sequence[Request]) -> None:
        """See :meth:`Engine.submit`. What a guard refuses comes back without reaching the model.

        Raises:
            EngineError: The engine has not started, is closed, or is lost.

        """
        if self._lost:
            raise self._lost
        if self._supervisor is None or self._closed:
            message = "the embedded engine is not running"
            raise EngineError(message, hint="call start() first, and submit before close()")
        works = []
        for request in requests:
            pending = Pending.now(request, lane)
            refusal = refuse(request, self.limits)
            with self._lock:
                self._in_flight += 1
                if refusal is None:
                    self._next_number += 1
                    self._pending[self._next_number] = pending
                    works.append(_work(self._next_number, request, self._heads))
            if refusal is not None:
                words = f"not sent to the engine: {refusal.words}"
                self._done.put(pending.failed(refusal.kind, words))
        if works:
            self._supervisor.submit(works)

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        """See :meth:`Engine.collect`.

        Raises:
            EngineError: The engine is lost, and everything before that was handed back.

        """
        found: list[Completion] = []
        if self._lost:
            raise self._lost
        try:
            item = self._done.get(timeout=max(0.0, timeout_seconds))
            while True:
                if isinstance(item, EngineError):
                    self._lost = item
                    break
                found.append(item)
                item = self._done.get_nowait()
        except queue.Empty:
            pass
        with self._lock:
            self._in_flight -= len(found)
        if self._lost and not found:
            raise self._lost
        return found

    def cancel(self, request_ids: Sequence[bytes]) -> None:
        """See :meth:`Engine.cancel`."""
        wanted = set(request_ids)
        with self._lock:
            numbers = [n for n, each in self._pending.items() if each.request.request_id in wanted]
        if numbers and self._supervisor:
            self._supervisor.cancel(numbers)

    def close(self) -> None:
        """See :meth:`Engine.close`. The process is killed, not asked."""
        self._closed = True
        if self._supervisor:
            self._supervisor.close()
        with self._lock:
            self._pending.clear()
            self._in_flight = 0

    def _answered(self, answer: Answer) -> None:
        """Make a completion of what the supervisor hands back; runs in its thread."""
        if isinstance(answer, EngineError):
            self._done.put(answer)
            return
        with self._lock:
            pending = self._pending.pop(answer.number, None)
        if pending is None:  # closed meanwhile
            return
        tokenizer = self.model.tokenizer
        if isinstance(answer, Failure):
            self._done.put(pending.failed(answer.kind, answer.words))
            return
        answer = cast("Done", answer)
        if answer.error is not None or tokenizer is None:
            self._done.put(pending.failed("engine_error", answer.error or "no tokenizer"))
        elif answer.cancelled:
            self._done.put(pending.cancelled())
        elif answer.logprobs is not None:
            self._done.put(pending.labelled(answer.logprobs, answer.forced_tokens))
        else:
            self._done.put(pending.written(answer, self.folder.facts, tokenizer))


def _work(number: int, request: Request, heads: Heads) -> Work:
    decoding = request.decoding
    if request.prompt is None or request.prompt.token_ids is None:
        message = "a guard let a request without token ids through"
        raise TypeError(message)
    ids = request.prompt.token_ids.astype("<i4")
    return Work(
        number=number,
        ids=ids.tobytes(),
        max_tokens=decoding.max_tokens,
        temperature=decoding.temperature,
        top_p=decoding.top_p,
        stop=decoding.stop,
        schema=decoding.schema,
        labels=tuple((label.text, label.token_id) for label in decoding.labels),
        probabilities=decoding.probabilities,
        seed=request.seed,
        blocks=blocks_needed(ids.size, decoding),
        heads=heads.of(request, ids),
    )
