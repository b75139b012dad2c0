"""What finished runs tell of the sample that the next one needs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from judgefast.codes import Status
from judgefast.errors import ConfigError
from judgefast.pipeline.compare import compare_runs
from judgefast.pipeline.pilot import pilot_of
from judgefast.pipeline.results import Reading, read_run
from judgefast.pipeline.tables import open_table
from tests.engines.scripted import answered
from tests.pipeline.judging import judge_rows, pairs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion

COUNT = 60


def drawn(request: Request, salt: str, letters: str) -> str:
    digest = hashlib.sha256(salt.encode() + request.request_id).digest()
    return letters[digest[0] % len(letters)]


def saying(letters: str, salt: str = "") -> Callable[[Request], Completion]:
    return lambda request: answered(request, drawn(request, salt, letters))


def judged(
    out: Path, rows: Any, letters: str = "AAABBC", salt: str = "", **options: Any
) -> Reading:
    judge_rows(out, rows, saying(letters, salt), **options)
    return read_run(out)


def values(reading: Reading) -> dict[str, list[tuple[str, float]]]:
    """Values of the outcomes of each candidate, with their items; read from the table."""
    found: dict[str, list[tuple[str, float]]] = {}
    for row in open_table(reading, "outcomes").read_all().to_pylist():
        if row["value"] is not None:
            model = row.get("candidate_model") or ""
            found.setdefault(model, []).append((row["item_id"], row["value"]))
    return found


def scored(count: int, sides: str = "a") -> list[dict[str, Any]]:
    return [
        {
            "id": f"{row['id']}-{side}",
            "question": row["question"],
            "answer": row[f"answer_{side}"],
            "model": row[f"model_{side}"],
        }
        for row in pairs(count)
        for side in sides
    ]


def test_a_run_of_pairs_is_planned_against_even(tmp_path: Path) -> None:
    reading = judged(tmp_path / "run", pairs(COUNT))
    pilot = pilot_of(reading)
    [of_one] = values(reading).values()
    spread = np.var([value for _, value in of_one], ddof=1)
    assert (pilot.name, pilot.questions, pilot.values) == ("win_rate", COUNT, COUNT)
    assert pilot.spread.variance == pytest.approx(spread)
    assert pilot.design == "win_rate against even (candidate=wrong baseline=right)"
    assert (pilot.compares, pilot.correlation, pilot.within) == ("even", None, None)
    ties = sum(value == 0.5 for _, value in of_one) / COUNT
    assert pilot.ties == pytest.approx(ties)
    assert pilot.because == f"{COUNT} questions of the pilot, {100 * ties:.0f} % ties"


def test_two_runs_need_what_their_comparison_could_have_found(tmp_path: Path) -> None:
    one = judged(tmp_path / "one", pairs(COUNT), salt="one")
    other = judged(tmp_path / "other", pairs(COUNT), salt="other")
    pilot = pilot_of(one, other)
    found = compare_runs(one, other, names={"win_rate"}).difference("win_rate")
    assert pilot.spread.detectable(COUNT) == pytest.approx(found.detectable)
    assert pilot.spread.needed(found.detectable * 1.000001) == COUNT
    of_one, of_other = (dict(next(iter(values(reading).values()))) for reading in (one, other))
    both = np.array([[of_one[item], of_other[item]] for item in of_one])
    assert pilot.correlation == pytest.approx(np.corrcoef(both.T)[0, 1])
    assert pilot.design == (
        "win_rate of two runs over the same questions (candidate=wrong baseline=right)"
    )


def test_a_run_that_scores_two_models_is_planned_for_their_difference(tmp_path: Path) -> None:
    reading = judged(tmp_path / "run", scored(COUNT, "ab"), "12345", rubric="scalar-1-5")
    pilot = pilot_of(reading)
    right, wrong = (
        np.array([value for _, value in sorted(one)]) for _, one in sorted(values(reading).items())
    )
    assert pilot.design == "mean of model=right against model=wrong, question by question"
    assert pilot.spread.variance == pytest.approx(np.var(right - wrong, ddof=1))
    assert pilot.correlation == pytest.approx(np.corrcoef(right, wrong)[0, 1])
    assert (pilot.compares, pilot.questions, pilot.values) == ("sides", COUNT, COUNT)


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Reading:
    return judged(
        tmp_path_factory.mktemp("scores") / "run", scored(COUNT), "1234555", rubric="scalar-1-5"
    )


def test_a_run_of_one_model_has_the_spread_of_its_scores(scores: Reading) -> None:
    pilot = pilot_of(scores)
    [of_one] = values(scores).values()
    assert pilot.spread.variance == pytest.approx(np.var([value for _, value in of_one], ddof=1))
    assert (pilot.name, pilot.spread.width) == ("mean", 4.0)
    assert pilot.ties is None


def test_values_of_one_question_that_go_together_count_for_less(tmp_path: Path) -> None:
    """All four rows of a question get the same letter: it is one value, however often."""
    rows = [
        {"id": f"{question}-{copy}", "question": f"Question {question}?", "answer": f"{copy}"}
        for question in range(COUNT)
        for copy in range(4)
    ]

    def alike(request: Request) -> Completion:
        item = int(str(request.item_id).split("-")[0])
        return answered(request, "12345"[item * 7 % 5])

    judge_rows(tmp_path / "run", rows, alike, rubric="scalar-1-5")
    pilot = pilot_of(read_run(tmp_path / "run"))
    assert (pilot.questions, pilot.values) == (COUNT, 4 * COUNT)
    assert pilot.per_question == 4
    assert pilot.within == pytest.approx(1.0, abs=0.02)
    assert "4.0 values a question, which go together by" in pilot.because


def test_of_several_aspects_the_overall_value_is_planned_for(tmp_path: Path) -> None:
    reading = judged(tmp_path / "run", scored(COUNT), "12345", rubric="aspects-1-5")
    pilot = pilot_of(reading)
    assert (pilot.name, pilot.values) == ("overall", COUNT)
    widest = pilot_of(reading, name="mean")
    assert widest.slice.startswith("aspect=")
    assert widest.spread.variance > pilot.spread.variance
    assert widest.notes[0].endswith("slices the one that varies most is planned for")


def test_what_could_not_be_read_is_counted(tmp_path: Path) -> None:
    reading = judged(tmp_path / "run", pairs(COUNT), "AAAB?", max_unreadable=1.0)
    pilot = pilot_of(reading)
    [of_one] = values(reading).values()
    assert pilot.missing == pytest.approx(1 - len(of_one) / COUNT)
    assert 0 < pilot.unread < pilot.missing
    assert pilot.because.endswith(f", {100 * pilot.unread:.2g} % of judgments not read")


def test_a_judge_that_always_agrees_does_not_need_two_questions_only(tmp_path: Path) -> None:
    reading = judged(tmp_path / "run", pairs(COUNT), "C")
    pilot = pilot_of(reading)
    assert pilot.spread.variance == 0
    assert pilot.spread.needed(0.1) == pytest.approx(2.801585**2 * 9, abs=1)


@pytest.mark.parametrize("judgments", [119, 61])
def test_what_a_budget_left_out_is_not_taken_for_unread(tmp_path: Path, judgments: int) -> None:
    whole = pilot_of(judged(tmp_path / "whole", pairs(2 * COUNT), "AAAB?", max_unreadable=1.0))
    reading = judged(
        tmp_path / "part",
        pairs(2 * COUNT),
        "AAAB?",
        max_unreadable=1.0,
        budget=(f"{judgments}judgments",),
    )
    part = pilot_of(reading)
    [of_one] = values(reading).values()
    asked = judgments // 2
    assert part.values == len(of_one) <= asked
    assert part.missing == pytest.approx(1 - len(of_one) / asked)
    assert abs(part.missing - whole.missing) < 0.15
    both = pilot_of(reading, reading)
    assert both.missing == pytest.approx(part.missing)


def test_a_run_that_was_stopped_before_its_first_judgment_is_no_pilot(scores: Reading) -> None:
    status = np.full_like(scores.verdicts.status, Status.INTERRUPTED)
    none = scores._replace(
        verdicts=scores.verdicts._replace(status=status),
        outcomes=scores.outcomes._replace(weight=np.zeros_like(scores.outcomes.weight)),
    )
    with pytest.raises(ConfigError, match="the pilot has 0"):
        pilot_of(none)


def test_a_judge_that_follows_the_position_is_no_matter_of_more_questions(tmp_path: Path) -> None:
    judge_rows(tmp_path / "run", pairs(COUNT), lambda request: answered(request, "A"))
    pilot = pilot_of(read_run(tmp_path / "run"))
    assert pilot.notes[0].startswith("This judge follows the position, not the answer")
    assert pilot.notes[0].endswith("however many questions are judged.")


def test_a_wrong_name_is_told_the_right_one(scores: Reading) -> None:
    with pytest.raises(ConfigError, match="no mean named `maen`; there are: mean") as caught:
        pilot_of(scores, name="maen")
    assert caught.value.hint == "did you mean `mean`?"


def test_one_question_is_no_pilot(tmp_path: Path) -> None:
    reading = judged(tmp_path / "run", pairs(1))
    with pytest.raises(ConfigError, match="takes two questions with a value; the pilot has 1"):
        pilot_of(reading)
