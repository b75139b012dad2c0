"""What the report of a panel says, beside plain counting over dicts.

Clusters have three items, the baseline stands in either place, two judges miss a part, and one
item in five has gold: what is left out of the join, or turned the wrong way, changes a number.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from random import Random
from statistics import correlation, fmean, stdev
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import judgefast
from tests.stats.agreement_reference import alpha, kappa, left_out

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.stats.agreed import Agreement
    from judgefast.stats.estimate import Estimate

ITEMS, ASKED_OF_ALL, CLUSTER = 45, 36, 3
JUDGES = ("a", "b", "c")
ASPECTS = {"correctness": 3, "completeness": 2, "clarity": 1}
BETTER = {"A": 1.0, "B": 0.0, "C": 0.5}
"""What a letter gives the answer that is shown first."""
T_14 = 2.144786687916927
"""Student's t of 14 degrees of freedom, 97.5 %: fifteen clusters of three items."""

Unit = tuple[int, str]
Said = dict[Unit, dict[str, float | None]]
"""By unit what each judge that was asked gave; None where it could not be read."""


class _Made(NamedTuple):
    panel: judgefast.Panel
    value: Said
    """Of comparisons the side that both orders chose, else a tie."""
    torn: set[Unit]
    """Where a judge's two orders chose different answers."""
    gold: dict[int, float]


def _row(at: int, **more: object) -> dict[str, Any]:
    return {"id": f"i{at}", "question": f"q{at}", "cluster": f"c{at % (ITEMS // CLUSTER)}"} | more


def _compared(folder: Path, aspects: Sequence[str], rubric: str) -> _Made:
    """Judges who follow the truth of an item in two of three cases, and else say what they like.

    `beacon` is answer a of every second item. Only the first run names it as baseline.
    """
    rng = Random(4)  # noqa: S311 - simulated judges
    truth = [rng.choice("ab") for _ in range(ITEMS)]
    is_baseline = ["ab"[at % 2] for at in range(ITEMS)]
    rows = []
    for at in range(ITEMS):
        models = ("beacon", "atlas") if is_baseline[at] == "a" else ("atlas", "beacon")
        row = _row(at, answer_a="x", answer_b="y", model_a=models[0], model_b=models[1])
        rows.append(row | ({"gold": truth[at]} if at % 5 == 0 else {}))
    verdict: Said = {}
    torn: set[Unit] = set()
    runs = {}
    for judge in JUDGES:
        asked, said = ITEMS if judge != "c" else ASKED_OF_ALL, []
        for at in range(asked):
            for aspect in aspects:
                shown = {}
                for order in ("ab", "ba"):
                    right = "A" if truth[at] == order[0] else "B"
                    letter = right if rng.random() < 2 / 3 else rng.choice("ABC")
                    shown[order] = letter
                    text = "?" if (judge, at) == ("b", 7) else letter
                    key = {"aspect": aspect} if len(aspects) > 1 else {}
                    said.append({"id": f"i{at}", "order": order, "text": text} | key)
                of_a = [BETTER[shown["ab"]], 1 - BETTER[shown["ba"]]]
                of_candidate = of_a if is_baseline[at] == "b" else [1 - one for one in of_a]
                is_read = (judge, at) != ("b", 7)
                if is_read and {*of_candidate} == {0.0, 1.0}:
                    torn.add((at, aspect))
                both = of_candidate[0] if of_candidate[0] == of_candidate[1] else 0.5
                verdict.setdefault((at, aspect), {})[judge] = both if is_read else None
        named = {"baseline": "beacon"} if judge == "a" else {}
        runs[judge] = folder / judge
        judgefast.run(
            rows[:asked], recorded=said, out=runs[judge], engine="replay", rubric=rubric, **named
        )
    gold = {at: float(truth[at] != is_baseline[at]) for at in range(0, ITEMS, 5)}
    return _Made(judgefast.agree(runs, across=["data"]), verdict, torn, gold)


def _scored(folder: Path) -> _Made:
    """Scores of 1, 2 and 5: nobody gives a 3 or a 4, which no label names. Gold is 4 at times."""
    text = (Path(judgefast.__file__).parent / "prompts/rubrics/scalar-1-5.toml").read_text("utf-8")
    head, rest = text.split("[verdict]")
    rubric = folder / "scores.toml"
    form = '[verdict]\nname = "json"\nfield = "score"\n\n[decoding]'
    rubric.write_text(head + form + rest.split("[decoding]")[1], "utf-8")
    rng = Random(7)  # noqa: S311 - simulated judges
    truth = [rng.choice([1, 2, 5]) for _ in range(ITEMS)]
    gold = {at: float(rng.choice([truth[at], 4])) for at in range(0, ITEMS, 5)}
    rows = [
        _row(at, answer="x", **({"gold": gold[at]} if at in gold else {})) for at in range(ITEMS)
    ]
    value: Said = {}
    runs = {}
    for judge in JUDGES:
        asked = ITEMS if judge != "c" else ASKED_OF_ALL
        said = []
        for at in range(asked):
            score = truth[at] if rng.random() < 0.6 else rng.choice([1, 2, 5])
            is_read = (judge, at) != ("b", 7)
            said.append({"id": f"i{at}", "text": f'{{"score": {score}}}' if is_read else "?"})
            value.setdefault((at, "quality"), {})[judge] = float(score) if is_read else None
        runs[judge] = folder / judge
        judgefast.run(
            rows[:asked], recorded=said, out=runs[judge], engine="replay", rubric=str(rubric)
        )
    return _Made(judgefast.agree(runs, across=["data"]), value, set(), gold)


def _of_aspect(said: Said, aspect: str) -> dict[int, dict[str, float | None]]:
    return {at: given for (at, one), given in said.items() if one == aspect}


def _by_place(said: dict[int, dict[str, float | None]]) -> dict[int, dict[str, float | None]]:
    """Of comparisons whether answer b is the better one, whatever the baseline."""
    return {
        at: {judge: one if one is None or at % 2 == 0 else 1 - one for judge, one in given.items()}
        for at, given in said.items()
    }


def _check_agreement(
    found: Agreement, said: dict[int, dict[str, float | None]], steps: Sequence[float], scale: str
) -> None:
    """Percent, chance, base rates and kappa of each two judges, and alpha of all."""
    assert found.scale == scale
    assert [(pair.a, pair.b) for pair in found.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    place = {step: at for at, step in enumerate(steps)}
    for pair in found.pairs:
        given = {at: (one.get(pair.a), one.get(pair.b)) for at, one in said.items()}
        both = {at: (place[a], place[b]) for at, (a, b) in given.items() if None not in (a, b)}
        assert (pair.units, pair.missing) == (len(both), ITEMS - len(both))
        clusters = [at % (ITEMS // CLUSTER) for at in both]
        percent = pair.percent
        assert percent is not None
        assert percent.value == pytest.approx(fmean(a == b for a, b in both.values()))
        assert percent.clusters == len(set(clusters)) == ITEMS // CLUSTER
        rates = {}
        for judge, codes in zip((pair.a, pair.b), zip(*both.values(), strict=True), strict=True):
            counts = Counter(codes)
            rates[judge] = [counts[one] / len(both) for one in range(len(steps))]
            assert [*pair.base_rates[judge].values()] == pytest.approx(rates[judge])
        chance = sum(p * q for p, q in zip(rates[pair.a], rates[pair.b], strict=True))
        assert pair.chance == pytest.approx(chance)
        _check_kappa(pair.kappa, both, clusters, lambda a, b: int(a != b))
        if scale != "nominal":
            _check_kappa(pair.kappa_quadratic, both, clusters, lambda a, b: (a - b) ** 2)
    values = [
        [None if one is None else round(one * 2) for one in given.values()]
        for given in said.values()
    ]
    expected = alpha(values, scale)
    assert expected is not None
    assert found.alpha.value == pytest.approx(float(expected))
    assert found.alpha.clusters == ITEMS // CLUSTER


def _check_kappa(
    found: Estimate | None,
    both: dict[int, tuple[int, int]],
    clusters: list[int],
    weight: Callable[[int, int], int],
) -> None:
    """By the definition; the interval by leaving out whole clusters."""
    units = [*both.values()]
    assert found is not None
    expected = float(kappa(units, weight) or 0)
    assert found.value == pytest.approx(expected)
    without = [
        float(one or 0) for one in left_out(units, clusters, lambda some: kappa(some, weight))
    ]
    many = len(without)
    error = math.sqrt((many - 1) / many * sum((one - fmean(without)) ** 2 for one in without))
    reach = T_14 * error / (1 - expected**2)
    assert found.method == "jackknife-z"
    assert found.low == pytest.approx(math.tanh(math.atanh(expected) - reach))
    assert found.high == pytest.approx(math.tanh(math.atanh(expected) + reach))


def _check_units(made: _Made, level: Callable[[list[float]], str]) -> None:
    """Every row of the table, and how many have which level."""
    table = made.panel.table("panel").to_pylist()
    assert len(table) == len(made.value)
    levels: Counter[str] = Counter()
    held_back = 0
    for row in table:
        unit = int(row["item_id"][1:]), row["aspect"]
        values = made.value[unit]
        assert {judge: row[f"{judge}_value"] for judge in values} == values
        known = [one for one in values.values() if one is not None]
        expected = level(known) if len(known) > 1 else "none"
        held_back += expected == "high" and unit in made.torn
        assert row["level"] == ("medium" if expected == "high" and unit in made.torn else expected)
        levels[row["level"]] += 1
        assert row["gold"] == made.gold.get(unit[0])
        assert row["spread"] == (pytest.approx(stdev(known)) if len(known) > 1 else None)
        assert row["majority"] == _majority(known)
        assert row["mean"] == (pytest.approx(fmean(known)) if len(known) == len(JUDGES) else None)
    found = made.panel.report.levels
    assert (found.high, found.medium, found.low, found.none) == tuple(
        levels[one] for one in ("high", "medium", "low", "none")
    )
    assert found.held_back == held_back
    joining = made.panel.report.joining
    assert (joining.asked_of_all, joining.asked_of_some) == (
        sum(len(one) == len(JUDGES) for one in made.value.values()),
        sum(len(one) < len(JUDGES) for one in made.value.values()),
    )


def _majority(votes: list[float]) -> float | None:
    """What more than half of all judges said, or of three votes the most frequent."""
    counts = Counter(votes).most_common()
    return counts[0][0] if counts[0][1] * 2 > len(JUDGES) else None


def _check_together(made: _Made, weights: dict[str, int], tie: float | None) -> None:
    """Majority and mean of the items that all were asked for, weighted over their aspects."""
    rows = {row.name: row for row in made.panel.report.together}
    for name, row in rows.items():
        items: dict[int, float] = {}
        for at in range(ASKED_OF_ALL):
            parts: list[float | None] = []
            for aspect in weights:
                votes = [one for one in made.value[at, aspect].values() if one is not None]
                if len(votes) < len(JUDGES):
                    parts.append(None)
                elif name == "mean":
                    parts.append(fmean(votes))
                else:
                    most = _majority(votes)
                    between = fmean({*votes}) if tie is None else tie
                    parts.append(between if most is None else most)
            if None not in parts:
                of_aspects = zip(parts, weights.values(), strict=True)
                items[at] = sum((one or 0) * many for one, many in of_aspects)
        headline = row.headline
        assert headline is not None
        assert (headline.outcomes, headline.missing) == (len(items), ASKED_OF_ALL - len(items))
        assert headline.value == pytest.approx(
            fmean(items.values()) / sum(weights.values()), abs=1e-6
        )
        assert headline.clusters == len({at % (ITEMS // CLUSTER) for at in items})


def _check_worth(made: _Made, error: Callable[[float, float], float]) -> None:
    """Correlation of errors by gold, over the units that two judges gave a value for."""
    errors = {
        at: {judge: error(one, made.gold[at]) for judge, one in given.items() if one is not None}
        for (at, _), given in made.value.items()
        if at in made.gold
    }
    found = made.panel.report.effective
    assert found is not None
    assert found.judges == [*JUDGES]
    assert found.units == sum(len(one) > 1 for one in errors.values())
    correlations = []
    for a, b in (("a", "b"), ("a", "c"), ("b", "c")):
        both = [(one[a], one[b]) for one in errors.values() if a in one and b in one]
        correlations.append(correlation(*zip(*both, strict=True)))
        assert found.pairs[f"{a}, {b}"] == pytest.approx(correlations[-1])
    assert found.mean_correlation.value == pytest.approx(fmean(correlations))
    clusters = {at % (ITEMS // CLUSTER) for at, one in errors.items() if len(one) > 1}
    assert found.mean_correlation.clusters == len(clusters) < found.units


def _sides(votes: list[float]) -> str:
    return {1: "high"}.get(len(set(votes)), "low" if {0.0, 1.0} <= {*votes} else "medium")


def _spread(votes: list[float]) -> str:
    return "high" if stdev(votes) < 0.5 else "medium" if stdev(votes) < 1 else "low"


def test_comparisons_by_several_aspects_are_those_of_dicts(tmp_path: Path) -> None:
    made = _compared(tmp_path, [*ASPECTS], "aspects-pairwise")
    report = made.panel.report
    assert [*report.agreement_by_aspect] == [f"aspect={one}" for one in ASPECTS]
    for aspect in ASPECTS:
        found = report.agreement_by_aspect[f"aspect={aspect}"]
        said = _by_place(_of_aspect(made.value, aspect))
        _check_agreement(found, said, (0.0, 0.5, 1.0), "nominal")
    _check_units(made, _sides)
    _check_together(made, ASPECTS, tie=0.5)
    assert report.effective is None  # one gold for three aspects


def test_comparisons_and_the_worth_of_their_judges_are_those_of_dicts(tmp_path: Path) -> None:
    made = _compared(tmp_path, ["quality"], "pairwise")
    report = made.panel.report
    assert report.agreement is not None
    _check_agreement(
        report.agreement, _by_place(_of_aspect(made.value, "quality")), (0.0, 0.5, 1.0), "nominal"
    )
    assert list(report.agreement.pairs[0].base_rates["a"]) == ["a", "tie", "b"]
    _check_units(made, _sides)
    _check_together(made, {"quality": 1}, tie=0.5)
    _check_worth(made, lambda value, gold: float(value != gold))


def test_scores_with_levels_that_nobody_gave_are_those_of_dicts(tmp_path: Path) -> None:
    made = _scored(tmp_path)
    report = made.panel.report
    assert report.agreement is not None
    steps = (1.0, 2.0, 3.0, 4.0, 5.0)
    _check_agreement(report.agreement, _of_aspect(made.value, "quality"), steps, "ordinal")
    by_distance = judgefast.agree(
        made.panel.runs, across=["data"], alpha="interval"
    ).report.agreement
    assert by_distance is not None
    _check_agreement(by_distance, _of_aspect(made.value, "quality"), steps, "interval")
    assert by_distance.pairs == report.agreement.pairs
    _check_units(made, _spread)
    _check_together(made, {"quality": 1}, tie=None)
    _check_worth(made, lambda value, gold: value - gold)
