"""What `--print` shows, whole, and what it means to a shell."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

SNAPSHOTS = Path(__file__).parent / "snapshots"
CASES = {
    "qwen": ["Qwen/Qwen2.5-72B-Instruct"],
    "gpt-oss": [
        *("openai/gpt-oss-120b", "--gpu", "H100", "--gpus", "2", "--key-file", "key"),
        *("--prompt-tokens", "700", "--answer-tokens", "1", "--answers-per-second", "900"),
    ],
    "nemotron": ["nvidia/Llama-3_1-Nemotron-Ultra-253B-v1-FP8", "--port", "9000"],
    "folder": [
        *("./my judge", "--host", "0.0.0.0", "--engine-arg", "max_num_seqs=64"),  # noqa: S104 - printed, never listened on
        *("--engine-arg", "--enforce-eager=true", "--engine-arg", "generation_config=null"),
    ],
}


def run(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "judgefast", "serve-judge", *words],
        cwd=folder,
        env=os.environ | {"PATH": "", "HF_HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    seen = f"exit {done.returncode}\n--- stdout\n{done.stdout}--- stderr\n{done.stderr}"
    return seen.replace(str(folder.resolve()), "/FOLDER")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my judge").mkdir()
    (tmp_path / "my judge" / "config.json").write_text('{"max_position_embeddings": 4096}')
    return tmp_path


@pytest.mark.parametrize("name", CASES)
def test_print_shows_a_command_for_each_place(name: str, folder: Path) -> None:
    seen = run(folder, *CASES[name], "--print")
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("JUDGEFAST_WRITE_SNAPSHOTS"):
        path.write_text(seen, encoding="utf-8")
    assert seen == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["a b;rm"], "'a b;rm' is no name of a model, and no folder"),
        (["Org/Judge", "--port", "99999"], "--port is 99999; it must be from 0 to 65535"),
        (["Org/Judge", "--host", "a b"], "--host is 'a b', which is no name of a machine"),
    ],
)
def test_print_refuses_what_could_not_be_started(
    words: list[str], error: str, folder: Path
) -> None:
    seen = run(folder, *words, "--print")
    assert seen.startswith(f"exit 2\n--- stdout\n--- stderr\nerror: {error}")
    assert "\nhint: " in seen


def test_the_three_places_run_the_same_server(folder: Path) -> None:
    seen = run(folder, *CASES["folder"], "--print", "--json")
    ways = json.loads(seen.split("--- stdout\n")[1].split("--- stderr\n")[0])
    served = {}
    for name, text in ways.items():
        command = re.sub(r"^  ", "", text.partition("run: |\n")[2] or text, flags=re.MULTILINE)
        words = shlex.split(command.replace("\\\n", " "))
        served[name] = words[words.index("serve") + 1 :]
    assert served["shell"][0] == "/FOLDER/my judge"
    assert served["docker"][0] == served["skypilot"][0] == "/model"
    assert served["shell"][1:] == served["docker"][1:] == served["skypilot"][1:]
    assert "--volume '/FOLDER/my judge:/model:ro'" in ways["docker"]
    assert '  /model: "/FOLDER/my judge"\n' in ways["skypilot"]
