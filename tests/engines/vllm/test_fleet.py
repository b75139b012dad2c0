"""Processes of replicas that begin before it is known what they load, without vLLM."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.engines.base import Workload
from judgefast.engines.vllm import fleet as module
from judgefast.engines.vllm.fleet import Fleet
from judgefast.engines.vllm.hardware import Gpu, parse
from judgefast.engines.vllm.options import VllmOptions
from judgefast.engines.vllm.warming import free_bytes
from judgefast.prompts.model import JudgeModel
from judgefast.prompts.model_folder import ModelFolder

from .real.processes import none_within
from .stand_in import DIALECT
from .test_settings import H200

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TWO = "".join(H200.replace("0, GPU", f"{number}, GPU") for number in range(2))
SHORT = Workload(requests=500, longest_prompt_tokens=900, mean_prompt_tokens=800, max_tokens=64)
LONG = Workload(
    requests=500, longest_prompt_tokens=30_000, mean_prompt_tokens=29_000, max_tokens=900
)


@pytest.fixture
def folder(shared: Path, tmp_path: Path) -> ModelFolder:
    source = shared / "h200/configs/Qwen2.5-72B-Instruct/config.json"
    (tmp_path / "weights.safetensors.index.json").write_text("{}")
    return ModelFolder(
        tmp_path,
        JudgeModel(name="judge", digest="0" * 64),
        frozenset(),
        json.loads(source.read_text("utf-8")),
    )


@pytest.fixture
def start(folder: ModelFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Fleet]]:
    monkeypatch.setattr(module, "DIALECT", DIALECT)
    made: list[Fleet] = []

    def make(said: str, **arguments: Any) -> Fleet:
        gpus: list[Gpu] = [gpu for _, gpu in parse(said)]
        monkeypatch.setattr(module, "find_gpus", lambda: gpus)
        made.append(Fleet(VllmOptions(arguments=arguments), folder, lambda *_: None))
        return made[-1]

    yield make
    for each in made:
        each.end()


def test_processes_begin_at_once_and_are_told_when_lengths_are_known(
    start: Callable[..., Fleet],
) -> None:
    fleet = start(TWO, seed=7)
    fleet.begin()
    begun = [each.pid for each in fleet.supervisors]
    assert len(begun) == 2
    assert fleet.words() == [], "nothing is settled yet"
    fleet.prepare(SHORT)
    words = fleet.words()
    assert any(each.startswith("vllm: max_model_len=1024 (judgefast): ") for each in words)
    assert fleet.words() == [], "each is said once"
    fleet.prepare(LONG)
    fleet.tell()
    ready = fleet.wait()
    assert [each.facts["heard"] for each in ready] == [["Warm", "Load"]] * 2
    assert [each.facts["devices"] for each in ready] == ["0", "1"]
    assert ready[0].facts["arguments"] == fleet.arguments
    assert fleet.arguments["max_model_len"] == 1_024
    assert (fleet.arguments["quantization"], fleet.arguments["seed"]) == ("fp8", 7)
    assert fleet.counters() == {"steps": 0, "preemptions": 0, "primed": 0, "restarts": 0}


def test_a_length_of_the_users_loads_at_once(start: Callable[..., Fleet]) -> None:
    fleet = start("", max_model_len=512)
    fleet.begin()
    assert "vllm: max_model_len=512 (you): set by --engine-arg" in fleet.words()
    [ready] = fleet.wait()
    assert ready.facts["arguments"]["max_model_len"] == 512
    fleet.prepare(SHORT)
    assert fleet.arguments["max_model_len"] == 512
    fleet.begin()
    assert len(fleet.supervisors) == 1, "it has begun"


def test_lengths_that_need_more_gpus_together_begin_anew(start: Callable[..., Fleet]) -> None:
    fleet = start(TWO, quantization=None, kv_cache_dtype="auto")
    fleet._folder.config["num_hidden_layers"] = 56  # as it is, one GPU holds 66 that are short
    fleet.begin()
    first = list(fleet.supervisors)
    assert len(first) == 2
    fleet.prepare(LONG)
    [ready] = fleet.wait()
    assert ready.facts["devices"] is None, "it sees both"
    assert ready.facts["arguments"]["tensor_parallel_size"] == 2
    assert ready.facts["heard"] == ["Load"]
    assert none_within(60, lambda: [each for each in first if each._thread.is_alive()])


def test_weights_of_the_hub_that_are_not_here_are_named_for_vllm_to_fetch(
    folder: ModelFolder, tmp_path: Path
) -> None:
    snapshot = tmp_path / "snapshots" / "abc123"
    snapshot.mkdir(parents=True)
    named = Fleet(VllmOptions(), folder._replace(path=snapshot), lambda *_: None)
    assert (named.arguments["model"], named.arguments["revision"]) == ("judge", "abc123")
    (snapshot / "model.safetensors").write_bytes(b"")
    assert named.arguments["model"] == str(snapshot)
    here = Fleet(VllmOptions(), folder, lambda *_: None)
    assert here.arguments["model"] == str(tmp_path)


def test_memory_that_is_free_is_the_machines_or_the_groups() -> None:
    told = ["MemTotal: 9 kB", "MemAvailable:   2048 kB"]
    assert free_bytes(told, None) == 2_097_152
    assert free_bytes(told, (1_000, 400)) == 600
    assert free_bytes(told, (10**9, 0)) == 2_097_152
    assert free_bytes([], None) is None
