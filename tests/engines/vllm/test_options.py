"""Settings of the vLLM engine, the files of its judge and its replies, where vLLM is not needed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.engines import create_engine
from judgefast.engines.vllm.child import words_of
from judgefast.engines.vllm.models import find_model
from judgefast.engines.vllm.options import VllmOptions, listed
from judgefast.errors import ConfigError, ModelError
from judgefast.prompts.model_folder import digest_of, read_model_folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"replicas": 0}, "replicas is 0; the engine `vllm` takes an integer from 1"),
        ({"room": 1.5}, "room is 1.5"),
        ({"max_restarts": -1}, "max_restarts is -1; .* from 0"),
        ({"step_seconds": 0}, "step_seconds is 0; the engine `vllm` takes a number above 0"),
        ({"load_seconds": "soon"}, "load_seconds is 'soon'"),
        ({"arguments": {"max_model_len": "8k"}}, "max_model_len is '8k'; .* an integer from 1"),
        ({"arguments": {"max_model_len": -1}}, "max_model_len is -1"),
        ({"arguments": {"max_num_seqs": 0}}, "max_num_seqs is 0"),
        ({"arguments": {"max_num_seqs": None}}, "max_num_seqs is None"),
        ({"arguments": {"tensor_parallel_size": "two"}}, "tensor_parallel_size is 'two'"),
        ({"arguments": {"gpu_memory_utilization": "most"}}, "gpu_memory_utilization is 'most'"),
        ({"devices": ("0",), "replicas": 2}, "devices names 1 sets for 2 replicas"),
        ({"arguments": {"tokenizer": "x"}}, "`tokenizer` is set by the engine"),
        ({"arguments": {"data_parallel_size": 2}}, "`data_parallel_size` is not for the engine"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        VllmOptions(**options).check()


@pytest.mark.parametrize("devices", [0, "0,1"])
def test_devices_that_are_no_list_are_refused(devices: object) -> None:
    with pytest.raises(ConfigError, match=r"devices is .* takes a list") as raised:
        listed(devices)
    assert 'devices=["0,1", "2,3"]' in str(raised.value.hint)
    assert listed([0, "1,2"]) == ("0", "1,2")


def test_of_an_error_the_setting_and_what_is_wrong_with_it_are_said() -> None:
    checked = (
        "1 validation error for SchedulerConfig\nmax_num_seqs\n  Input should be greater [type=x]\n"
        "    For further information visit https://errors.pydantic.dev/2.14/v/greater"
    )
    said = "ValueError: max_num_seqs: Input should be greater [type=x]"
    assert words_of(ValueError(checked)) == said
    assert words_of(ValueError("first\nlast\n")) == "ValueError: last"
    assert words_of(ValueError()) == "ValueError"


def test_the_users_arguments_stand_over_what_was_chosen_and_the_defaults() -> None:
    options = VllmOptions(arguments={"max_num_seqs": 64, "seed": 7})
    arguments = options.vllm_arguments("folder", {"max_num_seqs": 128, "max_model_len": 512})
    assert (arguments["max_num_seqs"], arguments["seed"]) == (64, 7)
    assert arguments["max_model_len"] == 512
    assert arguments["structured_outputs_config"]["disable_any_whitespace"] is True
    assert options.lane_room(64) == 128
    assert VllmOptions(room=5).lane_room(64) == 5


def test_without_vllm_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("judgefast.engines.vllm.engine.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match="engine `vllm` needs `vllm`") as raised:
        create_engine("vllm", model="folder")
    assert "judgefast[vllm]" in str(raised.value.hint)


def test_a_judge_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs a judge model"):
        find_model(None)
    with pytest.raises(ModelError, match=r"has no config\.json"):
        find_model(str(tmp_path))
    with pytest.raises(ModelError, match="is no model folder"):
        find_model(str(tmp_path / "nothing"))


@pytest.fixture
def folder(tmp_path: Path, shared: Path) -> Path:
    for path in (shared / "h200/configs/Qwen2.5-72B-Instruct").glob("*.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model-1.safetensors").write_bytes(b"weights")
    return tmp_path


def test_a_folder_tells_template_context_and_every_end_of_text(folder: Path) -> None:
    found = read_model_folder(folder, name="judge")
    tokenizer = found.model.tokenizer
    assert tokenizer is not None
    assert found.model.name == "judge"
    assert "im_start" in (found.model.chat_template or "")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    assert found.model.context_tokens == config["max_position_embeddings"]
    assert "<|im_end|>" in [tokenizer.decode([each]) for each in found.eos_ids]
    (folder / "chat_template.jinja").write_text("another", encoding="utf-8")
    assert read_model_folder(folder).model.chat_template == "another"


def test_other_weights_or_another_revision_are_another_judge(folder: Path, tmp_path: Path) -> None:
    first = digest_of(folder)
    assert digest_of(folder) == first
    (folder / "model-1.safetensors").write_bytes(b"Weights")
    assert digest_of(folder) != first
    revisions = [tmp_path / "snapshots" / name for name in ("aaa", "bbb")]
    assert len({digest_of(each) for each in revisions}) == 2


def test_a_file_of_the_folder_that_is_damaged_is_named(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"tokenizer_config\.json` cannot be read"):
        read_model_folder(folder)
