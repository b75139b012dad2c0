"""Regexes that may reach the engine. What it refuses breaks every request in flight.

A check returns what is wrong, in words, or None.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache

MAX_BYTES = 65_536

_SPECIAL = frozenset(r"\^$.|?*+()[]{}")
_CONTROLS = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_UNKNOWN_ESCAPE = re.compile(r"\\(?:[1-9bBAZzGkKpPQRXg]|u\{)")
_CLASS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_GROUP = re.compile(r"\(\?(?!:).{0,2}", re.DOTALL)


def literal(text: str) -> str:
    r"""Regex that matches `text` alone.

    >>> literal("[[A>B]]")
    '\\[\\[A>B\\]\\]'
    """
    return "".join(_CONTROLS.get(c, f"\\{c}" if c in _SPECIAL else c) for c in text)


def choice_regex(texts: list[str]) -> str:
    """Regex that matches one of `texts` alone."""
    return "|".join(literal(text) for text in texts)


@lru_cache(maxsize=256)
def check_regex(pattern: str) -> str | None:
    """What keeps `pattern` from the engine, whose regexes are plain ones without assertions."""
    if words := check_characters(pattern, "a regex"):
        return words
    if not pattern:
        return "an empty regex, which the engine takes for an empty answer"
    plain = pattern.replace("\\\\", "")  # a backslash that is left begins an escape
    if found := _UNKNOWN_ESCAPE.search(plain) or _GROUP.search(_CLASS.sub("", plain)):
        return f"a regex with `{found[0]}`, which the engine does not know"
    try:
        with warnings.catch_warnings():  # `[[:alpha:]]` and `[a&&b]` mean one thing here, one there
            warnings.simplefilter("error", FutureWarning)
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError, FutureWarning) as error:
        return f"a regex that does not compile: {error}"
    return None


def check_characters(text: str, what: str) -> str | None:
    """Whether `text` can be handed over at all: the engine cuts it at a NUL character."""
    if "\0" in text:
        return f"{what} with a NUL character, where the engine cuts it"
    if any("\ud800" <= c <= "\udfff" for c in text):
        return f"{what} with a lone surrogate"
    if len(text.encode()) > MAX_BYTES:
        return f"{what} of more than {MAX_BYTES:,} bytes"
    return None
