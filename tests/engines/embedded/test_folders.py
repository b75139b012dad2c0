"""From a model file to a folder: what is refused, what is written, and by two at once."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from judgefast.engines.embedded import folders
from judgefast.engines.embedded.convert import _rewrite, convert
from judgefast.engines.embedded.facts import ModelFacts, read_facts, write_facts
from judgefast.engines.embedded.folders import open_model
from judgefast.engines.embedded.options import EmbeddedOptions
from judgefast.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

gguf = pytest.importorskip("gguf")

FACTS = ModelFacts(
    architecture="llama",
    vocabulary=10,
    context_tokens=64,
    eos_ids=(2,),
    special_ids=frozenset({2}),
    layers=30,
    kv_heads=3,
    head_size=64,
)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("JUDGEFAST_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write_gguf(path: Path, architecture: str = "llama", pre: str = "smollm") -> Path:
    """A file with the shape of a model, two tensors, and a tokenizer of four tokens."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(64)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(["<|end|>", "a", "b", "ab"])
    writer.add_token_types([3, 1, 1, 1])
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(0)
    values = np.random.default_rng(1).normal(size=(4, 64)).astype(np.float32)
    kind = gguf.GGMLQuantizationType.Q4_1
    writer.add_tensor("quantised", gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.add_tensor("plain", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_quantised_tensors_are_written_as_the_nearest_f16(tmp_path: Path) -> None:
    source = write_gguf(tmp_path / "small.gguf")
    before = {tensor.name: tensor for tensor in gguf.GGUFReader(source).tensors}
    _rewrite(source, tmp_path / "again.gguf")
    reader = gguf.GGUFReader(tmp_path / "again.gguf")
    after = {tensor.name: tensor for tensor in reader.tensors}
    assert after["quantised"].tensor_type == gguf.GGMLQuantizationType.F16
    expected = gguf.quants.dequantize(before["quantised"].data, before["quantised"].tensor_type)
    np.testing.assert_array_equal(after["quantised"].data, expected.astype(np.float16))
    np.testing.assert_array_equal(after["plain"].data, before["plain"].data)
    assert reader.fields["tokenizer.ggml.tokens"].contents()[3] == "ab"
    assert reader.fields["llama.context_length"].contents() == 64


def test_another_architecture_is_refused_by_name(tmp_path: Path) -> None:
    source = write_gguf(tmp_path / "gemma.gguf", architecture="gemma3")
    words = "is of architecture `gemma3` with the pre-tokenizer `smollm`; the embedded engine reads"
    with pytest.raises(ModelError, match=words):
        convert(source, tmp_path)


@pytest.mark.slow
@pytest.mark.embedded
def test_another_pre_tokenizer_is_refused_out_of_the_converting_process(
    tmp_path: Path, own_cache: Path
) -> None:
    source = write_gguf(tmp_path / "falcon.gguf", pre="falcon")
    with pytest.raises(ModelError, match="with the pre-tokenizer `falcon`"):
        open_model(source)
    assert [each.suffix for each in (own_cache / "embedded").iterdir()] == [".lock"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.gguf", "does not exist"),
        ("none", "does not exist"),
        ("model.bin", "is neither a folder nor a .gguf file"),
        ("folder", "it lacks openvino_model.xml, openvino_model.bin, config.json"),
    ],
)
def test_what_is_no_model_is_refused(name: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "model.bin").touch()
    with pytest.raises(ModelError, match=words):
        open_model(tmp_path / name)


def test_two_at_once_convert_once(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def converter(arguments: Sequence[str], _: Path) -> None:
        calls.append(arguments)
        target = Path(arguments[1])
        (target / "openvino_model.bin").write_bytes(b"weights")
        write_facts(target, FACTS)

    monkeypatch.setattr(folders, "_run_converter", converter)
    monkeypatch.setattr(folders, "_genai_version", lambda: "1")
    source = tmp_path / "small.gguf"
    source.write_bytes(b"GGUF")
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(open_model(source))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert len(found) == 3
    assert found[0] == found[1] == found[2]
    assert found[0].name == "small"
    assert found[0].path.name == f"{found[0].digest[:32]}-1"
    assert (found[0].path / "openvino_model.bin").stat().st_mode & 0o222 == 0
    assert len([each for each in (own_cache / "embedded").iterdir() if each.is_dir()]) == 1


def test_a_conversion_that_fails_leaves_nothing(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def converter(arguments: Sequence[str], _: Path) -> None:
        (Path(arguments[1]) / "half").touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folders, "_run_converter", converter)
    monkeypatch.setattr(folders, "_genai_version", lambda: "1")
    source = tmp_path / "small.gguf"
    source.write_bytes(b"GGUF")
    with pytest.raises(ModelError, match=r"cannot be converted into .*: No space left") as caught:
        open_model(source)
    assert "JUDGEFAST_CACHE" in (caught.value.hint or "")
    assert not [each for each in (own_cache / "embedded").iterdir() if each.is_dir()]


def test_a_damaged_converted_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "openvino_model.bin").write_bytes(b"weights")
    write_facts(tmp_path, FACTS)
    assert read_facts(tmp_path).layers == 30
    (tmp_path / "openvino_model.bin").write_bytes(b"WEIGHTS")
    with pytest.raises(ModelError, match="is damaged") as caught:
        read_facts(tmp_path)
    assert "it is made again" in (caught.value.hint or "")


def test_an_exported_folder_says_what_the_guards_need(tmp_path: Path) -> None:
    for name in ("openvino_model.xml", "openvino_model.bin", "openvino_tokenizer.xml"):
        (tmp_path / name).touch()
    marks = [{"id": 7, "special": True}, {"id": 8, "special": False}]
    (tmp_path / "tokenizer.json").write_text(json.dumps({"added_tokens": marks}))
    config = {
        "model_type": "qwen2",
        "vocab_size": 500,
        "max_position_embeddings": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "hidden_size": 64,
        "eos_token_id": 7,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    told = {"eos_token": {"content": "<|end|>"}, "chat_template": "{{ messages }}"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(told))
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [7, 8]}))
    facts = open_model(tmp_path).facts
    assert (facts.vocabulary, facts.context_tokens, facts.eos_ids) == (500, 128, (7, 8))
    assert (facts.head_size, facts.kv_heads, facts.eos_token) == (16, 2, "<|end|>")
    assert facts.special_ids == {7}
    assert facts.chat_template == "{{ messages }}"
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="says too little of the model"):
        open_model(tmp_path)


def test_the_cache_is_counted_in_blocks() -> None:
    assert FACTS.bytes_per_token(4) == 46_080
    assert EmbeddedOptions().blocks(46_080) == 728
    assert EmbeddedOptions(kv_blocks=9).blocks(46_080) == 9
    with pytest.raises(ConfigError, match="holds not one block"):
        EmbeddedOptions(cache_gb=0.01).blocks(10_000_000)
