"""Where in a TOML text each value stands, which `tomllib` does not say.

The text is known to be valid, so the scan only has to find its way, not to check anything.
"""

from __future__ import annotations

import json
import re

Path = tuple[str | int, ...]
"""Keys and, in arrays, indices from 0: `("template", "blocks", 1, "text")`."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SCALAR = re.compile(r"[^,\]}#\n]+")
_CLOSINGS = {
    '"""': re.compile(r'(?:[^"\\]|\\.|"(?!""))*"{3,5}', re.DOTALL),
    "'''": re.compile(r"(?:[^']|'(?!''))*'{3,5}", re.DOTALL),
    '"': re.compile(r'(?:[^"\\]|\\.)*"'),
    "'": re.compile(r"[^']*'"),
}


class TomlLines:
    """Line numbers of a valid TOML text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._offsets: dict[Path, int] = {(): 0}
        self._texts: dict[Path, int] = {}
        self._sizes: dict[Path, int] = {}
        self._scan()

    def line(self, path: Path) -> int:
        """Line, from 1, on which `path` is given: its key, or the table nearest to it."""
        while path not in self._offsets:
            path = path[:-1]
        return self._text.count("\n", 0, self._offsets[path]) + 1

    def text_line(self, path: Path, line: int) -> int:
        """Line of the file on which line `line` (from 0) of the string at `path` stands."""
        if path not in self._texts:
            return self.line(path)
        return self._text.count("\n", 0, self._texts[path]) + 1 + line

    def _scan(self) -> None:
        table: Path = ()
        while self._skip_blank():
            start = self._position
            if self._take("[["):
                keys = self._keys()
                self._skip_blank()
                self._take("]]")
                name = self._resolve(keys)
                index = self._sizes[name] = self._sizes.get(name, -1) + 1
                table = (*name, index)
                self._offsets.setdefault(name, start)
                self._offsets[table] = start
            elif self._take("["):
                keys = self._keys()
                self._skip_blank()
                self._take("]")
                name = self._resolve(keys)
                table = (*name, self._sizes[name]) if name in self._sizes else name
                self._offsets.setdefault(table, start)
            else:
                self._pair(table)

    def _resolve(self, keys: list[str]) -> Path:
        """Path of a header: a name of an array of tables means its newest table."""
        path: Path = ()
        for key in keys:
            if path in self._sizes:
                path = (*path, self._sizes[path])
            path = (*path, key)
        return path

    def _pair(self, table: Path) -> None:
        start = self._position
        path = (*table, *self._keys())
        for length in range(len(table) + 1, len(path) + 1):
            self._offsets.setdefault(path[:length], start)
        self._skip_blank()
        self._take("=")
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip_blank()
        self._offsets.setdefault(path, self._position)
        for quote in _CLOSINGS:
            if self._take(quote):
                self._string(path, quote)
                return
        if self._take("["):
            index = 0
            while self._skip_blank() and not self._take("]"):
                self._value((*path, index))
                index += 1
                self._skip_blank()
                self._take(",")
        elif self._take("{"):
            while self._skip_blank() and not self._take("}"):
                self._pair(path)
                self._skip_blank()
                self._take(",")
        else:
            self._match(_SCALAR)

    def _string(self, path: Path, quote: str) -> None:
        if len(quote) > 1:
            # A newline right behind the opening quotes is no part of the string.
            self._take("\r")
            self._take("\n")
        self._texts[path] = self._position
        self._match(_CLOSINGS[quote])

    def _keys(self) -> list[str]:
        keys = []
        while True:
            self._skip_blank()
            if self._take("'"):
                keys.append(self._match(_CLOSINGS["'"])[:-1])
            elif self._take('"'):
                keys.append(json.loads('"' + self._match(_CLOSINGS['"']), strict=False))
            else:
                keys.append(self._match(_BARE_KEY))
            self._skip_blank()
            if not self._take("."):
                return keys

    def _skip_blank(self) -> bool:
        self._match(_BLANK)
        return self._position < len(self._text)

    def _take(self, token: str) -> bool:
        found = self._text.startswith(token, self._position)
        self._position += len(token) * found
        return found

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._position)
        if found is None:  # not reached on a valid text; never stand still
            self._position += 1
            return ""
        self._position = found.end()
        return found.group()
