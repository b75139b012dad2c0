"""A run directory of many judgments, made in seconds by the library's own writers.

Texts are hashed once for each of 1,000 different items instead of once for each row.
"""

from __future__ import annotations

import random
import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from judgefast.config import RunConfig
from judgefast.datasets.items import Answer, Item, text_hash
from judgefast.datasets.reader import Chunk
from judgefast.datasets.run_order import snapshot
from judgefast.engines.base import Completion
from judgefast.journal.manifest import DataFacts
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline.directory import manifest_of
from judgefast.pipeline.judge import judge_of
from judgefast.pipeline.plan import plan_run
from null_engine import NullEngine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

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
        ids = plan_run(directory, whole, judge, config, say=print).columns.request_id
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


def _journal(directory: RunDirectory, ids: NDArray[np.uint8], first: int) -> None:
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
