"""Whether a server is one of the judge's: what it says of itself, and what it can do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from judgefast.engines.http.bodies import Bodies
from judgefast.engines.http.look import look
from judgefast.engines.http.question import question
from judgefast.engines.http.statuses import next_of
from judgefast.engines.http.trial import Trial
from judgefast.engines.remote.health import OtherJudgeError
from judgefast.engines.remote.retries import Next
from judgefast.engines.remote.unusable import NoReplyError
from judgefast.errors import EngineError
from judgefast.prompts.decoding import Decoding

if TYPE_CHECKING:
    from judgefast.engines.http.abilities import Abilities
    from judgefast.engines.http.jobs import PromptJob
    from judgefast.engines.http.look import Shown
    from judgefast.engines.http.options import HttpOptions
    from judgefast.engines.remote.client import Client
    from judgefast.engines.remote.options import Secret
    from judgefast.engines.remote.wires import Reply
    from judgefast.prompts.tokenizer import PromptTokenizer

_OK = 200
_LOOK_SECONDS = 5.0


class Examiner:
    """Compares servers with the one by which the run was planned.

    Args:
        client: Connections.
        options: The settings.
        secret: The key.
        abilities: What the run asks for.
        tokenizer: Of the judge, where prompts are ids.
        shown: What the first server says of itself.
        context_tokens: What prompts are made for; None where it is not known.

    """

    def __init__(  # noqa: PLR0913 - its parts, by keyword
        self,
        *,
        client: Client,
        options: HttpOptions,
        secret: Secret,
        abilities: Abilities,
        tokenizer: PromptTokenizer | None,
        shown: Shown,
        context_tokens: int | None,
    ) -> None:
        self._client, self._options, self._secret = client, options, secret
        self._abilities, self._tokenizer = abilities, tokenizer
        self._is_listed = abilities.model in shown.models
        self._context = context_tokens
        self._seconds = min(options.timeout_seconds, options.patience_seconds)
        self._bodies = Bodies(abilities)

    def question(self, decoding: Decoding) -> PromptJob:
        """A small question, asked as the run asks."""
        return question(self._tokenizer, decoding)

    @staticmethod
    def next_of(reply: Reply) -> Next | None:
        """What a reply to it comes to; None for an answer."""
        return None if reply.status == _OK else next_of(reply.status, reply.words)

    def note(self, reply: Reply | NoReplyError) -> None:
        """Nothing is paid by the question here."""
        del reply

    async def examine(self, root: str, *, is_known: bool) -> None:
        """Ask a server that was away.

        Args:
            root: The server.
            is_known: It was compared before: that it answers and serves the judge is enough.

        Raises:
            NoReplyError: It does not answer yet.
            OtherJudgeError: It is not to be asked.

        """
        try:
            seconds = min(_LOOK_SECONDS, self._seconds)
            shown = await look(self._client, root, self._secret, seconds=seconds)
        except EngineError as error:
            if is_known:  # what it makes of prompts says more
                return
            raise OtherJudgeError(str(error), hint=error.hint) from None
        self.check(root, shown)
        await self._answers(root)
        if not is_known:
            await self.compare(root)

    def check(self, root: str, shown: Shown) -> None:
        """Compare what a server says of itself.

        Raises:
            OtherJudgeError: It serves another model, or shorter prompts.

        """
        name = self._abilities.model
        if self._is_listed and shown.models and name not in shown.models:
            message = f"{root} does not serve `{name}`; it serves {', '.join(shown.models)}"
            raise OtherJudgeError(message, hint="name servers of one judge")
        room, needed = shown.context_tokens, self._context
        if self._options.context_tokens is None and room and needed and room < needed:
            message = f"{root} has room for {room:,} tokens, and prompts are made for {needed:,}"
            raise OtherJudgeError(message, hint=f"set context_tokens to {room}, or leave it out")

    async def compare(self, root: str) -> None:
        """Find whether a server can do all that the run asks for.

        Raises:
            NoReplyError: It does not answer any more.
            OtherJudgeError: It cannot, or has another tokenizer.

        """
        patience = self._options.patience_seconds
        trial = Trial(self._client, root, self._secret, self._tokenizer, patience)
        try:
            lacks = await trial.lacks(self._abilities)
        except EngineError as error:  # it refuses the key
            raise OtherJudgeError(str(error), hint=error.hint) from None
        if lacks:
            await self._answers(root)  # or it has gone meanwhile
            message = f"{root} does not {lacks}, as the first server does"
            hint = "name it first: the others are asked as the first one is; or leave it out"
            raise OtherJudgeError(message, hint=hint)
        if self._abilities.way != "chat" and await trial.reads_as_we_do(self._abilities) is False:
            message = f"{root} has another tokenizer than the judge"
            raise OtherJudgeError(message, hint="name servers of one judge")

    async def _answers(self, root: str) -> None:
        """Ask the small question.

        Raises:
            NoReplyError: It is not answered, in whatever way.

        """
        body = self._bodies.body([self.question(Decoding(max_tokens=1))])
        try:
            reply = await asyncio.wait_for(
                self._client.post(root + self._bodies.path, body), self._seconds
            )
        except TimeoutError:
            message = f"no answer from {root} to a small question within {self._seconds:g} seconds"
            raise NoReplyError(message, was_sent=True, is_timeout=True) from None
        if reply.status != _OK and next_of(reply.status, reply.words) in {Next.LATER, Next.AGAIN}:
            message = f"{root} answered {reply.status} to a small question"
            raise NoReplyError(message, was_sent=True)
