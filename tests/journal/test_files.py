"""Files that are whole or not there."""

from __future__ import annotations

import os
from pathlib import Path
from stat import S_ISDIR

import pytest

from judgefast import files


@pytest.mark.skipif(os.name == "nt", reason="Windows syncs no folder")
def test_a_file_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        is_folder = S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("sync folder" if is_folder else "sync file")
        fsync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    files.write_whole(tmp_path / "a", b"x")
    assert steps == ["sync file", "rename", "sync folder"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
