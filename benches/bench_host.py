"""What the host costs a judgment, from rows to report, with a judge that costs nothing.

The engine reads every prompt and answers at once from 1,024 recorded texts, of which 3 % cannot be
read. Each run is a process of its own (`host_run.py`), which says its CPU and its memory; one more
says where the time went. Prompts have 3,000 tokens, about 11.7 KB, and are not tokenised: that is a
line of its own, in tokens a second over texts that none has seen before.

Memory is measured with short prompts at one size and at twice that (`--memory`): peak, growth a
judgment, and what ten million would take. Rivals judge the first rows of the same file, each in a
Python that has it (`--rivals-python`), with a model object that answers at once.

python benches/bench_host.py [--judgments N] [--prompt-tokens N] [--memory N] [--quick]
                             [--rivals-python PATH] [--tokenizer FILE ...] [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from judgefast.prompts.tokenizer import PromptTokenizer
from measure import new_record, refuse_debug_build, say_ratio, write
from null_judge import write_pairs

HERE = Path(__file__).resolve().parent
GROUPS = (8, 64)
"""Completions that the engine hands over at a time."""

RUNS = 3
"""Of each kind; the median is the figure."""

PROMISED_US = 100
TEN_MILLION = 10_000_000
RIVALS = (("inspect_ai", 200), ("prometheus_eval", 2_000))
"""Names, and rows enough for a steady figure."""

SHORT_PROMPT_TOKENS = 20


def run_once(rows: Path, folder: Path, group: int, *more: str) -> dict[str, Any]:
    """One run in a process of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        command = [sys.executable, str(HERE / "host_run.py"), str(rows), f"{out}/run", str(group)]
        command += more
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rival(python: str, name: str, rows: Path, count: int) -> float | None:
    """CPU microseconds a judgment of one of them; None where it is not installed."""
    command = [python, str(HERE / "host_rivals.py"), name, str(rows), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if done.returncode else float(json.loads(done.stdout)["cpu_us"])


def tokens_a_second(tokenizer: PromptTokenizer, rows: Path, count: int) -> float:
    """Tokens of answers that were not seen before, sealed one by one, by CPU second."""
    with rows.open(encoding="utf-8") as file:
        texts = [json.loads(line)["answer_a"] for line, _ in zip(file, range(count), strict=False)]
    started = time.process_time()
    tokens = sum(len(tokenizer.seal(text).token_ids) for text in texts)
    return tokens / (time.process_time() - started)


def shipped_tokenizer() -> PromptTokenizer | None:
    """That of the embedded engine; None where its extra is not installed."""
    try:
        from judgefast.engines.embedded.engine import EmbeddedEngine  # noqa: PLC0415 - an extra

        engine = EmbeddedEngine()
    except Exception:  # noqa: BLE001 - without its weights there is nothing to measure
        return None
    found = engine.model.tokenizer
    engine.close()
    return found


def show_stages(found: dict[str, Any]) -> None:
    """Print where the time went; parts are within the stage that they name."""
    judgments = found["judgments"]
    print("    stage                     CPU us   wall us   RSS MiB after it, peak until then")
    for name, cpu in found["cpu_of"].items():
        is_part = ":" in name
        memory = ""
        if not is_part:
            now, peak = found["rss"][name], found["peak_until"][name]
            memory = f"{now / 2**20:12.0f}{peak / 2**20:8.0f}"
        print(
            f"    {'  ' * is_part}{name:<{26 - 2 * is_part}}{1e6 * cpu / judgments:6.1f}"
            f"{1e6 * found['wall_of'][name] / judgments:10.1f}{memory}"
        )


def measure_memory(folder: Path, count: int) -> dict[str, float]:
    """Peak at `count` judgments and at twice as many, and what that says of ten million."""
    peaks = []
    for judgments in (count, 2 * count):
        rows = folder / "short.jsonl"
        write_pairs(rows, judgments // 2, SHORT_PROMPT_TOKENS)
        found = run_once(rows, folder, GROUPS[-1])
        peaks.append(found["rss_peak"])
        print(
            f"memory: {judgments:,} judgments, peak {peaks[-1] / 2**20:,.0f} MiB, "
            f"{1e6 * found['cpu'] / judgments:.1f} us a judgment"
        )
        show_stages(found)
    growth = (peaks[1] - peaks[0]) / count
    expected = peaks[1] + growth * (TEN_MILLION - 2 * count)
    print(f"memory: {growth:.0f} bytes a judgment, at 10 million {expected / 2**30:.2f} GiB")
    return {
        "peak": peaks[0],
        "peak_of_twice": peaks[1],
        "growth": growth,
        "at_ten_million": expected,
    }


def main() -> None:
    """Measure, print, write one record."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--judgments", type=int, default=80_000)
    parser.add_argument("--prompt-tokens", type=int, default=3_000)
    parser.add_argument("--memory", type=int, default=1_000_000, help="0 leaves it out")
    parser.add_argument("--quick", action="store_true", help="few rows, to see that it runs")
    parser.add_argument("--rivals-python", help="a Python that has the rivals")
    parser.add_argument("--tokenizer", type=Path, nargs="*", default=[], help="tokenizer.json")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if args.quick:
        args.judgments, args.memory = 4_000, 0
    refuse_debug_build(parser)

    record = new_record(
        "host",
        "CPU microseconds a judgment, all threads",
        judgments=args.judgments,
        prompt_tokens=args.prompt_tokens,
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = folder / "rows.jsonl"
        write_pairs(rows, args.judgments // 2, args.prompt_tokens)
        for group in GROUPS:
            runs = [run_once(rows, folder, group) for _ in range(1 if args.quick else RUNS)]
            costs = [1e6 * each["cpu"] / each["judgments"] for each in runs]
            found = runs[0]
            record[f"groups of {group}"] = runs
            record[f"groups of {group}, cpu_us"] = costs
            print(
                f"whole run, {group} completions at a time: {statistics.median(costs):.1f} us of "
                f"CPU a judgment ({min(costs):.1f} to {max(costs):.1f} in {len(costs)} runs of "
                f"{found['judgments']:,} judgments, {found['unread'] / found['judgments']:.1%} "
                f"unread, promised: {PROMISED_US})"
            )
            taken_apart = run_once(rows, folder, group, "parts")
            record[f"groups of {group}, taken apart"] = taken_apart
            cost = 1e6 * taken_apart["cpu"] / taken_apart["judgments"]
            print(f"  the same taken apart, which costs the clocks that are asked: {cost:.1f} us")
            show_stages(taken_apart)
        if args.rivals_python is None:
            print("rivals: left out (--rivals-python PATH)")
        for rival_name, count in RIVALS if args.rivals_python else ():
            spent = rival(args.rivals_python, rival_name, rows, count)
            record[rival_name] = spent
            words = "not installed, left out" if spent is None else f"{spent:,.1f} us a judgment"
            print(f"{rival_name}: {words}")
        tokenizers = {str(path): PromptTokenizer.from_file(path) for path in args.tokenizer}
        if (ours := shipped_tokenizer()) is not None:
            tokenizers["SmolLM2, as shipped"] = ours
        for path, tokenizer in tokenizers.items():
            record[f"tokens a second: {path}"] = speed = tokens_a_second(tokenizer, rows, 300)
            print(f"tokenising ({path}): {speed / 1e6:.2f} M unique tokens a CPU second")
        if args.memory:
            record["memory"] = measure_memory(folder, args.memory)
    write(record, args.output)
    cost = statistics.median(record[f"groups of {GROUPS[-1]}, cpu_us"])
    say_ratio("host: CPU of a whole run", PROMISED_US / cost, "as cheap as was promised")


if __name__ == "__main__":
    main()
