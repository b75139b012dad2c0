"""A run foretold by fixed rates, kept before it begins, set beside what it took, remembered."""

from __future__ import annotations

import importlib.util
import json
import os
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from judgefast.config import RunConfig
from judgefast.costs.calibration import Place
from judgefast.costs.rates import Rates
from judgefast.costs.rates_store import Record, keep, records
from judgefast.costs.speed import Speed
from judgefast.engines.embedded import EmbeddedEngine, fetch
from judgefast.errors import ConfigError, ModelError
from judgefast.journal.forecast import forecast_of
from judgefast.journal.manifest import read_manifest
from judgefast.pipeline.calibrate import calibrate
from judgefast.pipeline.probes import PROBES
from judgefast.pipeline.remember import SpeedFacts, _Ended, ratios
from judgefast.pipeline.run import run
from judgefast.pipeline.speed import gpus_of, setting_of
from judgefast.reports.calibration_text import render_calibration
from judgefast.reports.text import render
from tests.costs.building import workload
from tests.engines.scripted import ScriptedEngine, answered
from tests.pipeline.judging import go_on, judge_rows, pairs, start

if TYPE_CHECKING:
    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion

SNAPSHOT = Path(__file__).parent / "snapshots/forecast.json"


@pytest.fixture(scope="module")
def embedded() -> None:
    if importlib.util.find_spec("openvino_genai") is None:
        pytest.skip("the extra `embedded` is not installed")
    try:
        fetch()
    except ModelError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUDGEFAST_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def speed(step: float = 0.04, error: float = 0.2) -> Speed:
    rates = Rates(
        prompt_token=0.002,
        prompt_pair=1e-6,
        step=step,
        sequence=0.002,
        context_token=4e-6,
        request=0.01,
        error=error,
        basis="calibrated",
        because="fixed",
    )
    return Speed(rates=rates, label_read=0.03, held_token=0.001)


def calibrated(engine: Any, step: float = 0.04) -> None:
    keep(
        Record(
            kind="calibration",
            when="2026-11-26T10:00:00+00:00",
            setting=setting_of(engine),
            seconds=60.0,
            wall=speed(step),
            cpu=speed(step),
        )
    )


@cache
def real() -> EmbeddedEngine:
    """Never started: its tokenizer takes a second to load."""
    return EmbeddedEngine()


class Writer(ScriptedEngine):
    """Answers at once in the name of the embedded engine, with its tokenizer."""

    name = "embedded"

    def __init__(self, text: str = "A", tokens: int = 2) -> None:
        super().__init__(self._reply, takes="ids")
        self.model = real().model
        self.prefix_cache = real().prefix_cache
        self._text, self._tokens = text, tokens

    def _reply(self, request: Request) -> Completion | None:
        assert request.prompt is not None
        assert request.prompt.token_ids is not None
        return msgspec.structs.replace(
            answered(request, self._text),
            prompt_tokens=len(request.prompt.token_ids),
            completion_tokens=self._tokens,
        )


def estimate_in(out: Path) -> dict[str, Any]:
    found = read_manifest(out).estimate
    assert found is not None
    return found


def test_without_rates_the_manifest_says_how_to_have_them_and_nobody_else_does(
    embedded: None, tmp_path: Path
) -> None:
    said: list[str] = []
    start(tmp_path / "run", pairs(3), engine=Writer(), say=said.append)
    kept = estimate_in(tmp_path / "run")
    assert kept["estimate"] is None
    assert kept["reason"] == (
        "this judge was never calibrated on this machine: "
        "judgefast estimate --calibrate --engine embedded"
    )
    assert not [words for words in said if "calibrat" in words]


def test_an_engine_that_computes_elsewhere_is_not_foretold(tmp_path: Path) -> None:
    finished = judge_rows(tmp_path / "run", pairs(3))
    assert read_manifest(tmp_path / "run").estimate is None
    assert finished.report is not None
    assert finished.report.operations.estimate is None


def test_a_plan_is_foretold_as_it_was_before(embedded: None, tmp_path: Path) -> None:
    """Look at the figures before `JUDGEFAST_WRITE_SNAPSHOTS=1` writes them anew.

    Steps cost nothing here: how many there are is for the tests of `time_of`.
    """
    engine = Writer()
    calibrated(engine, step=0.0)
    finished = judge_rows(tmp_path / "run", pairs(20), engine=engine)
    kept = estimate_in(tmp_path / "run")
    estimate = kept["estimate"]
    shown = {
        "requests": estimate["workload"]["requests"],
        "prompt_tokens": estimate["workload"]["prompt_tokens"],
        "computed_tokens": estimate["workload"]["computed_tokens"],
        "answer_tokens": kept["answer_tokens"],
        "judging_seconds": estimate["judging_seconds"],
        "cpu_seconds": kept["cpu_seconds"],
        "lines": {line["part"]: line["seconds"]["likely"] for line in estimate["lines"]},
    }
    if os.environ.get("JUDGEFAST_WRITE_SNAPSHOTS"):
        SNAPSHOT.write_text(json.dumps(shown, indent=2) + "\n")
    before = json.loads(SNAPSHOT.read_text())
    assert shown.keys() == before.keys()
    for name, value in shown.items():
        assert value == pytest.approx(before[name]), name
    report = finished.report
    assert report is not None
    bill = report.operations.estimate
    assert bill is not None
    prompt = bill.line("prompt_tokens")
    assert prompt is not None
    assert prompt.actual == prompt.estimated.likely == shown["prompt_tokens"]
    assert "estimate      judging " in render(report)


def test_it_is_kept_before_the_engine_starts(embedded: None, tmp_path: Path) -> None:
    out = tmp_path / "run"
    seen = []

    class Watcher(Writer):
        def start(self) -> dict[str, Any]:
            seen.append(forecast_of(read_manifest(out)))
            return super().start()

    engine = Watcher()
    calibrated(engine)
    judge_rows(out, pairs(3), engine=engine)
    assert len(seen) == 1
    assert seen[0] is not None
    assert seen[0].estimate is not None


def test_a_resumed_run_keeps_its_first_estimate_and_a_grown_one_has_a_new_one(
    embedded: None, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    calibrated(Writer())
    judge_rows(out, pairs(3), engine=Writer())
    first = estimate_in(out)
    go_on(out, engine=Writer())
    assert estimate_in(out) == first
    judge_rows(out, pairs(6), engine=Writer(), extend=True)
    assert estimate_in(out)["estimate"]["workload"]["requests"] == 12
    assert first["estimate"]["workload"]["requests"] == 6


def test_what_cannot_be_foretold_can_be_judged(
    embedded: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        msg = "the file of rates cannot be read"
        raise ConfigError(msg)

    monkeypatch.setattr("judgefast.pipeline.forecast.known", broken)
    finished = judge_rows(tmp_path / "run", pairs(3), engine=Writer())
    assert finished.status == 0
    assert estimate_in(tmp_path / "run")["reason"] == "the file of rates cannot be read"


def test_a_short_run_is_not_remembered(embedded: None, tmp_path: Path) -> None:
    calibrated(Writer())
    judge_rows(tmp_path / "run", pairs(3), engine=Writer())
    assert [record.kind for record in records()] == ["calibration"]


def test_a_finished_run_tells_the_next_one_how_long_its_answers_are(
    embedded: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgefast.pipeline.remember.LEAST_SECONDS", 0.0)
    calibrated(Writer())
    asked = {"rubric": "pairwise-reasons"}
    before = judge_rows(tmp_path / "a", pairs(3), engine=Writer(tokens=33), **asked)
    assert before.report is not None
    kept = [record for record in records() if record.kind == "run"]
    assert len(kept) == 1
    assert kept[0].name == "a"
    assert kept[0].cpu_ratio is None  # no process of an engine was there to be looked at
    assert kept[0].answers is not None
    assert kept[0].answers.mean.likely == 33
    judge_rows(tmp_path / "b", pairs(4), engine=Writer(tokens=33), **asked)
    first, second = (estimate_in(tmp_path / name)["answer_tokens"] for name in "ab")
    assert first["high"] > 2 * first["low"]  # by the rubric's cap
    assert second["likely"] == 8 * 33.0
    assert second["low"] == pytest.approx(8 * 33.0 / 1.15)  # of other data
    assert estimate_in(tmp_path / "b")["estimate"]["workload"]["answers"]["most"] == 256
    judge_rows(tmp_path / "c", pairs(4), engine=Writer(tokens=33), **asked)
    third = estimate_in(tmp_path / "c")["answer_tokens"]
    assert third == {"low": 8 * 33.0, "likely": 8 * 33.0, "high": 8 * 33.0}


@pytest.mark.parametrize(("others", "counts"), [(0.0, True), (0.5, False)])
def test_by_the_clock_a_run_on_a_busy_machine_says_nothing(others: float, counts: bool) -> None:  # noqa: FBT001 - a case
    calibrated(Writer())
    setting = setting_of(Writer())
    facts = {"cpu_share_of_others": others}
    place = Place(max_num_seqs=8)
    ended = _Ended(facts, SpeedFacts(setting=setting, place=place), wall=50.0, cpu=40.0)
    wall, cpu = ratios(ended, workload(requests=10, prompt=100))
    assert (wall is not None) == counts
    assert cpu is not None


def test_what_nobody_can_foretell_costs_no_look_at_the_plan(
    embedded: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def summed(*_: object, **__: object) -> None:
        pytest.fail("the plan was summed up")

    monkeypatch.setattr("judgefast.pipeline.workloads.workload_from_plan", summed)
    start(tmp_path / "run", pairs(3), engine=Writer())
    assert estimate_in(tmp_path / "run")["reason"].startswith("this judge was never calibrated")


def test_the_driver_is_asked_once_for_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("judgefast.pipeline.speed.find_gpus", lambda: asked.append(1) or [])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "of this test")
    engine = SimpleNamespace(name="vllm")
    assert [gpus_of(engine) for _ in range(3)] == [[], [], []]  # type: ignore[arg-type]  # looks at its name
    assert len(asked) == 1


def test_a_folder_that_cannot_be_written_to_keeps_nothing_and_stops_nothing(
    embedded: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgefast.pipeline.remember.LEAST_SECONDS", 0.0)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JUDGEFAST_STATE", str(tmp_path / "file"))
    said: list[str] = []
    finished = start(tmp_path / "run", pairs(3), engine=Writer(), say=said.append)
    assert finished.status == 0  # type: ignore[union-attr]  # no dry run
    assert "what this run shows of the engine's speed is not kept: " in "\n".join(said)


@pytest.mark.embedded
@pytest.mark.slow
def test_a_real_engine_is_calibrated_foretold_and_remembered(
    embedded: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it once, on the real engine and by probes of a quarter of their length."""
    small = [
        probe._replace(
            own=max(48, probe.own // 4), head=probe.head // 4, answer=-(-probe.answer // 4)
        )
        for probe in PROBES
    ]
    monkeypatch.setattr("judgefast.pipeline.probes.PROBES", small)
    said: list[str] = []
    found = calibrate(RunConfig(engine="embedded"), seconds=5.0, say=said.append)
    assert said[0].startswith("starting embedded with SmolLM2-135M")
    assert found.cpu is not None
    assert found.cpu.rates.prompt_token > 0
    assert found.cpu.rates.step + found.cpu.rates.sequence > 0
    assert found.rounds >= 1
    assert "kept in       " in render_calibration(found)
    config = RunConfig(engine="embedded", rubric="pairwise", out=str(tmp_path / "run"))
    finished = run(config, data=pairs(4), show_progress=False)
    report = getattr(finished, "report", None)
    assert report is not None
    bill = report.operations.estimate
    cpu = bill.line("cpu_seconds")
    assert cpu is not None
    assert 0.4 < cpu.actual / cpu.estimated.likely < 2.5  # by so little, on a machine of others
    answers = bill.line("answer_tokens")
    assert answers.actual == answers.estimated.likely == 8 * 3  # a token for each label
    assert report.operations.tokens.completion == 24
    kept = [record for record in records() if record.kind == "run"]
    assert len(kept) <= 1  # where it took two seconds at least


def test_an_engine_elsewhere_is_not_calibrated() -> None:
    with pytest.raises(ConfigError, match="does not compute on this machine") as caught:
        calibrate(RunConfig(), engine=ScriptedEngine(lambda request: answered(request, "A")))
    assert "--engine vllm or embedded" in str(caught.value.hint)
    with pytest.raises(ConfigError, match="1 seconds are too few"):
        calibrate(RunConfig(), seconds=1.0)
