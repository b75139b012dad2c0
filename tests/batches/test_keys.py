"""Keys against their definition, spelled out with hashlib, and against the vectors of the docs."""

from __future__ import annotations

import tomllib
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.batches import plan_requests, sampling_seed
from judgefast.datasets.items import text_hash

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    Batch = Callable[[list[dict[str, Any]]], pa.RecordBatch]

PAGE = Path(__file__).parents[2] / "docs" / "keys.md"


def framed(tag: str, *fields: bytes) -> bytes:
    """The hash of the page, in its words."""
    message = tag.encode() + b"\x00"
    for field in fields:
        message += len(field).to_bytes(8, "little") + field
    return sha256(message).digest()


def u16(number: int) -> bytes:
    return number.to_bytes(2, "little")


def key_in_words(item: dict[str, Any], shown: tuple[int, ...], run: dict[str, Any]) -> bytes:
    """The key of one judgment, by the definition in `docs/keys.md`."""
    question, reference = (text_hash(item.get(name)) for name in ("question", "reference"))
    return framed(
        "judgefast key 1",
        item["item_id"].encode(),
        framed("judgefast content 1", question, reference),
        u16(len(shown)),
        *(text_hash(item["answers"][answer]) for answer in shown),
        b"".join(map(u16, shown)),
        b"",
        run["judge"].encode(),
        run["prompt_hash"].encode(),
        run["aspect"].encode(),
        run["repeat"].to_bytes(4, "little"),
    )[:16]


text = st.text(max_size=8)
items = st.fixed_dictionaries(
    {
        "item_id": st.text(min_size=1, max_size=8),
        "question": st.none() | text,
        "reference": st.none() | text,
        "answers": st.lists(st.none() | text, min_size=2, max_size=4),
    }
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(items, max_size=3, unique_by=lambda item: item["item_id"]),
    st.sampled_from(["pairwise", "scalar", "binary", "choice"]),
    st.sampled_from(["both", "one"]),
    st.integers(0, 2**64 - 1),
)
def test_a_plan_is_what_the_definition_says(
    batch: Batch, some: list[dict[str, Any]], mode: str, orders: str, seed: int
) -> None:
    run: dict[str, Any] = {"judge": "judge é@1", "prompt_hash": "0f" * 32}
    aspects = ["x", "größe"]
    how: dict[str, Any] = {"mode": mode, "orders": orders, "seed": seed, "repeats": 2}
    plan = plan_requests(batch(some), aspects=aspects, **how, **run)
    for row, number in enumerate(plan.item):
        item, shown = some[number], plan.shown_in(row)
        asked = {"aspect": aspects[plan.aspect[row]], "repeat": int(plan.repeat[row])}
        assert plan.key[row].tobytes() == key_in_words(item, shown, run | asked)
        question = text_hash(item["question"])
        rest = (question,) if question else (b"", item["item_id"].encode())
        group = framed("judgefast group 1", run["prompt_hash"].encode(), *rest)[:8]
        assert int(plan.prefix_group[row]) == int.from_bytes(group, "little")
        if orders == "one" and len(shown) > 1:
            several = mode == "pairwise" and len(item["answers"]) > 2
            pair = (b"".join(map(u16, sorted(shown))),) if several else ()
            seeded = (seed.to_bytes(8, "little"), item["item_id"].encode(), *pair)
            assert plan.swapped[row] == framed("judgefast orientation 1", *seeded)[0] & 1
    np.testing.assert_array_equal(plan.request_id, plan.key)


def vectors() -> list[dict[str, Any]]:
    """The TOML block of the page."""
    block = PAGE.read_text().split("```toml\n")[1].split("```")[0]
    return tomllib.loads(block)["vector"]


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: vector["name"])
def test_the_vectors_of_the_docs_are_what_the_kernel_makes(
    vector: dict[str, Any], batch: Batch
) -> None:
    run = {name: vector[name] for name in ("judge", "prompt_hash")}
    plan = plan_requests(
        batch([vector]),
        mode=vector["mode"],
        orders="both",
        repeats=vector["repeat"] + 1,
        seed=0,
        aspects=[vector["aspect"]],
        **run,
    )
    wanted = (tuple(vector["shown"]), vector["repeat"])
    rows = [r for r in range(len(plan.item)) if (plan.shown_in(r), plan.repeat[r]) == wanted]
    key = plan.key[rows[0]].tobytes()
    assert key.hex() == vector["key"]
    assert f"{int(plan.prefix_group[rows[0]]):016x}" == vector["prefix_group"]
    assert f"{sampling_seed(key):016x}" == vector["sampling_seed"]


def test_changed_work_has_another_key(batch: Batch) -> None:
    item: dict[str, Any] = {"item_id": "q", "question": "x", "answers": ["a", "b"]}
    how: dict[str, Any] = {"mode": "pairwise", "orders": "both", "seed": 0, "repeats": 1}
    run = {"judge": "j", "prompt_hash": "00", "aspects": ["x"]}
    changes = [
        ({}, {}),
        ({"item_id": "r"}, {}),
        ({"question": "y"}, {}),
        ({"reference": ""}, {}),
        ({"answers": ["a", "c"]}, {}),
        ({"answers": ["a", None]}, {}),
        ({}, {"judge": "k"}),
        ({}, {"prompt_hash": "01"}),
        ({}, {"aspects": ["y"]}),
    ]
    keys = [
        {key.tobytes() for key in plan_requests(batch([item | a]), **how, **(run | b)).key}
        for a, b in changes
    ]
    assert len(set.union(*keys)) == 2 * len(changes)


def test_the_seed_of_the_shuffle_is_no_part_of_a_key(batch: Batch) -> None:
    rows = batch([{"item_id": "q", "answers": ["a", "b"]}])
    how: dict[str, Any] = {"mode": "pairwise", "orders": "both", "repeats": 1, "aspects": ["x"]}
    one, two = (
        plan_requests(rows, seed=seed, judge="j", prompt_hash="", **how).key for seed in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


def test_a_sampling_seed_has_63_bits() -> None:
    seeds = [sampling_seed(bytes([n] * 16)) for n in range(200)]
    assert max(seeds) < 2**63
    assert min(seeds) >= 0
    assert len(set(seeds)) == 200
