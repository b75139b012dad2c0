"""Which files of a user's are lists of disagreements, and may be written anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from judgefast.errors import ConfigError
from judgefast.pipeline import disagreements_file
from judgefast.pipeline.disagreements_file import check_list, write_anew
from judgefast.pipeline.panel_rows import disagreements_schema, panel_schema
from judgefast.reports.export import SUFFIXES, write_table

if TYPE_CHECKING:
    from collections.abc import Callable
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


def _writes(golds: list[str | None]) -> Callable[[Path], int]:
    return lambda path: write_table(_listed(golds), path, overwrite=True)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("by_hand", [["a", None], [None, None, None], ["b", "b"]])
def test_a_list_that_somebody_has_changed_is_kept_beside_the_new_one(
    suffix: str, by_hand: list[str | None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"look{suffix}"
    listed = write_anew(path, _writes([None, None]), None)
    assert (listed.path, listed.rows) == (path, 2)
    for golds in ([None, "a"], [None, None]):  # the data may have gold now
        listed = write_anew(path, _writes(golds), listed.sha256)
    assert [each.name for each in tmp_path.iterdir()] == [path.name], "nobody has worked on it"
    for name in (f"look.kept{suffix}", f"look.kept-2{suffix}"):
        _writes(by_hand)(path)
        worked_on = path.read_bytes()
        caplog.clear()
        again = write_anew(path, _writes([None, None]), listed.sha256)
        assert (again.rows, again.sha256) == (2, listed.sha256)
        assert (tmp_path / name).read_bytes() == worked_on
        assert path.read_bytes() != worked_on
        assert f"`{path}` was not as it was written: it is kept as `{tmp_path / name}`" in (
            caplog.text
        )
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    "changed",
    [
        lambda text: text.replace('"i0"', '"7"'),
        lambda text: text.replace('"gold":"a"', '"gold":0'),
        lambda text: text.replace('"gold":"a"', '"gold":null'),
        lambda text: text + "\n",
        lambda text: text.partition("\n")[0] + "\n",
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
    ],
)
def test_whatever_was_changed_is_kept(changed: Callable[[str], str], tmp_path: Path) -> None:
    path = tmp_path / "look.jsonl"
    listed = write_anew(path, _writes(["a", "b"]), None)
    text = changed(path.read_text("utf-8"))
    path.write_text(text, encoding="utf-8", newline="")
    check_list(path)
    assert write_anew(path, _writes(["b"]), listed.sha256).rows == 1
    assert (tmp_path / "look.kept.jsonl").read_bytes() == text.encode()


def test_where_it_is_not_known_what_was_written_a_list_is_replaced_by_an_equal_one_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "look.csv"
    for golds, names in ((["a"], {"look.csv"}), (["b"], {"look.csv", "look.kept.csv"})):
        for _ in range(2):
            write_anew(path, _writes(golds), None)
            assert {each.name for each in tmp_path.iterdir()} == names


def test_an_empty_file_and_one_that_is_gone_are_nobody_s_work(tmp_path: Path) -> None:
    path = tmp_path / "look.csv"
    for _ in range(2):
        path.write_bytes(b"")
        listed = write_anew(path, _writes(["a"]), "0" * 64)
        path.unlink()
        assert write_anew(path, _writes(["a"]), listed.sha256) == listed
    assert list(tmp_path.iterdir()) == [path]


def test_what_somebody_changed_has_a_name_at_every_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process may be killed between any two of its steps."""
    path = tmp_path / "look.jsonl"
    write_anew(path, _writes(["a"]), None)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    def fails(path: Path) -> int:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_anew(path, fails, None)
    monkeypatch.setattr(disagreements_file, "put_in_place", killed)
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        write_anew(path, _writes(["b"]), None)
    assert path.read_bytes() == (tmp_path / "look.kept.jsonl").read_bytes() == before
    monkeypatch.undo()
    write_anew(path, _writes(["b"]), None)
    assert not list(tmp_path.glob("*.new.*"))


def test_a_file_system_without_links_has_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr("pathlib.Path.hardlink_to", refuses)
    path = tmp_path / "look.jsonl"
    for golds in (["a"], ["b"], ["a", "b"]):
        write_anew(path, _writes(golds), None)
    assert [len(each.read_bytes().splitlines()) for each in sorted(tmp_path.iterdir())] == [2, 1, 1]
