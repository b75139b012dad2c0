"""How a part of the data is called: `key=value` for each cut, a space between them.

A value with a space, a quote or an equals sign is written as a JSON string, so that a name can
always be taken apart again.
"""

from __future__ import annotations

import json
import re

_PLAIN = re.compile(r'[^\s="\\]+')
_WORD = r'("(?:[^"\\]|\\.)*"|[^\s="\\]+)'
_PART = re.compile(f"{_WORD}={_WORD}")


def slice_part(key: str, value: str) -> str:
    r"""Name one cut.

    >>> slice_part("model", "gpt-x"), slice_part("model", "a b")
    ('model=gpt-x', 'model="a b"')
    """
    return f"{_text(key)}={_text(value)}"


def slice_parts(name: str) -> dict[str, str]:
    """Take a name apart into its cuts.

    >>> slice_parts('candidate=gpt-x baseline="a b"')
    {'candidate': 'gpt-x', 'baseline': 'a b'}
    >>> slice_parts("all")
    {}
    """
    return {_value(key): _value(value) for key, value in _PART.findall(name)}


def unread_from(name: str) -> int | None:
    r"""Where a name stops being cuts with one space between them, each key once; None: nowhere.

    >>> unread_from("model=x meta.lang=de"), unread_from("meta.lang=de fr"), unread_from("all")
    (None, 13, 0)
    >>> unread_from("model=x model=y"), unread_from(r'model="\q"')
    (8, 0)
    """
    place, keys = 0, set[str]()
    while found := _PART.match(name, place):
        try:
            key, _ = map(_value, found.groups())
        except ValueError:  # an escape that JSON does not know
            return place
        if key in keys:
            return place
        keys.add(key)
        if found.end() == len(name):
            return None
        rest = name[found.end() :]
        if not rest[0].isspace():
            return found.end()
        place = len(name) - len(rest.lstrip())
    return place


def _text(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _value(text: str) -> str:
    return str(json.loads(text)) if text.startswith('"') else text
