"""`[gold]` of a rubric: words of people that stand for a score."""

from __future__ import annotations

import pytest

from judgefast.errors import RubricError
from judgefast.prompts import load_rubric
from judgefast.prompts.read_rubric import read_rubric


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        ("binary", "fine = 2", "`gold.fine` is 2; it must be a number from 0 to 1"),
        ("binary", "fine = 0.5", "`gold.fine` is 0.5; it must be a whole number"),
        ("scalar-1-5", 'fine = "no"', "`gold.fine` is a text; it must be a number"),
        ("scalar-1-5", "fine = 6", "`gold.fine` is 6; it must be a number from 1 to 5"),
        ("pairwise", "good = 1", "`gold` is for gold of lone answers, and the mode is `pairwise`"),
    ],
)
def test_a_word_stands_for_a_score_of_the_scale(name: str, words: str, message: str) -> None:
    source = load_rubric(name).source.partition("\n[gold]\n")[0]
    text = f"{source}\n[gold]\n{words}\n"
    with pytest.raises(RubricError, match=r"^mine\.toml:\d+: ") as caught:
        read_rubric(text, "mine.toml")
    assert str(caught.value).endswith(message)


def test_words_are_numbers_of_the_rubric() -> None:
    source = load_rubric("scalar-1-5").source
    assert read_rubric(f'{source}\n[gold]\n" fine " = 4\nawful = 1\n', "mine.toml").gold == (
        ("fine", 4.0),
        ("awful", 1.0),
    )
