"""`judgefast serve-judge` with vLLM itself: its parser takes every flag, and a judge is served."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from benches.gpu_settings import SETTINGS

from judgefast.engines.servers.arguments import to_flags
from judgefast.engines.servers.need import Need
from judgefast.engines.servers.plan import plan_server
from judgefast.engines.servers.presets import PRESETS
from judgefast.engines.servers.retired import RETIRED
from tests.engines.conftest import ENVIRONMENT

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

FLAGS = Path(__file__).with_name("flags.py")
SECONDS = 300


def words_of(model: str, **options: Any) -> list[str]:
    need = Need(answers_per_second=2000, prompt_tokens=700)
    server = plan_server(model, need=need, given={}, **options)
    return [server.model, *(word for flag in server.flags for word in flag)]


def test_vllm_takes_every_flag_and_none_of_the_retired() -> None:
    known = [words_of(name, gpus=8) for name in PRESETS]
    retired = [
        ["model", *flag]
        for name in RETIRED
        for flag in to_flags({name: "1"}) + to_flags({name: True})
    ]
    fp8 = ["model", "--dtype", "fp8"]
    of_benches = [
        "model",
        *(word for flag in to_flags(SETTINGS["worked-72b"].arguments()) for word in flag),
    ]
    done = subprocess.run(
        [sys.executable, str(FLAGS)],
        input=json.dumps([*known, of_benches, fp8, *retired]),
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    qwen, oss, ultra, bench, *refused = json.loads(done.stdout.splitlines()[-1])
    assert (bench["quantization"], bench["max_model_len"]) == ("fp8", 4096)
    for found in (qwen, oss, ultra):
        assert "error" not in found
        assert (found["backend"], found["any_whitespace"]) == ("xgrammar", False)
        assert (found["api_server_count"], found["generation_config"]) == (4, "vllm")
        assert found["disable_uvicorn_access_log"] is True
    assert [each["model"] for each in (qwen, oss, ultra)] == [*PRESETS]
    assert (qwen["quantization"], qwen["kv_cache_dtype"]) == ("fp8", "fp8")
    assert (qwen["tensor_parallel_size"], qwen["data_parallel_size"]) == (1, 8)
    assert oss["prefix_cache_retention_interval"] is None
    assert qwen["prefix_cache_retention_interval"] == 0
    assert (ultra["tensor_parallel_size"], ultra["trust_remote_code"]) == (4, True)
    assert "invalid choice: 'fp8'" in refused[0]["error"]
    taken = [
        words for words, found in zip(retired, refused[1:], strict=True) if "error" not in found
    ]
    assert taken == []


def test_a_judge_is_served_and_asked(served_judge: str) -> None:
    body = {"model": "decider", "prompt": [[1, 2, 3], [4, 5]], "max_tokens": 2}
    request = urllib.request.Request(  # noqa: S310 - ours
        f"{served_judge}/v1/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 - as above
        assert len(json.load(reply)["choices"]) == 2
