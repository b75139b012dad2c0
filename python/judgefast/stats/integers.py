"""Columns of outcomes as the native statistics take them: integers, and none of them wrapped."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from judgefast.errors import ColumnError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    _Kind = TypeVar("_Kind", bound=np.integer)
    Columns = tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint8], NDArray[np.uint32]]


def integer_columns(
    cluster_id64: NDArray[np.uint64],
    value: NDArray[np.int64],
    weight: NDArray[np.uint8],
    codes: NDArray[np.integer],
) -> Columns:
    """Columns as the kernels take them: a row whose code is negative weighs nothing.

    Raises:
        ColumnError: A column is not of integers, or holds one that its kernel type cannot; or
            `weight` and `codes` differ in length.

    """
    named: dict[str, NDArray[np.generic]] = {
        "cluster_id64": cluster_id64,
        "value": value,
        "weight": weight,
        "codes": codes,
    }
    for name, column in named.items():
        if column.dtype.kind not in "iu" and column.size:
            message = f"`{name}` holds {column.dtype}; it must hold integers"
            raise ColumnError(message, hint="a value is a multiple of 2^-24, as an int64")
    if len(weight) != len(codes):
        message = f"`weight` has {len(weight)} rows but `codes` has {len(codes)}"
        raise ColumnError(message)
    inside = codes >= 0
    return (
        _cast("cluster_id64", cluster_id64, np.uint64),
        _cast("value", value, np.int64),
        _cast("weight", np.where(inside, weight, 0), np.uint8),
        _cast("codes", np.where(inside, codes, 0), np.uint32),
    )


def _cast(name: str, column: NDArray[np.integer], kind: type[_Kind]) -> NDArray[_Kind]:
    """Refuse the first number that the type cannot hold, where a plain cast would wrap it."""
    limits = np.iinfo(kind)
    if column.size and not np.can_cast(column.dtype, kind):
        outside = (column < limits.min) | (column > limits.max)
        if outside.any():
            row = int(outside.argmax())
            message = f"row {row} of `{name}` holds {column[row]}; "
            message += f"allowed: {limits.min} to {limits.max}"
            raise ColumnError(message)
    return np.ascontiguousarray(column, dtype=kind)
