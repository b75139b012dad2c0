"""judgefast against raw vLLM on one full engine, in alternating blocks, by vLLM's own counters.

The pipeline judges generated rows with a real run: journal, verdicts, progress. The process of the
replica takes turns between the pipeline's requests and its own raw ones (`alternating_child.py`,
which says what makes that valid). The ratio is of tokens computed and generated a second, ours by
raw, with an interval over blocks; beside it stand the CPU of each process, how full steps were, and
how much of the time the GPU was idle.

python benches/bench_vllm.py SETTING [--block-seconds 30] [--blocks 4] [--quick] [--model FOLDER]
    [--sequences N] [--max-tokens N] [--engine-arg NAME=VALUE ...] [--brake MS] [--output FILE]

SETTING is one of `gpu_settings.py`; `benches/GPU.md` has the commands in order. Weights are dummies
in the shapes that it names, with the embedded engine's tokenizer, or the model of FOLDER. `--quick`
rehearses it on two layers with short texts, where there is no GPU with arguments for a CPU.
`--brake` lets the pipeline lose so many milliseconds on each judgment, to see that the bench sees
it. Without vLLM there is nothing to measure, and it says so.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from block_ratio import PROMISED, STEADY, fed, figures, limit, prompt_share, ratio_of, reasons
from gpu_settings import ANYWHERE, COMMON, SETTINGS, Setting, rehearsal
from judgefast.config import RunConfig
from judgefast.engines import create_engine
from judgefast.engines.vllm import fleet as module
from judgefast.pipeline.run import run
from judgefast.prompts.tokenizer import PromptTokenizer
from judgefast.stopping import Stop
from measure import new_record, refuse_debug_build, write
from model_shapes import write_folder

if TYPE_CHECKING:
    from judgefast.engines.base import Completion

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


def text_of(tokens: int, tokenizer: PromptTokenizer, seed: int) -> str:
    """Words of about so many tokens."""
    random = np.random.default_rng(seed)
    vocabulary = [*WORDS.split(), *(f"{n}" for n in range(100, 400))]
    words = random.choice(vocabulary, 2 * tokens)
    per_word = len(tokenizer.seal(" ".join(words)).token_ids) / len(words)
    return " ".join(words[: max(1, round(tokens / per_word))])


def write_rubric(path: Path, setting: Setting, tokenizer: PromptTokenizer) -> None:
    """A rubric of about as many tokens as the setting says."""
    text = RUBRIC.format(
        criterion=text_of(setting.rubric_tokens, tokenizer, 2),
        verdict=LABEL if setting.verdict == "label" else TEXT,
        max_tokens=setting.max_tokens,
    )
    path.write_text(text)


def write_rows(path: Path, rows: int, setting: Setting, tokenizer: PromptTokenizer) -> None:
    """Rows with two answers of about as many tokens as the setting says, no two alike."""
    random = np.random.default_rng(3)
    words = text_of(setting.answer_tokens, tokenizer, 4).split(" ")
    with path.open("w") as file:
        for row in range(rows):
            one, two = (" ".join(random.permutation(words)) for _ in range(2))
            item = {"id": row, "question": f"Question {row}?", "answer_a": one, "answer_b": two}
            file.write(json.dumps(item) + "\n")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("setting", choices=list(SETTINGS), nargs="?", default="worked-72b")
    parser.add_argument("--model", help="a model folder in place of dummies")
    parser.add_argument("--sequences", type=int, help="requests that vLLM runs side by side")
    parser.add_argument("--max-tokens", type=int, help="of a text; all are forced to so many")
    parser.add_argument("--rows", type=int, help="more than the blocks can use")
    parser.add_argument("--block-seconds", type=float)
    parser.add_argument("--blocks", type=int)
    parser.add_argument("--engine-arg", action="append", default=[])
    parser.add_argument("--quick", action="store_true", help="two layers, short texts and blocks")
    parser.add_argument("--brake", type=float, default=0, help="ms a judgment that ours loses")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    refuse_debug_build(parser)
    args.block_seconds = args.block_seconds or (3 if args.quick else 30)
    args.blocks = args.blocks or (2 if args.quick else 4)
    return args


def main() -> None:
    """Run the pipeline until the blocks are done, print ratios, write a record."""
    args = parse_arguments()
    if find_spec("vllm") is None:
        print("not measured: vLLM is not installed")
        return
    setting = SETTINGS[args.setting]
    if args.quick:
        setting = rehearsal(setting)
    if args.sequences:
        setting = setting._replace(sequences=args.sequences)
    if args.max_tokens and setting.verdict == "text":
        setting = setting._replace(max_tokens=args.max_tokens)
    options: dict[str, Any] = dict(COMMON if has_gpu() else ANYWHERE)
    for each in args.engine_arg:
        name, _, value = each.partition("=")
        try:
            options[name] = json.loads(value)
        except ValueError:
            options[name] = value
    # The window is known before the data; and what ends the process would end the next one too.
    options |= {"max_num_seqs": setting.sequences, "max_restarts": 0}
    module.DIALECT = msgspec.structs.replace(module.DIALECT, module="alternating_child")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = Path(args.model) if args.model else write_folder(folder / "model", setting.shapes)
        found = measure(args, setting, options, model, folder)
    report(args, setting, options, found)


def has_gpu() -> bool:
    """Whether there is a GPU of the kind that the settings are for."""
    return Path("/proc/driver/nvidia/version").exists()


def measure(
    args: argparse.Namespace, setting: Setting, options: dict[str, Any], model: Path, folder: Path
) -> dict[str, Any]:
    """Blocks, and facts of the run around them."""
    rubric, rows, blocks = folder / "rubric.toml", folder / "rows.jsonl", folder / "blocks.json"
    tokenizer = PromptTokenizer.from_file(model / "tokenizer.json")
    write_rubric(rubric, setting, tokenizer)
    write_rows(rows, args.rows or rows_for(args, setting), setting, tokenizer)
    engine = create_engine("vllm", model=str(model), **options)
    os.environ |= {
        "JUDGEFAST_BLOCKS": str(blocks),
        "JUDGEFAST_BLOCK_SECONDS": str(args.block_seconds),
        "JUDGEFAST_BLOCK_COUNT": str(args.blocks),
        "JUDGEFAST_WINDOW": str(engine.lanes[0].room),
        "JUDGEFAST_SEQUENCES": str(setting.sequences),
    }
    facts: dict[str, Any] = {}
    start = engine.start

    def start_and_tell() -> dict[str, Any]:
        facts.update(start())
        facts["started"] = time.monotonic()
        return dict(facts)

    engine.start = start_and_tell  # type: ignore[method-assign] # the run calls it
    collect = engine.collect

    def collect_slowly(*, timeout_seconds: float) -> list[Completion]:
        done = collect(timeout_seconds=timeout_seconds)
        time.sleep(len(done) * args.brake / 1e3)
        return done

    if args.brake:
        engine.collect = collect_slowly  # type: ignore[method-assign] # the run calls it
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
    finished = run(config, engine=engine, stop=stop)
    records = json.loads(blocks.read_text()) if blocks.exists() else []
    return {"blocks": records, "facts": facts, "done": finished.done}


def rows_for(args: argparse.Namespace, setting: Setting) -> int:
    """More rows than the fastest engine of these shapes judges meanwhile."""
    most_a_second = {"72b": 8, "32b": 12, "8b": 80, "4b": 600, "two-layers": 400}
    seconds = args.blocks * (args.block_seconds + 5)
    return int(6 * setting.sequences + seconds * most_a_second[setting.shapes])


def report(
    args: argparse.Namespace, setting: Setting, options: dict[str, Any], found: dict[str, Any]
) -> None:
    """Print and keep what came out."""
    blocks = found["blocks"]
    for block in blocks:
        shown = ", ".join(
            f"{name} {value:,.3g}" if value < 1 else f"{name} {value:,.1f}"
            for name, value in figures(block).items()
            if value is not None
        )
        print(f"{'raw ' if block['raw'] else 'ours'}  {shown}")
    ratio, low, high = ratio_of(blocks)
    preempted = sum(block["preemptions"] for block in blocks)
    record = new_record(
        "vllm",
        "tokens computed and generated a second, ours by raw",
        setting=args.setting,
        **setting._asdict(),
        quick=args.quick,
        block_seconds=args.block_seconds,
        brake_ms=args.brake,
        arguments=options,
        **found,
        ratio=ratio,
        interval=None if math.isinf(high) else [low, high],
        fed=fed(blocks),
        limit=limit(blocks),
        reasons=list(reasons(blocks)),
    )
    print(f"ours by raw: {ratio:.4f}, 95 % interval [{low:.4f}, {high:.4f}]")
    print(f"the pipeline brought {fed(blocks):.1%} of what ended in its blocks")
    print(f"a prompt more or less is {prompt_share(blocks):.2%} of a block")
    print(f"what limits: {record['limit']}")
    if ratio < PROMISED or fed(blocks) < STEADY:
        print("why ours is slower:", *reasons(blocks), sep="\n  - ")
    if preempted:
        print(f"warning: {preempted:,.0f} preemptions: work was done twice; lower --sequences")
    write(record, args.output)


if __name__ == "__main__":
    main()
