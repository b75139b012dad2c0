"""Strict reading of a TOML table: each mistake names the file, the line and the key."""

from __future__ import annotations

import math
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

from judgefast.errors import RubricError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.prompts.source import Path, TomlLines

_KINDS = {
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "a table",
}


class Table:
    """One table of a file. Reading a key marks it known; `finish` refuses the others."""

    def __init__(self, values: dict[str, Any], path: Path, file: str, lines: TomlLines) -> None:
        self.values = values
        self.path = path
        self._file = file
        self._lines = lines
        self._known: list[str] = []

    def text(self, key: str, default: str | None = None, *, blank: bool = False) -> str:
        """The text at `key`; refused if blank, unless `blank` is allowed."""
        found: str = self._get(key, str, default)
        if not blank and not found.strip():
            self.refuse(key, "is blank", hint=f"write a text for `{key}`, or leave the key out")
        return found

    def one_of(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        """The text at `key`, which must be one of `allowed`."""
        found: str = self._get(key, str, default)
        if found not in allowed:
            choices = ", ".join(f"`{name}`" for name in allowed)
            words = f"is `{found}`; it must be one of {choices}"
            self.refuse(key, words, hint=nearest(found, allowed))
        return found

    def boolean(self, key: str, *, default: bool) -> bool:
        """The truth value at `key`."""
        found: bool = self._get(key, bool, default)
        return found

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """The integer at `key`, within `low` and `high`."""
        found: int = self._get(key, int, default)
        if not low <= found <= high:
            self.refuse(key, f"is {found}; it must be an integer from {low} to {high}")
        return found

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        """The number at `key`, within `low` and `high`."""
        found = float(self._get(key, float, default))
        if not (math.isfinite(found) and low <= found <= high):
            self.refuse(key, f"is {found:g}; it must be a number from {low:g} to {high:g}")
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        """The list of texts at `key`, empty if it is not there."""
        found = self._get(key, list, [])
        for index, value in enumerate(found):
            if not isinstance(value, str) or not value:
                self.refuse(key, "must be a list of texts, none of them empty", at=(index,))
        return tuple(found)

    def table(self, key: str) -> Table:
        """The table at `key`; an empty one if it is not there."""
        return self._inner(self._get(key, dict, {}), (key,))

    def tables(self, key: str) -> list[Table]:
        """The array of tables at `key`, empty if it is not there."""
        found = self._get(key, list, [])
        for index, value in enumerate(found):
            if not isinstance(value, dict):
                self.refuse(key, "must be a list of tables", at=(index,))
        return [self._inner(value, (key, index)) for index, value in enumerate(found)]

    def peek(self, key: str) -> Any:  # noqa: ANN401 - a TOML value of any type
        """The value at `key` as it lies, None if it is not there; marks the key known."""
        self._known.append(key)
        return self.values.get(key)

    def finish(self) -> None:
        """Refuse a key that was not read."""
        for key in self.values:
            if key not in self._known:
                words = f"unknown key `{self.name(key)}`"
                line = self._lines.line((*self.path, key))
                raise self._error(line, words, nearest(key, self._known))

    def name(self, key: str | None = None) -> str:
        """Dotted name of `key` in this table, as a person would write it."""
        path = self.path if key is None else (*self.path, key)
        name = ""
        for part in path:
            name += f"[{part}]" if isinstance(part, int) else f".{part}"
        return name.removeprefix(".") or "the rubric"

    def refuse(
        self, key: str | None, words: str, *, hint: str | None = None, at: Path = ()
    ) -> NoReturn:
        """Raise a `RubricError` about `key`, or about the table where `key` is None.

        Args:
            key: The key at fault.
            words: What is wrong with it, to stand behind its name.
            hint: What to do.
            at: Where inside the value, for the line number.

        """
        path = () if key is None else (key, *at)
        self.refuse_at(path, f"`{self.name(key)}` {words}", hint)

    def refuse_at(self, path: Path, words: str, hint: str | None) -> NoReturn:
        """Raise a `RubricError` with these words and the line of `path`, below this table."""
        raise self._error(self._lines.line((*self.path, *path)), words, hint)

    def refuse_line(self, key: str, line: int, words: str, hint: str | None) -> NoReturn:
        """Raise a `RubricError` about line `line`, from 0, of the text at `key`."""
        line = self._lines.text_line((*self.path, key), line)
        raise self._error(line, f"`{self.name(key)}`: {words}", hint)

    def _get(self, key: str, kind: type, default: Any) -> Any:  # noqa: ANN401 - any TOML value
        self._known.append(key)
        if key not in self.values:
            if default is None:
                words = f"`{self.name(key)}` is missing"
                hint = f"add `{key}`: {_KINDS[kind]}"
                raise self._error(self._lines.line(self.path), words, hint)
            return default
        found = self.values[key]
        is_number = isinstance(found, int | float) and not isinstance(found, bool)
        fits = is_number if kind is float else type(found) is kind
        if not fits:
            seen = _KINDS.get(type(found), "a date or time")
            self.refuse(key, f"is {seen}; it must be {_KINDS[kind]}")
        return found

    def _inner(self, values: dict[str, Any], path: Path) -> Table:
        return Table(values, (*self.path, *path), self._file, self._lines)

    def _error(self, line: int, words: str, hint: str | None) -> RubricError:
        return RubricError(f"{self._file}:{line}: {words}", hint=hint)


def nearest(name: str, known: Sequence[str]) -> str | None:
    """Hint that names the closest of `known`, or all of them where none is close."""
    close = get_close_matches(name, known, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    return "known here: " + ", ".join(f"`{key}`" for key in known) if known else None
