"""Judge outputs of any file, in batches: what was said, and what it answers where the rows say so.

Nothing of a row outlives its batch. Which field is which is settled by the first row of each file
that has it, unless it is named (`--map`). What outputs are joined by, every row has or none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from judgefast import _native
from judgefast.datasets.faults import Reason, RowFault, closest, listed, shown
from judgefast.datasets.sources import find_sources
from judgefast.engines.recordings import ORDERS, hint_of_output
from judgefast.errors import ConfigError, DataError
from judgefast.pipeline.output_fields import ABSENT, GUESSES, is_there, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from judgefast.datasets.sources import Source

BATCH_ROWS = 4096
BATCH_CHARACTERS = 1 << 24
"""A batch ends with either."""

MOST_EXAMPLES = 3

_MOST_LAYOUTS = 1024

CUT = {"length", "max_tokens", "max_output_tokens", "model_length"}
"""Finish reasons of a text that used up its tokens; case does not matter."""

REFUSED = {"refused", "refusal", "content_filter", "safety"}
"""Finish reasons of a text that was withheld."""

_SWAPPED = {word: order[0] for word, order in ORDERS.items() if sorted(order) == [0, 1]}
_MODELS = ("model_a", "model_b")
_ALIKE = ("id", "cluster", "order", "judge", *_MODELS)
"""Fields that all rows of all files have, or none."""


class _Layout(NamedTuple):
    """Where rows with the same names may hold what is not settled yet."""

    finish: list[str]
    late: list[tuple[str, str]]
    """(field, name) of fields that no row has had so far."""


class Outputs(NamedTuple):
    """A batch of judge outputs. Columns of length n."""

    source: str
    unit: str
    numbers: NDArray[np.int64]
    """Place of each row in its source."""
    texts: list[str]
    cut: NDArray[np.uint8]
    refused: NDArray[np.bool_]
    unit64: NDArray[np.uint64] | None
    """Hash of what was judged (item, aspect, judge); None where rows have no id."""
    cluster64: NDArray[np.uint64] | None
    """Resampling id; None where rows have no id or cluster."""
    swapped: NDArray[np.uint8] | None
    """1 where the second answer was shown first; None where rows have no order."""
    repeat: NDArray[np.uint16]
    judge: NDArray[np.int32] | None
    """Code in `OutputReader.judges`; None where rows name no judge."""
    models: NDArray[np.int32] | None
    """Codes in `OutputReader.models` of the models compared; None where rows do not name both.
    Shape (n, 2)."""

    def place(self, row: int) -> str:
        """Where a row stands, for a person."""
        return f"{self.source}:{self.numbers[row]}"


class OutputReader:
    """Reads files of judge outputs once, in order."""

    def __init__(  # noqa: PLR0913 - what is read and how, by keyword
        self,
        data: Sequence[str],
        *,
        mapping: Mapping[str, str],
        skip_bad: bool,
        max_row_bytes: int,
        with_order: bool,
        aspect: str | None = None,
    ) -> None:
        """Find the files; nothing is read yet.

        Rows that name another aspect than `aspect` are left out, where that is not None.

        Raises:
            ConfigError: `mapping` names a field that is none of `GUESSES`.
            DataError: A file is not there.

        """
        for name in mapping:
            if name not in GUESSES:
                near = closest(name, GUESSES)
                msg = f"map: `{name}` is unknown; known are {listed(GUESSES)}"
                raise ConfigError(msg, hint=f"did you mean `{near}`?" if near else None)
        self.sources = find_sources(list(data))
        self.fields: dict[str, str] = {}
        """Field -> name in the file that was read last."""
        self.judges: dict[str, int] = {}
        self.models: dict[str, int] = {}
        """Names as codes, in the order in which they were first seen."""
        self.skipped: dict[str, int] = {}
        self.skipped_examples: dict[str, list[str]] = {}
        self._mapping = mapping
        self._skip_bad = skip_bad
        self._max_row_bytes = max_row_bytes
        self._with_order = with_order
        self._aspect = aspect
        self._layouts: dict[tuple[str, ...], _Layout] = {}

    def batches(self) -> Iterator[Outputs]:
        """Every output, in order.

        Raises:
            DataError: A row cannot be used; the message names file, line and field.

        """
        kinds: set[tuple[str, ...]] = set()
        for source in self.sources:
            yield from self._of_source(source)
            if self.fields:
                kinds.add(tuple(name for name in _ALIKE if name in self.fields))
            if len(kinds) > 1:
                msg = f"`{source.name}` and the files before it differ in what they have of "
                msg += listed(_ALIKE)
                raise DataError(msg, hint="give all files these fields, or read them apart")

    def _of_source(self, source: Source) -> Iterator[Outputs]:
        self.fields, self._layouts = {}, {}
        rows: list[tuple[int, dict[str, Any]]] = []
        size = 0
        for number, row in source.rows(self._max_row_bytes):
            try:
                if isinstance(row, RowFault):
                    raise row
                if not self.fields:
                    self.fields = self._names_of(row)
                layout = self._layouts.get(tuple(row)) or self._layout_of(row)
                if layout.late and self._settle_late(row, layout):
                    layout = self._layout_of(row)
                read = self._read(row, layout)
            except RowFault as fault:
                self._refuse(f"`{source.name}`, {source.unit} {number}", fault)
                continue
            if self._aspect is not None and read.get("aspect", self._aspect) != self._aspect:
                continue
            rows.append((number, read))
            size += len(read["text"])
            if len(rows) == BATCH_ROWS or size >= BATCH_CHARACTERS:
                yield self._batch(source, rows)
                rows, size = [], 0
        if rows:
            yield self._batch(source, rows)

    def _refuse(self, place: str, fault: RowFault) -> None:
        if not self._skip_bad:
            raise DataError(fault.at(place), hint=hint_of_output(fault)) from None
        reason = str(fault.reason)
        self.skipped[reason] = self.skipped.get(reason, 0) + 1
        examples = self.skipped_examples.setdefault(reason, [])
        if len(examples) < MOST_EXAMPLES:
            examples.append(fault.at(place))

    def _names_of(self, row: dict[str, Any]) -> dict[str, str]:
        """Names of the fields, by the first row of a file."""
        names = {}
        for field, guesses in GUESSES.items():
            if field in self._mapping:
                names[field] = self._mapping[field]
                continue
            found = (name for name in guesses if is_there(row, name, field))
            if (name := next(found, None)) is not None:
                names[field] = name
        if "text" not in names:
            for name in GUESSES["text"]:
                if (value := walk(row, name)) is not ABSENT and value is not None:
                    words = f"expected text, saw {shown(value)}"
                    raise RowFault(Reason.WRONG_TYPE, words, field=name)
            hint = "name the field that holds what the judge wrote, as in --map text=FIELD"
            words = f"there is no text of a judge; the row has {listed(row)}"
            raise RowFault(Reason.MISSING_FIELD, words, hint=hint)
        if not self._with_order:
            for field in ("order", *_MODELS):
                names.pop(field, None)
        return {field: name for field, name in names.items() if name}

    def _layout_of(self, row: dict[str, Any]) -> _Layout:
        if len(self._layouts) >= _MOST_LAYOUTS:
            self._layouts = {}
        skipped = () if self._with_order else ("order", *_MODELS)
        late = [
            (field, name)
            for field, guesses in GUESSES.items()
            if field not in self.fields and field not in self._mapping and field not in skipped
            for name in guesses
            if name in row or name.split(".", 1)[0] in row
        ]
        finish: list[str] = []
        if first := self.fields.get("finish_reason"):
            others = () if "finish_reason" in self._mapping else GUESSES["finish_reason"]
            finish = [first, *(name for name in others if name.split(".", 1)[0] in row)]
        layout = _Layout(list(dict.fromkeys(finish)), late)
        self._layouts[tuple(row)] = layout
        return layout

    def _settle_late(self, row: dict[str, Any], layout: _Layout) -> bool:
        """Settle what this row is the first to have; True where something was."""
        found: dict[str, str] = {}
        for field, name in layout.late:
            if field not in found and is_there(row, name, field):
                found[field] = name
        for field, name in found.items():
            if field in _ALIKE:
                words = "the row has this field, and the rows before it have none"
                hint = f"give every row one, or read none: --map {field}="
                raise RowFault(Reason.MISSING_FIELD, words, field=name, hint=hint)
        if found:
            self.fields |= found
            self._layouts = {}
        return bool(found)

    def _read(self, row: dict[str, Any], layout: _Layout) -> dict[str, Any]:
        text = self._value(row, "text")
        if text is not None and not isinstance(text, str):
            self._wrong("text", "text", text)
        finish = _finish(row, layout.finish).casefold()
        read: dict[str, Any] = {"text": _whole(text or ""), "finish": finish}
        for field in ("id", "cluster"):
            if field in self.fields:
                read[field] = self._name(row, field)
        for field in ("judge", "aspect", *_MODELS):
            if field in self.fields:
                read[field] = _whole(str(self._value(row, field) or ""))
        if "order" in self.fields:
            read["swapped"] = self._swapped(row)
        if "repeat" in self.fields:
            read["repeat"] = self._repeat(row)
        return read

    def _value(self, row: dict[str, Any], field: str) -> Any:  # noqa: ANN401 - of a row
        name = self.fields.get(field)
        if name is None:
            return None
        value = row.get(name, ABSENT)
        if value is not ABSENT:
            return value
        value = walk(row, name)
        if value is ABSENT:
            if field != "text":
                return None
            near = closest(name, row)
            hint = f"did you mean `{near}`? use --map {field}={near}" if near else None
            words = f"the field is missing; the row has {listed(row)}"
            raise RowFault(Reason.MISSING_FIELD, words, field=name, hint=hint)
        return value

    def _name(self, row: dict[str, Any], field: str) -> str:
        value = self._value(row, field)
        if type(value) is str and value:
            return value if value.isascii() else _whole(value)
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            if value is None:
                words = "the field is missing, and the first row has it"
                hint = f"give every row one, or read none: --map {field}="
                raise RowFault(Reason.MISSING_FIELD, words, field=self.fields[field], hint=hint)
            self._wrong(field, "text or a whole number", value)
        return _whole(str(value))

    def _swapped(self, row: dict[str, Any]) -> int:
        value = self._value(row, "order")
        if type(value) is str and value in _SWAPPED:
            return _SWAPPED[value]
        order = ORDERS.get(value) if isinstance(value, str) else value
        if order is None or tuple(order if isinstance(order, list | tuple) else ()) not in {
            (0, 1),
            (1, 0),
        }:
            words = f"expected one of {listed(ORDERS)}, or the answers shown, as in [1, 0]; saw "
            raise RowFault(Reason.BAD_VALUE, words + shown(value), field=self.fields["order"])
        return int(order[0])

    def _repeat(self, row: dict[str, Any]) -> int:
        value = self._value(row, "repeat")
        if isinstance(value, str) and value.isdecimal():  # a cell of a CSV file
            value = int(value)
        value = 0 if value in (None, "") else value
        most = np.iinfo(np.uint16).max
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            self._wrong("repeat", f"a number from 0 to {most}", value)
        return int(value)

    def _wrong(self, field: str, wanted: str, value: object) -> None:
        words = f"expected {wanted}, saw {shown(value)}"
        raise RowFault(Reason.WRONG_TYPE, words, field=self.fields[field])

    def _batch(self, source: Source, rows: list[tuple[int, dict[str, Any]]]) -> Outputs:
        read = [row for _, row in rows]
        finish = [row["finish"] for row in read]
        units = clusters = None
        if "id" in self.fields:
            names = [
                _framed(row.get(name, "") for name in ("id", "judge", "aspect")) for row in read
            ]
            units = _native.cluster_id64(names)
        of_cluster = "cluster" if "cluster" in self.fields else "id"
        if of_cluster in self.fields:
            clusters = _native.cluster_id64([row[of_cluster] for row in read])
        judge = models = None
        if "judge" in self.fields:
            judge = _codes(self.judges, [row["judge"] for row in read])
        if all(field in self.fields for field in _MODELS):
            sides = [_codes(self.models, [row[field] for row in read]) for field in _MODELS]
            models = np.stack(sides, axis=1)
        swapped = None
        if "order" in self.fields:
            swapped = np.array([row["swapped"] for row in read], np.uint8)
        return Outputs(
            source=source.name,
            unit=source.unit,
            numbers=np.array([number for number, _ in rows], np.int64),
            texts=[row["text"] for row in read],
            cut=np.array([word in CUT for word in finish], np.uint8),
            refused=np.array([word in REFUSED for word in finish], np.bool_),
            unit64=units,
            cluster64=clusters,
            swapped=swapped,
            repeat=np.array([row.get("repeat", 0) for row in read], np.uint16),
            judge=judge,
            models=models,
        )


def _codes(known: dict[str, int], names: list[str]) -> NDArray[np.int32]:
    return np.array([known.setdefault(name, len(known)) for name in names], np.int32)


def _finish(row: dict[str, Any], names: list[str]) -> str:
    """The first reason that a row gives for its end, of several names for it."""
    for name in names:
        value = row.get(name)
        if value is None:
            value = walk(row, name)
        if value is None or value is ABSENT:
            continue
        if not isinstance(value, str):
            words = f"expected a word, saw {shown(value)}"
            raise RowFault(Reason.WRONG_TYPE, words, field=name)
        if value:
            return value
    return ""


def _framed(parts: Iterator[str]) -> str:
    return "".join(f"{len(part)}:{part}" for part in parts)


def _whole(text: str) -> str:
    """Text with U+FFFD for lone surrogates, which are no text."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode(
        "utf-16", "replace"
    )  # fmt: skip
