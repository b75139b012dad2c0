"""Choices of a list as they end: a stream of `/v1/completions`, read while it comes.

A list of prompts is otherwise answered when its slowest is, and lost as a whole when it is cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.engines.http.events import Events
from judgefast.engines.http.replies import decoded
from judgefast.engines.http.unusable import BadReplyError
from judgefast.engines.http.usage import Usage  # noqa: TC001 - msgspec reads it from the class
from judgefast.engines.remote.wires import Reply, is_stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.engines.base import Completion
    from judgefast.engines.http.jobs import PromptJob
    from judgefast.engines.http.replies import Replies
    from judgefast.engines.remote.unusable import NoReplyError

_DONE = b"[DONE]"
_NOTHING = (b"", b"null")
"""llama.cpp puts a null between the choices of a list."""
_SERVER_ERROR = 500
_LEAST_STATUS, _MOST_STATUS = 400, 599

Ended = list[tuple["PromptJob", "Completion"]]
"""Requests whose answers are whole, with their completions."""


class _Piece(msgspec.Struct, gc=False):
    index: int
    text: str = ""
    finish_reason: str | None = None


class _Event(msgspec.Struct, gc=False):
    choices: list[_Piece] = []
    usage: Usage | None = None
    error: Any = None
    """An object with `message` and `code`, or words."""
    message: str | None = None
    code: Any = None


_event = msgspec.json.Decoder(_Event)


class Stream:
    """One request on its way whose choices come by pieces.

    Args:
        jobs: As they were sent, in their order.
        replies: Makes completions of texts.

    """

    def __init__(self, jobs: Sequence[PromptJob], replies: Replies) -> None:
        self._jobs = list(jobs)
        self._replies = replies
        self._events = Events()
        self._texts: list[list[str]] = [[] for _ in jobs]
        self._open = set(range(len(jobs)))
        self._held: tuple[int, str] | None = None
        """The last choice, ended, until it is known which tokens the others have left to it."""
        self._counted = 0
        self.pieces = 0
        """Events that brought something of a choice."""
        self.has_begun = False
        """Whether the server streams at all; it may answer in one piece as well."""
        self.is_over = False
        """The server has said that nothing more will come."""
        self.error: tuple[int, str] | None = None
        """The status and the words that the server ended it with, in the middle."""
        self.problem = ""
        """Why what came cannot be read."""

    def feed(self, data: bytes) -> Ended:
        """Take in more of it; what has ended by that."""
        self.has_begun = True
        ended: Ended = []
        for event in self._events.feed(data):
            self._take(event, ended)
        return ended

    def end(self, reply: Reply | NoReplyError) -> Ended:
        """Nothing more will come; what has ended by that, or was held.

        Args:
            reply: How it came to its end; with all of the stream where that came in one piece.

        """
        ended: Ended = []
        if isinstance(reply, Reply) and reply.body and is_stream(reply.fields):
            ended += self.feed(reply.body)
        if self.has_begun:
            for event in self._events.close():
                self._take(event, ended)
        self._let_go(None, ended)
        return ended

    def instead_of(self, reply: Reply | NoReplyError) -> Reply | NoReplyError:
        """What a request came to: an error in the middle of a stream has a status of its own."""
        if self.error is None:
            return reply
        status, words = self.error
        return Reply(status, (), words.encode("utf-8", "replace"))

    def check(self) -> None:
        """See whether an answer in one piece may be read, where choices are left over.

        Raises:
            BadReplyError: It was a stream, and lacks something.

        """
        if self.has_begun:
            left = f"{len(self._open)} of its {len(self._jobs)} choices"
            raise BadReplyError(self.problem or f"its stream ended before {left}")

    def _take(self, event: bytes, ended: Ended) -> None:
        if self.is_over or self.error or self.problem or event.strip() in _NOTHING:
            return
        if event.strip() == _DONE:
            self.is_over = True
            return
        try:
            self._read(decoded(_event, event), ended)
        except BadReplyError as error:
            self.problem = str(error)

    def _read(self, event: _Event, ended: Ended) -> None:
        if event.error is not None or event.message is not None:
            self.error = _said(event)
            return
        alone = event.usage if len(event.choices) == 1 else None
        for piece in event.choices:
            self._add(piece, alone, ended)
        if event.usage is not None and not event.choices:
            self._let_go(event.usage, ended)

    def _add(self, piece: _Piece, usage: Usage | None, ended: Ended) -> None:
        if piece.index not in self._open:
            message = f"a piece of choice {piece.index}, which is none or has ended"
            raise BadReplyError(message)
        self.pieces += 1
        texts = self._texts[piece.index]
        if piece.text:
            texts.append(piece.text)
        if piece.finish_reason is None:
            return
        self._open.discard(piece.index)
        count = usage.completion_tokens if usage else None
        if count is None and not self._open:
            self._held = piece.index, piece.finish_reason
            return
        self._end(piece.index, piece.finish_reason, count, usage, ended)

    def _let_go(self, usage: Usage | None, ended: Ended) -> None:
        """Give the last choice the tokens that the others leave of the sum."""
        if self._held is None:
            return
        (place, reason), self._held = self._held, None
        total = usage.completion_tokens if usage else None
        count = None if total is None else max(0, total - self._counted)
        self._end(place, reason, count, None, ended)

    def _end(
        self, place: int, reason: str, count: int | None, usage: Usage | None, ended: Ended
    ) -> None:
        job, text = self._jobs[place], "".join(self._texts[place])
        self._texts[place] = []
        if count is None:
            count = self._replies.tokens_of(job, text, reason)
        self._counted += count or 0
        read = usage.prompt_tokens if usage else None
        ended.append((job, self._replies.of_text(job, text, reason, tokens=count, read=read)))


def _said(event: _Event) -> tuple[int, str]:
    """Status and words of an error in the middle of a stream."""
    told = event.error if isinstance(event.error, dict) else {}
    code = told.get("code", event.code)
    words = told.get("message") or event.message or str(event.error)
    known = type(code) is int and _LEAST_STATUS <= code <= _MOST_STATUS
    return (code if known else _SERVER_ERROR), str(words)
