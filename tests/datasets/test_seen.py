"""Ids that were seen, beside a plain dict."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from judgefast.datasets.seen import SeenIds


@given(st.lists(st.lists(st.sampled_from([f"id{n}" for n in range(40)]), max_size=30), max_size=12))
def test_each_repeat_is_told_where_the_id_was_first(batches: list[list[str]]) -> None:
    seen, oracle, position = SeenIds(), dict[str, int](), 0
    for batch in batches:
        positions = list(range(position, position + len(batch)))
        position += len(batch)
        expected = []
        for item_id, place in zip(batch, positions, strict=True):
            expected.append(oracle.get(item_id))
            oracle.setdefault(item_id, place)
        assert seen.add(batch, positions) == expected


def test_many_ids_stay_in_few_runs() -> None:
    seen = SeenIds()
    for start in range(0, 50_000, 100):
        ids = [f"id{number}" for number in range(start, start + 100)]
        assert seen.add(ids, list(range(start, start + 100))) == [None] * 100
    assert seen.add(["id31234", "new"], [60_000, 60_001]) == [31_234, None]
    assert len(seen._runs) < 12
