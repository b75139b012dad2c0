"""What was measured goes into an estimate before what is fitted or assumed."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

import judgefast
from judgefast.catalogue import models
from judgefast.catalogue.models import find_model
from judgefast.config import RunConfig
from judgefast.costs import rates_store
from judgefast.costs.efficiencies import Efficiencies
from judgefast.costs.ranges import Range
from judgefast.costs.rates_store import Record, keep
from judgefast.costs.reached import Reached
from judgefast.costs.speed import MeasuredOn, Speed
from judgefast.costs.starting import starting_of
from judgefast.errors import ConfigError
from judgefast.formats import FORMAT
from judgefast.pipeline import forecast
from judgefast.pipeline.answers import answers_of_run
from judgefast.pipeline.decide import DecisionWishes, decide
from judgefast.pipeline.estimate import asked
from judgefast.pipeline.pilot_starts import with_starts_of
from judgefast.pipeline.setting import CostWishes, with_engine_args
from tests.costs.building import rates, workload
from tests.pipeline.test_estimate import DATA, WORKED, worked
from tests.recorded import pairs, record, write_lines

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.costs.estimates import Estimate


@pytest.fixture(autouse=True)
def nothing_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catalogue and rates are those of the package."""
    monkeypatch.setenv("JUDGEFAST_CATALOGUE", str(tmp_path / "catalogue"))
    monkeypatch.setenv("JUDGEFAST_STATE", str(tmp_path / "state"))


@pytest.mark.parametrize(
    ("device", "model", "basis"),
    [
        ("cuda", "Qwen/Qwen2.5-72B-Instruct", "measured"),
        ("cpu", "Qwen2.5-72B-Instruct", "assumed"),
        ("cuda", "Qwen3-8B", "assumed"),
    ],
)
def test_the_start_of_a_pilot_by_the_same_judge_is_measured(
    tmp_path: Path, device: str, model: str, basis: str
) -> None:
    facts = {
        "engine": "vllm",
        "model": model,
        "device": device,
        "startup": {"import": 9.0, "waiting": 1.0, "start": 100.0},
        "compile_seconds": 40.0,
    }
    (tmp_path / "launches").mkdir()
    launch = {"format": FORMAT, "launch": "0" * 32, "engine": facts}
    (tmp_path / "launches" / f"{'0' * 32}.json").write_text(json.dumps(launch), "utf-8")
    judge = find_model("Qwen2.5-72B-Instruct")
    found = with_starts_of(CostWishes(pilot=str(tmp_path)), judge).starts
    steps = {step.part: step for step in starting_of(10**9, found).steps}
    assert {steps[part].basis for part in ("load", "compile")} == {basis}
    assert steps["boot"].basis == "assumed"
    if basis == "measured":
        assert steps["load"].seconds == Range(40.0, 60.0, 90.0)
        assert steps["compile"].seconds == Range(49.0 / 1.5, 49.0, 49.0 * 1.5)
        assert "measured in the pilot" in steps["load"].because


def calibrated(**changes: Any) -> Record:
    """A calibration on an H200, as `--calibrate` leaves it."""
    named = {"model": "qwen2.5-72b-instruct", "machine": "1 x NVIDIA H200"}
    place = {"engine": "vllm", "version": "0.32.0", "options": ""}
    told = {key: changes.pop(key) for key in list(changes) if key in named | place}
    given: dict[str, Any] = {
        "kind": "calibration",
        "when": "2026-11-26T12:00:00+00:00",
        "setting": MeasuredOn(**named | place | told),
        "seconds": 60.0,
        "wall": Speed(rates=rates(prompt_token=5e-4, error=0.05)),
        "gpu": "H200-SXM",
    }
    return Record(**given | changes)


def bases(made: Estimate) -> set[str]:
    return {line.basis for line in made.lines if line.part != "pre_emptions"}


def test_what_was_calibrated_goes_before_what_was_fitted() -> None:
    without = bases(worked(warm=True))
    assert "calibrated" not in without
    keep(calibrated())
    made = worked(warm=True)
    assert bases(made) == {"calibrated"}
    sums = [one.arithmetic for one in made.sums if one.title == "prefill"]
    assert sums[0].startswith("20,080,500 tokens x 0.0005 s")
    # Another precision, another GPU: nothing was measured of it.
    assert bases(worked(warm=True, cache="fp8")) == without
    assert bases(worked(warm=True, gpu="H100:2")) == without
    assert bases(worked(warm=True, model="Qwen2.5-32B-Instruct")) == without


def shown(**changes: float) -> Reached:
    """By a dense judge, which was so much faster in parts than the roofline says."""
    like = Efficiencies(
        mfu=0.5,
        bandwidth=0.8,
        cache=0.7,
        cache_8bit=0.6,
        step_seconds=0.001,
        error=0.1,
        basis="calibrated",
        because="calibrated",
    )
    changed = msgspec.structs.replace(like, **changes)
    return Reached(shown=changed, foretold=like, experts=False)


def test_another_judge_that_was_calibrated_on_the_same_gpu_is_next() -> None:
    fitted = worked(warm=True)
    keep(calibrated(model="other", reached=shown()))
    made = worked(warm=True)
    assert bases(made) == bases(fitted)  # a guess stays one
    assert "with another model; fitted on" in made.lines[0].because
    assert made.judging_seconds.likely == pytest.approx(fitted.judging_seconds.likely)
    assert made.judging_seconds.high >= fitted.judging_seconds.high  # no surer than the fit
    keep(calibrated(model="other", reached=shown(mfu=0.25)))
    slower = worked(warm=True)
    once, twice = (
        next(line.seconds.likely for line in one.lines if line.part == "prefill")
        for one in (fitted, slower)
    )
    assert 1.5 * once < twice < 2.0 * once  # not all of it is multiplications


def test_a_dense_judge_says_nothing_of_one_with_experts() -> None:
    before = worked(warm=True, model="gpt-oss-120b")
    keep(calibrated(model="other", reached=shown(mfu=1.0)))
    after = worked(warm=True, model="gpt-oss-120b")
    assert after.judging_seconds == before.judging_seconds
    assert bases(after) == bases(before)


def test_a_pilot_measures_the_answers(tmp_path: Path) -> None:
    rows = record(pairs())
    for number, row in enumerate(rows):
        row["completion_tokens"] = 50 + number
    write_lines(tmp_path / "recorded.jsonl", rows)
    run = judgefast.run(
        DATA,
        rubric="pairwise-reasons",
        engine="replay",
        recorded=tmp_path / "recorded.jsonl",
        out=tmp_path / "pilot",
    )
    seen = [
        row["completion_tokens"] or len(row["text"]) / 4.2
        for row in run.table("completions").to_pylist()
    ]
    found = answers_of_run(str(tmp_path / "pilot"))
    assert found.basis == "measured"
    assert found.mean.likely == pytest.approx(sum(seen) / len(seen), rel=0.01)
    assert found.mean.low < found.mean.likely < found.mean.high
    made = judgefast.estimate(shape="questions=9,answer=9", **WORKED, pilot=str(run.path))
    assert made.workload.answers == msgspec.structs.replace(found, most=256)  # the rubric's cap
    with pytest.raises(ConfigError, match=r"is no run directory"):
        answers_of_run(str(tmp_path))


def test_engine_arguments_lay_a_judge_out_as_flags_do() -> None:
    given = {
        "tensor_parallel_size": 2,
        "replicas": "1",
        "max_num_seqs": 64,
        "kv_cache_dtype": "fp8_e4m3",
        "quantization": "fp8",
    }
    found = with_engine_args(CostWishes(gpu="H200:8"), given)
    said = {"gpus_per_copy": 2, "replicas": 1, "max_num_seqs": 64, "cache": "fp8", "weights": "fp8"}
    assert found == CostWishes(gpu="H200:8", **said)  # type: ignore[arg-type]  # as named
    assert with_engine_args(found, {"max_num_seqs": 9, "replicas": 4}) == found
    assert with_engine_args(CostWishes(), {}) == CostWishes()
    assert with_engine_args(CostWishes(), {"kv_cache_dtype": "auto"}).cache == "16bit"


def test_one_copy_on_eight_gpus_is_as_fast_as_one_and_pays_for_eight() -> None:
    one = worked(warm=True, gpu="H200:1", cache="fp8")
    told = worked(warm=True, gpu="H200:8", cache="fp8", engine_args={"replicas": 1})
    every = worked(warm=True, gpu="H200:8", cache="fp8")
    assert (told.placed.copies, told.placed.gpus) == (1, 8)
    assert every.placed.copies == 8
    assert told.judging_seconds.likely == pytest.approx(one.judging_seconds.likely)
    assert told.gpu_hours.likely == pytest.approx(8 * one.gpu_hours.likely)
    assert "7 of 8 GPUs hold no copy of the model, and are paid for" in told.notes
    with pytest.raises(ConfigError, match="9"):
        worked(warm=True, gpu="H200:8", engine_args={"replicas": 9})


def test_a_forecast_lays_a_judge_out_as_its_engine_is_told_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    products = ["NVIDIA H200"] * 8
    monkeypatch.setattr(forecast, "gpus_of", lambda _: products)
    monkeypatch.setattr(forecast, "options_of", lambda _: {"replicas": 1})
    monkeypatch.setattr(models, "model_of", lambda _: find_model("Qwen3-8B"))
    engine: Any = SimpleNamespace(name="vllm", folder=SimpleNamespace(path="judge"))
    found = forecast.gpu_setting(engine, RunConfig(gpu="H200:2"), workload())
    assert (found.copies, found.gpus, found.gpu.key) == (1, 8, "H200-SXM")


def test_a_command_reads_what_was_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    keep(calibrated())
    read: list[int] = []
    path = rates_store.state_folder() / rates_store.NAME

    def counted() -> Path:
        read.append(1)
        return path.parent

    monkeypatch.setattr(rates_store, "state_folder", counted)
    config = RunConfig(rubric="pairwise", model="Qwen2.5-7B-Instruct", gpu="H200", orders="both")
    found = asked(config, CostWishes(gpu="H200"), shape="questions=100,answer=100")
    decided = decide(found, DecisionWishes(alternatives=True, deadline="1h"))
    assert len(decided.alternatives or ()) > 5
    assert len(read) == 1
