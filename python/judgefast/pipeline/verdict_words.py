"""Verdicts in words: as shown to the judge, and in the item's own orientation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from judgefast.codes import CHOICE_NONE, CHOICE_TIE, Status
from judgefast.reports.show import letter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.pipeline.results import Reading
    from judgefast.prompts.verdict_format import VerdictFormat

TWO = 2
PLACES = ("first", "second")
"""Names of the positions where two answers are shown."""

_decoder = json.JSONDecoder(strict=False)


def as_shown(reading: Reading, row: int) -> str | None:
    """`first`, `second`, `tie`, of several answers the position from 0; a label of a score.

    None where there is no verdict, or a number that no label stands for.
    """
    verdicts, plan = reading.verdicts, reading.plan.columns
    if verdicts.status[row] != Status.PARSED:
        return None
    choice = int(verdicts.choice[row])
    if choice == CHOICE_NONE:
        return _label(reading, row)
    if choice == CHOICE_TIE:
        return "tie"
    shown = int(plan.shown_offsets[row + 1] - plan.shown_offsets[row])
    return PLACES[choice] if shown == TWO else str(choice)


def in_own_orientation(reading: Reading, row: int) -> str | None:
    """`a`, `b`, `tie`: the answer by its place in the data, whatever order was shown; or a label.

    None where there is no verdict, or a number that no label stands for.
    """
    choice = int(reading.verdicts.choice[row])
    if choice in {CHOICE_NONE, CHOICE_TIE} or reading.verdicts.status[row] != Status.PARSED:
        return as_shown(reading, row)
    return letter(reading.plan.columns.shown_in(row)[choice])


def reasons_of(
    forms: Sequence[VerdictFormat],
    aspects: NDArray[np.uint16],
    texts: Sequence[str | None],
    spans: NDArray[np.uint32],
) -> list[str | None]:
    """The reason beside each verdict; None where the format has none, or it cannot be read whole.

    Args:
        forms: The rubric's formats, by aspect.
        aspects: Aspect of each verdict.
        texts: What was said for each verdict.
        spans: Shape (n, 2): bytes that each verdict was read from.

    """
    has_field = [form.reason_field is not None for form in forms]
    return [
        None
        if text is None or not has_field[aspect]
        else _reason(text, int(start), int(end), forms[aspect])
        for aspect, text, (start, end) in zip(aspects.tolist(), texts, spans.tolist(), strict=True)
    ]


def _label(reading: Reading, row: int) -> str | None:
    labels = reading.rubric.verdicts[int(reading.plan.columns.aspect[row])].labels
    shares = reading.verdicts.p_labels[row, : len(labels)]
    if len(shares) and not np.isnan(shares).any():
        return labels[int(shares.argmax())].text.strip()
    score = reading.verdicts.score[row]
    return next((label.text.strip() for label in labels if label.score == score), None)


def _reason(text: str, start: int, end: int, form: VerdictFormat) -> str | None:
    """Value of the reason in the outermost whole object around the bytes `start` to `end`.

    Where the object has a member for each aspect, that of the format's.
    """
    if start >= end:
        return None
    encoded = text.encode("utf-8", "replace")
    first, last = (len(encoded[:place].decode("utf-8", "replace")) for place in (start, end))
    at = text.find("{")
    while 0 <= at < first:
        try:
            value, stop = _decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            stop = at
        if stop >= last:
            holder = value.get(form.member) if form.member in value else value
            reason = holder.get(form.reason_field) if isinstance(holder, dict) else None
            if isinstance(reason, str):
                return reason
        at = text.find("{", at + 1)
    return None
