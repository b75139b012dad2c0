"""Rows of the package and the user's own: what overrides what, and what is said of mistakes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.catalogue.apis import Api, read_apis
from judgefast.catalogue.files import add_row, find, read_rows, user_file
from judgefast.catalogue.gpus import Gpu, find_gpu, read_gpus
from judgefast.catalogue.models import read_models
from judgefast.catalogue.prices import Price, read_prices
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write the user's own file, a row or a text a line."""
    monkeypatch.setenv("JUDGEFAST_CATALOGUE", str(tmp_path))

    def write(name: str, *lines: dict[str, Any] | str) -> Path:
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        path = tmp_path / f"{name}.jsonl"
        path.write_text("\n".join(texts) + "\n", "utf-8")
        return path

    return write


def test_the_user_overrides_what_they_give_and_nothing_else(own: Write) -> None:
    before = find_gpu("H200")
    path = own("gpus", {"key": "H200-SXM", "memory_bytes": 10, "tdp_watts": None})
    after = find_gpu("H200")
    assert (after.memory_bytes, after.tdp_watts) == (10, None)
    assert (after.bandwidth, after.name) == (before.bandwidth, before.name)
    credited = {field: each.source for each in after.sources for field in each.fields}
    assert credited["memory_bytes"] == credited["tdp_watts"] == str(path)
    assert "gpu-specs" in credited["bandwidth"]
    assert not any("memory_bytes" in each.fields for each in after.sources[:-1])
    assert next(iter(read_gpus())) == "H200-SXM"


def test_a_row_with_another_key_is_added_behind_the_others(own: Write) -> None:
    count = len(read_gpus())
    own("gpus", "", {"key": "Mine", "name": "My card", "memory_bytes": 1}, "")
    assert list(read_gpus())[count:] == ["Mine"]
    assert find_gpu("my CARD").memory_bytes == 1


def test_the_hubs_organisation_is_no_part_of_a_name(own: Write) -> None:
    own("gpus", {"key": "Some_Name-7B", "name": "m"})
    assert find("GPU", "some-org/some-name-7b", read_gpus()).key == "Some_Name-7B"


def test_two_that_are_alike_are_both_named(own: Write) -> None:
    own("gpus", {"key": "Aa-1", "name": "m"}, {"key": "a_a1", "name": "n"})
    with pytest.raises(ConfigError, match="`AA1` may be any of the GPUs `Aa-1`, `a_a1`"):
        find("GPU", "AA1", read_gpus())


def test_sources_that_the_user_gives_stand(own: Write) -> None:
    source = {"fields": ["bandwidth"], "source": "measured", "date": "2026-11-01"}
    own("gpus", {"key": "L4", "bandwidth": 2.9e11, "sources": [source]})
    (theirs,) = [each for each in find_gpu("L4").sources if "bandwidth" in each.fields]
    assert (theirs.source, theirs.date) == ("measured", "2026-11-01")


@pytest.mark.parametrize(
    ("lines", "words", "hint"),
    [
        (['{"key": "L4"', ""], "line 1: this is not JSON", "one JSON object a line"),
        (["[1]"], "line 1: this is no JSON object", "one JSON object a line"),
        (["", '{"name": "x"}'], "line 2: `key` is missing", "overrides"),
        ([{"key": "L4"}, {"key": "L4"}], "line 2: `key` `L4` is that of line 1 too", "keep one"),
        ([{"key": "L4", "bandwith": 1}], "line 1: unknown field `bandwith`", "`bandwidth`"),
        ([{"key": "L4", "tdp_watts": "72"}], "line 1: `tdp_watts` takes a number", "fields"),
        ([{"key": "L4", "bandwidth": 0}], "line 1: `bandwidth` is 0", "fields"),
        ([{"key": "Mine"}], "line 1: Object missing required field `name`", "fields"),
        ([{"key": "l4"}], "line 1: Object missing required field `name`", "`L4`: did you mean"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_field(
    own: Write, lines: list[Any], words: str, hint: str
) -> None:
    path = own("gpus", *lines)
    with pytest.raises(ConfigError) as caught:
        read_gpus()
    assert f"`{path}`, {words}" in str(caught.value)
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"config": {}}, "`config` says nothing of any size"),
        ({"config": {"hidden_size": "many"}}, "`config` has `hidden_size`: 'many'"),
        ({"config": {"text_config": {"head_dim": 1.5}}}, "`config` has `head_dim`: 1.5"),
        ({"weight_bytes": 1}, "`weight_bytes` is too small: 1 bytes for 8,190,735,360 parameters"),
        ({"context": 0}, "`context` is 0; it must be above 0"),
    ],
)
def test_sizes_of_an_own_model_that_are_none_are_told_with_file_and_line(
    own: Write, fields: dict[str, Any], words: str
) -> None:
    path = own("models", "", {"key": "Qwen3-8B", **fields})
    with pytest.raises(ConfigError) as caught:
        read_models()
    assert str(caught.value).startswith(f"`{path}`, line 2: {words}")


def test_a_file_that_cannot_be_read_is_named(own: Write) -> None:
    own("gpus").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigError, match=r"gpus\.jsonl` cannot be read: it is not UTF-8"):
        read_gpus()


def test_a_price_that_is_overridden_has_a_day_of_its_own(own: Write) -> None:
    key = next(iter(read_prices()))
    own("prices", {"key": key, "usd": 9.0})
    with pytest.raises(ConfigError, match="line 1: `date` is missing"):
        read_prices()
    path = own("prices", {"key": key, "usd": 9.0, "date": "2026-11-20"})
    price = read_prices()[key]
    assert (price.usd, price.date, price.source, price.is_own) == (9, "2026-11-20", str(path), True)


def test_a_bom_and_blank_lines_are_no_mistakes(own: Write) -> None:
    own("gpus").write_text('\ufeff{"key": "Mine", "name": "m"}\n\n', "utf-8")
    assert read_gpus()["Mine"].name == "m"


def test_the_folder_of_the_user_is_where_settings_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGEFAST_CATALOGUE", str(tmp_path))
    assert user_file("gpus") == tmp_path / "gpus.jsonl"
    monkeypatch.delenv("JUDGEFAST_CATALOGUE")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/x")
    assert str(user_file("gpus")) == "/x/judgefast/catalogue/gpus.jsonl"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", "/h")
    assert str(user_file("gpus")) == "/h/.config/judgefast/catalogue/gpus.jsonl"


def test_a_row_that_is_added_takes_the_place_of_its_namesake(own: Write) -> None:
    own("gpus", {"key": "A", "name": "a"}, {"key": "B", "name": "b"})
    path = add_row("gpus", {"key": "A", "name": "new"}, Gpu)
    assert [json.loads(line)["name"] for line in path.read_text().splitlines()] == ["b", "new"]
    with pytest.raises(ConfigError, match="unknown field `nam`"):
        add_row("gpus", {"key": "C", "nam": "c"}, Gpu)
    assert len(path.read_text().splitlines()) == 2


@settings(max_examples=60)
@given(st.data())
def test_a_name_is_found_however_it_is_written(data: st.DataObject) -> None:
    rows = read_gpus()
    key = data.draw(st.sampled_from(list(rows)))
    written = "".join(
        data.draw(st.sampled_from([each.upper(), each.lower()]))
        if each.isalnum()
        else data.draw(st.sampled_from(["", "-", "_", " "]))
        for each in key
    )
    assert find("GPU", written, rows).key == key


@settings(max_examples=40)
@given(st.text(max_size=12))
def test_any_name_finds_a_row_that_has_it_or_is_refused(name: str) -> None:
    rows = read_gpus()
    try:
        found = find("GPU", name, rows)
    except ConfigError as error:
        assert f"`{name}`" in str(error)  # noqa: PT017 - either way is right
        assert name not in rows
    else:
        kept = [each for each in name.casefold() if each.isascii() and each.isalnum()]
        assert kept
        assert found in rows.values()


@pytest.mark.parametrize(("name", "row"), [("gpus", Gpu), ("prices", Price), ("apis", Api)])
def test_every_row_of_the_package_has_its_source_and_its_day(name: str, row: type[Any]) -> None:
    for found in read_rows(name, row).values():
        if row is Gpu:
            credited = [field for each in found.sources for field in each.fields]
            assert len(credited) == len(set(credited))
            own = {"key", "name", "aliases", "sky", "note", "sources"}
            known = {field for field in Gpu.__struct_fields__ if getattr(found, field) is not None}
            assert known - own == set(credited)
            assert all(each.source and each.date for each in found.sources)
        else:
            assert found.source
            assert found.date or found.seen
    assert read_apis()
