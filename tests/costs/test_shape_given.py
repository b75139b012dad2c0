"""`--shape` is read strictly, and comes to what a plan of such data comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.best_of_three import RUBRIC
from tests.costs.building import answers
from tests.pipeline.model_folder import write_judge

from judgefast.costs.shape_given import Asking, ShapeGiven, read_shape, workload_of_shape
from judgefast.errors import ConfigError
from judgefast.pipeline.workloads import workload_of
from judgefast.plans import plan

if TYPE_CHECKING:
    from pathlib import Path

QUESTIONS, QUESTION, ANSWER = 40, 150, 400


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("questions=10,answer", r"`answer` is not of the form name=number"),
        ("questins=10,answer=5", r"a shape has no `questins`; did you mean `questions`\?"),
        ("zzz=1", r"a shape has no `zzz`; it has questions, answer, answers, question"),
        ("questions=ten,answer=5", r"`questions` is `ten`, which is no number such as 500, 10k"),
        ("questions=1.5,answer=5", r"`questions` is `1.5`; it must be a whole number"),
        ("questions=1,questions=2,answer=5", r"`questions` is given twice"),
        ("answer=5", r"`questions` is missing"),
        ("questions=5", r"`answer` is missing"),
        ("questions=0,answer=5", r"`questions` is 0; it must be at least 1"),
        ("questions=-3,answer=5", r"`questions` is `-3`, which is no number"),
    ],
)
def test_what_cannot_be_read_is_refused_with_an_example(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as refused:
        read_shape(text)
    assert refused.value.hint is not None
    assert "--shape questions=10000,answers=2" in refused.value.hint


def test_numbers_may_be_short() -> None:
    shape = read_shape(" questions = 10k, answer=1_000,rubric=0.5k , out=1M")
    assert shape == ShapeGiven(questions=10_000, answer=1000, rubric=500, out=1_000_000)


@given(counts=st.fixed_dictionaries({n: st.integers(1, 10**9) for n in ("questions", "answer")}))
def test_what_is_written_is_read_again(counts: dict[str, int]) -> None:
    text = ",".join(f"{name}={number:,}".replace(",", "_") for name, number in counts.items())
    assert read_shape(text) == ShapeGiven(**counts)


def test_one_answer_cannot_be_compared() -> None:
    shape = ShapeGiven(questions=5, answer=10, answers=1)
    with pytest.raises(ConfigError, match=r"`answers` is 1, and a rubric of mode pairwise"):
        workload_of_shape(shape, Asking(mode="pairwise"), answers(), rubric=10)


def test_the_guides_worked_example_by_hand() -> None:
    shape = read_shape("questions=10000,answer=1000,rubric=500,out=500")
    one = workload_of_shape(shape, Asking(mode="pairwise"), answers(500), rubric=500)
    assert one.requests == 10_000
    assert one.prompt_tokens == 25_000_000
    assert one.computed_tokens.low == 500 + 10_000 * 2000
    both = workload_of_shape(shape, Asking(mode="pairwise", orders=2), answers(500), rubric=500)
    assert both.prompt_tokens == 50_000_000
    assert both.computed_tokens.low == 500 + 20_000 * 2000


@given(
    many=st.integers(2, 5),
    orders=st.integers(1, 2),
    aspects=st.integers(1, 3),
    repeats=st.integers(1, 2),
    mode=st.sampled_from(["pairwise", "choice", "scalar", "binary"]),
)
@settings(max_examples=50)
def test_no_more_is_computed_than_is_prompted(
    many: int, orders: int, aspects: int, repeats: int, mode: str
) -> None:
    shape = ShapeGiven(questions=7, answer=90, answers=many, question=30, aspect=11)
    asking = Asking(mode=mode, orders=orders, aspects=aspects, repeats=repeats)
    found = workload_of_shape(shape, asking, answers(), rubric=200)
    ends = found.computed_tokens
    assert 0 < ends.low <= ends.likely <= ends.high <= found.prompt_tokens
    assert found.prompt_tokens <= found.requests * found.longest_prompt


def planned(folder: Path, rubric: str, many: int, **options: object) -> tuple[int, float, int]:
    """Oracle: the real plan of texts of these lengths, in bytes, by a judge that reads bytes.

    Returns tokens, those to compute, and the tokens of a prompt with nothing in it.
    """
    judge = write_judge(folder / "judge", max_position_embeddings=100_000)
    rows = [
        {
            "question": f"{number:06}".ljust(QUESTION, "q"),
            "answers": [
                {"text": f"{number:06} {at}".ljust(ANSWER, "abcdef"[at])} for at in range(many)
            ],
        }
        for number in range(QUESTIONS)
    ]
    shown = many if rubric == "choice" else min(many, 2)
    if rubric == "choice":
        (folder / "best.toml").write_text(RUBRIC)
        rubric = str(folder / "best.toml")
    found = workload_of(plan(rows, rubric=rubric, model=judge, **options), answers())
    empty = QUESTION + shown * ANSWER
    head = found.prompt_tokens // found.requests - empty
    return found.prompt_tokens, found.computed_tokens.likely, head


@pytest.mark.parametrize(
    ("rubric", "mode", "many", "orders"),
    [
        ("pairwise", "pairwise", 2, "one"),
        ("pairwise", "pairwise", 2, "both"),
        ("pairwise", "pairwise", 4, "both"),
        ("scalar-1-5", "scalar", 3, "one"),
        ("choice", "choice", 3, "one"),
        ("choice", "choice", 3, "both"),
    ],
)
def test_a_shape_comes_to_what_the_plan_of_such_data_comes_to(
    tmp_path: Path, rubric: str, mode: str, many: int, orders: str
) -> None:
    shown = 1 if mode == "scalar" else many
    tokens, computed, head = planned(tmp_path, rubric, shown if shown == 1 else many, orders=orders)
    shape = ShapeGiven(
        questions=QUESTIONS, answer=ANSWER, answers=shown if shown == 1 else many, question=QUESTION
    )
    asking = Asking(mode=mode, orders=2 if orders == "both" and mode != "scalar" else 1)
    found = workload_of_shape(shape, asking, answers(), rubric=head)
    assert found.prompt_tokens == tokens
    # Marks around the answers are shared in a shape, and stand behind them in a prompt.
    marks = 0.25 * computed
    assert found.computed_tokens.low - marks <= computed <= found.computed_tokens.high + marks
    assert found.computed_tokens.likely == pytest.approx(computed, rel=0.25)


@pytest.mark.parametrize("many", [3, 4, 5])
@pytest.mark.parametrize("pairs", ["all", "baseline", "sparse:1", "sparse:2", "sparse:3"])
def test_a_shape_has_the_pairs_of_the_plan_of_such_data(many: int, pairs: str) -> None:
    rows = [
        {
            "question": f"q{number}",
            "answers": [{"model": f"m{at}", "text": f"{number} {at}"} for at in range(many)],
        }
        for number in range(3)
    ]
    options: dict[str, Any] = {"baseline": "m0"} if pairs == "baseline" else {}
    found = plan(rows, rubric="pairwise", orders="both", pairs=pairs, **options)
    asking = Asking(mode="pairwise", orders=2, pairs=pairs)
    shape = ShapeGiven(questions=3, answer=10, answers=many)
    made = workload_of_shape(shape, asking, answers(), rubric=10)
    assert (made.requests, made.judgments) == (found.requests.requests, found.requests.judgments)
