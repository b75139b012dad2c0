"""What the judge of the fault server generates: its answer, behind its thinking if it thinks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .byte_model import LAST_BYTE, THINK, text_of
from .opinion import written

if TYPE_CHECKING:
    from .faults import Script
    from .protocols import Asked, Ids

OPEN, CLOSE = 258, 259
MUSING = "Let me see what is in it. "


class Said(NamedTuple):
    """One completion."""

    ids: Ids
    text: str
    finish: str
    thought: str = ""
    """Over chat, where the server parts it."""


def said_by(prompt: str, own: Ids, asked: Asked, script: Script) -> Said:
    """The completion of one prompt."""
    body = asked.body
    limit = body.get("max_tokens") or body.get("max_completion_tokens") or 16
    answer = list(written(prompt, body).encode())
    thought = list((MUSING * script.thinks)[: script.thinks].encode())
    if asked.is_chat:
        return _chatted(thought, answer, limit, script)
    is_held = "response_format" in body or "structured_outputs" in body
    thinks = [one for one in own if one in {OPEN, CLOSE}][-1:] == [OPEN]
    if thought and thinks and not is_held:  # a grammar would hold its thinking too
        answer = [*thought, CLOSE, *b"\n\n", *answer]
    ends = set(body.get("stop_token_ids", ()))
    stop = next((place for place, one in enumerate(answer) if one in ends), None)
    ids = answer if stop is None else answer[: stop + 1]
    finish = "length" if len(ids) > limit else "stop"
    ids = ids[:limit]
    shown = [one for one in ids if one <= LAST_BYTE and one not in ends]
    return Said(ids, text_of(shown), finish)


def _chatted(thought: Ids, answer: Ids, limit: int, script: Script) -> Said:
    finish = "length" if len(thought) + len(answer) > limit else "stop"
    thought, answer = thought[:limit], answer[: max(0, limit - len(thought))]
    ids = [*thought, *answer]
    if thought and script.parts == "no":
        closed = f"{THINK[1]}\n\n" if answer else ""
        return Said(ids, f"{THINK[0]}\n{text_of(thought)}{closed}{text_of(answer)}", finish)
    return Said(ids, text_of(answer), finish, text_of(thought))
