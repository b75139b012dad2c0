"""What the verdict of a judge is, beside a count over lists that is written another way."""

from __future__ import annotations

from collections import Counter
from itertools import permutations, product
from math import inf, log
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import judgefast
from judgefast.batches.columns import no_plan
from judgefast.codes import CHOICE_NONE, CHOICE_TIE, Position, Status
from judgefast.outcomes.reconcile import reconcile
from judgefast.pipeline.panel_verdicts import said_of
from judgefast.prompts.verdict_format import VerdictFormat
from tests.recorded import replayed

if TYPE_CHECKING:
    from judgefast.pipeline.panel_verdicts import Said

ANSWERS = {"pairwise": 2, "choice": 3}
BOTH = 2
UNREAD, DECIDED = "?", "."
"""A judgment that could not be read, and one that the other order made needless; `=` is a tie, a
digit the answer that was chosen."""
RULES = {
    "pairwise": ["strict", "average", "judgebench", "games", "drop"],
    "choice": ["strict", "average", "drop"],
}
TORN = {Position.FIRST_TWICE, Position.SECOND_TWICE, Position.DIFFER}

Repeats = list[str]
"""Of one comparison: what each order of each repeat said, one letter an order."""


class _Thing:
    def __init__(self, **named: Any) -> None:
        self.__dict__.update(named)


def _said(
    comparisons: list[Repeats], mode: Any, rule: Any = "strict", one_failed: Any = "pair"
) -> tuple[Said, Any]:
    """Verdicts by columns as a run has them, with the outcomes by the rule."""
    from tests.stats.tables import make_verdicts  # noqa: PLC0415 - beside what is made of it

    answers = [*range(ANSWERS[mode])]
    item, shown, repeat, choice, status = [], [], [], [], []
    for number, repeats in enumerate(comparisons):
        for at, letters in enumerate(repeats):
            for order, letter in zip((answers, answers[::-1]), letters, strict=False):
                item.append(number)
                repeat.append(at)
                shown.append(order)
                unread = {UNREAD: Status.EMPTY, DECIDED: Status.DECIDED}
                status.append(unread.get(letter, Status.PARSED))
                places = {UNREAD: CHOICE_NONE, DECIDED: CHOICE_NONE, "=": CHOICE_TIE}
                choice.append(places[letter] if letter in places else order.index(int(letter)))
    zeros = np.zeros(len(item), np.uint16)
    of_shown = np.array(shown, np.uint16)
    plan = no_plan()._replace(
        item=np.array(item, np.uint32),
        first=of_shown[:, 0].copy(),
        second=of_shown[:, 1].copy(),
        shown=of_shown.ravel(),
        shown_offsets=np.arange(len(item) + 1, dtype=np.int64) * len(answers),
        swapped=(of_shown[:, 0] > 0).astype(np.uint8),
        repeat=np.array(repeat, np.uint16),
        aspect=zeros,
    )
    verdicts = make_verdicts(choice, status=[int(one) for one in status])
    verdicts = verdicts._replace(strength=np.full(len(item), np.nan))
    form = VerdictFormat(name="bracket")
    outcomes = reconcile(plan, verdicts, mode=mode, rule=rule, one_failed=one_failed, format=form)
    reading: Any = _Thing(
        plan=_Thing(columns=plan),
        verdicts=verdicts,
        outcomes=outcomes,
        rule=rule,
        rubric=_Thing(mode=mode, one_failed=one_failed),
    )
    _, rows = np.unique(outcomes.item, return_index=True)
    return said_of(reading, rows), outcomes.take(rows)


def _expected(repeats: Repeats, rule: str, one_failed: str) -> tuple[str | None, bool]:
    """Letter of the verdict, and whether the judge is torn."""
    verdicts, letters = [], set()
    for orders in repeats:
        repeat = orders.rstrip(DECIDED)
        read = [one for one in repeat if one != UNREAD]
        if len(read) == len(repeat):
            verdict = read[0] if len(set(read)) == 1 else "-"
        elif read and (one_failed == "single" or rule == "judgebench"):
            verdict = read[0]
        elif read and one_failed == "tie":
            verdict = "-"
        else:
            continue
        if verdict == "-" and rule == "drop" and len(read) == len(repeat):
            continue
        verdicts.append(verdict)
        letters |= {one for one in read if one != "="}
    if not verdicts:
        return None, False
    best, votes = Counter(verdicts).most_common(1)[0]
    if best != "-" and votes > len(verdicts) / 2:
        return best, False
    return "=", len(letters) > 1


def _check(comparisons: list[Repeats], mode: str, rule: str, one_failed: str) -> None:
    said, outcomes = _said(comparisons, mode, rule, one_failed)
    meaning = {"0": 0.0, "1": 1.0, "=": 0.5}
    if mode == "choice":
        meaning = {"0": 0, "1": 1, "2": 2, "=": CHOICE_TIE}
    for at, repeats in enumerate(comparisons):
        letter, torn = _expected(repeats, rule, one_failed)
        assert (outcomes.status[at] == 0) == (letter is not None)
        assert bool(said.torn[at]) == torn, (repeats, rule, one_failed)
        if letter is None:
            assert np.isnan(said.value[at])
        else:
            assert said.value[at] == meaning[letter], (repeats, rule, one_failed)


@st.composite
def _cases(draw: st.DrawFn) -> tuple[list[Repeats], str, str, str]:
    mode = draw(st.sampled_from(["pairwise", "choice"]))
    letter = st.sampled_from(["=", UNREAD, *"012"[: ANSWERS[mode]]])
    orders = draw(st.sampled_from([1, BOTH]))
    repeat = st.lists(letter, min_size=orders, max_size=orders).map("".join)
    if mode == "pairwise" and orders == BOTH:
        repeat |= letter.map(lambda one: one + DECIDED)
    many = draw(st.integers(1, 5))
    comparisons = st.lists(st.lists(repeat, min_size=many, max_size=many), min_size=1, max_size=6)
    one_failed = draw(st.sampled_from(["pair", "single", "tie"]))
    return draw(comparisons), mode, draw(st.sampled_from(RULES[mode])), one_failed


@settings(max_examples=150, deadline=None)
@given(_cases())
def test_a_verdict_is_what_most_repeats_chose_in_both_orders(
    case: tuple[list[Repeats], str, str, str],
) -> None:
    _check(*case)


@pytest.mark.parametrize("mode", ["pairwise", "choice"])
def test_of_one_repeat_it_is_what_both_orders_chose_and_torn_where_they_chose_two(
    mode: str,
) -> None:
    letters = ["=", *"012"[: ANSWERS[mode]]]
    comparisons = [["".join(two)] for two in product(letters, repeat=BOTH)]
    said, outcomes = _said(comparisons, mode)
    assert said.torn.tolist() == [Position(one) in TORN for one in outcomes.position.tolist()]
    _check(comparisons, mode, "strict", "pair")


def test_the_order_of_repeats_changes_nothing() -> None:
    repeats = ["==", "00", "00", "01", "11"]
    said, _ = _said([[*one] for one in permutations(repeats)], "pairwise")
    assert set(said.value.tolist()) == {0.5}
    assert said.torn.all()
    said, _ = _said([[*one] for one in permutations(["==", "00", "00"])], "pairwise")
    assert set(said.value.tolist()) == {0.0}
    assert not said.torn.any()


A, B, TIE, FIRST, SECOND = ("A", "B"), ("B", "A"), ("C", "C"), ("A", "A"), ("B", "B")
"""Letters of the two orders of a repeat."""


def _judge(name: str, *repeats: tuple[str, str]) -> dict[str, Any]:
    said = [
        {"id": "i", "order": order, "repeat": at, "text": letter}
        for at, letters in enumerate(repeats)
        for order, letter in zip(("ab", "ba"), letters, strict=True)
    ]
    return replayed(name, said)


def test_judges_with_repeats_are_joined_by_one_verdict_each(tmp_path: Path) -> None:
    judges = [
        _judge("tie_first", TIE, A, A),
        _judge("tie_last", A, A, TIE),
        _judge("places", FIRST, SECOND, FIRST),
        _judge("mostly", FIRST, FIRST, A),
    ]
    panel = judgefast.run(
        [{"id": "i", "question": "q", "answer_a": "x", "answer_b": "y"}],
        judges=judges,
        rubric="pairwise",
        repeats=3,
        out=tmp_path / "p",
    )
    joined = panel._read().joined
    assert joined.verdicts.tolist() == [[0.0, 0.0, 0.5, 0.5]]
    assert joined.torn.tolist() == [[False, False, True, True]]
    assert joined.value[0, :2].tolist() == pytest.approx([1 / 6, 1 / 6])
    assert panel.report.levels.medium == 1
    [row] = panel.disagreements.to_pylist()
    verdicts = [row[f"{judge['name']}_verdict"] for judge in judges]
    assert verdicts == ["a", "a", "tie", "tie"]


def test_an_empty_answer_that_lost_unasked_is_a_verdict(tmp_path: Path) -> None:
    rows = [
        {"id": f"i{at}", "question": f"q{at}", "answer_a": a, "answer_b": b}
        for at, (a, b) in enumerate([("x", "y"), ("", "y"), ("x", ""), ("", "")])
    ]
    judges = [_judge("one", A), _judge("other", FIRST)]
    for judge in judges:
        judge["recorded"] = [one | {"id": "i0"} for one in judge["recorded"]]
    panel = judgefast.run(
        rows, judges=judges, rubric="pairwise", on_empty="lose", out=tmp_path / "p"
    )
    joined = panel._read().joined
    of_item = dict(zip(joined.item.tolist(), joined.verdicts.tolist(), strict=True))
    ids = joined.item_id.to_pylist()
    found = {ids[item]: verdicts for item, verdicts in of_item.items()}
    assert found == {"i0": [0.0, 0.5], "i1": [1.0, 1.0], "i2": [0.0, 0.0], "i3": [0.5, 0.5]}


def test_what_follows_the_place_prefers_no_answer_also_by_a_hair(tmp_path: Path) -> None:
    """By label probabilities no value is 0.5: what counts is what each order chose."""
    shares = {
        "place": [(0.6, 0.4, 0.0), (0.61, 0.39, 0.0)],
        "tie": [(0.3, 0.25, 0.45), (0.25, 0.3, 0.45)],
        "tie_and_win": [(0.3, 0.25, 0.45), (0.2, 0.7, 0.1)],
        "one": [(0.6, 0.4, 0.0), (0.4, 0.6, 0.0)],
        "half_read": [(0.3, 0.25, 0.45), (0.0, 0.0, 0.0)],
    }
    text = (Path(judgefast.__file__).parent / "prompts/rubrics/pairwise.toml").read_text("utf-8")
    (tmp_path / "r.toml").write_text(f'one_failed = "single"\n{text}', "utf-8")
    judges: list[dict[str, Any]] = []
    for name, orders in shares.items():
        said = [
            {"id": "i", "order": order, "logprobs": [log(p) if p else -inf for p in given]}
            for order, given in zip(("ab", "ba"), orders, strict=True)
        ]
        judges.append({"name": name, "engine": "replay", "recorded": said})
    rows = [{"id": "i", "question": "q", "answer_a": "x", "answer_b": "y"}]
    panel = judgefast.run(rows, judges=judges, rubric=tmp_path / "r.toml", out=tmp_path / "p")
    joined = panel._read().joined
    assert joined.verdicts.tolist() == [[0.5, 0.5, 0.5, 0.0, 0.5]]
    assert joined.torn.tolist() == [[True, False, False, False, False]]
    assert not (joined.value == 0.5).any()
