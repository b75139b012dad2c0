"""Streams: what is recorded, skipped or named as the baseline counts as it does in a run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

import judgefast
from judgefast.errors import DataError
from tests.recorded import pairs, record, write_lines

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS: dict[str, Any] = {"rubric": "pairwise-reasons", "engine": "replay"}


def test_a_stream_takes_recordings_as_a_run_does(tmp_path: Path) -> None:
    run = judgefast.run(pairs(), recorded=record(pairs()), out=tmp_path / "run", **OPTIONS)
    outcomes = run.table("outcomes").to_pylist()
    expected = {outcome["item_id"]: outcome["value"] for outcome in outcomes}
    path = write_lines(tmp_path / "recorded.jsonl", record(pairs()))
    for recorded in (path, str(path), record(pairs()), run, run.path):
        found = judgefast.stream(pairs(), recorded=recorded, window=7, **OPTIONS)
        assert {outcome.item_id: outcome.value for outcome in found} == expected


def test_a_window_of_bad_rows_alone_ends_no_stream(caplog: pytest.LogCaptureFixture) -> None:
    rows = pairs()[:4]
    rows[1] = {**rows[1], "answer_a": 3}
    rows[3] = {**rows[3], "answer_b": None}
    with caplog.at_level(logging.WARNING, "judgefast"):
        outcomes = list(
            judgefast.stream(
                rows,
                recorded=record(pairs()),
                window=1,
                on_bad_row="skip",
                **OPTIONS,
            )
        )
    assert [outcome.item_id for outcome in outcomes] == [rows[0]["id"], rows[2]["id"]]
    assert [message.split(" (", 1)[0] for message in caplog.messages] == [
        "window 1: 1 rows skipped",
        "window 3: 1 rows skipped",
    ]
    with pytest.raises(DataError, match="expected text or a list of turns"):
        list(judgefast.stream(rows, recorded=record(pairs()), window=1, **OPTIONS))


def test_a_stream_compares_with_the_baseline() -> None:
    for model in ("atlas", "beacon"):
        outcomes = list(
            judgefast.stream(pairs(), recorded=record(pairs()), baseline=model, **OPTIONS)
        )
        assert {outcome.baseline_model for outcome in outcomes} == {model}
