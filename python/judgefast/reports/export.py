"""Write a table to a file of the user's: Parquet, CSV or JSON lines, by the file's suffix.

The file appears under its name only when it is whole. CSV is for spreadsheets, so its cells are
made inert; the other two carry every text as it is.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from judgefast.errors import ConfigError
from judgefast.files import disk_errors, put_in_place
from judgefast.reports.inert import csv_cells, json_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import pyarrow as pa

SUFFIXES = (".parquet", ".csv", ".jsonl")
"""What `write_table` can write."""

GROUP_ROWS = 65_536
"""A row group is closed when it holds this many rows."""

GROUP_BYTES = 64 << 20
"""Or this many bytes, so that long texts don't fill the memory."""


class _Sink(Protocol):
    def write(self, batch: pa.RecordBatch) -> None: ...
    def close(self) -> None: ...


def write_table(
    table: pa.Table | pa.RecordBatchReader | Iterable[pa.RecordBatch],
    path: Path,
    *,
    schema: pa.Schema | None = None,
    overwrite: bool = False,
) -> int:
    """Write a table, batch by batch, so that it may be larger than the memory.

    Binary columns become hex digits in CSV and JSON lines; lists, structs and maps become JSON text
    in CSV.

    Args:
        table: Rows, at once or as batches of one schema.
        path: Where to; `.parquet`, `.csv` or `.jsonl` says how.
        schema: Needed where `table` is a bare iterable of batches.
        overwrite: Replace a file that is there.

    Returns:
        Rows written.

    Raises:
        ConfigError: The suffix is another one, or the file is there already, or a folder of its
            name. Nothing was written.
        RunDirectoryError: The disk is full or fails, or the folder may not be written.

    """
    check_target(path, overwrite=overwrite)
    batches, schema = _batches(table, schema)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with _raised_by_the_source(), disk_errors(path):
            with temporary.open("wb") as file:
                rows = _write(_sink(path.suffix.lower(), file, schema), _source(batches))
                file.flush()
                os.fsync(file.fileno())
            put_in_place(temporary, path)
    except BaseException:  # raised again: no half of a file stays
        with suppress(OSError):
            temporary.unlink()
        raise
    return rows


def check_target(path: Path, *, overwrite: bool) -> None:
    """Refuse a file that `write_table` would refuse, before anything is read for it.

    Raises:
        ConfigError: As there.

    """
    if path.suffix.lower() not in SUFFIXES:
        msg = f"cannot write `{path}`: its name ends in `{path.suffix or path.name}`"
        raise ConfigError(msg, hint=f"end it in one of {', '.join(SUFFIXES)}")
    if path.is_dir():
        msg = f"cannot write `{path}`: it is a folder"
        raise ConfigError(msg, hint="choose another name")
    if path.exists() and not overwrite:
        msg = f"`{path}` is there already"
        raise ConfigError(msg, hint="choose another name, or overwrite it with `--overwrite`")
    if not path.parent.is_dir():
        msg = f"cannot write `{path}`: there is no folder `{path.parent}`"
        raise ConfigError(msg, hint="create the folder first")


def _batches(
    table: pa.Table | pa.RecordBatchReader | Iterable[pa.RecordBatch], schema: pa.Schema | None
) -> tuple[Iterator[pa.RecordBatch], pa.Schema]:
    import pyarrow as pa  # noqa: PLC0415 - only an export needs it

    if isinstance(table, pa.Table):
        return iter(table.to_batches(max_chunksize=GROUP_ROWS)), table.schema
    if isinstance(table, pa.RecordBatchReader):
        return iter(table), table.schema
    if schema is None:
        msg = "batches without a schema: an empty iterable would have no columns"
        raise ConfigError(msg, hint="pass `schema`")
    return iter(table), schema


class _SourceError(Exception):
    """What is written cannot be read: no fault of where it is written."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def _raised_by_the_source() -> Iterator[None]:
    """Let what reading has raised be what it was."""
    try:
        yield
    except _SourceError as error:
        raise error.error from None


def _source(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except OSError as error:
        raise _SourceError(error) from error


def _write(sink: _Sink, batches: Iterator[pa.RecordBatch]) -> int:
    rows = 0
    try:
        for batch in batches:
            sink.write(batch)
            rows += batch.num_rows
    finally:
        sink.close()
    return rows


def _sink(suffix: str, file: BinaryIO, schema: pa.Schema) -> _Sink:
    if suffix == ".parquet":
        return _Parquet(file, schema)
    return _Csv(file, schema) if suffix == ".csv" else _JsonLines(file)


class _Parquet:
    """Row groups of a good size, whatever the size of the batches."""

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        import pyarrow.parquet as pq  # noqa: PLC0415 - only an export needs it

        self._schema = schema
        self._writer = pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True)
        self._waiting: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def write(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        import pyarrow as pa  # noqa: PLC0415 - only an export needs it

        if self._rows:
            group = pa.Table.from_batches(self._waiting, schema=self._schema)
            self._writer.write_table(group, row_group_size=2 * GROUP_ROWS)
        self._waiting, self._rows, self._bytes = [], 0, 0


class _Csv:
    """Every string is quoted, so that an empty one differs from null; UTF-8 with LF."""

    def __init__(self, file: BinaryIO, schema: pa.Schema) -> None:
        import pyarrow as pa  # noqa: PLC0415 - only an export needs it
        import pyarrow.csv as arrow_csv  # noqa: PLC0415 - only an export needs it

        empty = schema.empty_table().to_batches(max_chunksize=1)
        first = empty[0] if empty else pa.RecordBatch.from_pylist([], schema=schema)
        self._schema = self._spreadsheet(first).schema
        self._writer = arrow_csv.CSVWriter(file, self._schema)

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write(self._spreadsheet(batch))

    def close(self) -> None:
        self._writer.close()

    def _spreadsheet(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        import pyarrow as pa  # noqa: PLC0415 - only an export needs it

        names = pa.array(batch.schema.names, type=pa.string())
        return pa.RecordBatch.from_arrays(
            [_cells(column) for column in batch.columns],
            names=[str(name) for name in csv_cells(names).to_pylist()],
        )


class _JsonLines:
    """One object a row, columns in order; NaN is null."""

    def __init__(self, file: BinaryIO) -> None:
        import msgspec  # noqa: PLC0415 - only an export needs it

        self._file = file
        self._encoder = msgspec.json.Encoder(enc_hook=str)

    def write(self, batch: pa.RecordBatch) -> None:
        rows = [_hex(row) for row in batch.to_pylist()]
        self._file.write(json_bytes(self._encoder.encode_lines(rows)))

    def close(self) -> None:
        self._file.flush()


def _cells(column: pa.Array[Any]) -> pa.Array[Any]:
    """Turn one column into cells: text made inert, binary as hex, nested as JSON, NaN as null."""
    import msgspec  # noqa: PLC0415 - only an export needs it
    import pyarrow as pa  # noqa: PLC0415 - only an export needs it
    import pyarrow.compute as pc  # noqa: PLC0415 - only an export needs it

    kind = column.type
    if pa.types.is_dictionary(kind):
        return _cells(column.cast(kind.value_type))
    if pa.types.is_nested(kind):
        rows = [None if row is None else _hex(row) for row in column.to_pylist()]
        texts = [None if row is None else msgspec.json.encode(row, enc_hook=str) for row in rows]
        return csv_cells(pa.array(texts, type=pa.binary()).cast(pa.string()))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return csv_cells(column.cast(pa.large_string()))
    if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        digits = [None if row is None else row.hex() for row in column.to_pylist()]
        return pa.array(digits, type=pa.string())
    if pa.types.is_floating(kind):
        numbers: pa.Array[Any] = pc.if_else(pc.is_nan(column), pa.scalar(None, type=kind), column)
        return numbers
    return column


def _hex(value: Any) -> Any:  # noqa: ANN401 - any value of Arrow
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: _hex(part) for key, part in value.items()}
    return [_hex(part) for part in value] if isinstance(value, list) else value
