"""A run directory of many judgments, made in seconds by the library's own writers.

What takes long in a real run is done once for each of 1,000 different items instead of once for
each row: hashing its texts, rendering its prompts.
"""

from __future__ import annotations

import random
import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.batches.plan import plan_requests
from judgefast.batches.tables import RenderedColumns, asks_table, requests_table
from judgefast.config import RunConfig
from judgefast.datasets.items import Answer, Item, text_hash
from judgefast.datasets.reader import Chunk
from judgefast.datasets.rows import iter_rows
from judgefast.datasets.run_order import snapshot
from judgefast.engines.base import Completion
from judgefast.journal.manifest import DataFacts
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline.directory import manifest_of
from judgefast.pipeline.judge import Judge, judge_of
from null_engine import NullEngine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIFFERENT = 1_000
UNREADABLE = 30
"""Of `DIFFERENT` completions."""

CHUNK = 1_024
WINDOW = 256
"""Completions come back out of order within so many."""

SENTENCE = "the answer names a cause and gives one example but leaves out what was asked first"


def make_run(whole: Path, judgments: int, *, half: Path) -> None:
    """Make a finished run, and the same one as it was when half of it was journaled."""
    config = RunConfig(rubric="pairwise-bracket", out=str(whole), engine="null", slices=("lang",))
    judge = judge_of(config, engine=NullEngine(lambda: None))
    kinds = [_kind(number) for number in range(DIFFERENT)]
    whole.mkdir()
    items = judgments // 2
    reader: Any = SimpleNamespace(
        chunks=lambda: _chunks(kinds, items),
        summary=SimpleNamespace(items=items),
        expected_bytes=None,
    )
    written = snapshot(reader, whole, seed=config.seed)
    facts = DataFacts(identity=written.identity, items=items, read=items, layout="pairs")
    with RunDirectory.create(whole, manifest_of(config, judge, facts)) as directory:
        ids = _plan(directory, judge, config, kinds)
        directory.record_launch({"engine": {"name": "null"}})
        middle = len(ids) // 2
        _journal(directory, ids[:middle], 0)
    shutil.copytree(whole, half)
    with RunDirectory.open(whole, write=True) as directory:
        _journal(directory, ids[middle:], middle)


def _text(number: int) -> str:
    chosen = random.Random(number).choices(SENTENCE.split(), k=34)  # noqa: S311 - words, not a secret
    return f"{number}: {' '.join(chosen)}"


def _kind(number: int) -> Item:
    texts = [_text(3 * number + part) for part in range(3)]
    answers = tuple(
        Answer(text=text, model=model, sha256=text_hash(text))
        for text, model in zip(texts[1:], ("new", "old"), strict=True)
    )
    return Item(
        item_id="",
        cluster="",
        question=texts[0],
        answers=answers,
        gold=("a", "b", "tie", None)[number % 4],
        meta={"lang": ("en", "de", "fr")[number % 3]},
        question_sha256=text_hash(texts[0]),
    )


def _chunks(kinds: list[Item], items: int) -> Iterator[Chunk]:
    for start in range(0, items, CHUNK):
        chunk = []
        for number in range(start, min(start + CHUNK, items)):
            kind = kinds[number % DIFFERENT]
            name = f"item-{number:07d}"
            chunk.append(
                Item(
                    item_id=name,
                    cluster=name,
                    question=kind.question,
                    answers=kind.answers,
                    gold=kind.gold,
                    meta=kind.meta | {"number": number},
                    row=number,
                    question_sha256=kind.question_sha256,
                )
            )
        yield Chunk(chunk, bytes(16 * len(chunk)))


def _plan(
    directory: RunDirectory, judge: Judge, config: RunConfig, kinds: list[Item]
) -> np.ndarray[Any, Any]:
    """Plan all rows; returns the request ids, shape (n, 16)."""
    hashes = np.array(
        [
            [
                np.frombuffer(judge.prompts.render(kind, shown).ids_hash, np.uint8)
                for shown in ((0, 1), (1, 0))
            ]
            for kind in kinds
        ]
    )
    ids, base = [], 0
    for batch in iter_rows(directory.path, batch_rows=65_536 // 2):
        plan = plan_requests(
            batch,
            mode=judge.rubric.mode,
            orders=config.orders,
            repeats=config.repeats,
            seed=config.seed,
            judge=judge.name,
            prompt_hash=judge.prompts.prompt_hash,
            aspects=judge.aspects,
            base=base,
        )
        names: Any = batch.column("item_id")
        kind = batch.column("row").to_numpy() % DIFFERENT
        ids_hash = hashes[kind[plan.item - base], plan.swapped]
        rendered = RenderedColumns(ids_hash, None, None, np.zeros(len(plan.item), np.uint8))
        requests = requests_table(
            plan,
            rendered,
            item_ids=names,
            judge=judge.name,
            prompt_hash=judge.prompts.prompt_hash,
            base=base,
        )
        directory.write_plan(requests, asks_table(plan, judge.aspects))
        ids.append(plan.request_id)
        base += batch.num_rows
    joined = np.concatenate(ids)
    directory.seal_plan({"items": base, "requests": len(joined), "replaced_characters": 0})
    return joined


def _journal(directory: RunDirectory, ids: np.ndarray[Any, Any], first: int) -> None:
    said = [_text(number) for number in range(DIFFERENT)]
    said = [
        text if number < UNREADABLE else f"{text}. [[{'ABC'[number % 3]}]]"
        for number, text in enumerate(said)
    ]
    shuffle = random.Random(first).shuffle  # noqa: S311 - an order, not a secret
    for start in range(0, len(ids), WINDOW):
        completions = [
            Completion(
                request_id=row.tobytes(),
                attempt=1,
                lane=0,
                text=said[(7 * (first + start + place)) % DIFFERENT],
                finish_reason="stop",
                prompt_tokens=412,
                cached_tokens=200,
                completion_tokens=51,
                started=1767225600.0 + start,
                wall_seconds=0.25,
            )
            for place, row in enumerate(ids[start : start + WINDOW])
        ]
        shuffle(completions)
        directory.journal.append(completions)
