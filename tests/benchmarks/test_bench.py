"""A workload measured through the whole pipeline, and what is said of it."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from judgefast.benchmarks.asked import measure
from judgefast.benchmarks.figures import figures_of, seconds_per_batch
from judgefast.benchmarks.kept import KeptEngine
from judgefast.benchmarks.records import Sample, Steady, read_record, write_record
from judgefast.benchmarks.text import render
from judgefast.config import RunConfig
from judgefast.costs.rates_store import records
from judgefast.errors import ConfigError, JudgefastError
from judgefast.pipeline.remember import speed_facts
from judgefast.pipeline.run import run
from judgefast.stopping import Stop

from .paced_engine import PacedEngine

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.benchmarks.records import Record

USUAL: dict[str, Any] = {
    "engine": "paced",
    "seed": 0,
    "no_warm_up": False,
    "sweep": (),
    "block_seconds": 20.0,
    "blocks": 6,
    "force_lengths": False,
    **dict.fromkeys(("items", "scale", "orders", "max_tokens", "repeats", "vs")),
    **dict.fromkeys(("gpu", "price", "provider")),
}
"""Flags as the command line gives them."""


def bench(what: str | Path, **given: Any) -> Record:
    return measure(str(what), USUAL | given, stop=Stop(), say=lambda _: None)


def test_a_workload_is_run_again_on_one_engine_with_new_texts(paced: list[PacedEngine]) -> None:
    record = bench("one-token", items=12, scale=0.02, repeats=3, engine_args={"answer_ms": 3})
    (engine,) = paced
    assert (engine.starts, engine.closes > 0) == (1, True)
    assert [sample.judgments for sample in record.samples] == [12] * 3
    # The warm-up judged a quarter of them, and is none of the samples.
    assert engine.answered == 3 * 12 + 3
    assert len(set(engine.seen)) == 3 * 12 + 3  # none is found whole in a cache
    assert [sample.steps for sample in record.samples] == [12] * 3
    first = record.samples[0]
    assert (first.parsed, first.failed, first.requests) == (12, 0, 12)
    assert first.cached_tokens == 7 * 12
    assert first.generated_tokens == 3 * 12
    assert first.seconds["judge"] >= 12 * 0.003
    assert sum(judgments for _, judgments, _ in first.series) == 12
    assert first.latency is not None
    assert first.latency.p50 >= 3 * 0.003  # four wait in turn
    assert first.cpu_seconds.keys() == {"read and plan", "load", "judge", "report"}
    assert record.workload.lengths == {"rubric": 10, "question": 1, "answer": 20, "max_tokens": 1}
    prompts = [sample.prompt_tokens for sample in record.samples]
    assert max(prompts) - min(prompts) <= 2  # type: ignore[type-var, operator] # they are counted


def test_figures_are_rates_of_the_judge_phase_with_their_spread(paced: list[PacedEngine]) -> None:
    record = bench("one-token", items=12, scale=0.02, repeats=2)
    found = figures_of(record.samples)
    rates = [sample.judgments / sample.seconds["judge"] for sample in record.samples]
    judged = found["judgments_per_second"]
    assert judged is not None
    assert (judged.low, judged.high) == (min(rates), max(rates))
    first = record.samples[0]
    computed = found["computed_tokens_per_second"]
    assert computed is not None
    assert computed.values[0] == pytest.approx(
        (first.prompt_tokens - first.cached_tokens) / first.seconds["judge"]  # type: ignore[operator] # they are counted
    )
    assert found["gpu_busy"] is None


def test_ten_thousand_are_the_steady_rate_and_one_filling_up(paced: list[PacedEngine]) -> None:
    sample = bench("one-token", items=8, scale=0.02, repeats=1).samples[0]
    seconds = sample.seconds | {"judge": 100.0}
    plain = _changed(sample, judgments=100, seconds=seconds, steady=None)
    assert seconds_per_batch(plain) == pytest.approx(10_000)
    steady = Steady(seconds=40.0, judgments=80, tokens=1)
    # Half a second each; of the 100 seconds 50 were not of that rate, and come once.
    whole = _changed(sample, judgments=100, seconds=seconds, steady=steady)
    assert seconds_per_batch(whole) == pytest.approx(5_050)


def _changed(sample: Sample, **changes: Any) -> Sample:
    return msgspec.structs.replace(sample, **changes)


def test_a_file_is_judged_by_a_new_engine_each_time(
    paced: list[PacedEngine], tmp_path: Path
) -> None:
    record = bench(_file(tmp_path, 6), rubric="pairwise-bracket", repeats=2)
    assert [engine.starts for engine in paced] == [1, 1, 1]  # the first one warms up
    assert [sample.judgments for sample in record.samples] == [12, 12]
    assert (record.workload.name, record.workload.source) == ("file", "rows.jsonl")
    assert record.workload.items == 6
    assert (
        bench(tmp_path / "rows.jsonl", rubric="pairwise", items=2, repeats=1).samples[0].judgments
        == 4
    )


def test_a_recorded_run_is_judged_by_its_own_rubric_and_options(
    paced: list[PacedEngine], tmp_path: Path
) -> None:
    config = RunConfig(
        data=(str(_file(tmp_path, 5)),),
        rubric="pairwise-bracket",
        engine="paced",
        orders="one",
        repeats=2,
        out=str(tmp_path / "run"),
        engine_args={"answer_ms": 1},
    )
    run(config, show_progress=False)
    for name, value in (("orders", "both"), ("rubric", "pairwise")):
        with pytest.raises(ConfigError, match=f"--{name} does not go with"):
            bench(tmp_path / "run", repeats=1, engine=None, **{name: value})
    record = bench(tmp_path / "run", repeats=1, engine=None)
    assert (record.engine, record.settings) == ("paced", {"answer_ms": 1})
    assert record.samples[0].judgments == 10  # five items, one order, twice
    assert (record.workload.name, record.workload.rubric) == ("recorded", "pairwise-bracket")


def test_the_table_says_what_is_unknown_and_why(paced: list[PacedEngine]) -> None:
    record = bench("one-token", items=10, scale=0.02, repeats=2, price=2.0)
    text = render(record)
    for words in (
        "bench one-token on paced: paced-judge",
        "GPU busy, %           unknown: no GPU that NVML knows",
        "share of roofline     unknown: no GPU of the catalogue ran it (engine paced): name it by",
        "repeats               2, each of 10 judgments in 10 requests",
        "hours of this machine's CPU",
        "at $2.00 an hour, as given",
        "  cached ",
    ):
        assert words in text, words


def test_a_gpu_that_is_named_has_a_price_with_its_date(paced: list[PacedEngine]) -> None:
    record = bench("one-token", items=6, scale=0.02, repeats=1, gpu="H200:2")
    assert (record.gpu, record.gpus) == ("H200-SXM", 2)
    assert record.price is not None
    assert record.price.date
    text = render(record)
    assert "GPU-hours on 2 x H200-SXM" in text
    assert f"on demand, {record.price.provider}, {record.price.date}" in text
    assert "unknown: sizes of the model" in text


def test_a_record_is_read_as_it_was_written(paced: list[PacedEngine], tmp_path: Path) -> None:
    record = bench("one-token", items=6, scale=0.02, repeats=1)
    write_record(record, tmp_path / "record.json")
    assert read_record(tmp_path / "record.json") == record
    assert json.loads((tmp_path / "record.json").read_text())["samples"][0]["judgments"] == 6


@pytest.mark.parametrize(
    ("what", "given", "words"),
    [
        ("one-tokn", {}, "there is no workload `one-tokn`, and no such file or run directory"),
        ("x" * 300, {}, f"there is no workload `{'x' * 300}`"),
        ("one-token", {"price": -1.0}, "--price is -1; it must be above 0"),
        ("one-token", {"price": float("nan")}, "--price is nan; it must be above 0"),
        ("one-token", {"block_seconds": float("inf")}, "--block-seconds is inf; it must be above"),
        (
            "one-token",
            {"gpu": "H200", "engine": "embedded"},
            "--gpu H200 does not go with the engine `embedded`",
        ),
        ("one-token", {"vs": "raw-vllm"}, "--vs raw-vllm is for the engine `vllm`, not for `pac"),
        ("one-token", {"force_lengths": True}, "--force-lengths is for the engine `vllm`"),
        ("one-token", {"repeats": 0}, "--repeats is 0; it must be at least 1"),
        ("one-token", {"scale": 0.0}, "--scale is 0; it must be above 0"),
        ("one-token", {"max_tokens": 0}, "--max-tokens is 0; it must be at least 1"),
        ("one-token", {"rubric": "pairwise"}, "--rubric does not go with `one-token`"),
        ("one-token", {"gpu": "H2000"}, "GPU"),
        ("one-token", {"sweep": ("a",)}, "--sweep a is not of the form NAME=V1,V2"),
        ("one-token", {"engine": "pacd"}, "no engine named `pacd`"),
        ("rows.jsonl", {}, "is a file of yours, and no rubric is named"),
        ("rows.jsonl", {"scale": 0.5}, "--scale does not go with"),
    ],
)
def test_a_wrong_wish_is_refused_before_anything_starts(
    paced: list[PacedEngine], tmp_path: Path, what: str, given: dict[str, Any], words: str
) -> None:
    path = _file(tmp_path, 2)
    with pytest.raises(JudgefastError) as error:
        bench(path if what == path.name else what, **given)
    assert words in str(error.value)
    assert not any(engine.starts for engine in paced)
    assert isinstance(error.value, ConfigError)
    assert error.value.hint


def test_of_a_bench_the_speed_is_remembered_and_no_answer(
    paced: list[PacedEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgefast.pipeline.remember.can_be_measured", lambda _: True)
    monkeypatch.setattr("judgefast.pipeline.remember.LEAST_SECONDS", 0.0)
    monkeypatch.setattr("judgefast.pipeline.remember._TWICE", ())  # the engine has them for clocks
    monkeypatch.setattr("judgefast.pipeline.speed._PACKAGES", {"paced": "click"})
    bench("one-token", items=4, scale=0.02, repeats=1)
    assert {(each.kind, each.name, each.answers) for each in records()} == {
        ("bench", "one-token", None)
    }
    engine = KeptEngine(PacedEngine())
    engine.is_shared = True
    assert speed_facts(SimpleNamespace(engine=engine)) == {}  # type: ignore[arg-type]  # it looks at nothing else


def test_stopping_ends_it(paced: list[PacedEngine]) -> None:
    stop = Stop()
    stop.requested = True
    with pytest.raises(KeyboardInterrupt):
        measure("one-token", USUAL | {"items": 4, "scale": 0.02}, stop=stop, say=lambda _: None)


def _file(folder: Path, rows: int) -> Path:
    path = folder / "rows.jsonl"
    text = [
        json.dumps({"id": n, "question": f"{n}?", "answer_a": f"yes {n}", "answer_b": f"no {n}"})
        for n in range(rows)
    ]
    path.write_text("\n".join(text) + "\n")
    return path
