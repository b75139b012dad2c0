"""The key that clients must send: made, kept in a file, never in a command or in what is said."""

from __future__ import annotations

import os
import secrets
import shlex
from typing import TYPE_CHECKING, NamedTuple

from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "VLLM_API_KEY"
"""What vLLM reads its key from; on a command line everybody on the machine would see it."""


class Key(NamedTuple):
    """A key, and how a shell finds it."""

    value: str
    words: str


def find_key(file: Path | None) -> Key | None:
    """The key of a file, else that of the environment, else none.

    Raises:
        ConfigError: The file cannot be written or read, or is empty.

    """
    if file is not None:
        return Key(_of_file(file), f'"$(cat {shlex.quote(str(file.resolve()))})"')
    value = os.environ.get(VARIABLE)
    return Key(value, f'"${VARIABLE}"') if value else None


def _of_file(file: Path) -> str:
    """The key in a file that only its owner may read; made if there is none."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as made:
            key = secrets.token_urlsafe(32)
            made.write(key + "\n")
            return key
    except FileExistsError:
        pass
    except OSError as error:
        message = f"the key file `{file}` cannot be written: {error.strerror}"
        raise ConfigError(message, hint="name a file in a folder of your own") from None
    try:
        key = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        key = ""
    if not key or not key.isprintable():
        message = f"the key file `{file}` holds no key"
        raise ConfigError(message, hint="remove it, and one is made")
    return key
