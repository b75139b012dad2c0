"""What every engine is, so that the pipeline never asks which one it has.

Stage 4 of 8: requests in cache order -> **engine** -> completions, as they finish.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.batches.request import Request
    from judgefast.prompts.decoding import Capabilities
    from judgefast.prompts.model import JudgeModel

FinishReason = Literal["stop", "length", "refused", "error", "cancelled"]
ErrorKind = Literal["engine_error", "too_long", "timeout", "unsupported", "invalid"]


class LabelRead(msgspec.Struct, frozen=True, gc=False):
    """The log-probability of each label of one question, as received."""

    question: int
    """Index into the request's questions."""
    logprobs: tuple[float, ...]
    """Natural log, full vocabulary, one for each label of the question, at its `Option.label`: with
    one question, the order of `Decoding.labels`. Minus infinity for 0. Where the probability of a
    label is not known there is no `LabelRead`: none is made up. Empty where the engine declines to
    answer this question, which is an answer as final as any other."""


class Completion(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What came back for one attempt at a request."""

    request_id: bytes
    attempt: int
    """The request's own: what an engine sends again before any answer came is no new attempt."""
    lane: int
    text: str
    """Generated text, without the prompt; empty if `finish_reason` is `error`. Of an engine
    without texts what is worth keeping of its answer, and of what a failure has cost."""
    finish_reason: FinishReason
    """`length` means cut at `max_tokens`: a JSON text is probably not closed. `refused` means that
    the engine declines to answer (a content filter): an answer as final as any other."""
    answers: tuple[LabelRead, ...] = ()
    prompt_tokens: int | None = None
    """Cached ones included; None where the engine does not say."""
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    started: float = 0.0
    """Unix time at which the engine was given the request. Seconds."""
    wall_seconds: float = 0.0
    """From then until the completion was handed back."""
    error_kind: ErrorKind | None = None
    error: str | None = None
    """What went wrong, for a person."""
    replaced_surrogates: int = 0
    """Lone surrogates in the reply that became U+FFFD."""
    reasoning: str = ""
    """What the judge thought before it answered, where it came apart from `text`. Kept, never read
    for a verdict. Thinking that used its budget up is `length`, with an empty `text`."""


class Lane(msgspec.Struct, frozen=True):
    """A replica of the judge that serves requests by itself."""

    lane: int
    room: int
    """Requests it can hold in flight."""


class PrefixCache(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine keeps of prompts for those that begin alike; of each of its lanes."""

    block_tokens: int
    """Only whole blocks of so many tokens are shared."""
    budget_tokens: int | None
    """Tokens that it holds, those of running requests among them; None: not known yet. Where layers
    slide, each group of layers takes blocks of its own, and each counts."""
    running: int
    """Requests that are computed side by side, at most."""
    batched_tokens: int
    """Tokens that one step computes, at most."""
    window: int | None = None
    """Tokens that a sliding layer looks at; None where no layer slides."""
    full_groups: int = 1
    """Groups of layers that look at all tokens."""
    sliding_groups: int = 1
    """Groups of layers that slide; counts only where there is a window."""
    keeps_all: bool = True
    """Blocks of sliding layers are kept wherever prompts may part; see
    `judgefast.batches.cache.CacheSettings`."""
    sends_heads: bool = False
    """It computes what prompts share ahead of them, in requests of its own."""


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to be asked, for an engine that sets itself up for it."""

    requests: int
    """At least 1."""
    of_run: int | None = None
    """Requests of the whole run, those that were answered at earlier starts among them; None: no
    more than `requests`. What decides verdicts must not depend on how much is left."""
    longest_prompt_tokens: int | None
    """None where prompts are not counted in tokens."""
    mean_prompt_tokens: float | None
    max_tokens: int
    """Of an answer."""
    thinking_tokens: int = 0
    """What the judge may think beside it."""
    labels_only: bool = False
    """Only the probabilities of one-token labels are read: no text is generated."""


class Engine(Protocol):
    """A judge model: requests in, completions out in whatever order they finish.

    Contract, checked for every engine by `tests/engines/test_contract.py`:

    * one completion for each submitted request; none is dropped, none comes twice;
    * `submit` never waits for the model: the caller bounds the work by `in_flight`;
    * a request that fails is a completion with `finish_reason="error"` and an `error_kind`; only
      the loss of the whole engine raises :class:`~judgefast.errors.EngineError`, and what was
      collected before stays valid;
    * `cancel` makes its requests come back soon, as `cancelled` or finished;
    * same requests, same seed, same texts, and log-probabilities to 1e-3 (what is computed beside a
      prompt decides their last digits), or `capabilities.deterministic` is false.

    An engine may have `manifest_options`, a mapping of how it asks beyond rubric and model: it is
    kept with the run, and no start goes on with another one. Known before `start`.

    An engine that takes long to start may have three more methods, which are called if they are
    there: `begin() -> None` before the data is read: start what does not depend on it, and return
    at once; `prepare(workload: Workload) -> None` when it is known what will be asked, and return
    at once too; `told() -> list[str]`, after each of these and after `start`: what a person should
    know now, each word of it once. `start` then waits for the rest. If nothing is left to ask,
    `close` comes without it.
    """

    name: str
    capabilities: Capabilities
    model: JudgeModel
    """Known before the engine has started: name, digest, tokenizer, chat template, context."""
    lanes: Sequence[Lane]

    def start(self) -> dict[str, Any]:
        """Load the model. Returns facts of this launch: versions, settings in force, device.

        Raises:
            EngineError: It does not start; the message says why.

        """
        ...

    def in_flight(self, lane: int) -> int:
        """Requests submitted to `lane` and not yet collected."""
        ...

    def submit(self, lane: int, requests: Sequence[Request]) -> None:
        """Queue requests, in this order."""
        ...

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        """Completions since the last call; waits for the first one, empty when time is up."""
        ...

    def cancel(self, request_ids: Sequence[bytes]) -> None:
        """Give up on requests. Unknown ids are ignored."""
        ...

    def close(self) -> None:
        """Drop what is in flight and free the device, within a second. Safe to call twice."""
        ...


def prefix_cache_of(engine: Engine) -> PrefixCache | None:
    """What an engine says of its prefix cache; None where it cannot say."""
    found: PrefixCache | None = getattr(engine, "prefix_cache", None)
    return found
