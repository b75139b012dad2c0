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


def _text(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _value(text: str) -> str:
    return str(json.loads(text)) if text.startswith('"') else text
