"""The command on the engine that runs anywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from judgefast.benchmarks.records import read_record

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
@pytest.mark.embedded
def test_the_embedded_engine_is_measured_in_tokens_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "judgefast", "bench", "multi-aspect", "--scale", "0.05"]
    done = subprocess.run(
        [
            *command,
            "--items",
            "3",
            "--repeats",
            "2",
            "--no-warm-up",
            "--json",
            "--record",
            "r.json",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    record = read_record(tmp_path / "r.json")
    assert (
        json.loads(done.stdout)["samples"]
        == json.loads((tmp_path / "r.json").read_text())["samples"]
    )
    assert record.workload.lengths == {"rubric": 25, "question": 8, "answer": 30, "max_tokens": 1}
    assert len(record.workload.prompt_hash) == 64
    for sample in record.samples:
        assert (sample.judgments, sample.failed) == (9, 0)
        assert sample.engine_cpu_seconds
        assert sample.engine_cpu_seconds > 0
        # An answer of 30 tokens, a question of 8, criteria and marks: of nine prompts.
        assert 9 * 60 < (sample.prompt_tokens or 0) < 9 * 300
        assert sample.host_peak_bytes
        assert sample.gpu_busy is None
