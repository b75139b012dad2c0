"""An engine that answers after a while that its options set, for benches that need no model."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

from judgefast.engines.base import Completion, Lane
from judgefast.errors import ConfigError
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.model import JudgeModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.batches.request import Request

CHAT_TEMPLATE = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
ROOM = 4
MOST_MS = 100


class PacedEngine:
    """Each answer takes `answer_ms`, one after the other; all say the first answer is better."""

    name = "paced"
    made: ClassVar[list[PacedEngine]] = []

    def __init__(self, model: str | None = None, *, answer_ms: float = 2.0) -> None:
        if answer_ms > MOST_MS:
            message = f"answer_ms is {answer_ms:g}; the engine `paced` takes at most {MOST_MS}"
            raise ConfigError(message)
        self.capabilities = Capabilities(takes="text", deterministic=True, cached_tokens=True)
        name = model or "paced-judge"
        self.model = JudgeModel(name=name, digest="0" * 64, chat_template=CHAT_TEMPLATE)
        self.lanes = [Lane(lane=0, room=ROOM)]
        self.answer_ms = answer_ms
        self.starts = self.closes = 0
        self.answered = 0
        self.seen: list[str] = []
        """Prompts, as they came."""
        self._waiting: deque[tuple[float, Request]] = deque()
        type(self).made.append(self)

    def start(self) -> dict[str, Any]:
        self.starts += 1
        return {"version": "1", "model_folder": "nowhere"}

    def counters(self) -> dict[str, float]:
        """`preemptions` say what its answers should have taken, in a machine that nobody shares."""
        return {"steps": self.answered, "preemptions": self.answered * self.answer_ms}

    def in_flight(self, lane: int) -> int:
        return len(self._waiting)

    def submit(self, lane: int, requests: Sequence[Request]) -> None:
        self._waiting.extend((time.time(), request) for request in requests)
        self.seen += [request.prompt.text for request in requests if request.prompt]

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        if not self._waiting:
            return []
        time.sleep(self.answer_ms / 1e3)
        started, request = self._waiting.popleft()
        self.answered += 1
        assert request.prompt is not None
        return [
            Completion(
                request_id=request.request_id,
                attempt=request.attempt,
                lane=0,
                text="[[A]]" if "[[" in request.prompt.text else "A",
                finish_reason="stop",
                prompt_tokens=len(request.prompt.text.split()),
                cached_tokens=7,
                completion_tokens=3,
                started=started,
                wall_seconds=time.time() - started,
            )
        ]

    def cancel(self, request_ids: Sequence[bytes]) -> None:
        gone = set(request_ids)
        self._waiting = deque(each for each in self._waiting if each[1].request_id not in gone)

    def close(self) -> None:
        self.closes += 1
