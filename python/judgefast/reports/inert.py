"""Untrusted text stays text: what data must pass before a terminal, a spreadsheet or a JSON reader.

Data may hold escape sequences that rewrite a terminal, marks that reverse the reading order, or
cells that a spreadsheet runs. Here they become visible and harmless; nothing is deleted.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

JOINERS = "\u200c\u200d"
"""Zero-width joiners stay: Persian, Hindi and many emoji cannot be written without them."""

ESCAPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls, format characters (bidi, zero-width, tags), lone surrogates, line separators."""

NONCHARACTER = 0xFFFE
"""Bits that the last two code points of each plane have; they stand for no character."""

FORMULA_STARTS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
"""What makes a cell a formula, as ASCII and as full-width characters; for a character class."""

_FORMULA_CELL = rf"^([\s\p{{Z}}\p{{Cf}}\x00\"']*[{FORMULA_STARTS}]|[\t\r\n])"
"""RE2, as pyarrow's kernels read it: `\\p{Z}` blanks, `\\p{Cf}` invisible characters."""

_CONTROLS = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x{9f}]"
"""Characters that a terminal acts on, but for tabs and line ends. RE2."""

_LEFT_BY_JSON = re.compile("[\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def _is_unsafe(character: str) -> bool:
    if unicodedata.category(character) in ESCAPED_CATEGORIES:
        return character not in JOINERS
    return ord(character) & NONCHARACTER == NONCHARACTER


class _TerminalEscapes(dict[int, "int | str"]):
    """A table for `str.translate` that is filled as characters are met."""

    def __missing__(self, code: int) -> int | str:
        character = chr(code)
        value: int | str = code
        if _is_unsafe(character):
            escaped = character.encode("ascii", "backslashreplace").decode()
            value = f"\\x{code:02x}" if character.isascii() else escaped
        self[code] = value
        return value


class _JsonEscapes(dict[int, "int | str"]):
    """The same characters, written as JSON writes them; what is below U+0020 is escaped already."""

    def __missing__(self, code: int) -> int | str:
        character = chr(code)
        value: int | str = code
        if character >= " " and _is_unsafe(character):
            units = character.encode("utf-16-be")
            value = "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
        self[code] = value
        return value


_TERMINAL = _TerminalEscapes({0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"})
_JSON = _JsonEscapes()
_CSV = {code: f"\\x{code:02x}" for code in {*range(0x20), *range(0x7F, 0xA0)} - {9, 10, 13}}


def line(text: str, limit: int | None = None) -> str:
    r"""Make a text safe on one line of a terminal.

    Controls, bidi and zero-width marks, lone surrogates and line separators are written as
    `\x1b`, `\u202e`, `\n`. For a person: a backslash of the text itself is not doubled.

    Args:
        text: Anything.
        limit: Longest result in characters, at least 3; a cut one ends in `...`.

    >>> line("a\x1b[31mred\nb")
    'a\\x1b[31mred\\nb'
    >>> line("abcdefgh", limit=6)
    'abc...'

    """
    # A slice first: a text of 64 MB is not escaped whole to show its beginning.
    shown = text if limit is None else text[: limit + 1]
    safe = shown if shown.isascii() and shown.isprintable() else shown.translate(_TERMINAL)
    if limit is None or len(safe) <= limit:
        return safe
    return safe[: limit - 3] + "..."


def block(text: str) -> list[str]:
    r"""Make a text safe as lines of a terminal: line feeds break, tabs become blanks.

    >>> block("a\tb\r\nc\x07")
    ['a   b', 'c\\x07']

    """
    lines = text.replace("\r\n", "\n").split("\n")
    return [line(part.expandtabs(4)) for part in lines]


def csv_cells(cells: pa.Array[Any]) -> pa.Array[Any]:
    r"""Put an apostrophe before each cell that a spreadsheet would run as a formula.

    A cell is one if it starts with `= + - @` or their full-width forms, also behind blanks,
    invisible characters and quotes, or with a tab or a line break. Controls that a terminal acts on
    are written as `\x1b`; tabs and line ends stay. Nulls stay null.

    Args:
        cells: Strings of any Arrow string type. Shape (n,).

    Returns:
        Strings of the same type. Shape (n,).

    Source:
        OWASP, "CSV Injection".

    """
    import pyarrow as pa  # noqa: PLC0415 - only an export needs it
    import pyarrow.compute as pc  # noqa: PLC0415 - only an export needs it

    marked: pa.Array[Any] = pc.replace_substring_regex(
        cells, pattern=_FORMULA_CELL, replacement=r"'\1", max_replacements=1
    )
    acting = pc.match_substring_regex(marked, pattern=_CONTROLS)
    if not pc.any(acting).as_py():
        return marked
    shown = [None if cell is None else cell.translate(_CSV) for cell in marked.to_pylist()]
    return pa.array(shown, type=marked.type)


def json_bytes(encoded: bytes) -> bytes:
    """Do what `json_text` does for long texts, where they hold a control that JSON leaves alone."""
    if encoded.isascii() and b"\x7f" not in encoded:
        return encoded
    text = encoded.decode()
    return json_text(text).encode() if _LEFT_BY_JSON.search(text) else encoded


def json_text(encoded: str) -> str:
    r"""Escape what a terminal would act on in an encoded JSON text; its value stays the same.

    >>> json_text('{"a": "\u202e"}')
    '{"a": "\\u202e"}'

    """
    return encoded if encoded.isascii() and "\x7f" not in encoded else encoded.translate(_JSON)


def without_surrogates(text: str) -> str:
    """Put U+FFFD for each lone surrogate: they have no UTF-8, and readers of JSON refuse them."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def plain_value(value: Any) -> str:  # noqa: ANN401 - what `meta` holds is the user's
    """Write a value of `meta` on one line: a string as it is, others as JSON would."""
    import msgspec  # noqa: PLC0415 - only `show` needs it

    return line(value if isinstance(value, str) else msgspec.json.encode(value).decode())
