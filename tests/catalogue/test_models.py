"""The list of models: held to the facts it was made from, its sums to an oracle of tensors."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.catalogue.config_json import kept
from judgefast.catalogue.files import FOLDER
from judgefast.catalogue.model_view import view_of
from judgefast.catalogue.models import Model, find_model, model_of, read_models
from judgefast.catalogue.shape import Shape, shape_of
from judgefast.errors import ConfigError, ModelError

from .tensors import tensors

if TYPE_CHECKING:
    from pathlib import Path

COUNTED = {
    "Qwen2.5-72B-Instruct": 72_706_203_648,
    "gpt-oss-120b": 116_829_156_672,
    "gemma-3-27b-it": 27_009_346_304,
    "gemma-4-26B-A4B": 25_233_141_760,
    "NVIDIA-Nemotron-3-Nano-30B-A3B-BF16": 31_577_937_344 + 2_944,
    "Qwen3.5-27B": 26_895_998_464,
    "Qwen3.5-122B-A10B": 122_111_526_912,
    "GLM-4.5-Air": 106_852_245_504 + 5_760,
    "DeepSeek-V3": 671_026_404_352 + 14_848,
}
"""By transformers 5.19 on its `meta` device: parameters, and biases of routers (buffers there)."""


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own file, empty."""
    monkeypatch.setenv(FOLDER, str(tmp_path / "own"))
    return tmp_path / "own/models.jsonl"


@pytest.fixture(scope="module")
def told(shared: Path) -> dict[str, tuple[dict[str, Any], dict[str, Any] | None]]:
    """What the list was made from: facts by key, each with its config.json."""
    folder = shared / "catalog"
    rows = map(json.loads, (folder / "models.jsonl").read_text("utf-8").splitlines())
    return {
        row["key"]: (
            row,
            json.loads((folder / row["config"]).read_text("utf-8")) if row["config"] else None,
        )
        for row in rows
    }


def shape_by(key: str) -> Shape:
    shape = find_model(key).shape
    assert shape is not None
    return shape


@pytest.mark.parametrize("key", COUNTED)
def test_parameters_are_those_that_transformers_counts(key: str) -> None:
    assert shape_by(key).parameters == COUNTED[key]


def test_sums_are_those_of_every_tensor_of_every_config(
    told: dict[str, tuple[dict[str, Any], dict[str, Any] | None]],
) -> None:
    seen = 0
    for key, (row, config) in told.items():
        if config is None:
            continue
        seen += 1
        each = list(tensors(config))
        shape = shape_by(key)
        total = sum(one.numbers for one in each)
        outer = sum(one.numbers for one in each if one.name in {"embed_tokens", "lm_head"})
        multiplied = sum(one.numbers * one.share for one in each if len(one.shape) > 1)
        assert shape.parameters == total, key
        assert shape.matmul_parameters == round(multiplied), key
        assert shape.outer_parameters == outer, key
        if row["computed"] and row["computed"].get("parameters_total"):
            assert total == row["computed"]["parameters_total"], key
    assert seen == 45


def test_sums_are_those_of_the_facts(
    told: dict[str, tuple[dict[str, Any], dict[str, Any] | None]],
) -> None:
    by_precision = {"bf16": "bf16", "fp8": "fp8", "4bit": "4bit", "mxfp4": "mxfp4_experts"}
    seen = 0
    for key, (row, _) in told.items():
        computed = row["computed"]
        if not computed or not computed.get("parameters_total"):
            continue
        seen += 1
        shape = shape_by(key)
        assert shape.cache_bytes == computed["kv_bytes_per_token_16bit_growing"], key
        assert (shape.cache_bytes or 0) + shape.sliding_bytes == computed[
            "kv_bytes_per_token_16bit"
        ]
        one = shape.sequence_bytes(1, number_bytes=1, gpus=1) or 0
        assert one - shape.state_bytes == computed["kv_bytes_per_token_8bit"], key
        assert shape.window == computed["kv_sliding_window"], key
        assert shape.flop_per_token == computed["flop_per_token"], key
        # Convolutions and biases of routers are a token's too.
        assert shape.active_parameters == pytest.approx(computed["parameters_active"], rel=4e-4)
        if row["kind"] == "reward":  # a scalar in place of the head, and the facts halve it too
            continue
        wanted = [shape.precision] if shape.quantized else ["bf16", "fp8", "4bit"]
        for precision in wanted:
            assert precision is not None
            expected = computed[f"weight_bytes_{by_precision[precision]}"]
            assert shape.weight_bytes_at(precision) == expected, (key, precision)
    assert seen == 43


@pytest.mark.parametrize("model", read_models().values(), ids=lambda model: model.key)
def test_nothing_is_kept_that_no_sum_reads(model: Model) -> None:
    assert model.config is None or kept(model.config) == model.config


def test_what_people_get_wrong_is_right() -> None:
    ultra, mxfp4 = shape_by("Llama-3_1-Nemotron-Ultra-253B-v1"), shape_by("gpt-oss-120b")
    assert round((ultra.parameters or 0) / 1e9, 1) == 253.4
    assert round((ultra.weight_bytes_at("fp8") or 0) / 1e9, 1) == 257.6
    assert ultra.cache_bytes == 64 * 8 * 128 * 2 * 2, "98 of 162 blocks have no attention"
    assert shape_by("Llama-3_1-Nemotron-Ultra-253B-v1-FP8").weight_bytes == 257_603_960_832
    assert round((mxfp4.weight_bytes or 0) / 1e9, 1) == 65.2
    gemma = shape_by("gemma-3-27b-it")
    assert (gemma.cache_bytes, gemma.sliding_bytes, gemma.window) == (81_920, 425_984, 1_024)


def test_facts_are_brought_over_with_their_sources(
    told: dict[str, tuple[dict[str, Any], dict[str, Any] | None]],
) -> None:
    models = read_models()
    assert list(models) == list(told)
    for key, (row, config) in told.items():
        model = models[key]
        for field in ("family", "kind", "base_model", "licence", "released", "context"):
            assert getattr(model, field) == row[field], (key, field)
        assert model.published_parameters in {None, row["parameters_total"]}
        assert model.published_active in {None, row["parameters_active"]}
        assert (model.config is None) == (config is None)
        if config is not None and model.quantized is None:
            assert model.shape == shape_of(None, config), "what is left out counts for nothing"


@pytest.mark.parametrize("model", read_models().values(), ids=lambda model: model.key)
def test_every_figure_has_a_source_and_a_day_or_says_that_it_has_none(model: Model) -> None:
    credited = {field for source in model.sources for field in source.fields}
    credited |= set(model.unverified)
    for field in ("config", "licence", "released", "context", "tokenizer", "quantized"):
        assert getattr(model, field) is None or field in credited, field
    for field in ("base_model", "published_parameters", "published_active"):
        assert getattr(model, field) is None or field in credited, field
    assert all(getattr(model, field) is not None for field in model.unverified)
    for source in model.sources:
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", source.date)
        assert not source.source.startswith(("/", "~")), "a path of one machine"


def test_each_sum_that_is_shown_comes_to_its_result() -> None:
    numbers = re.compile(r"[\d,.]+")
    for model in read_models().values():
        view = view_of(model, [], tokens=3_000, cache="16bit")
        terms = [each for each in view.parameters if each.name not in _SUMS]
        assert sum(each.value for each in terms) == sum(
            each.value for each in view.parameters if each.name == "all"
        )
        for each in [*terms, *view.sizes]:
            words = each.arithmetic
            if each.unit and not words.startswith(tuple("0123456789")):
                continue
            words = re.sub(r"layers|heads|of experts|B\b|, .*[a-z].*$", "", words)
            words = words.replace("^", "**").replace("x", "*")
            plain = numbers.sub(lambda found: found[0].replace(",", ""), words)
            assert eval(plain) == pytest.approx(each.value, abs=1), (model.key, each)  # noqa: S307 - digits and signs alone


_SUMS = {"all", "of a token", "multiplied"}


def test_a_model_is_found_by_any_of_its_names() -> None:
    wanted = read_models()["Qwen2.5-72B-Instruct"]
    for name in ("Qwen/Qwen2.5-72B-Instruct", "qwen2.5-72b-instruct", "Qwen2.5_72B_instruct"):
        assert find_model(name) == wanted
    with pytest.raises(ConfigError, match=r"no model is named `Qwen2\.5-72B-Instrukt`") as caught:
        find_model("Qwen2.5-72B-Instrukt")
    assert "Qwen2.5-72B-Instruct" in str(caught.value.hint)
    assert "judgefast models add CONFIG.json" in str(caught.value.hint)


def test_a_folder_is_a_model_with_the_size_of_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    config = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 9}
    file = folder / "config.json"
    file.write_text(json.dumps(config | {"intermediate_size": 128, "bos_token_id": 1}))
    plain = find_model(folder)
    assert plain == find_model(str(folder)) == model_of(file)
    assert plain.key == "mine"
    assert plain.config == config | {"intermediate_size": 128}
    assert plain.weight_bytes is None
    (folder / "model.safetensors").write_bytes(b"1234" * 10)
    (folder / "hf_quant_config.json").write_text('{"quantization": {"quant_algo": "FP8"}}')
    assert find_model(folder).weight_bytes == 40
    shape = find_model(folder).shape
    assert shape is not None
    assert (shape.weight_bytes, shape.precision) == (40, "fp8")
    with pytest.raises(ModelError, match="cannot be read"):
        find_model(tmp_path / "none.json")


def test_a_model_of_the_cache_of_the_hub_is_found_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "hub/models--some--judge/snapshots/abc"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"num_hidden_layers": 2}')
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    found = find_model("some/judge")
    assert (found.key, found.hub_id) == ("some/judge", "some/judge")


def test_the_users_own_row_stands_over_ours(own: Path) -> None:
    own.parent.mkdir()
    own.write_text('{"key": "Qwen3-8B", "licence": "asked them", "weight_bytes": 9000000000}\n')
    model = find_model("Qwen3-8B")
    assert model.licence == "asked them"
    assert model.shape is not None
    assert (model.shape.weight_bytes, model.shape.cache_bytes) == (9_000_000_000, 147_456)
