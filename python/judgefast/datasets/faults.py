"""What is wrong with a row, in words a person can act on.

A fault is a value first: `--on-bad-row skip` counts it by `reason`; only `error` raises it, as a
:class:`~judgefast.errors.DataError` that names the place.
"""

from __future__ import annotations

import difflib
import shlex
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN_CHARACTERS = 60
"""A value is quoted up to this length."""


class Reason(StrEnum):
    """Names under which skipped rows are counted. New ones are added, none is renamed."""

    INVALID_JSON = "invalid_json"
    INVALID_UTF8 = "invalid_utf8"
    NUL_BYTE = "nul_byte"
    NOT_AN_OBJECT = "not_an_object"
    ROW_TOO_LONG = "row_too_long"
    WRONG_COLUMNS = "wrong_columns"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    BAD_VALUE = "bad_value"
    EMPTY_ANSWER = "empty_answer"
    DUPLICATE_ID = "duplicate_id"
    MIXED_MODES = "mixed_modes"


class RowFault(Exception):  # noqa: N818 - a finding that may be skipped, not always an error
    """One row cannot be used."""

    def __init__(
        self, reason: Reason, words: str, *, field: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(words)
        self.reason = reason
        self.words = words
        self.field = field
        self.hint = hint

    def at(self, place: str) -> str:
        """Whole message: place, field, what was seen.

        >>> fault = RowFault(Reason.WRONG_TYPE, "expected text, saw 42", field="answer")
        >>> fault.at("`a.jsonl`, line 3")
        '`a.jsonl`, line 3, field `answer`: expected text, saw 42'
        """
        field = f", field `{visible(self.field)}`" if self.field else ""
        return f"{place}{field}: {self.words}"


def visible(text: str) -> str:
    r"""Escape what a terminal would act on or not show: control, format and lone characters.

    >>> visible("a\x1b[31m\u202eb")
    'a\\x1b[31m\\u202eb'
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def shown(value: object) -> str:
    """Quote what was seen, shortened and with control characters escaped.

    >>> shown({"a": 1}), shown("x" * 100)[-18:], shown(None)
    ("an object {'a': 1}", 'xxxxx" (100 chars)', 'null')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        cut = visible(value[:SHOWN_CHARACTERS])
        return f'"{cut}"' if len(value) <= SHOWN_CHARACTERS else f'"{cut}" ({len(value)} chars)'
    if isinstance(value, int | float):
        return repr(value)[:SHOWN_CHARACTERS]
    kind = f"{type(value).__name__} "
    if isinstance(value, dict | list):
        kind = "an object " if isinstance(value, dict) else "a list "
    # A huge container is not rendered whole only to be cut.
    text = visible(repr(value)[:SHOWN_CHARACTERS]) if _is_small(value) else "…"
    return f"{kind}{text}"


def _is_small(value: object) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return len(value) <= SHOWN_CHARACTERS and all(
            not isinstance(part, dict | list) for part in value
        )
    return True


def closest(word: str, words: Iterable[str]) -> str | None:
    """Name most like `word`, if one is like it.

    >>> closest("answr_a", ["answer_a", "question"])
    'answer_a'
    """
    folded = {known.casefold(): known for known in words}
    found = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def map_hint(field: str, name: str) -> str:
    """Advice to read `field` from the field `name` of the data, as it is typed in a shell.

    >>> map_hint("answer", " answer")
    "did you mean ` answer`? use --map 'answer= answer'"
    """
    pair = shlex.quote(f"{field}={name}") if name.isprintable() else f"{field}={visible(name)}"
    return f"did you mean `{visible(name)}`? use --map {pair}"


def listed(names: Iterable[str], limit: int = 12) -> str:
    """Names for a message, quoted, the first `limit` of them."""
    known = list(names)
    text = ", ".join(f"`{visible(name[:SHOWN_CHARACTERS])}`" for name in known[:limit])
    return f"{text} and {len(known) - limit} more" if len(known) > limit else text or "none"
