"""The rows of a run: run order, sample, parts, what stays after an error."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from judgefast.datasets import (
    Item,
    ReadOptions,
    items_of,
    iter_rows,
    read_items,
    rows_schema,
    run_order,
    snapshot,
    spool,
)
from judgefast.datasets.rows import rows_around
from judgefast.errors import ConfigError, DataError, RunDirectoryError
from judgefast.hashes import cluster_id64, framed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

SEED = 7


def rows(count: int, questions: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "id": f"i{number}",
            "question": f"Q{number % questions if questions else number}",
            "answer_a": f"x{number}",
            "answer_b": [{"role": "assistant", "content": f"y{number}"}] * 2,
            "gold": "ab"[number % 2],
            "n": number,
        }
        for number in range(count)
    ]


def written(folder: Path) -> list[Item]:
    return [item for batch in iter_rows(folder) for item in items_of(batch)]


def key(tag: str, seed: int, text: str) -> int:
    """Oracle of the keys, from their definition."""
    return int.from_bytes(framed(tag, [seed.to_bytes(8, "little"), text.encode()])[:8], "little")


def in_run_order(items: list[Item], seed: int) -> list[Item]:
    return sorted(
        items,
        key=lambda item: (
            key("judgefast shuffle 1", seed, item.cluster),
            item.cluster,
            item.item_id,
        ),
    )


def test_items_come_back_whole_in_run_order(tmp_path: Path) -> None:
    data = rows(5_000, questions=700)
    expected = in_run_order(list(read_items(data)), SEED)
    reader = read_items(data)
    summary = snapshot(reader, tmp_path, seed=SEED)
    assert written(tmp_path) == expected
    assert (summary.items, summary.sampled_out, summary.parts) == (5_000, 0, 1)
    assert summary.identity == reader.summary.identity
    assert [path.name for path in tmp_path.iterdir()] == ["rows"]
    (batch, *_) = iter_rows(tmp_path)
    assert batch.schema == rows_schema()
    assert batch.num_rows == 512
    assert batch["cluster_id64"][0].as_py() == cluster_id64(expected[0].cluster)


def test_single_answers_gold_numbers_and_references_come_back(tmp_path: Path) -> None:
    meta = {"k": {"deep": [1, None]}, "n": 10**30, "x": 0.1}
    data = [
        {
            "question": "Q",
            "answer": "x",
            "gold": 2.5,
            "reference": [{"role": "user", "content": "r"}],
        },
        {
            "answer": " ",
            "gold": "good",
            "meta": meta,
            "model": "m",
        },
    ]
    options = ReadOptions(on_empty="lose")
    expected = in_run_order(list(read_items(data, options)), SEED)
    snapshot(read_items(data, options), tmp_path, seed=SEED)
    assert written(tmp_path) == expected
    assert {item.answers[0].empty for item in expected} == {True, False}


def test_texts_that_do_not_fit_one_piece_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = rows(6_000, questions=900)
    for name in ("whole", "pieces"):
        (tmp_path / name).mkdir()
    snapshot(read_items(data), tmp_path / "whole", seed=SEED)
    monkeypatch.setattr(run_order, "_pieces", lambda table: table.to_batches(max_chunksize=70))
    snapshot(read_items(data), tmp_path / "pieces", seed=SEED)
    assert written(tmp_path / "pieces") == written(tmp_path / "whole")


@pytest.mark.parametrize(("limit", "whole_bytes"), [(None, 0), (None, 2**20), (900, 2**20)])
def test_buckets_and_parts_change_nothing(
    limit: int | None, whole_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = rows(6_000, questions=900)
    (tmp_path / "whole").mkdir()
    (tmp_path / "dealt").mkdir()
    whole = snapshot(read_items(data), tmp_path / "whole", seed=SEED, limit=limit)
    monkeypatch.setattr(spool, "BUCKET_BYTES", 40_000)
    monkeypatch.setattr(spool, "DEAL_BYTES", 300_000)
    monkeypatch.setattr(spool, "WHOLE_BYTES", whole_bytes)
    monkeypatch.setattr(run_order, "PART_ROWS", 500)
    sizes, sort = [], run_order._sorted

    def spied(table: pa.Table) -> Iterator[pa.Table]:
        sizes.append(table.num_rows)
        return sort(table)

    monkeypatch.setattr(run_order, "_sorted", spied)
    dealt = snapshot(read_items(data), tmp_path / "dealt", seed=SEED, limit=limit)
    assert dealt.parts == -(-dealt.items // 500) > 1
    assert dealt.identity == whole.identity
    assert max(sizes) < dealt.items / 3
    assert written(tmp_path / "dealt") == written(tmp_path / "whole")


def test_another_seed_is_another_order(tmp_path: Path) -> None:
    orders = []
    for seed in (1, 2, 2**64 - 1):
        folder = tmp_path / str(seed)
        folder.mkdir()
        snapshot(read_items(rows(50)), folder, seed=seed)
        orders.append([item.item_id for item in written(folder)])
    assert len({tuple(order) for order in orders}) == 3


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data(), st.integers(1, 60), st.integers(0, 40), st.integers(1, 30))
def test_adding_rows_changes_the_sample_only_by_them(
    tmp_path: Path, data: st.DataObject, count: int, added: int, limit: int
) -> None:
    def sample(number: int) -> set[str]:
        order = data.draw(st.permutations(rows(number)))
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        summary = snapshot(read_items(order), folder, seed=SEED, limit=limit)
        ids = {item.item_id for item in written(folder)}
        assert len(ids) == summary.items == min(limit, number)
        assert summary.sampled_out == number - len(ids)
        return ids

    before, after = sample(count), sample(count + added)
    new = {f"i{number}" for number in range(count, count + added)}
    assert after - before <= new
    keys = sorted((key("judgefast limit 1", SEED, f"i{n}"), f"i{n}") for n in range(count + added))
    assert after == {item_id for _, item_id in keys[:limit]}


def test_a_sample_of_several_chunks_is_exact(tmp_path: Path) -> None:
    data = rows(5_000)
    summary = snapshot(read_items(data), tmp_path, seed=SEED, limit=1_500)
    keys = sorted((key("judgefast limit 1", SEED, row["id"]), row["id"]) for row in data)
    items = written(tmp_path)
    assert {item.item_id for item in items} == {item_id for _, item_id in keys[:1_500]}
    assert items == in_run_order(items, SEED)
    other = read_items([row for row in data if row["id"] in {item.item_id for item in items}])
    list(other)
    assert summary.identity == other.summary.identity


def test_a_duplicate_outside_the_sample_is_found(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is also the id of"):
        snapshot(read_items(rows(3_000) + rows(1)), tmp_path, seed=SEED, limit=1)


def test_without_texts_the_hashes_stay(tmp_path: Path) -> None:
    expected = in_run_order(list(read_items(rows(20))), SEED)
    reader = read_items(rows(20))
    summary = snapshot(reader, tmp_path, seed=SEED, texts=False)
    items = written(tmp_path)
    assert summary.identity == reader.summary.identity
    for item, whole in zip(items, expected, strict=True):
        assert item.question is None
        assert item.question_sha256 == whole.question_sha256
        assert [answer.text for answer in item.answers] == [None, None]
        assert [answer.sha256 for answer in item.answers] == [a.sha256 for a in whole.answers]
    for part in (tmp_path / "rows").iterdir():
        assert b"x7" not in part.read_bytes()


def test_nothing_is_left_behind_on_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        snapshot(read_items([*rows(3_000), {"id": "bad"}]), tmp_path, seed=SEED)
    assert list(tmp_path.iterdir()) == []


def test_rows_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    snapshot(read_items(rows(3)), tmp_path, seed=SEED)
    before = written(tmp_path)
    with pytest.raises(RunDirectoryError, match="holds rows already"):
        snapshot(read_items(rows(4)), tmp_path, seed=SEED)
    assert written(tmp_path) == before
    with pytest.raises(RunDirectoryError, match="holds no rows"):
        list(iter_rows(tmp_path / "rows"))


@pytest.mark.parametrize(("seed", "limit"), [(-1, None), (2**64, None), (0, 0)])
def test_seed_and_limit_have_a_range(seed: int, limit: int | None, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a seed is 0 to 2"):
        snapshot(read_items(rows(1)), tmp_path, seed=seed, limit=limit)


def test_the_table_is_read_by_others_in_one_line(tmp_path: Path) -> None:
    import duckdb  # noqa: PLC0415 - for one test
    import polars as pl  # noqa: PLC0415 - for one test

    snapshot(read_items(rows(30)), tmp_path, seed=SEED)
    ids = [item.item_id for item in written(tmp_path)]
    table = duckdb.read_parquet(f"{tmp_path}/rows/*.parquet")
    found = table.project("item_id, answers[2].turns[1].content")
    assert found.fetchall() == [(item_id, f"y{item_id[1:]}") for item_id in ids]
    assert pl.read_parquet(tmp_path / "rows")["item_id"].to_list() == ids


BIG = """
import re, sys
from pathlib import Path
from judgefast.datasets import read_items, snapshot, spool
spool.BUCKET_BYTES, spool.DEAL_BYTES = 8 * 2**20, 4 * 2**20
snapshot(read_items(sys.argv[1]), Path(sys.argv[2]), seed=1, limit=None)
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_memory_does_not_grow_with_the_data(tmp_path: Path) -> None:
    peaks = []
    for count in (20_000, 200_000):
        path = tmp_path / f"{count}.jsonl"
        with path.open("w") as file:
            for number in range(count):
                row = {"id": number, "question": f"Q{number}", "answer": "x" * 300, "gold": 1}
                file.write(json.dumps(row) + "\n")
        folder = tmp_path / str(count)
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", BIG, path, folder], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout) // 1024)
        assert sum(batch.num_rows for batch in iter_rows(folder, ["item_id"])) == count
    assert peaks[1] < 280
    assert peaks[1] - peaks[0] < 90


def test_a_full_disk_is_an_error_of_the_run_directory_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "Error writing bytes to file. Detail: [errno 28]")

    for place in ("add", "buckets"):
        monkeypatch.setattr(spool.Spool, place, full)
        with pytest.raises(RunDirectoryError, match="rows`: No space left on device") as caught:
            snapshot(read_items([{"answer": "x"}]), tmp_path, seed=0)
        assert "make room on the disk" in (caught.value.hint or "")
        assert list(tmp_path.iterdir()) == []
        monkeypatch.undo()


def test_an_error_of_the_rows_own_iterable_comes_through(tmp_path: Path) -> None:
    def rows() -> Iterator[dict[str, str]]:
        yield {"answer": "x"}
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        snapshot(read_items(rows()), tmp_path, seed=0)
    assert list(tmp_path.iterdir()) == []


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(wanted=st.sets(st.integers(0, 299), max_size=6))
def test_rows_around_some_items_are_those_of_all_rows(
    wanted: set[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_order, "PART_ROWS", 100)
    monkeypatch.setattr(run_order, "GROUP_ROWS", 16)
    if not (tmp_path / "rows").exists():
        snapshot(read_items(rows(300)), tmp_path, seed=SEED)
    all_items = written(tmp_path)
    seen: set[int] = set()
    for base, batch in rows_around(tmp_path, np.array(sorted(wanted), np.uint32)):
        assert items_of(batch) == all_items[base : base + batch.num_rows]
        found = set(range(base, base + batch.num_rows))
        assert found & wanted
        seen |= found
    assert wanted <= seen


def test_an_answer_without_turns_comes_back_though_nothing_else_is_a_conversation(
    tmp_path: Path,
) -> None:
    rows = [{"question": "q", "answer_a": [], "answer_b": "b"}]
    options = ReadOptions(on_empty="judge")
    snapshot(read_items(rows, options), tmp_path, seed=1)
    assert [item for batch in iter_rows(tmp_path) for item in items_of(batch)] == list(
        read_items(rows, options)
    )
