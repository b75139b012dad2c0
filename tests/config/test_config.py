"""Options of a run: their ranges, `--config` files, and flags on top of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from judgefast.cli.options import config_of, engine_value
from judgefast.config import MAX_ROW_BYTES, RunConfig, config_from, read_config
from judgefast.datasets import ReadOptions
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

NAN = float("nan")


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("repeats", 0, "at least 1"),
        ("max_attempts", 0, "at least 1"),
        ("max_row_bytes", 0, "at least 1"),
        ("limit", 0, "at least 1"),
        ("seed", -1, "from 0 to 2^63-1"),
        ("seed", 1 << 63, "from 0 to 2^63-1"),
        ("level", 1.0, "above 0 and below 1"),
        ("level", NAN, "above 0 and below 1"),
        ("max_unreadable", 0.0, "above 0 and at most 1"),
        ("max_unreadable", NAN, "above 0 and at most 1"),
        ("request_seconds", 0.0, "above 0"),
        ("request_seconds", NAN, "above 0"),
    ],
)
def test_a_value_out_of_range_is_refused(option: str, value: float, allowed: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config_from({option: value}, where="here")
    assert str(caught.value) == f"`{option}` is {value}; it must be {allowed}"


@pytest.mark.parametrize(
    ("options", "words", "hint"),
    [
        ({"sed": 1}, "here: unknown option `sed`", "did you mean `seed`?"),
        ({"repeats": "x"}, "here: `repeats` takes a whole number, saw text", None),
        ({"data": "x"}, "here: `data` takes a list, saw text", "write it as a list, in [ ]"),
        (
            {"one_failed": "both"},
            "here: `one_failed`: Invalid enum value 'both'",
            "it takes pair, single, tie",
        ),
        ({"map": {"answer": 1}}, "here: `map[...]` takes text, saw a whole number", None),
    ],
)
def test_an_option_that_cannot_be_is_named(
    options: dict[str, Any], words: str, hint: str | None
) -> None:
    with pytest.raises(ConfigError) as caught:
        config_from(options, where="here")
    assert (str(caught.value), caught.value.hint) == (words, hint)


def test_a_config_file_may_use_dashes_and_begin_with_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes(b"\xef\xbb\xbfmax-attempts = 5\nno_texts = true\n")
    assert read_config(path) == {"max_attempts": 5, "no_texts": True}


def test_a_config_file_that_cannot_be_read_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    for path, words in ((tmp_path, "cannot be read"), (tmp_path / "none.toml", "cannot be read")):
        with pytest.raises(ConfigError, match=words) as caught:
            read_config(path)
        assert caught.value.hint is not None
    for content in (b"[", b"\xff"):
        (tmp_path / "bad.toml").write_bytes(content)
        with pytest.raises(ConfigError, match="is not TOML") as caught:
            read_config(tmp_path / "bad.toml")
        assert caught.value.hint is not None


def test_a_flag_wins_and_pairs_are_merged(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('seed = 3\nrepeats = 2\n[map]\nanswer = "a"\nquestion = "q"\n')
    config = config_of(
        {"config_file": path, "seed": 4, "repeats": None, "map": (("answer", "b"),), "slices": ()}
    )
    assert (config.seed, config.repeats) == (4, 2)
    assert config.map == {"answer": "b", "question": "q"}


@pytest.mark.parametrize("line", ['map = "x"', "engine-args = 3", "seed = true"])
def test_a_mistake_of_the_file_is_the_files_whatever_the_flags_are(
    line: str, tmp_path: Path
) -> None:
    path = tmp_path / "c.toml"
    path.write_text(line)
    pairs = (("a", "1"),)
    with pytest.raises(ConfigError, match=r"c\.toml`: `") as caught:
        config_of({"config_file": path, "map": pairs, "engine_args": pairs})
    assert " takes " in str(caught.value)


def test_values_of_engine_arguments_are_json_where_they_can_be() -> None:
    config = config_of({"engine_args": (("a", "4"), ("b", "fp8"), ("c", "false"))})
    assert config.engine_args == {"a": 4, "b": "fp8", "c": False}
    assert engine_value('{"a": [1]}') == {"a": [1]}


def test_the_longest_line_is_one_number_everywhere() -> None:
    assert RunConfig().max_row_bytes == ReadOptions().max_row_bytes == MAX_ROW_BYTES == 64_000_000
