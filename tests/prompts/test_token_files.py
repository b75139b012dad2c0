"""Files of kept token ids stay few, and none goes that is sound, whoever else is there."""

from __future__ import annotations

import errno
import os
import resource
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.prompts.kept import TEXTS, files, filled

from judgefast.errors import RunDirectoryError
from judgefast.prompts import token_files
from judgefast.prompts.token_cache import TokenCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.prompts.tokenizer import PromptTokenizer


def test_many_runs_leave_few_files_and_every_text(
    tokenizer: PromptTokenizer, tmp_path: Path
) -> None:
    texts = [f"{number} some words of an answer " * 9 for number in range(60)]
    for text in texts:
        filled(tmp_path, tokenizer, [text])
        sizes = [path.stat().st_size for path in files(tmp_path)]
        assert len(sizes) <= 4
        assert all(large > 2 * small for small, large in pairwise(sorted(sizes)))
    cache = TokenCache(tmp_path, tokenizer)
    for text in texts:
        assert cache.seal(text).token_ids.tolist() == tokenizer.seal(text).token_ids.tolist()
    assert (cache.encoded, cache.damaged) == (0, 0)


@given(
    new=st.integers(100, 10**9),
    sizes=st.lists(st.integers(100, token_files.MERGED_BYTES), max_size=40).map(sorted),
)
@settings(max_examples=50, deadline=None)
def test_files_that_are_not_merged_are_each_twice_as_large_as_all_before(
    new: int, sizes: list[int]
) -> None:
    count = token_files.to_merge(new, sizes)
    merged = new + sum(sizes[:count])
    assert not count or merged <= token_files.MERGED_BYTES
    for size in sizes[count:]:
        if merged + size > token_files.MERGED_BYTES:
            break
        assert size > 2 * merged
        merged += size


@pytest.mark.parametrize("size", [0, 1 << 20], ids=["mapped", "read"])
def test_files_without_descriptors_to_spare_are_read_or_said_and_none_is_removed(
    tokenizer: PromptTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(token_files, "MERGED_BYTES", 0)
        for number in range(45):
            filled(tmp_path, tokenizer, [f"text {number}"])
    monkeypatch.setattr(token_files, "MAPPED_BYTES", size)
    before, most = files(tmp_path), resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 40, most[1]))
    try:
        cache = TokenCache(tmp_path, tokenizer)
        with before[0].open("rb"):  # the run has descriptors left
            words = cache.save()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, most)
    assert files(tmp_path) == before
    assert cache.damaged == 0
    for number in range(45):
        cache.seal(f"text {number}")
    read = 45 if size else token_files.MAPPED_FILES
    assert cache.found == read
    unread = f"{45 - read} files of `{tmp_path}` could not be read: no more than 32 large ones"
    assert (unread in " ".join(words)) == (read < 45)
    cache = filled(tmp_path, tokenizer, ["one more"])
    assert len(files(tmp_path)) < len(before)


def test_what_cannot_be_read_stays_and_is_said(
    tokenizer: PromptTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path, tokenizer)

    def fails(path: Path) -> token_files.Texts:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(token_files, "read", fails)
        cache = filled(tmp_path, tokenizer)
        assert "2 files of" in cache.save()[1], "its own, too, which it has written"
        assert "could not be read: [Errno 5]" in cache.save()[1]
        assert (cache.encoded, cache.damaged) == (len(TEXTS), 0)
    assert len(files(tmp_path)) == 2
    assert filled(tmp_path, tokenizer, [*TEXTS, "new"]).encoded == 1
    [path] = files(tmp_path)
    assert len(token_files.read(path).keys) == len(TEXTS) + 1, "a text of both is kept once"


def test_what_dies_between_writing_and_removing_leaves_both(
    tokenizer: PromptTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path, tokenizer)

    def dies(path: Path) -> None:
        raise KeyboardInterrupt(path)

    more = [text + "!" for text in TEXTS]
    with monkeypatch.context() as patch:
        patch.setattr(token_files, "remove", dies)
        with pytest.raises(KeyboardInterrupt):
            filled(tmp_path, tokenizer, more)
    assert len(files(tmp_path)) == 2
    assert filled(tmp_path, tokenizer, [*TEXTS, *more]).encoded == 0
    filled(tmp_path, tokenizer, [text + "?" for text in TEXTS])
    [path] = files(tmp_path)
    assert len(token_files.read(path).keys) == 3 * len(TEXTS), "a text of both is kept once"


def test_a_disk_without_room_for_the_merged_file_gets_the_new_one(
    tokenizer: PromptTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path, tokenizer)
    write, more = token_files._write, [text + "!" for text in TEXTS]

    def full(folder: Path, parts: Sequence[token_files.Texts]) -> None:
        if len(parts) > 1:
            raise RunDirectoryError(str(folder))
        write(folder, parts)

    monkeypatch.setattr(token_files, "_write", full)
    assert len(filled(tmp_path, tokenizer, more).save()) == 1
    assert len(files(tmp_path)) == 2
    assert filled(tmp_path, tokenizer, [*TEXTS, *more]).encoded == 0


def test_a_damaged_text_is_not_merged_and_the_others_are(
    tokenizer: PromptTokenizer, tmp_path: Path
) -> None:
    filled(tmp_path, tokenizer)
    [path] = files(tmp_path)
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)
    more = [text + "!" for text in TEXTS]
    filled(tmp_path, tokenizer, more)
    [path] = files(tmp_path)
    assert len(token_files.read(path).keys) == 2 * len(TEXTS) - 1
    cache = filled(tmp_path, tokenizer, [*TEXTS, *more])
    assert (cache.encoded, cache.damaged) == (1, 0)


def test_two_runs_that_merge_and_prune_at_once_go_on(
    tokenizer: PromptTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever one has listed is gone when it gets there: merged, pruned, put in its place."""
    filled(tmp_path, tokenizer)
    half_written = files(tmp_path)[0].with_name("00-other.tokens.tmp")
    half_written.write_bytes(b"x")
    listed = token_files.listed

    def listed_before(
        folder: Path, suffix: str = token_files.SUFFIX
    ) -> list[tuple[Path, os.stat_result]]:
        found = listed(folder, suffix)
        return found + [(path.with_name("gone-" + path.name), facts) for path, facts in found]

    monkeypatch.setattr(token_files, "listed", listed_before)
    monkeypatch.setattr(token_files, "MOST_BYTES", 0)
    monkeypatch.setattr(token_files, "_OLD_SECONDS", -60.0)
    cache = filled(tmp_path, tokenizer, [*TEXTS, "new"])
    assert (cache.encoded, cache.damaged, len(cache.save())) == (1, 0, 1)
    assert not files(tmp_path)
    assert not half_written.exists()


def test_files_of_others_in_the_same_folder_stay(
    tokenizer: PromptTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path, tokenizer)
    own = files(tmp_path)[0].parent
    foreign = [tmp_path / "1-x" / "a.tmp", tmp_path / "1-x" / "b.tokens", own / "c.tmp"]
    foreign[0].parent.mkdir()
    for path in foreign:
        path.write_bytes(b"x")
        os.utime(path, (0, 0))
    monkeypatch.setattr(token_files, "MOST_BYTES", 0)
    filled(tmp_path, tokenizer, ["new"])
    assert not files(own)
    assert all(path.exists() for path in foreign)


def test_a_folder_that_may_only_be_read_is_used_and_a_damaged_file_in_it_said(
    tokenizer: PromptTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path, tokenizer)
    damaged = files(tmp_path)[0].with_name("00.tokens")
    damaged.write_bytes(b"x")

    def refused(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refused)
        patch.setattr(token_files, "MOST_BYTES", 0)
        patch.setattr(token_files, "_write", unwritten)
        cache = filled(tmp_path, tokenizer, [*TEXTS, "new"])
    assert (cache.encoded, cache.damaged) == (1, 1)
    assert "the token cache was not written" in cache.save()[-1]
    assert len(files(tmp_path)) == 2


def unwritten(folder: Path, _: Sequence[token_files.Texts]) -> None:
    msg = f"cannot write `{folder}`: Read-only file system"
    raise RunDirectoryError(msg)
