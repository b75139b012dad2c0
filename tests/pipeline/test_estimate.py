"""An estimate is made of the very plan of `judgefast plan`, or says by what it was counted."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

import judgefast
from judgefast.config import RunConfig
from judgefast.costs.estimates import Estimate
from judgefast.costs.ranges import Range
from judgefast.errors import ConfigError, ModelError
from judgefast.pipeline import plan_report, workloads
from judgefast.pipeline.estimate import Estimated, asked
from judgefast.pipeline.setting import CostWishes
from judgefast.pipeline.stand_in import BYTES_RANGE
from judgefast.pipeline.workloads import workload_from_plan, workload_of
from judgefast.reports.as_json import to_json
from tests.costs.building import answers
from tests.pipeline.model_folder import write_judge
from tests.recorded import EXAMPLES

DATA = str(EXAMPLES / "pairs.jsonl")
SHAPE = "questions=10000,answer=1000,rubric=500,out=500"
WORKED: dict[str, Any] = {
    "rubric": "pairwise-reasons",
    "model": "Qwen2.5-72B-Instruct",
    "gpu": "H200",
    "orders": "one",
}


@pytest.fixture(autouse=True)
def nothing_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catalogue and rates are those of the package."""
    monkeypatch.setenv("JUDGEFAST_CATALOGUE", str(tmp_path / "catalogue"))
    monkeypatch.setenv("JUDGEFAST_STATE", str(tmp_path / "state"))


@pytest.fixture
def judge(tmp_path: Path) -> str:
    """The folder of a judge that reads bytes, with the shape of a real one."""
    shape = {
        "hidden_size": 4096,
        "intermediate_size": 12288,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
    }
    return str(write_judge(tmp_path / "judge", **shape))


def found_of(config: RunConfig, **wishes: Any) -> Estimated:
    return asked(config, CostWishes(**{"gpu": "H100"} | wishes))


@pytest.mark.parametrize("orders", ["one", "both"])
def test_prompts_tokens_and_digest_are_those_of_plan(judge: str, orders: str) -> None:
    plan = judgefast.plan(DATA, rubric="pairwise", model=judge, orders=orders)
    made = judgefast.estimate(DATA, rubric="pairwise", model=judge, gpu="H100", orders=orders)
    cost = plan.cost("plan")
    assert cost is not None
    assert made.digest == plan.digest
    assert made.workload.basis == "counted"
    assert made.workload.prompt_tokens == plan.prompts.tokens
    assert made.workload.computed_tokens == Range.exactly(cost.computed_tokens)
    assert made.workload.requests == plan.requests.requests
    assert made.workload.longest_prompt == plan.prompts.longest_tokens


def test_orders_are_counted_anew(judge: str) -> None:
    config = RunConfig(data=(DATA,), rubric="pairwise", model=judge)
    found = found_of(config)
    one = judgefast.estimate(DATA, rubric="pairwise", model=judge, gpu="H100", orders="one")
    assert found.in_orders(2) == found.workload
    assert found.in_orders(1) == one.workload
    assert found.mode == "pairwise"


def test_a_judge_that_is_not_at_hand_is_counted_in_bytes_and_says_so(judge: str) -> None:
    own = judgefast.estimate(DATA, rubric="pairwise", model=judge, gpu="H100").workload
    made = judgefast.estimate(DATA, rubric="pairwise", model="Qwen3-8B", gpu="H100")
    found = made.workload
    assert made.digest is None
    assert found.basis == "assumed"
    assert "tokens counted by the bytes of texts" in found.because
    # The oracle's tokens are bytes; marks of the chat and the last token of blocks aside.
    assert found.prompt_tokens == pytest.approx(own.prompt_tokens * BYTES_RANGE.likely, rel=0.01)
    ends = found.computed_tokens
    assert ends.low < ends.likely < ends.high
    assert found.requests == own.requests


def test_another_tokenizer_is_named_and_its_range_is_wider(judge: str) -> None:
    made = judgefast.estimate(
        DATA, rubric="pairwise", model="Qwen3-8B", gpu="H100", tokenizer=judge
    )
    assert f"the tokenizer in `{judge}`" in made.workload.because
    assert made.workload.computed_tokens.low < made.workload.computed_tokens.likely
    with pytest.raises(ModelError, match=r"`--tokenizer nowhere` is no tokenizer"):
        judgefast.estimate(
            DATA, rubric="pairwise", model="Qwen3-8B", gpu="H100", tokenizer="nowhere"
        )


def test_a_plan_in_memory_comes_to_what_its_report_comes_to(
    judge: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a run makes its estimate of, and what `plan` says, are one."""
    made: list[Any] = []
    planning = plan_report.plan_run

    def kept(*args: Any, **named: Any) -> Any:
        made.append(planning(*args, **named))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan_report, "plan_run", kept)
        report = judgefast.plan(DATA, rubric="pairwise", model=judge)
    one, other = workload_of(report, answers()), workload_from_plan(made[0], answers(), orders=2)
    assert other.prompt_tokens == one.prompt_tokens
    assert other.computed_tokens == one.computed_tokens
    assert other.longest_prompt == one.longest_prompt
    assert (other.items, other.judgments, other.requests) == (36, 72, 72)
    monkeypatch.setattr(workloads, "_SLICE", 7)  # of a long plan: each item is counted once
    assert workload_from_plan(made[0], answers(), orders=2) == other


def worked(**changes: Any) -> Estimate:
    return judgefast.estimate(shape=SHAPE, **WORKED | changes)


def test_the_guides_worked_example() -> None:
    """The guide says 6.9 GPU-hours for 10,000 judgments; the goal lies between 1.1 and 1.4."""
    made = worked(cache="fp8", warm=True, price=1.19)
    assert made.workload.prompt_tokens == 25_000_000
    assert 1.1 <= made.gpu_hours.likely <= 1.4
    assert made.gpu_hours.high < 6.9 / 3
    assert made.money[0].usd.likely == pytest.approx(1.19 * made.gpu_hours.likely)
    assert made.placed.weights == "fp8"
    assert {line.basis for line in made.lines} == {"assumed"}  # no row is held to a grammar


def test_copies_share_the_work_and_not_the_hours() -> None:
    one, two = worked(warm=True), worked(warm=True, gpu="H200:2")
    assert (two.placed.copies, two.placed.gpus) == (2, 2)
    assert two.judging_seconds.likely == pytest.approx(one.judging_seconds.likely / 2, rel=0.01)
    assert two.gpu_hours.likely == pytest.approx(one.gpu_hours.likely, rel=0.01)
    together = worked(warm=True, gpu="H200:2", gpus_per_copy=2)
    assert (together.placed.copies, together.placed.gpus) == (1, 2)


def test_arguments_of_the_engine_count_where_no_flag_says_otherwise() -> None:
    told = {"max_num_seqs": 16, "kv_cache_dtype": "fp8", "tensor_parallel_size": 2}
    made = worked(warm=True, gpu="H200:2", engine_args=told)
    assert (made.placed.batch, made.placed.cache, made.placed.copies) == (16, "fp8", 1)
    other = worked(warm=True, gpu="H200:2", engine_args=told, max_num_seqs=32, cache="16bit")
    assert (other.placed.batch, other.placed.cache) == (32, "16bit")


def test_rows_that_come_once_are_counted_anew_all_the_same(judge: str) -> None:
    rows = [json.loads(text) for text in Path(DATA).read_text("utf-8").splitlines()]
    config = RunConfig(rubric="pairwise", model=judge)
    found = asked(config, CostWishes(gpu="H100"), data=iter(rows))
    assert found.in_orders(1).requests * 2 == found.workload.requests == 2 * len(rows)


def test_stdin_is_not_read_twice(judge: str, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO(Path(DATA).read_bytes())
    lines = io.TextIOWrapper(io.BufferedReader(raw))
    monkeypatch.setattr("sys.stdin", lines)
    found = found_of(RunConfig(data=("-",), rubric="pairwise", model=judge))
    assert found.workload.requests == 72
    with pytest.raises(ConfigError, match=r"stdin is read once"):
        found.in_orders(1)


def test_gpus_that_hold_no_copy_are_paid_for_and_named() -> None:
    made = worked(warm=True, gpu="H100:3")
    assert (made.placed.copies, made.placed.gpus) == (1, 3)
    assert any("1 of 3 GPUs hold no copy" in note for note in made.notes)


def test_a_start_downloads_the_checkpoint_and_not_what_it_is_rounded_to() -> None:
    """Weights of 16 bits that vLLM rounds as it loads them are fetched whole."""
    lines = {line.part: line for line in worked().lines}
    assert lines["download"].arithmetic.startswith("145.4 GB / 0.5 GB/s")
    assert lines["download"].basis == "assumed"
    small = {line.part: line for line in worked(weights="4bit").lines}
    assert small["download"].arithmetic.startswith("42.28 GB")


def test_a_warm_machine_that_is_taken_away_is_followed_by_a_cold_one() -> None:
    made = worked(warm=True, preemptions_per_day=24)
    extra = made.pre_emptions
    assert extra is not None
    assert "513.5" in extra.arithmetic


@pytest.mark.parametrize(
    ("changes", "words", "hint"),
    [
        (
            {"gpu": "H100"},
            r"on 1 x H100-SXM it lacks \d\.\d GiB for its weights and one sequence",
            "it fits on 2 x H100-SXM, or 1 x H200-SXM",
        ),
        (
            {"weights": "bf16"},
            r"on 1 x H200-SXM it lacks \d+\.\d GiB",
            "or --weights fp8, with which 1 x H200-SXM will do",
        ),
        (
            {"model": "Llama-3.1-405B-Instruct", "gpu": "L4:8", "weights": "bf16"},
            r"on 8 x L4 it lacks \d+\.\d GiB",
            "or 8 x H200-SXM",
        ),
        ({"model": "Qwen2.5-72B-Instrukt"}, r"no model is named", "`Qwen2.5-72B-Instruct`"),
        ({"gpu": "H20O"}, r"no GPU is named `H20O`", "`H200-SXM`"),
        (
            {"rubric": "pairwise-reason"},
            r"there is no rubric `pairwise-reason`",
            "pairwise-reasons",
        ),
        ({"provider": "Nebus"}, r"`Nebus`", "Nebius"),
        ({"weights": "fp9"}, r"`weights`: Invalid enum value 'fp9'", None),
        ({"max_num_seqs": "many"}, r"`max_num_seqs` takes a whole number or nothing, saw", None),
        ({"max_num_seqs": 0}, r"--max-num-seqs is 0; it must be at least 1", None),
        (
            {"download_rate": 0},
            r"--download-rate is 0.0; it must be above 0",
            "--download-rate 0.5",
        ),
        ({"model": "gpt-oss-120b", "weights": "fp8"}, r"`gpt-oss-120b` is quantised", "leave"),
        ({"answer_tokens": -1, "shape": "questions=9,answer=9"}, r"--answer-tokens is -1", "120"),
    ],
)
def test_what_cannot_be_is_refused_with_what_would_help(
    changes: dict[str, Any], words: str, hint: str | None
) -> None:
    with pytest.raises(judgefast.errors.JudgefastError, match=words) as refused:
        judgefast.estimate(**{"shape": SHAPE} | WORKED | changes)
    if hint is not None:
        assert hint in f"{refused.value} {refused.value.hint}"


def test_all_that_is_missing_is_asked_for_at_once() -> None:
    with pytest.raises(ConfigError) as refused:
        asked(RunConfig(), CostWishes())
    for word in ("DATA, or --shape", "--rubric", "--model NAME", "--gpu KIND"):
        assert word in str(refused.value)
    assert "for example: judgefast estimate --shape questions=" in str(refused.value.hint)
    with pytest.raises(ConfigError, match="both DATA and --shape"):
        judgefast.estimate(DATA, shape=SHAPE, **WORKED)


def test_answers_come_from_the_cap_a_mean_or_a_label() -> None:
    shape = "questions=100,answer=500"
    capped = judgefast.estimate(shape=shape, **WORKED).workload.answers
    assert (capped.basis, capped.mean.high, capped.most) == ("assumed", 256.0, 256)
    label = judgefast.estimate(shape=shape, **WORKED | {"rubric": "pairwise"})
    assert (label.workload.answers.basis, label.workload.answers.most) == ("counted", 1)
    assert not [line for line in label.lines if line.part == "decode"]
    mean = judgefast.estimate(shape=shape, **WORKED, answer_tokens=120, thinking_tokens=300)
    assert mean.workload.answers.mean == Range.exactly(420)
    assert mean.workload.answers.thinking == Range.exactly(300)


def test_a_judge_that_may_think_is_noted() -> None:
    shape = "questions=100,answer=500"
    quiet = judgefast.estimate(shape=shape, **WORKED)
    assert not any("may think" in note for note in quiet.notes)
    made = judgefast.estimate(shape=shape, **WORKED | {"model": "gpt-oss-120b"})
    assert any("`gpt-oss-120b` may think before it answers" in note for note in made.notes)
    told = judgefast.estimate(shape=f"{shape},think=200", **WORKED | {"model": "gpt-oss-120b"})
    assert not any("may think" in note for note in told.notes)


def test_the_json_is_read_again() -> None:
    made = worked()
    text = to_json(made)
    assert msgspec.json.decode(text, type=Estimate) == made
    assert json.loads(text)["format"] == 1
