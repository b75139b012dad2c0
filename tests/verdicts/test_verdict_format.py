"""The form of a verdict: defaults, and mistakes told in words."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec
import numpy as np
import pytest

from judgefast.errors import ColumnError, RubricError
from judgefast.prompts.verdict_format import Pattern, VerdictFormat, VerdictLabel
from judgefast.verdicts import read_texts
from judgefast.verdicts.read import parser_of

AB = [{"text": "A", "choice": "first"}, {"text": "B", "choice": "second"}]
SCALE = {"low": 1, "high": 5}


def made(**keys: Any) -> VerdictFormat:
    """Build a format the way a rubric file does."""
    return msgspec.convert(keys, VerdictFormat)


def test_defaults_follow_from_the_name() -> None:
    assert made(name="json", **SCALE).field == "score"
    assert made(name="json", labels=AB).field == "verdict"
    assert [label.text for label in made(name="bracket").labels] == ["A", "B", "C"]
    assert [label["strength"] for label in made(name="arena5").spec()["labels"]] == [
        1.0,
        0.75,
        0.5,
        0.25,
        0.0,
    ]


def test_a_format_survives_a_round_trip_and_has_all_keys_in_its_spec() -> None:
    for verdict_format in (made(name="arena5"), made(name="json", integer=True, **SCALE)):
        again = msgspec.convert(msgspec.to_builtins(verdict_format), VerdictFormat)
        assert again == verdict_format
        assert hash(again) == hash(verdict_format)
        assert set(verdict_format.spec()) == set(VerdictFormat.__struct_fields__)


def test_white_space_of_a_label_is_the_prompts_concern() -> None:
    spec = made(
        name="label", labels=[{"text": " A", "choice": 0}, {"text": "B", "choice": 1}]
    ).spec()
    assert spec["labels"][0] == {"text": "A", "choice": 0, "score": None, "strength": None}


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"name": "json"}, r"`verdict\.low` is missing; the format `json` reads numbers"),
        ({"name": "rating", "low": 5, "high": 5}, r"`verdict\.low` is 5, which is not below .* 5$"),
        ({"name": "rating", "low": 1, "high": float("inf")}, r"`verdict\.high` is inf; it must be"),
        ({"name": "json", "field": "", **SCALE}, r"`verdict\.field` is empty"),
        (
            {"name": "json", "field": "a", "reason_field": "a", **SCALE},
            r"`verdict\.reason_field` is",
        ),
        ({"name": "rating", "field": "x", **SCALE}, r"`verdict\.field` is only for .* `json`"),
        ({"name": "rating", "which": "last", **SCALE}, r"`verdict\.which` is only for .* `regex`"),
        ({"name": "rating", "source_rule": True, **SCALE}, r"`verdict\.source_rule` is only for"),
        ({"name": "rating", "labels": AB}, r"`verdict\.labels` does not fit the format `rating`"),
        ({"name": "label"}, r"`verdict\.labels` is missing"),
        ({"name": "label", "labels": AB[:1]}, r"`verdict\.labels` has 1; allowed: 2 to 64"),
        (
            {"name": "label", "labels": AB, "low": 1},
            r"`verdict\.low` does not fit a verdict of labels",
        ),
        (
            {"name": "label", "labels": [*AB, AB[0]]},
            r"`verdict\.labels\[2\]\.text` repeats labels\[0\]",
        ),
        ({"name": "arena5", "labels": AB}, r"`verdict\.labels` is fixed for the format `arena5`"),
        ({"name": "regex", **SCALE}, r"`verdict\.patterns` is missing"),
    ],
)
def test_a_mistake_names_its_key(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(RubricError, match=words):
        made(**keys)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ({"text": " "}, r"labels\[1\]\.text` is blank"),
        ({"text": "x"}, r"labels\[1\]` \(`x`\) needs `choice` or `score`"),
        ({"text": "x", "choice": 254}, r"labels\[1\]\.choice` is 254; allowed: 0 to 253"),
        ({"text": "x", "score": float("nan")}, r"labels\[1\]\.score` is nan"),
        ({"text": "x", "score": 1, "strength": 1}, r"labels\[1\]\.strength` needs a `choice`"),
        ({"text": "x", "choice": "first", "strength": 2}, r"strength` is 2.0; allowed: 0 to 1"),
        (
            {"text": "x", "choice": "tie", "strength": 1},
            r"strength` is 1.0, but its choice is `tie`",
        ),
    ],
)
def test_a_mistake_in_a_label_names_it(label: dict[str, Any], words: str) -> None:
    with pytest.raises(RubricError, match=words):
        made(name="label", labels=[AB[0], label])


def test_a_label_with_brackets_is_refused() -> None:
    with pytest.raises(RubricError, match=r"holds a bracket: `\[\[A\]\]`"):
        made(name="bracket", labels=[{"text": "[[A]]", "choice": "first"}, AB[1]])


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(RubricError, match=r"`verdict\.name` is `ratings`; known: json,") as caught:
        VerdictFormat(name="ratings", low=1, high=5)  # type: ignore[arg-type]  # what is refused
    assert caught.value.hint == "did you mean `rating`?"


def test_patterns_are_checked_against_the_labels_and_compiled() -> None:
    labels = (VerdictLabel(text="A", choice="first"), VerdictLabel(text="B", choice="second"))
    with pytest.raises(RubricError, match=r"patterns\[0\]\.verdict` is `C`; labels: A, B"):
        VerdictFormat(name="regex", labels=labels, patterns=(Pattern("x", "C"),))
    with pytest.raises(RubricError, match=r"`verdict\.labels` is missing"):
        VerdictFormat(name="regex", patterns=(Pattern("x", "C"),))
    look_ahead = VerdictFormat(name="regex", labels=labels, patterns=(Pattern("(?=x)", "A"),))
    with pytest.raises(
        RubricError, match=r"(?s)`verdict\.patterns\[0\]\.regex` cannot be used: .*look"
    ):
        parser_of(look_ahead)
    no_group = VerdictFormat(name="regex", labels=labels, patterns=(Pattern("x"),))
    with pytest.raises(RubricError, match=r"neither a `verdict` nor a group to read it from"):
        parser_of(no_group)


@pytest.mark.parametrize(
    ("which", "choice"), [("listed", 0), ("first", 1), ("last", 1), ("unanimous", 255)]
)
def test_which_match_counts(which: str, choice: int) -> None:
    patterns = [{"regex": "A wins", "verdict": "A"}, {"regex": "B wins", "verdict": "B"}]
    reader = made(name="regex", labels=AB, patterns=patterns, which=which)
    text = "Maybe B wins. Maybe A wins. No, B wins."
    assert read_texts(reader, [text], np.zeros(1, dtype=np.uint8)).choice[0] == choice


def test_a_source_rule_reads_reasoning_as_the_source_does() -> None:
    text = "<think>A wins</think>B wins"
    patterns = [{"regex": "A wins", "verdict": "A"}, {"regex": "B wins", "verdict": "B"}]
    for source_rule, choice in ((False, 1), (True, 0)):
        reader = made(name="regex", labels=AB, patterns=patterns, source_rule=source_rule)
        assert read_texts(reader, [text], np.zeros(1, dtype=np.uint8)).choice[0] == choice


def test_columns_that_do_not_fit_are_refused() -> None:
    reader = made(name="rating", **SCALE)
    with pytest.raises(ColumnError, match="`texts` has 2 rows but `cut` has 1"):
        read_texts(reader, ["a", "b"], np.zeros(1, dtype=np.uint8))
    with pytest.raises(ColumnError, match="row 0 of `cut` holds code 7"):
        read_texts(reader, ["a"], np.full(1, 7, dtype=np.uint8))


def test_importing_the_stage_loads_no_numpy() -> None:
    code = (
        "import sys, judgefast.verdicts, judgefast.prompts.verdict_format;"
        "sys.exit('numpy' in sys.modules or 'judgefast._native' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
