"""CPU and memory of a report's pass over what decision servers said, beside a question at a time.

Completions hold three choices, each put in two orders, as the journal has them. The rival decodes
each by msgspec too, and holds the answers to one question against each other in an array of its
own. Both must find the same mean gain of a first place.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from judgefast.engines.decisions.asked import Kept, Put, kept_text, read_kept
from judgefast.pipeline.kept_rows import kept_rows_of
from judgefast.stats.option_orders import option_orders
from measure import new_record, refuse_debug_build, say_ratio, write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ASPECTS = 3
ORDERS = 2
"""Of the answers of an item: completions about it."""
DIFFERENT = 1 << 12
"""Texts that are made; the journal repeats them."""
FORWARD, REVERSED = (0, 1, 2), (2, 1, 0)
TOLERANCE = 1e-6


def texts(rng: np.random.Generator) -> list[str]:
    """Make completions of a judge that likes what stands first, by chance."""

    def put(order: tuple[int, ...]) -> Put:
        p = rng.dirichlet([2, 1, 1])
        return Put(order, tuple(p.tolist()), sum=1.0, confidence=0.5)

    return [
        kept_text(Kept("m", tuple((put(FORWARD), put(REVERSED)) for _ in range(ASPECTS))))
        for _ in range(DIFFERENT)
    ]


def reading_of(made: list[str], items: int) -> Any:  # noqa: ANN401 - as much of a reading as is looked at
    """A run as a report has it, whose journal is made while it is read."""
    rows = items * ORDERS
    whole: dict[str, Any] = {
        "launch": ["a"] * DIFFERENT,
        "row": np.arange(DIFFERENT),
        "text": made,
        "prompt_tokens": [100] * DIFFERENT,
        "finish_reason": ["stop"] * DIFFERENT,
        "error_kind": pa.nulls(DIFFERENT, pa.string()),
    }
    batch = pa.record_batch(whole)

    def completions(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        for start in range(0, rows, DIFFERENT):
            part = batch.select(columns).slice(0, min(DIFFERENT, rows - start))
            at = part.schema.get_field_index("row")
            yield part.set_column(at, "row", pa.array(np.arange(start, start + part.num_rows)))

    answers = SimpleNamespace(counted_for=lambda part: part.column("row").to_numpy() * ASPECTS)
    item = np.repeat(np.arange(items, dtype=np.uint32), ORDERS * ASPECTS)
    return SimpleNamespace(
        directory=SimpleNamespace(
            completions=completions, manifest=SimpleNamespace(options={"labels_only": True})
        ),
        table=SimpleNamespace(answers=answers),
        plan=SimpleNamespace(columns=SimpleNamespace(item=item)),
        items=SimpleNamespace(cluster_id64=np.arange(items, dtype=np.uint64)),
    )


def one_by_one(made: Sequence[str]) -> float:
    """Mean gain of a first place, a question at a time."""
    gains = []
    for text in made:
        kept = read_kept(text)
        for puts in () if kept is None else kept.questions:
            shares = np.zeros((len(puts), len(FORWARD)))
            for row, put in enumerate(puts):
                shares[row, list(put.order)] = put.p
            first = [put.order[0] for put in puts]
            gains.append(np.mean([shares[0, first[0]] - shares[1, first[0]]]))
            gains.append(np.mean([shares[1, first[1]] - shares[0, first[1]]]))
    return float(np.mean(gains))


def main() -> None:
    """Check, measure, print a line, write a record."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="few items, to see that it runs")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if args.quick:
        args.items = 20_000
    refuse_debug_build(parser)
    made = texts(np.random.default_rng(args.seed))
    reading = reading_of(made, args.items)
    before, began = _peak(), time.process_time()
    kept = kept_rows_of(reading)
    assert kept is not None
    found = option_orders(kept.rows, reading.items)
    ours, grew = time.process_time() - began, _peak() - before
    questions = args.items * ORDERS * ASPECTS
    assert found.questions == questions
    again = made[: min(len(made), args.items * ORDERS)]
    began = time.process_time()
    gain = one_by_one(again)
    theirs = (time.process_time() - began) / (len(again) * ASPECTS) * questions
    mean = float(kept.rows.gain[: len(again) * ASPECTS].mean(dtype=np.float64))
    if abs(mean - gain) > TOLERANCE:
        message = f"another gain than ours: {gain} and {mean}"
        raise SystemExit(message)
    print(f"{questions:,} questions: {ours:.1f} CPU s, {grew:.0f} MiB more than before")
    record = new_record("kept", "CPU seconds", **vars(args))
    write(record | {"ours": ours, "one by one": theirs, "grew MiB": grew}, args.output)
    say_ratio("kept: questions of a report", theirs / ours, "an array for each question")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
