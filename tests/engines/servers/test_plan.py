"""From a model and a need to flags: what fits, what is asked for, what the user says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.engines.servers.arguments import read_arguments, to_flags
from judgefast.engines.servers.gpus import FILL, least_parts, memory_gb
from judgefast.engines.servers.need import Need
from judgefast.engines.servers.plan import Server, plan_server
from judgefast.engines.servers.presets import PRESETS
from judgefast.engines.servers.program import release_of
from judgefast.engines.servers.retired import RETIRED
from judgefast.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from pathlib import Path

QWEN = "Qwen/Qwen2.5-72B-Instruct"
LLAMA = {
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "hidden_size": 4096,
    "max_position_embeddings": 4096,
}


def plan(model: str, given: dict[str, Any] | None = None, **options: Any) -> Server:
    need = Need(**{name: options.pop(name) for name in Need.__struct_fields__ if name in options})
    return plan_server(model, need=need, given=given or {}, **options)


def write_model(folder: Path, config: dict[str, Any], gigabytes: float = 0) -> str:
    """A folder whose weights are as large as they should be, and take no room."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    if gigabytes:
        with (folder / "model.safetensors").open("wb") as file:
            file.truncate(int(gigabytes * 1e9))
    return str(folder)


def test_the_known_judges_are_split_as_they_fit() -> None:
    def split(model: str, gpu: str) -> tuple[Any, int]:
        server = plan(model, gpu=gpu)
        return server.arguments["tensor_parallel_size"], server.gpus

    assert split(QWEN, "H200") == (None, 1)
    assert split(QWEN, "H100") == (2, 2)
    assert split("openai/gpt-oss-120b", "H100") == (None, 1)
    ultra = "nvidia/Llama-3_1-Nemotron-Ultra-253B-v1"
    assert [split(f"{ultra}{tail}", "H200") for tail in ("", "-FP8")] == [(4, 4)] * 2


def test_weights_are_quantised_as_they_load_unless_they_are_already() -> None:
    assert plan(QWEN).arguments["quantization"] == "fp8"
    checkpoint = plan("RedHatAI/Qwen2.5-72B-Instruct-FP8-dynamic").arguments
    assert "quantization" not in checkpoint
    assert checkpoint["kv_cache_dtype"] == "fp8"
    assert checkpoint["max_num_seqs"] == plan(QWEN).arguments["max_num_seqs"]
    assert "quantization" not in plan("openai/gpt-oss-120b").arguments


@settings(max_examples=60)
@given(
    st.floats(1e8, 3e12),
    st.sampled_from(["H200", "H100", "B200", "A100-80GB", "A100", "L40S", "L4"]),
)
def test_the_least_parts_hold_the_weights_and_half_as_many_do_not(weights: float, gpu: str) -> None:
    room = memory_gb(gpu) * 1e9 * FILL
    parts = least_parts(weights, memory_gb(gpu))
    if parts is None:
        assert weights > 8 * room
    else:
        assert weights <= parts * room
        assert parts == 1 or weights > parts // 2 * room


_SIZES = {
    "Qwen/Qwen2.5-72B-Instruct": (145.4e9, 75.2e9, 327_680, 0, 0, 32_768),
    "openai/gpt-oss-120b": (65.2e9, 65.2e9, 36_864, 36_864, 128, 131_072),
    "nvidia/Llama-3_1-Nemotron-Ultra-253B-v1": (506.8e9, 257.6e9, 262_144, 0, 0, 131_072),
}
"""Bytes of weights at 16 and 8 bits, of a token in full and sliding layers; window; context."""


def test_every_preset_is_a_model_of_the_catalogue() -> None:
    assert set(PRESETS) == set(_SIZES)


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(_SIZES)),
    st.integers(50, 20_000),
    st.integers(1, 8000),
    st.sampled_from(["H200", "B200"]),
)
def test_what_runs_side_by_side_fits_beside_the_weights(
    model: str, prompt: int, answer: int, gpu: str
) -> None:
    bf16, fp8, growing, sliding, window, context = _SIZES[model]
    server = plan(model, prompt_tokens=prompt, answer_tokens=answer, gpu=gpu)
    told = server.arguments
    kv_bytes = growing * (prompt + answer) + sliding * min(prompt + answer, window)
    if told.get("kv_cache_dtype") == "fp8":
        kv_bytes /= 2
    weights = fp8 if told.get("quantization") == "fp8" else bf16
    used = told["max_num_seqs"] * kv_bytes + weights
    by_driver = {"H200": 143_771 * 2**20, "B200": 180e9}[gpu]
    assert told["max_num_seqs"] == 8 or used <= 0.95 * by_driver * server.gpus
    assert 8 <= told["max_num_seqs"] <= 256
    assert min(prompt + answer, context) <= told["max_model_len"] <= context


@settings(max_examples=60)
@given(st.integers(1, 20_000), st.floats(0.1, 20_000))
def test_as_many_api_processes_as_the_rate_takes(prompt: int, rate: float) -> None:
    need = Need(prompt_tokens=prompt, answers_per_second=rate)
    assert need.api_servers is not None
    assert need.api_servers * need.answers_of_a_process >= rate * (1 - 1e-9)
    fewer = need.api_servers - 1
    assert fewer == 0 or fewer * need.answers_of_a_process < rate


def test_one_process_carries_what_was_measured() -> None:
    assert Need(prompt_tokens=100).answers_of_a_process == pytest.approx(1500, rel=0.05)
    assert Need(prompt_tokens=3000).answers_of_a_process == pytest.approx(200, rel=0.05)
    assert plan(QWEN, answers_per_second=700, prompt_tokens=700).arguments["api_server_count"] == 2
    assert plan(QWEN).arguments["api_server_count"] is None


def test_several_gpus_with_a_model_that_fits_one_are_copies() -> None:
    server = plan("openai/gpt-oss-120b", gpus=8)
    assert server.arguments["data_parallel_size"] == 8
    assert ["--tensor-parallel-size", "8"] not in server.flags
    with pytest.raises(ConfigError, match="--gpus is 3, and a copy of this model takes 2"):
        plan(QWEN, gpu="H100", gpus=3)


@pytest.mark.parametrize("model", [QWEN, "org/of-unknown-size"])
@pytest.mark.parametrize("gpus", [0, -2])
def test_no_gpu_at_all_is_refused_whether_the_size_of_the_model_is_known_or_not(
    model: str, gpus: int
) -> None:
    with pytest.raises(ConfigError, match=f"--gpus is {gpus}; it must be at least 1"):
        plan(model, gpus=gpus)


def test_a_folder_is_read_for_its_size(tmp_path: Path) -> None:
    path = write_model(tmp_path / "own", LLAMA, gigabytes=16)
    server = plan(path, gpu="L4", prompt_tokens=1000, answer_tokens=24)
    # 0.92 of 24 GB, less 3 GB, less 16 GB, by 131,072 bytes for each of 1,024 tokens
    assert server.arguments["max_num_seqs"] == 16
    assert server.arguments["max_model_len"] == 4096
    assert server.arguments["served_model_name"] == "own"
    assert server.is_local
    with pytest.raises(ConfigError, match="5,000 GB of weights do not fit 8 GPUs of 141 GB"):
        plan(write_model(tmp_path / "huge", LLAMA, gigabytes=5000))


def test_layers_with_windows_keep_what_prompts_share_where_vllm_can(tmp_path: Path) -> None:
    config = LLAMA | {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 64}
    path = write_model(tmp_path / "windows", {"text_config": config})
    name = "prefix_cache_retention_interval"
    assert plan(path).arguments[name] == "None"
    assert name not in plan(path, release=(0, 26)).arguments
    assert name not in plan(QWEN).arguments


def test_the_users_arguments_stand_over_all_of_ours() -> None:
    ours = plan(QWEN).arguments
    given = dict.fromkeys(ours, None) | {"max_num_seqs": 7, "kv_cache_dtype": "auto"}
    assert to_flags(plan(QWEN, given).arguments) == [
        *(["--max-num-seqs", "7"], ["--kv-cache-dtype", "auto"])
    ]
    two = plan(QWEN, {"tensor_parallel_size": 2}, gpus=4)
    assert (two.gpus, two.arguments["data_parallel_size"]) == (4, 2)
    with pytest.raises(ConfigError, match="tensor_parallel_size is 'x'"):
        plan(QWEN, {"tensor_parallel_size": "x"})


@pytest.mark.parametrize("name", [*RETIRED, "dtype"])
def test_flags_of_older_guides_are_explained(name: str) -> None:
    for written in (name, f"--{name.replace('_', '-')}"):
        with pytest.raises(ConfigError, match=f"vLLM no longer takes `{name}") as raised:
            read_arguments([(written, "fp8")])
        assert raised.value.hint


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("port", "`port` is not set by --engine-arg"),
        ("--api-key", "`api_key` is not set by --engine-arg"),
        ("uds", "`uds` is not for serve-judge"),
    ],
)
def test_what_would_lead_the_wait_astray_is_refused(name: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        read_arguments([(name, "1")])
    assert read_arguments([("dtype", "bfloat16")]) == {"dtype": "bfloat16"}


@pytest.mark.parametrize(
    ("model", "error", "words"),
    [
        ("./missing", ModelError, "`./missing` is no model folder"),
        ("a\nb", ConfigError, r"'a\\nb' is no name of a model"),
        ("a b;rm", ConfigError, "'a b;rm' is no name of a model, and no folder"),
        ("one/two/three", ConfigError, "'one/two/three' is no name of a model, and no folder"),
        ("", ConfigError, "'' is no name of a model"),
    ],
)
def test_a_model_that_is_none_is_refused(model: str, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        plan(model)


def test_a_damaged_config_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"config\.json` cannot be read: Expecting"):
        plan(str(tmp_path))


@pytest.mark.parametrize("name", Need.__struct_fields__)
def test_amounts_must_be_some(name: str) -> None:
    with pytest.raises(ConfigError, match=f"--{name.replace('_', '-')} is 0; it must be more"):
        Need(**{name: 0}).check()


def test_a_model_of_the_hub_is_found_in_its_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshots = tmp_path / "hub/models--Org--Judge/snapshots"
    snapshots.mkdir(parents=True)
    write_model(snapshots / "abc", LLAMA, gigabytes=100)
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    server = plan("Org/Judge", gpu="H100")
    assert (server.gpus, server.model, server.is_local) == (2, "Org/Judge", False)


def test_the_release_is_read_beside_the_program(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "vllm"
    assert release_of(program) is None
    (tmp_path / "lib/python3.12/site-packages/vllm-0.26.0.dist-info").mkdir(parents=True)
    (tmp_path / "lib/python3.12/site-packages/vllm_ascend-0.30.0.dist-info").mkdir()
    assert release_of(program) == (0, 26)
