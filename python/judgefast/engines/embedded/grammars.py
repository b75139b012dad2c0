"""Grammars that may reach the engine: what it refuses poisons it, and some kill or hang it.

Each check returns what is wrong, in words, or None.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

MAX_BYTES = 65_536
MAX_DEPTH = 32
"""Levels of a schema: 2,000 hang the engine, 100,000 kill it."""

_SPECIAL = frozenset(r"\^$.|?*+()[]{}")
_CONTROLS = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_TYPES = frozenset({"string", "integer", "number", "boolean", "null", "object", "array"})
_UNENFORCED = ("not", "if", "then", "else", "dependentSchemas", "unevaluatedProperties")
_BOUNDS = (
    ("minimum", "maximum"),
    ("exclusiveMinimum", "exclusiveMaximum"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
)


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
    if not pattern:
        return "an empty regex, which the engine takes for an empty answer"
    if "\0" in pattern:
        return "a regex with a NUL character, where the engine cuts it"
    if len(pattern.encode(errors="replace")) > MAX_BYTES:
        return f"a regex of more than {MAX_BYTES:,} bytes"
    if any("\ud800" <= c <= "\udfff" for c in pattern):
        return "a regex with a lone surrogate"
    plain = re.sub(r"\\\\", "", pattern)  # what is left of a backslash is an escape
    if found := re.search(r"\\([1-9bBAZzGkpPxX]|u\{|g)", plain):
        return f"a regex with `{found[0]}`, which the engine does not know"
    in_no_class = re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", "", plain, flags=re.DOTALL)
    if found := re.search(r"\(\?(?!:)..?", in_no_class):
        return f"a regex with `{found[0]}`: lookaround, flags and names are unknown to the engine"
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"a regex that does not compile: {error}"
    return None


@lru_cache(maxsize=256)
def check_schema(text: str) -> str | None:
    """What keeps a JSON schema from the engine."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        return f"a JSON schema of more than {MAX_BYTES:,} bytes"
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        return "a JSON schema with a NUL character or a lone surrogate"
    if _nesting(text) > 4 * MAX_DEPTH:  # before the parser, which recurses as well
        return f"a JSON schema nested deeper than {MAX_DEPTH} levels"
    try:
        schema = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        return f"a JSON schema that is no JSON: {error}"
    if not isinstance(schema, dict):
        return "a JSON schema that is no object"
    return _Walk(schema).words


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


class _Bad(Exception):  # noqa: N818 - carries words out of the walk, never leaves this file
    pass


class _Walk:
    """Visits every subschema once, following references."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._open: list[str] = []
        self._heights: dict[str, int] = {}
        self.words: str | None = None
        try:
            if self._height(root, "#") > MAX_DEPTH:
                self.words = f"a JSON schema nested deeper than {MAX_DEPTH} levels"
        except _Bad as bad:
            self.words = f"a JSON schema with {bad}"

    def _height(self, node: object, where: str) -> int:
        if isinstance(node, bool):
            if not node:
                message = f"`false` at {where}, which nothing satisfies"
                raise _Bad(message)
            return 0
        if not isinstance(node, dict):
            message = f"{type(node).__name__} at {where} where a schema belongs"
            raise _Bad(message)
        _check_node(node, where)
        heights = [0]
        if "$ref" in node:
            heights.append(self._reference(node["$ref"], where) - 1)
        for key in ("properties", "$defs", "definitions", "patternProperties"):
            for name, child in _mapping(node, key, where):
                if key == "patternProperties":
                    _check_pattern(name, where)
                heights.append(self._height(child, f"{where}/{key}/{name}"))
        for key in ("items", "additionalProperties", "contains", "propertyNames"):
            child = node.get(key)
            if child is not None and not isinstance(child, (bool, list)):
                heights.append(self._height(child, f"{where}/{key}"))
        for key in ("anyOf", "oneOf", "allOf", "prefixItems", "items"):
            child = node.get(key)
            if isinstance(child, list):
                heights.extend(self._height(each, f"{where}/{key}") for each in child)
        return 1 + max(heights)

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
            if node is self._root:
                message = f"a cycle of `$ref` through `{target}`"
                raise _Bad(message)
            self._open.append(target)
            self._heights[target] = self._height(node, target)
            self._open.pop()
        return self._heights[target]


def _check_node(node: dict[str, Any], where: str) -> None:
    kinds = node.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind not in _TYPES:
            message = f"the unknown type {kind!r} at {where}"
            raise _Bad(message)
    if "enum" in node and not (isinstance(node["enum"], list) and node["enum"]):
        message = f"an `enum` without values at {where}"
        raise _Bad(message)
    if "maxLength" in node:
        message = f"`maxLength` at {where}: seconds to compile; bound the text by max_tokens"
        raise _Bad(message)
    for low, high in _BOUNDS:
        lowest, highest = node.get(low), node.get(high)
        for name, bound in ((low, lowest), (high, highest)):
            if bound is not None and (
                isinstance(bound, bool) or not isinstance(bound, int | float)
            ):
                message = f"`{name}` that is no number at {where}"
                raise _Bad(message)
        if lowest is not None and highest is not None and lowest > highest:
            message = f"`{low}` {lowest} above `{high}` {highest} at {where}"
            raise _Bad(message)
    for key in _UNENFORCED:
        if key in node:
            message = f"`{key}` at {where}, which the engine ignores"
            raise _Bad(message)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in node and not (isinstance(node[key], list) and node[key]):
            message = f"`{key}` without parts at {where}"
            raise _Bad(message)
    if len(node.get("allOf", [])) > 1:
        message = f"`allOf` of several parts at {where}, which the engine does not enforce"
        raise _Bad(message)
    if "pattern" in node:
        _check_pattern(node["pattern"], where)


def _check_pattern(pattern: object, where: str) -> None:
    words = check_regex(pattern) if isinstance(pattern, str) else "a pattern that is no text"
    if words:
        message = f"a pattern at {where}: {words}"
        raise _Bad(message)


def _mapping(node: dict[str, Any], key: str, where: str) -> list[tuple[str, Any]]:
    found = node.get(key, {})
    if not isinstance(found, dict):
        message = f"`{key}` that is no object at {where}"
        raise _Bad(message)
    return list(found.items())
