"""How many sequences fit beside a model: memory of GPUs, weights, cache, lengths."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING, NamedTuple

from judgefast.catalogue.attention import HALF
from judgefast.catalogue.fits import groups, room_bytes, usable_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgefast.catalogue.shape import Shape
    from judgefast.engines.base import Workload
    from judgefast.engines.vllm.hardware import Gpu

_ASSUMED_TOKENS = 4096
"""Length of the longest sequence while no data is known, where the model takes as many."""
_ASSUMED_ANSWER = 256
BUSY_SEQUENCES = 64
"""Side by side these keep a GPU busy while texts are generated; with fewer, reading the weights
takes most of a step."""
BUSY_TOKENS = 32_768
"""Room for so many keeps it busy while prompts alone are computed: two full steps."""


class Lengths(NamedTuple):
    """Tokens of the sequences of a run."""

    longest: int
    """Prompt and answer together."""
    typical: float
    """On average over the time it is in the model: its prompt and half of its answer."""
    answer: int
    """That it may generate."""
    requests: int | None
    """That are to be asked."""
    of_run: int | None
    """Of the whole run."""
    is_known: bool
    """They are the data's; else assumed."""

    @property
    def busy(self) -> int:
        """Sequences side by side that keep a GPU busy, at whichever start of a run."""
        by_kind = BUSY_SEQUENCES if self.answer > 1 else max(2, floor(BUSY_TOKENS / self.typical))
        return by_kind if self.of_run is None else min(by_kind, self.of_run)


def lengths_of(workload: Workload | None, longest: int | None) -> Lengths:
    """Lengths of a workload; without one, such as `longest` allows."""
    requests = None if workload is None else workload.requests
    of_run = None if workload is None else workload.of_run or requests
    if workload is not None and workload.longest_prompt_tokens is not None:
        answer = workload.max_tokens + workload.thinking_tokens
        prompt = workload.mean_prompt_tokens or workload.longest_prompt_tokens
        return Lengths(
            workload.longest_prompt_tokens + answer,
            prompt + answer / 2,
            answer,
            requests,
            of_run,
            is_known=True,
        )
    most = min(longest or _ASSUMED_TOKENS, _ASSUMED_TOKENS)
    return Lengths(most, most / 2, _ASSUMED_ANSWER, requests, of_run, is_known=False)


class Fit(NamedTuple):
    """A way to put a model on GPUs."""

    gpus: int
    """That hold one copy of it together."""
    weights_quantized: bool
    """As they load, by vLLM."""
    cache_bytes: int
    """Bytes of a number in the KV cache."""
    room: float
    """Bytes for the cache, over these GPUs; below 0 what is lacking for the weights alone."""
    sequences: int
    """Of typical length that fit into it."""
    lacking: float
    """Bytes that are missing for one sequence of the longest length; 0 where it fits."""


class Machine(NamedTuple):
    """What the memory of each GPU is divided between."""

    gpus: Sequence[Gpu]
    utilisation: float
    cache_memory: int | None
    """Bytes of cache on each GPU, where the user has said so."""

    @property
    def each(self) -> float:
        """Bytes of the smallest GPU that vLLM may fill."""
        return usable_bytes(self._smallest, utilisation=self.utilisation)

    @property
    def _smallest(self) -> int:
        return min(gpu.total_bytes for gpu in self.gpus)

    def fit(
        self, shape: Shape, lengths: Lengths, gpus: int, *, quantized: bool, cache_bytes: int
    ) -> Fit | None:
        """Put a copy on some GPUs; None where the files do not say how large it is."""
        weights = shape.quantized_bytes() if quantized else shape.weight_bytes
        typical = shape.sequence_bytes(lengths.typical, number_bytes=cache_bytes, gpus=gpus)
        longest = shape.sequence_bytes(lengths.longest, number_bytes=cache_bytes, gpus=gpus)
        if weights is None or typical is None or longest is None:
            return None
        left = room_bytes(self._smallest, gpus, weights, utilisation=self.utilisation)
        room = left if self.cache_memory is None else min(left, float(self.cache_memory * gpus))
        return Fit(
            gpus,
            quantized,
            cache_bytes,
            room,
            max(0, floor(room / typical)) if typical else 0,
            max(0.0, longest - room),
        )

    def groups(self, shape: Shape) -> Iterator[int]:
        """Numbers of these GPUs that may hold a copy together."""
        return groups(shape, len(self.gpus))


def numbers_of(cache_dtype: str) -> int:
    """Bytes of a number in a KV cache, by what vLLM calls it."""
    return 1 if cache_dtype.startswith(("fp8", "int8")) else HALF
