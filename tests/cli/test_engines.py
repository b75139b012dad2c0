"""`judgefast engines`: what is there, what is missing, what is broken."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.engines import built_in, engine_class, engine_names
from judgefast.engines.listing import list_engines

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
SNAPSHOTS = Path(__file__).parent / "snapshots"

ENGINE = """
from judgefast.prompts.decoding import Capabilities
print("a word that is no data")

class Chat:
    drives = ("their-client", "pytest")
    capabilities = Capabilities(takes="chat", label_probabilities=True)

class State:
    capabilities = Capabilities(takes="state", label_probabilities=True, cached_tokens=True)
"""
ENTRIES = """[judgefast.engines]
chat = their_engines:Chat
state = their_engines:State
absent = their_engines:Absent
exits = their_exit:Engine
replay = their_engines:Chat
"""


@pytest.fixture
def list_here(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the program where engines of others are installed."""
    facts = tmp_path / "their_engines-2.5.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: their-engines\nVersion: 2.5\n")
    (facts / "entry_points.txt").write_text(ENTRIES)
    (tmp_path / "their_engines.py").write_text(ENGINE)
    (tmp_path / "their_exit.py").write_text("raise SystemExit('\\x1b[31mno licence')")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def found_by(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """Engines by name; the second of a name by its distribution too."""
    named: dict[str, dict[str, Any]] = {}
    for one in json.loads(done.stdout):
        name = one["name"]
        named[f"{name} of {one['distribution']}" if name in named else name] = one
    return named


def test_the_list_is_shown_whole(list_here: Callable[..., Any]) -> None:
    done = list_here("-m", "judgefast", "engines")
    seen = re.sub(r"\b\d+(\.\d+)+\S*?(?=,|\n)", "N", done.stdout)
    seen = f"exit {done.returncode}\n--- stdout\n{seen}--- stderr\n{done.stderr}"
    path = SNAPSHOTS / "engines.txt"
    if os.environ.get("JUDGEFAST_WRITE_SNAPSHOTS"):
        path.write_text(seen, encoding="utf-8")
    assert seen == path.read_text(encoding="utf-8")


def test_json_names_every_engine_and_what_installs_the_rest(
    list_here: Callable[..., Any],
) -> None:
    done = list_here("-m", "judgefast", "engines", "--json")
    assert done.returncode == 0
    named = found_by(done)
    assert {*named, "replay of their-engines"} >= {*engine_names(), "chat", "state", "absent"}
    assert named["vllm"]["capabilities"]["takes"] == "ids"
    assert named["vllm"]["sealed"] is True
    chat = named["chat"]
    assert (chat["version"], chat["installed"], chat["sealed"]) == ("2.5", False, False)
    assert chat["drives"] == {"their-client": None, "pytest": pytest.__version__}
    assert chat["install"] == "pip install their-client"
    state = named["state"]
    assert (state["installed"], state["sealed"], state["install"]) == (True, None, None)
    assert "has no attribute 'Absent'" in named["absent"]["error"]
    assert named["exits"]["error"] == "SystemExit: \x1b[31mno licence"
    assert named["replay"]["capabilities"] is None
    assert "comes before it" in named["replay of their-engines"]["error"]
    broken = {name for name, one in named.items() if one["error"]}
    assert broken == {"absent", "exits", "replay of their-engines"}


def test_nothing_heavy_is_imported_for_it(list_here: Callable[..., Any]) -> None:
    heavy = {"vllm", "torch", "openvino", "openvino_genai", "gguf", "transformers"}
    code = (
        "import sys; from judgefast.engines.listing import list_engines; list_engines();"
        f"print(*sorted({heavy} & set(sys.modules)))"
    )
    assert list_here("-c", code).stdout.splitlines()[-1] == ""


def test_an_engine_whose_module_needs_what_is_missing_is_listed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "needy.py").write_text("import a_client_that_is_nowhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("judgefast.engines._ENGINES", {"needy": ("needy", "Needy", "extra")})
    [needy] = [one for one in list_engines() if one.name == "needy"]
    assert needy.drives == {"a_client_that_is_nowhere": None}
    assert (needy.installed, needy.install) == (False, "pip install 'judgefast[extra]'")


@pytest.mark.parametrize("name", [name for name, extra in built_in().items() if extra])
def test_an_engine_of_ours_names_what_its_extra_installs(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = project["optional-dependencies"][built_in()[name]]
    assert set(engine_class(name).drives) == {re.split(r"[^\w-]", each)[0] for each in wanted}
