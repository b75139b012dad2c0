"""Ids and hashes of rows and items. Definitions for other programs: `docs/datasets.md`.

Values are framed with type tags, never as JSON text, so that neither the order of fields, nor
spaces, nor the way a number or an escape is written can change an id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from struct import pack
from typing import TYPE_CHECKING, Any

from judgefast import _native
from judgefast.hashes import framed

if TYPE_CHECKING:
    from judgefast.datasets.items import Item

ID_BYTES = 16
IDENTITY_MODULUS = 1 << 128


def value_bytes(value: Any) -> bytes:  # noqa: ANN401 - any value that JSON or Arrow can hold
    """Encode a value so that equal bytes mean equal values of equal type.

    One tag byte, then: `s` UTF-8, `i` decimal text, `d` 8 bytes IEEE 754 little-endian, `t`, `f`,
    `n` nothing, `b` bytes, `l` framed elements, `o` framed keys and values, keys sorted by code
    point, fields that are null left out.

    >>> value_bytes({"b": None, "a": "x"}) == value_bytes({"a": "x"})
    True
    """
    return _native.value_bytes(value, _other_bytes)


def _other_bytes(value: Any) -> bytes:  # noqa: ANN401 - any value that JSON or Arrow can hold
    """Encode what the kernel leaves: types that JSON does not know, and what is nested deeply."""
    encode = _ENCODERS.get(type(value))
    if encode is not None:
        return encode(value)
    if isinstance(value, Mapping):
        return _object_bytes(dict(value))
    return _list_bytes(value) if isinstance(value, list | tuple) else b"s" + str(value).encode()


def _object_bytes(value: dict[str, Any]) -> bytes:
    fields = sorted((key, part) for key, part in value.items() if part is not None)
    return b"o" + _frames(
        [piece for key, part in fields for piece in (key.encode(), _other_bytes(part))]
    )


def _list_bytes(value: Sequence[Any]) -> bytes:
    return b"l" + _frames([_other_bytes(part) for part in value])


_ENCODERS: dict[type, Callable[[Any], bytes]] = {
    str: lambda value: b"s" + value.encode(),
    int: lambda value: b"i%d" % value,
    float: lambda value: b"d" + pack("<d", value),
    bool: lambda value: b"t" if value else b"f",
    type(None): lambda _value: b"n",
    bytes: lambda value: b"b" + value,
    dict: _object_bytes,
    list: _list_bytes,
}


def _frames(parts: list[bytes]) -> bytes:
    return b"".join(piece for part in parts for piece in (len(part).to_bytes(8, "little"), part))


def row_id(row: dict[str, Any]) -> str:
    """Id of a row that has none: 32 hex digits over all its fields, gold and meta included."""
    return framed("judgefast row 1", [value_bytes(row)])[:ID_BYTES].hex()


def question_cluster(question_sha256: bytes, reference_sha256: bytes) -> str:
    """Cluster of an item that names none: the question and its reference, 32 hex digits."""
    return _native.question_cluster(question_sha256, reference_sha256)


def item_hash(item: Item) -> bytes:
    """Identify an item with all that a result may depend on. 16 bytes."""
    return _native.item_hash(item, _other_bytes)
