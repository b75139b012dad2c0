"""JSON schemas that may reach the engine: some break it, hang it or kill it, some it ignores."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from judgefast.engines.embedded.grammars import check_characters, check_regex

MAX_DEPTH = 32
"""Levels: 2,000 hang the engine, 100,000 kill it."""

_TYPES = ("string", "integer", "number", "boolean", "null", "object", "array")
_MAX_BOUND = 1 << 53
_IGNORED = ("not", "if", "then", "else", "dependentSchemas", "unevaluatedProperties")
_BOUNDS = (
    ("minimum", "maximum"),
    ("exclusiveMinimum", "exclusiveMaximum"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
)
_NAMED = ("properties", "$defs", "definitions", "patternProperties")
_SINGLE = ("items", "additionalProperties", "contains", "propertyNames")
_LISTED = ("anyOf", "oneOf", "allOf", "prefixItems")
_BRACKETS_A_LEVEL = 3
"""Most brackets that one level of a schema opens: `properties`, the object in it, an `anyOf`."""


class _Bad(Exception):  # noqa: N818 - carries words out of the walk, never leaves this file
    pass


@lru_cache(maxsize=256)
def check_schema(text: str) -> str | None:
    """What keeps a JSON schema from the engine, in words; None if nothing does."""
    if words := check_characters(text, "a JSON schema"):
        return words
    if _nesting(text) > _BRACKETS_A_LEVEL * MAX_DEPTH:  # first: the JSON parser recurses as well
        return f"a JSON schema nested deeper than {MAX_DEPTH} levels"
    try:
        schema = json.loads(text, parse_constant=_no_constant)
        if not isinstance(schema, dict):
            return "a JSON schema that is no object"
        too_deep = _Walk(schema).height(schema, "#") > MAX_DEPTH
    except _Bad as bad:
        return f"a JSON schema with {bad}"
    except ValueError as error:
        return f"a JSON schema that is no JSON: {error}"
    except RecursionError:  # a long chain of references
        too_deep = True
    return f"a JSON schema nested deeper than {MAX_DEPTH} levels" if too_deep else None


def _nesting(text: str) -> int:
    depth = deepest = 0
    for found in re.finditer(r'"(?:\\.|[^"\\])*"|[\[{]|[\]}]', text):
        if found[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif found[0] in "]}":
            depth -= 1
    return deepest


def _no_constant(name: str) -> object:
    message = f"`{name}` is no JSON number"
    raise ValueError(message)


class _Walk:
    """Visits every subschema once, following references."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._open = ["#"]
        self._heights: dict[str, int] = {}

    def height(self, node: object, where: str) -> int:
        """Levels of `node`, references followed."""
        if node is True:
            return 0
        if not isinstance(node, dict):
            seen = "false" if node is False else type(node).__name__
            message = f"{seen} at {where}, which nothing satisfies"
            raise _Bad(message)
        _check_keywords(node, where)
        _check_bounds(node, where)
        below = [self.height(child, at) for child, at in _children(node, where)]
        if "$ref" in node:
            below.append(self._reference(node["$ref"], where) - 1)
        return 1 + max(below, default=0)

    def _reference(self, target: object, where: str) -> int:
        if not isinstance(target, str) or not target.startswith("#"):
            message = f"`$ref` to something outside it at {where}"
            raise _Bad(message)
        if target in self._open:
            message = f"a cycle of `$ref` through `{target}`"
            raise _Bad(message)
        if target not in self._heights:
            node: Any = self._root
            for part in target[1:].split("/")[1:]:
                name = part.replace("~1", "/").replace("~0", "~")
                if not isinstance(node, dict) or name not in node:
                    message = f"`$ref` to `{target}`, which is not there"
                    raise _Bad(message)
                node = node[name]
            self._open.append(target)
            self._heights[target] = self.height(node, target)
            self._open.pop()
        return self._heights[target]


def _children(node: dict[str, Any], where: str) -> list[tuple[object, str]]:
    """Subschemas, each with its place."""
    found: list[tuple[object, str]] = []
    for key in _NAMED:
        named = node.get(key, {})
        if not isinstance(named, dict):
            message = f"`{key}` that is no object at {where}"
            raise _Bad(message)
        found += [(child, f"{where}/{key}/{name}") for name, child in named.items()]
    for key in _SINGLE:
        if key in node and not isinstance(node[key], (bool, list)):
            found.append((node[key], f"{where}/{key}"))
    for key in (*_LISTED, "items"):
        if isinstance(node.get(key), list):
            found += [(child, f"{where}/{key}") for child in node[key]]
    return found


def _check_keywords(node: dict[str, Any], where: str) -> None:
    kinds = node.get("type", [])
    unknown = [k for k in (kinds if isinstance(kinds, list) else [kinds]) if k not in _TYPES]
    broken = {
        f"the unknown type {unknown[:1]}": bool(unknown),
        "an `enum` without values": "enum" in node and not _is_filled_list(node["enum"]),
        "`maxLength`, which takes seconds to compile (bound the text by max_tokens)": (
            "maxLength" in node
        ),
        "`allOf` of several parts, which the engine does not enforce": (
            isinstance(node.get("allOf"), list) and len(node["allOf"]) > 1
        ),
        **{f"`{key}`, which the engine ignores": key in node for key in _IGNORED},
        **{
            f"`{key}` without parts": key in node and not _is_filled_list(node[key])
            for key in _LISTED
        },
    }
    for words, is_so in broken.items():
        if is_so:
            message = f"{words} at {where}"
            raise _Bad(message)
    named = node.get("patternProperties", {})
    patterns: list[object] = list(named) if isinstance(named, dict) else []
    if "pattern" in node:
        patterns.append(node["pattern"])
    for pattern in patterns:
        wrong = check_regex(pattern) if isinstance(pattern, str) else "no text"
        if wrong:
            message = f"a pattern at {where} that is {wrong}"
            raise _Bad(message)


def _check_bounds(node: dict[str, Any], where: str) -> None:
    for low, high in _BOUNDS:
        for name in (low, high):
            bound = node.get(name, 0)
            is_number = isinstance(bound, int | float) and not isinstance(bound, bool)
            if not is_number or abs(bound) > _MAX_BOUND:
                message = f"`{name}` that is no number within 53 bits at {where}"
                raise _Bad(message)
        if low in node and high in node and node[low] > node[high]:
            message = f"`{low}` {node[low]} above `{high}` {node[high]} at {where}"
            raise _Bad(message)


def _is_filled_list(value: object) -> bool:
    return isinstance(value, list) and bool(value)
