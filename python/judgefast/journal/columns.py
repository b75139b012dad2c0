"""The `completions` table: one row is one attempt at a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np
import pyarrow as pa

from judgefast import _native

# msgspec reads these when it builds the decoder of `Line`.
from judgefast.engines.base import ErrorKind, FinishReason  # noqa: TC001 - see above

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.engines.base import Completion

TABLE = "completions"
"""Name of the table."""

NEGATIVE_INFINITY = float("-inf")
# Parquet calls what is in a list `element`; so do we, that open and closed segments look the same.
_LOGPROBS = pa.list_(pa.field("element", pa.float32()))
_ANSWER = pa.struct([("question", pa.uint16()), ("logprobs", _LOGPROBS)])
_ANSWERS = pa.list_(pa.field("element", _ANSWER))
_DICTIONARY = pa.dictionary(pa.int32(), pa.string())


# What a line may hold is what the columns can hold: a line that is written is a line that is read.
RequestId = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Count = Annotated[int, msgspec.Meta(ge=0, lt=1 << 31)]
QuestionNumber = Annotated[int, msgspec.Meta(ge=0, lt=1 << 16)]


class LineAnswer(msgspec.Struct, gc=False):
    """`LabelRead` in a line. JSON has no infinity: null is the logarithm of 0."""

    question: QuestionNumber
    logprobs: tuple[float | None, ...]


class Line(msgspec.Struct, gc=False):
    """`Completion` in a line of the journal; `request_id` is base64 there."""

    request_id: RequestId
    attempt: Count
    lane: Count
    text: str
    finish_reason: FinishReason
    answers: tuple[LineAnswer, ...] = ()
    prompt_tokens: Count | None = None
    cached_tokens: Count | None = None
    completion_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    started: float = 0.0
    wall_seconds: float = 0.0
    error_kind: ErrorKind | None = None
    error: str | None = None
    replaced_surrogates: Count = 0
    reasoning: str = ""


def completions_schema() -> pa.Schema:
    """Columns of the `completions` table, with units in `docs/formats.md`."""
    types: list[tuple[str, pa.DataType, bool]] = [
        ("request_id", pa.binary(16), False),
        ("attempt", pa.int32(), False),
        ("launch", _DICTIONARY, False),
        ("row", pa.int64(), False),
        ("lane", pa.int32(), False),
        ("text", pa.string(), False),
        ("finish_reason", _DICTIONARY, False),
        ("answers", _ANSWERS, False),
        ("prompt_tokens", pa.int32(), True),
        ("cached_tokens", pa.int32(), True),
        ("completion_tokens", pa.int32(), True),
        ("reasoning_tokens", pa.int32(), True),
        ("started", pa.float64(), False),
        ("wall_seconds", pa.float64(), False),
        ("error_kind", _DICTIONARY, True),
        ("error", pa.string(), True),
        ("replaced_surrogates", pa.int32(), False),
        ("reasoning", pa.string(), False),
    ]
    return pa.schema([pa.field(name, kind, nullable=null) for name, kind, null in types])


def with_added(batch: pa.RecordBatch, names: Sequence[str] | None) -> pa.RecordBatch:
    """A batch of an older file, with the column that came later, if it is wanted."""
    if "reasoning" in batch.schema.names or not (names is None or "reasoning" in names):
        return batch
    field = completions_schema().field("reasoning")
    return batch.append_column(field, pa.array([""] * batch.num_rows, field.type))


def read_batch(
    data: bytes, spans: NDArray[np.uintp], *, launch: str, first_row: int
) -> pa.RecordBatch | None:
    """Lines of one launch as a batch, where each is as this version writes it.

    Returns:
        None where a line is not: what it is, is for the decoder of `Line` to say.

    """
    read = _native.read_completions(data, spans)
    if read is None:
        return None
    (request_id, attempt, lane), (text, finish_reason), answers, tokens, seconds, error = read[:6]
    reasoning = read[6]
    num = len(spans)
    columns = (
        pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), num, [None, pa.py_buffer(request_id)]),
        pa.array(attempt),
        pa.DictionaryArray.from_arrays(pa.array(np.zeros(num, np.int32)), pa.array([launch])),
        pa.array(np.arange(first_row, first_row + num)),
        pa.array(lane),
        _texts(*text),
        _names(*finish_reason),
        _answer_lists(*map(pa.array, answers)),
        *(pa.array(counts, mask=counts < 0) for counts in tokens),
        *map(pa.array, seconds),
        _names(*error[0]),
        _texts(*error[1]),
        pa.array(error[2]),
        _texts(*reasoning),
    )
    return pa.record_batch(list(columns), schema=completions_schema())


def to_batch(
    lines: Sequence[Line] | Sequence[Completion],
    *,
    launch: str,
    first_row: int,
    names: Sequence[str] | None = None,
) -> pa.RecordBatch:
    """Lines of one launch as a batch.

    Args:
        lines: What came back.
        launch: The launch that asked.
        first_row: Place of the first line in the launch.
        names: Columns wanted; None for all.

    """
    schema = completions_schema()
    if names is not None:
        schema = pa.schema([schema.field(name) for name in names])
    columns: dict[str, pa.Array[Any]] = {
        "launch": pa.DictionaryArray.from_arrays(
            pa.array([0] * len(lines), pa.int32()), pa.array([launch])
        ),
        "row": pa.array(range(first_row, first_row + len(lines)), pa.int64()),
        "answers": _answers(lines),
    }
    for field in schema:
        if field.name not in columns:
            values = [getattr(line, field.name) for line in lines]
            columns[field.name] = _column(values, field.type)
    return pa.record_batch([columns[name] for name in schema.names], schema=schema)


def _column(values: list[Any], kind: pa.DataType) -> pa.Array[Any]:
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, kind)


def _answers(lines: Sequence[Line] | Sequence[Completion]) -> pa.Array[Any]:
    offsets, inner_offsets = [0], [0]
    questions: list[int] = []
    logprobs: list[float] = []
    for line in lines:
        for answer in line.answers:
            questions.append(answer.question)
            logprobs.extend(
                NEGATIVE_INFINITY if value is None else value for value in answer.logprobs
            )
            inner_offsets.append(len(logprobs))
        offsets.append(len(questions))
    return _answer_lists(
        pa.array(offsets, pa.int32()),
        pa.array(questions, pa.uint16()),
        pa.array(inner_offsets, pa.int32()),
        pa.array(logprobs, pa.float32()),
    )


def _answer_lists(
    offsets: pa.Array[Any],
    questions: pa.Array[Any],
    inner_offsets: pa.Array[Any],
    logprobs: pa.Array[Any],
) -> pa.Array[Any]:
    inner = pa.ListArray.from_arrays(inner_offsets, logprobs, type=_LOGPROBS)
    structs = pa.StructArray.from_arrays([questions, inner], fields=list(_ANSWER))
    return pa.ListArray.from_arrays(offsets, structs, type=_ANSWERS)


def _texts(
    offsets: NDArray[np.int32], data: NDArray[np.uint8], present: NDArray[np.uint8] | None
) -> pa.Array[Any]:
    bitmap = None if present is None else pa.py_buffer(present)
    return pa.StringArray.from_buffers(
        len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data), bitmap
    )


def _names(codes: NDArray[np.int32], names: list[str]) -> pa.Array[Any]:
    indices = pa.array(codes, mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))
