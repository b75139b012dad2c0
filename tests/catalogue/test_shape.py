"""What a model's files say of its size, held to figures that others have published."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from judgefast.catalogue.shape import Shape, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_sizes_are_those_of_the_catalogue_for_every_model(
    shared: Path, model: Callable[[str], Shape]
) -> None:
    by_method = {None: "bf16", "fp8": "fp8", "mxfp4": "mxfp4_experts"}
    seen = 0
    for line in (shared / "catalog/models.jsonl").read_text("utf-8").splitlines():
        told = json.loads(line)
        if told["config"] is None or not (shared / "catalog" / told["config"]).is_file():
            continue
        computed, shape = told["computed"], model(told["config"].split("/")[1])
        if not computed or "kv_bytes_per_token_16bit_growing" not in computed:
            continue
        seen += 1
        assert shape.cache_bytes == computed["kv_bytes_per_token_16bit_growing"], told["key"]
        both = (shape.cache_bytes or 0) + shape.sliding_bytes
        assert both == computed["kv_bytes_per_token_16bit"], told["key"]
        assert shape.window == computed["kv_sliding_window"], told["key"]
        if shape.weight_bytes is None:  # layers unlike each other: the files have to say
            assert {"Nemotron", "DeepSeek", "Qwen3.5", "gemma"} & set(
                told["key"].replace("-", " ").replace("_", " ").split()
            ), told["key"]
            continue
        if "Reward" in told["key"]:  # a scalar in place of the output head
            continue
        expected = computed[f"weight_bytes_{by_method[shape.quantized]}"]
        assert shape.weight_bytes == pytest.approx(expected, rel=0.01), told["key"]
        if shape.quantized is None:
            rounded = computed["weight_bytes_fp8"]
            assert shape.quantized_bytes() == pytest.approx(rounded, rel=0.01), told["key"]
    assert seen > 40


def test_files_say_more_of_the_weights_than_the_config(tmp_path: Path) -> None:
    config = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 9}
    index = tmp_path / "model.safetensors.index.json"
    index.write_text('{"metadata": {"total_size": 77}, "weight_map": {"a": "m.safetensors"}}')
    assert shape_of(tmp_path, config).weight_bytes == 77, "not fetched yet"
    (tmp_path / "m.safetensors").write_bytes(b"12345")
    (tmp_path / "consolidated.safetensors").write_bytes(b"the same again")
    assert shape_of(tmp_path, config).weight_bytes == 5
    index.unlink()
    assert shape_of(tmp_path, config).weight_bytes == 5


def test_a_quantised_checkpoint_is_known_wherever_it_says_so(tmp_path: Path) -> None:
    fp8 = {"quant_method": "fp8"}
    assert shape_of(tmp_path, {}).quantized is None
    assert shape_of(tmp_path, {"text_config": {"quantization_config": fp8}}).quantized == "fp8"
    assert shape_of(tmp_path, {"compression_config": fp8}).quantized == "fp8"
    assert shape_of(tmp_path, {"quantization_config": {"quant_algo": "FP8"}}).quantized == "unnamed"
    (tmp_path / "hf_quant_config.json").write_text('{"quantization": {"quant_algo": "FP8"}}')
    assert shape_of(tmp_path, {}).quantized == "modelopt"


def test_numbers_of_32_bits_take_half_of_their_file_in_memory(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"1234" * 10)
    assert shape_of(tmp_path, {"torch_dtype": "bfloat16"}).weight_bytes == 40
    for single in ({"torch_dtype": "float32"}, {"text_config": {"dtype": "float32"}}):
        assert shape_of(tmp_path, single).weight_bytes == 20
    own = {"torch_dtype": "float32", "quantization_config": {"quant_method": "awq"}}
    assert shape_of(tmp_path, own).weight_bytes == 40


def test_what_a_config_leaves_to_its_class_is_known(tmp_path: Path) -> None:
    """As the hub has gemma-3-4b-it and gemma-2-9b-it, shortened."""
    third = {"model_type": "gemma3_text", "hidden_size": 2_560, "sliding_window": 1_024}
    shape = shape_of(tmp_path, {"text_config": third | {"num_hidden_layers": 34}})
    assert shape.cache_bytes == 5 * 4 * 256 * 4  # layers, heads of keys, size, two halves
    assert (shape.sliding_bytes, shape.window) == (29 * 4 * 256 * 4, 1_024)
    second = {
        "model_type": "gemma2",
        "num_hidden_layers": 42,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "sliding_window": 4_096,
    }
    shape = shape_of(tmp_path, second)
    assert shape.cache_bytes == shape.sliding_bytes == 21 * 8 * 256 * 4


def test_layers_of_a_kind_that_looks_at_all_tokens_are_counted_by_any_name(tmp_path: Path) -> None:
    kinds = ["mamba", "attention", "linear_attention", "chunked_attention", "full_attention"]
    sizes = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8}
    config = {**sizes, "num_hidden_layers": 5, "layer_types": kinds}
    assert shape_of(tmp_path, config).cache_bytes == 3 * 8 * 4


def test_the_context_is_the_least_that_config_and_tokenizer_say(tmp_path: Path) -> None:
    config = {"text_config": {"max_position_embeddings": 8_192}}
    assert shape_of(tmp_path, {}).context is None
    assert shape_of(tmp_path, config).context == 8_192
    (tmp_path / "tokenizer_config.json").write_text('{"model_max_length": 2048}')
    assert shape_of(tmp_path, config).context == 2_048
    (tmp_path / "tokenizer_config.json").write_text("{")
    assert shape_of(tmp_path, config).context == 8_192


def test_a_sequence_takes_its_window_and_heads_that_cannot_be_shared_twice(
    model: Callable[[str], Shape],
) -> None:
    sliding, dense, latent = map(model, ("gpt-oss-120b", "Qwen3-8B", "DeepSeek-V3"))
    both = sliding.sequence_bytes(1_000, number_bytes=2, gpus=1)
    assert both == 36_864 * 1_000 + 36_864 * 128
    assert sliding.sequence_bytes(100, number_bytes=1, gpus=1) == 36_864 * 100
    one = dense.sequence_bytes(10, number_bytes=2, gpus=1)
    assert one == 1_474_560
    assert dense.sequence_bytes(10, number_bytes=2, gpus=8) == one
    assert dense.sequence_bytes(10, number_bytes=2, gpus=16) == 2 * one
    assert latent.sequence_bytes(10, number_bytes=2, gpus=8) == 8 * 702_720


def test_layers_that_keep_a_state_take_it_once_for_each_sequence(
    model: Callable[[str], Shape],
) -> None:
    linear = model("Qwen3.5-27B")  # 48 layers: a matrix a head in 32 bits, the last 3 inputs in 16
    state = 48 * (48 * 128 * 128 * 4 + (48 * 128 + 2 * 16 * 128) * 3 * 2)
    assert linear.state_bytes == state
    assert linear.sequence_bytes(100, number_bytes=1, gpus=2) == state + 100 * 65_536 / 2
    mamba = model("NVIDIA-Nemotron-3-Nano-30B-A3B-BF16")
    assert mamba.state_bytes == 23 * (64 * 64 * 128 * 4 + (64 * 64 + 2 * 8 * 128) * 3 * 2)
    assert model("Qwen3-8B").state_bytes == model("gpt-oss-120b").state_bytes == 0
