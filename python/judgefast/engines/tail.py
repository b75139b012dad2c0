"""The end of a run: long answers first, so that the last ones end together.

While there is work, no slot of an engine is free. At the end slots fall free one after the other,
and wait for the longest answer; if that began last, they wait for all of it. So the last requests,
and no others, are sent in the order of the lengths of their answers, where these can be guessed by
what has come back: by aspect and order, and by how they go with the length of the prompt.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion

    Kind = tuple[str, bool]

WINDOWS = 2
"""So many times what all lanes hold at once may be reordered, at the end of a run."""

FEWEST = 64
"""Answers of a kind that must have come back before its lengths are guessed."""

SPREAD = 0.1
"""Standard deviation of the guessed lengths, of their mean: below it the plan's order is kept."""

CORRELATED = 0.3
"""Correlation with the length of the prompt from which that has a part in the guess."""


class _Seen:
    """Lengths of the answers of one kind, beside those of their prompts."""

    def __init__(self) -> None:
        self.count = 0
        self._means = [0.0, 0.0]
        self._squares = [0.0, 0.0]
        self._products = 0.0

    def add(self, prompt: float, answer: float) -> None:
        self.count += 1
        before = prompt - self._means[0], answer - self._means[1]
        self._means = [
            mean + off / self.count for mean, off in zip(self._means, before, strict=True)
        ]
        after = prompt - self._means[0], answer - self._means[1]
        self._squares = [
            total + old * new for total, old, new in zip(self._squares, before, after, strict=True)
        ]
        self._products += before[0] * after[1]

    def guess(self, prompt: float) -> float:
        """Length of the answer to a prompt of a length."""
        both = math.sqrt(self._squares[0] * self._squares[1])
        if not both or abs(self._products) < CORRELATED * both:
            return self._means[1]
        slope = self._products / self._squares[0]
        return self._means[1] + slope * (prompt - self._means[0])


class _Sent(NamedTuple):
    kind: Kind
    prompt: float


class Tail:
    """Puts the last requests of a run into an order of their own."""

    def __init__(self, room: int, began: Callable[[int], None] | None = None) -> None:
        """Know nothing of lengths yet.

        Args:
            room: Requests that all lanes hold at once.
            began: Told how many requests were reordered, before the first of them is sent.

        """
        self.size = WINDOWS * room
        """Requests that may be reordered."""
        self._began = began
        self._sent: dict[bytes, _Sent] = {}
        self._seen: dict[Kind, _Seen] = {}

    @property
    def knows(self) -> bool:
        """Whether lengths of some kind can be guessed; before that there is nothing to arrange."""
        return any(seen.count >= FEWEST for seen in self._seen.values())

    def sent(self, requests: Sequence[Request]) -> None:
        """Note what has been handed out."""
        for request in requests:
            self._sent[request.request_id] = _sent(request)

    def came(self, completions: Sequence[Completion]) -> None:
        """Learn from what came back."""
        for completion in completions:
            sent = self._sent.pop(completion.request_id, None)
            if sent is not None and completion.finish_reason in {"stop", "length"}:
                tokens = completion.completion_tokens
                length = len(completion.text) if tokens is None else tokens
                self._seen.setdefault(sent.kind, _Seen()).add(sent.prompt, float(length))

    def arranged(self, requests: list[Request]) -> list[Request]:
        """Put the last requests into the order in which they are sent.

        That of the plan, where nothing is known of their lengths or they are alike.
        """
        guesses = []
        for request in requests:
            kind, prompt = _sent(request)
            seen = self._seen.get(kind)
            if seen is None or seen.count < FEWEST:
                return requests
            guesses.append(seen.guess(prompt))
        mean = sum(guesses) / max(1, len(guesses))
        spread = math.sqrt(sum((one - mean) ** 2 for one in guesses) / max(1, len(guesses)))
        if spread <= SPREAD * mean:
            return requests
        if self._began is not None:
            self._began(len(requests))
        by_length = sorted(range(len(requests)), key=lambda place: -guesses[place])
        # What was planned to be sent next no longer is.
        return [replace(requests[place], next_ids=None) for place in by_length]


def _sent(request: Request) -> _Sent:
    aspect = request.questions[0].aspect if request.questions else ""
    swapped = len(request.shown) > 1 and request.shown[0] > request.shown[-1]
    length, prompt = 0, request.prompt
    if prompt is not None and prompt.token_ids is not None:
        length = len(prompt.token_ids)
    elif prompt is not None:
        length = sum([len(segment.text) for segment in prompt.segments])
    return _Sent((aspect, swapped), float(length))
