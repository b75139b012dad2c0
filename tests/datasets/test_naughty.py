"""The shared naughty strings: unchanged as texts, and as lines read or refused as JSON says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.datasets import ReadOptions, read_items
from judgefast.datasets.conversations import mend_surrogates
from judgefast.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def naughty(shared: Path) -> list[dict[str, Any]]:
    lines = (shared / "data/attacks/naughty_strings.jsonl").read_bytes().splitlines()
    return [json.loads(line) for line in lines]


def text_of(row: dict[str, Any]) -> str | None:
    gen = row.get("gen")
    if gen is None:
        return str(row["text"])
    if "bytes_hex" in gen:
        return None
    return str(gen["prefix"] + gen["repeat"] * gen["times"] + gen["suffix"])


def test_as_texts_they_come_through_unchanged(
    naughty: list[dict[str, Any]], tmp_path: Path
) -> None:
    texts = {row["id"]: text for row in naughty if (text := text_of(row)) is not None}
    assert len(texts) == 583
    path = tmp_path / "naughty.jsonl"
    with path.open("w", encoding="ascii") as file:
        for number, text in texts.items():
            file.write(json.dumps({"id": number, "question": text, "answer": text}) + "\n")
    reader = read_items(path, ReadOptions(on_empty="judge"))
    items = list(reader)
    mended = {number: mend_surrogates(text)[0] for number, text in texts.items()}
    assert {item.item_id: item.answers[0].text for item in items} == mended
    assert {item.item_id: item.question or "" for item in items} == mended
    blank = sum(1 for text in mended.values() if not text.strip())
    assert reader.summary.empty_answers == {"answer": blank}
    assert blank > 3
    changed = [number for number in texts if texts[number] != mended[number]]
    assert bool(changed) == bool(reader.summary.replaced_surrogates)


def strict_json(line: bytes) -> object:
    """Oracle: the standard library's parser, less what it adds to JSON."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    def number(text: str) -> float:
        value = float(text)
        if value in (float("inf"), float("-inf")):
            raise ValueError(text)
        return value

    if b"\0" in line:
        raise ValueError(line)
    return json.loads(line.decode(), parse_constant=refuse, parse_float=number)


def raw_line(row: dict[str, Any]) -> bytes | None:
    if "bytes_hex" in row.get("gen", {}):
        return bytes.fromhex(row["gen"]["bytes_hex"])
    text = text_of(row)
    if row["kind"] == "json_trap" and text is not None:
        return text.encode()
    return None


def test_as_lines_each_is_read_or_refused_as_json_says(
    naughty: list[dict[str, Any]], tmp_path: Path
) -> None:
    lines = {row["id"]: line for row in naughty if (line := raw_line(row)) is not None}
    assert len(lines) == 39
    read = 0
    for number, line in lines.items():
        path = tmp_path / f"{number}.jsonl"
        path.write_bytes(b'{"answer": "first"}\n' + line + b"\n")
        try:
            value = strict_json(line)
        except (ValueError, RecursionError):
            value = None
        reader = read_items(path, ReadOptions(map={"answer": "answer"}))
        if isinstance(value, dict) and value:
            # It is JSON, and an object; only the answer is missing.
            with pytest.raises(DataError, match="line 2, field `answer`: the field is missing"):
                list(reader)
            read += 1
        else:
            with pytest.raises(DataError, match=r"line 2(: |, field `answer`)") as caught:
                list(reader)
            assert str(caught.value).isprintable()
            assert ("the field is missing" in str(caught.value)) == (value == {})
    assert read == 8


def test_a_line_with_half_a_surrogate_pair_is_held_to_json_too(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"answer": "\\ud800", "n": NaN}\n')
    with pytest.raises(DataError, match="line 1: not valid JSON: NaN is no JSON number"):
        list(read_items(path))


@pytest.mark.parametrize(
    ("escape", "text", "count"),
    [
        (r"a\ud83d", "a\ufffd", 1),
        (r"\udc00b", "\ufffdb", 1),
        (r"\ud83d\ude00", "😀", 0),
        (r"\ud83d\ud83d\ude00\ude00", "\ufffd😀\ufffd", 2),
        (r"\u0000", "\0", 0),
        (r"\ud83dA\\ud83d", "\ufffdA\\ud83d", 1),
    ],
)
def test_escapes_of_json(escape: str, text: str, count: int, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"answer": "{escape}", "n": 12345678901234567890123}}\n')
    reader = read_items(path)
    (item,) = reader
    assert item.answers[0].text == text
    assert item.meta == {"n": 12345678901234567890123}
    assert reader.summary.replaced_surrogates == count
