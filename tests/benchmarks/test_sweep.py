"""Settings that are swept, kept, read by runs, and forgotten."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from judgefast.benchmarks.asked import measure
from judgefast.benchmarks.bench import Wishes
from judgefast.benchmarks.records import Swept
from judgefast.benchmarks.sweep import _why_not, best_of, is_gain, parse_sweep, settings_of
from judgefast.benchmarks.text import render
from judgefast.benchmarks.workloads import SHAPES
from judgefast.config import RunConfig
from judgefast.errors import ConfigError
from judgefast.journal.manifest import read_manifest
from judgefast.pipeline.judge import engine_of
from judgefast.pipeline.run import resume, run
from judgefast.pipeline.tuned import (
    HARMLESS,
    Tuned,
    forget_tuned,
    keep_tuned,
    read_tuned,
    tuned_path,
    tuned_setting,
)
from judgefast.stopping import Stop
from tests.benchmarks.paced_engine import PacedEngine
from tests.benchmarks.test_bench import USUAL, bench

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.benchmarks.records import Sample


@pytest.fixture(autouse=True)
def _seconds_of_no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a setting take what the engine was told to, however busy the machine is."""

    def told(sample: Sample) -> float:
        return sample.preemptions or 0.0

    monkeypatch.setattr("judgefast.benchmarks.sweep.seconds_per_batch", told)
    short = msgspec.structs.replace(SHAPES["one-token"], rubric=9, question=3, answer=9)
    monkeypatch.setitem(SHAPES, "one-token", short)


def kept(**options: Any) -> None:
    """Have the paced engine tuned."""
    engine = PacedEngine()
    keep_tuned(
        Tuned(
            setting=tuned_setting(engine),
            digest=engine.model.digest,
            options=options,
            when="2026-11-26T00:00:00+00:00",
            workload="one-token",
            gain=2.0,
        )
    )


def swept(**given: Any) -> tuple[Any, list[str]]:
    said: list[str] = []
    flags = {
        "sweep": ("answer_ms=5,0.5",),
        "items": 2,
        "scale": 1.0,
        "repeats": 3,
        "no_warm_up": True,
    }
    record = measure(
        given.pop("what", "one-token"),
        USUAL | {"engine_args": {}} | flags | given,
        stop=Stop(),
        say=said.append,
    )
    return record, said


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["a=1,2"], {"a": [1, 2]}),
        (["a=1,2,b=x,y"], {"a": [1, 2], "b": ["x", "y"]}),
        (["a=true", "b=0.5,auto", "a=false"], {"a": [True, False], "b": [0.5, "auto"]}),
    ],
)
def test_names_have_the_values_behind_them(given: list[str], found: dict[str, list[Any]]) -> None:
    assert parse_sweep(given) == found


@pytest.mark.parametrize("given", ["64,128", "a=", "=3", "a=1,,2"])
def test_a_value_without_a_name_is_refused(given: str) -> None:
    with pytest.raises(ConfigError, match="is not of the form NAME=V1,V2"):
        parse_sweep([given])


def test_a_sweep_of_too_many_is_refused() -> None:
    with pytest.raises(ConfigError, match="--sweep asks for 25 settings; it tries at most 24"):
        parse_sweep(["a=1,2,3,4,5,b=1,2,3,4,5"])


def test_every_setting_is_tried_once_and_the_engines_own_first() -> None:
    found = list(settings_of({"a": [1, 2], "b": ["x", "y"]}))
    assert found[0] == {}
    assert {(each["a"], each["b"]) for each in found[1:]} == {(a, b) for a in (1, 2) for b in "xy"}
    assert len(found) == 5


def test_the_best_is_a_gain_only_where_no_repeat_comes_near() -> None:
    own = Swept(settings={}, hours=[2.0, 2.2])
    best = Swept(settings={"a": 1}, hours=[1.0, 1.9])
    assert best_of([own, Swept(settings={"a": 2}, failed="no room"), best]) == 2
    assert best_of([Swept(settings={"a": 2}, failed="no room")]) is None
    assert is_gain([1.0, 1.5, 1.9, 1.2], [2.0, 2.2, 2.1, 2.3])
    assert not is_gain([1.0, 1.5, 1.99, 1.2], [2.0, 2.2, 2.1, 2.3])
    assert not is_gain([1.0, 1.9, 1.1], [2.0, 2.2, 2.1])  # too few, whatever they show


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"scale": 0.02}, "was scaled to 0.02"),
        ({"harmless": False}, "`answer_ms` may change verdicts"),
        ({"repeats": 2}, "fewer than 3 repeats tell nothing from noise (--repeats)"),
    ],
)
def test_what_is_no_matter_for_runs_is_said_and_not_kept(
    paced: list[PacedEngine], monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], why: str
) -> None:
    if not given.pop("harmless", True):
        monkeypatch.setattr("judgefast.benchmarks.sweep.HARMLESS", frozenset())
    _, said = swept(**given)
    (words,) = [words for words in said if words.startswith("nothing is kept")]
    assert why in words
    assert "a run takes it by --engine-arg answer_ms=0.5" in words
    assert not tuned_path().exists()


def test_the_luck_of_the_first_time_keeps_nothing(
    paced: list[PacedEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([*[9.0] * 3, *[1.0] * 3, *[5.0] * 8])  # own choice, the other, both once more
    monkeypatch.setattr("judgefast.benchmarks.sweep.seconds_per_batch", lambda _: next(times))
    record, said = swept(sweep=("answer_ms=2,2",))
    assert "nothing is kept: measured once more, the engine's own choice is as fast" in said
    assert [each.settings for each in record.sweep] == [{}, {"answer_ms": 2}]
    assert [len(each.again) for each in record.sweep] == [4, 4]
    assert not tuned_path().exists()


@pytest.mark.parametrize("again", [[9.0, 9.0, 5.0, 5.0, 5.0, 5.0, 1.0, 1.0], [9.0, 8.0] * 4])
def test_a_machine_that_grows_faster_or_is_unsteady_keeps_nothing(
    paced: list[PacedEngine], monkeypatch: pytest.MonkeyPatch, again: list[float]
) -> None:
    times = iter([*[9.0] * 3, *[1.0] * 3, *again])
    monkeypatch.setattr("judgefast.benchmarks.sweep.seconds_per_batch", lambda _: next(times))
    record, said = swept(sweep=("answer_ms=3",))
    hours = [each * 3600 for each in (record.sweep[0].again + record.sweep[1].again)]
    own, best = (again[:2] + again[6:]), again[2:6]  # own choice before and behind the other
    assert hours == pytest.approx(own + best)
    assert said.count("once more: the engine's own choice") == 2
    assert not tuned_path().exists()


def test_what_an_engine_would_choose_itself_is_passed_over(
    paced: list[PacedEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        PacedEngine,
        "options",
        property(lambda self: SimpleNamespace(answer_ms=self.answer_ms)),
        raising=False,
    )
    record, said = swept(sweep=("answer_ms=2,5",))
    assert [each.settings for each in record.sweep] == [{}, {"answer_ms": 5}]
    assert "passed over: answer_ms=2 is the engine's own choice" in said


def test_a_sweep_over_a_recorded_run_sets_what_it_sweeps_beside_the_runs_own(
    paced: list[PacedEngine], tmp_path: Path
) -> None:
    rows = [{"id": 1, "question": "?", "answer_a": "yes", "answer_b": "no"}]
    config = RunConfig(rubric="pairwise", engine="paced", model="mine", out=str(tmp_path / "run"))
    run(config, data=rows, show_progress=False)
    del paced[:]
    record, _ = swept(
        what=str(tmp_path / "run"), sweep=("answer_ms=0.5",), items=None, scale=None, engine=None
    )
    assert {each.answer_ms for each in paced if each.answered} == {0.5, 2.0}
    assert record.settings == {"answer_ms": 0.5}
    (line,) = read_tuned()
    assert line.setting.model == "mine"


def test_the_best_setting_is_kept_where_runs_read_it_and_say_so(
    paced: list[PacedEngine], tmp_path: Path
) -> None:
    record, said = swept()
    assert record.settings == {"answer_ms": 0.5}
    assert [each.settings for each in record.sweep] == [{}, {"answer_ms": 5}, {"answer_ms": 0.5}]
    assert "settings tried" in render(record)
    assert any("kept in `" in words and "where `judgefast run` reads it" in words for words in said)
    (line,) = tuned_path().read_text().splitlines()
    assert json.loads(line)["options"] == {"answer_ms": 0.5}

    told: list[str] = []
    rows = [{"id": 1, "question": "?", "answer_a": "yes", "answer_b": "no"}]
    config = RunConfig(rubric="pairwise", engine="paced", out=str(tmp_path / "run"))
    run(config, data=rows, say=told.append, show_progress=False)
    assert paced[-1].answer_ms == 0.5
    (words,) = [words for words in told if words.startswith("tuned for this judge here")]
    assert "answer_ms=0.5" in words
    assert "`judgefast bench tuned --forget` undoes it" in words

    # What the user sets counts more, and another judge is another line.
    silent: list[str] = []
    given = config.replace(engine_args={"answer_ms": 9})
    assert engine_of(given, say=silent.append).answer_ms == 9
    assert not silent
    assert engine_of(config.replace(model="other")).answer_ms == 2
    assert engine_of(config, tuned=False).answer_ms == 2
    assert (forget_tuned("other"), len(read_tuned())) == (0, 1)
    assert (forget_tuned("paced-judge"), read_tuned()) == (1, [])
    assert engine_of(config).answer_ms == 2


def test_a_setting_that_the_engine_refuses_is_said_and_passed_over(
    paced: list[PacedEngine],
) -> None:
    record, said = swept(sweep=("answer_ms=1000,0.5",))
    assert record.sweep[1].failed == "answer_ms is 1000; the engine `paced` takes at most 100"
    assert record.settings == {"answer_ms": 0.5}
    assert any("not measured: answer_ms is 1000" in words for words in said)


def test_an_option_that_the_engine_does_not_have_is_passed_over_too(
    paced: list[PacedEngine],
) -> None:
    record, said = swept(sweep=("answer_m=1,0.5", "answer_ms=0.5"), scale=0.02)
    (failed,) = {each.failed for each in record.sweep if each.failed}
    assert failed == "engine `paced` has no option `answer_m`"
    assert record.sweep[0].hours
    assert sum("not measured" in words for words in said) == 2


def test_nothing_is_kept_where_the_engines_own_choice_is_as_fast(
    paced: list[PacedEngine],
) -> None:
    _, said = swept(sweep=("answer_ms=5",))
    assert "nothing is kept: the engine's own choice is as fast as any" in said
    assert not tuned_path().exists()


def test_what_does_not_go_together_is_refused(paced: list[PacedEngine]) -> None:
    with pytest.raises(ConfigError, match="`answer_ms` is set by --engine-arg and by --sweep"):
        swept(engine_args={"answer_ms": 3})
    with pytest.raises(ConfigError, match="--sweep and --vs raw-vllm do not go together"):
        swept(vs="raw-vllm")


def test_settings_that_were_tuned_are_said_and_stand_in_the_record(
    paced: list[PacedEngine],
) -> None:
    kept(answer_ms=0.5)
    said: list[str] = []
    flags = {"items": 2, "scale": 0.02, "repeats": 1}
    record = measure("one-token", USUAL | flags, stop=Stop(), say=said.append)
    assert record.settings == {"answer_ms": 0.5}
    assert paced[-1].answer_ms == 0.5
    assert any("`judgefast bench --sweep` of one-token): answer_ms=0.5" in each for each in said)


def test_what_may_change_a_verdict_is_not_read_from_a_line_of_old(
    paced: list[PacedEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(answer_ms=0.5)
    monkeypatch.setattr("judgefast.pipeline.tuned.HARMLESS", frozenset())
    assert engine_of(RunConfig(rubric="pairwise", engine="paced")).answer_ms == 2


def test_a_line_that_is_no_setting_is_named(paced: list[PacedEngine]) -> None:
    tuned_path().parent.mkdir(parents=True)
    tuned_path().write_text("{}\n")
    with pytest.raises(ConfigError, match=r"tuned.jsonl`, line 1 is no tuned setting") as error:
        bench("one-token", items=2, scale=0.02, repeats=1)
    assert error.value.hint == "remove that line, or the whole file"


ROWS = [
    {"id": number, "question": f"{number}?", "answer_a": "yes", "answer_b": "no"}
    for number in range(3)
]


@pytest.mark.parametrize("again", ["resume", "run"])
def test_a_run_keeps_the_settings_that_it_was_made_with_whatever_is_tuned_later(
    paced: list[PacedEngine], tmp_path: Path, again: str
) -> None:
    kept(answer_ms=0.5)
    config = RunConfig(rubric="pairwise", engine="paced", out=str(tmp_path / "run"))
    run(config.replace(budget=("2judgments",)), data=ROWS, show_progress=False)
    made = read_manifest(tmp_path / "run")
    assert made.engine.options == made.engine.tuned == {"answer_ms": 0.5}
    assert "engine_args" not in made.config  # the user has given none
    kept(answer_ms=7.0)
    del paced[:]
    if again == "resume":
        resume(tmp_path / "run", engine=None, show_progress=False)
    else:
        run(config, data=ROWS, show_progress=False)
    assert {each.answer_ms for each in paced} == {0.5}
    assert sum(each.answered for each in paced) > 0
    assert read_manifest(tmp_path / "run").engine.tuned == {"answer_ms": 0.5}


def test_a_run_that_was_made_before_anything_was_tuned_goes_on_without(
    paced: list[PacedEngine], tmp_path: Path
) -> None:
    config = RunConfig(rubric="pairwise", engine="paced", out=str(tmp_path / "run"))
    run(config.replace(budget=("2judgments",)), data=ROWS, show_progress=False)
    kept(answer_ms=0.5)
    del paced[:]
    told: list[str] = []
    resume(tmp_path / "run", say=told.append, show_progress=False)
    assert {each.answer_ms for each in paced} == {2.0}
    assert not [words for words in told if "tuned" in words]


@pytest.mark.parametrize("other", ["digest", "option", "machine"])
def test_what_was_tuned_for_another_judge_setting_or_machine_is_not_read(
    paced: list[PacedEngine], monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    kept(answer_ms=0.5)
    config = RunConfig(rubric="pairwise", engine="paced")
    assert engine_of(config).answer_ms == 0.5
    if other == "machine":
        monkeypatch.setattr("judgefast.pipeline.speed.machine_of", lambda _: "2 x H200")
    elif other == "option":
        monkeypatch.setattr("judgefast.pipeline.tuned.options_of", lambda _: {"max_model_len": 9})
    else:
        (line,) = read_tuned()
        forget_tuned(None)
        keep_tuned(msgspec.structs.replace(line, digest="1" * 64))
    assert engine_of(config).answer_ms == 2.0


def test_what_was_found_with_weights_that_mean_nothing_is_not_kept() -> None:
    best = SimpleNamespace(settings={"load_format": "dummy"}, workload=None, samples=[])
    why = _why_not({"max_num_seqs": 9}, Wishes(what="one-token"), best)  # type: ignore[arg-type]  # as much of it as is looked at
    assert why == _why_not({"max_num_seqs": 9}, Wishes(what="one-token", force_lengths=True), best)  # type: ignore[arg-type]  # as above
    assert why == "the judge's own answers were not measured"


@pytest.mark.parametrize("name", ["kv_cache_dtype", "quantization", "exact", "max_model_len"])
def test_no_setting_that_may_change_a_verdict_is_for_runs_to_take(name: str) -> None:
    assert name not in HARMLESS
