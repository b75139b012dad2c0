"""What a model's files say of its size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.catalogue.config_json import KEYS, kept
from judgefast.catalogue.models import find_model
from judgefast.catalogue.shape import Shape, read_shape, shape_of
from judgefast.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path


def model(key: str) -> Shape:
    """Shape of a model of the catalogue, by its config.json alone."""
    shape = find_model(key).shape
    assert shape is not None
    return shape


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


def test_a_sequence_takes_its_window_and_heads_that_cannot_be_shared_twice() -> None:
    sliding, dense, latent = map(model, ("gpt-oss-120b", "Qwen3-8B", "DeepSeek-V3"))
    both = sliding.sequence_bytes(1_000, number_bytes=2, gpus=1)
    assert both == 36_864 * 1_000 + 36_864 * 128
    assert sliding.sequence_bytes(100, number_bytes=1, gpus=1) == 36_864 * 100
    one = dense.sequence_bytes(10, number_bytes=2, gpus=1)
    assert one == 1_474_560
    assert dense.sequence_bytes(10, number_bytes=2, gpus=8) == one
    assert dense.sequence_bytes(10, number_bytes=2, gpus=16) == 2 * one
    assert latent.sequence_bytes(10, number_bytes=2, gpus=8) == 8 * 702_720


def test_layers_that_keep_a_state_take_it_once_for_each_sequence() -> None:
    linear = model("Qwen3.5-27B")  # 48 layers: a matrix a head in 32 bits, the last 3 inputs in 16
    state = 48 * (48 * 128 * 128 * 4 + (48 * 128 + 2 * 16 * 128) * 3 * 2)
    assert linear.state_bytes == state
    assert linear.sequence_bytes(100, number_bytes=1, gpus=2) == state + 100 * 65_536 / 2
    mamba = model("NVIDIA-Nemotron-3-Nano-30B-A3B-BF16")
    assert mamba.state_bytes == 23 * (64 * 64 * 128 * 4 + (64 * 64 + 2 * 8 * 128) * 3 * 2)
    assert model("Qwen3-8B").state_bytes == model("gpt-oss-120b").state_bytes == 0


def test_looking_back_takes_four_flop_for_each_number_of_each_head() -> None:
    dense, sliding, latent = map(model, ("Qwen2.5-72B-Instruct", "gpt-oss-120b", "DeepSeek-V3"))
    assert dense.attention_flop(1_000) == 4 * 80 * 64 * 128 * 1_000
    assert sliding.attention_flop(1_000) == 4 * 18 * 64 * 64 * (1_000 + 128)
    assert sliding.attention_flop(100) == 4 * 36 * 64 * 64 * 100
    assert latent.attention_flop(10) == 61 * 128 * (2 * 192 + 2 * 128) * 10
    nas = model("Llama-3_1-Nemotron-Ultra-253B-v1")
    assert nas.attention_flop(1) == 4 * 64 * 128 * 128, "64 of 162 blocks have attention"


def test_a_step_reads_the_experts_that_are_asked_and_no_embedding() -> None:
    dense, routed = model("Qwen2.5-72B-Instruct"), model("Qwen3-30B-A3B")
    table = 2 * 152_064 * 8_192
    assert dense.read_bytes_at("fp8", 64) == dense.weight_bytes_at("fp8") - table
    table = 2 * 151_936 * 2_048
    experts = 2 * 48 * 128 * 3 * 2_048 * 768
    for sequences, asked in ((1, 8 / 128), (2, 1 - (120 / 128) ** 2), (10_000, 1)):
        read = routed.read_bytes_at("bf16", sequences)
        expected = routed.weight_bytes - table - experts * (1 - asked)
        assert read == pytest.approx(expected, rel=1e-9), sequences
    own = model("gpt-oss-120b")
    assert own.read_bytes_at(None, 1e9) == own.weight_bytes - 2 * 201_088 * 2_880
    experts = 36 * 128 * 3 * 2_880 * 2_880 * 4.25 / 8
    one = own.weight_bytes - 2 * 201_088 * 2_880 - experts * 124 / 128
    assert own.read_bytes_at("bf16", 1) == pytest.approx(one, rel=1e-9)


def test_a_checkpoint_that_is_quantised_keeps_its_own_precision() -> None:
    own, plain = model("gpt-oss-120b"), model("Qwen2.5-7B-Instruct")
    assert {own.weight_bytes_at(each) for each in ("bf16", "fp8", "4bit", None)} == {65_248_815_744}
    assert plain.weight_bytes_at(None) == plain.weight_bytes_at("bf16") == plain.weight_bytes
    assert plain.weight_bytes_at("mxfp4") is None, "it has no experts"


@pytest.mark.parametrize(
    ("said", "precision"),
    [
        ({"quant_method": "awq", "bits": 4}, "4bit"),
        ({"quant_method": "gptq", "bits": 8}, None),
        ({"quant_method": "fbgemm_fp8"}, "fp8"),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float"}}},
            },
            "fp8",
        ),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"weights": {"num_bits": 4, "type": "int"}}},
            },
            "4bit",
        ),
    ],
)
def test_ways_of_quantising_are_known_by_their_bits(
    said: dict[str, object], precision: str | None
) -> None:
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 9}
    shape = shape_of(None, {**sizes, "intermediate_size": 128, "quantization_config": said})
    assert shape.precision == precision
    assert (shape.weight_bytes is None) == (precision is None)


_SMALL: dict[str, object] = {
    "hidden_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "vocab_size": 320,
    "head_dim": 16,
}
_EXPERTS = {"num_experts_per_tok": 2, "moe_intermediate_size": 24}
_HYBRID = {
    **_EXPERTS,
    "n_routed_experts": 4,
    "n_shared_experts": 1,
    "moe_shared_expert_intermediate_size": 40,
    "mamba_num_heads": 4,
    "mamba_head_dim": 8,
    "ssm_state_size": 8,
    "n_groups": 2,
    "conv_kernel": 4,
}


@pytest.mark.parametrize(
    ("kind", "more", "counted"),
    [
        ("cohere2", {}, 143_680),
        (
            "deepseek_v2",
            _EXPERTS
            | {"kv_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 8, "v_head_dim": 6}
            | {"n_routed_experts": 4, "n_shared_experts": 1, "first_k_dense_replace": 1},
            153_184,
        ),
        ("gemma", {"tie_word_embeddings": True}, 143_936),
        ("gemma2", {"sliding_window": 8}, 144_448),
        ("olmo2", {}, 164_800),
        ("olmo3", {}, 164_800),
        ("phi3", {}, 164_416),
        ("llama", {"mlp_bias": True, "attention_bias": True}, 166_208),
        ("mistral", {}, 164_416),
        (
            "qwen2_moe",
            _EXPERTS
            | {"num_experts": 4, "shared_expert_intermediate_size": 40, "decoder_sparse_step": 2},
            180_928,
        ),
        ("qwen3", {"attention_bias": True}, 165_312),
        ("qwen3_moe", _EXPERTS | {"num_experts": 4, "mlp_only_layers": [0, 2]}, 165_056),
        (
            "qwen3_next",
            _EXPERTS
            | {"num_experts": 4, "shared_expert_intermediate_size": 40}
            | {"linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 8}
            | {"linear_value_head_dim": 8, "linear_conv_kernel_dim": 4}
            | {"full_attention_interval": 4},
            190_608,
        ),
        (
            "glm4_moe",
            _EXPERTS
            | {"n_routed_experts": 4, "n_shared_experts": 2, "first_k_dense_replace": 1}
            | {"use_qk_norm": True, "attention_bias": True},
            193_484,
        ),
        ("nemotron_h", _HYBRID | {"hybrid_override_pattern": "M*-E"}, 92_336),
        (
            "nemotron_h",
            _HYBRID | {"layers_block_type": ["mamba", "full_attention", "mlp", "moe"]},
            92_336,
        ),
    ],
)
def test_a_small_model_of_each_class_has_what_transformers_builds(
    kind: str, more: dict[str, object], counted: int
) -> None:
    """By transformers 5.19 on its `meta` device; biases of routers, buffers there, count."""
    config = _SMALL | {"model_type": kind} | more
    assert shape_of(None, config).parameters == counted
    assert shape_of(None, kept(config)).parameters == counted


def test_layers_of_an_unknown_letter_are_not_guessed() -> None:
    config = _SMALL | _HYBRID | {"model_type": "nemotron_h", "hybrid_override_pattern": "M*?E"}
    assert shape_of(None, config).parameters is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 300) | st.floats(0, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=4,
)
_BLOCKS = st.lists(
    st.fixed_dictionaries(
        {
            "attention": st.none() | st.dictionaries(st.sampled_from(["n_heads_in_group"]), _JSON),
            "ffn": st.dictionaries(st.sampled_from(["ffn_mult", "no_op"]), _JSON),
        }
    ),
    max_size=3,
)


@settings(max_examples=100)
@given(
    st.dictionaries(st.sampled_from(sorted(KEYS)), _JSON, max_size=30),
    st.dictionaries(st.sampled_from(sorted(KEYS)), st.integers(1, 99), min_size=5),
    st.one_of(st.just({}), _BLOCKS.map(lambda blocks: {"block_configs": blocks})),
)
def test_whatever_a_config_holds_its_kept_keys_say_the_same(
    any_json: dict[str, object], sizes: dict[str, object], blocks: dict[str, object]
) -> None:
    config = {"bos_token_id": 1} | sizes | any_json | blocks
    shape = shape_of(None, config)
    assert shape_of(None, kept(config)) == shape
    assert shape_of(None, kept(kept(config))) == shape


def test_a_config_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config\.json` cannot be read"):
        read_shape(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ModelError, match=r"config\.json` holds no JSON object"):
        read_shape(tmp_path)
