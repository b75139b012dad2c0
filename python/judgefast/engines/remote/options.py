"""What settings of servers may be, their addresses among them, and the key that is no setting."""

from __future__ import annotations

import math
import os
import re
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

KEY_NAMES = ("JUDGEFAST_API_KEY", "OPENAI_API_KEY")
"""Variables of the environment that may hold the key; the first that is set counts."""

_LONG_KEY = 16
"""Characters from which on a key is no word."""
_HIDDEN = b"***"

TLS_HINT = "check SSLKEYLOGFILE, SSL_CERT_FILE and SSL_CERT_DIR in the environment"


class RemoteOptions(Protocol):
    """What every engine of servers has among its settings."""

    @property
    def base_urls(self) -> tuple[str, ...]:
        """Roots of the servers, without `/v1`. One judge behind all of them."""

    @property
    def concurrency(self) -> int:
        """Most requests at one server at a time; how many of them is learnt."""

    @property
    def start_concurrency(self) -> int:
        """Requests at one server before anything is learnt."""

    @property
    def timeout_seconds(self) -> float:
        """Longest wait for one reply before its request is sent again."""

    @property
    def connect_seconds(self) -> float:
        """Longest wait for a connection."""

    @property
    def max_retries(self) -> int:
        """How often a request is sent again after a reply that was none."""

    @property
    def patience_seconds(self) -> float:
        """How long all servers may be away before the engine is lost."""


def check_words(options: object, words: Mapping[str, Sequence[object]]) -> None:
    """Refuse a setting that is none of the words it may be.

    Raises:
        ConfigError: Names the setting and what it may be.

    """
    for name, known in words.items():
        if (said := getattr(options, name)) not in known:
            message = f"{name} is {said!r}; it may be {', '.join(map(str, known))}"
            raise ConfigError(message)


def check_integers(options: object, engine: str, least: Mapping[str, int]) -> None:
    """Refuse settings below their least values, and what is no integer.

    Raises:
        ConfigError: Names the setting and what it may be.

    """
    for name, low in least.items():
        value = getattr(options, name)
        if type(value) is not int or value < low:
            message = f"{name} is {value!r}; the engine `{engine}` takes an integer from {low}"
            raise ConfigError(message)


def check_seconds(options: object, engine: str, names: Iterable[str]) -> None:
    """Refuse settings that are no seconds.

    Raises:
        ConfigError: Names the setting and what it may be.

    """
    for name in names:
        value = getattr(options, name)
        if type(value) not in {int, float} or not 0 < value < math.inf:
            message = f"{name} is {value!r}; the engine `{engine}` takes seconds above 0"
            raise ConfigError(message)


def check_context(tokens: int | None) -> None:
    """Refuse what is no length of a context.

    Raises:
        ConfigError: It is set, and below 1 or no integer.

    """
    if tokens is not None and (type(tokens) is not int or tokens < 1):
        message = f"context_tokens is {tokens!r}; it must be at least 1"
        raise ConfigError(message)


def root_of(url: str) -> str:
    """A server's root: scheme, host, port and path, without `/v1` at the end.

    An address with a password or a query is refused, since addresses are written down.

    Raises:
        ConfigError: It is no such address; the message shows none of what may be secret.

    >>> root_of("http://127.0.0.1:8000/v1/")
    'http://127.0.0.1:8000'
    """
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    hint = "write it as http://127.0.0.1:8000 or https://judge.example.org/v1"
    if parts.scheme not in {"http", "https"} or not host:
        message = "a base URL is not of the form http://HOST:PORT"
        raise ConfigError(message, hint=hint)
    if parts.username or parts.password or parts.query or parts.fragment:
        message = f"the base URL of `{host}` holds more than an address"
        raise ConfigError(message, hint=f"leave it out; a key goes into {KEY_NAMES[0]}")
    shown = f"[{host}]" if ":" in host else host
    place = shown if port is None else f"{shown}:{port}"
    return f"{parts.scheme}://{place}{parts.path.rstrip('/').removesuffix('/v1')}"


def key_of_environment() -> str | None:
    """The key, where one is set.

    Raises:
        ConfigError: It has characters that a header cannot carry; the message shows none of it.

    """
    for name in KEY_NAMES:
        if key := os.environ.get(name, "").strip():
            if not (key.isascii() and key.isprintable()):
                message = f"{name} holds what is no key: a character outside of printable ASCII"
                raise ConfigError(message, hint="set it anew; quotes of a text often come along")
            return key
    return None


class Secret:
    """The key; it shows itself to nobody but the server."""

    def __init__(self, key: str | None) -> None:
        self._key = key
        written = "".join(map(_ways_to_write, key or ""))
        self._written = re.compile(written) if key else None
        self._in_replies = re.compile(written.encode()) if key and len(key) >= _LONG_KEY else None
        self._plain = max(re.findall("[A-Za-z0-9]+", key or "") or [""], key=len).encode()

    def __repr__(self) -> str:
        """Nothing of the key."""
        return "Secret()"

    @property
    def headers(self) -> dict[str, str]:
        """What a request says of who sends it."""
        return {} if self._key is None else {"Authorization": f"Bearer {self._key}"}

    def clean(self, body: bytes) -> bytes:
        """A reply without the key that it may repeat, before anything of it is cut or kept.

        A short one, such as `EMPTY`, may be a word of an answer, which has to stay. No encoder
        escapes letters and digits: where its longest run of them is not, the key is not.
        """
        if self._in_replies is None or self._plain not in body:
            return body
        return self._in_replies.sub(_HIDDEN, body)

    def scrub(self, words: str) -> str:
        """Words of a server for a person: without the key that it may repeat, in one line."""
        if self._written is not None:
            words = self._written.sub(_HIDDEN.decode(), words)
        shown = "".join(each if each.isprintable() else " " for each in words)
        return " ".join(shown.split())


def _ways_to_write(character: str) -> str:
    """A pattern of one character as it is, and as an address, JSON and HTML may have it.

    Escaped once, or again by each that passes it on as a text.
    """
    code = ord(character)
    mark = r"(?:&(?:amp;)*|\\+u0026)"
    names = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
    named = f"|{names[character]}" if character in names else ""
    page = f"{mark}(?:#x0*{code:x}|#0*{code}{named});"
    return rf"(?:\\*{re.escape(character)}|(?i:%(?:25)*{code:02x}|\\+u{code:04x}|{page}))"
