"""Disks that are full or read-only, other machines and users, and clocks that run backwards."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from judgefast.errors import RunDirectoryError
from judgefast.journal import launches
from judgefast.stopping import Stop
from tests.crash.killing import journaled
from tests.crash.things import rows_of
from tests.engines.scripted import ScriptedEngine, failed
from tests.pipeline.judging import (
    attempts_of,
    by_hash,
    go_on,
    judge_rows,
    results_json,
    results_of,
)
from tests.pipeline.test_interrupt import run_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion

    Disk = Callable[..., None]

ITEMS = 400
NOBODY = 65_534
MAY_MOUNT = 1 << 21
"""Linux's `CAP_SYS_ADMIN`."""


def mount(*words: object) -> str:
    """Empty where it worked, else why it did not."""
    try:
        done = subprocess.run(["mount", *map(str, words)], capture_output=True, check=False)
    except FileNotFoundError as error:
        return str(error)
    return done.stderr.decode().strip() if done.returncode else ""


def may_mount() -> bool:
    status = Path("/proc/self/status")
    found = re.search(r"CapEff:\s*(\w+)", status.read_text() if status.exists() else "")
    return found is not None and bool(int(found[1], 16) & MAY_MOUNT)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own in memory; skipped where that is not allowed.

    In CI a process that holds the right to mount and yet cannot is a mistake in its setup, which
    would hide these tests: it fails.
    """
    folder = tmp_path / "disk"
    folder.mkdir()
    if refused := mount("-t", "tmpfs", "-o", "size=64k", "disk", folder):
        if os.environ.get("CI") == "true" and may_mount():
            pytest.fail(f"this process may mount a file system, and yet: {refused}")
        pytest.skip(f"no file system can be mounted here: {refused}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def resize(disk: Path, kibibytes: int) -> None:
    assert not mount("-o", f"remount,size={kibibytes}k", disk)


@pytest.mark.slow
def test_a_disk_that_is_full_at_any_time_keeps_what_it_took(disk: Path, tmp_path: Path) -> None:
    judge_rows(tmp_path / "run", rows_of(ITEMS))
    expected = results_json(tmp_path / "run")
    struck: set[str] = set()
    for kibibytes in (8, 40, 100, 150, *range(160, 500, 20)):
        resize(disk, kibibytes)
        run = disk / "run"
        try:
            finished = judge_rows(run, rows_of(ITEMS))
        except RunDirectoryError as error:
            words = f"{error} - {error.hint}"
            assert "No space left on device - make room on the disk" in words, words
            struck.add(str(error).split("/run/")[1].split("/")[0].split("`")[0])
        else:
            assert finished.status in {0, 3}
            struck.add("nothing" if finished.status == 0 else "journal, judging")
            assert finished.status == 0 or "No space left on device" in finished.why
        before = journaled(run)
        resize(disk, 1 << 14)
        assert judge_rows(run, rows_of(ITEMS)).status == 0, kibibytes
        assert results_json(run) == expected, kibibytes
        after = journaled(run)
        assert {key: after[key] for key in before} == before
        assert len(after) == 2 * ITEMS
        shutil.rmtree(run)
    assert {"rows", "journal, judging", "nothing"} <= struck, struck


@pytest.mark.parametrize(
    "moment",
    [
        "judgefast.pipeline.run.plan_run",
        "judgefast.pipeline.run.options_in_force",
        "judgefast.journal.writer.close_segment",
        "judgefast.journal.extension.write_manifest",
        "judgefast.pipeline.run.finished",
    ],
)
def test_a_disk_that_is_full_from_a_moment_on_keeps_what_it_took(
    moment: str, disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resize(disk, 1 << 14)
    run, is_extended = disk / "run", "extension" in moment
    if is_extended:
        judge_rows(run, rows_of(ITEMS // 2))
    module, _, name = moment.rpartition(".")
    original = getattr(import_module(module), name)

    def full(*args: object, **options: object) -> object:
        used = os.statvfs(disk)
        resize(disk, (used.f_blocks - used.f_bfree) * used.f_frsize // 1024)
        return original(*args, **options)

    monkeypatch.setattr(moment, full)
    if name == "finished":  # nothing is written any more
        assert judge_rows(run, rows_of(ITEMS)).status == 0
    elif name == "close_segment":  # everything is judged
        ended = judge_rows(run, rows_of(ITEMS))
        assert (ended.status, ended.left) == (3, 0)
        assert "No space left on device" in str(ended.why)
    else:
        with pytest.raises(RunDirectoryError, match="No space left on device"):
            judge_rows(run, rows_of(ITEMS), extend=is_extended)
    monkeypatch.undo()
    before = journaled(run)
    resize(disk, 1 << 14)
    assert judge_rows(run, rows_of(ITEMS), extend=is_extended).status == 0
    assert {key: journaled(run)[key] for key in before} == before
    judge_rows(tmp_path / "run", rows_of(ITEMS))
    assert results_json(run) == results_json(tmp_path / "run")


def test_a_disk_that_is_read_only_is_read_and_not_written(disk: Path) -> None:
    resize(disk, 1 << 14)
    judge_rows(disk / "run", rows_of(3))
    expected = results_json(disk / "run")
    assert not mount("-o", "remount,ro", disk)
    assert results_json(disk / "run") == expected
    words = r"cannot write `.*/run/lock`: Read-only file system"
    for attempt in (go_on, lambda run: judge_rows(run, rows_of(3))):
        with pytest.raises(RunDirectoryError, match=words) as refusal:
            attempt(disk / "run")
        assert refusal.value.hint == "name a folder that you may write to"
    with pytest.raises(RunDirectoryError, match="Read-only file system"):
        judge_rows(disk / "other", rows_of(3))


@pytest.fixture
def half_done(tmp_path: Path, write_rows: Callable[..., Path]) -> Path:
    """A run of ten items that was interrupted; its segment is open."""
    stop = Stop()

    def answer(request: Request) -> Completion:
        stop.requested = stop.requested or len(engine.submitted) > 8
        return by_hash(request)

    engine = ScriptedEngine(answer, room=4, batch=2)
    assert run_with(stop, tmp_path / "half" / "run", write_rows(rows_of(10)), engine) == 130
    assert 0 < len(attempts_of(tmp_path / "half" / "run")) < 20
    return tmp_path / "half" / "run"


def test_a_run_goes_on_under_another_path_and_host(
    half_done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "moved").mkdir()
    run = tmp_path / "moved" / "run"
    half_done.rename(run)
    before = journaled(run)
    with monkeypatch.context() as patch:
        patch.setattr(platform, "node", lambda: "elsewhere")
        said: list[str] = []
        assert go_on(run, say=said.append).status == 0
    after = journaled(run)
    assert {key: after[key] for key in before} == before
    assert len(after) == 20
    judge_rows(tmp_path / "whole" / "run", rows_of(10))
    assert results_json(run) == results_json(tmp_path / "whole" / "run")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid(), reason="only root becomes another")
def test_another_user_reads_what_may_be_read_and_is_told_what_may_not_be_written(
    half_done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGEFAST_CATALOGUE", str(half_done.parent / "theirs"))
    expected = results_json(half_done)
    for folder in (half_done, *half_done.parents):
        if str(folder).count("/") > 2:
            folder.chmod(0o755)
    os.seteuid(NOBODY)
    try:
        assert results_json(half_done) == expected
        with pytest.raises(RunDirectoryError, match=r"cannot write `.*lock`: Permission denied"):
            go_on(half_done)
    finally:
        os.seteuid(0)
    for path in (half_done, *half_done.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        assert go_on(half_done).status == 0, "a run that was given to another goes on"
    finally:
        os.seteuid(0)
    assert len(attempts_of(half_done)) == 20


def test_two_copies_that_went_on_apart_are_one_run_when_their_files_are_put_together(
    half_done: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "run"
    shutil.copytree(half_done, other)

    def otherwise(request: Request) -> Completion:
        return failed(request) if request.item_id == "item-3" else by_hash(request)

    assert go_on(other, otherwise).status in {0, 3}
    assert go_on(half_done).status == 0
    expected = results_json(half_done)
    there = journaled(half_done) | journaled(other)
    for folder in ("journal", "launches"):
        shutil.copytree(other / folder, half_done / folder, dirs_exist_ok=True)
    assert journaled(half_done) == there
    assert results_json(half_done) == expected
    counts = results_of(half_done).counts
    assert (counts.planned, counts.parsed) == (20, 20)
    assert go_on(half_done).status == 0
    assert journaled(half_done) == there, "nothing is asked again"


def test_which_completion_counts_does_not_depend_on_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_attempt(request: Request) -> Completion:
        is_late = request.attempt < 3 and request.item_id in {"item-1", "item-2"}
        return failed(request) if is_late else by_hash(request)

    def judged(run: Path) -> str:
        judge_rows(run, rows_of(6), by_attempt, max_attempts=1)
        for attempts in (2, 3):
            go_on(run, by_attempt, max_attempts=attempts)
        return results_json(run)

    expected = judged(tmp_path / "forwards" / "run")
    clock = iter(range(2_000_000_000, 0, -3_600))
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))
    monkeypatch.setattr(launches, "_now", lambda: time.strftime("%FT%T", time.gmtime(next(clock))))
    assert judged(tmp_path / "backwards" / "run") == expected
    assert '"parsed": 12' in expected
    started = [row["started"] for row in attempts_of(tmp_path / "backwards" / "run")]
    assert started != sorted(started)
