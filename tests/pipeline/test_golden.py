"""Small replays whose every number was worked out by hand."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.config import RunConfig
from judgefast.pipeline import headline as headlines
from judgefast.pipeline.finished import Finished
from judgefast.pipeline.run import run
from tests.engines.scripted import answered, failed
from tests.pipeline.judging import go_on, judge_rows, pairs, results_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion
    from judgefast.reports.report import Results

    Cli = Callable[..., tuple[int, str, str]]

CHOICE = """
name = "best-of-four"
mode = "choice"

[[aspects]]
name = "quality"
criterion = "Choose the best answer."

[template]
system = "You choose the best answer."
[[template.blocks]]
text = \"\"\"
[Question]
{question}
[Answers]
{answers}
Which is best?\"\"\"

[verdict]
name = "label"
labels = [
  { text = "A", choice = 0 },
  { text = "B", choice = 1 },
  { text = "C", choice = 2 },
  { text = "D", choice = 3 },
]

[decoding]
max_tokens = 8
"""


def replayed(out: Path, recorded: Iterable[dict[str, Any]], rubric: str, **options: Any) -> Results:
    config = RunConfig(rubric=rubric, engine="replay", out=str(out), **options)
    finished = run(config, recorded=list(recorded), show_progress=False)
    assert isinstance(finished, Finished)
    assert finished.report is not None
    return finished.report.results


def estimate(results: Results, name: str, where: str = "all") -> float | None:
    [found] = [each for each in results.estimates if (each.name, each.slice) == (name, where)]
    return found.value


def pair(number: int, forward: str, swapped: str, **fields: Any) -> list[dict[str, Any]]:
    base = {"id": f"i{number}", "model_a": "one", "model_b": "two", **fields}
    return [base | {"order": "ab", "text": forward}, base | {"order": "ba", "text": swapped}]


FOUR = [
    *pair(0, "A", "B", gold="a"),  # `one` twice
    *pair(1, "B", "A", gold="a"),  # `two` twice
    *pair(2, "A", "A", gold="b"),  # the first place twice
    *pair(3, "C", "C"),
]


def test_four_pairs_in_both_orders(tmp_path: Path) -> None:
    results = replayed(tmp_path / "run", FOUR, "pairwise")
    assert (results.counts.planned, results.counts.parsed) == (8, 8)
    assert results.rubric.rule == "strict"
    assert estimate(results, "win_rate", "candidate=two baseline=one") == (0 + 1 + 0.5 + 0.5) / 4
    assert estimate(results, "win_rate", "model=one") == 0.5
    assert estimate(results, "tie_rate", "candidate=two baseline=one") == 0.5
    assert estimate(results, "accuracy") == pytest.approx((1 + 0 + 0.5) / 3, abs=1e-7)
    bias = results.position_bias
    assert bias is not None
    assert (bias.comparisons, bias.both_orders, bias.first_twice, bias.second_twice) == (4, 4, 1, 0)
    assert bias.flip_rate.value == 0.25
    # First chosen: i0 1/2, i1 1/2, i2 2/2, i3 ties half.
    assert bias.direction.value == pytest.approx((0.5 + 0.5 + 1 + 0.5) / 4 - 0.5)
    assert bias.flip_matrix == ((1, 1, 0), (0, 1, 0), (0, 0, 1))


def test_one_order_judges_each_pair_once_in_balance(tmp_path: Path) -> None:
    """A judge that always says A: who is shown first is drawn by hash."""
    results_at = tmp_path / "run"
    judge_rows(results_at, pairs(400), lambda r: answered(r, "A"), orders="one")
    results = results_of(results_at)
    assert (results.counts.planned, results.counts.parsed) == (400, 400)
    value = estimate(results, "win_rate", "candidate=wrong baseline=right")
    assert value == pytest.approx(0.5, abs=0.1)
    assert results.position_bias is not None
    assert results.position_bias.one_order
    assert results.position_bias.direction.value == 0.5


def test_repeats_are_judged_apart_and_counted_together(tmp_path: Path) -> None:
    recorded = [
        row | {"repeat": repeat}
        for repeat, said in enumerate([("A", "B"), ("A", "B"), ("B", "A")])
        for row in pair(0, *said)
    ]
    results = replayed(tmp_path / "run", recorded, "pairwise", repeats=3)
    assert results.counts.planned == 6
    assert results.outcomes == {"scored": 1}
    value = estimate(results, "win_rate", "candidate=two baseline=one")
    assert value == pytest.approx(1 / 3, abs=1e-6)


def test_three_answers_are_compared_in_pairs(tmp_path: Path) -> None:
    """The judge ranks best, middle, worst and says so in every order."""

    def better(request: Request) -> Completion:
        return answered(request, "A" if request.shown[0] < request.shown[1] else "B")

    rows = [
        {
            "id": str(number),
            "question": f"q{number}",
            "answers": [{"model": m, "text": f"{m} {number}"} for m in ("best", "middle", "worst")],
        }
        for number in range(5)
    ]
    out = tmp_path / "run"
    judge_rows(out, rows, better)
    results = results_of(out)
    assert (results.counts.items, results.counts.planned) == (5, 5 * 3 * 2)
    rates = [estimate(results, "win_rate", f"model={m}") for m in ("best", "middle", "worst")]
    assert rates == [1.0, 0.5, 0.0]
    assert estimate(results, "win_rate", "candidate=worst baseline=middle") == 0.0


def test_scores_of_single_answers(tmp_path: Path) -> None:
    recorded = [
        {"id": f"{model} {number}", "cluster": str(number), "model": model, "score": score}
        for model, scores in (("one", [5, 4, 3]), ("two", [1, 2, 2]))
        for number, score in enumerate(scores)
    ]
    results = replayed(tmp_path / "run", recorded, "scalar-1-5")
    assert results.counts.planned == 6
    assert estimate(results, "mean", "model=one") == 4.0
    assert estimate(results, "mean", "model=two") == pytest.approx(5 / 3, abs=1e-6)
    assert estimate(results, "mean") == pytest.approx(17 / 6, abs=1e-6)
    assert results.position_bias is None


def test_passes_of_single_answers_with_one_that_cannot_be_read(tmp_path: Path) -> None:
    said = ["1", "1", "0", "perhaps"]
    recorded = [{"id": str(number), "text": text} for number, text in enumerate(said)]
    results = replayed(tmp_path / "run", recorded, "binary")
    assert (results.counts.parsed, results.counts.unparsed) == (3, {"no_verdict": 1})
    assert estimate(results, "pass_rate") == pytest.approx(2 / 3, abs=1e-6)
    assert estimate(results, "unreadable") == 0.25
    [example] = results.unparsed_examples
    assert (example.reason, example.item_id, example.excerpt) == ("no_verdict", "3", "perhaps")


def test_the_best_of_four_in_both_orders(tmp_path: Path) -> None:
    rubric = tmp_path / "best.toml"
    rubric.write_text(CHOICE)
    models = ["m0", "m1", "m2", "m3"]
    forward, reverse = [0, 1, 2, 3], [3, 2, 1, 0]
    said = {
        "agree": ("B", "C", "b"),  # m1, and m1 as it stands third from the end
        "place": ("A", "A", "a"),  # the first place twice: m0, then m3
    }
    recorded = [
        {
            "id": item,
            "shown": shown,
            "text": text,
            "gold": gold,
            "answers": [{"model": model} for model in models],
        }
        for item, (one, two, gold) in said.items()
        for shown, text in ((forward, one), (reverse, two))
    ]
    results = replayed(tmp_path / "run", recorded, str(rubric))
    assert (results.counts.planned, results.counts.parsed) == (4, 4)
    assert estimate(results, "choice_rate", "model=m1") == 0.5
    assert estimate(results, "choice_rate", "model=m2") == 0.0
    assert results.position_bias is None


@pytest.mark.parametrize(
    ("judge", "sentence"),
    [
        (("A", "B"), None),
        (("A", "A"), "overall the answer shown first more often than its due"),
        (("B", "B"), "overall the answer shown second more often than its due"),
    ],
    ids=["unbiased", "first", "second"],
)
def test_the_report_says_which_position_a_judge_follows_and_only_then(
    judge: tuple[str, str], sentence: str | None, cli: Cli, tmp_path: Path
) -> None:
    recorded = tmp_path / "judge.jsonl"
    rows = [
        row
        for number in range(100)
        for row in pair(number, *(judge if number % 2 else judge[::-1]))
    ]
    recorded.write_text("".join(json.dumps(row) + "\n" for row in rows))
    line = ["run", "--engine", "replay", "--recorded", recorded, "--rubric", "pairwise"]
    status, stdout, err = cli(*line, "--out", "run")
    assert status == 0, err
    words = " ".join(stdout.split())
    assert ("follows the position" in words) == (sentence is not None)
    if sentence is not None:
        assert sentence in words
        assert "No winner is called" in words


def test_a_replay_of_a_finished_run_gives_its_results(tmp_path: Path) -> None:
    first, again = tmp_path / "first" / "run", tmp_path / "again" / "run"
    rows = pairs(30)
    for number, row in enumerate(rows):
        row |= {"gold": "ab"[number % 2], "meta": {"topic": number % 3}}

    def said(request: Request) -> Completion:
        number = int(request.item_id.removeprefix("item-"))
        place = number + request.shown[0] + request.repeat
        return answered(request, ["A", "B", "C", "Hm."][place % 4])

    options: dict[str, Any] = {"rubric": "pairwise", "repeats": 2, "slices": ("topic",)}
    judge_rows(first, rows, said, **options)
    config = RunConfig(engine="replay", recorded=str(first), out=str(again), **options)
    finished = run(config, show_progress=False)
    assert isinstance(finished, Finished)
    assert finished.status == 0
    one, two = results_of(first), results_of(again)
    assert one.counts.unparsed["no_verdict"] > 0
    for field in ("counts", "judge", "outcomes", "estimates", "position_bias", "findings"):
        assert getattr(two, field) == getattr(one, field), field
    assert two.unparsed_examples == one.unparsed_examples


def test_a_replay_of_a_run_takes_the_answers_that_count_and_no_failures(tmp_path: Path) -> None:
    first, again = tmp_path / "first", tmp_path / "again"
    judge_rows(
        first, pairs(3), lambda r: failed(r) if r.item_id == "item-1" else answered(r, "Hm.")
    )
    go_on(first, lambda r: answered(r, "C"), retry=("unparsed",))
    config = RunConfig(rubric="pairwise", engine="replay", recorded=str(first), out=str(again))
    run(config, show_progress=False)
    assert results_of(again).counts.parsed == 6


def test_the_headline_is_read_again_after_twenty_times_what_it_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, read = 0.0, []

    def slowly(*parts: object) -> None:
        nonlocal now
        read.append(now)
        now += 1.0

    monkeypatch.setattr(headlines, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(headlines, "reading_of", slowly)
    monkeypatch.setattr(headlines, "estimates_of", lambda _: [])
    nothing: Any = None
    table: Any = SimpleNamespace(snapshot=lambda: None)
    headline = headlines.Headline(nothing, RunConfig(), nothing, nothing, nothing, table)
    for _ in range(50):
        headline()
        now += 1.0
    assert read == [0.0, 21.0, 42.0]
