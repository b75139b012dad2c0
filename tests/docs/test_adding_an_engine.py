"""CONTRIBUTING says how an engine is added; this adds one, by the very words of the page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECTION = (ROOT / "CONTRIBUTING.md").read_text("utf-8").split("\n### An engine\n")[1]
ENGINE = (ROOT / "docs" / "engines.md").read_text("utf-8").split("```python\n")[1].split("```")[0]
HAS_WHEELS = find_spec("setuptools") and find_spec("setuptools.command.bdist_wheel")


def block(language: str) -> str:
    [text] = re.findall(rf"(?ms)^```{language}\n(.*?)^```$", SECTION.split("\n### ")[0])
    return text


@pytest.mark.slow
def test_an_engine_is_added_as_the_page_says(tmp_path: Path) -> None:
    package, site = tmp_path / "longer-engine", tmp_path / "site"
    package.mkdir()
    (package / "longer_engine.py").write_text(ENGINE, "utf-8")
    (package / "pyproject.toml").write_text(block("toml"), "utf-8")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    # What is needed to build it is here, so that nothing has to be fetched.
    alone = "" if not HAS_WHEELS else "--no-build-isolation"
    words = f"""
        pip() {{ "{sys.executable}" -m pip -q "$@" --no-deps {alone} --target "{site}"; }}
        judgefast() {{ "{sys.executable}" -m judgefast "$@"; }}
        python() {{ (cd "{ROOT}" && "{sys.executable}" "$@" -p no:cacheprovider); }}
    """
    path = os.pathsep.join([str(site), str(ROOT / "python")])
    steps = re.split(r"(?m)^\$ ", block("console"))[1:]
    assert [step.split(" ")[0] for step in steps] == ["pip", "judgefast", "judgefast", "python"]
    for step in steps:
        command, _, shown = step.partition("\n")
        done = subprocess.run(
            ["bash", "-ec", words + command],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        for line in shown.replace("...", "").splitlines():
            assert line.strip() in done.stdout, command


def test_the_engine_and_its_name_are_those_of_the_other_page() -> None:
    assert 'longer = "longer_engine:LongerAnswerEngine"' in block("toml")
    assert "class LongerAnswerEngine:" in ENGINE
