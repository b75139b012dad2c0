"""The README's figures are those of the records, and say on what each was seen."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
from benches import readme_table
from benches.readme_table import README, RESULTS, ROWS, TABLE, newest, newest_of_bench, table
from tests.benchmarks.made_records import RECORD, SAMPLE, record

from judgefast.benchmarks.records import GpuFacts, Raw, write_record

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_of_the_readme_is_that_of_the_records() -> None:
    (shown,) = TABLE.findall(README.read_text("utf-8"))
    assert shown == table(), "run `python benches/readme_table.py --write`"


def test_each_row_names_what_it_was_seen_on_and_a_record_that_says_so() -> None:
    lines = table().splitlines()[2:]
    ours = len(newest_of_bench())
    assert len(lines) == ours + sum(newest(name) is not None for name, *_ in ROWS)
    for line in lines:
        *_, seen, link, _ = line.split(" | ") if line.endswith(" | ") else [*line.split(" | "), ""]
        path = ROOT / re.findall(r"\((benches/results/\S+\.json)\)", link)[0]
        text = path.read_text("utf-8")
        record = json.loads(text)
        if "machine" in record:  # of `judgefast bench`
            named = [gpu["name"] for gpu in record["machine"]["gpus"]] or [record["machine"]["cpu"]]
            assert named[0] in seen
            continue
        machine = seen.split(", ")[0]
        assert machine in text or str(record["host"]["cores"]) == machine.split(" ")[0]
        assert record["host"]["cpu"] in seen or record["facts"]["device"] in seen


def test_every_record_of_vllm_is_in_the_table() -> None:
    shown = {newest(name) for name, *_ in ROWS}
    ours = {
        path
        for path in RESULTS.glob("*-vllm-*.json")
        if "-bench-" not in path.name and path == newest(re.sub(r"^[\d-]+-(?=vllm)", "", path.stem))
    }
    assert ours <= shown


def test_records_of_bench_are_rows_the_newest_of_each_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = [
        {"raw": raw, "computed": 9, "generated": 1, "seconds": 2.0, "ended": 36} for raw in (0, 1)
    ]
    blocks = [block | {"raw": bool(block["raw"])} for block in blocks]
    raw = Raw(blocks=blocks, ratio=0.99, low=0.981, high=1.004, fed=1.0, limit="the GPU")
    sample = msgspec.structs.replace(SAMPLE, steady=None)
    machine = msgspec.structs.replace(
        RECORD.machine, gpus=[GpuFacts(name="NVIDIA H200", memory_bytes=1)]
    )
    on_gpu = msgspec.structs.replace(
        RECORD, machine=machine, gpu="H200-SXM", gpus=1, samples=[sample], raw=raw
    )
    write_record(RECORD, tmp_path / "2026-11-25-bench-one.json")
    write_record(on_gpu, tmp_path / "2026-11-26-bench-one.json")
    write_record(record([1.0, 2.0, 4.0]), tmp_path / "2026-11-26-bench-two.json")
    monkeypatch.setattr(readme_table, "RESULTS", tmp_path)
    (one, two) = readme_table.rows()
    assert one[0].name == "2026-11-26-bench-one.json"
    assert one[2] == (
        "10 judgments/s; 0.278 GPU-hours per 10,000; 18 judgments/s in steady state; "
        "0.154 GPU-hours per 10,000; 0.990 of raw vLLM [0.981, 1.004]"
    )
    assert one[3] == "1 x NVIDIA H200, smollm2, embedded, openvino 2026.4"
    assert two[1:3] == (
        "`judgefast bench one-token`, 50 items, orders both",
        "2 (1 to 4) judgments/s",
    )
    assert two[3].startswith("2 shared cores of an AMD EPYC")
