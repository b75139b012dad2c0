"""Lone surrogates in what an engine says: legal in JSON, no text. They become U+FFFD, counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from judgefast.engines.base import Completion


def without_surrogates(completion: Completion) -> Completion:
    """An engine should have done this; a completion is not lost because it has not."""
    said = completion.text + completion.reasoning + (completion.error or "")
    if said.isascii():
        return completion
    try:
        said.encode()
    except UnicodeEncodeError:
        pass
    else:
        return completion
    text, in_text = _replaced(completion.text)
    error, in_error = _replaced(completion.error or "")
    reasoning, in_reasoning = _replaced(completion.reasoning)
    return msgspec.structs.replace(
        completion,
        text=text,
        error=None if completion.error is None else error,
        reasoning=reasoning,
        replaced_surrogates=completion.replaced_surrogates + in_text + in_error + in_reasoning,
    )


def _replaced(text: str) -> tuple[str, int]:
    replaced = "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in text)
    return replaced, replaced.count("\ufffd") - text.count("\ufffd")
