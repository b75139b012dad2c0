"""An engine that tells when it is given its first request, and answers nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgefast.engines.base import Completion, Lane
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.model import JudgeModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.batches.request import Request


class NullEngine:
    """It reads prompts as chat messages, so that each is rendered and checked."""

    name = "null"
    capabilities = Capabilities(takes="chat", deterministic=True)
    model = JudgeModel(name="null-judge", digest="0" * 64)
    lanes = (Lane(lane=0, room=256),)

    def __init__(self, on_submit: Callable[[], None]) -> None:
        self._on_submit = on_submit

    def start(self) -> dict[str, Any]:
        """Nothing is loaded."""
        return {}

    def in_flight(self, lane: int) -> int:
        """It never comes to that."""
        return 0 * lane

    def submit(self, lane: int, requests: Sequence[Request]) -> None:
        """Tell."""
        del lane, requests
        self._on_submit()

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        """Nothing comes back."""
        del timeout_seconds
        return []

    def cancel(self, request_ids: Sequence[bytes]) -> None:
        """Nothing is under way."""

    def close(self) -> None:
        """Nothing is held."""
