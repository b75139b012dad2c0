"""Reports of runs that never were, one for each thing a report must be able to say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from judgefast.reports.report import (
    Counts,
    LabelMass,
    LaunchFacts,
    Operations,
    PositionBias,
    Report,
    Results,
    RubricFacts,
    Seconds,
    Tokens,
    UnparsedExample,
)
from judgefast.stats.aspect_table import aspect_slice, aspect_table
from judgefast.stats.aspects import JudgedAspect
from judgefast.stats.estimate import Estimate
from judgefast.stats.overall import RESCALED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def estimate(name: str, value: float | None, low: float | None, high: float | None) -> Estimate:
    return Estimate(
        name=name,
        slice="all",
        value=value,
        low=low,
        high=high,
        level=0.95,
        method="cluster-t" if low is not None else "undefined",
        unit="cluster",
        clusters=36,
        outcomes=36,
        missing=0,
        note="" if low is not None else "one cluster: nothing to compare it with",
    )


def sliced(
    one: Estimate, slice_: str, *, clusters: int, missing: int = 0, note: str = ""
) -> Estimate:
    return Estimate(
        name=one.name,
        slice=slice_,
        value=one.value,
        low=one.low,
        high=one.high,
        level=one.level,
        method=one.method,
        unit=one.unit,
        clusters=clusters,
        outcomes=clusters,
        missing=missing,
        note=note,
    )


def rubric(mode: str, name: str) -> RubricFacts:
    return RubricFacts(
        name=name,
        mode=mode,
        rule="average" if mode == "pairwise" else "single",
        one_failed="pair",
        orders="both" if mode == "pairwise" else "one",
        repeats=1,
        prompt_hash="5c" * 32,
        parse_hash="a1" * 32,
    )


LAUNCH = LaunchFacts(
    id="1a2b3c4d" * 4,
    machine="box-1",
    engine={"name": "embedded", "openvino_genai": "2026.4.1.0", "device": "CPU"},
    judgments=70,
)


@pytest.fixture
def follower() -> Report:
    """A pairwise run whose judge picks the first answer whatever it says."""
    win_rate = estimate("win_rate", 0.51249, 0.463, 0.561)
    note = "2 missing: between 0.484 and 0.54 whatever they were"
    bias = PositionBias(
        comparisons=36,
        both_orders=34,
        one_order=False,
        flip_rate=estimate("flip_rate", 0.912, 0.747, 0.956),
        direction=estimate("direction", 0.456, 0.38, 0.482),
        same_position_rate=estimate("same_position_rate", 0.882, 0.747, 0.956),
        first_twice=30,
        second_twice=0,
        flip_matrix=((1, 30, 0), (0, 2, 0), (1, 0, 0)),
        noise_flip_rate=estimate("noise_flip_rate", 0.2, 0.1, 0.3),
        noise_share=0.219,
        p_first=estimate("p_first", 0.82, 0.79, 0.85),
        guide_flip_rule=True,
        direction_alert=True,
    )
    return Report(
        results=Results(
            run="examples-pairwise",
            rubric=rubric("pairwise", "pairwise"),
            judge="SmolLM2-135M-Instruct@b179c9523d0e6a0f",
            counts=Counts(
                read=38,
                items=36,
                skipped={"invalid_json": 1, "missing_field": 1},
                skipped_examples={
                    "invalid_json": ["pairs.jsonl:7: expected `,` at column 31"],
                    "missing_field": ["pairs.jsonl:9: no `answer_b`"],
                },
                planned=72,
                parsed=70,
                unparsed={"empty": 0, "truncated": 1, "conflicting": 1},
            ),
            empty_answers={"atlas": 2, "beacon": 0},
            lost_by_empty=1,
            replaced_characters=3,
            replaced_surrogates=1,
            outcomes={"scored": 34, "one_order_missing": 2},
            estimates=[
                sliced(
                    win_rate, "candidate=beacon baseline=atlas", clusters=34, missing=2, note=note
                ),
                estimate("accuracy", 0.5, None, None),
                sliced(win_rate, "meta.lang=de", clusters=3, missing=2, note=note),
            ],
            position_bias=bias,
            label_mass=LabelMass(judgments=70, below=70, share_below=1.0, smallest=0.07),
            findings=[
                (
                    "This judge follows the position, not the answer: in 88.2 % of 34 comparisons "
                    "it chose the same position in both orders."
                ),
                "No winner is called because this judge follows the position, not the answer.",
            ],
            unparsed_examples=[
                UnparsedExample(
                    reason="conflicting",
                    item_id="facts-cows",
                    order="swapped",
                    excerpt="[[A]] or rather\n[[B]] \x1b[31m[bold]red[/bold] :smile:",
                ),
                UnparsedExample(reason="truncated", item_id="facts-fire", order="", excerpt=""),
            ],
        ),
        operations=Operations(
            seconds=Seconds(read=0.04, plan=0.1, load=3.2, judge=12.42, report=0.08),
            judgments_per_second=5.8,
            tokens=Tokens(prompt=28512, completion=72),
            tokens_per_second=2310.4,
            requests=72,
            attempts=73,
            superseded=1,
            in_flight_mean=11.3,
            launches=[LAUNCH],
            notes=["closed a torn segment of launch 1a2b3c4d: 37 bytes after the last whole line"],
        ),
    )


@pytest.fixture
def scorer() -> Report:
    """A scalar run in which everything went well, on an engine that counts everything."""
    mean = estimate("mean_score", 3.4167, 3.102, 3.731)
    return Report(
        results=Results(
            run="nightly-0412",
            rubric=rubric("scalar", "scalar-1-5"),
            judge="qwen2.5-72b-instruct",
            counts=Counts(read=20_000_000, items=20_000_000, planned=20_000_000, parsed=20_000_000),
            outcomes={"scored": 20_000_000},
            estimates=[mean, sliced(mean, "model=atlas", clusters=18)],
        ),
        operations=Operations(
            seconds=Seconds(judge=25_000.0),
            judgments_per_second=800.0,
            tokens=Tokens(prompt=60_000_000, cached=40_000_000, computed=20_000_000, completion=9),
            requests=20_000_000,
            attempts=20_000_000,
            launches=[LAUNCH] * 7,
        ),
    )


@pytest.fixture
def several(scorer: Report) -> Report:
    """A scalar run of two models whose three aspects have scales and weights of their own."""
    aspects = [
        JudgedAspect("follows the question", 3, (1, 5)),
        JudgedAspect("facts", 2, (0, 10)),
        JudgedAspect("tone", 1, (1, 5)),
    ]
    figures = [(3.41, 3.1, 3.72), (6.25, 5.5, 7.01), (4.0, None, None)]
    lost = "2 missing: between 0.58 and 0.64 whatever they were"
    estimates = []
    for group, clusters in (("all", 36), ("model=atlas", 18)):
        of_all = sliced(
            estimate("overall", 0.611, 0.57, 0.652),
            group,
            clusters=clusters - 2,
            missing=2,
            note=f"{RESCALED}; {lost}",
        )
        estimates.append(of_all)
        estimates += [
            sliced(
                one := estimate("mean", *ends),
                aspect_slice(group, aspect.name),
                clusters=clusters,
                note=one.note,
            )
            for aspect, ends in zip(aspects, figures, strict=True)
        ]
    estimates += [
        sliced(estimate("overall_ranking_accuracy", 0.75, 0.6, 0.86), "all", clusters=36),
        sliced(estimate("unreadable", 0.02, 0.0, 0.04), "aspect=tone", clusters=36),
    ]
    never = "an aspect has the same value throughout: nothing goes with it"
    related = [
        sliced(
            estimate("correlation", 0.8124, 0.7, 0.89),
            'aspect="follows the question" with=facts',
            clusters=34,
            missing=2,
        ),
        sliced(
            estimate("correlation", None, None, None),
            "aspect=facts with=tone",
            clusters=34,
            missing=2,
            note=never,
        ),
    ]
    results = msgspec.structs.replace(
        scorer.results,
        run="nightly-0413",
        estimates=estimates,
        aspects=aspect_table(estimates, related, aspects, mode="scalar", level=0.95),
    )
    operations = msgspec.structs.replace(scorer.operations, launches=[LAUNCH])
    return Report(results=results, operations=operations)


@pytest.fixture
def interrupted(follower: Report) -> Report:
    """A run that was stopped half way, with failures of every part."""
    counts = Counts(
        read=36,
        items=36,
        planned=72,
        parsed=30,
        unparsed={"no_verdict": 2},
        failed={"too_long": 1, "timeout": 3},
        not_judged={"interrupted": 36},
    )
    results = Results(
        run="examples",
        rubric=follower.results.rubric,
        judge="replay",
        counts=counts,
        outcomes={"scored": 14, "missing": 22},
        estimates=[estimate("win_rate", 0.6, 0.41, 0.77)],
    )
    return Report(results=results, operations=Operations(requests=36, attempts=38))


@pytest.fixture
def nothing(follower: Report) -> Report:
    """A run whose judge never gave a verdict."""
    results = Results(
        run="examples",
        rubric=follower.results.rubric,
        judge="replay",
        counts=Counts(read=1, items=1, planned=2, parsed=0, unparsed={"no_verdict": 2}),
        outcomes={"scored": 0, "missing": 1},
    )
    return Report(results=results, operations=Operations(requests=2, attempts=2))


@pytest.fixture(scope="session")
def attacks(shared: Path) -> list[str]:
    """Strings made to break a terminal, a spreadsheet or a reader, and answers that give orders."""
    folder = shared / "data" / "attacks"
    files = ("naughty_strings.jsonl", "injections.jsonl")
    lines = [row for file in files for row in (folder / file).read_text("utf-8").split("\n") if row]
    return [text for row in lines if (text := json.loads(row).get("text")) is not None]


@pytest.fixture(scope="session")
def is_safe() -> Callable[[str], bool]:
    """Tell whether a terminal would only print: an oracle that knows no category table."""

    def check(text: str) -> bool:
        blanks_and_joiners = {"\n", "\u200c", "\u200d"}
        acts = "\x1b\x07\x08\x9b\x85\u2028\u2029\u200b\u200e\u200f\u202e\u2066\ufeff\U000e0041"
        for character in set(text) - blanks_and_joiners:
            if character in acts or "\ud800" <= character <= "\udfff":
                return False
            if ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0:
                return False
        return True

    return check
