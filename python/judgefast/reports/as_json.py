"""A report, or one item, for machines.

Fields come in the order of their definition, reasons and names in alphabetical order, so that two
reports of the same numbers are the same bytes. What is not a number is null: NaN never appears.
"""

from __future__ import annotations

from typing import Any

import msgspec

from judgefast.reports.inert import json_text, without_surrogates


def to_json(value: msgspec.Struct, *, indent: int = 2) -> str:
    r"""Write a struct as JSON, one line a field.

    Characters that a terminal acts on are escaped, lone surrogates become U+FFFD.

    Args:
        value: A `Report`, an `ItemView`, an `Estimate`.
        indent: Blanks a level; 0 for a single line.

    Returns:
        The JSON text, with a final line feed.

    >>> from judgefast.reports.report import Seconds
    >>> to_json(Seconds(read=0.5, judge=float("nan")), indent=0)
    '{"read":0.5,"plan":null,"load":null,"judge":null,"report":null}\n'

    """
    plain = _clean(msgspec.to_builtins(value, order="deterministic"))
    encoded = msgspec.json.encode(plain)  # what is not finite becomes null
    if indent:
        encoded = msgspec.json.format(encoded, indent=indent)
    return json_text(encoded.decode()) + "\n"


def _clean(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, dict):
        return {without_surrogates(str(key)): _clean(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(part) for part in value]
    return value
