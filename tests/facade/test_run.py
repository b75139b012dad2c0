"""Runs from Python: what goes in, what comes out, and how they end."""

from __future__ import annotations

import logging
import re
import signal
import threading
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tests.engines.scripted import ScriptedEngine, answered, failed
from tests.recorded import PAIRS, Row, pairs, record, write_lines

import judgefast
from judgefast.errors import (
    ConfigError,
    DataError,
    JudgefastError,
    RubricError,
    RunDirectoryError,
)
from judgefast.stats.names import OF_POSITION
from judgefast.stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion

OPTIONS: dict[str, Any] = {"rubric": "pairwise-reasons", "engine": "replay"}


def always_first(row: Row, order: str) -> str:
    """A judge who prefers the first answer whatever it says."""
    del row, order
    return '{"verdict": "A", "reason": "it comes first"}'


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> judgefast.Run:
    out = tmp_path_factory.mktemp("runs") / "right"
    return judgefast.run(pairs(), recorded=record(pairs()), out=out, **OPTIONS)


@pytest.fixture(scope="module")
def biased(tmp_path_factory: pytest.TempPathFactory) -> judgefast.Run:
    out = tmp_path_factory.mktemp("runs") / "biased"
    return judgefast.run(pairs(), recorded=record(pairs(), always_first), out=out, **OPTIONS)


def test_a_run_says_what_it_is(right: judgefast.Run) -> None:
    words = (
        "right`: pairwise-reasons, 36 items, 72 of 72 judgments parsed, win_rate 0.639 [0.479, 0."
    )
    assert words in repr(right)
    opened = judgefast.Run.open(right.path)
    assert repr(opened) == f"<judgefast.Run `{right.path}`>"
    assert opened.report.results == right.report.results
    assert repr(opened) == repr(right)
    assert (opened.status, opened.why) == (right.status, right.why) == (0, None)


def test_estimates_are_found_by_name_and_slice(right: judgefast.Run) -> None:
    assert right.estimate("accuracy").value == 1
    # 22 of the decided pairs and half of the two ties, as examples/README.md has it.
    assert right.estimate("win_rate", "model=beacon").value == pytest.approx(23 / 36)
    assert right.estimate("tie_rate").slice == "candidate=beacon baseline=atlas"
    with pytest.raises(ConfigError, match="no estimate named `acuracy`; there are: win_rate") as e:
        right.estimate("acuracy")
    assert e.value.hint == "did you mean `accuracy`?"
    with pytest.raises(ConfigError, match="`win_rate` has no slice `model=beakon`") as e:
        right.estimate("win_rate", "model=beakon")
    assert e.value.hint == "did you mean `model=beacon`?"


def test_estimates_of_position_are_found_by_the_names_of_the_table(right: judgefast.Run) -> None:
    bias = right.report.results.position_bias
    assert bias is not None
    known = {name: getattr(bias, name) for name in OF_POSITION if getattr(bias, name) is not None}
    assert set(known) == {"flip_rate", "direction", "same_position_rate"}
    assert {name: right.estimate(name) for name in known} == known
    with pytest.raises(
        ConfigError, match="no estimate named `flip_rates`; there are: win_rate"
    ) as e:
        right.estimate("flip_rates")
    assert e.value.hint == "did you mean `flip_rate`?"


def test_every_source_of_rows_gives_the_same_run(right: judgefast.Run, tmp_path: Path) -> None:
    flat = [{name: value for name, value in row.items() if name != "meta"} for row in pairs()]
    table = pa.Table.from_pylist(flat)
    sources = {
        "path": PAIRS,
        "text": str(PAIRS),
        "paths": [PAIRS],
        "iterator": iter(pairs()),
        "pandas": pd.DataFrame(flat),
        "polars": pl.DataFrame(flat),
        "pyarrow": table,
        "duckdb": duckdb.from_arrow(table),
    }
    expected = right.table("outcomes").select(["value", "status"]).to_pylist()
    for name, source in sources.items():
        run = judgefast.run(source, recorded=record(pairs()), out=tmp_path / name, **OPTIONS)
        outcomes = run.table("outcomes")
        by_id = dict(zip(outcomes["item_id"].to_pylist(), outcomes.to_pylist(), strict=True))
        ids = right.table("outcomes")["item_id"].to_pylist()
        found = [{key: by_id[one][key] for key in ("value", "status")} for one in ids]
        assert found == expected, name


def test_recordings_may_be_a_file_rows_or_a_run(right: judgefast.Run, tmp_path: Path) -> None:
    lines = write_lines(tmp_path / "recorded.jsonl", record(pairs()))
    for name, recorded in {"file": lines, "run": right, "folder": right.path}.items():
        run = judgefast.run(PAIRS, recorded=recorded, out=tmp_path / name, **OPTIONS)
        assert run.estimate("accuracy").value == 1
    alone = judgefast.run(recorded=lines, out=tmp_path / "alone", **OPTIONS)
    assert alone.report.results.counts.parsed == 72


def test_recorded_outputs_that_answer_nothing_are_counted_and_one_is_named(
    tmp_path: Path,
) -> None:
    rows = pairs()[:6]
    known = record(rows)
    extra = [known[0] | {"id": "pear-1"}, known[0] | {"repeat": 4}, known[1] | {"id": "pear-2"}]
    said: list[str] = []

    def judge(recorded: list[Row], **more: Any) -> judgefast.Run:
        said.clear()
        out = tmp_path / "r"
        return judgefast.run(rows, recorded=recorded, out=out, say=said.append, **OPTIONS, **more)

    words = (
        "3 of 15 recorded outputs answer no judgment of this run and are left out, such as item "
    )
    words += "`pear-1` with answers 0, 1 shown, repeat 0"
    # Two judgments are asked again; the others were answered by an earlier start.
    judge(known[2:])
    assert not said
    assert judge(known + extra, retry=("failed",)).status == 0
    assert said == [words]
    assert judge(known, max_attempts=4).status == 0
    assert not said


def test_without_a_directory_one_is_made_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = pairs()[:2]
    with caplog.at_level(logging.INFO, "judgefast"):
        runs = [judgefast.run(rows, recorded=record(rows), **OPTIONS) for _ in range(2)]
    assert len({run.path for run in runs}) == 2
    for run in runs:
        assert re.fullmatch(r"runs/\d{8}T\d{6}Z-pairwise-reasons(-2)?", str(run.path))
        assert f"the run is in {run.path}" in caplog.messages


def test_the_same_call_goes_on_and_asks_nothing_twice(
    right: judgefast.Run,
) -> None:
    again = judgefast.run(pairs(), recorded=record(pairs()), out=right.path, **OPTIONS)
    assert again.report.operations.attempts == 72
    assert again.report.results == right.report.results


def test_an_export_is_written_once_and_whole(right: judgefast.Run, tmp_path: Path) -> None:
    for suffix in ("parquet", "csv", "jsonl"):
        assert right.export(tmp_path / f"out.{suffix}") == 36
        with pytest.raises(ConfigError, match="is there already"):
            right.export(tmp_path / f"out.{suffix}")
        assert right.export(tmp_path / f"out.{suffix}", table="verdicts", overwrite=True) == 72
    assert pl.read_parquet(tmp_path / "out.parquet").height == 72
    with pytest.raises(ConfigError, match=r"its name ends in `\.xlsx`"):
        right.export(tmp_path / "out.xlsx")


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"repeat": 2}, ConfigError, "judgefast.run: unknown option `repeat`"),
        ({"repeats": 0}, ConfigError, "`repeats` is 0; it must be at least 1"),
        ({"orders": "three"}, ConfigError, "judgefast.run: `orders`: Invalid enum value 'three'"),
        ({"rubric": "pairwize"}, RubricError, "there is no rubric `pairwize`"),
        ({"engine": "replai"}, ConfigError, "no engine named `replai`"),
        (
            {"engine": "replai", "recorded": "outputs.jsonl"},
            ConfigError,
            "no engine named `replai`",
        ),
        (
            {"engine": "embedded", "recorded": "outputs.jsonl"},
            ConfigError,
            "`recorded` is for the engine `replay`, not for `embedded`",
        ),
        ({"data": "missing.jsonl"}, DataError, "missing.jsonl"),
        ({"data": []}, DataError, "no row"),
        ({"recorded": None}, ConfigError, "the engine `replay` has nothing to replay"),
    ],
)
def test_what_cannot_be_used_is_refused_and_leaves_nothing(
    tmp_path: Path, changes: dict[str, Any], error: type[JudgefastError], message: str
) -> None:
    given = OPTIONS | {"data": pairs(), "recorded": record(pairs()), "out": tmp_path / "r"}
    given |= changes
    with pytest.raises(error, match=re.escape(message)):
        judgefast.run(**given)
    assert not (tmp_path / "r").exists()


def test_opening_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="is no run directory") as error:
        judgefast.Run.open(tmp_path)
    assert error.value.hint == "name the folder that was given as `out`"


def scripted(answer: Any) -> ScriptedEngine:
    return ScriptedEngine(answer, takes="key", batch=5)


def test_failures_leave_a_run_that_says_so(tmp_path: Path) -> None:
    engine = scripted(lambda request: failed(request, "no room"))
    run = judgefast.run(pairs()[:3], rubric="pairwise-reasons", engine=engine, out=tmp_path / "r")
    assert engine.closed
    assert (run.status, run.why) == (3, "6 judgments failed")
    opened = judgefast.Run.open(run.path)
    assert (opened.status, opened.why) == (3, "6 judgments failed")


@pytest.fixture
def _hears_ctrl_c() -> Iterator[None]:
    """What a shell starts in the background ignores SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_hears_ctrl_c")
def test_ctrl_c_leaves_things_tidy_and_the_same_call_goes_on(tmp_path: Path) -> None:
    asked: list[bytes] = []

    def interrupted(request: Request) -> Completion:
        asked.append(request.request_id)
        if len(asked) == 11:
            signal.raise_signal(signal.SIGINT)
        return answered(request, '{"verdict": "A", "reason": "r"}')

    engine = scripted(interrupted)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        judgefast.run(pairs(), rubric="pairwise-reasons", engine=engine, out=tmp_path / "r")
    assert signal.getsignal(signal.SIGINT) is handler
    assert engine.closed
    kept = judgefast.Run.open(tmp_path / "r")
    judged = kept.report.results.counts.parsed
    assert (kept.status, kept.why) == (3, f"{72 - judged} judgments were not judged")
    assert judged == len(asked)  # what came back with the signal is kept too
    run = judgefast.run(
        pairs(), rubric="pairwise-reasons", engine=scripted(interrupted), out=tmp_path / "r"
    )
    assert run.status == 0
    assert len(set(asked)) == len(asked) == 72


def test_a_thread_listens_to_no_signal_and_ends_by_its_stop(tmp_path: Path) -> None:
    stop, done = Stop(), []

    def answer(request: Request) -> Completion:
        stop.requested = True
        return answered(request, '{"verdict": "A", "reason": "r"}')

    def work() -> None:
        done.append(
            judgefast.run(
                pairs(),
                rubric="pairwise-reasons",
                engine=scripted(answer),
                out=tmp_path / "r",
                stop=stop,
            )
        )

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    (run,) = done
    assert (run.status, run.why) == (130, "interrupted while judging")
    assert run.report.results.counts.not_judged["interrupted"] > 0


def test_no_rows_are_no_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="`rows` holds no rows"):
        judgefast.run([], recorded=record(pairs()), out=tmp_path / "run", **OPTIONS)


def test_a_run_directory_is_no_data_nor_is_an_empty_path(
    right: judgefast.Run, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="is a run directory, not data"):
        judgefast.run(right.path, recorded=right, out=tmp_path / "run", **OPTIONS)
    with pytest.raises(DataError, match="the path of the data is empty"):
        judgefast.run("", recorded=right, out=tmp_path / "run", **OPTIONS)
