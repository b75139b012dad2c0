"""One OpenVINO pipeline, touched only in the ways that are known to be safe.

Only the engine process imports this. What may not be done, and why, is in the comments.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.engines.embedded.guards import BLOCK_TOKENS
from judgefast.engines.embedded.native import load_openvino

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from judgefast.engines.embedded.wire import Load

_RUNNING = "RUNNING"
_ALLOWED = frozenset(
    {
        "apply_chat_template",
        "do_sample",
        "echo",
        "eos_token_id",
        "logprobs",
        "max_new_tokens",
        "rng_seed",
        "stop_strings",
        "stop_token_ids",
        "structured_output_config",
        "temperature",
        "top_p",
    }
)
"""Settings that may be given. The engine ignores names it does not know: no limit, no grammar."""


class Grammar(msgspec.Struct, frozen=True):
    """What an answer is held to."""

    kind: str
    """`regex` or `json_schema`."""
    text: str


class Output(msgspec.Struct, frozen=True):
    """What a request ended with."""

    tokens: list[int]
    logprobs: list[float]
    finish: str
    """STOP or LENGTH; IGNORED if the cache had no room for it."""


class Pipeline:
    """A loaded model with a KV cache of its own."""

    def __init__(self, load: Load, *, prefix_cache: bool, kv_blocks: int) -> None:
        self._openvino, genai = load_openvino()
        scheduler = genai.SchedulerConfig()
        scheduler.enable_prefix_caching = prefix_cache
        scheduler.num_kv_blocks = kv_blocks
        scheduler.max_num_batched_tokens = load.batched_tokens
        scheduler.dynamic_split_fuse = True  # without it a long prompt breaks the pipeline
        self._genai = genai
        self._eos_ids = load.eos_ids
        self._pipeline = genai.ContinuousBatchingPipeline(
            load.folder, scheduler, "CPU", dict(load.properties)
        )
        self._next_id = 0

    @property
    def busy(self) -> bool:
        """Whether a step would do something."""
        return bool(self._pipeline.has_non_finished_requests())

    def step(self) -> None:
        """Make one forward pass over everything that is scheduled.

        Whatever it raises breaks the pipeline until `settle` was called with every handle.
        """
        self._pipeline.step()

    def add(
        self, ids: NDArray[np.int32], grammar: Grammar | None = None, **settings: object
    ) -> Any:  # noqa: ANN401 - a handle of the engine, which has no types
        """Hand over a prompt; returns its handle. Keep it: a dropped handle is a cancelled one."""
        import numpy as np  # noqa: PLC0415 - heavy

        # Another shape or dtype is refused, or runs another prompt.
        tensor = self._openvino.Tensor(np.ascontiguousarray(ids, dtype=np.int64).reshape(1, -1))
        config = self._config(grammar, settings)
        self._next_id += 1  # an id in use given again would hang the engine
        return self._pipeline.add_request(self._next_id, tensor, config)

    def settle(self, handles: list[Any]) -> None:
        """Make the pipeline usable again after `step` raised: all in flight must be given up."""
        for handle in handles:
            handle.cancel()
        if self.busy:
            self._pipeline.step()

    def drain(self, between_steps: Callable[[], None]) -> None:
        """Step until nothing is left."""
        while self.busy:
            self.step()
            between_steps()

    def try_grammar(
        self, grammar: Grammar, ids: NDArray[np.int32], between_steps: Callable[[], None]
    ) -> str | None:
        """Compile a grammar by a throw-away token. Nothing else may be in flight.

        The prompt for it fills one block of the cache. One that is shorter stays there as a block
        that is begun, all prompts that go on from it get that one block, and when several come in
        together each writes its own tokens over those of the others.

        Returns:
            What the engine has against it, or None.

        """
        import numpy as np  # noqa: PLC0415 - heavy

        handles: list[Any] = []
        try:
            block = np.full(BLOCK_TOKENS, ids[0], np.int32)
            handles.append(self.add(block, grammar, max_new_tokens=1))
            self.drain(between_steps)
        except Exception as error:  # noqa: BLE001 - the engine raises what it likes
            self.settle(handles)
            return f"the engine refuses its grammar: {last_line(error)}"
        return None

    def _config(self, grammar: Grammar | None, given: dict[str, object]) -> Any:  # noqa: ANN401 - the library has no types
        settings: dict[str, object] = {
            "do_sample": False,
            "apply_chat_template": False,
            "logprobs": 1,  # with 0 it returns 0.0, which looks like certainty
            **given,
        }
        if self._eos_ids:
            settings["eos_token_id"] = self._eos_ids[0]
            settings["stop_token_ids"] = set(self._eos_ids)
        if grammar is not None:
            config = self._genai.StructuredOutputConfig(**{grammar.kind: grammar.text})
            settings["structured_output_config"] = config
        if unknown := settings.keys() - _ALLOWED:
            message = f"settings {sorted(unknown)} are not known to the engine"
            raise ValueError(message)
        config = self._genai.GenerationConfig(**settings)
        for name, value in settings.items():
            if not _same(getattr(config, name), value):
                message = f"the engine did not take the setting {name}={value!r}"
                raise ValueError(message)
        config.validate()
        return config


def _same(held: Any, given: object) -> bool:  # noqa: ANN401 - an attribute of the engine's
    if isinstance(given, float):  # held as a 32-bit float
        return math.isclose(float(held), given, rel_tol=1e-6)
    if isinstance(given, (bool, int, set)):
        return bool(held == given)
    return all(bool(getattr(held, n) == getattr(given, n)) for n in ("regex", "json_schema"))


def output_of(handle: Any) -> Output | None:  # noqa: ANN401 - a handle of the engine
    """What a request ended with, or None while it runs.

    Reading a running request, or one that has nothing to read, would wait for ever.
    """
    status = handle.get_status().name
    if status == _RUNNING:
        return None
    if status != "FINISHED" or not handle.can_read():
        return Output([], [], "IGNORED")
    results = handle.read_all()
    if not results:
        return Output([], [], "IGNORED")
    first = results[0]
    tokens, logprobs = list(first.generated_ids), list(first.generated_log_probs)
    return Output(tokens, logprobs, first.finish_reason.name)


def prompt_is_done(handle: Any) -> bool:  # noqa: ANN401 - a handle of the engine
    """Whether a running request has its first token, so that its prompt is in the cache."""
    return bool(handle.get_status().name != _RUNNING or handle.can_read())


def last_line(error: BaseException) -> str:
    """The line of an engine's message that says what is wrong: those before say where."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


class Pacer:
    """Says when it is time for a sign of life."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = 0.0

    def due(self) -> bool:
        """Whether `seconds` have passed since it last said so."""
        now = time.monotonic()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True
