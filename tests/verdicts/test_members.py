"""One answer that holds the verdicts of several aspects: each reads its own member."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.codes import Status
from judgefast.prompts.verdict_format import VerdictFormat, VerdictLabel
from judgefast.verdicts.read import read_texts

if TYPE_CHECKING:
    from judgefast.verdicts.columns import VerdictColumns

ALONE = VerdictFormat(name="json", low=1, high=5, integer=True, reason_field="reason")
NAMES = ("tone", "clarity", 'a "b"', "größe")
VALUES = st.sampled_from([1, 5, 4.0, 3.5, 7, "4", None, True, [2], {"score": 2}, "<1-5>"])
MEMBERS = st.dictionaries(
    st.sampled_from(["score", "reason", "other"]), VALUES, max_size=3
) | st.sampled_from([None, 4, "4", [{"score": 4}], True])


def form(member: str, *, lenient: bool = False) -> VerdictFormat:
    return VerdictFormat(
        name="json",
        low=1,
        high=5,
        integer=True,
        reason_field="reason",
        member=member,
        lenient=lenient,
    )


def read(made: VerdictFormat, text: str, *, cut: bool = False) -> VerdictColumns:
    return read_texts(made, [text], np.array([cut], np.uint8))


def said(made: VerdictFormat, text: str, *, cut: bool = False) -> str | float:
    found = read(made, text, cut=cut)
    status = Status(found.status[0])
    return float(found.score[0]) if status is Status.PARSED else status.label


@given(st.dictionaries(st.sampled_from(NAMES), MEMBERS, max_size=4), st.sampled_from(["", "So: "]))
@settings(max_examples=200, deadline=None)
def test_a_member_is_read_as_its_object_alone(members: dict[str, object], before: str) -> None:
    text = before + json.dumps(members)
    for name in NAMES:
        member = members.get(name)
        if isinstance(member, dict):
            expected = said(ALONE, json.dumps(member))
        else:
            expected = "no_verdict" if member is None else "malformed"
        assert said(form(name), text) == expected, (name, text)


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(1, 5)), unique_by=lambda m: m[0]))
@settings(max_examples=50, deadline=None)
def test_a_cut_text_has_the_members_that_were_whole(members: list[tuple[str, int]]) -> None:
    whole = json.dumps({name: {"score": score, "reason": "r"} for name, score in members})
    for end in range(1, len(whole)):
        text = whole[:end]
        for name, score in members:
            mark = json.dumps(name) + f': {{"score": {score},'
            expected = score if mark in text else "truncated"
            assert said(form(name), text, cut=True) == expected, text


def test_the_span_is_that_of_the_member() -> None:
    text = '{"clarity": {"score": 2}, "tone": {"score": 4}}'
    found = [read(form(name), text).span[0].tolist() for name in ("clarity", "tone")]
    assert [text[start:end] for start, end in found] == ["2", "4"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{'tone': {'score': 4}, 'clarity': {'score': 2}}", 4.0),
        ('{"tone": {"score": "4"}, "clarity": {"score": 2}}', 4.0),
        ('{"clarity": {"score": "2"}}', "no_verdict"),
        ('{"tone": {"score": 4}, "tone": {"score": 2},}', "malformed"),
        ('{"tone": 4,}', "malformed"),
    ],
)
def test_the_lenient_mode_reads_a_broken_member(text: str, expected: float | str) -> None:
    assert said(form("tone", lenient=True), text) == expected
    if isinstance(expected, float):
        assert said(form("tone"), text) == "malformed"
        assert read(form("tone", lenient=True), text).repaired[0] == 1


def test_labels_of_a_member_are_read_too() -> None:
    labels = (VerdictLabel(text="A", choice="first"), VerdictLabel(text="B", choice="second"))
    made = VerdictFormat(name="json", labels=labels, member="tone")
    found = read(made, '{"clarity": {"verdict": "A"}, "tone": {"verdict": "B"}}')
    assert (found.choice[0], found.strength[0]) == (1, 0.0)
