"""An engine of another distribution, from the shell: found, judged with, lost, gone on with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from judgefast.engines import built_in, create_engine, engine_names
from judgefast.errors import ConfigError

from .judging import assert_judged, pair_rows
from .server import JudgeServer

HERE = Path(__file__).parent
PACKAGE = Path(__file__).resolve().parents[3] / "python"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder as `pip install their-judges` leaves it."""
    folder = tmp_path / "site"
    package = folder / "their_judges"
    package.mkdir(parents=True)
    for name in ("__init__", "http_pool", "chat"):
        (package / f"{name}.py").write_text((HERE / f"{name}.py").read_text("utf-8"), "utf-8")
    facts = folder / "their_judges-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: their-judges\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[judgefast.engines]\ntheirs = their_judges.chat:ChatEngine\n"
    )
    return folder


def judgefast(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "judgefast", *words],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(site), str(PACKAGE)])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_installed_engine_judges_from_the_shell_and_resumes(site: Path, tmp_path: Path) -> None:
    data, out = tmp_path / "pairs.jsonl", tmp_path / "run"
    data.write_text("".join(json.dumps(row) + "\n" for row in pair_rows(12)))
    with JudgeServer(busy=3, dies_after=9) as server:
        url = ["--engine-arg", f"url={server.url}", "--engine-arg", "patience=0.1"]
        words = ["run", str(data), "--rubric", "pairwise", "--engine", "theirs", "--out", str(out)]
        cut = judgefast(site, *words, *url)
    assert cut.returncode == 3, cut.stderr
    assert "15 judgments failed: 9 of 24 judgments are done" in cut.stderr
    assert f"go on with: judgefast resume {out}" in cut.stderr
    with JudgeServer(port=server.server_port) as again:
        done = judgefast(site, "resume", str(out), "--json")
    assert done.returncode == 0, done.stderr
    assert again.answered == 15
    report = json.loads(done.stdout)
    assert report["operations"]["attempts"] == 24 + 15
    assert [launch["engine"]["served"] for launch in report["operations"]["launches"]] == [
        "opinionated-1"
    ] * 2
    assert_judged(out, "pairwise", 12, by="text")


def test_an_installed_engine_is_one_of_the_names(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(site)
    assert engine_names() == sorted([*built_in(), "theirs"])
    assert create_engine("theirs", url="http://127.0.0.1:1").name == "their-chat"
    with pytest.raises(ConfigError, match="engine `theirs` has no option `urls`"):
        create_engine("theirs", urls="x")
    with pytest.raises(ConfigError, match="no engine named `their`") as caught:
        create_engine("their")
    assert caught.value.hint == "did you mean `theirs`?"
