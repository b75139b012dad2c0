"""An engine that takes long to start does what it can while rows are read and planned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.batches.sharing import Sharing
from judgefast.codes import Status
from judgefast.engines.base import Workload

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from judgefast.engines.base import Engine
    from judgefast.pipeline.plan import RunPlan
    from judgefast.prompts.decoding import Decoding


class Loading:
    """The start of one engine, in three steps; one that has only `start` does all in the last.

    Args:
        engine: Not started yet.
        say: Told what the engine has to tell.

    """

    def __init__(self, engine: Engine, say: Callable[[str], None]) -> None:
        self._engine = engine
        self._say = say

    def begin(self) -> None:
        """Start what depends on no data.

        Raises:
            JudgefastError: The engine cannot judge, whatever the data is.

        """
        self._call("begin")

    def prepare(self, plan: RunPlan, rows: NDArray[np.uint32], decoding: Decoding) -> None:
        """Say what will be asked: these rows of the plan.

        Raises:
            JudgefastError: The engine cannot judge this.

        """
        self._call("prepare", workload_of(plan, rows, decoding))

    def finish(self) -> dict[str, Any]:
        """Wait until the engine has started; returns facts of it.

        Raises:
            EngineError: It does not start.

        """
        facts = self._engine.start()
        self._tell()
        return {"name": self._engine.name} | facts

    def _call(self, name: str, *arguments: object) -> None:
        if method := getattr(self._engine, name, None):
            method(*arguments)
            self._tell()

    def _tell(self) -> None:
        told: Callable[[], list[str]] | None = getattr(self._engine, "told", None)
        for words in told() if told else ():
            self._say(words)


def workload_of(plan: RunPlan, rows: NDArray[np.uint32], decoding: Decoding) -> Workload:
    """What asking some rows of a plan takes; there is at least one.

    Lengths are those of the whole run, so that an engine is set up alike at every start of it.
    """
    of_run = Sharing(plan.columns.asked_by).own(len(plan))
    of_run &= plan.rendered.decided == Status.PARSED
    tokens = plan.rendered.prompt_tokens
    sent = None if tokens is None else tokens[of_run]
    return Workload(
        requests=len(rows),
        of_run=int(np.count_nonzero(of_run)),
        longest_prompt_tokens=None if sent is None else int(sent.max()),
        mean_prompt_tokens=None if sent is None else float(sent.mean()),
        max_tokens=decoding.max_tokens,
        thinking_tokens=decoding.thinking_tokens,
        labels_only=decoding.probabilities and decoding.max_tokens == 1,
    )
