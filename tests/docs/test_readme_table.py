"""The README's figures are those of the records, and say on what each was seen."""

from __future__ import annotations

import json
import re
from pathlib import Path

from benches.readme_table import README, RESULTS, ROWS, TABLE, newest, table

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_of_the_readme_is_that_of_the_records() -> None:
    (shown,) = TABLE.findall(README.read_text("utf-8"))
    assert shown == table(), "run `python benches/readme_table.py --write`"


def test_each_row_names_what_it_was_seen_on_and_a_record_that_says_so() -> None:
    lines = table().splitlines()[2:]
    assert len(lines) == sum(newest(name) is not None for name, *_ in ROWS)
    for line in lines:
        *_, seen, link, _ = line.split(" | ") if line.endswith(" | ") else [*line.split(" | "), ""]
        path = ROOT / re.findall(r"\((benches/results/\S+\.json)\)", link)[0]
        text = path.read_text("utf-8")
        record = json.loads(text)
        machine = seen.split(", ")[0]
        assert machine in text or str(record["host"]["cores"]) == machine.split(" ")[0]
        assert record["host"]["cpu"] in seen or record["facts"]["device"] in seen


def test_every_record_of_vllm_is_in_the_table() -> None:
    shown = {newest(name) for name, *_ in ROWS}
    ours = {
        path
        for path in RESULTS.glob("*-vllm-*.json")
        if path == newest(re.sub(r"^[\d-]+-(?=vllm)", "", path.stem))
    }
    assert ours <= shown
