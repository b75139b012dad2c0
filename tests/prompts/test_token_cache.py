"""Token ids kept between runs: the same ones, whole or not there, and never believed unseen."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.prompts.marked import HARMONY, TEMPLATES, marked

from judgefast.errors import ConfigError, RunDirectoryError
from judgefast.prompts import token_cache, token_files
from judgefast.prompts.token_cache import TokenCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.prompts.tokenizer import PromptTokenizer


@pytest.fixture(scope="module")
def tokenizer() -> PromptTokenizer:
    found = marked(TEMPLATES["bare"]).tokenizer
    assert found is not None
    return found


TEXTS = [f"text {number} <|im_end|> é" * number for number in range(40)]


def filled(folder: Path, tokenizer: PromptTokenizer, texts: list[str] = TEXTS) -> TokenCache:
    cache = TokenCache(folder, tokenizer)
    for text in texts:
        cache.seal(text)
    cache.save()
    return cache


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob(f"*{token_files.SUFFIX}"))


@given(texts=st.lists(st.text(st.characters(exclude_categories=()), max_size=30), max_size=20))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_ids_are_those_of_the_tokenizer_in_the_run_that_keeps_them_and_in_the_next(
    tokenizer: PromptTokenizer, tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    first = TokenCache(folder, tokenizer)
    for cache in (first, TokenCache(folder, tokenizer)):
        for text in texts:
            found, wanted = cache.seal(text), tokenizer.seal(text)
            assert (found.text, found.replaced_characters) == (
                wanted.text,
                wanted.replaced_characters,
            )
            np.testing.assert_array_equal(found.token_ids, wanted.token_ids)
            assert found.token_ids.dtype == np.int32
        first.save()
    again = TokenCache(folder, tokenizer)
    for text in texts:
        again.seal(text)
    lone = [text for text in texts if any("\ud800" <= one <= "\udfff" for one in text)]
    assert again.encoded == len(lone), "a text that is changed when it is sent is not kept"


def test_two_writers_keep_what_both_have_encoded(
    tokenizer: PromptTokenizer, tmp_path: Path
) -> None:
    one, two = TokenCache(tmp_path, tokenizer), TokenCache(tmp_path, tokenizer)
    for text in TEXTS:
        one.seal(text + "!")
        two.seal(text + "?")
        two.seal(text)
        one.seal(text)
    assert len(one.save()) == len(two.save()) == 1
    third = TokenCache(tmp_path, tokenizer)
    for text in TEXTS:
        assert third.seal(text + "!").token_ids.tolist() == [*tokenizer.seal(text + "!").token_ids]
        assert third.seal(text).token_ids.tolist() == [*tokenizer.seal(text).token_ids]
        third.seal(text + "?")
    assert (third.encoded, third.damaged) == (0, 0)


@pytest.mark.parametrize("place", ["head", "digest", "index", "cut", "longer", "empty"])
def test_a_damaged_file_is_left_out_with_a_word_and_made_again(
    tokenizer: PromptTokenizer, tmp_path: Path, place: str
) -> None:
    filled(tmp_path, tokenizer)
    [path] = files(tmp_path)
    data = bytearray(path.read_bytes())
    if place in {"head", "digest", "index"}:
        data[{"head": 10, "digest": 40, "index": 200}[place]] ^= 4
    changed = {"cut": data[:-3], "longer": data + b"x", "empty": b""}.get(place, data)
    path.write_bytes(changed)
    cache = filled(tmp_path, tokenizer)
    assert (cache.found, cache.encoded, cache.damaged) == (0, len(TEXTS), 1)
    assert f"1 damaged parts of `{tmp_path}` were not used" in cache.save()
    assert len(files(tmp_path)) == 1
    assert filled(tmp_path, tokenizer).encoded == 0


def test_a_forged_index_whose_texts_lie_outside_is_no_index(
    tokenizer: PromptTokenizer, tmp_path: Path
) -> None:
    filled(tmp_path, tokenizer)
    [path] = files(tmp_path)
    data = bytearray(path.read_bytes())
    index, keys = 32 + 32 + 16, 16 * len(TEXTS)
    data[index + keys + 8 * 5 : index + keys + 8 * 6] = (1 << 40).to_bytes(8, "little")
    end = index + keys + 8 * (len(TEXTS) + 1) + 4 * len(TEXTS)
    data[32:64] = sha256(data[index:end]).digest()
    path.write_bytes(data)
    cache = filled(tmp_path, tokenizer)
    assert (cache.encoded, cache.damaged) == (len(TEXTS), 1)


def test_a_damaged_text_is_encoded_anew_and_the_others_are_not(
    tokenizer: PromptTokenizer, tmp_path: Path
) -> None:
    filled(tmp_path, tokenizer)
    [path] = files(tmp_path)
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)
    cache = TokenCache(tmp_path, tokenizer)
    for text in TEXTS:
        assert cache.seal(text).token_ids.tolist() == tokenizer.seal(text).token_ids.tolist()
    assert (cache.encoded, cache.damaged) == (1, 1)


def test_a_forged_cache_makes_no_text_a_control_token(
    tokenizer: PromptTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = max(tokenizer.control_ids)
    seal = tokenizer.seal
    for forged in (control, -1, tokenizer.size, 1 << 30):
        folder = tmp_path / str(forged)
        with monkeypatch.context() as patch:
            ids = np.array([forged], np.int32)
            patch.setattr(tokenizer, "seal", lambda text, ids=ids: type(seal(text))(text, ids))
            filled(folder, tokenizer, ["evil"])
        cache = TokenCache(folder, tokenizer)
        assert cache.seal("evil").token_ids.tolist() == seal("evil").token_ids.tolist()
        assert cache.damaged == 1


def test_each_tokenizer_has_its_own(tokenizer: PromptTokenizer, tmp_path: Path) -> None:
    filled(tmp_path, tokenizer)
    other = marked(TEMPLATES["bare"], HARMONY).tokenizer
    assert other is not None
    assert filled(tmp_path, other).encoded == len(TEXTS)
    assert filled(tmp_path, tokenizer).encoded == 0


def test_the_oldest_files_go_where_there_are_too_many(
    tokenizer: PromptTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_files, "MERGED_BYTES", 0)
    for number in range(6):
        filled(tmp_path, tokenizer, [f"{number} {text}" for text in TEXTS])
        for path in files(tmp_path):
            facts = path.stat()
            os.utime(path, (facts.st_atime - 10, facts.st_mtime - 10))
    old = files(tmp_path)
    half_written = old[0].with_name("00-dead.tokens.tmp")
    half_written.write_bytes(b"x")
    os.utime(half_written, (0, 0))
    monkeypatch.setattr(token_files, "MOST_BYTES", 3 * old[0].stat().st_size)
    cache = filled(tmp_path, tokenizer, [f"7 {text}" for text in TEXTS])
    left = files(tmp_path)
    assert len(left) == 3
    assert set(left[:2]) == set(old[-2:]), "the latest ones stay"
    assert not half_written.exists()
    assert cache.encoded == len(TEXTS)


def test_a_writer_that_is_killed_leaves_whole_files_and_loses_nothing_that_it_had_written(
    tokenizer: PromptTokenizer, tmp_path: Path
) -> None:
    script = f"""
from pathlib import Path
from judgefast.prompts.token_cache import TokenCache
from tests.prompts.marked import TEMPLATES, marked
cache = TokenCache(Path({str(tmp_path)!r}), marked(TEMPLATES["bare"]).tokenizer)
for number in range(10**9):
    cache.seal("abc " * 20000 + str(number))
    cache.save()
    print(number, flush=True)
"""
    command, root = [sys.executable, "-c", script], Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = [int(child.stdout.readline()) for _ in range(12)]
        child.send_signal(signal.SIGKILL)
        said += [int(line) for line in child.stdout if line.endswith("\n")]
    cache = TokenCache(tmp_path, tokenizer)
    assert cache.damaged == 0
    for number in said:
        cache.seal("abc " * 20000 + str(number))
    assert (cache.encoded, cache.found) == (0, len(said))


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
        assert "1 files of" in cache.save()[1]
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


def test_a_folder_that_cannot_be_made_is_refused(
    tokenizer: PromptTokenizer, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match=r"the token cache .* cannot be made"):
        TokenCache(tmp_path / "file", tokenizer)
    with pytest.raises(ConfigError, match="keeps token ids, but this engine takes none"):
        token_cache.cache_of(tmp_path, None)
