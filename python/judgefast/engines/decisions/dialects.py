"""The dialects that decision servers speak, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from judgefast.engines.decisions.openai import OpenAI
from judgefast.engines.decisions.sglang import SGLang
from judgefast.engines.decisions.systemone import SystemOne

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgefast.engines.decisions.asked import Ask, Reply
    from judgefast.engines.decisions.quirks import Quirks
    from judgefast.prompts.questions import QuestionKind


class Dialect(Protocol):
    """How questions and answers are written. Nothing is sent here, and nothing kept."""

    @property
    def name(self) -> str:
        """As `--dialect` has it."""
        ...

    @property
    def path(self) -> str:
        """Where it is spoken, after the server's root, if nothing else is said."""
        ...

    @property
    def kinds(self) -> frozenset[QuestionKind]:
        """Kinds of questions that it has."""
        ...

    @property
    def ordered(self) -> frozenset[QuestionKind]:
        """Kinds whose options have an order on the wire that says nothing else."""
        ...

    def body(self, model: str | None, state: Mapping[str, str], asks: Sequence[Ask]) -> bytes:
        """Write a request.

        Args:
            model: As the server calls it; None leaves it out.
            state: Texts by slot, in the order in which they are shown.
            asks: Questions about it, each with the order of its options. At least one.

        """
        ...

    def read(self, asks: Sequence[Ask], body: bytes, quirks: Quirks) -> Reply:
        """Read a reply that came with a good status.

        An answer that is none is `malformed`, and says why, without harm to those beside it.

        Args:
            asks: What the request asked.
            body: The reply, as it came.
            quirks: What is known of the server.

        Raises:
            UnfitReplyError: It has no answers in this dialect at all.

        """
        ...


DIALECTS: dict[str, Dialect] = {each.name: each for each in (SystemOne(), OpenAI(), SGLang())}
"""By name, in the order in which they are tried."""
