"""Names under which the fields of a judge's output are found in other programs' files."""

from __future__ import annotations

from typing import Any

_IN_BATCH_API = "response.body.choices.0"
GUESSES: dict[str, tuple[str, ...]] = {
    "text": (
        *("text", "output", "completion", "response", "judgment", "judgement", "judge_output"),
        *("raw_output", "generated_text", "content", "choices.0.message.content"),
        *("choices.0.text", f"{_IN_BATCH_API}.message.content"),
    ),
    "finish_reason": (
        *("finish_reason", "stop_reason", "choices.0.finish_reason"),
        f"{_IN_BATCH_API}.finish_reason",
    ),
    "id": ("id", "item_id", "question_id", "custom_id"),
    "cluster": ("cluster",),
    "order": ("order", "shown"),
    "repeat": ("repeat",),
    "judge": ("judge",),
    "aspect": ("aspect",),
    "model_a": ("model_a",),
    "model_b": ("model_b",),
}
"""Names under which a field is looked for, the first that a row has. Dots reach inside."""

ABSENT = object()
"""What a row has under a name that it lacks."""


def walk(row: Any, name: str) -> Any:  # noqa: ANN401 - any JSON value
    """Look a name up in a row, else step by step inside."""
    if isinstance(row, dict) and name in row:
        return row[name]
    for step in name.split("."):
        if isinstance(row, dict) and step in row:
            row = row[step]
        elif isinstance(row, list) and step.isdecimal() and int(step) < len(row):
            row = row[int(step)]
        else:
            return ABSENT
    return row


def is_there(row: dict[str, Any], name: str, field: str) -> bool:
    """Whether a guess fits: a text field holds text, any other something."""
    value = walk(row, name)
    if field == "text":
        return isinstance(value, str) or (value is None and name == "text")
    return value is not ABSENT and value not in (None, "")
