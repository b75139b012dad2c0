"""Requests in token ids, and a server that tests share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from judgefast.batches.request import Request
from judgefast.prompts.decoding import Decoding
from judgefast.prompts.segments import Prompt
from tests.engines.vllm.decision_folder import CONTEXT, write_decision_folder

from .processes import descendants, in_sessions, sessions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from judgefast.engines.base import Completion
    from judgefast.engines.vllm import VllmEngine

if find_spec("vllm") is None:
    collect_ignore_glob = ["test_*.py"]

SECONDS = 600


@pytest.fixture(scope="session")
def decider(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random judge that vLLM takes for one that decides."""
    return write_decision_folder(tmp_path_factory.mktemp("models") / "decider")


@pytest.fixture(scope="session")
def served_judge(
    vllm_environment: None, decider: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Address of `judgefast serve-judge`. It ends when it is told to, and leaves no process."""
    given = {"dtype": "float32", "enforce_eager": "true", "block_size": 32, "max_num_seqs": 16}
    given["max_model_len"] = CONTEXT
    words = [word for name, value in given.items() for word in ("--engine-arg", f"{name}={value}")]
    folder = tmp_path_factory.mktemp("served")
    out, err = folder / "out", folder / "err"
    with out.open("w") as printed, err.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "judgefast", "serve-judge", str(decider), "--port", "0", *words],
            stdout=printed,
            stderr=said,
        )
    try:
        until = time.monotonic() + SECONDS
        while not out.read_text() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.1)
        base_url = out.read_text().partition("OPENAI_BASE_URL=")[2].partition("\n")[0]
        assert base_url, err.read_text()
        yield base_url.removesuffix("/v1")
        assert descendants(process.pid)
        sessions = sessions_of(process.pid) - {os.getsid(0)}
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    finally:
        process.kill()
    assert in_sessions(sessions) == []
    assert err.read_text().endswith("the server has ended with status 0\n")


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
