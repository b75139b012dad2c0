"""The embedded engine: judgments a minute, and what a shared rubric saves.

Labels of a pairwise prompt are read from one rubric that all requests share. *Primed* the engine
computes the rubric once; *unprimed*, the same prompts with rubrics that differ in their first
token, so that nothing can be shared.

python benches/bench_embedded.py [--quick] [--fast] [--output FILE]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from judgefast.batches.request import Request
from judgefast.engines import create_engine
from judgefast.prompts.decoding import Decoding, Label
from judgefast.prompts.segments import Prompt
from measure import new_record, refuse_debug_build, say_ratio, spread, write

if TYPE_CHECKING:
    from judgefast.engines.base import Engine

RUBRIC = "<|im_start|>system\nYou are a judge. Answer A, B or C.\n" + "Be exact and brief. " * 80
BODY = (
    "\nQuestion: what is {n} + {n}?\nAnswer A: {sum}\nAnswer B: {n}<|im_end|>\n"
    "<|im_start|>assistant\n"
)


def requests(engine: Engine, count: int, *, shared: bool, first: int) -> list[Request]:
    """Make requests for the three labels; ids begin at `first`."""
    tokenizer = engine.model.tokenizer
    assert tokenizer is not None  # the embedded engine always has one
    labels = tuple(Label(text, tokenizer.token_id(text)) for text in "ABC")
    decoding = Decoding(max_tokens=1, labels=labels, probabilities=True)
    rubric = tokenizer.encode_trusted(RUBRIC)
    made = []
    for n in range(first, first + count):
        head = rubric if shared else np.concatenate([np.array([1000 + n], np.int32), rubric[1:]])
        body = tokenizer.encode_trusted(BODY.format(n=n, sum=2 * n))
        prompt = Prompt(
            segments=(),
            token_ids=np.concatenate([head, body]),
            ids_hash=bytes(16),
            shared_tokens=len(rubric) if shared else 0,
        )
        key = n.to_bytes(16, "little")
        made.append(
            Request(
                request_id=key,
                keys=(key,),
                item_id=str(n),
                shown=(0, 1),
                repeat=0,
                judge="bench",
                questions=(),
                prompt=prompt,
                prefix_group=n,
                decoding=decoding,
                seed=0,
            )
        )
    return made


def seconds(engine: Engine, asked: list[Request]) -> float:
    """Time from the first request in to the last answer out."""
    started = time.perf_counter()
    engine.submit(0, asked)
    left = len(asked)
    while left:
        for completion in engine.collect(timeout_seconds=10):
            if completion.finish_reason == "error":
                raise SystemExit(completion.error)
            left -= 1
    return time.perf_counter() - started


def main() -> None:
    """Measure primed and unprimed in turn, print, write one record."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--requests", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--fast", action="store_true", help="bfloat16 instead of exact float32")
    parser.add_argument("--quick", action="store_true", help="few requests, to see that it runs")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if args.quick:
        args.requests, args.repeats = 8, 3
    refuse_debug_build(parser)
    engine = create_engine("embedded", exact=not args.fast)
    started = time.perf_counter()
    facts = engine.start()
    load = time.perf_counter() - started
    times: dict[str, list[float]] = {"primed": [], "unprimed": []}
    first = 1
    try:
        for repeat in range(args.repeats + 1):  # the first one warms up
            for name, taken_each in times.items():
                asked = requests(engine, args.requests, shared=name == "primed", first=first)
                first += args.requests
                taken = seconds(engine, asked)
                if repeat:
                    taken_each.append(taken / args.requests)
    finally:
        engine.close()
    record = new_record(
        "embedded",
        "s a request, three labels each",
        requests=args.requests,
        repeats=args.repeats,
        load_seconds=load,
        engine={name: fact for name, fact in facts.items() if name != "model_folder"},
    )
    medians = {}
    for name, taken_each in times.items():
        record[name] = each = spread(taken_each)
        medians[name] = each["median"]
        print(
            "{0:>8}: {median:.3f} s a request (p10 {p10:.3f}, p90 {p90:.3f})".format(name, **each)
        )
    record["ratio"] = medians["unprimed"] / medians["primed"]
    print(f"   ratio: {record['ratio']:.1f}; {60 / medians['primed']:.0f} judgments a minute")
    write(record, args.output)
    say_ratio("embedded: shared head computed once", record["ratio"], "as fast as without")


if __name__ == "__main__":
    main()
