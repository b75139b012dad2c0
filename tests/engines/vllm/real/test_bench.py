"""The bench against raw vLLM runs whole without an accelerator, so that it is ready for one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines.conftest import ON_THE_CPU, SMALL

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

BENCH = Path(__file__).resolve().parents[4] / "benches" / "bench_vllm.py"


def test_the_bench_of_texts_runs_and_compares_full_blocks(
    vllm_environment: None, tiny: Path, tmp_path: Path
) -> None:
    record = tmp_path / "record.json"
    words = [sys.executable, str(BENCH), "--quick", "--verdict", "text", "--model", str(tiny)]
    for name, value in (ON_THE_CPU | SMALL).items():
        words += ["--engine-arg", f"{name}={str(value).lower()}"]
    done = subprocess.run(
        [*words, "--output", str(record)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "ratio" in done.stdout
    found = json.loads(record.read_text(encoding="utf-8"))
    ours, raw = found["blocks"][:2]
    assert (ours["raw"], raw["raw"]) == (False, True)
    for block in (ours, raw):
        assert block["seconds"] >= 3
        assert block["ended"] > 32
        assert block["generated"] > block["ended"]
        assert block["computed"] > 0
        assert block["cached"] > 0
    # Shuffled prompts are as long and share as much.
    share = [block["cached"] / (block["cached"] + block["computed"]) for block in (ours, raw)]
    assert share[1] == pytest.approx(share[0], abs=0.1)
