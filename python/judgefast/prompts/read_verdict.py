"""The part of a rubric that says how a verdict is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from judgefast.errors import RubricError
from judgefast.prompts.verdict_format import (
    FORMAT_NAMES,
    WHICH_NAMES,
    Pattern,
    VerdictFormat,
    VerdictLabel,
)

if TYPE_CHECKING:
    from judgefast.prompts.rubric import Scale
    from judgefast.prompts.table import Table

MAX_SCORE = 1024
"""Scores are kept as multiples of 2^-24; beyond this they would not fit."""

FORMATS = {
    "pairwise": ("json", "label", "bracket", "arena5", "result", "score-pair", "regex"),
    "scalar": ("json", "label", "rating", "result", "regex"),
    "binary": ("json", "label", "bracket", "result", "regex"),
    "choice": ("json", "label", "bracket", "result", "regex"),
}
"""Formats that can hold a verdict of each mode."""

_MOST_LABELS = 10
_HAVE_OWN_LABELS = ("bracket", "arena5", "score-pair", "rating")


def read_verdict(table: Table, mode: str, scale: Scale | None) -> VerdictFormat:
    """Read and check `[verdict]`.

    Args:
        table: The table.
        mode: The rubric's mode.
        scale: Scale of the first aspect.

    Raises:
        RubricError: The format does not fit the mode, or its keys do not fit each other.

    """
    name = table.one_of("name", FORMAT_NAMES)
    if name not in FORMATS[mode]:
        words = f"is `{name}`, which holds no verdict of the mode `{mode}`"
        table.refuse("name", words, hint=f"possible: {', '.join(FORMATS[mode])}")
    settings: dict[str, Any] = {
        "name": name,
        "labels": tuple(_label(label, mode, scale) for label in table.tables("labels")),
        "integer": table.boolean("integer", default=False),
        "patterns": tuple(_pattern(pattern) for pattern in table.tables("patterns")),
        "which": table.one_of("which", WHICH_NAMES, "listed"),
        "lenient": table.boolean("lenient", default=False),
        "source_rule": table.boolean("source_rule", default=False),
    }
    for key in ("field", "reason_field"):
        if key in table.values:
            settings[key] = table.text(key)
    for key in ("low", "high"):
        if key in table.values:
            settings[key] = table.number(key, -MAX_SCORE, MAX_SCORE)
    table.finish()
    if mode == "scalar" and scale is not None and not settings["labels"]:
        settings |= _from_scale(table, settings, scale)
    elif not settings["labels"] and name not in _HAVE_OWN_LABELS:
        hint = "list the words that the judge may answer with, and what each means"
        table.refuse("labels", f"is missing; the mode `{mode}` needs it", hint=hint)
    verdict = _checked(table, settings)
    _check_labels(table, verdict, mode)
    return verdict


def _checked(table: Table, settings: dict[str, Any]) -> VerdictFormat:
    try:
        return VerdictFormat(**settings)
    except RubricError as error:
        # The format knows its keys, not the file: find the line.
        found = re.match(r"`verdict\.([^`]*)`", str(error))
        steps = re.findall(r"\w+", found[1]) if found else []
        path = tuple(int(step) if step.isdigit() else step for step in steps)
        table.refuse_at(path, str(error), error.hint)


def _from_scale(table: Table, settings: dict[str, Any], scale: Scale) -> dict[str, Any]:
    """Ends of the scale, which are given once, with the aspect; or a label for each level."""
    if settings["name"] == "label":
        num_levels = scale.high - scale.low + 1
        if not scale.integer or num_levels > _MOST_LABELS:
            hint = "list [[verdict.labels]] with a `score` each"
            table.refuse("labels", "is missing; the scale is no short row of integers", hint=hint)
        levels = range(int(scale.low), int(scale.high) + 1)
        return {"labels": tuple(VerdictLabel(text=str(n), score=float(n)) for n in levels)}
    ends = {"low": scale.low, "high": scale.high, "integer": scale.integer}
    for key, value in ends.items():
        if key in table.values and settings[key] != value:
            words = f"is {settings[key]}, but the scale of the aspect says {value}"
            table.refuse(key, words, hint=f"leave `{key}` out: the scale says it")
    return ends


def _label(table: Table, mode: str, scale: Scale | None) -> VerdictLabel:
    settings: dict[str, Any] = {"text": table.text("text")}
    if mode in {"scalar", "binary"}:
        low, high = (scale.low, scale.high) if scale and mode == "scalar" else (0, 1)
        settings["score"] = table.number("score", low, high)
        if mode == "binary" and not settings["score"].is_integer():
            table.refuse("score", "must be 1 for yes or 0 for no")
    elif mode == "pairwise":
        settings["choice"] = table.one_of("choice", ("first", "second", "tie"))
    elif table.peek("choice") == "tie":
        settings["choice"] = "tie"
    else:
        settings["choice"] = table.integer("choice", 0, 253)
    if "strength" in table.values:
        settings["strength"] = table.number("strength", 0, 1)
    table.finish()
    return VerdictLabel(**settings)


def _pattern(table: Table) -> Pattern:
    verdict = table.text("verdict") if "verdict" in table.values else None
    pattern = Pattern(table.text("regex"), verdict)
    table.finish()
    return pattern


def _check_labels(table: Table, verdict: VerdictFormat, mode: str) -> None:
    meanings = [label.score if mode == "binary" else label.choice for label in verdict.labels]
    if mode == "pairwise" and meanings:
        for choice in ("first", "second"):
            if choice not in meanings:
                words = f"has none that chooses the {choice} answer"
                table.refuse("labels", words, hint=f'add one with choice = "{choice}"')
    if mode == "binary" and set(meanings) != {0, 1}:
        table.refuse("labels", "needs a score of 1 and a score of 0", hint="1 is yes, 0 is no")
    if mode == "choice":
        places = sorted({choice for choice in meanings if isinstance(choice, int)})
        if places != list(range(len(places))) or len(places) < 2:  # noqa: PLR2004 - a choice
            hint = "choice = 0 is the first answer shown, 1 the second, and so on without a gap"
            table.refuse("labels", "does not name the answers one after the other", hint=hint)
