"""Prompt tokens that an engine computes, by the order in which 90,000 judgments are sent.

The set is that of `judgment_set.py`. Planned: in blocks of whole questions, up to 512 comparisons,
each depth first over its trie. Beside it the loops that anybody writes, a random order, and no
cache. Cached tokens are those of the simulated cache (vLLM's scheduler, 100 generated tokens), at
three sizes; the last lines say how fast it is beside kvlint, on the same prompts, in CPU seconds.

python benches/bench_plan.py [--questions N] [--all-layouts] [--quick] [--output FILE]
python benches/bench_plan.py --vllm [--questions N] [--output FILE]    scaled down, on real vLLM
"""

from __future__ import annotations

import argparse
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.batches.cache import CacheSettings, CacheSimulator
from judgefast.batches.trie import ideal, measure, order
from judgment_set import (
    ANSWERS,
    ASPECTS,
    LAYOUTS,
    QUESTIONS,
    SEED,
    Texts,
    make,
    natural_loops,
    segments_of,
)
from measure import new_record, refuse_debug_build, say_ratio, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from judgefast.batches.trie import Segments

    Row = dict[str, object]

CACHES = ((200_000, 64), (500_000, 128), (2_000_000, 256))
"""Tokens that it holds, requests that run side by side."""
GENERATED, BLOCK, STEP = 100, 16, 16_384
CPU_BLOCK = 32
"""The smallest of vLLM on a CPU; texts are longer by as much, so that rounding costs the same."""
PLANNED_ITEMS = 512
PROMISED = 0.025
PLANNED_LAYOUT = "rubric q A B aspect"
KNOWN = {
    "rubric aspect q A B": (72.5, (73.1, 73.1, 73.1), (81.4, 81.4, 81.4), (131.5, 130.2, 124.3)),
    "rubric q A B aspect": (30.8, (31.4, 31.4, 31.4), (86.8, 86.8, 86.8), (135.3, 131.2, 114.8)),
    "q A B rubric aspect": (45.8, (46.4, 46.4, 46.4), (131.8, 131.8, 131.8), (180.5, 177.2, 163.5)),
    "rubric q aspect A B": (72.3, (73.0, 73.0, 73.0), (81.7, 81.7, 81.7), (136.1, 133.1, 122.9)),
    "own rubrics first": (72.5, (73.1, 73.1, 73.1), (81.4, 81.4, 81.4), (131.9, 130.5, 124.4)),
    "q A B own rubric": (70.4, (71.0, 71.0, 71.0), (126.4, 126.4, 126.4), (175, 172, 159)),
    "rubric q A B all aspects": (29.6, (29.8, 29.8, 29.8), (32.5, 32.5, 32.5), (48.9, 47.8, 43.5)),
}
"""Of another simulation of such a set, before this project, in millions of tokens: ideal, depth
first, loops, random."""


class Sent(NamedTuple):
    """All prompts, and the blocks in which they are planned."""

    whole: Segments
    blocks: list[Segments]
    prompt_tokens: int
    ideal_tokens: int


def sent(texts: Texts, layout: str) -> Sent:
    """Put the prompts together, in one set and in blocks."""
    questions = range(len(texts.questions))
    whole = segments_of(texts, questions, layout)
    each = max(1, PLANNED_ITEMS // (ANSWERS * (ANSWERS - 1) // 2))
    blocks = [
        segments_of(texts, questions[start : start + each], layout)
        for start in range(0, len(questions), each)
    ]
    return Sent(whole, blocks, int(measure(whole)[1].sum()), ideal(whole))


def orders(sets: Sent, texts: Texts, layout: str) -> Iterator[tuple[str, Callable[..., int]]]:
    """Each order of sending, and what gives its cached tokens in a simulated cache."""
    aspects = 1 if "y" in layout else ASPECTS
    shuffled = np.random.default_rng(SEED).permutation(len(sets.whole.segment_offsets) - 1)
    loops = natural_loops(len(texts.questions), aspects)

    def planned(cache: CacheSimulator) -> int:
        return sum(int(cache.add(block, order(block)).sum()) for block in sets.blocks)

    yield "planned", planned
    for name, rows in (("loops", loops), ("random", shuffled.astype(np.uint32))):
        yield name, lambda cache, rows=rows: int(cache.add(sets.whole, rows).sum())


def simulate_all(texts: Texts, name: str) -> Row:
    """One line of the table: computed tokens by order and size of the cache."""
    layout = LAYOUTS[name]
    sets = sent(texts, layout)
    row: Row = {
        "layout": name,
        "requests": len(sets.whole.segment_offsets) - 1,
        "prompt_tokens": sets.prompt_tokens,
        "ideal_tokens": sets.ideal_tokens,
    }
    for by, cached in orders(sets, texts, layout):
        found = []
        for budget, running in CACHES:
            cache = CacheSimulator(
                CacheSettings(
                    block_tokens=BLOCK,
                    budget_tokens=budget,
                    running=running,
                    generated_tokens=GENERATED,
                    batched_tokens=STEP,
                )
            )
            found.append(sets.prompt_tokens - cached(cache))
            assert not cache.too_large
        row[by] = found
    return row


def speed(texts: Texts, few: int) -> Row:
    """Tokens and requests a CPU second, of ours and of kvlint on the same first prompts."""
    whole = segments_of(texts, range(len(texts.questions)), LAYOUTS[PLANNED_LAYOUT])
    requests = len(whole.segment_offsets) - 1
    tokens = int(measure(whole)[1].sum())
    rows = {
        "row order": np.arange(requests, dtype=np.uint32),
        "random": np.random.default_rng(SEED).permutation(requests).astype(np.uint32),
    }
    budget, running = CACHES[0]
    found: Row = {}
    for by, sending in rows.items():
        for kind, more in (("100 generated", GENERATED), ("1 generated", 1)):
            chosen = CacheSettings(
                block_tokens=BLOCK,
                budget_tokens=budget,
                running=running,
                generated_tokens=more,
                batched_tokens=STEP,
            )
            began = time.process_time()
            CacheSimulator(chosen).add(whole, sending)
            seconds = time.process_time() - began
            found[f"{by}, {kind}"] = {
                "mtokens_per_second": tokens / seconds / 1e6,
                "requests_per_second": requests / seconds,
            }
    if find_spec("kvlint"):
        found["kvlint"] = _kvlint(texts, few, budget)
    return found


def _kvlint(texts: Texts, few: int, budget: int) -> Row:
    from kvlint.sim.vllm_blocks import VLLMBlockSimulator  # noqa: PLC0415 - where it is installed

    prompts = list(_prompts(texts, few))
    cache = VLLMBlockSimulator(BLOCK, budget // BLOCK)
    began = time.process_time()
    for ids in prompts:
        cache.feed_tokens("", ids)
    seconds = time.process_time() - began
    return {
        "mtokens_per_second": sum(map(len, prompts)) / seconds / 1e6,
        "requests_per_second": len(prompts) / seconds,
        "requests": len(prompts),
    }


def _prompts(texts: Texts, few: int | None = None) -> Iterator[list[int]]:
    """Token ids of the first prompts, in the order of rows."""
    whole = segments_of(texts, range(len(texts.questions)), LAYOUTS[PLANNED_LAYOUT])
    ids, starts = whole.ids, whole.id_offsets
    for row in range(len(whole.segment_offsets) - 1)[:few]:
        start, end = whole.segment_offsets[row : row + 2]
        parts = [ids[starts[number] : starts[number + 1]] for number in whole.segments[start:end]]
        yield np.concatenate(parts).tolist()


def on_vllm(questions: int) -> Row:
    """Computed tokens that real vLLM counts, in each order, beside the simulated ones."""
    from vllm import LLM, SamplingParams, TokensPrompt  # noqa: PLC0415 - seconds, and only here

    from model_shapes import write_folder  # noqa: PLC0415 - as above

    texts = make(questions, scale=CPU_BLOCK / BLOCK)
    texts = texts._replace(ids=[ids % 40_000 + 1000 for ids in texts.ids])
    layout = LAYOUTS[PLANNED_LAYOUT]
    sets = sent(texts, layout)
    prompts = [TokensPrompt(prompt_token_ids=ids) for ids in _prompts(texts)]
    answers = SamplingParams(max_tokens=8, ignore_eos=True, temperature=0)
    chosen = CacheSettings(
        block_tokens=CPU_BLOCK,
        budget_tokens=96_000,
        running=16,
        generated_tokens=8,
        batched_tokens=4096,
    )
    with tempfile.TemporaryDirectory() as folder:
        engine = LLM(
            str(write_folder(Path(folder) / "model", "two-layers")),
            load_format="dummy",
            enforce_eager=True,
            max_model_len=8192,
            max_num_seqs=chosen.running,
            max_num_batched_tokens=chosen.batched_tokens,
            block_size=chosen.block_tokens,
            num_gpu_blocks_override=chosen.budget_tokens // CPU_BLOCK + 1,
        )
    planned = np.concatenate(
        [order(block) + start for block, start in zip(sets.blocks, _starts(sets), strict=True)]
    )
    rows = len(prompts)
    sendings = {
        "planned": planned,
        "loops": natural_loops(questions, ASPECTS),
        "random": np.random.default_rng(SEED).permutation(rows).astype(np.uint32),
    }
    found: Row = {
        "requests": rows,
        "prompt_tokens": sets.prompt_tokens,
        "ideal_tokens": sets.ideal_tokens,
    }
    for by, sending in sendings.items():
        assert engine.reset_prefix_cache()
        done = engine.generate([prompts[row] for row in sending], answers, use_tqdm=False)
        counted = sets.prompt_tokens - sum(each.num_cached_tokens or 0 for each in done)
        simulated = CacheSimulator(chosen).add(sets.whole, sending)
        found[by] = {"counted": counted, "simulated": sets.prompt_tokens - int(simulated.sum())}
    return found


def _starts(sets: Sent) -> np.ndarray:
    """The first row of each block."""
    sizes = [len(block.segment_offsets) - 1 for block in sets.blocks]
    return np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.uint32)


def main() -> None:
    """Print the table, and keep a record if a file is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--questions", type=int, help=f"{QUESTIONS} if nothing is said; on vLLM 4")
    parser.add_argument("--all-layouts", action="store_true")
    parser.add_argument("--vllm", action="store_true", help="scaled down, on real vLLM")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    refuse_debug_build(parser)
    record = new_record("plan", "prompt tokens computed", seed=SEED)
    if asked.vllm:
        said = "plain loops on vLLM"
        record["vllm"] = on_vllm(asked.questions or 4)
        _say_vllm(record["vllm"])
        ratio = record["vllm"]["loops"]["counted"] / record["vllm"]["planned"]["counted"]
    else:
        texts = make(asked.questions or (60 if asked.quick else QUESTIONS))
        names = list(LAYOUTS) if asked.all_layouts else [PLANNED_LAYOUT]
        record["layouts"] = [_said(simulate_all(texts, name)) for name in names]
        row = next(row for row in record["layouts"] if row["layout"] == PLANNED_LAYOUT)
        ratio, said = max(row["loops"]) / max(row["planned"]), "plain loops"
        record["speed"] = speed(texts, 500 if asked.quick else 3000)
        for by, told in record["speed"].items():
            print(
                f"{by:<28}{told['mtokens_per_second']:8.1f} M tokens/s"
                f"{told['requests_per_second']:10,.0f} requests/s"
            )
    write(record, asked.output)
    say_ratio("plan: prompt tokens computed", ratio, f"fewer than in the order of {said}")


def _said(row: Row) -> Row:
    """Print a line of the table for each order."""
    best = row["ideal_tokens"]
    print(
        f"{row['layout']}: {row['requests']:,} requests, {row['prompt_tokens'] / 1e6:.1f} M tokens"
    )
    known = KNOWN[row["layout"]] if row["requests"] in {90_000, 30_000} else None
    print(f"  {'ideal':<9}{best / 1e6:8.2f} M" + (f"   known {known[0]}" if known else ""))
    for place, by in enumerate(("planned", "loops", "random"), 1):
        figures = "".join(f"{tokens / 1e6:9.2f}" for tokens in row[by])
        beside = f"   known {known[place]}" if known else ""
        print(f"  {by:<9}{figures} M, {max(row[by]) / best - 1:7.1%} above ideal{beside}")
    if row["layout"] == PLANNED_LAYOUT:
        assert max(row["planned"]) <= best * (1 + PROMISED), "more than was promised"
    return row


def _say_vllm(found: Row) -> None:
    print(f"{found['requests']:,} requests, {found['prompt_tokens']:,} tokens")
    print(f"ideal {found['ideal_tokens']:,}")
    for by in ("planned", "loops", "random"):
        counted, simulated = found[by]["counted"], found[by]["simulated"]
        above = counted / found["ideal_tokens"] - 1
        print(
            f"{by:<8}{counted:11,} counted, {above:6.1%} above ideal; {simulated:11,} simulated,"
            f" {simulated / counted:.4f} of it"
        )


if __name__ == "__main__":
    main()
