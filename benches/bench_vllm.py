"""judgefast against raw vLLM on one full engine, in alternating blocks, by vLLM's own counters.

The pipeline judges generated rows (a rubric of about 500 tokens, two answers of 1,000) with a real
run: journal, verdicts, progress. The process of the replica takes turns between the pipeline's
requests and its own raw ones (`alternating_child.py`). The ratio is of tokens computed and
generated a second, ours by raw, one for each pair of blocks next to each other.

python benches/bench_vllm.py --model FOLDER [--verdict label|text] [--max-tokens N]
    [--block-seconds 30] [--blocks 4] [--engine-arg NAME=VALUE ...] [--quick] [--output FILE]

A folder with config.json and a tokenizer is enough with `--engine-arg load_format=dummy`. Without
--model or without vLLM there is nothing to measure, and it says so.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from judgefast.config import RunConfig
from judgefast.engines import create_engine
from judgefast.engines.vllm import engine as module
from judgefast.pipeline.run import run
from judgefast.stopping import Stop
from measure import new_record, refuse_debug_build, write

WORDS = "the of and to in is that for it as was with be by on not he his but at are this have from"
RUBRIC = """
name = "bench"
mode = "pairwise"
reference = "never"
[[aspects]]
name = "quality"
criterion = "{criterion}"
[template]
system = '''
You compare two answers.

{{criterion}}

Reply as you are told.'''
[[template.blocks]]
text = '''
[The Start of the Question]
{{question}}
[The End of the Question]
[The Start of Answer A]
{{answer_1}}
[The End of Answer A]
[The Start of Answer B]
{{answer_2}}
[The End of Answer B]
'''
[[template.blocks]]
text = "Which answer is better?"
[verdict]
{verdict}
[decoding]
max_tokens = {max_tokens}
"""
LABEL = """name = "label"
labels = [{ text = "A", choice = "first" }, { text = "B", choice = "second" },
  { text = "C", choice = "tie" }]"""
TEXT = 'name = "bracket"'


def write_rubric(path: Path, verdict: str, max_tokens: int, words: int) -> None:
    """A rubric of about as many tokens as `words`."""
    criterion = " ".join(np.random.default_rng(2).choice(WORDS.split(), words))
    text = RUBRIC.format(
        criterion=criterion, verdict=LABEL if verdict == "label" else TEXT, max_tokens=max_tokens
    )
    path.write_text(text)


def write_rows(path: Path, rows: int, words: int) -> None:
    """Rows with two answers of about as many tokens as `words`."""
    random = np.random.default_rng(3)
    vocabulary = [*WORDS.split(), *(f"{n}" for n in range(100, 400))]
    with path.open("w") as file:
        for row in range(rows):
            one, two = (" ".join(random.choice(vocabulary, words)) for _ in range(2))
            one, two = f"{random.integers(1 << 40)} {one}", f"{random.integers(1 << 40)} {two}"
            item = {"id": row, "question": f"Question {row}?", "answer_a": one, "answer_b": two}
            file.write(json.dumps(item) + "\n")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--model", help="model folder")
    parser.add_argument("--verdict", choices=["label", "text"], default="label")
    parser.add_argument("--max-tokens", type=int, default=500, help="of a text verdict")
    parser.add_argument("--rows", type=int, default=4000, help="more than the blocks can use")
    parser.add_argument("--words", type=int, default=700, help="of each answer")
    parser.add_argument("--rubric-words", type=int, default=430)
    parser.add_argument("--block-seconds", type=float, default=30)
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--engine-arg", action="append", default=[])
    parser.add_argument("--quick", action="store_true", help="short blocks, short prompts")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    refuse_debug_build(parser)
    if args.quick:
        args.block_seconds, args.blocks = 3, 2
        args.words, args.rubric_words, args.max_tokens = 30, 60, 8
    return args


def main() -> None:
    """Run the pipeline until the blocks are done, print ratios, write a record."""
    args = parse_arguments()
    if args.model is None or find_spec("vllm") is None:
        print("not measured: it takes vLLM, and --model FOLDER")
        return
    options: dict[str, Any] = {}
    for each in args.engine_arg:
        name, _, value = each.partition("=")
        try:
            options[name] = json.loads(value)
        except ValueError:
            options[name] = value
    module.DIALECT = msgspec.structs.replace(module.DIALECT, module="alternating_child")
    with tempfile.TemporaryDirectory() as folder:
        blocks = measure(args, options, Path(folder))
    report(args, options, blocks)


def measure(args: argparse.Namespace, options: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Blocks, and facts of the run around them."""
    rubric, rows, blocks = folder / "rubric.toml", folder / "rows.jsonl", folder / "blocks.json"
    write_rubric(rubric, args.verdict, args.max_tokens, args.rubric_words)
    write_rows(rows, args.rows, args.words)
    options.setdefault("max_num_seqs", 256)  # the window is known before the data
    engine = create_engine("vllm", model=args.model, **options)
    os.environ |= {
        "JUDGEFAST_BLOCKS": str(blocks),
        "JUDGEFAST_BLOCK_SECONDS": str(args.block_seconds),
        "JUDGEFAST_BLOCK_COUNT": str(args.blocks),
        "JUDGEFAST_WINDOW": str(engine.lanes[0].room),
        "JUDGEFAST_SEQUENCES": str(engine.sequences),
    }
    facts: dict[str, Any] = {}
    start = engine.start

    def start_and_tell() -> dict[str, Any]:
        facts.update(start())
        facts["started"] = time.monotonic()
        return dict(facts)

    engine.start = start_and_tell  # type: ignore[method-assign] # the run calls it
    stop = Stop()

    def watch() -> None:
        while not stop.requested:
            time.sleep(0.2)
            if blocks.exists() and len(json.loads(blocks.read_text() or "[]")) >= args.blocks:
                stop.requested = True

    threading.Thread(target=watch, daemon=True).start()
    config = RunConfig(
        data=(str(rows),),
        rubric=str(rubric),
        engine="vllm",
        out=str(folder / "run"),
        orders="one",
        max_unreadable=1.0,
    )
    before = time.process_time()
    finished = run(config, engine=engine, stop=stop)
    records = json.loads(blocks.read_text()) if blocks.exists() else []
    return {
        "blocks": records,
        "facts": facts,
        "done": finished.done,
        "host_cpu_seconds": time.process_time() - before,
    }


def report(args: argparse.Namespace, options: dict[str, Any], found: dict[str, Any]) -> None:
    """Print and keep what came out."""
    blocks = found["blocks"]
    for block in blocks:
        seconds = block["seconds"]
        print(
            f"{'raw ' if block['raw'] else 'ours'}  {block['ended'] / seconds:8.2f} judgments/s  "
            f"{block['computed'] / seconds:10,.0f} computed/s  "
            f"{block['generated'] / seconds:8,.0f} generated/s  "
            f"cached {block['cached'] / max(1, block['cached'] + block['computed']):.1%}  "
            f"front end {block['front_end_cpu'] / seconds:.1%} of a core"
        )
    rate = [(b["computed"] + b["generated"]) / b["seconds"] for b in blocks]
    ratios = [
        (one / two) if not b["raw"] else (two / one)
        for b, one, two in zip(blocks, rate, rate[1:], strict=False)
    ]
    if not ratios:
        message = "the run ended before two blocks were done: give more --rows"
        raise SystemExit(message)
    record = new_record(
        "vllm",
        "tokens computed and generated a second, ours by raw",
        verdict=args.verdict,
        max_tokens=1 if args.verdict == "label" else args.max_tokens,
        words=args.words,
        block_seconds=args.block_seconds,
        arguments=options,
        **found,
    )
    record["ratios"] = ratios
    record["ratio"] = statistics.median(ratios)
    print(f"ratio {record['ratio']:.4f} (from {min(ratios):.4f} to {max(ratios):.4f})")
    write(record, args.output)


if __name__ == "__main__":
    main()
