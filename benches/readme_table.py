"""The README's table of figures, out of the records in `results/`: what was seen, and on what.

python benches/readme_table.py [--write]
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benches.gpu_settings import SETTINGS  # noqa: E402 - the path is set for a start by name

from judgefast.benchmarks import figures as of_bench  # noqa: E402 - as above
from judgefast.benchmarks.block_ratio import ratio_of  # noqa: E402 - as above
from judgefast.benchmarks.records import Record as BenchRecord  # noqa: E402 - as above
from judgefast.benchmarks.records import read_record  # noqa: E402 - as above
from judgefast.benchmarks.text import number, spread  # noqa: E402 - as above

Record = dict[str, Any]

RESULTS = ROOT / "benches" / "results"
README = ROOT / "README.md"
TABLE = re.compile(r"(?ms)(?<=^## Measured\n\n)\|.*?\n(?=\n)")


def _by_raw(record: Record) -> str:
    """Judgments a second of our blocks, and ours by raw."""
    ours = [block for block in record["blocks"] if not block["raw"]]
    rate = sum(block["ended"] for block in ours) / sum(block["seconds"] for block in ours)
    ratio, low, high = ratio_of(record["blocks"])
    shown = f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"  # noqa: PLR2004 - two digits
    return f"{shown} judgments/s; {ratio:.3f} of raw vLLM [{low:.3f}, {high:.3f}]"


def _prompt_tokens(record: Record) -> int:
    blocks = record["blocks"]
    tokens = sum(block["computed"] + block["cached"] for block in blocks)
    return round(tokens / sum(block["ended"] for block in blocks) / 100) * 100


def _host(record: Record) -> str:
    return f"{statistics.median(record['groups of 64, cpu_us']):.0f} us of CPU a judgment"


def _http(record: Record) -> str:
    short, long = (
        record[f"{tokens} tokens, judgefast, lists of 8"]["times_base"] for tokens in (100, 3000)
    )
    return f"{short:.1f} and {long:.1f} times less CPU a judgment than bare aiohttp"


def _rivals(record: Record) -> str:
    ours = record["100 tokens, judgefast, lists of 8"]["median"]
    names = {
        "inspect_ai": "Inspect",
        "autorubric": "autorubric",
        "prometheus_eval": "prometheus-eval",
    }
    found = [
        f"{name} {record[f'100 tokens, {key}']['median'] / ours:,.0f}"
        for key, name in names.items()
    ]
    return f"times our CPU: {', '.join(found)}"


def _resume(record: Record) -> str:
    found = record["judgments"]["1000000"]
    start, report = (found[name]["wall"] for name in ("resume", "report"))
    return f"{start:.1f} s to the first request, {report:.1f} s to a report"


def _memory(record: Record) -> str:
    return f"{record['memory']['at_ten_million'] / 2**30:.2f} GiB, from one and two million"


def _on_gpu(record: Record) -> str:
    facts = record["facts"]
    weights = "dummy weights" if facts["arguments"].get("load_format") == "dummy" else "its weights"
    return f"{facts['device']}, vLLM {facts['vllm']}, {facts['quantization']}, {weights}"


def _on_host(record: Record) -> str:
    host = record["host"]
    return f"{host['cores']} shared cores of an {host['cpu']}"


def _shapes(record: Record, shapes: str) -> str:
    out = "one label" if record["verdict"] == "label" else f"{record['max_tokens']} tokens out"
    return f"{shapes} shapes, {out}, prompts of {_prompt_tokens(record):,} tokens"


ROWS: tuple[tuple[str, Any, Any, Any], ...] = (
    ("vllm-7b-700", lambda record: _shapes(record, "7B"), _by_raw, _on_gpu),
    ("vllm-7b-2500", lambda record: _shapes(record, "7B"), _by_raw, _on_gpu),
    ("vllm-72b-2400", lambda record: _shapes(record, "72B"), _by_raw, _on_gpu),
    *(
        (
            f"vllm-{setting}",
            lambda record: _shapes(record, record["shapes"].upper()),
            _by_raw,
            _on_gpu,
        )
        for setting in SETTINGS
    ),
    (
        "host",
        "host of a whole run, prompts of 3,000 tokens, a judge that costs nothing",
        _host,
        _on_host,
    ),
    ("host-memory", "memory of a run of ten million judgments", _memory, _on_host),
    ("resume", "a run of a million judgments: `resume`, `report`", _resume, _on_host),
    ("http", "over HTTP, lists of 8, prompts of 100 and 3,000 tokens", _http, _on_host),
    ("http-rivals", "the same beside other harnesses, prompts of 100 tokens", _rivals, _on_host),
)
"""End of a record's name, what it is of, its figure, and what it was seen on. The newest counts;
settings that nobody has run yet have none."""


def newest(name: str) -> Path | None:
    """The record of that name with the latest date."""
    return max(RESULTS.glob(f"????-??-??-{name}.json"), default=None)


def newest_of_bench() -> list[Path]:
    """Records of `judgefast bench`, by name: `DATE-bench-NAME.json`, of each the latest."""
    found: dict[str, Path] = {}
    for path in sorted(RESULTS.glob("????-??-??-bench-*.json")):
        found[path.stem[11:]] = path
    return [found[name] for name in sorted(found)]


def bench_row(record: BenchRecord) -> tuple[str, str, str]:
    """What a record of `judgefast bench` is of, its figure, and what it was seen on."""
    workload = record.workload
    what = f"`judgefast bench {workload.name}`, {workload.items:,} items, orders {workload.orders}"
    if workload.scale not in {None, 1}:
        what += f", lengths x {workload.scale:g}"
    figure = []
    if record.samples:
        rate = of_bench.figures_of(record.samples)["judgments_per_second"]
        figure += [f"{spread(rate)} judgments/s"] if rate else []
        hours = of_bench.gpu_hours(record)
        figure += [f"{spread(hours)} GPU-hours per 10,000"] if hours else []
    if (raw := record.raw) is not None:
        rates = of_bench.raw_rates(record)
        figure.append(f"{number(rates['ours'])} judgments/s in steady state")
        if "gpu_hours_per_10000" in rates:
            figure.append(f"{number(rates['gpu_hours_per_10000'])} GPU-hours per 10,000")
        ends = "" if raw.low is None else f" [{raw.low:.3f}, {raw.high:.3f}]"
        figure.append(f"{raw.ratio:.3f} of raw vLLM{ends}")
    machine = record.machine
    place = f"{machine.cores} shared cores of an {machine.cpu}"
    if machine.gpus:
        place = f"{record.gpus or len(machine.gpus)} x {machine.gpus[0].name}"
    version = next((f"{name} {at}" for name, at in record.versions.items()), "")
    seen = ", ".join(word for word in (place, record.model, record.engine, version) if word)
    return what, "; ".join(figure), seen


def rows() -> list[tuple[Path, str, str, str]]:
    """Lines of the table: record, what it is of, its figure, what it was seen on."""
    found = []
    for name, what, figure, seen in ROWS:
        if (path := newest(name)) is None:
            continue
        record = json.loads(path.read_text(encoding="utf-8"))
        words = what if isinstance(what, str) else what(record)
        found.append((path, words, figure(record), seen(record)))
    return found + [(path, *bench_row(read_record(path))) for path in newest_of_bench()]


def table() -> str:
    """The whole table."""
    lines = ["| what | figure | seen on | record |", "|---|---|---|---|"]
    for path, words, figure, seen in rows():
        place = path.relative_to(ROOT)
        lines.append(f"| {words} | {figure} | {seen} | [{path.stem[:10]}]({place}) |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table, or put it into the README."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--write", action="store_true", help="put it into the README")
    if not parser.parse_args().write:
        print(table(), end="")
        return
    text = README.read_text(encoding="utf-8")
    README.write_text(TABLE.sub(lambda _: table(), text, count=1), encoding="utf-8")


if __name__ == "__main__":
    main()
