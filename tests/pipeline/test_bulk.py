"""Not a toy: a run of 200,000 rows under 2 GiB."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from judgefast.pipeline.results import read_run
from tests.pipeline.bulk import SILENT_SHARE

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 200_000
LIMIT_BYTES = 2 * 2**30


def limited() -> None:
    """Private memory alone: threads and libraries reserve far more addresses than they use."""
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_BYTES, LIMIT_BYTES))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_two_hundred_thousand_rows_fit_in_two_gibibytes(
    environment: dict[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.pipeline.bulk", str(tmp_path / "run"), str(ROWS)],
        env=environment,
        text=True,
        capture_output=True,
        check=False,
        preexec_fn=limited,
    )
    assert done.returncode == 0, done.stderr
    took = json.loads(done.stdout)
    assert took["peak_kib"] * 1024 < LIMIT_BYTES
    assert took["planned"] == ROWS
    ids = read_run(tmp_path / "run").plan.columns.request_id
    silent = int((ids[:, :4].copy().view("<u4")[:, 0] % SILENT_SHARE == 0).sum())
    assert 20 < silent < 90
    assert took["failed"] == {"timeout": silent}
    assert took["parsed"] == ROWS - silent
    assert took["status"] == 3
    assert took["cpu_seconds"] < 200
