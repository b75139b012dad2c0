"""Files beside a model's weights, as Hugging Face's `transformers` writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from judgefast.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path


def read_object(path: Path) -> dict[str, Any]:
    """The object in a file of JSON; empty where there is no such file, or no object in it.

    Raises:
        ModelError: It cannot be read.

    """
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"`{path}` cannot be read: {error}"
        raise ModelError(message, hint="copy the model's own file there") from error
    return found if isinstance(found, dict) else {}


def text_of_token(token: object) -> str:
    """A token as tokenizer_config.json writes it: its text, or an object that holds it.

    >>> text_of_token("</s>"), text_of_token({"content": "</s>"}), text_of_token(None)
    ('</s>', '</s>', '')
    """
    content = token.get("content") if isinstance(token, dict) else token
    return content if isinstance(content, str) else ""


def chat_template(folder: Path) -> str | None:
    """Jinja source: of chat_template.jinja, or else of tokenizer_config.json.

    Raises:
        ModelError: tokenizer_config.json cannot be read.

    """
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    template = read_object(folder / "tokenizer_config.json").get("chat_template")
    return template if isinstance(template, str) else None
