"""The judge phase: what it reads, what it costs, and how it ends where two things go wrong."""

from __future__ import annotations

import errno
import itertools
import os
import time
import tracemalloc
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from judgefast.batches.columns import no_plan
from judgefast.batches.requests import RequestMaker
from judgefast.datasets import rows
from judgefast.errors import EngineError
from judgefast.pipeline import background
from judgefast.pipeline.ask import Work, _items
from judgefast.pipeline.headline import Headline
from judgefast.pipeline.results import read_run
from judgefast.reports import progress
from judgefast.stopping import Stop
from tests.engines.scripted import ScriptedEngine
from tests.pipeline.judging import attempts_of, by_hash, go_on, judge_rows, pairs
from tests.prompts.marked import TEMPLATES, marked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.engines.base import Completion

LARGE = 1_000_000
SMALL_BYTES = 2 << 20
"""A column of a large plan takes twice as much, cast to 64 bits four times."""


def most_bytes(work: Callable[[], Any]) -> int:
    work()  # imports and caches
    tracemalloc.start()
    work()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def test_the_columns_of_a_plan_are_not_cast_for_each_batch(tmp_path: Path) -> None:
    judge_rows(tmp_path / "run", pairs(3))
    item = np.zeros(LARGE, np.uint32)
    item[-1] = 2
    plan: Any = SimpleNamespace(columns=no_plan()._replace(item=item))
    every = np.arange(LARGE, dtype=np.uint32)
    work = Work(plan, None, every, tmp_path / "run")  # type: ignore[arg-type]  # no judge is asked
    maker: Any = RequestMaker(plan.columns, None, judge="", rendered=False)  # type: ignore[arg-type]  # no judge is asked
    beyond = [(number, [None]) for number in range(5, 9)]
    assert most_bytes(lambda: list(rows.rows_around(tmp_path / "run", item))) < SMALL_BYTES
    items_made = [(base, len(items)) for base, items in _items(work, Stop())]
    assert items_made == [(0, 3)]
    assert most_bytes(lambda: list(_items(work, Stop()))) < SMALL_BYTES  # all is asked: no copy
    assert most_bytes(lambda: list(maker.requests(beyond, every, every))) < SMALL_BYTES


def test_items_around_which_nothing_is_asked_are_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgefast.datasets.run_order.GROUP_ROWS", 50)
    monkeypatch.setattr("judgefast.pipeline.ask.SLICE_ITEMS", 20)
    judge_rows(tmp_path / "run", pairs(200))
    plan: Any = SimpleNamespace(columns=no_plan()._replace(item=np.arange(200, dtype=np.uint32)))
    work = Work(plan, None, np.array([3, 75, 76, 199]), tmp_path / "run")  # type: ignore[arg-type]  # no judge is asked
    made = [(base, len(items)) for base, items in _items(work, Stop())]
    assert made == [(3, 1), (75, 2), (199, 1)]


@pytest.mark.parametrize("takes", ["ids", "chat"])
def test_each_request_knows_the_prompt_that_is_sent_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, takes: str
) -> None:
    monkeypatch.setattr("judgefast.pipeline.ask.SLICE_ITEMS", 4)
    monkeypatch.setattr("judgefast.datasets.run_order.GROUP_ROWS", 4)
    engine = ScriptedEngine(by_hash, takes=takes, room=3, batch=2)
    if takes == "ids":
        engine.model = marked(TEMPLATES["off_by_default"])
    judge_rows(tmp_path / "run", pairs(9), engine=engine)
    sent = [request for _, request in engine.submitted]
    assert len(sent) == 18
    assert sent[-1].next_ids is None
    for request, following in itertools.pairwise(sent):
        assert following.prompt is not None
        assert request.next_ids is following.prompt.token_ids
        assert (request.next_ids is None) is (takes == "chat")


def test_an_engine_that_is_lost_on_a_full_disk_ends_the_run_with_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Lost(ScriptedEngine):
        def collect(self, *, timeout_seconds: float) -> list[Completion]:
            if len(self.submitted) > 8:
                monkeypatch.setattr(os, "write", full)
                message = "the engine is gone"
                raise EngineError(message)
            return super().collect(timeout_seconds=timeout_seconds)

    def full(descriptor: int, data: memoryview) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    finished = judge_rows(tmp_path / "run", pairs(9), engine=Lost(by_hash, room=4, batch=4))
    monkeypatch.undo()
    assert finished.status == 3
    go_on(tmp_path / "run")
    assert len(attempts_of(tmp_path / "run")) == 18


def test_a_disk_that_is_full_when_the_last_segment_is_closed_ends_the_run_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_when_closing(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("judgefast.journal.writer.close_segment", full_when_closing)
    finished = judge_rows(tmp_path / "run", pairs(9))
    monkeypatch.undo()
    assert finished.status == 3
    assert finished.why is not None
    assert "No space left on device" in finished.why
    assert go_on(tmp_path / "run").status == 0
    assert len(attempts_of(tmp_path / "run")) == 18


class Watched(progress.Progress):
    """Asks for the live figure each time that something was read."""

    def update(self, done: int, **counters: Any) -> None:
        counters["estimate"]()


def test_a_live_figure_that_fails_is_not_shown_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: Headline) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("judgefast.pipeline.run.Progress", Watched)
    monkeypatch.setattr(Headline, "__call__", fails)
    assert judge_rows(tmp_path / "run", pairs(9)).status == 0
    figure = background.Background(lambda: 1 / 0)
    assert figure() is None
    figure.close()
    assert figure() is None
    assert isinstance(figure.error, ZeroDivisionError)


def test_the_live_figure_is_done_with_before_the_report_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    real = Headline.__call__

    def slow(headline: Headline) -> Any:
        said.append("begun")
        found = real(headline)
        time.sleep(0.3)
        said.append("done")
        return found

    def reported(*args: Any, **options: Any) -> Any:
        said.append("report")
        return read_run(*args, **options)

    monkeypatch.setattr("judgefast.pipeline.run.Progress", Watched)
    monkeypatch.setattr("judgefast.pipeline.run.read_run", reported)
    monkeypatch.setattr(Headline, "__call__", slow)
    judge_rows(tmp_path / "run", pairs(9))
    assert said[0] == "begun"
    assert said[-2:] == ["done", "report"]
