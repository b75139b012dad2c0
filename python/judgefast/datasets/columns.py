"""What statistics read of the items: numbers and codes, no text.

One row an item, in run order; outcomes refer to it by its index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from judgefast.codes import CHOICE_NONE, CHOICE_TIE
from judgefast.datasets.rows import iter_rows

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

BATCH_ROWS = 16_384

MAX_META_VALUES = 50
"""A field of `meta` with more values than this is no slice."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Coded(NamedTuple):
    """A column of names as codes."""

    codes: NDArray[np.int32]
    """Index into `names`; -1 where there is none."""
    names: list[str]
    """In the order of their first row."""


class ItemColumns(NamedTuple):
    """Items of a run, all of length n."""

    item_id: pa.Array[Any]
    """Strings."""
    cluster_id64: NDArray[np.uint64]
    num_answers: NDArray[np.uint16]
    gold_choice: NDArray[np.uint8]
    """Index of the better answer, `CHOICE_TIE` or `CHOICE_NONE`. Items with several answers."""
    gold_score: NDArray[np.float64]
    """Gold number of a single answer, else NaN."""
    gold_label: Coded | None
    """Gold labels of single answers; None where no item has one."""
    models: list[str]
    model: NDArray[np.int32]
    """Shape (n, most answers of an item): index into `models`, -1 for no name or no answer."""
    meta: dict[str, Coded]
    """Fields of `meta` that hold at most 50 different scalars, as text."""


class _Coder:
    """Codes names in the order they come, until there are too many."""

    def __init__(self, limit: int | None = None) -> None:
        self.names: dict[str, int] = {}
        self.limit = limit
        self.rows: list[NDArray[np.int32]] = []
        self.length = 0

    def add(self, values: pa.Array[Any], start: int) -> bool:
        """Code the rows from `start` on, strings. False when there are too many names."""
        if start > self.length:
            self.rows.append(np.full(start - self.length, -1, dtype=np.int32))
        self.rows.append(self.codes(values))
        self.length = start + len(values)
        return self.limit is None or len(self.names) <= self.limit

    def codes(self, values: pa.Array[Any]) -> NDArray[np.int32]:
        """Codes of strings; -1 for null."""
        coded: Any = values.dictionary_encode()
        table = [
            self.names.setdefault(name, len(self.names)) for name in coded.dictionary.to_pylist()
        ]
        codes: NDArray[np.int32] = np.array([*table, -1], dtype=np.int32)[
            coded.indices.fill_null(-1).to_numpy()
        ]
        return codes

    def coded(self, length: int) -> Coded:
        if length > self.length:
            self.rows.append(np.full(length - self.length, -1, dtype=np.int32))
        return Coded(np.concatenate(self.rows), list(self.names))


def load_item_columns(folder: Path) -> ItemColumns:
    """Read the columns of a run's items, once for all statistics.

    Args:
        folder: The run directory.

    Raises:
        RunDirectoryError: There is no snapshot.

    """
    ids, clusters, counts, choices, scores = [], [], [], [], []
    models, label, meta = _Coder(), _Coder(), _MetaCoders()
    owners: list[NDArray[np.int32]] = []
    start = 0
    wanted = ["item_id", "cluster_id64", "answers.list.element.model", "gold", "gold_score", "meta"]
    for batch in iter_rows(folder, wanted, batch_rows=BATCH_ROWS):
        answers: Any = batch.column("answers")
        length = answers.value_lengths().to_numpy()
        gold: Any = batch.column("gold")
        single = length == 1
        ids.append(batch.column("item_id"))
        clusters.append(batch.column("cluster_id64").to_numpy())
        counts.append(length.astype(np.uint16))
        scores.append(batch.column("gold_score").to_numpy(zero_copy_only=False))
        choices.append(_choices(gold, single))
        label.add(pc.if_else(pa.array(single), gold, None), start)
        owners.append(models.codes(answers.flatten().field("model")))
        meta.add(batch.column("meta"), start)
        start += batch.num_rows
    num_answers = np.concatenate(counts)
    return ItemColumns(
        item_id=pa.concat_arrays(ids),
        cluster_id64=np.concatenate(clusters),
        num_answers=num_answers,
        gold_choice=np.concatenate(choices),
        gold_score=np.concatenate(scores).astype(np.float64),
        gold_label=label.coded(start) if label.names else None,
        models=list(models.names),
        model=_by_item(np.concatenate(owners), num_answers),
        meta=meta.coded(start),
    )


def _choices(gold: pa.Array[Any], single: NDArray[np.bool_]) -> NDArray[np.uint8]:
    coded: Any = pc.if_else(pa.array(single), None, gold).dictionary_encode()
    of_name = [
        CHOICE_TIE if name == "tie" else ord(name) - ord("a")
        for name in coded.dictionary.to_pylist()
    ]
    choices: NDArray[np.uint8] = np.array([*of_name, CHOICE_NONE], dtype=np.uint8)[
        coded.indices.fill_null(-1).to_numpy()
    ]
    return choices


def _by_item(owners: NDArray[np.int32], num_answers: NDArray[np.uint16]) -> NDArray[np.int32]:
    """One row an item, padded with -1."""
    lengths = num_answers.astype(np.int64)
    wide = np.full((len(lengths), int(lengths.max(initial=0))), -1, dtype=np.int32)
    starts = np.cumsum(lengths) - lengths
    rows = np.repeat(np.arange(len(lengths)), lengths)
    wide[rows, np.arange(len(owners)) - np.repeat(starts, lengths)] = owners
    return wide


class _MetaCoders:
    """A coder for each field of `meta`, dropped when it holds too many values."""

    def __init__(self) -> None:
        self._coders: dict[str, _Coder] = {}
        self._dropped: set[str] = set()

    def add(self, texts: pa.Array[Any], start: int) -> None:
        pylist: Any = texts.to_pylist()
        rows: list[dict[str, Any]] = [_decode(text) for text in pylist]
        fields: dict[str, None] = {}
        for row in rows:
            fields |= dict.fromkeys(row)
        for field in fields:
            if field in self._dropped:
                continue
            coder = self._coders.setdefault(field, _Coder(MAX_META_VALUES))
            if not coder.add(_strings([row.get(field) for row in rows]), start):
                self._dropped.add(field)
                del self._coders[field]

    def coded(self, length: int) -> dict[str, Coded]:
        return {field: coder.coded(length) for field, coder in self._coders.items() if coder.names}


def _strings(values: list[Any]) -> pa.Array[Any]:
    """Names of scalars as a column; null for what is not there, or is none."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # not all of them are strings
        return pa.array([_scalar(value) for value in values], pa.string())


def _scalar(value: Any) -> str | None:  # noqa: ANN401 - any value that JSON can hold
    """Name of a scalar; None for what is not there, or is none."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else None
