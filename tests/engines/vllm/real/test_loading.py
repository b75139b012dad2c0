"""A run whose model loads while rows are read, on a model with a layer that slides."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from judgefast.config import RunConfig
from judgefast.engines.vllm import VllmEngine
from judgefast.errors import DataError
from judgefast.pipeline.run import run
from judgefast.reports.text import render
from judgefast.reports.words import facts as sentence
from tests.engines.conftest import HAS_GPU, ON_THE_CPU, SMALL
from tests.engines.vllm.hf_folder import write_tiny

from .processes import descendants, in_sessions, none_within, sessions_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

WINDOW = 64
QUESTIONS = 12
BLOCK = ON_THE_CPU["block_size"]
MEANWHILE = " ".join(f"word{n}" for n in range(40))
ROWS = [
    {"id": f"{n}", "question": f"{n}: {MEANWHILE}?", "answer_a": "Yes.", "answer_b": f"No, {n}."}
    for n in range(QUESTIONS)
]
SETTINGS = {name: value for name, value in (ON_THE_CPU | SMALL).items() if "max_" not in name}
"""Lengths and sequences are left to be chosen."""


@pytest.fixture(scope="module")
def sliding(smollm2_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(smollm2_weights, tmp_path_factory.mktemp("models") / "m", window=WINDOW)


@pytest.fixture
def engine(
    vllm_environment: None, sliding: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[VllmEngine]:
    monkeypatch.setenv("VLLM_ENABLE_V1_MULTIPROCESSING", "0")  # it starts in a third of the time
    made = VllmEngine(str(sliding), **SETTINGS)
    yield made
    made.close()


def config(tmp_path: Path) -> RunConfig:
    return RunConfig(data=(), rubric="pairwise", engine="vllm", out=str(tmp_path / "run"))


def test_a_run_loads_while_it_reads_and_computes_shared_heads_first(
    engine: VllmEngine, tmp_path: Path
) -> None:
    def rows() -> Iterator[dict[str, str]]:
        yield from ROWS[:1]
        until = time.monotonic() + 60
        while time.monotonic() < until:  # nothing but importing vLLM takes so much
            [supervisor] = engine._supervisors
            if supervisor.pid and _memory(supervisor.pid) > 100_000_000:
                break
            time.sleep(0.05)
        yield from ROWS[1:]

    said: list[str] = []
    finished = run(
        config(tmp_path), data=rows(), engine=engine, say=said.append, show_progress=False
    )
    assert finished.status == 0, finished.why
    assert any(each.startswith("vllm: max_model_len=") for each in said)
    assert "vllm: load_format=dummy (you): set by --engine-arg" in said
    [launch] = (tmp_path / "run/launches").glob("*.json")
    told: dict[str, Any] = json.loads(launch.read_text("utf-8"))
    facts = told["engine"]
    assert HAS_GPU or facts["attention_backend"] == "CPU_ATTN"
    assert f"attention_backend {facts['attention_backend']}" in sentence(facts), (
        "a report has room for a few alone"
    )
    assert (facts["quantization"], facts["cache_dtype"], facts["seed"]) == (None, "auto", 0)
    assert facts["batch_invariant"] is HAS_GPU

    table = pq.read_table(sorted((tmp_path / "run/journal").glob("*.parquet")))
    assert table.num_rows == 2 * QUESTIONS, "heads are no judgments"
    prompts = table["prompt_tokens"].to_pylist()
    longest = max(prompts) + 1
    assert facts["max_model_len"] == -(-longest // 64) * 64
    assert facts["max_num_seqs"] == 24
    keeps_all = facts.get("prefix_cache_retention_interval") is None  # as older vLLM does
    assert facts["primes_heads"] is not keeps_all
    # The rubric, and then each question, which both orders share: not one request computes either.
    assert told["counters"]["primed"] == (0 if keeps_all else 1 + QUESTIONS)
    cached = table["cached_tokens"].to_pylist()
    if not keeps_all:
        assert min(cached) > 0
        assert min(cached) // BLOCK == max(cached) // BLOCK, (
            "the second order finds no more than the first"
        )

    first = finished.report.operations.first_request
    assert first is not None
    assert set(first.engine) >= {"import", "waiting", "start"}
    parts = (first.read or 0) + (first.plan or 0) + (first.load or 0)
    assert first.seconds == pytest.approx(parts, abs=2)
    assert (first.load or 0) < sum(first.engine.values()), "some of it was done meanwhile"
    assert "the engine meanwhile: import" in render(finished.report)
    assert finished.report.operations.preemptions == 0
    assert engine.collect(timeout_seconds=0) == [], "it is closed"
    engine.cancel([b"nothing"])

    again = VllmEngine(engine.folder.path.as_posix(), **SETTINGS)
    began = time.monotonic()
    done = run(config(tmp_path), data=ROWS, engine=again, show_progress=False)
    assert done.status == 0
    assert time.monotonic() - began < 10, "nothing is asked, and nothing is waited for"
    assert none_within(60, lambda: in_sessions({again._supervisors[0].pid or 0}))


def test_bad_data_end_what_has_begun(engine: VllmEngine, tmp_path: Path) -> None:
    def rows() -> Iterator[dict[str, str]]:
        yield ROWS[0]
        until = time.monotonic() + 20
        while engine._supervisors[0].pid is None and time.monotonic() < until:
            time.sleep(0.01)
        pid = engine._supervisors[0].pid
        assert pid is not None
        started.append(pid)
        yield {"id": "1"}

    started: list[int] = []
    with pytest.raises(DataError):
        run(config(tmp_path), data=rows(), engine=engine, show_progress=False)
    assert len(started) == 1
    assert none_within(60, lambda: in_sessions(set(started)))
    assert not descendants(started[0])


def test_ctrl_c_while_rows_are_read_leaves_no_process(
    vllm_environment: None, sliding: Path, tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "judgefast", "run", "-", "--rubric", "pairwise"]
    words += ["--engine", "vllm", "--model", str(sliding), "--out", str(tmp_path / "run")]
    with subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as command:
        until = time.monotonic() + 60
        while len(sessions := sessions_of(command.pid)) < 2 and time.monotonic() < until:
            time.sleep(0.05)
        assert len(sessions) > 1, "the replica's process has a session of its own"
        os.killpg(command.pid, signal.SIGINT)
        assert command.wait(20) == 130
        assert command.stderr is not None
        assert "interrupted while reading the data" in command.stderr.read()
    assert none_within(60, lambda: in_sessions(sessions))


def _memory(pid: int) -> int:
    """Resident bytes of a process; 0 of one that is gone."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:  # noqa: PTH123 - as Linux has it
            return int(file.read().split()[1]) * 4096
    except OSError:
        return 0
