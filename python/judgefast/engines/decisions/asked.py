"""What goes between a request of ours and the dialects that decision servers speak.

A question of the rubric is put one or several times, each time with its options in another order; a
reply has one answer for each. Whatever dialect a server speaks, this is what it comes to.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from judgefast.prompts.questions import Question  # noqa: TC001 - msgspec reads annotations

Outcome = Literal["ok", "refused", "malformed"]
"""What became of one question inside a reply that came."""

FailureKind = Literal[
    "too_long", "unsupported", "invalid", "auth", "not_found", "busy", "server", "timeout"
]
"""What became of a whole request: the prompt does not fit; the server has no such ability (501, or
a limit of its own); it is refused as it is written (400, 422); the key is (401, 403); there is no
such path or model (404); come again later (408, 429, 503, 529); the server has failed (other 5xx);
no reply in time."""


class Ask(msgspec.Struct, frozen=True, gc=False):
    """One question as it goes over the wire."""

    id: str
    """Ours, neutral, and unique in its request: `q0`, `q1`, …"""
    question: Question
    order: tuple[int, ...]
    """By position on the wire: place of the option among `question.options`. Scores always have
    their levels from the lowest to the highest."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What one question came to."""

    outcome: Outcome
    probabilities: tuple[float, ...] = ()
    """By place among `question.options`, divided by their sum; empty where `outcome` is not ok."""
    sum_raw: float | None = None
    """What they summed to as they came."""
    label_mass: float | None = None
    """Probability that the vocabulary gives all labels together; None where the server has none."""
    confidence: float | None = None
    """The server's own; servers mean different things by it, so that it is kept and not used."""
    words: str = ""
    """Why `outcome` is not ok, for a person."""


class Usage(msgspec.Struct, frozen=True, gc=False):
    """What a reply says that it took; None where it does not say."""

    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    usd: float | None = None
    dropped_tokens: int = 0
    """Tokens of the state that the server has cut off, as far as it says so."""


class Reply(msgspec.Struct, frozen=True):
    """A reply, read."""

    answers: tuple[Answer, ...]
    """One for each `Ask`, in its order."""
    model: str
    """That has answered, as the server calls it; empty where it does not say."""
    usage: Usage = Usage()


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A reply that answers nothing."""

    kind: FailureKind
    status: int
    words: str
    """Of the server, for a person."""
    retry_seconds: float | None = None
    """How long it asks to be left alone."""
    tokens: int | None = None
    limit: int | None = None
    """Of a state that is too long, and of the most that may be, where it says so."""


class Put(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One time that a question was put, as it is kept."""

    order: tuple[int, ...]
    p: tuple[float, ...] = ()
    """By position on the wire, divided by their sum."""
    sum: float | None = None
    mass: float | None = None
    confidence: float | None = None
    outcome: Outcome = "ok"
    words: str = ""


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a completion's `text` holds of a request to a decision server: as it came, by question.

    Its verdict is not read from here but from the label log-probabilities beside it, which are the
    average over the orders of the options. This is for who wants to know what the order of the
    options did, and what the server said of its confidence.
    """

    model: str
    questions: tuple[tuple[Put, ...], ...]
    """In the order of the request's questions."""
    usd: float | None = None
    unseen: int = 0
    """How often it was sent without a reply that tells what that took."""


_KEPT = msgspec.json.Decoder(Kept)


def kept_text(kept: Kept) -> str:
    """What is kept as JSON."""
    return msgspec.json.encode(kept).decode()


def lacks_mass(text: str, question: int) -> bool:
    """Whether a server has answered a question and told no label mass, in any order of its options.

    Args:
        text: As it is kept; nothing is known of a text of another engine.
        question: Place of the question in its request.

    """
    kept = read_kept(text)
    if kept is None or question >= len(kept.questions):
        return False
    answered = [put.mass for put in kept.questions[question] if put.outcome == "ok"]
    return bool(answered) and all(mass is None for mass in answered)


def read_kept(text: str) -> Kept | None:
    """Read it back; None where a text is of another engine."""
    try:
        return _KEPT.decode(text)
    except msgspec.DecodeError:
        return None
