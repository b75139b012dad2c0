"""The bench against raw vLLM runs whole without a GPU, on two layers: it is ready for one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

BENCH = Path(__file__).resolve().parents[4] / "benches" / "bench_vllm.py"
SEQUENCES, WINDOW = 16, 32


@pytest.mark.parametrize(("setting", "tokens"), [("worked-72b", 24), ("label-8b", 1)])
def test_a_setting_is_rehearsed_in_blocks_that_can_be_compared(
    vllm_environment: None, setting: str, tokens: int, tmp_path: Path
) -> None:
    record = tmp_path / "record.json"
    done = subprocess.run(
        [sys.executable, str(BENCH), setting, "--quick", "--output", str(record)],
        # In one process it starts in half of the time.
        env=os.environ | {"VLLM_ENABLE_V1_MULTIPROCESSING": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "ours by raw: " in done.stdout
    assert "what limits: " in done.stdout
    found = json.loads(record.read_text(encoding="utf-8"))
    ours, raw = found["blocks"][:2]
    assert (ours["raw"], raw["raw"]) == (False, True)
    for block in (ours, raw):
        assert block["seconds"] >= 3
        assert block["ended"] > 2 * SEQUENCES
        # Every text has its whole length, and no block has more of the prompts or of the texts.
        slack = SEQUENCES / block["ended"]
        assert block["generated"] / block["ended"] == pytest.approx(tokens, rel=slack)
        assert block["computed"] / block["ended"] == pytest.approx(
            ours["computed"] / ours["ended"], rel=max(0.1, slack)
        )
        assert block["cached"] / (block["cached"] + block["computed"]) > 0.2
        assert block["preemptions"] == 0
        assert block["front_end_cpu"] > 0
        assert block["pipeline_cpu"] >= 0
    # Whoever's turn it is owns all that is in vLLM, from the first moment.
    assert ours["waiting"][1] == 0
    if tokens > 1:  # of labels all that are in may end in one step
        assert raw["waiting"][0] > 0
    assert raw["waiting"][1] == WINDOW
    assert raw["dry_steps"] == 0
    assert raw["pipeline_cpu"] < ours["pipeline_cpu"]


def test_a_workload_is_held_to_raw_vllm_by_one_command(
    vllm_environment: None, tiny: Path, tmp_path: Path
) -> None:
    path = tmp_path / "record.json"
    arguments = {
        "load_format": "dummy",
        "max_model_len": 1024,
        "enforce_eager": "true",
        "block_size": 32,
        "max_logprobs": -1,
        "kv_cache_memory_bytes": 1 << 26,
        "max_num_seqs": SEQUENCES,
    }
    flags = [each for pair in arguments.items() for each in ("--engine-arg", "{}={}".format(*pair))]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "judgefast", "bench", "short-reasons", "--engine", "vllm"),
            *("--model", str(tiny), "--vs", "raw-vllm", "--blocks", "2", "--block-seconds", "3"),
            *("--scale", "0.1", "--items", "80", "--no-warm-up", "--record", str(path), *flags),
        ],
        env=os.environ | {"VLLM_ENABLE_V1_MULTIPROCESSING": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "ours by raw vLLM" in done.stdout
    found = json.loads(path.read_text(encoding="utf-8"))
    (sample,) = found["samples"]
    assert sample["judgments"] == 80
    # Lengths are forced in the ordinary run too: 60 tokens at a tenth, but no less than 8.
    assert sample["generated_tokens"] == 80 * 8
    assert sample["steps"] > 0
    assert [block["raw"] for block in found["raw"]["blocks"]] == [False, True]
    for block in found["raw"]["blocks"]:
        assert block["seconds"] >= 3
        assert block["generated"] / block["ended"] == pytest.approx(8, rel=0.2)
        assert block["cached"] > 0
    assert found["workload"]["forced"] is True
    assert found["raw"]["ratio"] > 0
