"""The rules of each format, one text at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = [
    # json: alone, fenced, after prose
    ("json", '{"score": 4, "reason": "ok"}', "parsed", 4),
    ("json", '```json\n{"reason": "ok", "score": 10}\n```', "parsed", 10),
    ("json", 'I think\n\n{"score": 7.0, "reason": "a \\"b\\" {c}"}', "parsed", 7),
    ("json", '{"sc\\u006fre": 1e0}', "parsed", 1),
    ("json", '{"note": 1} {"score": 3}', "parsed", 3),
    ("json", '{"score": 3, "score": 3}', "parsed", 3),
    ("json", '{"score": 3} or rather {"score": 3.0}', "parsed", 3),
    ("json", '{"score": "<1-10>", "reason": "..."} {"score": 3}', "parsed", 3),
    ("json", 'As in {"score": N}: {"score": 3}', "parsed", 3),
    # json: nothing to read
    ("json", "", "empty", None),
    ("json", " \n\t\u00a0", "empty", None),
    ("json", '{"rating": 4}', "no_verdict", None),
    ("json", '{"result": {"score": 4}}', "no_verdict", None),
    ("json", '{"score": null}', "no_verdict", None),
    ("json", "Score: 4", "no_verdict", None),
    ("json", "See [1] and [2].", "no_verdict", None),
    ("json", "I'm sorry, I can't judge this. There are 3 issues.", "refused", None),
    ("json", "I\u2019m sorry, but no.", "refused", None),
    # json: two that differ
    ("json", '{"score": 1, "score": 4}', "conflicting", None),
    ("json", 'Example: {"score": 1}. Mine: {"score": 4}', "conflicting", None),
    ("json", '[{"score": 1}, {"score": 4}]', "conflicting", None),
    # json: broken, or of the wrong type
    ("json", "{'score': 4}", "malformed", None),
    ("json", '{"score": 4,}', "malformed", None),
    ("json", "{score: 4}", "malformed", None),
    ("json", '{"score": 4', "malformed", None),
    ("json", 'Example {"score": 1}. Mine {"score": ', "malformed", None),
    ("json", '{"score": 04}', "malformed", None),
    ("json", '{"score": +4}', "malformed", None),
    ("json", '{"score": NaN}', "malformed", None),
    ("json", '{"score": "4"}', "malformed", None),
    ("json", '{"score": "4/5"}', "malformed", None),
    ("json", '{"score": 4/5}', "malformed", None),
    ("json", '{"score": true}', "malformed", None),
    ("json", '{"score": [4]}', "malformed", None),
    ("json", '{"reason": "says "no" twice", "score": 4}', "malformed", None),
    ("json", '{"reason": "two\nlines", "score": 4}', "malformed", None),
    ("json", 'Example {"score": 1}. Mine {"reason": "a "b"", "score": 4}', "malformed", None),
    ("json", "Example {\"score\": 1}. Mine {'score': 4}", "malformed", None),
    ("json", 'Example {"score": 1}. Mine {"score": four}', "malformed", None),
    ("json", 'Quoted: "{\\"score\\": 9}"', "malformed", None),
    # json: the scale
    ("json", '{"score": 11}', "out_of_range", None),
    ("json", '{"score": 0}', "out_of_range", None),
    ("json", '{"score": -4}', "out_of_range", None),
    ("json", '{"score": 4.5}', "out_of_range", None),
    ("json", '{"score": 1e999}', "out_of_range", None),
    # labels in a JSON field
    ("json-choice", '{"verdict": "B", "reason": "A is worse"}', "parsed", "B"),
    ("json-choice", '{"verdict": " C "}', "parsed", "tie"),
    ("json-choice", '{"verdict": "a"}', "no_verdict", None),
    ("json-choice", '{"verdict": "Both"} {"verdict": "A"}', "conflicting", None),
    ("json-choice", '{"verdict": 1}', "malformed", None),
    # reasoning is not read
    ("json", '<think>{"score": 1}</think>{"score": 4}', "parsed", 4),
    ("json", '\n<thinking>\n{"score": 1}\n</thinking>\n\n{"score": 4}', "parsed", 4),
    ("json", 'Well.\n<think>{"score": 1}</think>{"score": 4}', "parsed", 4),
    ("json", '<think>a</think><think>{"score": 1}</think>{"score": 4}', "parsed", 4),
    ("json", '<think>{"score": 1}', "no_verdict", None),
    ("json", 'So "<think>" {"score": 1}</think> {"score": 4}', "conflicting", None),
    ("json", '\ufeff<think>{"score": 1}</think>{"score": 4}', "parsed", 4),
    ("json", '\u00a0<think>{"score": 1}', "no_verdict", None),
    ("json", 'Well.\n\u00a0<think>{"score": 1}</think>{"score": 4}', "parsed", 4),
    ("json", 'Quote:\n<think>\n{"score": 4}', "parsed", 4),
    ("bracket", "It may be [[A]].\n</think>\n[[B]]", "conflicting", None),
    # bracket
    ("bracket", "Both are fine. [[A]]", "parsed", "A"),
    ("bracket", "[[C]]", "parsed", "tie"),
    ("bracket", "[[[B]]]", "parsed", "B"),
    ("bracket", "[[B]] since [1] and [[B]]", "parsed", "B"),
    ("bracket", "[[A]] could be chosen, but final [[B]]", "conflicting", None),
    ("bracket", "[[A]] but final [[b]]", "conflicting", None),
    ("bracket", "[[A]] but final [[D]]", "conflicting", None),
    ("bracket", "[[A]] but final [[B]", "conflicting", None),
    ("bracket", "[[A]] but final [[Assistant B]]", "conflicting", None),
    ("bracket", "[[A]] but final [[\uff22]]", "conflicting", None),
    ("bracket", "[[A]] see [[citation needed]]", "parsed", "A"),
    ("bracket", "[[a]]", "no_verdict", None),
    ("bracket", "[[ A ]]", "no_verdict", None),
    ("bracket", "[B]", "no_verdict", None),
    ("bracket", "[[B]", "no_verdict", None),
    ("bracket", "Assistant A is better.", "no_verdict", None),
    ("bracket", "$ERROR$", "no_verdict", None),
    ("four", "[[D]]", "parsed", "D"),
    # arena5: either answer may be named first
    ("arena5", "My final verdict is [[A>>B]]", "parsed", "A"),
    ("arena5", "[[A>B]] again [[B<A]]", "parsed", "A"),
    ("arena5", "[[A=B]]", "parsed", "tie"),
    ("arena5", "[[B=A]]", "parsed", "tie"),
    ("arena5", "[[A<B]]", "parsed", "B"),
    ("arena5", "[[A<<B]]", "parsed", "B"),
    ("arena5", "[[A>B]] or [[A>>B]]", "conflicting", None),
    ("arena5", "[[A>B]] or [[C]]", "conflicting", None),
    ("arena5", "[[A>B]] no, [[B&gt;A]]", "conflicting", None),
    ("arena5", "[[A>B]] no, [[B wins]]", "conflicting", None),
    ("arena5", "[[A > B]]", "no_verdict", None),
    # rating
    ("rating", "Rating: [[7]]", "parsed", 7),
    ("rating", "Rating: [[8.5]]", "parsed", 8.5),
    ("rating", "[[7]] that is [[7.0]]", "parsed", 7),
    ("rating", "[[7]] no [[8]]", "conflicting", None),
    ("rating", "Rating: [[11]]", "out_of_range", None),
    ("rating", "Rating: [[rating]]", "no_verdict", None),
    ("rating", "As [3] says, fine", "no_verdict", None),
    ("rating", "Rating: [[7/10]]", "malformed", None),
    ("rating", "Rating: [[1e1]]", "malformed", None),
    ("rating", "[[10]] no, [[Rating: 3]]", "malformed", None),
    ("rating", "[[10]] no, [[+3]]", "malformed", None),
    ("rating", "[[10]] no, [[\uff13]]", "malformed", None),
    ("rating", "[[10]] is [[the rating]]", "parsed", 10),
    ("rating", "Rating: [[7", "no_verdict", None),
    # result: ends the text, as in prometheus
    ("result", "Feedback: good. [RESULT] 3", "parsed", 3),
    ("result", "Reference (Score 5) two results [RESULT] 3\n", "parsed", 3),
    ("result", "I write [RESULT] last. [RESULT] 3", "parsed", 3),
    ("result", "[RESULT] 2, no: [RESULT] 3", "conflicting", None),
    ("result", "[RESULT] 3 because", "malformed", None),
    ("result", "[RESULT] 4/5", "malformed", None),
    ("result", "[RESULT] 3\n<think>Hm.</think>", "malformed", None),
    ("result", "[RESULT] 2.5", "out_of_range", None),
    ("result", "[RESULT] 10", "out_of_range", None),
    ("result", "The score is definitely not 3.", "no_verdict", None),
    ("result", "I rate this a perfect 10!", "no_verdict", None),
    ("result", "Score: 2.5", "no_verdict", None),
    ("result-ab", "Response A is better. [RESULT] A", "parsed", "A"),
    ("result-ab", "Response A at first. [RESULT] B", "parsed", "B"),
    ("result-ab", "[RESULT] A. No, [RESULT] B", "conflicting", None),
    ("result-ab", "Response C is clearly superior.", "no_verdict", None),
    # score-pair
    ("score-pair", "8 9\nThe second is better by 3 points", "parsed", 8),
    ("score-pair", "\n9, 8.5\n", "parsed", 9),
    ("score-pair", "8 9 10\n", "malformed", None),
    ("score-pair", "8\n", "malformed", None),
    ("score-pair", "8/10 9/10", "malformed", None),
    ("score-pair", "8-9", "malformed", None),
    ("score-pair", "8 11", "out_of_range", None),
    ("score-pair", "Assistant 1: 8", "no_verdict", None),
    ("score-pair", "3 issues were found", "no_verdict", None),
    # label: the whole text
    ("label", "A", "parsed", "A"),
    ("label", "\n C \n", "parsed", "tie"),
    ("label", "<think>A? B?</think>\n\nB", "parsed", "B"),
    ("label", "A.", "no_verdict", None),
    ("label", "a", "no_verdict", None),
    ("label", "A\nB", "no_verdict", None),
    ("label", "As an AI model I do not judge", "refused", None),
    # regex
    ("regex", "Score: 4\nScore: 4.0", "parsed", 4),
    ("regex", "Score: 4\nScore: 5", "conflicting", None),
    ("regex", "Score: 4.5.1", "malformed", None),
    ("regex", "Score: 40", "out_of_range", None),
    ("regex-listed", "B is better, or A is better", "parsed", "A"),
    ("regex-listed", "<think>A is better</think> B is better", "parsed", "B"),
]

CUT = [
    ("json", '{"score": 1', "truncated", None),
    ("json", '{"score": 10', "truncated", None),
    ("json", '{"score": 1.', "truncated", None),
    ("json", '{"score": 1e0', "truncated", None),
    ("json", '{"score": ', "truncated", None),
    ("json", '{"score"', "truncated", None),
    ("json", '{"reason": "a long one', "truncated", None),
    ("json", '{"score": 4, "reason": "bla', "parsed", 4),
    ("json", '{"score": 4,', "parsed", 4),
    ("json", '{"score": 4}', "parsed", 4),
    ("json", '{"score": 4, "score": 1', "parsed", 4),
    ("json", '{"score": 1} is an example. Mine: {"score": 4, "re', "conflicting", None),
    ("json", '{"score": 1} is an example. Mine: {"score": 4', "truncated", None),
    ("json", '{"score": 1} is an example. Mine: {', "truncated", None),
    ("json", "{'score': 4, 'reason': 'bl", "malformed", None),
    ("json", "<think>so", "truncated", None),
    ("json", "", "truncated", None),
    ("json", "I'm sorry, but I can", "truncated", None),
    ("json", "Let me see", "truncated", None),
    ("json-choice", '{"verdict": "A', "truncated", None),
    ("json-choice", '{"verdict": "A"', "parsed", "A"),
    ("bracket", "[[A]] because it", "parsed", "A"),
    ("bracket", "[[A]] may be, but [[B", "truncated", None),
    ("bracket", "[[A]] may be, but [", "truncated", None),
    ("bracket", "[[A]", "truncated", None),
    ("rating", "Rating: [[1", "truncated", None),
    ("rating", "Rating: [[1]", "truncated", None),
    ("rating", "Rating: [[10]]", "parsed", 10),
    ("rating", "[[5]] because", "parsed", 5),
    ("result", "Good. [RESULT] 3", "truncated", None),
    ("result", "Good. [RESULT] 3\n", "parsed", 3),
    ("result", "Good. [RESULT]", "truncated", None),
    ("result-ab", "[RESULT] A", "truncated", None),
    ("score-pair", "8 1", "truncated", None),
    ("score-pair", "8 10\n", "parsed", 8),
    ("score-pair", "8 10\nBoth are", "parsed", 8),
    ("label", "A", "truncated", None),
    ("regex", "Score: 1", "truncated", None),
    ("regex", "Score: 7.", "truncated", None),
    ("regex", "Score: 1 ", "parsed", 1),
    ("regex-listed", "so A is better", "truncated", None),
    ("regex-listed", "so A is better, since", "parsed", "A"),
]

LENIENT = [
    ("json", "{'score': 4}", 4),
    ("json", '{"score": 4,}', 4),
    ("json", '{"score": "4"}', 4),
    ("json", '{"score": "4/10"}', 4),
    ("json", '{"reason": "says "no" twice", "score": 4}', 4),
    ("json-choice", "{verdict: b}", "B"),
    ("bracket", "[[b]]", "B"),
    ("bracket", "[B]", "B"),
    ("bracket", "[[a)]]", "A"),
    ("rating", "[[7/10]]", 7),
    ("label", "**a**", "A"),
    # prometheus-eval 485d2b4e, tests/test_parser.py, Apache-2.0: what its own parser reads
    ("result", "Excellent. [RESULT] 5 out of 5", 5),
    ("result", "Poor performance. [RESULT] score of 1", 1),
    ("result", "Good job. [Result] 3", 3),
    ("result", "Needs improvement. [Result] Score: 2", 2),
    ("result", "Well done. [Result] Result: 4", 4),
    ("result", "Average. [Result] 4/5", 4),
    ("result", "Good job. (Score 5)", 5),
    ("result", "Good job. [Score 4]", 4),
    ("result", "Good job. score: 3", 3),
    ("result", "Good job. score of 1", 1),
    ("result", "Good job. [RESULT] (5)", 5),
    ("result-ab", "Feedback: Both responses are clear... [Result] Response B", "B"),
    ("result-ab", "Feedback: Both responses are clear... [RESULT: B]", "B"),
]

UNREAD_EVEN_LENIENTLY = [
    ("json", "{'score': 4} or {'score': 5}"),
    ("json", "Score: 4"),
    ("json", "See [1]."),
    ("json", "I'm sorry, there are 3 issues."),
    ("json", '{"score": true}'),
    ("bracket", "[a] or [b]"),
    ("bracket", "as in footnote [a]"),
    ("rating", "As [3] says"),
    ("rating", "[[7/5]]"),
    ("label", "A or B"),
    ("result", "The score is definitely not 3."),
    ("result", "Score: 2.5"),
    ("result", "Result: A"),
    ("result-ab", "After careful consideration, I select Response B."),
    ("result-ab", "Feedback: Both responses are clear... Response B Response A"),
]


@pytest.mark.parametrize("case", CASES)
def test_a_whole_text_is_read_by_the_rules(formats: dict, read: Callable, case: tuple) -> None:
    name, text, status, verdict = case
    seen = read(formats[name], text)
    assert (seen.status, seen.verdict, seen.repaired) == (status, verdict, False)


@pytest.mark.parametrize("case", CUT)
def test_a_cut_text_counts_only_if_its_verdict_is_complete(
    formats: dict, read: Callable, case: tuple
) -> None:
    name, text, status, verdict = case
    seen = read(formats[name], text, cut=True)
    assert (seen.status, seen.verdict) == (status, verdict)


@pytest.mark.parametrize(("name", "text", "verdict"), LENIENT)
def test_a_broken_form_is_read_only_on_request_and_marked(
    formats: dict, read: Callable, name: str, text: str, verdict: object
) -> None:
    strict = read(formats[name], text)
    assert strict.status in {"malformed", "no_verdict"}
    lenient = msgspec.structs.replace(formats[name], lenient=True)
    seen = read(lenient, text)
    assert (seen.status, seen.verdict, seen.repaired) == ("parsed", verdict, True)
    assert read(lenient, text, cut=True).status != "parsed"


@pytest.mark.parametrize(("name", "text"), UNREAD_EVEN_LENIENTLY)
def test_the_lenient_mode_does_not_guess(
    formats: dict, read: Callable, name: str, text: str
) -> None:
    seen = read(msgspec.structs.replace(formats[name], lenient=True), text)
    assert (seen.status == "parsed", seen.verdict, seen.repaired) == (False, None, False)


@pytest.mark.parametrize("case", CASES)
def test_the_lenient_mode_changes_no_strict_verdict(
    formats: dict, read: Callable, case: tuple
) -> None:
    name, text, status, verdict = case
    seen = read(msgspec.structs.replace(formats[name], lenient=True), text)
    if status == "parsed":
        assert (seen.status, seen.verdict, seen.repaired) == (status, verdict, False)
    elif status not in {"malformed", "no_verdict"}:
        assert seen.status == status


@pytest.mark.parametrize(
    ("name", "text", "source"),
    [
        ("json", 'é {"score": 10}', "10"),
        ("json-choice", '{"verdict": "A"}', '"A"'),
        ("bracket", "né [[A]] [1]", "[[A]]"),
        ("rating", "[[7.5]]", "[[7.5]]"),
        ("result", "[RESULT] 3\n", "3"),
        ("score-pair", " 8 9 \nx", "8 9"),
        ("label", "<think>ü</think> B ", "B"),
        ("regex", "ß Score: 4", "4"),
        ("regex-listed", "ß A is better", "A is better"),
    ],
)
def test_the_span_is_the_bytes_of_the_verdict(
    formats: dict, read: Callable, name: str, text: str, source: str
) -> None:
    assert read(formats[name], text).source == source


@pytest.mark.parametrize(
    ("name", "text", "strength"),
    [
        *(
            (name, text, strength)
            for name, text, strength in [
                ("arena5", "[[A>>B]]", 1.0),
                ("arena5", "[[B<<A]]", 1.0),
                ("arena5", "[[A>B]]", 0.75),
                ("arena5", "[[B<A]]", 0.75),
                ("arena5", "[[A=B]]", 0.5),
                ("arena5", "[[A<B]]", 0.25),
                ("arena5", "[[B>A]]", 0.25),
                ("arena5", "[[A<<B]]", 0.0),
                ("arena5", "[[B>>A]]", 0.0),
            ]
        ),
        ("bracket", "[[A]]", 1.0),
        ("bracket", "[[B]]", 0.0),
        ("bracket", "[[C]]", 0.5),
        ("score-pair", "9 8", 1.0),
        ("score-pair", "8 8.0", 0.5),
        ("score-pair", "8 8.5", 0.0),
    ],
)
def test_strength_is_the_preference_for_the_answer_shown_first(
    formats: dict, read: Callable, name: str, text: str, strength: float
) -> None:
    assert read(formats[name], text).strength == strength
