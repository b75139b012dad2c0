"""Line numbers of TOML values."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.prompts import builtin_rubrics, load_rubric
from judgefast.prompts.source import Path, TomlLines

TEXT = '''\
name = "x"  # name = "no"
a . "b c".'d' = 3
[template]
system = """
[not.a.table]
key = 1 \\"""
"""
[[template.blocks]]
text = 'a]'
[[template.blocks]]  # second
when = \'\'\'
x\'\'\'\'
[template.blocks.more]
deep = [ [1, 2],
  [3, { k = "}" },  # ]
  { q = 4 }] ]
[other]
date = 2026-01-01T00:00:00Z
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("name",), 1),
        (("a", "b c", "d"), 2),
        (("template",), 3),
        (("template", "system"), 4),
        (("template", "blocks", 0), 8),
        (("template", "blocks", 0, "text"), 9),
        (("template", "blocks", 1), 10),
        (("template", "blocks", 1, "when"), 11),
        (("template", "blocks", 1, "more", "deep", 1), 15),
        (("template", "blocks", 1, "more", "deep", 1, 1, "k"), 15),
        (("template", "blocks", 1, "more", "deep", 1, 2, "q"), 16),
        (("other", "date"), 18),
        (("other", "nowhere", 3), 17),
        (("nowhere",), 1),
    ],
)
def test_every_value_is_found_on_its_line(path: Path, line: int) -> None:
    tomllib.loads(TEXT)
    assert TomlLines(TEXT).line(path) == line


def test_lines_inside_a_text_are_counted_from_its_first() -> None:
    lines = TomlLines(TEXT)
    assert lines.text_line(("template", "system"), 1) == 6
    assert lines.text_line(("template", "blocks", 0, "text"), 0) == 9
    assert lines.text_line(("template", "blocks", 1, "when"), 0) == 12


def leaves(value: Any, path: Path = ()) -> list[tuple[Path, Any]]:
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))]
    if isinstance(value, list):
        return [leaf for i, inner in enumerate(value) for leaf in leaves(inner, (*path, i))]
    return [(path, value)]


@given(pads=st.lists(st.integers(0, 3), min_size=60, max_size=60), data=st.data())
@settings(max_examples=20, deadline=None)
def test_blank_lines_between_tables_move_the_lines_and_nothing_else(
    pads: list[int], data: st.DataObject
) -> None:
    source = load_rubric(data.draw(st.sampled_from(builtin_rubrics()))).source
    pieces = source.split("\n[")
    moved = pieces[0]
    for piece, pad in zip(pieces[1:], pads, strict=False):
        moved += "\n" + "\n" * pad + "[" + piece
    texts = [path for path, value in leaves(tomllib.loads(moved)) if isinstance(value, str)]
    lines, rows = TomlLines(moved), moved.split("\n")
    for path in texts:
        key = next(part for part in reversed(path) if isinstance(part, str))
        assert key in rows[lines.line(path) - 1]
