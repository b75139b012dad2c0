"""Which numbers are a distribution, by exact arithmetic."""

from __future__ import annotations

import json
from fractions import Fraction

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from judgefast.engines.decisions.check import MalformedAnswerError, distribution
from judgefast.engines.decisions.strict import doubled, read_object, shown


def is_one(values: list[Fraction], *, rounds: bool) -> bool:
    """What is a distribution, written with exact numbers."""
    if any(not 0 <= value <= 1 for value in values):
        return False
    hundredths = all((100 * value).denominator == 1 for value in values)
    room = Fraction(2, 100)
    if rounds or hundredths:
        room = min(Fraction(1, 2), max(Fraction(5, 100), Fraction(len(values), 200)))
    return abs(sum(values) - 1) <= room


@st.composite
def nearly(draw: st.DrawFn) -> list[Fraction]:
    """Numbers in some precision whose sum is near 1: cuts of a line, whose end is moved."""
    n, of = draw(st.integers(2, 40)), draw(st.sampled_from([20, 100, 1_000, 4_096]))
    end = of + draw(st.integers(-of // 8, of // 8))
    cuts = sorted(draw(st.lists(st.integers(0, end), min_size=n - 1, max_size=n - 1)))
    return [Fraction(high - low, of) for low, high in zip([0, *cuts], [*cuts, end], strict=True)]


EDGES = [[98], [95], [94], [105], [106], [979, 0], [980, 0], [500, 520], [500, 521], [500, 551]]


@settings(max_examples=100, deadline=None)
@given(exact=nearly(), rounds=st.booleans())
def test_sums_are_held_to_what_rounding_can_do(exact: list[Fraction], rounds: bool) -> None:  # noqa: FBT001 - drawn
    check_sum(exact, rounds=rounds)


@pytest.mark.parametrize("parts", EDGES)
@pytest.mark.parametrize("rounds", [False, True])
def test_the_edges_of_what_a_sum_may_be(parts: list[int], rounds: bool) -> None:  # noqa: FBT001 - drawn
    of = 100 if len(parts) == 1 else 1_000
    check_sum([*(Fraction(part, of) for part in parts), Fraction(0)], rounds=rounds)


def test_many_small_numbers_may_all_be_rounded_down() -> None:
    check_sum([Fraction(3, 100)] * 30, rounds=False)


def test_however_many_labels_there_are_nothing_is_no_distribution() -> None:
    check_sum([Fraction(0)] * 250, rounds=True)
    check_sum([Fraction(1, 200)] * 250, rounds=True)


def check_sum(exact: list[Fraction], *, rounds: bool) -> None:
    labels = [f"o{place}" for place in range(len(exact))]
    found = {label: float(value) for label, value in zip(labels, exact, strict=True)}
    if not is_one(exact, rounds=rounds):
        with pytest.raises(MalformedAnswerError):
            distribution(found, labels, rounds=rounds)
        return
    values, total = distribution(dict(reversed(found.items())), labels, rounds=rounds)
    assert total == pytest.approx(float(sum(exact)), abs=1e-12)
    assert values == pytest.approx([float(each / sum(exact)) for each in exact], abs=1e-12)


@given(
    st.recursive(
        st.none() | st.integers(-5, 5) | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.lists(st.tuples(st.sampled_from("abc"), inner), max_size=4)
        ),
        max_leaves=8,
    )
)
@settings(max_examples=50, deadline=None)
def test_a_key_that_stands_twice_is_found_wherever_it_stands(found: object) -> None:
    def written(value: object) -> str:
        """Lists of pairs as objects."""
        if not isinstance(value, list):
            return json.dumps(value)
        if value and all(isinstance(each, tuple) for each in value):
            inner = ", ".join(f"{json.dumps(name)}: {written(each)}" for name, each in value)
            return f"{{{inner}}}"
        return f"[{', '.join(written(each) for each in value)}]"

    def check(value: object, read: object) -> None:
        if isinstance(value, list) and value and all(isinstance(each, tuple) for each in value):
            names = [name for name, _ in value]
            assert isinstance(read, dict)
            assert doubled(read) == {name for name in names if names.count(name) > 1}
            for name, each in dict(value).items():
                check(each, read[name])
        elif isinstance(value, list):
            assert isinstance(read, list)
            for each, other in zip(value, read, strict=True):
                check(each, other)
        else:
            assert value == read

    check(found, read_object(f'{{"in": {written(found)}}}'.encode())["in"])


def test_what_a_server_says_is_shown_in_one_short_line() -> None:
    assert shown("a\n\x1b[2J\u202e") == '"a\\n\\u001b[2J\\u202e"'
    assert len(shown({"k": "x" * 5_000})) == 61
