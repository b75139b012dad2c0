"""Recorded judge outputs as an engine: the same pipeline, the same report, no model.

For re-scoring, for audits, and for testing against published figures. A recording is found by the
coordinates of a judgment: item, answers shown, repeat, aspect.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from judgefast.engines.base import Completion, LabelRead, Lane
from judgefast.engines.recordings import Recording, Recordings, read_recordings
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.model import JudgeModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgefast.batches.request import Request
    from judgefast.prompts.verdict_format import VerdictFormat

ROOM = 4096
"""Requests it holds at once."""


class ReplayEngine:
    """Answers every request with what was recorded for it."""

    name = "replay"
    prefix_cache = None
    """Nothing is computed."""

    def __init__(
        self,
        *,
        recorded: Any,  # noqa: ANN401 - whatever `read_items` takes
        model: str | None = None,
        verdict_format: VerdictFormat | Mapping[str, VerdictFormat] | None = None,
        label_mass: bool = True,
    ) -> None:
        """Read the recordings.

        Args:
            recorded: Rows `id`, `order` (`ab`, `ba`) or `shown`, `text` or `score`, optionally
                `repeat`, `judge`, `aspect`, `finish_reason`, `logprobs`; as a file or dicts.
            model: Which `judge` of the recordings, where there are several.
            verdict_format: How a recorded `score` without text is written down; or that by aspect,
                the first of which is for recordings that name none.
            label_mass: Whether recorded log-probabilities are over a whole vocabulary; not where
                the judge knew nothing but the labels.

        Raises:
            DataError: A row cannot be used, or two rows record one judgment.
            ConfigError: There are several judges and `model` names none of them.

        """
        self.recordings: Recordings = read_recordings(recorded, judge=model, form=verdict_format)
        self.capabilities = Capabilities(
            takes="key",
            deterministic=True,
            label_probabilities=self.recordings.has_logprobs,
            label_mass=label_mass,
        )
        self.model = JudgeModel(name=self.recordings.judge, digest="")
        self.lanes = [Lane(lane=0, room=ROOM)]
        self._waiting: deque[Request] = deque()

    def start(self) -> dict[str, Any]:
        """Nothing to load."""
        return {
            "recorded": self.recordings.name,
            "recordings": len(self.recordings),
        }

    def in_flight(self, lane: int) -> int:
        """Requests submitted and not yet collected."""
        del lane
        return len(self._waiting)

    def submit(self, lane: int, requests: Sequence[Request]) -> None:
        """Queue requests."""
        del lane
        self._waiting.extend(requests)

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        """Return what was recorded for everything queued."""
        del timeout_seconds
        done = [self._answer(request) for request in self._waiting]
        self._waiting.clear()
        return done

    def cancel(self, request_ids: Sequence[bytes]) -> None:
        """Nothing to give up: every request is answered at once."""

    def close(self) -> None:
        """Drop what is queued; there is nothing to free."""
        self._waiting.clear()

    def _answer(self, request: Request) -> Completion:
        aspect = request.questions[0].aspect if request.questions else ""
        recording = self.recordings.find(request.item_id, request.shown, request.repeat, aspect)
        if recording is None:
            shown = ", ".join(map(str, request.shown))
            return Completion(
                request_id=request.request_id,
                attempt=request.attempt,
                lane=0,
                text="",
                finish_reason="error",
                error_kind="engine_error",
                error=(
                    f"nothing was recorded for item `{request.item_id}` with answers {shown} "
                    f"shown, repeat {request.repeat}"
                ),
            )
        return _completion(request, recording)


def _completion(request: Request, recording: Recording) -> Completion:
    answers = (LabelRead(0, recording.logprobs),) if recording.logprobs else ()
    return Completion(
        request_id=request.request_id,
        attempt=request.attempt,
        lane=0,
        text=recording.text,
        finish_reason="refused" if recording.refused else "length" if recording.cut else "stop",
        answers=answers,
        prompt_tokens=recording.prompt_tokens,
        completion_tokens=recording.completion_tokens,
        reasoning_tokens=recording.reasoning_tokens,
        reasoning=recording.reasoning,
    )
