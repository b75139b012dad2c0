"""Agreement of several judges: what is counted, its intervals, and what is said of it."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.errors import ColumnError, ConfigError
from judgefast.stats import left_out
from judgefast.stats.agreed import Agreement
from judgefast.stats.agreement import agreement_of
from judgefast.stats.ratings import Ratings

NAN = math.nan
YES_NO: dict[str, Any] = {"categories": (0.0, 1.0), "names": ("no", "yes")}


def of_table(table: list[list[int]], **wishes: Any) -> Agreement:
    """Two judges, from how often they say what; each unit a cluster."""
    rows = [
        (a, b) for a, row in enumerate(table) for b, many in enumerate(row) for _ in range(many)
    ]
    values = np.array(rows, dtype=float)
    given_ = {"categories": tuple(map(float, range(len(table)))), **wishes}
    return agreement_of(Ratings(values, np.arange(len(rows), dtype=np.uint64), "AB", **given_))


def kinds(found: Agreement) -> list[str]:
    return [one.kind for one in found.findings]


def test_a_pair_says_percent_chance_base_rates_and_kappa() -> None:
    [pair] = of_table([[45, 15], [25, 15]], **YES_NO).pairs
    assert pair.percent is not None
    assert pair.kappa is not None
    assert (pair.percent.value, pair.percent.method) == (0.6, "wilson")
    assert pair.percent.slice == pair.kappa.slice == "judge=A with=B"
    assert pair.chance == pytest.approx(0.6 * 0.7 + 0.4 * 0.3)
    assert pair.base_rates == {"A": {"no": 0.6, "yes": 0.4}, "B": {"no": 0.7, "yes": 0.3}}
    assert f"{pair.kappa.value:.4f}" == "0.1304"
    assert (pair.kappa_linear, pair.kappa_quadratic) == (None, None)


def test_the_same_share_of_agreement_is_worth_more_where_chance_gives_less() -> None:
    """60 % of both: kappa .13 and .26."""
    first, second = of_table([[45, 15], [25, 15]]), of_table([[25, 35], [5, 35]])
    texts = [one.findings[0].text for one in (first, second)]
    assert texts[0].startswith(
        "A and B agree in 60 % (50.2 % to 69.1 %) of 100 units, of which 54 "
    )
    assert [text[text.index("of which") :][:28] for text in texts] == [
        "of which 54 % would be chanc",
        "of which 46 % would be chanc",
    ]
    assert "kappa 0.13 (" in texts[0]
    assert "kappa 0.26 (" in texts[1]


def test_high_agreement_of_lopsided_judges_is_said_to_be_mostly_chance() -> None:
    """94.4 % of 125, kappa -.02: the paradox is in the base rates."""
    found = of_table([[118, 5], [2, 0]], **YES_NO)
    assert kinds(found) == ["agreement", "mostly_chance", "alpha"]
    assert found.findings[0].text.endswith(
        "kappa -0.02 (-1.00 to 0.58), which chance alone may explain."
    )
    assert found.findings[1].text == (
        "A gives `no` in 98.4 % and B gives `no` in 96 %: by that alone they would agree in "
        "94.5 %, so the share of agreement says little."
    )


def test_values_between_two_levels_are_counted_in_words() -> None:
    """2.5 goes to 2 in shares and kappas, and stays 2.5 in alpha."""
    values = np.array([[2.5, 2.0], [4.0, 3.7], [1.0, NAN], [5.0, 5.0]])
    steps = (1.0, 2.0, 3.0, 4.0, 5.0)
    found = agreement_of(Ratings(values, np.arange(4, dtype=np.uint64), "AB", "interval", steps))
    assert found.rounded == 2
    assert found.pairs[0].percent is not None
    assert found.pairs[0].percent.value == 1
    assert found.alpha.value is not None
    assert found.alpha.value < 1
    [text] = [one.text for one in found.findings if one.kind == "rounded"]
    assert text == (
        "2 of 7 values lie between two levels of the scale: shares and kappas take the nearest "
        "level, and of two as near the lower one; alpha takes values as they are."
    )
    by_order = agreement_of(
        Ratings(values, np.arange(4, dtype=np.uint64), "AB", "interval", steps), alpha="ordinal"
    )
    assert (by_order.scale, by_order.pairs) == ("ordinal", found.pairs)
    assert by_order.alpha.value == 1  # 2.5 is 2, and 3.7 is 4
    [text] = [one.text for one in by_order.findings if one.kind == "rounded"]
    assert text.endswith(
        "shares, kappas and alpha take the nearest level, and of two as near the lower one."
    )
    whole = agreement_of(
        Ratings(values.round(), np.arange(4, dtype=np.uint64), "AB", "interval", steps)
    )
    assert "rounded" not in kinds(whole)


def test_judges_who_all_say_the_same_are_undefined_and_not_perfect() -> None:
    found = of_table([[40, 0], [0, 0]])
    [pair] = found.pairs
    assert pair.percent is not None
    assert pair.kappa is not None
    assert (pair.percent.value, pair.chance, pair.kappa.value, found.alpha.value) == (
        1,
        1,
        None,
        None,
    )
    assert kinds(found) == [
        "agreement",
        "undefined_agreement",
        "mostly_chance",
        "undefined_alpha",
    ]
    assert "kappa" not in found.findings[0].text
    assert "nan" not in msgspec.json.encode(found).decode().lower()


def test_a_report_of_it_is_read_back_as_it_was_written() -> None:
    found = of_table(
        [[5, 1, 0], [2, 5, 1], [0, 2, 9]], scale="ordinal", names=("loss", "tie", "win")
    )
    assert msgspec.json.decode(msgspec.json.encode(found), type=Agreement) == found


def test_ordered_categories_have_weighted_kappas_too() -> None:
    [pair] = of_table(
        [[7, 7, 2, 3], [2, 8, 3, 7], [1, 5, 4, 9], [2, 8, 9, 14]], scale="ordinal"
    ).pairs
    weighted = [pair.kappa_linear, pair.kappa_quadratic]
    assert [f"{one.value:.4f}" for one in weighted if one] == ["0.2374", "0.3320"]


VALUES = st.lists(
    st.tuples(
        st.lists(st.sampled_from([NAN, 1.0, 2.0, 4.0]), min_size=3, max_size=3), st.integers(0, 5)
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=20, deadline=None)
@given(VALUES, st.randoms(use_true_random=False))
def test_the_order_of_units_changes_no_bit(
    rows: list[tuple[list[float], int]], random: Any
) -> None:
    def found(some: list[tuple[list[float], int]]) -> Agreement:
        values = np.array([row for row, _ in some])
        clusters = np.array([cluster for _, cluster in some], np.uint64)
        steps = (1.0, 2.0, 3.0, 4.0)
        return agreement_of(Ratings(values, clusters, "abc", "interval", steps))

    other = [*rows]
    random.shuffle(other)
    assert found(other) == found(rows)
    numbers = [
        Ratings(
            np.array([row for row, _ in some]) + 0.1,
            np.array([cluster for _, cluster in some], np.uint64),
            "abc",
            "interval",
        )
        for some in (rows, other)
    ]
    assert agreement_of(numbers[0]) == agreement_of(numbers[1])


def test_many_clusters_are_left_out_in_groups_and_the_order_still_changes_no_bit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(9)
    units = 3000
    kind = rng.integers(0, 3, (units, 1))
    values = np.where(rng.random((units, 3)) < 0.8, kind, rng.integers(0, 3, (units, 3))).astype(
        float
    )
    clusters = rng.integers(0, 1 << 63, units // 2).astype(np.uint64).repeat(2)
    ratings = Ratings(values, clusters, "abc", "ordinal", (0.0, 1.0, 2.0))
    one_by_one = agreement_of(ratings)
    monkeypatch.setattr(left_out, "MOST_GROUPS", 500)
    grouped = agreement_of(ratings)
    for one, other in (
        (one_by_one.alpha, grouped.alpha),
        (one_by_one.pairs[0].kappa, grouped.pairs[0].kappa),
    ):
        assert one is not None
        assert other is not None
        assert other.value == one.value
        assert other.clusters == one.clusters == units // 2
        assert other.low != one.low
        assert other.high - other.low == pytest.approx(one.high - one.low, rel=0.1)  # type: ignore[operator]  # both have ends
    order = rng.permutation(units)
    shuffled = ratings._replace(values=values[order], clusters=clusters[order])
    assert agreement_of(shuffled) == grouped


def test_counting_units_of_one_question_as_independent_makes_intervals_too_short() -> None:
    rng = np.random.default_rng(1)
    questions = rng.integers(0, 3, (80, 1, 2))
    same = rng.random((80, 1, 1)) < 0.5
    values = np.where(same, questions[:, :, :1], questions).repeat(5, axis=1).reshape(-1, 2)
    widths = []
    for clusters in (np.arange(80).repeat(5), np.arange(400)):
        ids = clusters.astype(np.uint64)
        found = agreement_of(Ratings(values.astype(float), ids, "ab", categories=(0.0, 1.0, 2.0)))
        kappa = found.pairs[0].kappa
        assert kappa is not None
        widths.append(kappa.high - kappa.low)  # type: ignore[operator]  # both have ends
    assert widths[0] == pytest.approx(math.sqrt(5) * widths[1], rel=0.05)


def test_missing_values_are_counted_for_each_pair_and_all_agree_is_of_those_that_judged() -> None:
    values = np.array([[1, 1, NAN], [1, 2, 1], [2, 2, 2], [NAN, NAN, 1], [2, NAN, 2.0]])
    ratings = Ratings(values, np.arange(5, dtype=np.uint64), "abc", categories=(1.0, 2.0))
    found = agreement_of(ratings)
    assert [(pair.a, pair.b, pair.units, pair.missing) for pair in found.pairs] == [
        ("a", "b", 3, 2),
        ("a", "c", 3, 2),
        ("b", "c", 2, 3),
    ]
    assert found.all_agree is not None
    assert (found.all_agree.value, found.all_agree.outcomes, found.all_agree.missing) == (
        0.75,
        4,
        1,
    )


def test_values_between_categories_count_for_the_nearest_and_alpha_takes_them_as_they_are() -> None:
    values = np.array([[1.2, 0.9], [2.6, 3.4], [4.9, 4.4], [2.0, 2.5], [1.0, 5.0]])
    steps = (1.0, 2.0, 3.0, 4.0, 5.0)
    ratings = Ratings(values, np.arange(5, dtype=np.uint64), "ab", "interval", steps)
    found = agreement_of(ratings)
    assert found.rounded == 7
    [pair] = found.pairs
    assert pair.percent is not None
    assert pair.percent.value == 0.6  # 1 1, 3 3, 5 4, 2 2, 1 5: of two as near the lower
    continuous = agreement_of(ratings._replace(categories=None))
    assert continuous.alpha == found.alpha
    assert (continuous.pairs[0].percent, continuous.all_agree) == (None, None)
    assert kinds(continuous) == ["alpha"]


def test_kappas_are_of_the_whole_scale_and_not_of_the_levels_that_were_seen() -> None:
    """Of 1 to 5, nobody gave 3 or 4; with the levels seen alone linear kappa would be .5532."""
    values = np.array([[1, 1], [1, 1], [2, 2], [2, 5], [5, 1], [5, 5], [5, 5]], float)
    units = np.arange(7, dtype=np.uint64)
    for scale, published in (((1.0, 2.0, 3.0, 4.0, 5.0), ".4842"), ((1.0, 2.0, 5.0), ".5532")):
        (pair,) = agreement_of(Ratings(values, units, "ab", "ordinal", scale)).pairs
        assert pair.kappa_linear is not None
        assert f"{pair.kappa_linear.value:.4f}" == f"0{published}"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"values": np.zeros((4, 3))}, r"shape \(4, 3\), but there are 2 judges"),
        ({"clusters": np.zeros(3, np.uint64)}, r"shape \(3,\), but there are 4 units"),
        ({"judges": ["a", "a"]}, "names `a` more than once"),
        ({"categories": (1.0, 0.0)}, "must ascend"),
        ({"categories": None}, "a nominal scale without `categories`"),
        ({"names": ("no",)}, "1 entries for 2 categories"),
        ({"values": np.full((4, 2), 0.5)}, "unit 0 has 0.5 by judge `a`; the scale has 0, 1"),
        ({"values": np.full((4, 2), np.inf)}, "infinite"),
    ],
)
def test_what_no_agreement_can_be_measured_on_is_refused(wrong: dict[str, Any], words: str) -> None:
    ratings = Ratings(np.zeros((4, 2)), np.zeros(4, np.uint64), ["a", "b"], categories=(0.0, 1.0))
    with pytest.raises(ColumnError, match=words):
        agreement_of(ratings._replace(**wrong))


def test_a_level_is_inside_0_and_1() -> None:
    ratings = Ratings(np.zeros((4, 2)), np.zeros(4, np.uint64), "ab", categories=(0.0, 1.0))
    with pytest.raises(ConfigError, match="`level` is 1"):
        agreement_of(ratings, level=1)


def test_alpha_is_held_to_what_krippendorff_relies_on() -> None:
    rng = np.random.default_rng(6)
    kind = rng.integers(0, 2, (500, 1))

    def said(share: float) -> str:
        values = np.where(rng.random((500, 2)) < share, kind, 1 - kind).astype(float)
        ids = np.arange(500, dtype=np.uint64)
        return agreement_of(Ratings(values, ids, "ab", **YES_NO)).findings[-1].text

    assert "at least 0.8, from which Krippendorff relies on values" in said(0.99)
    assert "below 0.667, the least that Krippendorff draws conclusions from" in said(0.7)
    assert "relies on values from 0.8 on, and draws no conclusions below 0.667" in said(0.93)


def test_the_order_of_units_changes_no_bit_of_an_alpha_of_numbers() -> None:
    rng = np.random.default_rng(8)
    values, clusters = rng.normal(3, 1, (300, 4)), rng.integers(0, 30, 300).astype(np.uint64)
    values[rng.random(values.shape) < 0.2] = NAN
    found = agreement_of(Ratings(values, clusters, "abcd", "interval"))
    order = rng.permutation(300)
    assert agreement_of(Ratings(values[order], clusters[order], "abcd", "interval")) == found


def test_units_that_one_of_two_judges_did_not_judge_are_as_if_they_were_not_there() -> None:
    rng = np.random.default_rng(8)
    kind = rng.integers(0, 2, (120, 1))
    values = np.where(rng.random((120, 2)) < 0.7, kind, 1 - kind).astype(float)
    ids = np.arange(120, dtype=np.uint64)
    values[40:, 1] = NAN
    whole, both = (
        agreement_of(Ratings(values[:rows], ids[:rows], "ab", **YES_NO)).pairs[0].kappa
        for rows in (120, 40)
    )
    assert whole is not None
    assert both is not None
    assert whole.missing == 80
    assert msgspec.structs.replace(whole, missing=0) == both
