"""Bytes that identify values and items, against their definition in `docs/datasets.md`."""

from __future__ import annotations

from collections import OrderedDict
from datetime import date
from hashlib import sha256
from struct import pack
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.datasets.identity import item_hash, question_cluster, value_bytes
from judgefast.datasets.items import Answer, Item, Turn, text_hash

TEXTS = st.text(max_size=8)
NUMBERS = st.integers() | st.integers(-(2**70), 2**70) | st.floats()
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def frame(raw: bytes) -> bytes:
    return pack("<Q", len(raw)) + raw


def digest(tag: str, *fields: bytes) -> bytes:
    return sha256(tag.encode() + b"\0" + b"".join(map(frame, fields))).digest()


def defined(value: Any) -> bytes:
    """The definition, word by word."""
    match value:
        case None | True | False:
            raw = {None: b"n", True: b"t", False: b"f"}[value]
        case int():
            raw = b"i" + str(value).encode()
        case float():
            raw = b"d" + pack("<d", value)
        case bytes():
            raw = b"b" + value
        case list() | tuple():
            raw = b"l" + b"".join(frame(defined(part)) for part in value)
        case dict():
            names = sorted(name for name, part in value.items() if part is not None)
            pairs = [frame(name.encode()) + frame(defined(value[name])) for name in names]
            raw = b"o" + b"".join(pairs)
        case _:
            raw = b"s" + str(value).encode()
    return raw


@settings(max_examples=50, deadline=None)
@given(VALUES)
def test_a_value_has_the_bytes_of_its_definition(value: Any) -> None:
    assert value_bytes(value) == defined(value)


class Word(str):
    """A text of a type of its own."""

    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [
        2**63 - 1,
        -(2**63),
        2**63,
        -0.0,
        {"\U0001f600": 1, "\uffff": 2, "a": 3, "": 4},
        OrderedDict(b=1, a=[None, {"c": None}]),
        (1, "two", ("three",)),
        date(2026, 1, 2),
        Word("a"),
        "x" * 100_000 + "\u00e9",
    ],
)
def test_an_odd_value_has_the_bytes_of_its_definition(value: Any) -> None:
    assert value_bytes(value) == defined(value)


@pytest.mark.parametrize("depth", [31, 32, 33, 34, 100])
def test_a_nested_value_has_the_bytes_of_its_definition(depth: int) -> None:
    value: Any = "end"
    for level in range(depth):
        value = [value] if level % 2 else {"in": value, "n": level}
    assert value_bytes(value) == defined(value)


def test_what_is_nested_without_an_end_is_an_error_and_no_crash() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(RecursionError):
        value_bytes(value)


@pytest.mark.parametrize("value", ["\ud800", ["a\udfff"], {"\ud800": 1}, {"a": {"b": "\ud800"}}])
def test_a_lone_surrogate_has_no_bytes(value: Any) -> None:
    with pytest.raises(UnicodeEncodeError):
        value_bytes(value)


CONVERSATIONS = st.lists(st.builds(Turn, TEXTS, TEXTS), min_size=1, max_size=3).map(tuple)
ITEM_TEXTS = st.none() | TEXTS | CONVERSATIONS
ANSWERS = st.builds(
    lambda text, model: Answer(text, model, text_hash(text)), ITEM_TEXTS, st.none() | TEXTS
)


@settings(max_examples=50, deadline=None)
@given(
    st.tuples(TEXTS, TEXTS),
    st.tuples(ITEM_TEXTS, ITEM_TEXTS),
    st.lists(ANSWERS, max_size=3).map(tuple),
    st.none() | TEXTS | st.floats(allow_nan=False),
    st.dictionaries(TEXTS, VALUES, max_size=3),
)
def test_an_item_has_the_hash_of_its_definition(
    names: tuple[str, str],
    texts: tuple[Any, Any],
    answers: tuple[Answer, ...],
    gold: str | float | None,
    meta: dict[str, Any],
) -> None:
    question, reference = map(text_hash, texts)
    item = Item(*names, texts[0], answers, texts[1], gold, meta, 7, question, reference)
    fields = [*(name.encode() for name in names), question, reference, defined(gold), defined(meta)]
    for answer in answers:
        fields += [defined(answer.model), text_hash(answer.text)]
    assert item_hash(item) == digest("judgefast item 1", *fields)[:16]
    cluster = digest("judgefast question 1", question, reference)[:16].hex()
    assert question_cluster(question, reference) == cluster


@pytest.mark.parametrize("place", ["item_id", "cluster", "gold", "model", "meta"])
def test_a_lone_surrogate_anywhere_in_an_item_is_no_text(place: str) -> None:
    half = {"item_id": "a", "cluster": "b", "gold": "c", "model": "d", "meta": "e"}
    half[place] = "\udc80"
    answer = Answer("text", half["model"], b"")
    meta = {"key": half["meta"]}
    item = Item(half["item_id"], half["cluster"], None, (answer,), gold=half["gold"], meta=meta)
    with pytest.raises(UnicodeEncodeError):
        item_hash(item)
