"""How many items a decision needs, from flags or a pilot, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.errors import ConfigError
from judgefast.pipeline.pilot import Pilot
from judgefast.pipeline.sample import Design, PowerWishes, design_of, sample_of
from judgefast.stats.power import Spread
from tests.costs.deciding import estimated, workload

if TYPE_CHECKING:
    from judgefast.costs.decisions import Sample

PILOT = Pilot(
    name="mean",
    slice="all",
    spread=Spread(0.9025, width=4.0),
    compares="nothing",
    design="mean of one run",
    questions=200,
    values=200,
    per_question=1.0,
    missing=0.0,
    unread=0.0,
    ties=None,
)


def design(
    difference: float, pilot: Pilot | None = None, mode: str = "scalar", **known: Any
) -> Design:
    return design_of(PowerWishes(difference=difference, **known), pilot, mode=mode)


def sample(
    difference: float, pilot: Pilot | None = None, mode: str = "scalar", **known: Any
) -> Sample:
    wishes = PowerWishes(difference=difference, **known)
    return sample_of(wishes, design_of(wishes, pilot, mode=mode), workload(), estimated)


@pytest.mark.parametrize(
    ("known", "questions"),
    [
        ({"difference": 0.02, "rate": 0.8, "correlation": 0.0}, 6507),
        ({"difference": 0.02, "rate": 0.8, "correlation": 0.0, "sides": 1}, 5126),
        ({"difference": 0.02, "rate": 0.8, "correlation": 0.7}, 1955),
        ({"difference": 0.02, "discordant": 0.1}, 1960),
        ({"difference": 0.08, "deviation": 0.95, "correlation": 0.5}, 1107),
        ({"difference": 0.02, "deviation": 0.5, "mode": "pairwise"}, 4906),
    ],
)
def test_flags_need_the_published_questions(known: dict[str, Any], questions: int) -> None:
    found = sample(**known)
    assert (found.questions, found.items, found.judgments) == (questions, questions, 2 * questions)


def test_where_nobody_knows_how_runs_go_together_all_that_may_be_are_said() -> None:
    found = sample(0.02, rate=0.8)
    assert found.questions == 6507
    assert found.others == {
        "correlation 0.3": 4556,
        "correlation 0.5": 3256,
        "correlation 0.7": 1955,
        "correlation 0.9": 655,
    }
    assert found.notes == ["how runs go together is not known: --correlation says it"]


def test_correlations_that_two_shares_cannot_have_are_not_reckoned_with() -> None:
    assert list(sample(0.02, rate=0.97).others) == [
        "correlation 0.3",
        "correlation 0.5",
        "correlation 0.7",
    ]
    highest = sample(0.02, rate=0.97, correlation=0.76)
    assert highest.questions >= 385


@pytest.mark.parametrize(
    ("rate", "correlation", "said"),
    [
        (0.97, 0.9, "0.97 and 0.95 cannot go together by 0.9: 0.76 is the highest"),
        (0.97, -0.5, "0.97 and 0.95 cannot go together by -0.5: -0.04 is the lowest"),
    ],
)
def test_a_correlation_that_two_shares_cannot_have_is_refused_with_the_end(
    rate: float, correlation: float, said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        design(0.02, rate=rate, correlation=correlation)
    assert caught.value.hint
    end = float(said.split(": ")[1].split(" ", maxsplit=1)[0])
    assert sample(0.02, rate=rate, correlation=end).questions >= 385


def test_a_pilot_of_one_run_is_planned_as_two_that_may_not_go_together() -> None:
    found = sample(0.08, PILOT)
    assert found.questions == 2214
    assert found.notes[-1].endswith("--correlation says it; --against RUN measures it")
    assert sample(0.08, PILOT, correlation=0.9).questions == 222


def test_a_pilot_against_even_or_of_two_sides_is_taken_as_it_is() -> None:
    even = PILOT._replace(compares="even", spread=Spread(0.25))
    assert sample(0.02, even, mode="pairwise").questions == 4906
    assert sample(0.02, even, mode="pairwise", correlation=0.5).questions == 4906
    sides = PILOT._replace(compares="sides", spread=Spread(0.12))
    assert sample(0.02, sides).questions == 2355
    with pytest.raises(ConfigError, match="the pilot says how runs go together"):
        design(0.02, sides, correlation=0.5)


def test_a_small_pilot_says_what_its_own_size_leaves_open() -> None:
    even = PILOT._replace(compares="even", spread=Spread(0.25), questions=10)
    [(label, most)] = sample(0.02, even, mode="pairwise").others.items()
    assert label == "the largest spread that 10 questions leave open"
    assert most > 3 * 4906
    [large] = sample(0.02, even._replace(questions=5000), mode="pairwise").others.values()
    assert 4906 < large < 1.06 * 4906


def test_no_sample_is_planned_on_a_handful_of_questions() -> None:
    alike = PILOT._replace(compares="even", spread=Spread(0.005**2))
    found = sample(0.05, alike, mode="pairwise")
    assert (found.questions, found.items) == (40, 40)
    assert found.notes[-1].startswith("2 would do by the formula, but fewer than 40 questions")


def test_items_that_will_not_be_read_are_judged_too() -> None:
    pilot = PILOT._replace(per_question=2.0, missing=0.2)
    found = sample(0.08, pilot, correlation=0.9)
    assert (found.questions, found.items) == (222, 555)
    assert found.way.items == 555
    assert found.tokens == 555 * 4000 + 2 * 555 * 100
    assert found.way.usd is not None


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0.01, 0.3),
    st.floats(0.3, 1.5),
    st.floats(0.0, 0.95),
    st.floats(1.0, 4.0),
    st.floats(0, 0.5),
)
def test_the_items_that_are_needed_find_the_difference(
    difference: float, deviation: float, correlation: float, per_question: float, missing: float
) -> None:
    found = design(
        difference,
        PILOT._replace(
            spread=Spread(deviation**2, width=4.0), per_question=per_question, missing=missing
        ),
        correlation=correlation,
    )
    items = found.items(found.spread.needed(difference))
    assert found.spread.detectable(found.questions(items)) <= difference * (1 + 1e-9)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"difference": 0.02}, "hangs on how much questions vary"),
        ({"difference": 0.02, "rate": 0.8, "deviation": 0.4}, "--rate and --sd both say"),
        ({"difference": 0.02, "pilot": PILOT, "rate": 0.8}, "--pilot and --rate both say"),
        ({"difference": 0.0, "rate": 0.8}, "above 0, not 0"),
        ({"difference": -1.0}, "above 0, not -1"),
        ({"difference": 0.02, "rate": 1.2}, "--rate must lie between 0 and 1, not 1.2"),
        ({"difference": 0.9, "rate": 0.8}, "no share is 0.9 away from 0.8"),
        ({"difference": 0.02, "discordant": 0.0}, "--discordant must lie between 0 and 1, not 0"),
        ({"difference": 0.2, "discordant": 0.1}, "0.1 of questions decided otherwise cannot make"),
        ({"difference": 0.02, "deviation": 0.0}, "--sd must be above 0, not 0"),
        ({"difference": 0.02, "rate": 0.8, "correlation": 1.0}, "--correlation must lie between"),
        ({"difference": 0.02, "rate": 0.8, "power": 1.5}, "power must be at least 0.5"),
    ],
)
def test_what_cannot_be_planned_is_refused(known: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        design(**known)
    assert caught.value.hint


def test_the_hint_of_a_lone_power_shows_every_way_to_say_it() -> None:
    with pytest.raises(ConfigError) as caught:
        design(0.02)
    hint = str(caught.value.hint)
    assert all(flag in hint for flag in ("--pilot", "--against", "--rate", "--sd", "--discordant"))
