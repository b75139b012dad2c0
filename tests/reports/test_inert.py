"""Untrusted text stays text, and stays readable."""

from __future__ import annotations

import csv
import io
import json
import sys
import unicodedata
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.reports.as_json import to_json
from judgefast.reports.inert import block, csv_cells, line

if TYPE_CHECKING:
    from collections.abc import Callable

ANY_TEXT = st.text(st.characters(exclude_categories=()))
FORMULA_HEADS = ["=1+1", "+1", "-1", "@SUM(A1)", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201"]


class Note(msgspec.Struct):
    """A text and a figure."""

    text: str
    share: float = 0.5


@given(ANY_TEXT)
@settings(max_examples=200)
def test_a_line_is_one_line_and_safe(is_safe: Callable[[str], bool], text: str) -> None:
    shown = line(text)
    assert is_safe(shown)
    assert "\n" not in shown


@given(ANY_TEXT, st.integers(3, 30))
@settings(max_examples=100)
def test_a_cut_line_keeps_its_limit_and_begins_alike(text: str, limit: int) -> None:
    cut, whole = line(text, limit), line(text)
    assert len(cut) <= limit
    assert cut == whole or (cut.endswith("...") and whole.startswith(cut[:-3]))


def test_text_of_every_language_comes_through_unchanged() -> None:
    for text in ("Grüße, naïve façade", "明日の会議", "می‌خواهم", "क्‍ष", "👩‍👩‍👧‍👦 ❤️", "שלום"):
        assert line(text) == text


def test_every_control_of_unicode_is_escaped() -> None:
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
            kept = code in {0x200C, 0x200D}
            assert line(character).startswith("\\") != kept, hex(code)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b31m", "\\x9b31m"),
        ("a\r\nb", "a\\r\\nb"),
        ("\u202egpj", "\\u202egpj"),
        ("\ud83d", "\\ud83d"),
        ("\U000e0041", "\\U000e0041"),
        ("\ufffe", "\\ufffe"),
    ],
)
def test_what_is_escaped_can_be_recognised(text: str, shown: str) -> None:
    assert line(text) == shown


def test_a_block_keeps_its_lines_and_nothing_else_breaks_one() -> None:
    assert block("a\r\n\tb\n\x0bc\u2028d") == ["a", "    b", "\\x0bc\\u2028d"]


def is_formula(text: str) -> bool:
    """Say what a spreadsheet would run; an oracle without regular expressions."""
    if text[:1] in {"\t", "\r", "\n"}:
        return True
    for character in text:
        invisible = unicodedata.category(character) in {"Zs", "Zl", "Zp", "Cf"}
        if invisible or character in "\t\n\f\r\"'\x00":
            continue
        return character in "=+-@\uff1d\uff0b\uff0d\uff20"
    return False


def shown(text: str) -> str:
    """Say how a cell shows controls; an oracle by category."""
    return "".join(
        f"\\x{ord(one):02x}" if unicodedata.category(one) == "Cc" and one not in "\t\n\r" else one
        for one in text
    )


@given(
    st.lists(
        st.builds(
            str.__add__,
            st.sampled_from(["", " ", "\u3000", "\u200b", '"', "'", "\t", "\n", "x", "\x00 "]),
            st.sampled_from(FORMULA_HEADS) | st.text(max_size=5),
        ),
        max_size=20,
    )
)
@settings(max_examples=50)
def test_exactly_the_formulas_get_an_apostrophe(texts: list[str]) -> None:
    for kind in (pa.string(), pa.large_string()):
        cells = csv_cells(pa.array(texts, type=kind)).to_pylist()
        assert cells == [shown(f"'{text}" if is_formula(text) else text) for text in texts]


def test_nulls_and_empty_cells_stay_what_they_are() -> None:
    assert csv_cells(pa.array([None, "", "=x"])).to_pylist() == [None, "", "'=x"]


def test_no_cell_of_the_corpus_starts_a_formula(attacks: list[str]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([cell] for cell in csv_cells(pa.array(attacks)).to_pylist())
    for (cell,) in (row for row in csv.reader(io.StringIO(out.getvalue())) if row):
        assert cell.startswith("'") or not is_formula(cell)


@given(ANY_TEXT)
@settings(max_examples=200)
def test_json_is_safe_to_print_and_gives_the_text_back(
    is_safe: Callable[[str], bool], text: str
) -> None:
    encoded = to_json(Note(text))
    assert is_safe(encoded)
    readable = "".join("\ufffd" if "\ud800" <= one <= "\udfff" else one for one in text)
    assert json.loads(encoded)["text"] == readable


def test_json_of_the_corpus_is_safe_and_exact(
    attacks: list[str], is_safe: Callable[[str], bool]
) -> None:
    for text in attacks:
        encoded = to_json(Note(text))
        assert is_safe(encoded)
        assert msgspec.json.decode(encoded)["text"] == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_null_in_json(value: float) -> None:
    assert to_json(Note("x", value), indent=0) == '{"text":"x","share":null}\n'
