"""What a run directory is, who may make one, and when two manifests are one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import judgefast
from judgefast.errors import RunDirectoryError
from judgefast.journal import compare
from judgefast.journal.run_directory import RunDirectory

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.journal.manifest import Manifest


def changed(manifest: Manifest, part: str, **fields: Any) -> Manifest:
    inner = msgspec.structs.replace(getattr(manifest, part), **fields)
    return msgspec.structs.replace(manifest, **{part: inner})


def test_a_manifest_comes_back_as_it_was_written(tmp_path: Path, manifest: Manifest) -> None:
    (tmp_path / "run" / "rows").mkdir(parents=True)
    with RunDirectory.create(str(tmp_path / "run"), manifest) as made:
        assert made.manifest == manifest
        assert made.launch is not None
        assert len(bytes.fromhex(made.launch)) == 16
    with RunDirectory.open(tmp_path / "run", write=False) as reader:
        assert reader.manifest == manifest
        assert reader.launch is None


def test_a_folder_that_holds_something_else_is_refused_by_name(
    tmp_path: Path, manifest: Manifest
) -> None:
    (tmp_path / "thesis.tex").write_text("")
    (tmp_path / "zebra.png").write_text("")
    with pytest.raises(RunDirectoryError, match=r"it holds `thesis.tex` and 1 more") as refusal:
        RunDirectory.create(tmp_path, manifest)
    assert refusal.value.hint == "choose a new or an empty folder"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["thesis.tex", "zebra.png"]
    with pytest.raises(RunDirectoryError, match="is a file, not a folder"):
        RunDirectory.create(tmp_path / "thesis.tex", manifest)


def test_a_folder_that_holds_a_run_is_refused(run: Path, manifest: Manifest) -> None:
    with pytest.raises(RunDirectoryError, match="holds a run already") as refusal:
        RunDirectory.create(run, manifest)
    assert refusal.value.hint == "resume it, or choose another folder"


def test_a_kill_before_the_manifest_leaves_a_folder_that_can_be_used(
    tmp_path: Path, manifest: Manifest
) -> None:
    for name in ("lock", "manifest.json.tmp"):
        (tmp_path / name).write_text("{")
    with RunDirectory.create(tmp_path, manifest):
        pass
    with RunDirectory.open(tmp_path, write=False) as reader:
        assert reader.manifest == manifest


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "is no run directory: it has no readable manifest.json"),
        ("{", "manifest.json` cannot be read: Input data was truncated"),
        ('{"format": 1}', "manifest.json` cannot be read: Object missing required field `created`"),
        ('{"format": 2, "judgefast": "9.1"}', "has format 2; this judgefast reads 1"),
    ],
)
def test_what_is_no_run_is_refused(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    for write in (False, True):
        with pytest.raises(RunDirectoryError) as refusal:
            RunDirectory.open(tmp_path, write=write)
        assert words in str(refusal.value)
        assert refusal.value.hint
    assert not (tmp_path / "lock").exists()


def test_the_same_run_does_not_differ(manifest: Manifest) -> None:
    later = msgspec.structs.replace(manifest, created="2027", judgefast="0.2.0", config={})
    assert compare(manifest, later) == []
    assert compare(manifest, changed(manifest, "engine", name="embedded")) == []
    assert compare(manifest, changed(manifest, "rubric", name="other", toml="# same")) == []


def test_what_makes_another_run_is_said_in_words(manifest: Manifest) -> None:
    other = changed(manifest, "rubric", prompt_hash="98cd" * 16, parse_hash="ff" * 32)
    assert compare(manifest, other) == [
        "rubric: prompt_hash abababab… -> 98cd98cd…",
        "rubric: parse_hash cdcdcdcd… -> ffffffff…",
    ]
    other = changed(manifest, "data", identity="34" * 16, items=5_000, texts=False)
    assert compare(manifest, other) == [
        "data: identity 12121212… -> 34343434…",
        "data: texts true -> false",
        "data: items 3 -> 5,000",
    ]
    other = changed(manifest, "model", name="qwen", tokenizer="")
    assert compare(manifest, other) == [
        "model: name smollm2 -> qwen",
        "model: tokenizer 01010101… -> (empty)",
    ]
    other = msgspec.structs.replace(
        manifest, judge="other", seeds={"run": 1}, options={"orders": "one", "limit": 10}
    )
    assert compare(manifest, other) == [
        "judge: smollm2 Q4_1 -> other",
        "seeds: run 0 -> 1",
        "options: limit null -> 10",
        "options: orders both -> one",
        "options: repeats 1 -> null",
    ]


def test_the_names_of_folders_are_synced_before_anything_in_them_counts(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Path, set[str]]] = []

    def synced(folder: Path) -> None:
        seen.append((folder, {path.name for path in folder.iterdir()}))

    monkeypatch.setattr("judgefast.journal.run_directory.sync_folder", synced)
    with RunDirectory.create(tmp_path / "run", manifest):
        inside = [names for folder, names in seen if folder == tmp_path / "run"]
        assert any({"rows", "plan", "journal", "launches"} <= names for names in inside)
        assert any(folder == tmp_path and "run" in names for folder, names in seen)


def test_every_start_is_a_launch_with_its_facts(run: Path) -> None:
    with RunDirectory.open(run, write=True) as directory:
        directory.record_launch({"engine": {"name": "replay"}, "device": "cpu"})
        directory.finish_launch(completions=12, device="cpu, 2 cores")
        mine = directory.launch
    with RunDirectory.open(run, write=False) as reader:
        created, launched = reader.launches()
    assert launched["launch"] == mine
    assert launched["engine"] == {"name": "replay"}
    assert launched["device"] == "cpu, 2 cores"
    assert launched["completions"] == 12
    assert launched["judgefast"] == judgefast.__version__
    assert launched["started"] <= launched["finished"]
    assert "finished" not in created


def test_an_unreadable_launch_record_hides_no_launch(run: Path) -> None:
    [record] = (run / "launches").glob("*.json")
    record.write_text("{")
    with RunDirectory.open(run, write=False) as reader:
        assert reader.launches() == [{"launch": record.stem}]


def test_a_reader_leaves_no_trace(run: Path) -> None:
    before = sorted(path.relative_to(run) for path in run.rglob("*"))
    with RunDirectory.open(run, write=False) as reader:
        assert list(reader.completions()) == []
    assert sorted(path.relative_to(run) for path in run.rglob("*")) == before


def test_a_copy_without_its_empty_folders_is_still_a_run(run: Path) -> None:
    for name in ("journal", "plan", "derived", "rows"):
        (run / name).rmdir()
    with RunDirectory.open(run, write=False) as reader:
        assert list(reader.completions()) == []
        assert not reader.plan_complete()
    with RunDirectory.open(run, write=True):
        assert (run / "rows").is_dir()
        assert (run / "derived").is_dir()
