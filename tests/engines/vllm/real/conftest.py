"""Requests in token ids."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from judgefast.batches.request import Request
from judgefast.prompts.decoding import Decoding
from judgefast.prompts.segments import Prompt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.engines.base import Completion
    from judgefast.engines.vllm import VllmEngine

if find_spec("vllm") is None:
    collect_ignore_glob = ["test_*.py"]

SECONDS = 600


@pytest.fixture(scope="session")
def ask() -> Callable[..., Request]:
    """Make a request out of token ids; each has an id of its own."""
    numbers = count(1)

    def make(ids: Sequence[int], decoding: Decoding | None = None) -> Request:
        number = next(numbers)
        name = number.to_bytes(16, "big")
        return Request(
            request_id=name,
            keys=(name,),
            item_id=str(number),
            shown=(0, 1),
            repeat=0,
            judge="test",
            questions=(),
            prompt=Prompt((), np.array(ids, dtype=np.int32), b"", 0),
            prefix_group=number,
            decoding=decoding or Decoding(max_tokens=4),
            seed=number,
        )

    return make


@pytest.fixture(scope="session")
def answers() -> Callable[..., list[Completion]]:
    """Submit requests to the first replica and wait for all; completions in their order."""

    def run(engine: VllmEngine, requests: Sequence[Request], *, submit: bool = True) -> Any:
        if submit:
            engine.submit(0, requests)
        found: dict[bytes, Completion] = {}
        for _ in range(SECONDS):
            for completion in engine.collect(timeout_seconds=1):
                assert completion.request_id not in found, "it came twice"
                found[completion.request_id] = completion
            if len(found) == len(requests):
                break
        assert engine.in_flight(0) == 0
        return [found[request.request_id] for request in requests]

    return run
