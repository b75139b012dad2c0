"""Lines of a text file, and JSON objects from them.

Lines end with LF and nothing else (U+2028 inside a text ends none), one is held at a time, and
none longer than the limit is ever held whole.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from judgefast.datasets.faults import Reason, RowFault, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

Raw = dict[str, Any] | RowFault
"""A row as read, or why it cannot be."""

_BOM = b"\xef\xbb\xbf"
_SKIP_BYTES = 1 << 20
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_decode = msgspec.json.Decoder().decode


def bounded_lines(stream: BinaryIO, max_row_bytes: int) -> Iterator[tuple[int, bytes | RowFault]]:
    """Number, from 1, and bytes of each line with its LF; a fault for one over the limit."""
    number = 0
    while line := stream.readline(max_row_bytes + 1):
        number += 1
        if len(line) > max_row_bytes and not line.endswith(b"\n"):
            size = len(line)
            while rest := stream.readline(_SKIP_BYTES):
                size += len(rest)
                if rest.endswith(b"\n"):
                    break
            words = f"the line has {size:,} bytes, the limit is {max_row_bytes:,}"
            hint = "raise the limit with --max-row-bytes, if the row is meant to be that long"
            yield number, RowFault(Reason.ROW_TOO_LONG, words, hint=hint)
            continue
        if number == 1:
            line = line.removeprefix(_BOM)
        yield number, line


def text_fault(line: bytes) -> RowFault | None:
    """Why a line is no text, if it is none."""
    place = line.find(b"\0")
    if place >= 0:
        if line[1::2].count(0) * 2 > len(line) // 2 or line[::2].count(0) * 2 > len(line) // 2:
            return RowFault(Reason.NUL_BYTE, "raw NUL bytes; this looks like UTF-16", hint=_TO_UTF8)
        hint = r"a NUL inside a text is written \u0000; raw ones are a sign of a damaged file"
        return RowFault(Reason.NUL_BYTE, f"a raw NUL byte at byte {place} of the line", hint=hint)
    if line.isascii():
        return None
    try:
        line.decode()
    except UnicodeDecodeError as error:
        seen = line[error.start : error.start + 4].hex(" ")
        words = f"not UTF-8 at byte {error.start} of the line, saw {seen}"
        return RowFault(Reason.INVALID_UTF8, words, hint=_TO_UTF8)
    return None


_TO_UTF8 = "save the file as UTF-8"


def json_rows(stream: BinaryIO, max_row_bytes: int) -> Iterator[tuple[int, Raw]]:
    """Line number and object of each line that is not blank."""
    for number, line in bounded_lines(stream, max_row_bytes):
        if isinstance(line, RowFault):
            yield number, line
        elif not line.isspace():
            yield number, _object(line)


def _object(line: bytes) -> Raw:
    fault = text_fault(line)
    if fault is not None:
        return fault
    try:
        value = _decode(line)
    except RecursionError:
        return RowFault(Reason.INVALID_JSON, "nested too deeply", hint=ONE_OBJECT)
    except (msgspec.MsgspecError, ValueError) as error:
        if not _SURROGATE_ESCAPE.search(line):
            return _invalid(line, error)
        try:
            value = json.loads(line, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as second:
            return _invalid(line, second)
    if type(value) is not dict:
        array = isinstance(value, list)
        hint = "write one object a line; `jq -c '.[]' FILE` turns an array into lines"
        words = f"expected a JSON object, saw {shown(value)}"
        return RowFault(Reason.NOT_AN_OBJECT, words, hint=hint if array else ONE_OBJECT)
    return value


ONE_OBJECT = 'write one JSON object a line, such as {"question": "...", "answer": "..."}'


def _invalid(line: bytes, error: Exception) -> RowFault:
    start = line.strip()
    if start in (b"[", b"{") or (start.startswith(b"[") and not start.endswith(b"]")):
        hint = "write one object a line; `jq -c '.[]' FILE` turns an array into lines"
    else:
        hint = ONE_OBJECT
    cause = str(error).removeprefix("JSON is malformed: ")
    words = f"not valid JSON: {cause}; saw {shown(line.decode().strip())}"
    return RowFault(Reason.INVALID_JSON, words, hint=hint)


def _refuse_constant(name: str) -> None:
    message = f"{name} is no JSON number"
    raise ValueError(message)
