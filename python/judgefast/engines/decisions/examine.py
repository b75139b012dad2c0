"""Small questions in the course of a run: is a server there again, and whose fault is a refusal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from judgefast.batches.request import Request
from judgefast.engines.decisions.failures import GOOD, failure_of
from judgefast.engines.decisions.jobs import Most, Part, Whole
from judgefast.engines.decisions.probe import ASKS, QUESTION, STATE
from judgefast.engines.remote.health import OtherJudgeError
from judgefast.engines.remote.retries import Next
from judgefast.engines.remote.unusable import NoReplyError
from judgefast.errors import EngineError
from judgefast.prompts.segments import Prompt, Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.engines.decisions.found import Spoken
    from judgefast.engines.decisions.probe import Prober
    from judgefast.engines.remote.wires import Reply
    from judgefast.prompts.decoding import Decoding

_STEPS = {
    "auth": Next.STOP,
    "not_found": Next.STOP,
    "busy": Next.LATER,
    "server": Next.AGAIN,
    "timeout": Next.AGAIN,
}


class Bodies:
    """Writes requests of a run.

    Args:
        spoken: How servers are spoken to.

    """

    def __init__(self, spoken: Spoken) -> None:
        self._spoken = spoken
        self.path = spoken.path

    def body(self, jobs: Sequence[Part]) -> bytes:
        """The body of one request."""
        (part,) = jobs
        return self._spoken.dialect.body(self._spoken.asked, part.whole.state, part.asks)


class Examiner:
    """Asks the question of the start again.

    Args:
        prober: Who asked it then.
        spoken: What it came to.

    """

    def __init__(self, prober: Prober, spoken: Spoken) -> None:
        self._prober, self._spoken = prober, spoken

    def question(self, decoding: Decoding) -> Part:
        """The question, as a request of the run."""
        request = Request(
            request_id=bytes(16),
            keys=(bytes(16),),
            item_id="question",
            shown=(0,),
            repeat=0,
            judge="",
            questions=(QUESTION,),
            prompt=Prompt((Segment(STATE["text"], trusted=True, slot="text"),), None, b"", 0),
            prefix_group=0,
            decoding=decoding,
            seed=0,
        )
        whole = Whole(request, STATE, [ASKS])
        return whole.split(Most(1), lambda _: 0.0, time.time(), time.monotonic())[0]

    def note(self, reply: Reply | NoReplyError) -> None:
        """Put it on the bill."""
        if isinstance(reply, NoReplyError):
            if reply.was_sent:
                self._prober.small.missed()
        elif reply.status in GOOD:
            self._prober.note_bill(self._spoken, reply)
        elif failure_of(reply.status, reply.headers, reply.body).kind == "server":
            self._prober.small.missed()  # it may have been billed all the same, as an item's

    @staticmethod
    def next_of(reply: Reply) -> Next | None:
        """What a reply to it comes to; None for an answer."""
        if reply.status in GOOD:
            return None
        kind = failure_of(reply.status, reply.headers, reply.body).kind
        return _STEPS.get(kind, Next.REFUSED)

    async def examine(self, root: str, *, is_known: bool) -> None:
        """Ask a server that was away.

        Args:
            root: The server.
            is_known: It was compared before; it may have come back as another one all the same.

        Raises:
            NoReplyError: It does not answer yet.
            OtherJudgeError: It is not to be asked.

        """
        del is_known
        try:
            await self._prober.compare(root, self._spoken)
        except EngineError as error:
            raise OtherJudgeError(str(error), hint=error.hint) from None
