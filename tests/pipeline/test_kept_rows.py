"""One pass over what servers said: as an oracle that looks at one question at a time has it."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import combinations
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.engines.decisions.asked import Kept, Put, kept_text
from judgefast.pipeline import kept_rows
from judgefast.pipeline.kept_rows import kept_rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ORDERS = st.sampled_from([(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 1), (1, 0), (0, 0), (5, 6), (1,)])


@st.composite
def puts(draw: Any) -> Put:
    order = draw(ORDERS)
    count = draw(st.sampled_from([len(order), len(order), len(order), 0, 2]))
    p = tuple(draw(st.lists(st.floats(0, 1), min_size=count, max_size=count)))
    return Put(order, p, confidence=draw(st.sampled_from([None, 0.25, 0.75])))


def by_question(said: Sequence[Put]) -> tuple[int, tuple[float, float, float] | None]:
    """How often a question was answered; flip, bias and gain where its orders differ."""
    answered = [
        put
        for put in said
        if put.p and len(put.p) == len(put.order) and set(put.order) == {*range(len(put.order))}
    ]
    orders = {put.order for put in answered}
    if len(orders) < 2 or len({len(order) for order in orders}) > 1:
        return len(answered), None
    shares = [dict(zip(put.order, put.p, strict=True)) for put in answered]
    best = [min(each, key=lambda option: (-each[option], option)) for each in shares]
    pairs = list(combinations(best, 2))
    gains = []
    for put, own in zip(answered, shares, strict=True):
        first = put.order[0]
        others = [
            each[first]
            for each, other in zip(shares, answered, strict=True)
            if other.order[0] != first
        ]
        if others:
            gains.append(own[first] - sum(others) / len(others))
    return len(answered), (
        sum(one != other for one, other in pairs) / len(pairs),
        sum(put.p[0] for put in answered) / len(answered) - 1 / len(answered[0].order),
        sum(gains) / len(gains) if gains else math.nan,
    )


def reading(texts: Sequence[str], counted: Sequence[int], *, labels_only: bool = True) -> Any:
    def completions(columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        known = {
            "launch": ["a"] * len(texts),
            "row": list(range(len(texts))),
            "text": list(texts),
            "prompt_tokens": [10] * len(texts),
            "finish_reason": ["stop"] * len(texts),
            "error_kind": pa.array([None] * len(texts), pa.string()),
        }
        yield pa.record_batch({name: known[name] for name in columns})

    def counted_for(batch: pa.RecordBatch) -> Any:
        return np.array(counted, np.int64)[: batch.num_rows]

    return SimpleNamespace(
        directory=SimpleNamespace(
            completions=completions,
            manifest=SimpleNamespace(options={"labels_only": labels_only}),
        ),
        table=SimpleNamespace(answers=SimpleNamespace(counted_for=counted_for)),
        plan=SimpleNamespace(
            columns=SimpleNamespace(item=np.arange(len(texts), dtype=np.uint32) + 7)
        ),
    )


@given(
    st.lists(
        st.tuples(
            st.lists(st.lists(puts(), max_size=3), max_size=3),
            st.booleans(),
            st.sampled_from(["m", "n"]),
        ),
        min_size=1,
        max_size=9,
    ),
    st.integers(1, 4),
)
@settings(max_examples=60, deadline=None)
def test_questions_are_gathered_by_their_orders_and_come_to_what_each_says_alone(
    said: list[tuple[list[list[Put]], bool, str]], lines: int
) -> None:
    texts = [
        kept_text(Kept(model, tuple(map(tuple, questions)), usd=0.5))
        for questions, _, model in said
    ]
    counted = [row if counts else -1 for row, (_, counts, _) in enumerate(said)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_rows, "_LINES", lines)
        found = kept_rows_of(reading(texts, counted))
    assert found is not None
    times: dict[int, int] = defaultdict(int)
    models: dict[str, int] = defaultdict(int)
    wanted, own = [], []
    for row, (questions, counts, model) in enumerate(said):
        models[model] += counts
        for question in questions if counts else ():
            often, facts = by_question(question)
            times[often] += 1
            if facts is not None:
                wanted.append((row + 7, *facts))
            own += [
                put.confidence
                for put in question
                if put.confidence is not None and by_question([put])[0]
            ]
    rows = found.rows
    assert {n: int(rows.times[n]) for n in range(1, len(rows.times)) if rows.times[n]} == {
        n: many for n, many in times.items() if n
    }
    columns = zip(rows.item, rows.flipped, rows.bias, rows.gain, strict=True)
    left = [tuple(map(float, each)) for each in columns]
    assert len(left) == len(wanted)
    for each in wanted:
        near = [one == pytest.approx(each, abs=1e-6, nan_ok=True) for one in left]
        left.pop(near.index(True))
    assert found.models == {name: many for name, many in models.items() if many}
    assert found.confidence == (pytest.approx(sum(own) / len(own)) if own else None)
    # what does not count is paid for all the same
    assert found.paid.usd == pytest.approx(0.5 * len(said))


def test_texts_of_a_judge_that_writes_are_not_looked_at() -> None:
    text = kept_text(Kept("m", ((Put((0, 1), (0.5, 0.5)),),)))
    assert kept_rows_of(reading([text], [0], labels_only=False)) is None


def test_what_stays_of_a_question_is_a_few_bytes() -> None:
    question = (Put((0, 1), (0.5, 0.5)), Put((1, 0), (0.25, 0.75)))
    text = kept_text(Kept("m", (question,) * 3))
    found = kept_rows_of(reading([text] * 5, range(5)))
    assert found is not None
    columns = found.rows[:4]
    assert sum(column.itemsize for column in columns) == 16
    assert {len(column) for column in columns} == {15}
    assert found.rows.times.tolist() == [0, 0, 15]
