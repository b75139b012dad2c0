"""Which files of a user's are lists of disagreements, and may be written anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from judgefast.errors import ConfigError
from judgefast.pipeline.disagreements_file import check_list, write_anew
from judgefast.pipeline.panel_rows import disagreements_schema, panel_schema
from judgefast.reports.export import SUFFIXES, write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pyarrow as pa

JUDGES = ["a", '=b, "c"', "its_verdict"]


def _one(schema: pa.Schema) -> pa.Table:
    """One row of nulls."""
    import pyarrow as pa  # noqa: PLC0415 - here alone

    return pa.table([pa.nulls(1, field.type) for field in schema], schema=schema)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("rows", [0, 1])
def test_a_list_of_any_judges_is_ours(suffix: str, rows: int, tmp_path: Path) -> None:
    path = tmp_path / f"look{suffix}"
    write_table(_one(disagreements_schema(JUDGES))[:rows], path)
    check_list(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_table_of_other_columns_is_not(suffix: str, tmp_path: Path) -> None:
    ours = _one(disagreements_schema(JUDGES))
    noted = ours.append_column("note", ours["item_id"])
    for at, table in enumerate((_one(panel_schema(JUDGES)), noted, ours.select(["item_id"]))):
        path = tmp_path / f"{at}{suffix}"
        write_table(table, path)
        with pytest.raises(ConfigError, match="is no list of disagreements"):
            check_list(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("held", [b"\xff\xfe", b"{", b"[1]\n", b"1", b"PAR1", b'"open'])
def test_a_file_of_anything_else_is_not(suffix: str, held: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"look{suffix}"
    path.write_bytes(held)
    with pytest.raises(ConfigError, match="is no list of disagreements"):
        check_list(path)
    assert path.read_bytes() == held


def test_a_folder_is_not_and_what_is_not_there_may_be_written(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ConfigError, match="it is a folder"):
        check_list(tmp_path / "folder.csv")
    check_list(tmp_path / "new.csv")
    with pytest.raises(ConfigError, match="there is no folder"):
        check_list(tmp_path / "none" / "new.csv")


def _have(item_ids: Sequence[str]) -> list[bool]:
    """Whether the data have gold of items."""
    return [each.startswith("i") for each in item_ids]


def _listed(golds: list[str | None]) -> pa.Table:
    """A row for each, of an item of its own."""
    import pyarrow as pa  # noqa: PLC0415 - here alone

    schema = disagreements_schema(["a"])
    known = {
        "item_id": pa.array([f"i{at}" for at in range(len(golds))]),
        "gold": pa.array(golds, pa.string()),
        "candidate_index": pa.array([1] * len(golds), pa.uint16()),
    }
    columns = [known.get(field.name, pa.nulls(len(golds), field.type)) for field in schema]
    return pa.table(columns, schema=schema)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("data", "by_hand"), [([None, None], ["a", None]), (["a", "b", None], ["a", "tie", "b"])]
)
def test_a_list_in_which_gold_was_filled_in_is_kept(
    suffix: str, data: list[str | None], by_hand: list[str | None], tmp_path: Path
) -> None:
    path = tmp_path / f"look{suffix}"

    def have(item_ids: Sequence[str]) -> list[bool]:
        return [data[int(each[1:])] is not None for each in item_ids]

    def write() -> int:
        return write_table(_listed(data), path, overwrite=True)

    assert write_anew(path, write, have) == len(data)
    assert write_anew(path, write, have) == len(data)
    assert [each.name for each in tmp_path.iterdir()] == [path.name], "nobody has worked on it"
    for name in (f"look.filled{suffix}", f"look.filled-2{suffix}"):
        write_table(_listed(by_hand), path, overwrite=True)
        worked_on = path.read_bytes()
        assert write_anew(path, write, have) == len(data)
        assert (tmp_path / name).read_bytes() == worked_on
        assert path.read_bytes() != worked_on


def test_gold_of_rows_that_are_listed_no_more_is_the_data_s_where_the_data_have_some(
    tmp_path: Path,
) -> None:
    path = tmp_path / "look.jsonl"
    write_table(_listed(["a", "b", "tie"]), path)
    write_anew(path, lambda: write_table(_listed(["a"]), path, overwrite=True), _have)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "changed",
    [
        lambda text: text.replace('"i0"', '"7"'),
        lambda text: text.replace('"gold":"a"', '"gold":0'),
        lambda text: text + "null\n",
        lambda text: text + "\n",
        lambda text: text + '{"item_id":"i9"}\n',
        lambda text: "\ufeff" + text,
    ],
)
def test_a_list_that_is_no_more_as_it_was_written_is_kept(
    changed: Callable[[str], str], tmp_path: Path
) -> None:
    path = tmp_path / "look.jsonl"
    write_table(_listed(["a", "b"]), path)
    text = changed(path.read_text("utf-8"))
    path.write_text(text, encoding="utf-8")
    assert write_anew(path, lambda: write_table(_listed(["b"]), path, overwrite=True), _have) == 1
    assert (tmp_path / "look.filled.jsonl").read_text("utf-8") == text


def test_a_text_longer_than_readers_of_csv_expect_is_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "look.csv"
    listed = _listed(["a" * 200_000])
    for _ in range(2):
        write_anew(path, lambda: write_table(listed, path, overwrite=True), _have)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
