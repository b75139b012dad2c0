"""Real judge outputs: the rules recover what the sources read, and refuse what they could not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from judgefast.prompts.verdict_format import Pattern, VerdictFormat, VerdictLabel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AB = (VerdictLabel(text="A", choice="first"), VerdictLabel(text="B", choice="second"))


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[dict[str, Any]]:
    """Rows of the parser corpus."""
    text = (shared / "data/parser/parser_corpus.jsonl").read_text(encoding="utf-8")
    return [msgspec.json.decode(line) for line in text.split("\n") if line]


def format_of(row: dict[str, Any], formats: dict[str, VerdictFormat]) -> VerdictFormat:
    """Build the format that a corpus row calls for."""
    name = row["format"]
    if name in {"output_ab", "prose_output_ab"}:  # the source's own patterns
        first, second = re.findall(r"/(.*?)/(?: |$)", row["rule"])
        patterns = (Pattern(first, "A"), Pattern(second, "B"))
        return VerdictFormat(name="regex", labels=AB, patterns=patterns, source_rule=True)
    named = {
        "arena_hard_5way": "arena5",
        "double_bracket_abc": "bracket",
        "double_bracket_abcd": "four",
        # The prompt asks for 1 to 10; the source reads any number, and one judge wrote `0 9`.
        "two_scores_first_line": "score-pair",
        "two_scores_prose": "score-pair",
    }
    if name in named:
        return formats[named[name]]
    low, high = row["scale"]
    kind = "rating" if name == "double_bracket_rating" else "json"
    return VerdictFormat(name=cast("Any", kind), low=low, high=high)


def verdict_of(row: dict[str, Any], seen: Any) -> object:
    """Say a verdict in the words of the corpus."""
    if seen.status != "parsed":
        return None
    if row["task"] == "pairwise5":
        return {1: "A>>B", 0.75: "A>B", 0.5: "A=B", 0.25: "B>A", 0: "B>>A"}[seen.strength]
    if row["task"] == "pair_scores":
        return [float(word) for word in seen.source.split()]
    return seen.verdict


def test_every_strict_row_is_right_and_no_null_row_has_a_verdict(
    rows: list[dict[str, Any]], formats: dict, read: Callable
) -> None:
    wrong = [
        (row["id"], seen, row["gold"])
        for row in rows
        if row["strict"]
        for seen in [read(format_of(row, formats), row["text"])]
        if verdict_of(row, seen) != row["gold"]
    ]
    assert wrong == []
    assert sum(row["strict"] for row in rows) == 2128
    assert sum(row["gold"] is None for row in rows) == 131


def test_a_row_with_two_verdicts_or_prose_scores_is_never_read_wrong(
    rows: list[dict[str, Any]], formats: dict, read: Callable
) -> None:
    loose = [row for row in rows if not row["strict"]]
    seen = [read(format_of(row, formats), row["text"]) for row in loose]
    right = [verdict_of(row, one) == row["gold"] for row, one in zip(loose, seen, strict=True)]
    assert all(fits or one.status != "parsed" for fits, one in zip(right, seen, strict=True))
    assert (len(loose), sum(right)) == (63, 5)  # the five are read by their source's own rule


def test_the_lenient_mode_marks_what_only_it_can_read(
    rows: list[dict[str, Any]], formats: dict, read: Callable
) -> None:
    marked = []
    for row in rows:
        if not row["strict"]:
            continue
        lenient = msgspec.structs.replace(format_of(row, formats), lenient=True)
        seen = read(lenient, row["text"])
        if row["gold"] is not None:
            assert (verdict_of(row, seen), seen.repaired) == (row["gold"], False)
        elif seen.status == "parsed":
            assert seen.repaired
            assert seen.verdict == row["lenient_gold_ours"]
            marked.append(row["null_kind"])
    assert sorted(set(marked)) == ["case_variant", "single_bracket"]
