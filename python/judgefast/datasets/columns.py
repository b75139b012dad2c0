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
from judgefast.datasets.rows import iter_rows, row_count

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

    def __init__(self, rows: int, limit: int | None = None) -> None:
        self.names: dict[str, int] = {}
        self.limit = limit
        self._rows = np.full(rows, -1, np.int32)

    def add(self, values: pa.Array[Any], start: int) -> bool:
        """Code the rows from `start` on, strings. False when there are too many names."""
        self._rows[start : start + len(values)] = self.codes(values)
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

    def coded(self) -> Coded:
        return Coded(self._rows, list(self.names))


def load_item_columns(folder: Path) -> ItemColumns:
    """Read the columns of a run's items, once for all statistics.

    Args:
        folder: The run directory.

    Raises:
        RunDirectoryError: There is no snapshot.

    """
    rows = row_count(folder)
    # Filled in turn: no part of a column is held beside it, and memory does not fall to pieces.
    cluster_id64, num_answers = np.empty(rows, np.uint64), np.empty(rows, np.uint16)
    choice, score = np.empty(rows, np.uint8), np.empty(rows, np.float64)
    ids: list[pa.Array[Any]] = []
    models, model = _Coder(0), np.empty((rows, 0), np.int32)
    label, meta = _Coder(rows), _MetaCoders(rows)
    start = 0
    wanted = ["item_id", "cluster_id64", "answers.list.element.model", "gold", "gold_score", "meta"]
    for batch in iter_rows(folder, wanted, batch_rows=BATCH_ROWS):
        answers: Any = batch.column("answers")
        length = answers.value_lengths().to_numpy()
        gold: Any = batch.column("gold")
        single = length == 1
        here = slice(start, start + batch.num_rows)
        ids.append(batch.column("item_id"))
        cluster_id64[here] = batch.column("cluster_id64").to_numpy()
        num_answers[here] = length
        score[here] = batch.column("gold_score").to_numpy(zero_copy_only=False)
        choice[here] = _choices(gold, single)
        label.add(pc.if_else(pa.array(single), gold, None), start)
        owners = _by_item(models.codes(answers.flatten().field("model")), length)
        if owners.shape[1] > model.shape[1]:
            wider = np.full((rows, owners.shape[1]), -1, np.int32)
            wider[:start, : model.shape[1]] = model[:start]
            model = wider
        model[here, : owners.shape[1]] = owners
        meta.add(batch.column("meta"), start)
        start += batch.num_rows
    return ItemColumns(
        item_id=pa.concat_arrays(ids),
        cluster_id64=cluster_id64,
        num_answers=num_answers,
        gold_choice=choice,
        gold_score=score,
        gold_label=label.coded() if label.names else None,
        models=list(models.names),
        model=model,
        meta=meta.coded(),
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


def _by_item(owners: NDArray[np.int32], num_answers: NDArray[np.integer]) -> NDArray[np.int32]:
    """One row an item, padded with -1."""
    lengths = num_answers.astype(np.int64)
    wide = np.full((len(lengths), int(lengths.max(initial=0))), -1, dtype=np.int32)
    starts = np.cumsum(lengths) - lengths
    rows = np.repeat(np.arange(len(lengths)), lengths)
    wide[rows, np.arange(len(owners)) - np.repeat(starts, lengths)] = owners
    return wide


class _MetaCoders:
    """A coder for each field of `meta`, dropped when it holds too many values."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
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
            if field not in self._coders:
                self._coders[field] = _Coder(self._rows, MAX_META_VALUES)
            coder = self._coders[field]
            if not coder.add(_strings([row.get(field) for row in rows]), start):
                self._dropped.add(field)
                del self._coders[field]

    def coded(self) -> dict[str, Coded]:
        return {field: coder.coded() for field, coder in self._coders.items() if coder.names}


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
