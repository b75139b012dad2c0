"""judgefast against raw vLLM on one full engine, in alternating blocks, by vLLM's own counters.

The pipeline judges generated rows with a real run: journal, verdicts, progress. The process of the
replica takes turns between the pipeline's requests and its own raw ones (`alternating_child.py` of
`judgefast.benchmarks`, which says what makes that valid). The ratio is of tokens computed and
generated a second, ours by raw, with an interval over blocks; beside it stand the CPU of each
process, how full steps were, and how much of the time the GPU was idle. GPU-hours for 10,000
judgments are those of our blocks, whose rate is a long run's; an estimate is made before.

python benches/bench_vllm.py SETTING [--orders both] [--block-seconds 30] [--blocks 4] [--quick]
    [--model FOLDER] [--sequences N] [--max-tokens N] [--engine-arg NAME=VALUE ...] [--brake MS]
    [--gpu H200] [--output FILE]

SETTING is one of `gpu_settings.py`; `benches/GPU.md` has the commands in order. Weights are dummies
in the shapes that it names, with the embedded engine's tokenizer, or the model of FOLDER. `--quick`
rehearses it on two layers with short texts, where there is no GPU with arguments for a CPU.
`--brake` lets the pipeline lose so many milliseconds on each judgment, to see that the bench sees
it. Without vLLM there is nothing to measure, and it says so.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from estimated import estimate_of, hours_of
from gpu_settings import ANYWHERE, GOALS, SETTINGS, Setting, rehearsal
from judgefast.benchmarks.against_raw import blocks_in_turns, child_with, raw_of
from judgefast.benchmarks.block_ratio import PROMISED, STEADY, figures, prompt_share
from judgefast.benchmarks.texts import Texts, write_rows, write_rubric
from judgefast.config import RunConfig
from judgefast.engines import create_engine
from judgefast.errors import JudgefastError
from judgefast.prompts.tokenizer import PromptTokenizer
from judgefast.stopping import Stop
from measure import new_record, refuse_debug_build, say_ratio, write
from model_shapes import write_folder

if TYPE_CHECKING:
    from judgefast.benchmarks.records import Raw
    from judgefast.engines.base import Completion


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
    parser.add_argument("--orders", choices=["one", "both"], help="answer orders")
    parser.add_argument("--gpu", help="of the catalogue, for the estimate; by default this one")
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
        say_ratio("vllm: tokens a second", None, "vLLM is not installed")
        return
    setting = SETTINGS[args.setting]
    if args.quick:
        setting = rehearsal(setting)
    setting = setting.asked(
        sequences=args.sequences, max_tokens=args.max_tokens, orders=args.orders
    )
    options: dict[str, Any] = setting.arguments() if has_gpu() else dict(ANYWHERE)
    for each in args.engine_arg:
        name, _, value = each.partition("=")
        try:
            options[name] = json.loads(value)
        except ValueError:
            options[name] = value
    # The window is known before the data; and what ends the process would end the next one too.
    options |= {"max_num_seqs": setting.sequences, "max_restarts": 0}
    estimate = estimate_of(setting, args.gpu)
    print(f"estimated before: {estimate['words']}", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = Path(args.model) if args.model else write_folder(folder / "model", setting.shapes)
        try:
            found = measure(args, setting, options, model, folder)
            raw = raw_of(found["blocks"])
        except JudgefastError as error:
            sys.exit(f"not measured: {error}; {error.hint}")
    report(args, setting, options, found | {"estimate": estimate}, raw)


def has_gpu() -> bool:
    """Whether there is a GPU of the kind that the settings are for."""
    return Path("/proc/driver/nvidia/version").exists()


def measure(
    args: argparse.Namespace, setting: Setting, options: dict[str, Any], model: Path, folder: Path
) -> dict[str, Any]:
    """Blocks, and facts of the run around them."""
    rubric, rows, blocks = folder / "rubric.toml", folder / "rows.jsonl", folder / "blocks.json"
    tokenizer = PromptTokenizer.from_file(model / "tokenizer.json")
    write_rubric(rubric, setting.workload, Texts(tokenizer, 2))
    items = -(-(args.rows or rows_for(args, setting)) // setting.workload.judgments)
    write_rows(rows, setting.workload, Texts(tokenizer, 3), items)
    engine = create_engine("vllm", model=str(model), **options)
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
    config = RunConfig(
        data=(str(rows),),
        rubric=str(rubric),
        engine="vllm",
        out=str(folder / "run"),
        orders=setting.workload.orders,
        max_unreadable=1.0,
    )
    with child_with("alternating", blocks, seconds=args.block_seconds, blocks=args.blocks):
        found = blocks_in_turns(config, engine, blocks, blocks=args.blocks, stop=Stop())
    return {"blocks": found, "facts": facts}


def rows_for(args: argparse.Namespace, setting: Setting) -> int:
    """More judgments than the fastest engine of these shapes makes meanwhile."""
    most_a_second = {"72b": 8, "32b": 12, "8b": 80, "4b": 600, "gpt-oss-120b": 40}
    seconds = args.blocks * (args.block_seconds + 5)
    return int(6 * setting.sequences + seconds * most_a_second.get(setting.shapes, 400))


def report(
    args: argparse.Namespace,
    setting: Setting,
    options: dict[str, Any],
    found: dict[str, Any],
    raw: Raw,
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
    preempted = sum(block["preemptions"] for block in blocks)
    hours = hours_of(blocks)
    workload = setting.workload
    record = new_record(
        "vllm",
        "tokens computed and generated a second, ours by raw",
        setting=args.setting,
        shapes=setting.shapes,
        verdict="label" if workload.max_tokens == 1 else "text",
        max_tokens=workload.max_tokens,
        rubric_tokens=workload.rubric,
        answer_tokens=workload.answer,
        orders=workload.orders,
        sequences=setting.sequences,
        quick=args.quick,
        block_seconds=args.block_seconds,
        brake_ms=args.brake,
        arguments=options,
        **found,
        ratio=raw.ratio,
        interval=None if raw.low is None else [raw.low, raw.high],
        fed=raw.fed,
        limit=raw.limit,
        reasons=raw.reasons,
        gpu_hours_per_10000=hours if has_gpu() else None,
    )
    print(f"the pipeline brought {raw.fed:.1%} of what ended in its blocks")
    print(f"a prompt more or less is {prompt_share(blocks):.2%} of a block")
    print(f"what limits: {raw.limit}")
    if raw.ratio < PROMISED or raw.fed < STEADY:
        print("why ours is slower:", *raw.reasons, sep="\n  - ")
    if preempted:
        print(f"warning: {preempted:,.0f} preemptions: work was done twice; lower --sequences")
    of_gpus = "GPU-hours" if has_gpu() else "hours of this machine, which has no GPU,"
    goal = GOALS.get(args.setting) if has_gpu() and workload.orders == "one" else None
    aimed = "" if goal is None else f" (aimed at: {goal})"
    print(f"{hours:.3f} {of_gpus} for 10,000 judgments in steady state{aimed}")
    if likely := found["estimate"].get("gpu_hours"):
        print(f"estimated before: {likely:.3f}, {likely / hours - 1:+.0%} of what was measured")
    write(record, args.output)
    between = f"[{raw.low or 0:.4f}, {raw.high or float('inf'):.4f}]"
    print(f"ours by raw: {raw.ratio:.4f}, 95 % interval {between}")
    say_ratio("vllm: tokens a second", raw.ratio, f"as fast as raw vLLM {between}")


if __name__ == "__main__":
    main()
