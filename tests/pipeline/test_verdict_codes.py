"""Verdicts as small numbers: alike where they mean the same, whatever they are called."""

from __future__ import annotations

import numpy as np

from judgefast.codes import Status
from judgefast.pipeline.verdict_codes import VerdictCodes
from judgefast.prompts.verdict_format import VerdictFormat, VerdictLabel
from judgefast.verdicts import read_texts


def codes_of(form: VerdictFormat, texts: list[str]) -> tuple[VerdictCodes, list[int]]:
    codes = VerdictCodes(form)
    verdicts = read_texts(form, texts, np.zeros(len(texts), np.uint8))
    return codes, codes.code(verdicts).tolist()


def test_of_a_pair_of_scores_the_choice_alone_counts() -> None:
    pair = VerdictFormat(name="score-pair", low=0, high=10)
    codes, found = codes_of(pair, ["8 3\nr", "9 1\nr", "2 7\nr", "4 4\nr", "none"])
    assert found[0] == found[1]
    assert [codes.word(code) for code in found[1:]] == ["first", "second", "tie", "no_verdict"]


def test_zero_has_one_code_whatever_its_sign() -> None:
    codes, found = codes_of(VerdictFormat(name="rating", low=-1, high=1), ["[[0]]", "[[-0]]"])
    assert found[0] == found[1]
    assert codes.word(found[0]) == "0"


def test_readings_are_compared_by_what_they_mean_not_by_their_words() -> None:
    named = VerdictFormat(
        name="bracket",
        labels=(
            VerdictLabel(text="left", choice="first"),
            VerdictLabel(text="right", choice="second"),
        ),
    )
    one, by_letter = codes_of(VerdictFormat(name="bracket"), ["[[A]]", "[[B]]", "none"])
    two, by_name = codes_of(named, ["[[left]]", "[[right]]", "[[odd]]"])
    a, b, none = (one.meaning(code) for code in by_letter)
    left, right, odd = (two.meaning(code) for code in by_name)
    assert (a, b) == (left, right)
    assert a != b
    assert none == (Status.NO_VERDICT, None)
    assert odd == none
