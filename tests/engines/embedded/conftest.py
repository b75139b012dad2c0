"""The model, one running engine for all tests of it, and a way to write requests."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from judgefast.batches.request import Request
from judgefast.engines.embedded import EmbeddedEngine, fetch
from judgefast.errors import ModelError
from judgefast.prompts.decoding import Decoding, Label
from judgefast.prompts.segments import Prompt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import ModuleType

    from judgefast.engines.base import Completion
    from judgefast.prompts.tokenizer import PromptTokenizer

TEXT = Decoding(max_tokens=4)


@pytest.fixture(scope="session")
def weights() -> Path:
    """The SmolLM2 file, downloaded if need be; skips where that is impossible."""
    if importlib.util.find_spec("openvino_genai") is None:  # importing it would start its telemetry
        pytest.skip("the extra `embedded` is not installed")
    try:
        return fetch()
    except ModelError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def engine(weights: Path) -> Iterator[EmbeddedEngine]:
    engine = EmbeddedEngine(weights, kv_blocks=700)
    engine.start()
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def tokenizer(engine: EmbeddedEngine) -> PromptTokenizer:
    assert engine.model.tokenizer is not None
    return engine.model.tokenizer


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """The independent forward pass beside this file."""
    spec = importlib.util.spec_from_file_location(
        "embedded_reference", Path(__file__).with_name("reference.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def ask() -> Callable[..., Request]:
    """Make a request out of token ids; each has an id of its own."""
    count = iter(range(1, 1_000_000))

    def make(ids: Sequence[int], decoding: Decoding = TEXT, **changes: Any) -> Request:
        number = next(count)
        name = number.to_bytes(16, "big")
        values: dict[str, Any] = {"shared_tokens": 0, "group": number, "seed": number, **changes}
        prompt = Prompt((), np.array(ids, dtype=np.int32), b"", values["shared_tokens"])
        return Request(
            request_id=name,
            keys=(name,),
            item_id=str(number),
            shown=(0, 1),
            repeat=0,
            judge="test",
            questions=(),
            prompt=prompt,
            prefix_group=values["group"],
            decoding=decoding,
            seed=values["seed"],
        )

    return make


@pytest.fixture(scope="session")
def label_decoding(tokenizer: PromptTokenizer) -> Callable[..., Decoding]:
    def make(*texts: str) -> Decoding:
        labels = tuple(Label(text, tokenizer.token_id(text)) for text in texts)
        return Decoding(max_tokens=1, labels=labels, probabilities=True)

    return make


@pytest.fixture(scope="session")
def run() -> Callable[..., dict[bytes, Completion]]:
    """Submit requests and collect until all have come back; completions by request id."""

    def run_all(
        engine: EmbeddedEngine, requests: Sequence[Request], seconds: float = 120
    ) -> dict[bytes, Completion]:
        engine.submit(0, requests)
        return collect_all(engine, len(requests), seconds)

    return run_all


@pytest.fixture(scope="session")
def collect() -> Callable[..., dict[bytes, Completion]]:
    return collect_all


def collect_all(engine: EmbeddedEngine, count: int, seconds: float) -> dict[bytes, Completion]:
    found: dict[bytes, Completion] = {}
    for _ in range(int(seconds)):
        for completion in engine.collect(timeout_seconds=1):
            assert completion.request_id not in found, "it came twice"
            found[completion.request_id] = completion
        if len(found) == count:
            break
    assert len(found) == count
    assert engine.in_flight(0) == 0
    return found
