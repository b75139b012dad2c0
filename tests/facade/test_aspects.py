"""Whole runs of a rubric with two aspects: report, comparison, gate."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.prompts.aspects import JSON, SCALES, TOGETHER, several
from tests.recorded import letter_of, pairs

import judgefast
from judgefast.errors import ConfigError
from judgefast.reports.as_json import to_json
from judgefast.reports.text import render
from judgefast.stats.aspect_table import AspectTable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Say = Callable[[int, dict[str, Any], str], str | None]

PAIR = "candidate=beacon baseline=atlas"

FACTS = """
[[aspects]]
name = "facts"
criterion = "Which answer has its facts right?"
weight = {}
"""

TONE = """
[[aspects]]
name = "tone"
criterion = "Which answer is the friendlier one?"
"""

REST = """
[template]
[[template.blocks]]
text = "[Question]\\n{question}\\n[Answer A]\\n{answer_1}\\n[Answer B]\\n{answer_2}\\n[The end]"
[[template.blocks]]
text = "Compare by this:\\n{criterion}\\nSay A, B, or C for a tie."
[verdict]
name = "bracket"
"""


def tone_is_lost_in_six(number: int, row: dict[str, Any], order: str) -> str | None:
    """In every third item: nothing, or the place that is shown first."""
    if number % 3:
        return letter_of(row, order)
    return "A" if number % 2 else None


def judged(
    folder: Path, name: str, say: Say, *aspects: str, baseline: str | None = None
) -> judgefast.Run:
    """A judge who agrees with gold on facts, and says what it is told of tone."""
    rubric = folder / f"{name}.toml"
    rubric.write_text("\n".join(['name = "pair"\nmode = "pairwise"', *aspects, REST]), "utf-8")
    recorded = []
    for number, row in enumerate(pairs()):
        for order in ("ab", "ba"):
            said = {"facts": letter_of(row, order), "tone": say(number, row, order)}
            recorded += [
                {"id": row["id"], "order": order, "aspect": aspect, "text": f"[[{letter}]]"}
                for aspect, letter in said.items()
                if letter is not None and any(f'"{aspect}"' in one for one in aspects)
            ]
    return judgefast.run(
        pairs(),
        recorded=recorded,
        out=folder / name,
        rubric=str(rubric),
        engine="replay",
        max_unreadable=1.0,
        baseline=baseline,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("aspects")


@pytest.fixture(scope="module")
def both(folder: Path) -> judgefast.Run:
    return judged(folder, "both", tone_is_lost_in_six, FACTS.format(2), TONE)


@pytest.fixture(scope="module")
def first(folder: Path) -> judgefast.Run:
    """Tone follows the first place."""
    return judged(folder, "first", lambda *_: "A", FACTS.format(2), TONE)


def test_overall_is_the_weighted_mean_of_what_both_aspects_say(both: judgefast.Run) -> None:
    values = []
    for number, row in enumerate(pairs()):
        better = row.get(f"model_{row['gold']}")
        facts = {"beacon": 1, "atlas": 0, None: 0.5}[better]
        if number % 3:
            values.append(facts)
        elif number % 2:
            values.append((2 * facts + 0.5) / 3)
    overall = both.estimate("overall", PAIR)
    assert overall.value == pytest.approx(sum(values) / len(values), abs=1e-7)
    assert (overall.outcomes, overall.missing, overall.clusters) == (30, 6, 30)
    assert (both.estimates[0], both.estimate("overall")) == (overall, overall)
    assert "overall 0.6" in repr(both)
    facts_alone = both.estimate("win_rate", f"{PAIR} aspect=facts")
    assert (facts_alone.outcomes, facts_alone.missing) == (36, 0)
    assert both.estimate("overall_accuracy").value == 1.0
    assert both.estimate("unreadable", "aspect=tone").value == pytest.approx(6 / 36)
    assert both.estimate("flip_rate", "aspect=tone").value == pytest.approx(6 / 30)
    assert both.estimate("flip_rate", "aspect=facts").value == 0.0
    assert both.estimate("correlation").slice == "aspect=facts with=tone"
    assert [one for one in both.report.results.findings if "overall win rate of beacon" in one]


def test_the_report_has_the_table_of_aspects(both: judgefast.Run) -> None:
    text = render(both.report)
    assert text.index("\nAspects (win_rate)") < text.index("\nCorrelation of aspects")
    found = json.loads(to_json(both.report))["results"]["aspects"]
    rows = [row for row in found["rows"] if row["slice"] == PAIR]
    assert [(row["aspect"], row["weight"], row["missing"]) for row in rows] == [
        ("facts", 2, 0),
        ("tone", 1, 6),
        (None, None, 6),
    ]
    assert [one["slice"] for one in found["correlations"]] == ["aspect=facts with=tone"]


def test_the_order_of_aspects_in_the_rubric_changes_no_number(
    both: judgefast.Run, folder: Path
) -> None:
    turned = judged(folder, "turned", tone_is_lost_in_six, TONE, FACTS.format(2))
    assert {(one.name, one.slice): one for one in turned.estimates} == {
        (one.name, one.slice): one for one in both.estimates
    }
    assert turned.estimate("correlation").value == both.estimate("correlation").value


def test_runs_are_compared_in_each_aspect_and_overall(
    both: judgefast.Run, first: judgefast.Run
) -> None:
    found = both.compare(first)
    tone = found.difference("flip_rate", "aspect=tone")
    assert (tone.value, tone.verdict) == (pytest.approx(6 / 30 - 1), "lower")
    overall = found.difference("overall", PAIR)
    assert (overall.both, overall.missing) == (36, 6)
    assert found.difference("overall_accuracy").value == 0.0
    assert {one.slice for one in found.differences if one.name == "unreadable"} == {
        "all",
        "aspect=facts",
        "aspect=tone",
    }
    assert found.unpaired == []


def test_pairs_count_for_one_side_overall_too(both: judgefast.Run, folder: Path) -> None:
    facts = FACTS.format(2)
    turned = judged(folder, "side", tone_is_lost_in_six, facts, TONE, baseline="beacon")
    assert turned.estimate("overall").slice == "candidate=atlas baseline=beacon"
    assert both.compare(turned).difference("overall", PAIR).value == 0.0


def test_a_gate_holds_aspects_and_overall_to_rules(
    both: judgefast.Run, first: judgefast.Run
) -> None:
    rules = {
        "overall >= 0.2": ("pass", PAIR),
        "win_rate[aspect=tone] <= 0.1": ("fail", f"{PAIR} aspect=tone"),
        "flip_rate[aspect=tone] <= 0.5": ("pass", "aspect=tone"),
        "drop(overall) <= 0.3": ("pass", PAIR),
        "drop(flip_rate[aspect=facts]) <= 0.5": ("pass", "aspect=facts"),
        "unreadable[aspect=facts] <= 0.2": ("pass", "aspect=facts"),
        "correlation[aspect=facts with=tone].value >= 0.8": ("pass", "aspect=facts with=tone"),
        "correlation <= 0.9": ("inconclusive", "aspect=facts with=tone"),
        "correlation[aspect=facts with=style] <= 1": ("fail", "aspect=facts with=style"),
    }
    decided = both.gate(list(rules), baseline=first).rules[: len(rules)]
    assert {one.rule: (one.decision, one.slice) for one in decided} == rules
    assert decided[-2].more_clusters is not None
    assert "`with` is one of `tone`" in decided[-1].reason
    with pytest.raises(ConfigError, match="`win_rate` has several slices and none of") as refused:
        both.gate("win_rate >= 0.2")
    assert str(refused.value.hint).endswith("; all aspects together are `overall`")


def test_other_weights_are_another_rule(both: judgefast.Run, folder: Path) -> None:
    heavier = judged(folder, "heavier", tone_is_lost_in_six, FACTS.format(5), TONE)
    with pytest.raises(ConfigError, match="rule: weights facts 2/3, tone 1/3 -> facts 5/6") as e:
        both.compare(heavier)
    assert e.value.hint == "if that is what you compare, say so: --across rule"
    found = both.compare(heavier, across=["rule"])
    assert found.difference("win_rate", f"{PAIR} aspect=facts").value == 0.0
    assert "of 30 clusters 6 differ" in found.difference("overall", PAIR).note


def test_scores_on_scales_of_their_own(folder: Path) -> None:
    """Two models, three aspects; what is said of `tone` cannot be read in every tenth answer."""
    (folder / "scores.toml").write_text(several("clarity", "tone", "truth"), encoding="utf-8")
    rows = [
        {"id": f"{question}-{model}", "question": f"q{question}", "answer": model, "model": model}
        for question in range(40)
        for model in ("atlas", "beacon")
    ]
    said: dict[str, list[int]] = {
        name: [low + (place * prime + place % 3) % (high - low + 1) for place in range(80)]
        for (name, (low, high)), prime in zip(SCALES.items(), (5, 7, 3), strict=True)
    }
    run = judgefast.run(
        rows,
        recorded=[
            {"id": row["id"], "aspect": name, "text": str(scores[place])}
            if name != "tone" or place % 10
            else {"id": row["id"], "aspect": name, "text": "hard to say"}
            for place, row in enumerate(rows)
            for name, scores in said.items()
        ],
        out=folder / "scores",
        rubric=str(folder / "scores.toml"),
        engine="replay",
        max_unreadable=1.0,
    )
    weights = {name: low + 1 for name, (low, _) in SCALES.items()}
    shares = {
        name: [(score - SCALES[name][0]) / (SCALES[name][1] - SCALES[name][0]) for score in scores]
        for name, scores in said.items()
    }
    for where, places in (("all", range(80)), ("model=beacon", range(1, 80, 2))):
        values = [
            sum(weights[name] * shares[name][place] for name in SCALES) / sum(weights.values())
            for place in places
            if place % 10
        ]
        found = run.estimate("overall", where)
        assert found.value == pytest.approx(sum(values) / len(values), abs=1e-7)
        assert (found.outcomes, found.missing) == (len(values), len(places) - len(values))
    tone = [score for place, score in enumerate(said["tone"]) if place % 10]
    assert run.estimate("mean", "aspect=tone").value == pytest.approx(sum(tone) / 72)
    table = run.report.results.aspects
    assert isinstance(table, AspectTable)
    assert [row.scale for row in table.rows[:4]] == [(1, 3), (1, 5), (0, 1), (0, 1)]
    assert len(table.correlations) == 3
    assert render(run.report).count("scales differ") == 1
    decided = run.gate(["mean[aspect=tone] >= 1.5", "overall.low >= 0.2"])
    assert [one.decision for one in decided.rules[:2]] == ["pass", "pass"]
    with pytest.raises(ConfigError, match="a mean is from 0 to 1"):
        run.gate("overall >= 3")


def test_aspects_asked_together_come_to_the_same_numbers(folder: Path) -> None:
    """One answer holds both verdicts; where one of them is not in it, the other one counts."""
    rows = [{"id": f"i{n}", "question": f"q{n}", "answer": f"x{n}"} for n in range(24)]
    scores = {"clarity": [n * 5 % 3 + 1 for n in range(24)], "tone": [n % 5 + 1 for n in range(24)]}
    verdicts = [
        {
            name: {"reason": "so", "score": score[place]}
            for name, score in scores.items()
            if name == "clarity" or place % 4
        }
        for place in range(24)
    ]
    apart = [
        {"id": row["id"], "aspect": name, "text": json.dumps(verdict.get(name, {}))}
        for row, verdict in zip(rows, verdicts, strict=True)
        for name in scores
    ]
    together = [
        {"id": row["id"], "text": json.dumps(verdict)}
        for row, verdict in zip(rows, verdicts, strict=True)
    ]
    found = []
    for name, template, recorded in (("apart", "", apart), ("together", TOGETHER, together)):
        rubric = folder / f"{name}.toml"
        text = several("clarity", "tone", template=template, verdict=JSON)
        rubric.write_text(text, encoding="utf-8")
        found.append(
            judgefast.run(
                rows,
                recorded=recorded,
                out=folder / name,
                rubric=str(rubric),
                engine="replay",
                max_unreadable=1.0,
            )
        )
    assert found[0].estimates == found[1].estimates
    assert found[0].report.results.aspects == found[1].report.results.aspects
    assert found[1].estimate("overall").missing == 6
    assert [run.report.operations.requests for run in found] == [48, 24]


def test_with_one_aspect_a_report_says_nothing_of_aspects(
    both: judgefast.Run, folder: Path
) -> None:
    alone = judged(folder, "alone", tone_is_lost_in_six, FACTS.format(2))
    results = json.loads(to_json(alone.report))["results"]
    assert "aspects" not in results
    assert "by_aspect" not in results["position_bias"]
    assert not [one for one in alone.estimates if "overall" in one.name or "aspect" in one.slice]
    mine = alone.estimate("win_rate", PAIR)
    of_both = both.estimate("win_rate", f"{PAIR} aspect=facts")
    assert (mine.value, mine.low, mine.high) == (of_both.value, of_both.low, of_both.high)
