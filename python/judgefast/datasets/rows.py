"""The `rows` table of a run directory: items in run order, on disk and in Arrow.

Schema, one row an item: see `rows_schema`; the format is described in `docs/datasets.md`.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
from pyarrow import parquet

from judgefast._native import cluster_id64
from judgefast.datasets import buffers
from judgefast.datasets.items import Answer, Item, Turn
from judgefast.errors import RunDirectoryError
from judgefast.files import COPY_BACK
from judgefast.formats import check_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from judgefast.datasets.items import Text

ROWS_FOLDER = "rows"
"""Name of the table's folder in a run directory."""

_DAMAGE = (OSError, ValueError, pa.ArrowException)
"""What reading Parquet raises where bytes are not those that were written."""

BATCH_ROWS = 512
"""Rows, with their texts, that are looked at together."""

_Columns = tuple[list[str | None], list[Any]]
"""Plain texts and conversations, each where it is one."""

_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_OTHER_COLUMNS = "its columns are not those of the table"


def rows_schema() -> pa.Schema:
    """Columns of `rows`.

    A text is in `question`, a conversation in `question_turns`; both are null where there is
    none, or where only hashes are kept (`--no-texts`). Hashes are `text_hash`, 32 bytes, empty for
    no text. `gold` holds a label, `gold_score` a number. `row` is the ordinal in the data.
    """
    turns = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    answer = pa.struct(
        [
            ("model", pa.string()),
            ("text", pa.string()),
            ("turns", turns),
            ("sha256", pa.binary()),
            ("empty", pa.bool_()),
        ]
    )
    fields: Any = [
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("cluster", pa.string(), nullable=False),
        pa.field("cluster_id64", pa.uint64(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        ("question", pa.string()),
        ("question_turns", turns),
        ("question_sha256", pa.binary()),
        ("reference", pa.string()),
        ("reference_turns", turns),
        ("reference_sha256", pa.binary()),
        ("answers", pa.list_(answer)),
        ("gold", pa.string()),
        ("gold_score", pa.float64()),
        ("meta", pa.string()),
    ]
    return pa.schema(fields)


def batch_of(items: Sequence[Item], *, texts: bool = True) -> pa.RecordBatch:
    """Items as rows of the table; without texts, their hashes stay."""

    def split(values: Sequence[Text | None]) -> _Columns:
        if not texts:
            return [None] * len(values), [None] * len(values)
        plain = [value if isinstance(value, str) else None for value in values]
        return plain, [_dicts(value) if isinstance(value, tuple) else None for value in values]

    schema = rows_schema()
    question, question_turns = split([item.question for item in items])
    reference, reference_turns = split([item.reference for item in items])
    clusters = [item.cluster for item in items]
    golds = [item.gold for item in items]
    kind: Any = schema.field("answers").type
    turns = schema.field("question_turns").type
    columns = [
        buffers.texts([item.item_id for item in items]),
        buffers.texts(clusters),
        buffers.numbers(cluster_id64(clusters)),
        buffers.numbers(np.array([item.row for item in items], dtype=np.int64)),
        buffers.texts(question),
        _turns_column(question_turns, turns),
        buffers.binaries([item.question_sha256 for item in items]),
        buffers.texts(reference),
        _turns_column(reference_turns, turns),
        buffers.binaries([item.reference_sha256 for item in items]),
        _answers(items, kind, split),
        buffers.texts([gold if isinstance(gold, str) else None for gold in golds]),
        buffers.floats([gold if isinstance(gold, float) else None for gold in golds]),
        buffers.texts([_encode(item.meta).decode() for item in items]),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _turns_column(conversations: Sequence[Any], kind: pa.DataType) -> pa.Array[Any]:
    """Conversations as a column; most data sets have none."""
    if all(turns is None for turns in conversations):  # one without turns is there all the same
        return pa.nulls(len(conversations), kind)
    make: Any = pa.array
    return make(conversations, kind)


def _dicts(turns: tuple[Turn, ...]) -> list[dict[str, str]]:
    return [{"role": turn.role, "content": turn.content} for turn in turns]


def _answers(
    items: Sequence[Item],
    kind: Any,  # noqa: ANN401 - the stubs of Arrow's list types need their parameters
    split: Callable[[Sequence[Text | None]], _Columns],
) -> pa.Array[Any]:
    """Answers of all items, column by column, without a dict for each."""
    flat = [answer for item in items for answer in item.answers]
    text, turns = split([answer.text for answer in flat])
    fields = list(kind.value_type)
    columns = [
        buffers.texts([answer.model for answer in flat]),
        buffers.texts(text),
        _turns_column(turns, fields[2].type),
        buffers.binaries([answer.sha256 for answer in flat]),
        buffers.booleans([answer.empty for answer in flat]),
    ]
    offsets = buffers.numbers(buffers.ends([len(item.answers) for item in items]))
    lists: Any = pa.ListArray
    return lists.from_arrays(offsets, pa.StructArray.from_arrays(columns, fields=fields), type=kind)


def items_of(batch: pa.RecordBatch) -> list[Item]:
    """Items of rows that hold every column of the table."""
    column = {name: _values(batch.column(name)) for name in batch.schema.names if name != "answers"}
    answers = _answers_of(batch.column("answers"))
    return [
        Item(
            item_id,
            cluster,
            question if turns is None else _turns(turns),
            shown,
            reference if reference_turns is None else _turns(reference_turns),
            score if label is None else label,
            _decode(meta),
            row,
            question_sha256,
            reference_sha256,
        )
        for (
            item_id,
            cluster,
            question,
            turns,
            shown,
            reference,
            reference_turns,
            label,
            score,
            meta,
            row,
            question_sha256,
            reference_sha256,
        ) in zip(
            column["item_id"],
            column["cluster"],
            column["question"],
            column["question_turns"],
            answers,
            column["reference"],
            column["reference_turns"],
            column["gold"],
            column["gold_score"],
            column["meta"],
            column["row"],
            column["question_sha256"],
            column["reference_sha256"],
            strict=True,
        )
    ]


def _answers_of(lists: Any) -> list[tuple[Answer, ...]]:  # noqa: ANN401 - as above
    """Answers of each row, made column by column."""
    fields = {field.name: field for field in lists.type.value_type}
    flat = lists.flatten()
    columns = {name: _values(column) for name, column in zip(fields, flat.flatten(), strict=True)}
    made = [
        Answer(text if turns is None else _turns(turns), model, sha256, empty)
        for text, turns, model, sha256, empty in zip(
            columns["text"],
            columns["turns"],
            columns["model"],
            columns["sha256"],
            columns["empty"],
            strict=True,
        )
    ]
    ends = buffers.values_of(lists.offsets)
    return [tuple(made[start:end]) for start, end in pairwise((ends - ends[0]).tolist())]


def _values(column: pa.Array[Any]) -> list[Any]:
    """Values of a column; most of the columns of a data set are null throughout."""
    if column.null_count == len(column):
        return [None] * len(column)
    return list(column.to_pylist())


def _turns(turns: list[dict[str, str]]) -> tuple[Turn, ...]:
    return tuple(Turn(turn["role"], turn["content"]) for turn in turns)


def iter_rows(
    folder: Path, columns: Sequence[str] | None = None, batch_rows: int = BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """Rows of a run in run order.

    Args:
        folder: The run directory.
        columns: Names of the columns to read; all by default.
        batch_rows: Most rows of a batch.

    Raises:
        RunDirectoryError: There is no snapshot, or a part of it is missing, damaged or of an
            unknown format.

    """
    for part in _parts(folder):
        with _opened(part) as file:
            missing = file.metadata.num_rows
            names = None if columns is None else list(columns)
            held = {name.partition(".")[0] for name in names or rows_schema().names}
            for batch in file.iter_batches(batch_size=batch_rows, columns=names):
                if held != set(batch.schema.names):  # a damaged name is passed over in silence
                    raise pa.ArrowInvalid(_OTHER_COLUMNS)
                missing -= batch.num_rows
                yield batch
            _check_given(missing)


def row_count(folder: Path) -> int:
    """Items of the snapshot, by what its parts say of themselves."""
    found = 0
    for part in _parts(folder):
        with _named_errors(part):
            found += parquet.read_metadata(part).num_rows
    return found


def check_row_count(folder: Path, items: int) -> None:
    """Check that the snapshot is whole, by what its parts say of themselves.

    Raises:
        RunDirectoryError: It holds another number of items.

    """
    found = row_count(folder)
    if found != items:
        message = f"`{folder}/{ROWS_FOLDER}` holds {found:,} items, not {items:,}"
        raise RunDirectoryError(message, hint=COPY_BACK)


def rows_around(folder: Path, items: NDArray[np.integer]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Rows of a run, whole, of those row groups that hold some of the items.

    Args:
        folder: The run directory.
        items: Numbers of items in run order, ascending.

    Yields:
        The number of the first item of a batch, and the batch.

    Raises:
        RunDirectoryError: There is no snapshot, or a part of it is missing, damaged or of an
            unknown format.

    """
    base = 0
    for part in _parts(folder):
        with _opened(part) as file:
            for group in range(file.num_row_groups):
                end = base + file.metadata.row_group(group).num_rows
                # Edges of another type would cast the whole column, for every group.
                first, last = np.searchsorted(items, np.array([base, end], items.dtype))
                if last > first:
                    at = base
                    for batch in file.iter_batches(batch_size=BATCH_ROWS, row_groups=[group]):
                        yield at, batch
                        at += batch.num_rows
                    _check_given(end - at)
                base = end


def _check_given(missing: int) -> None:
    if missing:
        message = f"it gives {missing:,} rows fewer than it says"
        raise pa.ArrowInvalid(message)


def _parts(folder: Path) -> list[Path]:
    parts = sorted((Path(folder) / ROWS_FOLDER).glob("part-*.parquet"))
    if not parts:
        message = f"`{folder}/{ROWS_FOLDER}` holds no rows: no `part-*.parquet` is there"
        raise RunDirectoryError(
            message, hint=f"name the directory of a run; if it is one, {COPY_BACK}"
        )
    return parts


@contextmanager
def _opened(part: Path) -> Iterator[parquet.ParquetFile]:
    """Open a part that is a table of rows."""
    with _named_errors(part), parquet.ParquetFile(part, page_checksum_verification=True) as file:
        check_table(part, file.metadata.metadata, ROWS_FOLDER)
        if not file.schema_arrow.equals(rows_schema()):
            raise pa.ArrowInvalid(_OTHER_COLUMNS)
        yield file


@contextmanager
def _named_errors(part: Path) -> Iterator[None]:
    """Say which part it is that cannot be read: its pages have checksums, its foot is checked."""
    try:
        yield
    except _DAMAGE as error:
        message = f"`{part}` cannot be read: {error}"
        raise RunDirectoryError(message, hint=COPY_BACK) from error
