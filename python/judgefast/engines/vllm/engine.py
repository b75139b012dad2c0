"""The vLLM engine as the pipeline sees it: replicas as lanes, each looked after by a supervisor."""

from __future__ import annotations

import logging
import queue
import threading
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from judgefast.catalogue.attention import HALF
from judgefast.catalogue.shape import shape_of, weight_files
from judgefast.engines.base import Lane
from judgefast.engines.child.supervisor import Answer, Failure, Supervisor
from judgefast.engines.vllm.fleet import Fleet
from judgefast.engines.vllm.models import find_model
from judgefast.engines.vllm.options import VllmOptions, listed
from judgefast.engines.vllm.priming import Primer, needs_priming
from judgefast.engines.vllm.replies import Pending
from judgefast.engines.vllm.room import numbers_of
from judgefast.engines.vllm.settings import SEQUENCES
from judgefast.engines.vllm.versions import warning_of
from judgefast.engines.vllm.work import work_of
from judgefast.errors import EngineError, ModelError
from judgefast.prompts.decoding import Capabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion, PrefixCache, Workload
    from judgefast.engines.vllm.wire import Done
    from judgefast.prompts.model import JudgeModel
    from judgefast.prompts.model_folder import ModelFolder

LOG = logging.getLogger("judgefast")

DECIDING = (
    *("vllm", "device", "dtype", "quantization", "cache_dtype", "attention_backend"),
    *("batch_invariant", "seed"),
)
"""Facts of a replica that verdicts hang on: they come first, as a report shows a few."""

_OPTIONS = set(VllmOptions.__struct_fields__) - {"arguments"}


class VllmEngine:
    """vLLM on the accelerators of this machine.

    Args:
        model: A model folder, or a name of the Hugging Face hub.
        options: Fields of `VllmOptions`; every other name is an argument of vLLM.

    Raises:
        ModuleNotFoundError: vLLM is not installed.
        ConfigError: An option is out of range.
        ModelError: There is no such model.

    """

    name = "vllm"
    drives = ("vllm",)
    capabilities = Capabilities(
        takes="ids",
        schema=True,
        choice=True,
        label_probabilities=True,
        seed=True,
        cached_tokens=True,
        thinking=True,
    )
    _needs_vllm = True

    def __init__(self, model: str | None = None, **options: Any) -> None:  # noqa: ANN401 - vLLM's own
        if self._needs_vllm and find_spec("vllm") is None:
            message = "No module named 'vllm'"
            raise ModuleNotFoundError(message, name="vllm")
        ours = {name: value for name, value in options.items() if name in _OPTIONS}
        if "devices" in ours:
            ours["devices"] = listed(ours["devices"])
        rest = {name: value for name, value in options.items() if name not in _OPTIONS}
        self.options = VllmOptions(**ours, arguments=rest)
        self.options.check()
        self._named = model
        self._fleet: Fleet | None = None
        self._done: queue.SimpleQueue[Completion | EngineError] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._pending: dict[int, Pending] = {}
        self._in_flight: dict[int, int] = {}
        self._next_number = 0
        self._alive = set(range(self.options.replicas or len(self.options.devices) or 1))
        self._primers: dict[int, tuple[Primer, int]] = {}
        """Of each replica, with the restarts of it that it has seen; empty where none is needed."""
        self._lost: EngineError | None = None
        self._closed = False

    @classmethod
    def to_plan(cls, model: str | None = None, **options: Any) -> VllmEngine:  # noqa: ANN401 - as above
        """An engine to plan with, which is never started: vLLM need not be installed.

        Raises:
            ConfigError: An option is out of range.
            ModelError: The model would have to be looked up at the hub, by what vLLM brings.

        """
        if model and not Path(model).expanduser().is_dir() and find_spec("huggingface_hub") is None:
            message = f"`{model}` is no model folder"
            raise ModelError(message, hint="name a folder with config.json and tokenizer.json")
        return _ToPlan(model, **options)

    @cached_property
    def folder(self) -> ModelFolder:
        """The judge's files."""
        return find_model(self._named)

    @cached_property
    def model(self) -> JudgeModel:
        """See :class:`Engine`. Its context is what vLLM is told to keep."""
        import msgspec  # noqa: PLC0415 - a struct of ours, replaced once

        longest = self.options.arguments.get("max_model_len")
        model = self.folder.model
        return msgspec.structs.replace(model, context_tokens=longest) if longest else model

    def cache_memory(self, tokens: int, sequences: int) -> float | None:
        """KV cache that so many different tokens take, in so many sequences at once.

        By config.json, on one GPU. Sliding layers keep a window of each sequence, others a state.

        Returns:
            Bytes; None where config.json does not say.

        """
        shape = shape_of(self.folder.path, self.folder.config)
        if shape.cache_bytes is None:
            return None
        kept = min(tokens, (shape.window or 0) * sequences)
        size = numbers_of(str(self.options.arguments.get("kv_cache_dtype", "auto")))
        of_tokens = (shape.cache_bytes * tokens + shape.sliding_bytes * kept) * size / HALF
        return of_tokens + shape.state_bytes * sequences

    def plan_notes(self) -> list[str]:
        """What a reader of a plan should know."""
        if any(weight_files(self.folder.path)):
            return []
        note = "the folder holds no weights, which a judge's digest covers: the run's keys and "
        return [note + "digests will be others; tokens and order are the same"]

    @property
    def _of_replicas(self) -> Fleet:
        """The processes; nothing of them is there before the first use."""
        if self._fleet is None:
            self._fleet = Fleet(self.options, self.folder, self._answered)
        return self._fleet

    @property
    def _supervisors(self) -> list[Supervisor]:
        """Of the replicas; none as long as nothing has begun."""
        return self._fleet.supervisors if self._fleet else []

    @property
    def pids(self) -> list[int]:
        """Process ids of the replicas, which have processes of their own; none before the start."""
        return [each.pid for each in self._supervisors if each.pid is not None]

    @property
    def sequences(self) -> int:
        """Requests that a replica runs side by side."""
        if self._fleet is not None:
            return self._fleet.sequences
        return int(self.options.arguments.get("max_num_seqs", SEQUENCES))

    @property
    def prefix_cache(self) -> PrefixCache | None:
        """Of each replica; see :class:`PrefixCache`. Better known once it has begun."""
        return self._of_replicas.prefix_cache

    @property
    def lanes(self) -> Sequence[Lane]:
        """Replicas that are alive; before the start, those that were asked for."""
        room = self.options.lane_room(self.sequences)
        return [Lane(lane=lane, room=room) for lane in sorted(self._alive)]

    def begin(self) -> None:
        """See :class:`Engine`. The processes import vLLM, and weights are read from the disk.

        Raises:
            ConfigError: The model does not fit on the GPUs, or there are fewer than asked for.

        """
        self._of_replicas.begin()

    def prepare(self, workload: Workload) -> None:
        """See :class:`Engine`. The processes are told what to load.

        Raises:
            ConfigError: As for :meth:`begin`, by what the lengths of the data need.

        """
        self._of_replicas.prepare(workload)

    def told(self) -> list[str]:
        """See :class:`Engine`. The settings, and why they are so."""
        return self._of_replicas.words()

    def start(self) -> dict[str, Any]:
        """See :meth:`Engine.start`. Replicas load side by side."""
        fleet = self._of_replicas
        fleet.tell()
        self._alive = set(range(len(fleet.supervisors)))
        ready = fleet.wait()
        first = ready[0]
        if words := warning_of(str(first.facts.get("vllm"))):
            LOG.warning("%s", words)
        if fleet.shape.is_sliding and needs_priming(first.facts):
            block = int(first.facts["block_size"])
            self._primers = {lane: (Primer(block), 0) for lane in self._alive}
        return {
            "engine": self.name,
            "model": self.model.name,
            "model_folder": str(self.folder.path),
            "model_digest": self.model.digest,
            "replicas": len(ready),
            **{name: first.facts[name] for name in DECIDING if name in first.facts},
            "room": self.options.lane_room(self.sequences),
            "arguments": {key: _plain(value) for key, value in fleet.arguments.items()},
            "load_seconds": [round(each.load_seconds, 1) for each in ready],
            "startup": {name: round(value, 1) for name, value in first.startup.items()},
            "primes_heads": bool(self._primers),
            **first.facts,
            "settings": [
                {"name": one.name, "value": _plain(one.value), "by": one.by, "why": one.why}
                for one in fleet.settings.choices
            ],
        }

    def counters(self) -> dict[str, float]:
        """Over all replicas: `steps`, `preemptions`, `primed` heads, `restarts`."""
        return self._of_replicas.counters()

    def in_flight(self, lane: int) -> int:
        """See :meth:`Engine.in_flight`."""
        return self._in_flight.get(lane, 0)

    def submit(self, lane: int, requests: Sequence[Request]) -> None:
        """See :meth:`Engine.submit`.

        Raises:
            EngineError: The engine has not started, is closed, or is lost.

        """
        if self._lost:
            raise self._lost
        if not self._supervisors or self._closed:
            message = "the vllm engine is not running"
            raise EngineError(message, hint="call start() first, and submit before close()")
        works = []
        thinks = self.model.reasoning
        with self._lock:
            if lane not in self._alive:  # it was lost since the caller looked
                lane = min(self._alive, key=self.in_flight, default=0)
            heads = self._heads(lane, requests)
            for request, lengths in zip(requests, heads, strict=True):
                self._next_number += 1
                self._pending[self._next_number] = Pending.now(request, lane)
                works.append(work_of(self._next_number, request, thinks, lengths))
            self._in_flight[lane] = self.in_flight(lane) + len(works)
        if works:
            self._supervisors[lane].submit(works)

    def _heads(self, lane: int, requests: Sequence[Request]) -> list[tuple[int, ...]]:
        """Heads to compute before each request, where the judge has layers that slide."""
        if lane not in self._primers:
            return [()] * len(requests)
        primer, seen = self._primers[lane]
        restarts = self._supervisors[lane].restarts
        if restarts != seen:
            primer.forget()
            self._primers[lane] = (primer, restarts)
        return primer.heads(requests)

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        """See :meth:`Engine.collect`.

        Raises:
            EngineError: All replicas are lost, and everything before that was handed back.

        """
        found: list[Completion] = []
        if self._lost:
            raise self._lost
        if self._closed:
            return found
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
            for completion in found:
                self._in_flight[completion.lane] -= 1
        if self._lost and not found:
            raise self._lost
        return found

    def cancel(self, request_ids: Sequence[bytes]) -> None:
        """See :meth:`Engine.cancel`."""
        wanted = set(request_ids)
        with self._lock:
            flying = [
                (n, p.lane) for n, p in self._pending.items() if p.request.request_id in wanted
            ]
        for lane, supervisor in enumerate(self._supervisors):
            if numbers := [number for number, on in flying if on == lane]:
                supervisor.cancel(numbers)

    def close(self) -> None:
        """See :meth:`Engine.close`. The processes are killed, not asked."""
        if self._closed:
            return
        self._closed = True
        if self._fleet is not None:
            self._fleet.end()
        with self._lock:
            self._pending.clear()
            self._in_flight.clear()

    def _answered(self, lane: int, answer: Answer) -> None:
        """Make a completion of what a supervisor hands back; runs in its thread."""
        if isinstance(answer, EngineError):
            self._lose(lane, answer)
            return
        with self._lock:
            pending = self._pending.pop(answer.number, None)
        if pending is None:  # closed meanwhile
            return
        if isinstance(answer, Failure):
            self._done.put(pending.failed(answer.kind, answer.words))
        else:
            self._done.put(pending.answered(cast("Done", answer), self.folder))

    def _lose(self, lane: int, error: EngineError) -> None:
        """A replica is lost for good: what it had goes to another, or the engine is lost."""
        if self._closed:
            return
        with self._lock:
            self._alive.discard(lane)
            moved = {n: p for n, p in self._pending.items() if p.lane == lane}
            heirs = sorted(self._alive)
            if heirs and moved:
                heir = min(heirs, key=self.in_flight)
                for number, pending in moved.items():
                    self._pending[number] = pending.on(heir)
                self._in_flight[heir] = self.in_flight(heir) + len(moved)
                self._in_flight[lane] = self.in_flight(lane) - len(moved)
        if not heirs:
            self._done.put(error)
            return
        LOG.warning("replica %d is lost, %d requests move: %s", lane, len(moved), error)
        if moved:
            thinks = self.model.reasoning
            works = [work_of(number, each.request, thinks) for number, each in moved.items()]
            self._supervisors[heir].submit(works)


class _ToPlan(VllmEngine):
    """The same without vLLM: all that is known before a start."""

    _needs_vllm = False


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | dict | None) else str(value)
