"""Token ids kept between runs: the same ones, whole or not there, and never believed unseen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.prompts.kept import TEXTS, files, filled
from tests.prompts.marked import HARMONY, TEMPLATES, marked

from judgefast.errors import ConfigError
from judgefast.prompts import token_cache, token_files
from judgefast.prompts.token_cache import TokenCache

if TYPE_CHECKING:
    from judgefast.prompts.tokenizer import PromptTokenizer


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


def test_what_a_run_has_written_it_finds(
    tokenizer: PromptTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path, tokenizer, ["of a run before"])
    cache = filled(tmp_path, tokenizer)
    for text in [*TEXTS, "of a run before"]:
        assert cache.seal(text).token_ids.tolist() == tokenizer.seal(text).token_ids.tolist()
    assert (cache.encoded, cache.found) == (len(TEXTS), len(TEXTS) + 1)
    monkeypatch.setattr(token_cache, "FILE_IDS", 1)  # each is written as soon as it is encoded
    for text in ["a", "b", "a", "b", *TEXTS]:
        cache.seal(text)
    assert cache.encoded == len(TEXTS) + 2
    assert len(cache.save()) == 1


def test_a_file_is_opened_once_however_often_new_ones_are_written(
    tokenizer: PromptTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_files, "MERGED_BYTES", 0)
    monkeypatch.setattr(token_cache, "FILE_IDS", 1)
    opened, read = [], token_files.read

    def counted(path: Path) -> token_files.Texts:
        opened.append(path)
        return read(path)

    monkeypatch.setattr(token_files, "read", counted)
    filled(tmp_path, tokenizer, ["a", "b", "c", "b"])
    assert sorted(opened) == files(tmp_path)
    assert len(opened) == 3


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


def test_a_folder_that_cannot_be_made_is_refused(
    tokenizer: PromptTokenizer, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match=r"the token cache .* cannot be made"):
        TokenCache(tmp_path / "file", tokenizer)
    with pytest.raises(ConfigError, match="keeps token ids, but this engine takes none"):
        token_cache.cache_of(tmp_path, None)
