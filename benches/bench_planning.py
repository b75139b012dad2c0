"""What planning takes: ordering and naming prompts by their segments, and a whole plan on disk.

`segments`: the judgments of `judgment_set.py` (each answer in many prompts, 2,000 tokens each), a
block of 512 questions at a time; timed is what is done with segments, not making them. The order is
checked to hold each row once, and hashes of some prompts against those of their ids joined.

`run`: rows on disk to a plan on disk, texts read, encoded, cut and hashed, in a process of its own.
`shared` is six answers a question in all pairs, both orders; `unique` two answers that no other
judgment shows, `long` the same with ten times the text: memory must not follow the tokens.

`blocks`: what is computed more because order and sharing stop at a block: clusters of thousands of
items, whose questions are shared by items far from each other, planned whole and in blocks.

python benches/bench_planning.py [TOKENIZER] [--requests N ...] [--judgments N ...] [--quick]
                                 [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.batches.cache import CacheSettings, CacheSimulator
from judgefast.batches.trie import Segments, ideal, measure, order
from judgment_set import LAYOUTS, ROWS_OF_QUESTION, make, segments_of
from measure import new_record, refuse_debug_build, say_ratio, write
from stages import begin, run_once

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.datasets.items import Item

LAYOUT = LAYOUTS["rubric q A B aspect"]
BLOCK = 512
"""Questions, or items, of a block."""

CHECKED = 50
"""Prompts of the first block whose hashes are made anew."""

BUDGET_SECONDS, BUDGET_BYTES = 10.0, 2 << 30
"""Of planning a million requests from segments."""

KINDS = {"shared": (6, 600), "unique": (2, 40), "long": (2, 400)}
"""Answers of an item, and about how many tokens each has."""

CHUNK = 1_024

STAGES = {
    "rows to items": ["pipeline.plan.items_of"],
    "keys": ["pipeline.plan.plan_requests"],
    "segments": ["pipeline.prompt_counts.PromptCounts.segments_of"],
    "encode": ["prompts.tokenizer.PromptTokenizer.seal"],
    "hash": ["batches.trie.measure", "prompts.block.PromptBlock.frame_hashes"],
    "order": ["batches.trie.order"],
    "ask once": ["pipeline.plan.ask_once"],
    "write": ["pipeline.plan._written"],
}
"""Names of the package that are timed, by stage."""

CACHE = CacheSettings(
    block_tokens=16,
    budget_tokens=200_000,
    running=64,
    generated_tokens=100,
    batched_tokens=8_192,
)


def checked(segments: Segments, rows: np.ndarray, hashes: np.ndarray) -> None:
    """Look at an order and at some hashes."""
    if not np.array_equal(np.sort(rows), np.arange(len(rows), dtype=np.uint32)):
        sys.exit("the order does not hold each row once")
    for row in range(0, len(rows), max(1, len(rows) // CHECKED)):
        start, end = segments.segment_offsets[row : row + 2].tolist()
        parts = segments.segments[start:end].tolist()
        joined = b"".join(
            segments.ids[segments.id_offsets[part] : segments.id_offsets[part + 1]].tobytes()
            for part in parts
        )
        framed = b"judgefast ids 1\0" + len(joined).to_bytes(8, "little") + joined
        if sha256(framed).digest()[:16] != hashes[row].tobytes():
            sys.exit(f"prompt {row} has another hash than its ids")


def from_segments(started: float, requests: int) -> None:
    """In a process of its own: plan so many requests, and say what it took."""
    spent = {"order": 0.0, "hash and count": 0.0}
    planned = tokens = computed = 0
    while planned < requests:
        questions = min(BLOCK, -(-(requests - planned) // ROWS_OF_QUESTION))
        texts = make(questions, seed=planned)
        segments = segments_of(texts, range(questions), LAYOUT)
        at = time.process_time()
        rows = order(segments)
        then = time.process_time()
        hashes, lengths = measure(segments)
        spent["order"] += then - at
        spent["hash and count"] += time.process_time() - then
        if not planned:
            checked(segments, rows, hashes)
        planned += len(rows)
        tokens += int(lengths.sum())
        computed += ideal(segments)
    facts = {"requests": planned, "prompt_tokens": tokens, "ideal_tokens": computed}
    say = begin(started, (), {})
    print(json.dumps(facts | {"cpu_of": spent}))
    say()


def chunks(kind: str, items: int) -> Iterator[Any]:
    """Items of a kind, as a reader gives them; a text is a slice of a long one, with a number."""
    from judgefast.datasets.items import Answer, Item, text_hash  # noqa: PLC0415 - not measured
    from judgefast.datasets.reader import Chunk  # noqa: PLC0415 - as above
    from null_judge import _WORDS  # noqa: PLC0415 - as above

    answers, tokens = KINDS[kind]
    chance = random.Random(11)  # noqa: S311 - words, not secrets
    pool = " ".join(chance.choices(_WORDS, k=200_000))

    def text(tokens: int) -> str:
        size = 6 * tokens
        at = chance.randrange(len(pool) - 2 * size)
        size = chance.randrange(size // 2, 3 * size // 2)
        return f"{chance.getrandbits(60)}: {pool[at : at + size]}"

    def item(number: int) -> Item:
        question, name = text(tokens // 4), f"item-{number:07d}"
        shown = [text(tokens) for _ in range(answers)]
        return Item(
            item_id=name,
            cluster=name,
            question=question,
            answers=tuple(Answer(each, sha256=text_hash(each)) for each in shown),
            row=number,
            question_sha256=text_hash(question),
        )

    for start in range(0, items, CHUNK):
        made = [item(number) for number in range(start, min(start + CHUNK, items))]
        yield Chunk(made, bytes(16 * len(made)))


def write_rows(folder: Path, kind: str, judgments: int) -> int:
    """Write rows for about so many judgments; the number of items."""
    from judgefast.datasets.run_order import snapshot  # noqa: PLC0415 - not measured

    answers, _ = KINDS[kind]
    items = max(1, judgments // (answers * (answers - 1)))
    reader: Any = SimpleNamespace(
        chunks=lambda: chunks(kind, items),
        summary=SimpleNamespace(items=items),
        expected_bytes=None,
    )
    folder.mkdir()
    return snapshot(reader, folder, seed=1).items


def whole_plan(folder: str, items: str, tokenizer: str) -> None:
    """In a process of its own: plan rows on disk, and say what it took, loading left out."""
    from judgefast.config import RunConfig  # noqa: PLC0415 - its import is timed
    from judgefast.journal.manifest import DataFacts  # noqa: PLC0415 - as above
    from judgefast.journal.run_directory import RunDirectory  # noqa: PLC0415 - as above
    from judgefast.pipeline import plan  # noqa: PLC0415 - as above
    from judgefast.pipeline.directory import manifest_of  # noqa: PLC0415 - as above
    from judgefast.pipeline.judge import judge_of  # noqa: PLC0415 - as above
    from judgefast.prompts import PromptTokenizer  # noqa: PLC0415 - as above
    from judgefast.prompts.decoding import Capabilities  # noqa: PLC0415 - as above
    from judgefast.prompts.model import JudgeModel  # noqa: PLC0415 - as above
    from judgefast.prompts.model_files import chat_template  # noqa: PLC0415 - as above
    from null_engine import NullEngine  # noqa: PLC0415 - as above

    class Engine(NullEngine):
        """One that takes ids, where a tokenizer was named."""

    if tokenizer:
        path = Path(tokenizer)
        encoder = PromptTokenizer(path.read_text(encoding="utf-8"), fast_after=0)
        encoder.seal("x")  # now, and not in the first block, the faster encoder is loaded
        template = chat_template(path.parent)
        Engine.model = JudgeModel(
            name="null", digest="0" * 64, tokenizer=encoder, chat_template=template
        )
        Engine.capabilities = Capabilities(takes="ids", deterministic=True)
    config = RunConfig(rubric="pairwise-bracket", out=folder, engine="null")
    judge = judge_of(config, engine=Engine(lambda: None))
    facts = DataFacts(identity="", items=int(items), read=int(items), layout="pairs")
    say = begin(time.time(), (), STAGES)
    spent = time.process_time()
    with RunDirectory.create(Path(folder), manifest_of(config, judge, facts)) as directory:
        made = plan.plan_run(directory, Path(folder), judge, config, say=[].append)
    spent = time.process_time() - spent
    tokens = made.rendered.prompt_tokens
    total = 0 if tokens is None else int(tokens.astype(np.int64).sum())
    print(json.dumps({"judgments": len(made), "tokens": total, "planning_cpu": spent}))
    say()


def coarse(rows: int, questions: int, seed: int = 3) -> Segments:
    """Both orders of `rows` pairs in one cluster.

    Each compares a new answer with the one answer of the old model to one of the questions, drawn
    for each pair: what pairs have in common is far apart.
    """
    random_numbers = np.random.default_rng(seed)
    question_of = random_numbers.integers(0, questions, rows)
    rubric, tail, first_question = 0, 1, 2
    first_old, first_new = 2 + questions, 2 + 2 * questions
    question, old, new = first_question + question_of, first_old + question_of, np.arange(rows)
    new += first_new
    ends = np.full(rows, rubric), np.full(rows, tail)
    pairs = [(question, old, new), (question, new, old)]
    table = np.stack([np.stack([ends[0], *texts, ends[1]], axis=1) for texts in pairs], axis=1)
    lengths = np.concatenate(
        [
            [500, 20],
            random_numbers.integers(100, 201, questions),
            random_numbers.integers(300, 1001, questions + rows),
        ]
    )
    return Segments(
        table.astype(np.uint32).ravel(),
        np.arange(2 * rows + 1, dtype=np.int64) * table.shape[2],
        random_numbers.integers(0, 150_000, int(lengths.sum())).astype(np.int32),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
    )


def cut(segments: Segments, start: int, end: int) -> Segments:
    """Some prompts of a set, with the numbers that they have there."""
    offsets = segments.segment_offsets[start : end + 1]
    part = segments.segments[offsets[0] : offsets[-1]]
    return segments._replace(segments=part, segment_offsets=offsets - offsets[0])


def lost_by_blocks(items: int, questions: int) -> dict[str, float]:
    """Tokens computed where a long cluster is planned whole, and in blocks."""
    whole = coarse(items, questions)
    tokens = int(measure(whole)[1].astype(np.int64).sum())
    at_once, in_blocks = CacheSimulator(CACHE), CacheSimulator(CACHE)
    cached = int(at_once.add(whole, order(whole)).astype(np.int64).sum())
    in_rows = CacheSimulator(CACHE).add(whole, np.arange(2 * items, dtype=np.uint32))
    of_blocks = 0
    for start in range(0, 2 * items, 2 * BLOCK):
        block = cut(whole, start, min(start + 2 * BLOCK, 2 * items))
        of_blocks += int(in_blocks.add(block, order(block)).astype(np.int64).sum())
    return {
        "items": items,
        "questions": questions,
        "prompt_tokens": tokens,
        "ideal_tokens": ideal(whole),
        "computed_whole": tokens - cached,
        "computed_in_blocks": tokens - of_blocks,
        "computed_in_rows": tokens - int(in_rows.astype(np.int64).sum()),
    }


def show_segments(found: list[dict[str, Any]]) -> None:
    """Print what planning from segments took."""
    for facts in found:
        count = facts["requests"]
        us = {name: 1e6 * seconds / count for name, seconds in facts["cpu_of"].items()}
        print(
            f"{count:,} requests of {facts['prompt_tokens'] / count:,.0f} tokens: "
            f"{sum(us.values()) * count / 1e6:.2f} CPU s, {sum(us.values()):.2f} us each ("
            + ", ".join(f"{name} {each:.2f}" for name, each in us.items())
            + f"), peak {facts['peak_bytes'] / 2**20:.0f} MiB",
            flush=True,
        )


def planned(kind: str, judgments: int, tokenizer: str) -> dict[str, Any]:
    """Make rows, plan them in a process of its own, print and return what it took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "run"
        items = write_rows(folder, kind, judgments)
        facts, said = run_once(__file__, ["run", str(folder), str(items), tokenizer])
        shutil.rmtree(folder)
    facts |= json.loads(said)
    count = facts["judgments"]
    parts = sorted(facts["stages"].items(), key=lambda pair: -pair[1])
    print(
        f"{kind}: {count:,} judgments, {facts['tokens'] / count:,.0f} tokens each: "
        f"{1e6 * facts['planning_cpu'] / count:.1f} us CPU each, "
        f"peak {facts['peak_bytes'] / 2**20:.0f} MiB; "
        + ", ".join(f"{stage} {1e6 * s / count:.1f}" for stage, s in parts[:9]),
        flush=True,
    )
    return facts


def main() -> None:
    """Measure, print, write one record."""
    if sys.argv[1:2] == ["--of"]:
        started, what, *args = sys.argv[2:]
        if what == "segments":
            from_segments(float(started), int(args[0]))
        whole_plan(*args)
        return
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("tokenizer", nargs="?", default="", help="tokenizer.json of a model")
    parser.add_argument(
        "--requests", type=int, nargs="+", default=[10_000, 100_000, 1_000_000, 2_000_000]
    )
    parser.add_argument("--judgments", type=int, nargs="+", default=[200_000, 1_000_000, 2_000_000])
    parser.add_argument("--quick", action="store_true", help="few of all, to see that it runs")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if args.quick:
        args.requests, args.judgments = [5_000], [2_000, 4_000]
    refuse_debug_build(parser)
    record = new_record("planning", "CPU s; bytes", tokenizer=Path(args.tokenizer).parent.name)
    found = []
    for requests in args.requests:
        facts, said = run_once(__file__, ["segments", str(requests)])
        found.append(facts | json.loads(said))
        show_segments(found[-1:])
    few, many = args.judgments[0], args.judgments[-1]
    plans = {f"shared {few}": planned("shared", few, args.tokenizer)}
    for judgments in args.judgments:
        plans[f"unique {judgments}"] = planned("unique", judgments, args.tokenizer)
    plans[f"long {few}"] = planned("long", few, args.tokenizer)
    growth = plans[f"unique {many}"]["peak_bytes"] - plans[f"unique {few}"]["peak_bytes"]
    print(f"unique: {growth / (many - few):.0f} bytes more for each judgment")
    lost = []
    for items, questions in ((1_024, 64), (8_192, 64), (8_192, 1_024)):
        if args.quick:
            items //= 8  # noqa: PLW2901 - less of the same
        lost.append(lost_by_blocks(items, questions))
        told = {name: value / 1e6 for name, value in lost[-1].items() if "_" in name}
        print(f"a cluster of {items:,} items on {questions:,} questions, M tokens:", end=" ")
        print(", ".join(f"{name} {value:.2f}" for name, value in told.items()))
    record |= {"segments": found, "plans": plans, "bytes_a_judgment": growth / (many - few)}
    write(record | {"blocks": lost}, args.output)
    ratio = sum(each["computed_in_rows"] for each in lost) / sum(
        each["computed_in_blocks"] for each in lost
    )
    say_ratio("planning: tokens computed", ratio, "fewer than in the order of the rows")


if __name__ == "__main__":
    main()
