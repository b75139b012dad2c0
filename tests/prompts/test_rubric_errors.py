"""What a person reads who made a mistake in a rubric."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from judgefast.errors import RubricError
from judgefast.prompts import builtin_rubrics, load_rubric
from judgefast.prompts.read_rubric import read_rubric

if TYPE_CHECKING:
    from pathlib import Path

PAIRWISE = """\
name = "mine"
mode = "pairwise"

[[aspects]]
name = "quality"
criterion = "Which is better?"

[template]
system = '''
You judge.
{criterion}
'''

[[template.blocks]]
text = \"\"\"
[Question]
{question}
[A]
{answer_1}
[B]
{answer_2}
[End]
\"\"\"

[verdict]
name = "label"
labels = [
  { text = "A", choice = "first" },
  { text = "B", choice = "second" },
]
"""

SCALAR = """\
name = "mine"
mode = "scalar"

[[aspects]]
name = "quality"
criterion = "How good is it?"
[aspects.scale]
low = 1
high = 3
[aspects.scale.levels]
1 = "bad"
2 = "fair"
3 = "good"

[[template.blocks]]
text = '''
[Answer]
{answer}
[End]
{scale}
'''

[verdict]
name = "json"
"""


def refusal(text: str) -> tuple[str, str | None]:
    with pytest.raises(RubricError) as caught:
        read_rubric(text, "mine.toml")
    return str(caught.value), caught.value.hint


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) >= 1, "else this test proves nothing"
    return text.replace(old, new, 1)


def test_the_texts_of_these_tests_are_right_as_they_are() -> None:
    assert read_rubric(PAIRWISE, "mine.toml").mode == "pairwise"
    scalar = read_rubric(SCALAR, "mine.toml")
    assert (scalar.verdict.low, scalar.verdict.high, scalar.verdict.integer) == (1, 3, True)


@pytest.mark.parametrize(
    ("old", "new", "words", "hint"),
    [
        (
            'mode = "pairwise"',
            'mood = "pairwise"\nmode = "pairwise"',
            "mine.toml:2: unknown key `mood`",
            "did you mean `mode`?",
        ),
        (
            'name = "label"',
            'name = "label"\nlenent = true',
            "mine.toml:27: unknown key `verdict.lenent`",
            "did you mean `lenient`?",
        ),
        (
            'mode = "pairwise"',
            'mode = "pairwize"',
            (
                "mine.toml:2: `mode` is `pairwize`; it must be one of `pairwise`, `scalar`, "
                "`binary`, `choice`"
            ),
            "did you mean `pairwise`?",
        ),
        (
            'name = "mine"\n',
            "",
            "mine.toml:1: `name` is missing",
            "add `name`: a text",
        ),
        (
            'criterion = "Which is better?"',
            "criterion = 3",
            "mine.toml:6: `aspects[0].criterion` is an integer; it must be a text",
            None,
        ),
        (
            'criterion = "Which is better?"',
            'criterion = "x"\nweight = 7',
            "mine.toml:7: `aspects[0].weight` is 7; it must be an integer from 1 to 6",
            None,
        ),
        (
            '{ text = "B", choice = "second" }',
            '{ text = "B", choice = "secnd" }',
            (
                "mine.toml:29: `verdict.labels[1].choice` is `secnd`; it must be one of `first`, "
                "`second`, `tie`"
            ),
            "did you mean `second`?",
        ),
        (
            '{ text = "B", choice = "second" }',
            '{ text = "A", choice = "second" }',
            "mine.toml:29: `verdict.labels[1].text` repeats labels[0]: `A`",
            None,
        ),
        (
            '{ text = "B", choice = "second" }',
            '{ text = "B", choice = "first" }',
            "mine.toml:27: `verdict.labels` has none that chooses the second answer",
            'add one with choice = "second"',
        ),
        (
            'name = "label"',
            'name = "rating"',
            (
                "mine.toml:26: `verdict.name` is `rating`, which holds no verdict of the mode "
                "`pairwise`"
            ),
            "possible: json, label, bracket, arena5, result, score-pair, regex",
        ),
        (
            "{answer_2}\n",
            "",
            (
                "mine.toml:14: `template.blocks` lacks the placeholder `{answer_2}`, which the "
                "mode `pairwise` needs"
            ),
            "add a line `{answer_2}` to one of them",
        ),
        (
            "[A]\n{answer_1}",
            "A: {answer_1}",
            (
                "mine.toml:18: `template.blocks[0].text`: the placeholder `{answer_1}` is not "
                "alone on its line"
            ),
            "put it on a line of its own, without spaces, so that the text stays sealed",
        ),
        (
            "{answer_1}",
            "{anwser_1}",
            "mine.toml:19: `template.blocks[0].text`: there is no placeholder `{anwser_1}` here",
            "did you mean `{answer_1}`?",
        ),
        (
            "{criterion}",
            "{question}",
            "mine.toml:11: `template.system`: there is no placeholder `{question}` here",
            "possible here: {criterion}, {scale}, {examples}",
        ),
        (
            "{criterion}",
            "{scale}",
            "mine.toml:11: `template.system`: `{scale}` stands here, but the rubric has no scale",
            "give one, or take the line out",
        ),
        (
            "[Question]\n",
            "[Question]\n\n",
            (
                "mine.toml:18: `template.blocks[0].text`: `{question}` must not follow a blank "
                "line: the line before it has to be text"
            ),
            None,
        ),
        (
            "[B]\n",
            "",
            (
                "mine.toml:19: `template.blocks[0].text`: `{answer_1}` needs a line of the rubric "
                "after it, to mark where the text ends"
            ),
            None,
        ),
        (
            "[End]",
            "  [End]",
            (
                "mine.toml:21: `template.blocks[0].text`: `{answer_2}` must be followed by a line "
                "of text that does not begin with a space"
            ),
            None,
        ),
        (
            "[End]\n",
            "",
            (
                "mine.toml:21: `template.blocks[0].text`: `{answer_2}` needs a line of the rubric "
                "after it, to mark where the text ends"
            ),
            None,
        ),
        (
            "[End]\n",
            "[End]\n\n",
            "mine.toml:15: `template.blocks[0].text` ends with white space",
            "end it with a word and at most one newline",
        ),
        (
            "[A]\n",
            "[A]\n{question}\n[A]\n",
            "mine.toml:19: `template.blocks[0].text`: `{question}` stands here again",
            "use each placeholder once",
        ),
        (
            "[A]\n",
            "{reference}\n[A]\n",
            (
                "mine.toml:18: `template.blocks[0].text`: `{reference}` stands here, but "
                '`reference` is "never"'
            ),
            'set reference = "optional" or "required"',
        ),
        (
            'mode = "pairwise"\n',
            'mode = "pairwise"\nreference = "optional"\n',
            (
                "mine.toml:15: `template.blocks` lacks the placeholder `{reference}`, but "
                '`reference` is "optional"'
            ),
            'add it, or set reference = "never"',
        ),
        (
            "[template]\n",
            '[[examples]]\ntext = "x"\n\n[template]\n',
            (
                "mine.toml:17: `template.blocks` lacks `{examples}`, but the rubric has worked "
                "examples"
            ),
            "add a line `{examples}`, or take [[examples]] out",
        ),
        (
            "[template]\n",
            '[template]\nwrap = "plain"\n',
            "mine.toml:10: `template.system` has no place in plain text",
            "put the text into the first block",
        ),
        (
            "[verdict]\n",
            "[decoding]\nmax_tokens = 0\n[verdict]\n",
            "mine.toml:26: `decoding.max_tokens` is 0; it must be an integer from 1 to 1048576",
            None,
        ),
        (
            "[verdict]\n",
            "[decoding]\nprobabilities = []\n[verdict]\n",
            'mine.toml:26: `decoding.probabilities` must be "auto", true or false',
            None,
        ),
        (
            'name = "mine"\n',
            'name = "mine"\ndate = "tomorrow"\n',
            "mine.toml:2: `date` is `tomorrow`; it must be a date, as in `date = 2026-01-01`",
            None,
        ),
        (
            "[verdict]\n",
            "[verdict\n",
            "mine.toml:25: not valid TOML",
            "texts of several lines need three quotes",
        ),
        (
            'mode = "pairwise"\n',
            'mode = "pairwise"\nmode = "pairwise"\n',
            "mine.toml:3: not valid TOML: Cannot overwrite a value",
            "a key or table stands there a second time: take one of the two out",
        ),
    ],
)
def test_a_mistake_names_the_line_and_the_key(
    old: str, new: str, words: str, hint: str | None
) -> None:
    message, found = refusal(changed(PAIRWISE, old, new))
    assert message.startswith(words)
    assert found == hint


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("high = 3", "high = 1", "mine.toml:9: `aspects[0].scale.high` is 1; it must be above"),
        ("high = 3", "high = 2000", "mine.toml:9: `aspects[0].scale.high` is 2000; it must be a"),
        ("high = 3", "high = 2.5", "mine.toml:7: `aspects[0].scale.integer` is true, but"),
        ('2 = "fair"\n', "", "mine.toml:10: `aspects[0].scale.levels` does not describe 2"),
        ("2 = ", "9 = ", "mine.toml:12: `aspects[0].scale.levels.9` is not on the scale from 1"),
        ("2 = ", "two = ", "mine.toml:12: `aspects[0].scale.levels.two` is no level"),
        ("2 = ", '"1.0" = ', "mine.toml:12: `aspects[0].scale.levels.1.0` describes level 1 again"),
        (
            "[aspects.scale.levels]",
            "[aspects.steps]",
            "mine.toml:10: unknown key `aspects[0].steps`",
        ),
        ('"json"', '"json"\nlow = 0', "mine.toml:25: `verdict.low` is 0.0, but the scale of the"),
        (
            '"json"',
            '"json"\nwhich = "last"',
            "mine.toml:25: `verdict.which` is only for the format",
        ),
        (
            '"json"',
            '"bracket"',
            "mine.toml:24: `verdict.name` is `bracket`, which holds no verdict",
        ),
        ("{scale}", "{scales}", "mine.toml:20: `template.blocks[0].text`: there is no placeholder"),
    ],
)
def test_a_mistake_about_a_scale_names_the_line_and_the_key(old: str, new: str, words: str) -> None:
    message, _ = refusal(changed(SCALAR, old, new))
    assert message.startswith(words)


def test_a_scalar_rubric_without_a_scale_says_what_to_add() -> None:
    text = SCALAR[: SCALAR.index("[aspects.scale]")] + SCALAR[SCALAR.index("[[template") :]
    message, hint = refusal(text.replace("{scale}", "x"))
    assert message.startswith("mine.toml:4: `aspects[0].scale` is missing")
    assert hint == "add [aspects.scale] with `low` and `high`"


def test_labels_of_a_binary_rubric_mean_yes_and_no() -> None:
    text = PAIRWISE.replace("pairwise", "binary").replace("{answer_1}\n[B]\n{answer_2}", "{answer}")
    text = text.replace('choice = "first"', "score = 1").replace('choice = "second"', "score = 1")
    message, hint = refusal(text)
    assert "`verdict.labels` needs a score of 1 and a score of 0" in message
    assert hint == "1 is yes, 0 is no"


def test_labels_of_a_choice_rubric_name_the_answers_without_a_gap() -> None:
    text = PAIRWISE.replace('"pairwise"', '"choice"')
    text = text.replace("{answer_1}\n[B]\n{answer_2}", "{answers}")
    text = text.replace('choice = "first"', "choice = 0").replace('choice = "second"', "choice = 2")
    message, _ = refusal(text)
    assert "`verdict.labels` does not name the answers one after the other" in message
    assert read_rubric(text.replace("choice = 2", "choice = 1"), "mine.toml").mode == "choice"


def test_two_aspects_of_one_name_are_refused() -> None:
    message, _ = refusal(
        changed(
            PAIRWISE, "[template]\n", '[[aspects]]\nname = "quality"\ncriterion = "x"\n[template]\n'
        )
    )
    assert message.startswith("mine.toml:9: `aspects[1].name` is `quality`, as is an aspect")


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(RubricError, match="there is no rubric `pairwize`; built in are") as caught:
        load_rubric("pairwize")
    assert all(name in str(caught.value) for name in builtin_rubrics())
    assert caught.value.hint == "did you mean `pairwise`?"


def test_windows_line_ends_make_the_same_rubric(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(PAIRWISE.replace("\n", "\r\n").encode())
    assert load_rubric(str(path)).template == read_rubric(PAIRWISE, "mine.toml").template
