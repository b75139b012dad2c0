"""Where rubrics come from: the package, or a file."""

from __future__ import annotations

import os
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from judgefast.errors import RubricError
from judgefast.prompts.read_rubric import read_rubric

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from judgefast.prompts.rubric import Rubric


def builtin_rubrics() -> list[str]:
    """Names of the rubrics that come with the package, sorted."""
    return sorted(entry.name.removesuffix(".toml") for entry in _folder().iterdir())


def load_rubric(name_or_path: str) -> Rubric:
    """Read a rubric of the package by its name, or one of your own by its path.

    Args:
        name_or_path: A name of `builtin_rubrics()`, or a path that ends in `.toml`.

    Raises:
        RubricError: No such rubric, or one with a mistake; the message names file, line and key.

    >>> load_rubric("pairwise").mode
    'pairwise'

    """
    names = builtin_rubrics()
    if name_or_path in names:
        text = (_folder() / f"{name_or_path}.toml").read_text(encoding="utf-8")
        return read_rubric(text, f"{name_or_path}.toml")
    path = Path(name_or_path)
    if path.suffix != ".toml" and not os.path.isfile(path):  # noqa: PTH113 - never raises
        close = get_close_matches(name_or_path, names, n=1)
        message = f"there is no rubric `{name_or_path}`; built in are {', '.join(names)}"
        hint = f"did you mean `{close[0]}`?" if close else "name one of them, or a .toml file"
        raise RubricError(message, hint=hint)
    try:
        text = path.read_bytes().decode("utf-8-sig")  # some editors begin with a mark
    except UnicodeDecodeError as error:
        message = f"`{path}` is not UTF-8: byte {error.start} is {error.object[error.start]:#04x}"
        raise RubricError(message, hint="save the file as UTF-8") from error
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        message = f"`{path}` cannot be read: {getattr(error, 'strerror', None) or error}"
        raise RubricError(message, hint="name a file that exists, or a built-in rubric") from error
    return read_rubric(text, str(path))


def _folder() -> Traversable:
    return files("judgefast.prompts") / "rubrics"
