"""`vllm serve` on the CPU, asked by the HTTP engine: the same numbers as in this process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engines.http.judging import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator


pytestmark = [pytest.mark.vllm, pytest.mark.slow]

START_SECONDS = 400
BLOCK = 32
CONTEXT = 2048


@pytest.fixture(scope="module")
def url(vllm_environment: None, smollm2: Path) -> Iterator[str]:
    """A server of SmolLM2, with a key; one start for all tests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [Path(sys.executable).with_name("vllm"), "serve", smollm2, "--host", "127.0.0.1"]
    command += ["--port", port, "--served-model-name", "smollm2", "--max-model-len", CONTEXT]
    command += ["--max-num-seqs", 16, "--enforce-eager", "--block-size", BLOCK]
    command += ["--max-logprobs", 50, "--enable-prompt-tokens-details"]
    structured = {"backend": "xgrammar", "disable_any_whitespace": True}
    command += ["--structured-outputs-config", json.dumps(structured)]
    process = subprocess.Popen(
        list(map(str, command)),
        env=os.environ | {"VLLM_API_KEY": KEY},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    until = time.monotonic() + START_SECONDS
    while not is_healthy(address):
        assert process.poll() is None, process.communicate()[1][-3000:]
        assert time.monotonic() < until
        time.sleep(0.5)
    yield address
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.communicate(timeout=20)
    finally:
        os.killpg(process.pid, signal.SIGKILL)


def is_healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=2) as response:  # noqa: S310
            return bool(response.status == 200)
    except OSError:
        return False


def counter(address: str, name: str) -> float:
    """A counter of `/metrics`."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as response:  # noqa: S310
        lines = response.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(f"vllm:{name}_total{{"))
