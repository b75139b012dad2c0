"""Columns of Arrow around memory that is there, and back.

`pa.array` and `to_numpy` import pandas wherever it is installed, which takes longer than reading
thousands of rows; what they would make is made here by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from judgefast._native import text_column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def numbers(values: NDArray[Any], present: NDArray[np.bool_] | None = None) -> pa.Array[Any]:
    """Numbers, null where they are not `present`."""
    buffers: Any = [None if present is None else _bits(present)]
    buffers.append(pa.py_buffer(np.ascontiguousarray(values)))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), buffers)


def floats(values: Sequence[float | None]) -> pa.Array[Any]:
    """Floats, null for None."""
    present = np.array([value is not None for value in values], dtype=np.bool_)
    if not present.any():
        return pa.nulls(len(values), pa.float64())
    return numbers(np.array(values, dtype=np.float64), present)


def booleans(values: Sequence[bool]) -> pa.Array[Any]:
    """Booleans, none of them null."""
    buffers: Any = [None, _bits(np.array(values, dtype=np.bool_))]
    return pa.Array.from_buffers(pa.bool_(), len(values), buffers)


def binaries(values: Sequence[bytes]) -> pa.Array[Any]:
    """Bytes, none of them null; all together below 2 GiB."""
    buffers: Any = [None, pa.py_buffer(ends([len(value) for value in values]))]
    buffers.append(pa.py_buffer(b"".join(values)))
    return pa.Array.from_buffers(pa.binary(), len(values), buffers)


def texts(values: Sequence[str | None]) -> pa.Array[Any]:
    """Texts, null for None, in one piece of just the size that it needs."""
    found = text_column(values)
    if found is None:  # more than 2 GiB: Arrow says so
        make: Any = pa.array
        return make(values, pa.string())
    offsets, joined, present = found
    buffers: Any = [None if present is None else pa.py_buffer(present)]
    buffers += [pa.py_buffer(offsets), pa.py_buffer(joined)]
    return pa.Array.from_buffers(pa.string(), len(values), buffers)


def ends(lengths: Sequence[int]) -> NDArray[np.int32]:
    """Offsets of lists of these lengths: one more than there are."""
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int32)


def values_of(column: pa.Array[Any] | pa.ChunkedArray[Any]) -> NDArray[Any]:
    """Numbers of a column without nulls; of one piece they are not copied."""
    if isinstance(column, pa.ChunkedArray):
        pieces = [values_of(piece) for piece in column.chunks]
        return pieces[0] if len(pieces) == 1 else np.concatenate([_empty(column), *pieces])
    data: Any = column.buffers()[1]
    if data is None:
        return _empty(column)
    found: NDArray[Any] = np.frombuffer(data, dtype=column.type.to_pandas_dtype())
    return found[column.offset : column.offset + len(column)]


def _empty(column: pa.Array[Any] | pa.ChunkedArray[Any]) -> NDArray[Any]:
    return np.empty(0, dtype=column.type.to_pandas_dtype())


def _bits(values: NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(values, bitorder="little"))
