"""A table of several aspects, whose formats have labels of different numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.codes import Status
from judgefast.engines.base import Completion, LabelRead
from judgefast.journal.columns import to_batch
from judgefast.prompts.verdict_format import VerdictFormat, VerdictLabel
from judgefast.verdicts.table import VerdictTable

if TYPE_CHECKING:
    import random

    from judgefast.verdicts.columns import VerdictColumns


def levels(count: int) -> VerdictFormat:
    labels = (VerdictLabel(text=str(n), score=float(n)) for n in range(count))
    return VerdictFormat(name="label", labels=tuple(labels))


FORMATS = (levels(3), levels(5), levels(2))
LONGEST = 5
ROWS = 9
"""Judgments, three of each aspect in turn."""


def row_id(row: int) -> bytes:
    return row.to_bytes(16, "little")


def as_probabilities(row: int, labels: int) -> Completion:
    shares = np.arange(1, labels + 1) / sum(range(1, labels + 1))
    return came(row, text="", answers=(LabelRead(0, tuple(map(math.log, shares))),))


def came(row: int, **fields: Any) -> Completion:
    given = {"attempt": 1, "lane": 0, "text": "1", "finish_reason": "stop"}
    return Completion(request_id=row_id(row), **given | fields)


def ways(row: int) -> st.SearchStrategy[Completion]:
    """What may come back for a judgment, with and without probabilities that fit."""
    return st.one_of(
        st.builds(as_probabilities, st.just(row), st.just(len(FORMATS[row % 3].labels))),
        st.builds(as_probabilities, st.just(row), st.integers(1, 6)),
        st.builds(came, st.just(row), text=st.sampled_from(["1", "4", "", "no idea"])),
        st.just(came(row, text="", finish_reason="refused")),
        st.just(came(row, text="", finish_reason="error", error_kind="timeout")),
    )


def table_of(rows: list[int], formats: Any, **fields: Any) -> VerdictTable:
    ids = np.frombuffer(b"".join(map(row_id, rows)), np.uint8).reshape(-1, 16)
    return VerdictTable(ids, formats, planned=np.zeros(len(rows), np.uint8), **fields)


def whole(verdicts: VerdictColumns) -> VerdictColumns:
    """With all columns of probabilities, also where none was read."""
    shares = np.full((len(verdicts.status), LONGEST), np.nan, np.float32)
    shares[:, : verdicts.p_labels.shape[1]] = verdicts.p_labels
    return verdicts._replace(p_labels=shares)


@settings(max_examples=30, deadline=None)
@given(
    said=st.tuples(*(ways(row) for row in range(ROWS))),
    size=st.integers(1, 9),
    order=st.randoms(use_true_random=False),
)
def test_each_aspect_is_read_as_it_is_alone_whatever_the_others_are(
    said: tuple[Completion, ...], size: int, order: random.Random
) -> None:
    aspect = np.arange(ROWS, dtype=np.uint16) % 3
    live, later = (table_of(list(range(ROWS)), FORMATS, aspect=aspect) for _ in range(2))
    beside = live.beside(FORMATS)
    mixed = order.sample(said, len(said))
    for start in range(0, ROWS, size):
        part = mixed[start : start + size]
        live.add_live(part, "a")
        later.add(to_batch(part, launch="a", first_row=start))
    for table in (live, beside, later):
        verdicts = table.verdicts()
        assert verdicts.p_labels.shape in {(ROWS, 0), (ROWS, LONGEST)}
        for number, form in enumerate(FORMATS):
            own = [row for row in range(ROWS) if row % 3 == number]
            alone = table_of(own, form)
            alone.add_live([said[row] for row in own], "a")
            found = whole(verdicts).take(np.array(own))
            for name, column in whole(alone.verdicts())._asdict().items():
                np.testing.assert_array_equal(getattr(found, name), column, err_msg=name)


def test_room_is_made_once_for_the_longest_scale() -> None:
    table = table_of([0, 1], FORMATS[:2], aspect=np.arange(2, dtype=np.uint16))
    table.add_live([as_probabilities(0, 3)], "a")
    held = table.snapshot().p_labels
    assert held.shape == (2, LONGEST)
    np.testing.assert_allclose(held[0], [1 / 6, 2 / 6, 3 / 6, np.nan, np.nan], rtol=1e-6)
    table.add_live([came(1, text="", finish_reason="refused")], "a")
    verdicts = table.verdicts()
    assert verdicts.status.tolist() == [Status.PARSED, Status.REFUSED]
    np.testing.assert_array_equal(verdicts.p_labels, held)
