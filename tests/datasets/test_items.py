"""From rows to items: shapes, ids, clusters, gold, meta."""

from __future__ import annotations

import struct
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.datasets import Item, ReadOptions, Turn, read_items, text_hash
from judgefast.errors import ConfigError, DataError

PAIR = {"id": "p", "question": "Q", "answer_a": "x", "answer_b": "y"}


def items(*rows: dict[str, Any], **options: object) -> list[Item]:
    return list(read_items(list(rows), ReadOptions(**options)))


def refusal(*rows: dict[str, Any], **options: object) -> str:
    with pytest.raises(DataError) as caught:
        items(*rows, **options)
    return str(caught.value)


def test_a_pair_keeps_its_texts_models_and_gold() -> None:
    row = PAIR | {"model_a": "m1", "model_b": "m2", "reference": "R", "gold": "B", "lang": "de"}
    (item,) = items(row)
    assert (item.item_id, item.question, item.reference, item.gold) == ("p", "Q", "R", "b")
    assert [(a.text, a.model, a.empty) for a in item.answers] == [
        ("x", "m1", False),
        ("y", "m2", False),
    ]
    assert item.meta == {"lang": "de"}
    assert [a.sha256 for a in item.answers] == [text_hash("x"), text_hash("y")]


def test_a_single_answer_and_a_list_of_answers_are_items_too() -> None:
    (single,) = items({"question": "Q", "answer": "x", "model": "m", "gold": 4})
    assert (len(single.answers), single.answers[0].model, single.gold) == (1, "m", 4.0)
    answers = [{"model": "m", "text": "x"}, {"text": "y"}, {"model": "n", "text": "z"}]
    (several,) = items({"question": "Q", "answers": answers, "gold": "C"})
    assert [(a.model, a.text) for a in several.answers] == [("m", "x"), (None, "y"), ("n", "z")]
    assert several.gold == "c"


def test_a_conversation_comes_through_turn_by_turn() -> None:
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]
    parts = [{"role": "user", "content": [{"type": "text", "text": "a"}, {"text": "b"}]}]
    (item,) = items({"question": turns, "answer": "x", "reference": parts})
    assert item.question == (Turn("user", "Hi"), Turn("assistant", "Ho"))
    assert item.reference == (Turn("user", "a\nb"),)
    assert item.question_sha256 == text_hash(item.question) != text_hash("Hi")


@pytest.mark.parametrize(
    ("gold", "read"),
    [
        ("a", "a"),
        ("A", "a"),
        ("answer_b", "b"),
        ("model_b", "b"),
        ("Tie", "tie"),
        (None, None),
        ("", None),
    ],
)
def test_gold_of_a_pair_is_a_letter_or_tie(gold: str | None, read: str | None) -> None:
    assert items(PAIR | {"gold": gold})[0].gold == read


@pytest.mark.parametrize("gold", ["c", "1", 1, "better", True])
def test_gold_of_a_pair_is_nothing_else(gold: object) -> None:
    assert "field `gold`: expected a, b or tie, saw" in refusal(PAIR | {"gold": gold})


@pytest.mark.parametrize(
    ("gold", "read"),
    [(3, 3.0), (2.5, 2.5), ("4", 4.0), ("1_0", "1_0"), ("nan", "nan"), ("good", "good"), (True, 1)],
)
def test_gold_of_a_single_answer_is_a_number_or_a_label(gold: object, read: object) -> None:
    assert items({"answer": "x", "gold": gold})[0].gold == read


@pytest.mark.parametrize(("given", "text"), [(7, "7"), (7.0, "7"), (2.5, "2.5"), ("007", "007")])
def test_a_numeric_id_becomes_its_decimal_text(given: object, text: str) -> None:
    assert items(PAIR | {"id": given})[0].item_id == text


@pytest.mark.parametrize("given", [True, ["p"], {"a": 1}])
def test_an_id_of_another_type_is_refused(given: object) -> None:
    assert "`rows`, row 1, field `id`: expected text or a number, saw" in refusal(
        PAIR | {"id": given}
    )


def test_the_cluster_is_the_question_with_its_reference() -> None:
    one, other, with_reference, named, lone = items(
        PAIR | {"id": 1, "source": "s1"},
        PAIR | {"id": 2, "answer_a": "else", "model_a": "m"},
        PAIR | {"id": 3, "reference": "R"},
        PAIR | {"id": 4, "cluster": 17},
        {"id": "lone", "answer_a": "x", "answer_b": "y"},
    )
    assert one.cluster == other.cluster
    assert with_reference.cluster != one.cluster
    assert (named.cluster, lone.cluster) == ("17", "lone")

    def framed(part: bytes) -> bytes:
        return struct.pack("<Q", len(part)) + part

    question = sha256(b"judgefast text 1\0" + framed(b"Q")).digest()
    whole = sha256(b"judgefast question 1\0" + framed(question) + framed(b"")).digest()
    assert one.cluster == whole[:16].hex()


def test_an_empty_question_is_no_question() -> None:
    (item,) = items({"question": "", "answer": "x"})
    assert item.question is None
    assert item.cluster == item.item_id


def test_a_missing_id_is_the_hash_of_the_whole_row() -> None:
    bare = {key: value for key, value in PAIR.items() if key != "id"}
    first, second, third, other = items(bare, bare, dict(reversed(bare.items())), bare | {"z": 1})
    assert len(first.item_id) == 32
    assert [second.item_id, third.item_id] == [f"{first.item_id}#2", f"{first.item_id}#3"]
    assert other.item_id[:32] != first.item_id
    assert items(bare | {"id": None, "gold": None, "z": None})[0].item_id == first.item_id


def test_identical_rows_are_counted() -> None:
    reader = read_items([{"answer": "x"}] * 5_000)
    ids = [item.item_id for item in reader]
    assert ids == [ids[0]] + [f"{ids[0]}#{number}" for number in range(2, 5_001)]
    assert reader.summary.identical_rows == 4_999
    assert reader.summary.items == reader.summary.rows == 5_000


def test_the_numbered_id_counts_in_the_identity_and_is_never_taken_twice() -> None:
    bare = {"question": "Q", "answer": "x"}
    first, second = items(bare, bare)
    numbered, named = (
        read_items([bare, bare]),
        read_items([bare | {"id": first.item_id}, bare | {"id": second.item_id}]),
    )
    assert [len(list(reader)) for reader in (numbered, named)] == [2, 2]
    assert numbered.summary.identity == named.summary.identity
    ids = [item.item_id for item in items(bare | {"id": second.item_id}, bare, bare)]
    assert ids == [second.item_id, first.item_id, f"{first.item_id}#3"]


def test_the_id_of_a_row_is_as_documented() -> None:
    def framed(part: bytes) -> bytes:
        return struct.pack("<Q", len(part)) + part

    row = {"answer": "é", "n": 3, "x": 0.5, "ok": True, "tags": ["t", None], "skip": None}
    fields = {
        b"answer": "sé".encode(),
        b"n": b"i3",
        b"ok": b"t",
        b"tags": b"l" + framed(b"st") + framed(b"n"),
        b"x": b"d" + struct.pack("<d", 0.5),
    }
    coded = b"o" + b"".join(framed(key) + framed(value) for key, value in fields.items())
    digest = sha256(b"judgefast row 1\0" + framed(coded)).digest()
    assert items(row)[0].item_id == digest[:16].hex()


def test_unknown_scalars_go_to_meta_and_nested_fields_are_counted() -> None:
    reader = read_items(
        [PAIR | {"lang": "de", "n": 2, "none": None, "tags": [1], "meta": {"k": 1}}]
    )
    (item,) = reader
    assert item.meta == {"lang": "de", "n": 2, "k": 1}
    assert reader.summary.ignored_fields == {"tags": 1}


def test_meta_must_be_an_object() -> None:
    assert 'field `meta`: expected an object, saw "x"' in refusal(PAIR | {"meta": "x"})


def test_an_answer_field_of_another_shape_is_meta() -> None:
    assert items(PAIR | {"answer": "42", "model": "m"})[0].meta == {"answer": "42", "model": "m"}


def test_empty_answers_are_an_error_by_default() -> None:
    assert refusal(PAIR | {"answer_b": " \n"}) == (
        "`rows`, row 1, field `answer_b`: the answer is empty"
    )


@pytest.mark.parametrize("blank", ["", " \t\n", None, [{"role": "assistant", "content": " "}]])
@pytest.mark.parametrize(("policy", "empty"), [("judge", False), ("lose", True)])
def test_empty_answers_are_judged_or_lose(blank: object, policy: str, *, empty: bool) -> None:
    rows = [PAIR | {"answer_b": blank, "model_b": "m2"}]
    reader = read_items(rows, ReadOptions(on_empty=policy))
    (item,) = reader
    assert [answer.empty for answer in item.answers] == [False, empty]
    assert reader.summary.empty_answers == {"m2": 1}
    if isinstance(blank, str):
        assert item.answers[1].text == blank


def test_empty_answers_are_skipped_and_counted_per_model() -> None:
    rows = [PAIR | {"answer_a": ""}, PAIR | {"id": 2}, PAIR | {"id": 3, "answer_b": ""}]
    reader = read_items(rows, ReadOptions(on_empty="skip"))
    assert [item.item_id for item in reader] == ["2"]
    assert reader.summary.skipped == {"empty_answer": 2}
    assert reader.summary.empty_answers == {"answer_a": 1, "answer_b": 1}


def test_rows_without_texts_serve_a_replay() -> None:
    rows = [{"id": 1, "gold": "B"}, {"id": 2, "model_a": "m", "model_b": "n"}]
    one, two = items(*rows, texts_required=False)
    assert [answer.text for answer in one.answers] == [None, None]
    assert (one.gold, one.cluster) == ("b", "1")
    assert [answer.model for answer in two.answers] == ["m", "n"]
    (single,) = items({"id": 1}, texts_required=False, num_answers=1)
    with pytest.raises(DataError, match="row 2, field `answer_b`: the field is missing"):
        items(
            {"id": 1, "answer_a": "x", "answer_b": "y"},
            {"id": 2, "answer_a": "x"},
            texts_required=False,
        )
    assert len(single.answers) == 1


def test_lone_surrogates_become_replacement_characters_and_are_counted() -> None:
    row = {"answer": "a\ud83d", "m": "\udc00b\ud83d", "model": "\ud83d\ude00", "k\ud800": "v"}
    reader = read_items([row, {"answer": "plain"}])
    item = next(iter(reader))
    assert item.answers[0].text == "a\ufffd"
    assert item.answers[0].model == "😀"
    assert item.meta == {"m": "\ufffdb\ufffd", "k\ufffd": "v"}
    assert reader.summary.replaced_surrogates == 4


VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
ROWS = st.lists(
    st.fixed_dictionaries(
        {"question": st.text(), "answer": st.text(min_size=1).filter(lambda t: t.strip())},
        optional={"model": st.text(), "gold": st.integers(1, 5), "extra": VALUES},
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, data=st.data())
def test_the_identity_is_free_of_the_order_of_rows(rows: list[Any], data: st.DataObject) -> None:
    def identity(order: list[Any]) -> str:
        reader = read_items(order)
        assert sum(1 for _ in reader) == len(rows)
        return reader.summary.identity

    assert identity(rows) == identity(data.draw(st.permutations(rows)))
    assert len(identity(rows)) == 32


@pytest.mark.parametrize(
    "change",
    [{"answer_a": "X"}, {"gold": "a"}, {"model_a": "m"}, {"reference": "R"}, {"z": 1}, {"id": "q"}],
)
def test_the_identity_covers_all_that_a_result_depends_on(change: dict[str, Any]) -> None:
    identities = set()
    for row in (PAIR, PAIR | change):
        reader = read_items([row])
        list(reader)
        identities.add(reader.summary.identity)
    assert len(identities) == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"map": {"anwser": "x"}}, "map: `anwser` is no field of judgefast"),
        ({"on_empty": "loose"}, "on_empty: `loose` is unknown"),
        ({"on_bad_row": "skp"}, "on_bad_row: `skp` is unknown"),
        ({"max_row_bytes": 0}, "max_row_bytes is 0"),
    ],
)
def test_unknown_settings_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ReadOptions(**options)
