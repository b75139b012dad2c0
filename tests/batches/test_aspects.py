"""Plans of several aspects: what each is called, and who asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.batches.test_plan import MODES, coordinates, item, planned

from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from tests.batches.test_plan import Batch

NAMES = ("clarity", "tone", "truth")
HASHES = ("aa" * 32, "bb" * 32, "cc" * 32)
SHAPES = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(MODES),
        "orders": st.sampled_from(["both", "one"]),
        "repeats": st.integers(1, 3),
        "pairs": st.sampled_from(["all", "sparse:1"]),
    }
).map(lambda shape: shape if shape["mode"] == "pairwise" else shape | {"pairs": "all"})
SIZES = st.lists(st.integers(2, 4), min_size=1, max_size=3)


@given(SHAPES, SIZES, st.permutations(range(3)))
@settings(max_examples=30, deadline=None)
def test_an_aspect_has_its_keys_whatever_is_asked_beside_it(
    batch: Batch, shape: dict[str, Any], sizes: list[int], order: list[int]
) -> None:
    items = batch([item(f"q{place}", *"abcd"[:size]) for place, size in enumerate(sizes)])
    names, hashes = [NAMES[place] for place in order], [HASHES[place] for place in order]
    whole = planned(items, aspects=names, prompt_hash=hashes, **shape)
    for code, (name, prompt_hash) in enumerate(zip(names, hashes, strict=True)):
        alone = planned(items, aspects=[name], prompt_hash=prompt_hash, **shape)
        own = whole.aspect == code
        assert whole.key[own].tobytes() == alone.key.tobytes()
        is_same = whole.prefix_group[own].tobytes() == alone.prefix_group.tobytes()
        assert is_same == (code == 0), "a group is named by the first aspect"
    groups = {(place, group) for place, group in zip(whole.item, whole.prefix_group, strict=True)}
    assert len(groups) == len(sizes)


@given(SHAPES, SIZES)
@settings(max_examples=30, deadline=None)
def test_the_row_of_the_first_aspect_asks_for_all(
    batch: Batch, shape: dict[str, Any], sizes: list[int]
) -> None:
    items = batch([item(f"q{place}", *"abcd"[:size]) for place, size in enumerate(sizes)])
    plan = planned(items, aspects=NAMES, prompt_hash="aa" * 32, together=True, **shape)
    places = coordinates(plan)
    first = {
        (number, shown, repeat): row
        for row, (number, shown, aspect, repeat) in enumerate(places)
        if aspect == 0
    }
    expected = [first[number, shown, repeat] for number, shown, _, repeat in places]
    assert plan.asked_by.tolist() == expected
    assert plan.request_id.tobytes() == plan.key[plan.asked_by].tobytes()
    assert len({key.tobytes() for key in plan.key}) == len(places)


def test_hashes_that_are_not_one_an_aspect_are_refused(batch: Batch) -> None:
    with pytest.raises(ConfigError, match="`prompt_hash` has 2 hashes; there are 3 aspects"):
        planned(batch([item("q", "a", "b")]), aspects=NAMES, prompt_hash=HASHES[:2])
