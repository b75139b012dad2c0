"""What `docs/formats.md` says of a record is what a record holds."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import msgspec
import pytest

from judgefast.benchmarks import records
from tests.benchmarks.made_records import record

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text("utf-8")
SECTION = PAGE.split("\n## Records of bench\n")[1].split("\n## ")[0]


def test_the_page_names_every_field_of_a_record() -> None:
    told = set()
    for line in SECTION.splitlines():
        if line.startswith("| ") and "---" not in line:
            words = re.sub(r"\([^)]*\)", "", line.split("|")[2])
            told |= set(re.findall(r"`(\w+)`", words))
    structs = [
        each
        for each in vars(records).values()
        if isinstance(each, type) and issubclass(each, msgspec.Struct)
        if each.__module__ == records.__name__ and not each.__name__.startswith("_")
    ]
    fields = {field for each in structs for field in each.__struct_fields__}
    assert told == fields
    assert f"`format` is {records.RECORD_FORMAT}" in SECTION


def test_duckdb_reads_a_record_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    records.write_record(record([2.0, 4.0]), tmp_path / "record.json")
    [line] = re.findall(r"`(SELECT .*?)`", SECTION)
    assert [rate for (rate,) in duckdb.sql(line).fetchall()] == pytest.approx([2, 4])


def test_a_record_keeps_the_name_of_the_models_folder_and_not_where_it_lies(
    tmp_path: Path,
) -> None:
    facts = {"model_folder": str(tmp_path / "judges" / "small"), "version": "1"}
    kept = records.to_json(record([2.0], engine_facts=facts))
    assert str(tmp_path) not in kept.decode()
    assert msgspec.json.decode(kept)["engine_facts"] == facts | {"model_folder": "small"}
