"""Server-sent events, out of bytes that come in any pieces."""

from __future__ import annotations

_DATA = b"data"


class Events:
    """The data of events, each as soon as the blank line behind it is there.

    Lines end in LF, CR LF or CR; comments and fields other than `data` say nothing. Characters are
    never looked at, so that one may be cut anywhere.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        """Take more bytes; the events that they complete."""
        text = self._rest + data
        held = b"\r" if text.endswith(b"\r") else b""  # its LF may be still to come
        text = text.removesuffix(held)
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = text.split(b"\n")
        self._rest = rest + held
        found: list[bytes] = []
        for line in lines:
            self._line(line, found)
        return found

    def close(self) -> list[bytes]:
        """What is left at the end, where the blank line behind the last event is missing."""
        found = self.feed(b"\n\n")
        self._rest, self._data = b"", []
        return found

    def _line(self, line: bytes, found: list[bytes]) -> None:
        if not line:
            if self._data:
                found.append(b"\n".join(self._data))
                self._data = []
            return
        name, _, value = line.partition(b":")
        if name == _DATA:
            self._data.append(value.removeprefix(b" "))
