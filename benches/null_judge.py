"""A judge that costs nothing, and rows for it: what is left of a run is the host's own work."""

from __future__ import annotations

import json
import random
from collections import deque
from typing import TYPE_CHECKING, Any

from judgefast.engines.base import Completion, Lane
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.model import JudgeModel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from judgefast.batches.request import Request

CHARACTERS_A_TOKEN = 4
"""Of English text, about; prompts are measured in it where nothing is tokenised."""

RUBRIC_CHARACTERS = 1_400
"""Of `pairwise-bracket` and the chat template, about: the part of a prompt that is no row's."""

ROOM = 256
"""Requests in flight."""

UNREADABLE = 33
"""One recorded text of so many holds no verdict: 3 %."""

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

_WORDS: list[str] = (  # noqa: SIM905 - shorter so
    "model answer prompt context detail reason step value result number system data paper "
    "method claim source check quick slow clear short long code test user plan note rule part "
    "list form point line word water energy winter market history letter across because "
    "although measure "
).split()


def recorded_texts(count: int = 1_024) -> list[str]:
    """Different judge outputs of about 200 characters; one of 33 cannot be read."""
    chance = random.Random(5)  # noqa: S311 - words, not secrets
    texts = []
    for number in range(count):
        reason = " ".join(chance.choices(_WORDS, k=chance.randint(20, 45)))
        verdict = "no verdict." if number % UNREADABLE == 0 else f"[[{'ABC'[number % 3]}]]"
        texts.append(f"Case {number}: {reason}.\n{verdict}")
    return texts


def write_pairs(path: Path, items: int, prompt_tokens: int) -> None:
    """Write rows of a question and two answers; each prompt has about so many tokens."""
    chance = random.Random(7)  # noqa: S311 - words, not secrets
    pool = " ".join(chance.choices(_WORDS, k=1_000_000))
    room = max(60, prompt_tokens * CHARACTERS_A_TOKEN - RUBRIC_CHARACTERS)
    question, answer = room // 10, room * 9 // 20
    with path.open("w", encoding="utf-8") as file:
        for item in range(items):
            starts = [chance.randrange(len(pool) - answer) for _ in range(3)]
            row = {
                "id": f"item-{item}",
                "question": f"{item}: {pool[starts[0] : starts[0] + question]}",
                "answer_a": pool[starts[1] : starts[1] + answer],
                "answer_b": pool[starts[2] : starts[2] + answer],
                "model_a": "one",
                "model_b": "two",
            }
            file.write(json.dumps(row) + "\n")


class NullEngine:
    """Reads every prompt and answers at once from recorded texts, `group` at a time."""

    name = "null"

    def __init__(self, *, group: int) -> None:
        self.capabilities = Capabilities(takes="text", deterministic=True)
        self.model = JudgeModel(name="null", digest="0" * 64, chat_template=CHAT_TEMPLATE)
        self.lanes = [Lane(lane=0, room=ROOM)]
        self.prompt_characters = 0
        self._texts = recorded_texts()
        self._group = group
        self._waiting: deque[Request] = deque()

    def start(self) -> dict[str, Any]:
        """Nothing to load."""
        return {"version": "null"}

    def in_flight(self, lane: int) -> int:
        """Requests submitted and not yet collected."""
        del lane
        return len(self._waiting)

    def submit(self, lane: int, requests: Sequence[Request]) -> None:
        """Queue requests; their prompts are read, as any engine would."""
        del lane
        for request in requests:
            assert request.prompt is not None  # this engine takes text
            self.prompt_characters += len(request.prompt.text)
        self._waiting.extend(requests)

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        """Answer the next few."""
        del timeout_seconds
        texts = self._texts
        taken = [self._waiting.popleft() for _ in range(min(self._group, len(self._waiting)))]
        return [
            Completion(
                request_id=request.request_id,
                attempt=request.attempt,
                lane=0,
                text=texts[int.from_bytes(request.request_id[:4], "little") % len(texts)],
                finish_reason="stop",
                prompt_tokens=3000,
                completion_tokens=60,
            )
            for request in taken
        ]

    def cancel(self, request_ids: Sequence[bytes]) -> None:
        """Nothing to give up: every request is answered at once."""

    def close(self) -> None:
        """Drop what is queued."""
        self._waiting.clear()
