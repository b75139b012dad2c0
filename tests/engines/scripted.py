"""An engine that does what a test tells it: late, out of order, in part, or never.

It stands in for a real judge only where a real one cannot be made to misbehave on demand; the
embedded engine's own tests run the real one.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.engines.base import Completion, Lane
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.model import JudgeModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.batches.request import Request

Answer = Completion | None
"""What a request gets; None: nothing, ever."""


def answered(request: Request, text: str) -> Completion:
    """A completion that stopped by itself."""
    return Completion(
        request_id=request.request_id,
        attempt=request.attempt,
        lane=0,
        text=text,
        finish_reason="stop",
        prompt_tokens=10,
        cached_tokens=4,
        completion_tokens=1,
        started=time.time(),
    )


def failed(request: Request, words: str = "the engine said no") -> Completion:
    """A completion that says why there is none."""
    return Completion(
        request_id=request.request_id,
        attempt=request.attempt,
        lane=0,
        text="",
        finish_reason="error",
        error_kind="engine_error",
        error=words,
    )


class ScriptedEngine:
    """Answers each request by a function, a few at a time, last in first out."""

    name = "scripted"

    def __init__(
        self,
        answer: Callable[[Request], Answer],
        *,
        takes: str = "chat",
        room: int = 64,
        lanes: int = 1,
        batch: int = 7,
        label_probabilities: bool = False,
    ) -> None:
        self.capabilities = Capabilities(
            takes=takes,  # type: ignore[arg-type]  # one of its words
            deterministic=True,
            label_probabilities=label_probabilities,
        )
        self.model = JudgeModel(name="scripted-judge", digest="0" * 64)
        self.lanes = [Lane(lane=lane, room=room) for lane in range(lanes)]
        self.submitted: list[tuple[int, Request]] = []
        self.most_in_flight = 0
        self.closed = False
        self._answer = answer
        self._batch = batch
        self._waiting: dict[int, deque[Request]] = {lane: deque() for lane in range(lanes)}
        self._silent: dict[bytes, int] = {}
        self._cancelled: list[Completion] = []
        self._sent: dict[bytes, float] = {}

    def start(self) -> dict[str, Any]:
        return {"version": "scripted"}

    def in_flight(self, lane: int) -> int:
        return len(self._waiting[lane]) + sum(on == lane for on in self._silent.values())

    def submit(self, lane: int, requests: Sequence[Request]) -> None:
        self.submitted += [(lane, request) for request in requests]
        self._sent |= dict.fromkeys([request.request_id for request in requests], time.time())
        self._waiting[lane].extend(requests)
        flying = sum(self.in_flight(each.lane) for each in self.lanes)
        self.most_in_flight = max(self.most_in_flight, flying)

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        done, self._cancelled = self._cancelled, []
        for lane, waiting in self._waiting.items():
            for _ in range(min(self._batch, len(waiting))):
                request = waiting.pop()
                completion = self._answer(request)
                if completion is None:
                    self._silent[request.request_id] = lane
                else:
                    done.append(self._as_sent(completion))
        if not done:
            time.sleep(min(timeout_seconds, 0.01))
        return done

    def _as_sent(self, completion: Completion) -> Completion:
        """With the time of its submission, where it says any."""
        started = self._sent.get(completion.request_id)
        if not completion.started or started is None:
            return completion
        return msgspec.structs.replace(completion, started=started)

    def cancel(self, request_ids: Sequence[bytes]) -> None:
        for request_id in request_ids:
            if self._silent.pop(request_id, None) is not None:
                self._cancelled.append(
                    Completion(
                        request_id=request_id,
                        attempt=1,
                        lane=0,
                        text="",
                        finish_reason="cancelled",
                    )
                )

    def close(self) -> None:
        self.closed = True
        self._silent.clear()
        for waiting in self._waiting.values():
            waiting.clear()
