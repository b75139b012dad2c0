"""200,000 rows through the public `run`, in a process of its own that says what it took.

The engine answers late, in random order, and some requests never.
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgefast.config import RunConfig
from judgefast.pipeline.finished import Finished
from judgefast.pipeline.run import run
from tests.engines.scripted import ScriptedEngine
from tests.pipeline.judging import by_hash

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion

SILENT_SHARE = 256 * 16
"""One request of so many is never answered."""


class BulkEngine(ScriptedEngine):
    """Answers a random part of what it was given, whatever came first."""

    def __init__(self) -> None:
        super().__init__(self._late, room=1024, batch=128)
        self._random = random.Random(3)  # noqa: S311 - an order, not a secret

    def _late(self, request: Request) -> Completion | None:
        is_silent = int.from_bytes(request.request_id[:4], "little") % SILENT_SHARE == 0
        return None if is_silent else by_hash(request)

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        self._random.shuffle(self._waiting[0])
        return super().collect(timeout_seconds=timeout_seconds)


def rows(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {
            "id": f"item-{number}",
            "question": f"What is {number} + 1? Explain. " + "Take care. " * 20,
            "answer_a": f"It is {number + 1}. " * 20,
            "answer_b": f"It is {number}. " * 20,
            "model_a": "right",
            "model_b": "wrong",
        }


def main(out: str, count: int) -> None:
    """Run, and print what it took as JSON."""
    began = time.monotonic()
    config = RunConfig(rubric="pairwise", out=out, orders="one", request_seconds=5)
    finished = run(config, data=rows(count), engine=BulkEngine(), show_progress=False)
    assert isinstance(finished, Finished)
    assert finished.report is not None
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    counts = finished.report.results.counts
    print(  # noqa: T201 - for the test
        json.dumps(
            {
                "status": finished.status,
                "seconds": time.monotonic() - began,
                "cpu_seconds": time.process_time(),
                "peak_kib": int(status["VmHWM"].split()[0]),
                "planned": counts.planned,
                "parsed": counts.parsed,
                "failed": counts.failed,
                "phases": [
                    finished.report.operations.seconds.read,
                    finished.report.operations.seconds.plan,
                    finished.report.operations.seconds.judge,
                    finished.report.operations.seconds.report,
                ],
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
