"""Streams: outcomes as they come, of whatever `run` takes, with nothing left out unsaid."""

from __future__ import annotations

import json
import logging
import resource
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import judgefast
from judgefast.errors import ConfigError, DataError, EngineError
from judgefast.pipeline.stream import Outcome, stream
from tests.engines.scripted import ScriptedEngine, answered, failed
from tests.pipeline.judging import by_hash, judge_rows, pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion


def outcomes(data: Any, engine: ScriptedEngine | None = None, **options: Any) -> list[Outcome]:
    options = {"rubric": "pairwise", "window": 4} | options
    return list(stream(data, engine=engine or ScriptedEngine(by_hash), **options))


def values(made: list[Outcome]) -> dict[str, float | None]:
    return {outcome.item_id: outcome.value for outcome in made}


@pytest.mark.parametrize("baseline", [None, "wrong"])
@pytest.mark.parametrize("window", [1, 3, 100])
def test_a_stream_comes_to_the_outcomes_of_a_run(
    window: int, baseline: str | None, tmp_path: Path
) -> None:
    named = {} if baseline is None else {"baseline": baseline}
    judge_rows(tmp_path / "run", pairs(11), **named)
    table = judgefast.Run.open(tmp_path / "run").table("outcomes").to_pylist()
    made = outcomes(iter(pairs(11)), window=window, **named)
    assert values(made) == {row["item_id"]: row["value"] for row in table}
    models = {(row["candidate_model"], row["baseline_model"]) for row in table}
    assert {(one.candidate_model, one.baseline_model) for one in made} == models
    assert {one.window for one in made} == set(range((10 + window) // window))


def test_every_source_that_a_run_takes_can_be_streamed(
    write_rows: Callable[..., Path],
) -> None:
    rows = pairs(9)
    expected = values(outcomes(rows))
    assert len(expected) == 9
    path = write_rows(rows)
    parts = [write_rows(rows[:6], "a.jsonl"), write_rows(rows[6:], "b.jsonl")]
    for data in (path, str(path), parts, iter(rows), pl.DataFrame(rows)):
        assert values(outcomes(data)) == expected


def test_a_row_that_cannot_be_used_is_named_by_its_file_and_line(
    write_rows: Callable[..., Path],
) -> None:
    rows: list[dict[str, Any]] = pairs(9)
    rows[7]["question"] = 3
    parts = [write_rows(rows[:6], "a.jsonl"), write_rows(rows[6:], "b.jsonl")]
    engine = ScriptedEngine(by_hash)
    with pytest.raises(DataError, match=r"b\.jsonl`, line 2, field `question`"):
        outcomes(parts, engine)
    assert engine.closed


def test_skipped_rows_are_counted_aloud_and_a_window_of_them_ends_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bad = [{"question": number} for number in range(4)]
    rows = [*pairs(4), *bad, *pairs(6)[4:], bad[0]]
    with caplog.at_level(logging.INFO, "judgefast"):
        made = outcomes(rows, on_bad_row="skip")
    assert sorted(values(made)) == [f"item-{number}" for number in range(6)]
    told = [record.getMessage() for record in caplog.records]
    assert told[0] == "planning window by window, 4 rows each"
    assert told[1].startswith("window 1: 4 rows skipped (")
    assert told[2].startswith("window 2: 1 rows skipped (")
    assert "row 11" in told[2]


def test_failures_are_outcomes_with_a_reason_and_nothing_is_asked_twice() -> None:
    def mostly(request: Request) -> Completion:
        is_bad = request.item_id == "item-2"
        return failed(request) if is_bad else answered(request, "C")

    engine = ScriptedEngine(mostly)
    made = outcomes(pairs(5), engine)
    bad = next(one for one in made if one.item_id == "item-2")
    assert bad.value is None
    assert [judgment.status for judgment in bad.judgments] == ["engine_error"] * 2
    assert [one.value for one in made if one is not bad] == [0.5] * 4
    assert len(engine.submitted) == 10


def test_rows_are_read_no_more_than_two_windows_ahead() -> None:
    taken = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal taken
        for row in pairs(100):
            taken += 1
            yield row

    made = stream(rows(), rubric="pairwise", engine=ScriptedEngine(by_hash, room=1000), window=5)
    assert taken == 0
    for number, _ in enumerate(made):
        assert taken <= (number // 5 + 2) * 5 + 5
    assert taken == 100


def test_an_end_before_the_end_closes_the_engine() -> None:
    engine = ScriptedEngine(by_hash)
    made = stream(iter(pairs(50)), rubric="pairwise", engine=engine, window=2)
    next(made)
    made.close()  # type: ignore[attr-defined]  # a generator
    assert engine.closed


def test_the_same_item_in_two_windows_at_work_is_refused() -> None:
    with pytest.raises(DataError, match="window 1: an item of the window before comes again"):
        outcomes(pairs(2) + pairs(2), ScriptedEngine(by_hash, room=1000, batch=1), window=2)


def test_recordings_may_be_a_file_rows_or_a_run(tmp_path: Path) -> None:
    judge_rows(tmp_path / "run", pairs(3), lambda request: answered(request, "C"))
    rows = [{"id": f"item-{n}", "order": o, "text": "C"} for n in range(3) for o in ("ab", "ba")]
    path = tmp_path / "recorded.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for recorded in (path, rows, tmp_path / "run"):
        made = list(stream(pairs(3), rubric="pairwise", engine="replay", recorded=recorded))
        assert [one.value for one in made] == [0.5] * 3


@pytest.mark.parametrize(
    "option",
    ["data", "out", "limit", "no_texts", "extend", "retry", "max_attempts", "slices", "level"],
)
def test_an_option_without_meaning_is_refused(option: str) -> None:
    with pytest.raises(ConfigError, match=f"`{option}` has no meaning for a stream"):
        stream(pairs(1), rubric="pairwise", **{option: None})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"window": 0}, "`window` is 0; it must be at least 1"),
        ({"repeat": 2}, "judgefast.stream: unknown option `repeat`"),
    ],
)
def test_a_wrong_option_is_refused_at_once(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        stream(pairs(1), **({"rubric": "pairwise"} | changes))
    assert str(caught.value) == words


def test_a_lost_engine_is_raised_and_closed() -> None:
    def lost(request: Request) -> Completion:
        message = f"gone at {request.item_id}"
        raise EngineError(message)

    engine = ScriptedEngine(lost)
    with pytest.raises(EngineError, match="gone at"):
        outcomes(pairs(3), engine)
    assert engine.closed


def test_memory_does_not_grow_with_the_length_of_a_stream() -> None:
    def rows(count: int) -> Iterator[dict[str, Any]]:
        for number in range(count):
            row = pairs(1)[0]
            yield row | {"id": f"{number}", "question": f"{number} " + "why " * 2000}

    engine = ScriptedEngine(lambda request: answered(request, "C"))
    made = stream(rows(3000), rubric="pairwise", engine=engine, window=20)
    peaks = []
    for number, _ in enumerate(made):
        engine.submitted.clear()
        if number % 1000 == 500:
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert peaks[-1] - peaks[0] < 12 * 1024  # KiB; the rows after the first peak are 16 MiB
