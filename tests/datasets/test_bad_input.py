"""Bad input: each mistake with its place, field, what was seen and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from judgefast.datasets import ReadOptions, read_items
from judgefast.datasets.faults import shown, visible
from judgefast.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GOOD = {"id": "g", "question": "Q", "answer_a": "x", "answer_b": "y"}

BAD: list[tuple[Any, str, str]] = [
    (
        '{"id": 1',
        "invalid_json",
        'line 2: not valid JSON: Input data was truncated; saw "{"id": 1"',
    ),
    ("{'id': 1}", "invalid_json", "line 2: not valid JSON"),
    ('{"a": 1,}', "invalid_json", "line 2: not valid JSON"),
    ('{"a": NaN}', "invalid_json", "line 2: not valid JSON"),
    ("[" * 100_000, "invalid_json", "line 2: nested too deeply"),
    (b'{"answer": "\xff"}', "invalid_utf8", "line 2: not UTF-8 at byte 12 of the line, saw ff 22"),
    (b'{"answer": "a\x00b"}', "nul_byte", "line 2: a raw NUL byte at byte 13 of the line"),
    ("[1, 2]", "not_an_object", "line 2: expected a JSON object, saw a list [1, 2]"),
    ('"text"', "not_an_object", 'line 2: expected a JSON object, saw "text"'),
    ("7", "not_an_object", "line 2: expected a JSON object, saw 7"),
    (GOOD | {"id": 2, "answer_b": 42}, "wrong_type", "field `answer_b`: expected text or a list"),
    (GOOD | {"id": 2, "question": {"a": 1}}, "wrong_type", "saw an object {'a': 1}"),
    (GOOD | {"id": 2, "question": ["Hi"]}, "wrong_type", "field `question[0]`: expected a turn"),
    (GOOD | {"id": 2, "question": []}, "bad_value", "field `question`: a conversation without"),
    (GOOD | {"id": 2, "model_a": 3}, "wrong_type", "field `model_a`: expected the name of a model"),
    (
        {"id": 2, "answer_a": "x", "answer_c": "y"},
        "missing_field",
        "field `answer_b`: the field is missing; the row has `id`, `answer_a`, `answer_c`",
    ),
    (GOOD, "duplicate_id", "field `id`: `g` is also the id of `"),
]


@pytest.mark.parametrize(
    ("row", "reason", "words"), BAD, ids=[f"{r[1]}-{i}" for i, r in enumerate(BAD)]
)
def test_a_bad_row_is_named_or_skipped(
    row: object, reason: str, words: str, jsonl: Callable[..., Path]
) -> None:
    path = jsonl(GOOD, row, GOOD | {"id": "last"})
    with pytest.raises(DataError) as caught:
        list(read_items(path))
    message = str(caught.value)
    assert message.startswith(f"`{path}`, line 2")
    assert words in message
    assert caught.value.hint or reason in ("wrong_type", "bad_value")

    reader = read_items(path, ReadOptions(on_bad_row="skip"))
    assert [item.item_id for item in reader] == ["g", "last"]
    assert reader.summary.skipped == {reason: 1}
    assert reader.summary.examples == {reason: [message]}
    assert reader.summary.rows == reader.summary.items + 1


def test_a_missing_field_gets_a_suggestion(jsonl: Callable[..., Path]) -> None:
    with pytest.raises(DataError) as caught:
        list(read_items(jsonl(GOOD, {"id": 2, "answer_a": "x", "answer_bb": "y"})))
    assert caught.value.hint == "did you mean `answer_bb`? use --map answer_b=answer_bb"
    with pytest.raises(
        DataError, match="no field that holds an answer; the row has `id`"
    ) as caught:
        list(read_items(jsonl({"id": 2, "Answers": "x"})))
    assert caught.value.hint == "did you mean `Answers`? use --map answers=Answers"
    with pytest.raises(DataError, match="field `output_2`: the field is missing") as caught:
        list(read_items(jsonl({"instruction": "Q", "output_1": "x"})))
    with pytest.raises(DataError, match="the row has none"):
        list(read_items(jsonl("{}")))


def test_mixed_modes_are_refused_naming_both_rows(jsonl: Callable[..., Path]) -> None:
    answers = [{"text": "x"}, {"text": "y"}]
    path = jsonl({"answers": answers}, {"answers": answers[:1]}, {"answers": answers * 2})
    with pytest.raises(DataError) as caught:
        list(read_items(path))
    assert str(caught.value) == (
        f"`{path}`, line 2: the row has 1 answer, `{path}`, line 1 has several"
    )
    reader = read_items(path, ReadOptions(on_bad_row="skip"))
    assert len(list(reader)) == 2
    assert reader.summary.skipped == {"mixed_modes": 1}


def test_a_duplicate_id_is_found_across_files(jsonl: Callable[..., Path]) -> None:
    first = jsonl(GOOD | {"id": 1}, GOOD | {"id": 2}, name="a.jsonl")
    second = jsonl(*[GOOD | {"id": f"s{number}"} for number in range(3_000)], name="b.jsonl")
    third = jsonl("", GOOD | {"id": "s1700"}, name="c.jsonl")
    with pytest.raises(DataError) as caught:
        list(read_items([first, second, third]))
    assert str(caught.value) == (
        f"`{third}`, line 2, field `id`: `s1700` is also the id of `{second}`, line 1701"
    )


def test_a_long_line_is_refused_and_never_held(jsonl: Callable[..., Path]) -> None:
    path = jsonl(GOOD, '{"x": "' + "y" * 3_000_000 + '"}', GOOD | {"id": 3})
    options = ReadOptions(max_row_bytes=1_000, on_bad_row="skip")
    reader = read_items(path, options)
    assert [item.item_id for item in reader] == ["g", "3"]
    (words,) = reader.summary.examples["row_too_long"]
    assert words == f"`{path}`, line 2: the line has 3,000,010 bytes, the limit is 1,000"


def test_a_line_of_just_the_limit_is_read(jsonl: Callable[..., Path]) -> None:
    path = jsonl({"answer": "x"})
    size = path.stat().st_size - 1
    assert len(list(read_items(path, ReadOptions(max_row_bytes=size)))) == 1
    path.write_bytes(path.read_bytes().rstrip())  # the last line may lack its end
    assert len(list(read_items(path, ReadOptions(max_row_bytes=size)))) == 1
    with pytest.raises(DataError, match="the limit is"):
        list(read_items(path, ReadOptions(max_row_bytes=size - 1)))


def test_examples_are_three_of_each_reason() -> None:
    rows = [GOOD, *[GOOD | {"answer_a": number} for number in range(9)]]
    reader = read_items(rows, ReadOptions(on_bad_row="skip"))
    list(reader)
    assert reader.summary.skipped == {"wrong_type": 9}
    assert [words[-1] for words in reader.summary.examples["wrong_type"]] == ["0", "1", "2"]


def test_nothing_left_is_an_error_that_says_why() -> None:
    rows = [{"answer": 1}, {"answer": 2}]
    with pytest.raises(DataError, match="no row is left to judge; skipped: 2 wrong_type") as caught:
        list(read_items(rows, ReadOptions(on_bad_row="skip")))
    assert caught.value.hint is not None
    assert "saw 1" in caught.value.hint


@pytest.mark.parametrize("row", [3, "text", None, ["a"]])
def test_a_row_in_memory_must_be_a_dict(row: object) -> None:
    with pytest.raises(DataError, match="row 2: expected a dict, saw"):
        list(read_items([GOOD, row]))


def test_names_of_fields_are_text() -> None:
    with pytest.raises(DataError, match="row 1: names of fields are text, saw 3"):
        list(read_items([{"answer": "x", 3: "y"}]))


def test_a_deep_field_is_refused_and_the_rest_is_read() -> None:
    deep: object = 1
    for _ in range(900):
        deep = {"a": deep}
    reader = read_items(
        [{"answer": "x", "z": deep}, {"answer": "y"}], ReadOptions(on_bad_row="skip")
    )
    assert len(list(reader)) == 1
    assert reader.summary.examples == {"bad_value": ["`rows`, row 1: nested too deeply"]}


def test_a_number_that_no_float_holds_is_no_gold() -> None:
    with pytest.raises(DataError, match="field `gold`: expected a number or a label, saw 1000"):
        list(read_items([{"answer": "x", "gold": 10**400}]))


@pytest.mark.parametrize("data", [None, 5, {"answer": "x"}])
def test_data_of_another_kind_is_refused(data: object) -> None:
    with pytest.raises(DataError, match="not files, rows or a frame"):
        read_items(data)


def test_no_control_character_of_the_data_reaches_a_message(jsonl: Callable[..., Path]) -> None:
    bad = "\x1b[31m\u202e\x07\u2028\u200b"
    rows = [
        {"answer": {bad: bad}},
        {"answer": "x", "gold": [bad]},
        {"answer": "x", "id": [bad]},
        {bad: bad},
    ]
    for row in rows:
        with pytest.raises(DataError) as caught:
            list(read_items([row]))
        assert (str(caught.value) + (caught.value.hint or "")).isprintable(), caught.value
    with pytest.raises(DataError) as caught:
        list(read_items(jsonl('{"\x1b\u202e')))
    assert str(caught.value).isprintable()


def test_what_was_seen_is_shortened() -> None:
    assert shown("x" * 1_000) == f'"{"x" * 60}" (1000 chars)'
    assert len(shown([[1] * 10_000] * 100)) < 100
    assert len(shown(10**3_000)) <= 61
    assert visible("a\tb") == "a\\tb"


def test_a_reader_is_used_once() -> None:
    reader = read_items([GOOD])
    list(reader)
    with pytest.raises(DataError, match="were read already"):
        list(reader)


def test_a_name_with_a_blank_is_suggested_as_a_shell_takes_it() -> None:
    with pytest.raises(DataError) as caught:
        list(read_items([{"id": "1", " answer": "x"}]))
    assert caught.value.hint == "did you mean ` answer`? use --map 'answer= answer'"


@pytest.mark.parametrize(
    ("first", "later", "field", "held"),
    [
        ({"answer": "x"}, GOOD, "answer", "the row holds two answers, the first row one answer"),
        (GOOD, {"answer": "x"}, "answer_a", "the row holds one answer, the first row two answers"),
    ],
)
def test_mixed_layouts_are_mixed_modes(
    first: dict[str, str], later: dict[str, str], field: str, held: str
) -> None:
    with pytest.raises(DataError) as caught:
        list(read_items([first, later]))
    assert str(caught.value) == f"`rows`, row 2, field `{field}`: the field is missing; {held}"
    assert caught.value.hint == "judge single answers and pairs in runs of their own"
    reader = read_items([first, later], ReadOptions(on_bad_row="skip"))
    list(reader)
    assert reader.summary.skipped == {"mixed_modes": 1}


def test_answers_in_another_layout_are_no_other_mode() -> None:
    with pytest.raises(DataError, match="the row holds `answers`, the first row two") as caught:
        list(read_items([GOOD, {"answers": [{"text": "x"}, {"text": "y"}]}]))
    assert caught.value.hint == "write the answers of all rows in one way"


def test_a_map_to_a_field_that_no_row_has_lists_the_fields() -> None:
    with pytest.raises(DataError, match="is a field that no row has") as caught:
        list(read_items([GOOD], ReadOptions(map={"reference": "zzz"})))
    assert caught.value.hint == "the first row has `id`, `question`, `answer_a`, `answer_b`"


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        ({"from": "human", "value": "Hi"}, "write turns such as"),
        ({"role": "assistant", "content": None}, "write what the turn says as text"),
    ],
)
def test_a_turn_of_another_form_says_what_to_write(turn: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError) as caught:
        list(read_items([{"question": [turn], "answer": "x"}]))
    assert words in (caught.value.hint or "")


def test_paths_among_rows_and_paths_one_by_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="data names files, and among them an object"):
        read_items([tmp_path, GOOD])
    with pytest.raises(DataError, match="expected a dict, saw") as caught:
        list(read_items(path for path in [tmp_path]))
    assert caught.value.hint == "to name files, pass a list of paths"


def test_a_path_that_the_system_refuses_is_an_error_of_the_data() -> None:
    with pytest.raises(DataError, match="cannot be read: ") as caught:
        read_items("x" * 5_000)
    assert caught.value.hint == "check the path, and who may read it"


def test_answers_that_are_bare_texts_are_told_how_to_be_written() -> None:
    row = {"id": "1", "question": "Q?", "answers": ["Yes."]}
    with pytest.raises(DataError, match=r"answers\[0\]") as caught:
        list(read_items([row]))
    assert (
        caught.value.hint == 'write [{"model": "m1", "text": "..."}, ...]; `model` may be left out'
    )
