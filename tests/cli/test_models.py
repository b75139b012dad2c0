"""`judgefast models`: the list, one model whole, and models of one's own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from judgefast.catalogue.files import FOLDER
from judgefast.cli.app import app
from judgefast.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

SNAPSHOTS = Path(__file__).parent / "snapshots"
CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
    "bos_token_id": 1,
}


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own file, not there yet."""
    monkeypatch.setenv(FOLDER, str(tmp_path / "own"))
    return tmp_path / "own/models.jsonl"


@pytest.fixture
def told() -> Callable[..., str]:
    """What the command writes to stdout, in this process."""

    def run(*args: str) -> str:
        done = CliRunner().invoke(app, ["models", *args], standalone_mode=False)
        if done.exception is not None:
            raise done.exception
        return done.stdout

    return run


def matches(seen: str, name: str) -> bool:
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("JUDGEFAST_WRITE_SNAPSHOTS"):
        path.write_text(seen, encoding="utf-8")
    return seen == path.read_text(encoding="utf-8")


def test_the_list_shows_what_each_model_needs(judgefast: Callable[..., str]) -> None:
    assert matches(judgefast("models"), "models")


def test_one_model_is_shown_with_its_sources_and_every_sum(judgefast: Callable[..., str]) -> None:
    seen = judgefast("models", "openai/gpt-oss-120b", "--fits", "H100", "--tokens", "4000")
    assert matches(seen, "model")


def test_a_model_that_fits_nowhere_says_by_how_much(judgefast: Callable[..., str]) -> None:
    seen = judgefast("models", "Llama-3.1-405B-Instruct", "--fits", "L40S:4", "--cache", "fp8")
    assert matches(seen, "model-fits-nowhere")


def test_a_wrong_name_is_answered_with_the_nearest(judgefast: Callable[..., str]) -> None:
    seen = judgefast("models", "Qwen2.5-72B-Instrukt")
    assert seen.startswith("exit 2\n--- stdout\n--- stderr\nerror: no model is named")
    assert "`Qwen2.5-72B-Instruct`" in seen


def test_filters_leave_what_they_say(told: Callable[..., str]) -> None:
    judges = json.loads(told("--kind", "judge", "--family", "llama-3", "--json"))
    assert [each["key"] for each in judges] == [
        "Selene-1-Mini-Llama-3.1-8B",
        "Selene-1-Llama-3.3-70B",
        "Skywork-Critic-Llama-3.1-70B",
    ]
    assert {each["has_room"] for each in judges} == {None}
    on_one = json.loads(told("--kind", "judge", "--fits", "L4:1", "--json"))
    assert all(any(not way["lacking_bytes"] for way in each["fits"]) for each in on_one)
    assert "Selene-1-Mini-Llama-3.1-8B" in {each["key"] for each in on_one}
    assert "Selene-1-Llama-3.3-70B" not in {each["key"] for each in on_one}
    assert {way["gpus"] for each in on_one for way in each["fits"]} == {1}


@pytest.mark.parametrize(
    ("flags", "words", "hint"),
    [
        (["--kind", "jugde"], "no model is of the kind `jugde`", "did you mean `judge`?"),
        (
            ["--family", "modernbart"],
            "no model is of the family `modernbart`",
            "did you mean `modernbert`?",
        ),
        (["--family", "?"], "no model is of the family `?`", "there are: deepseek-v3, "),
        (["--fits", "H300"], "no GPU is named `H300`", "`H200-SXM`"),
        (["Qwen3-8B", "Qwen3-4B"], "2 names are given, and one is shown", "write `add FOLDER`"),
        (["add"], "`add` takes one config.json or folder, and 0 are given", "models/mine"),
    ],
)
def test_what_cannot_be_shown_is_named_with_what_can(
    told: Callable[..., str], flags: list[str], words: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        told(*flags)
    assert str(caught.value) == words
    assert hint in str(caught.value.hint)


def test_where_nothing_fits_the_nearest_is_named(judgefast: Callable[..., str]) -> None:
    seen = judgefast("models", "--family", "deepseek-v3", "--fits", "L4:2")
    assert seen == (
        "exit 0\n--- stdout\n--- stderr\nnone fits on 2 x L4 with one sequence of 3,000 tokens; "
        "nearest is DeepSeek-R1 at fp8, which lacks 635.3 GB\n"
    )


def test_json_has_facts_sums_and_places(told: Callable[..., str]) -> None:
    seen = json.loads(told("Qwen2.5-72B-Instruct", "--fits", "H200", "--json"))
    assert seen["model"]["hub_id"] == "Qwen/Qwen2.5-72B-Instruct"
    assert seen["model"]["tokenizer"] is None
    assert seen["shape"]["parameters"] == 72_706_203_648
    assert {each["name"]: each["value"] for each in seen["sizes"]}["KV a token, fp8"] == 163_840
    fp8 = next(each for each in seen["fits"] if each["weights"] == "fp8")
    assert (fp8["gpus"], fp8["sequences"], fp8["memory_as_sold"]) == (1, 60, False)
    unsure = json.loads(told("Qwen2.5-72B-Instruct", "--fits", "B200", "--json"))["fits"]
    assert {(each["memory_bytes"], each["memory_as_sold"]) for each in unsure} == {
        (180 * 10**9, True)
    }
    assert "* as sold: what the driver reports is not known" in told("Qwen3-8B", "--fits", "B200")


def test_a_model_of_ones_own_is_added_and_found(
    told: Callable[..., str], tmp_path: Path, own: Path
) -> None:
    folder = tmp_path / "models/mine"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    assert told("add", str(folder), "--kind", "judge", "--family", "own").strip() == str(own)
    row = json.loads(own.read_text("utf-8"))
    assert (row["key"], row["kind"], row["family"]) == ("mine", "judge", "own")
    assert row["config"] == {key: CONFIG[key] for key in sorted(CONFIG) if key != "bos_token_id"}
    assert row["sources"][0]["source"] == str(folder / "config.json")
    seen = told("mine", "--fits", "H100")
    assert "8,030,261,248  = their sum" in seen
    assert "licence                     unknown" in seen
    told("add", str(folder / "config.json"), "--name", "Qwen3-8B")
    assert json.loads(told("Qwen3-8B", "--json"))["shape"]["vocabulary"] == 128_256
    told("add", str(folder))
    assert len(own.read_text("utf-8").splitlines()) == 2, "it stands in the place of the first"


def test_a_model_whose_layers_are_not_known_is_added_and_says_so(
    judgefast: Callable[..., str], folder: Path
) -> None:
    (folder / "config.json").write_text(json.dumps(CONFIG | {"model_type": "newest"}))
    seen = judgefast("models", "add", "config.json", "--name", "new")
    assert "`new`: 8,030,261,248 parameters" in seen
    assert "`newest` is not known here: counted as a plain transformer" in seen
    (folder / "config.json").write_text('{"num_hidden_layers": 2}')
    seen = judgefast("models", "add", "config.json", "--name", "new")
    assert "its parameters cannot be computed; its files have to say its size" in seen
    seen = judgefast("models", "new")
    assert seen.startswith("exit 0\n")
    assert "cannot be computed: its weights or its cache are not known" in seen


def test_a_folder_that_is_none_cannot_be_added(told: Callable[..., str], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        told("add", str(tmp_path / "nowhere"))
