"""Where a row keeps each field: layout, then `--map` on top of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from judgefast.datasets.faults import Reason, RowFault, closest, listed, map_hint
from judgefast.datasets.layouts import recognise
from judgefast.datasets.options import FIELDS

if TYPE_CHECKING:
    from judgefast.datasets.layouts import Layout
    from judgefast.datasets.options import ReadOptions

_ABSENT = object()

Shape = Literal["answers", "pair", "single", "none"]

_SHARED = {"id", "question", "reference", "gold", "cluster", "meta"}
_HOLD_ANSWERS = {"answers", "answer", "answer_a", "answer_b"}
_PAIR = {"answer_a", "answer_b", "model_a", "model_b"}
_SHAPES: dict[Shape, set[str]] = {
    "answers": {"answers"},
    "pair": _PAIR,
    "single": {"answer", "model"},
    "none": _PAIR | {"answer", "model"},
}


_HELD = {"answers": "`answers`", "pair": "two answers", "single": "one answer", "none": "none"}


def _shape(layout: Layout) -> Shape:
    named = layout.requires | layout.fields.keys()
    if "answers" in named:
        return "answers"
    if "answer_a" in named:
        return "pair"
    return "single" if "answer" in named else "none"


class Fields:
    """Names of one layout, and access to a row by our names."""

    def __init__(self, layout: Layout, options: ReadOptions, first_row: dict[str, Any]) -> None:
        # A layout's own name counts only where the data has it: LMArena's later rows say `id`.
        theirs = {
            field: name
            for field, name in layout.fields.items()
            if name in first_row or field not in first_row
        }
        self._names = {field: field for field in FIELDS} | theirs | options.map
        self._map = options.map
        self._paths = {
            field: tuple(name.split(".")) for field, name in self._names.items() if "." in name
        }
        self.unused_maps = {field for field, name in options.map.items() if name}
        """Fields of `map` that no row had so far."""
        self.shape = _shape(layout)
        """How this layout holds its answers."""
        used = _SHARED | _SHAPES[self.shape] | options.map.keys()
        self._used = tuple(field for field in FIELDS if field in used and self._names[field])
        self.known = frozenset(self._names[field] for field in self._used)
        """Fields of the data that are no `meta`."""
        self.opened = frozenset(path[0] for path in self._paths.values())
        """Nested fields that a dotted path reaches into."""

    def name(self, field: str) -> str:
        """Name of a field in the data."""
        return self._names.get(field, field)

    def get(self, row: dict[str, Any], field: str) -> Any:  # noqa: ANN401 - of a row
        """Value of a field, None where it is absent."""
        name = self._names.get(field, field)
        value = row.get(name) if name else None
        if value is None and field in self._paths:
            value = self._walk(row, field)
            value = None if value is _ABSENT else value
        if field in self.unused_maps and value is not None:
            self.unused_maps.discard(field)
        return value

    def present(self, row: dict[str, Any], field: str) -> bool:
        """Whether a row has a field, be it null."""
        name = self._names.get(field, field)
        if name and name in row:
            return True
        return field in self._paths and self._walk(row, field) is not _ABSENT

    def _walk(self, row: dict[str, Any], field: str) -> Any:  # noqa: ANN401 - of a row
        value: Any = row
        for step in self._paths[field]:
            if isinstance(value, dict) and step in value:
                value = value[step]
            elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
                value = value[int(step)]
            else:
                return _ABSENT
        return value

    def present_names(self, row: dict[str, Any]) -> dict[str, str]:
        """Our name -> the data's, for the fields that a row has."""
        return {field: self._names[field] for field in self._used if self.present(row, field)}

    def missing(self, row: dict[str, Any], field: str) -> RowFault:
        """Say that a row lacks a field, and which of its fields may be meant."""
        other = recognise(row) if field in _HOLD_ANSWERS else None
        if other is not None and _shape(other) != self.shape:
            return self._of_another_shape(_shape(other), self.name(field))
        name = self.name(field)
        mapped = f" (mapped to `{field}`)" if field in self._map else ""
        near = closest(name, (other for other in row if other not in self.known))
        hint = map_hint(field, near) if near else None
        words = f"the field is missing{mapped}; the row has {listed(row)}"
        return RowFault(Reason.MISSING_FIELD, words, field=name, hint=hint)

    def _of_another_shape(self, shape: Shape, name: str) -> RowFault:
        words = (
            f"the field is missing; the row holds {_HELD[shape]}, the first row {_HELD[self.shape]}"
        )
        if "single" in (shape, self.shape):
            hint = "judge single answers and pairs in runs of their own"
            return RowFault(Reason.MIXED_MODES, words, field=name, hint=hint)
        hint = "write the answers of all rows in one way"
        return RowFault(Reason.MISSING_FIELD, words, field=name, hint=hint)
