"""Rows of CSV and TSV files. Every cell is text: an id `007` stays `007`."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING, BinaryIO

from judgefast.datasets.faults import Reason, RowFault, listed, shown
from judgefast.datasets.lines import bounded_lines, text_fault
from judgefast.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.datasets.lines import Raw


_DELIMITERS = ",;\t|"


class _Lines:
    """Feeds the csv module, which joins lines inside quotes, and remembers what was wrong.

    A fault may not be raised through the csv reader: it would lose its place in the file.
    """

    def __init__(self, stream: BinaryIO, max_row_bytes: int) -> None:
        self._lines = bounded_lines(stream, max_row_bytes)
        self._max_row_bytes = max_row_bytes
        self.fault: RowFault | None = None
        self.record_bytes = 0
        self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        self.number, line = next(self._lines)
        if isinstance(line, RowFault):
            self.fault = line
            return "\n"
        self.record_bytes += len(line)
        if self.record_bytes > self._max_row_bytes:
            words = f"a record of more than {self._max_row_bytes:,} bytes; a quote may be unclosed"
            raise _RunawayRecordError(words)
        self.fault = self.fault or text_fault(line)
        return line.decode(errors="replace")


class _RunawayRecordError(Exception):
    """No place from which to read on is known."""


def csv_rows(
    stream: BinaryIO, max_row_bytes: int, name: str, delimiter: str
) -> Iterator[tuple[int, Raw]]:
    """Line on which each record begins, and its cells by the names of the first record.

    Raises:
        DataError: No header, one with a name twice, or a quote that is never closed.

    """
    # The module has one limit for the process; it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), min(max_row_bytes, sys.maxsize)))
    lines = _Lines(stream, max_row_bytes)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        first = lines.number + 1
        lines.record_bytes, lines.fault = 0, None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except _RunawayRecordError as error:
            message = f"`{name}`, line {first}: {error}"
            raise DataError(message, hint="close the quote, or raise --max-row-bytes") from None
        except csv.Error as error:
            lines.fault = lines.fault or _invalid(error)
            cells = ["?"]
        if header is None:
            header = _header(cells, lines.fault, f"`{name}`, line {first}", delimiter)
        elif lines.fault is not None:
            yield first, lines.fault
        elif len(cells) == len(header):
            yield first, dict(zip(header, cells, strict=True))
        elif cells:
            words = f"{len(cells)} cells, the header has {len(header)}; saw {shown(cells[0])} first"
            hint = "quote cells that hold the separator or a line end"
            yield first, RowFault(Reason.WRONG_COLUMNS, words, hint=hint)


def _invalid(error: csv.Error) -> RowFault:
    hint = 'write a quote inside a quoted cell twice: "say ""hi"""'
    if "new-line" in str(error):  # a bare CR, as old spreadsheets end a line
        hint = "end each line with LF or CRLF"
    return RowFault(Reason.WRONG_COLUMNS, f"not valid CSV: {error}", hint=hint)


def _header(cells: list[str], fault: RowFault | None, place: str, delimiter: str) -> list[str]:
    if fault is not None:
        raise DataError(fault.at(place), hint=fault.hint)
    twice = sorted({cell for cell in cells if cells.count(cell) > 1})
    if twice:
        message = f"{place}: the header names {listed(twice)} more than once"
        raise DataError(message, hint="give each column a name of its own")
    if len(cells) == 1 and any(other in cells[0] for other in _DELIMITERS if other != delimiter):
        known = "commas" if delimiter == "," else "tabs"
        message = f"{place}: the header is a single cell, {shown(cells[0])}"
        raise DataError(message, hint=f"separate cells by {known}; `.csv` has commas, `.tsv` tabs")
    if not any(cells):
        message = f"{place}: the header is empty"
        raise DataError(message, hint="write the names of the fields on the first line")
    return cells
