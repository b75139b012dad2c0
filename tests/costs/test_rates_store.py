"""The file of what was measured: what is found in it, and how finished runs move it."""

from __future__ import annotations

import os
from math import log
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.costs import rates_store
from judgefast.costs.ranges import Range
from judgefast.costs.rates import Rates
from judgefast.costs.rates_store import (
    MOST_BYTES,
    MOST_RUNS,
    NAME,
    OTHER_VERSION,
    Record,
    answers_before,
    keep,
    known,
    records,
    state_folder,
)
from judgefast.costs.speed import MeasuredOn, Speed
from judgefast.costs.workload import Answers
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

SETTING = MeasuredOn(model="judge", machine="2 x CPU", engine="embedded", version="1.0")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUDGEFAST_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def speed(step: float = 1.0, error: float = 0.1) -> Speed:
    rates = Rates(
        prompt_token=step / 10,
        step=step,
        sequence=0.0,
        context_token=0.0,
        error=error,
        basis="calibrated",
        because="",
    )
    return Speed(rates=rates, label_read=step / 2)


def calibration(setting: MeasuredOn = SETTING, step: float = 1.0, seconds: float = 60.0) -> Record:
    return Record(
        kind="calibration",
        when="2026-11-26T10:00:00+00:00",
        setting=setting,
        seconds=seconds,
        wall=speed(step),
        cpu=speed(2 * step),
    )


def finished(ratio: float | None, seconds: float = 60.0, setting: MeasuredOn = SETTING) -> Record:
    return Record(
        kind="run",
        when="2026-11-26T11:00:00+00:00",
        setting=setting,
        seconds=seconds,
        wall_ratio=ratio,
        cpu_ratio=ratio,
    )


def test_what_is_kept_is_known_again_by_both_clocks(folder: Path) -> None:
    assert known(SETTING) is None
    assert keep(calibration()) == folder / NAME
    found = known(SETTING)
    assert found is not None
    assert found.wall.rates.step == 1.0
    assert found.rates("cpu", label_reads=2).request == 2 * 1.0  # type: ignore[union-attr]  # kept
    assert found.rates().because == (  # type: ignore[union-attr]  # kept
        "calibrated on 2 x CPU at 2026-11-26 10:00 UTC with embedded 1.0"
    )


@pytest.mark.parametrize("field", ["model", "machine", "engine", "options"])
def test_rates_of_another_setting_are_not_taken(field: str) -> None:
    keep(calibration())
    assert known(msgspec.structs.replace(SETTING, **{field: "other"})) is None


def test_rates_of_another_version_are_taken_with_more_doubt_until_there_are_own() -> None:
    newer = msgspec.structs.replace(SETTING, version="2.0")
    keep(calibration(step=1.0))
    found = known(newer)
    assert found is not None
    assert found.wall.rates.error == pytest.approx(0.1 + OTHER_VERSION)
    assert "with embedded 1.0, which is not the version at hand" in found.wall.rates.because
    keep(calibration(newer, step=3.0))
    keep(calibration(step=2.0))
    assert known(newer).wall.rates.step == 3.0  # type: ignore[union-attr]  # kept


def test_the_newest_calibration_counts_and_runs_before_it_do_not() -> None:
    for record in (calibration(step=1.0), finished(1.5), calibration(step=2.0)):
        keep(record)
    found = known(SETTING)
    assert found is not None
    assert (found.wall.rates.step, found.runs) == (2.0, 0)


def test_a_run_of_the_calibrations_length_moves_it_half_way() -> None:
    among = [calibration(seconds=60), finished(1.21, seconds=60)]
    found = known(SETTING, among)
    assert found is not None
    assert found.wall.rates.step == pytest.approx(1.1)
    assert found.wall.label_read == pytest.approx(0.55)
    assert found.wall.rates.because.endswith("moved by 1 finished run since")


@settings(max_examples=100, deadline=None)
@given(
    true=st.floats(0.55, 1.9),
    seconds=st.lists(st.floats(2, 3000), min_size=1, max_size=30),
)
def test_runs_that_agree_never_make_a_prediction_worse(true: float, seconds: list[float]) -> None:
    """Whatever the machine has become: each run brings the rates nearer, and none past it.

    Of more than 20 runs the oldest drops out, and the rates are still nearer than without any.
    """
    alone = before = abs(log(true))
    among = [calibration()]
    for count, each in enumerate(seconds, start=1):
        among.append(finished(true, each))
        found = known(SETTING, among)
        assert found is not None
        after = abs(log(true / found.wall.rates.step))
        assert after <= (before if count <= 20 else alone) + 1e-9
        before = after


@settings(max_examples=100, deadline=None)
@given(ratios=st.lists(st.floats(0.1, 10.0), max_size=25))
def test_rates_stay_between_the_calibration_and_the_runs_that_count(ratios: list[float]) -> None:
    found = known(SETTING, [calibration(), *map(finished, ratios)])
    assert found is not None
    counted = [ratio for ratio in ratios if 0.5 <= ratio <= 2.0]
    assert min([1.0, *counted]) - 1e-9 <= found.wall.rates.step <= max([1.0, *counted]) + 1e-9
    assert found.wall.rates.error >= 0
    assert found.runs == min(20, len(counted))


def test_runs_that_scatter_widen_the_range() -> None:
    calm = known(SETTING, [calibration(), *[finished(1.0, 600)] * 4])
    wild = known(SETTING, [calibration(), *[finished(ratio, 600) for ratio in (0.6, 1.7) * 2]])
    assert calm is not None
    assert wild is not None
    assert calm.wall.rates.error < 0.1
    assert wild.wall.rates.error > 0.4


def test_what_a_start_does_once_is_shared_by_its_requests() -> None:
    once = msgspec.structs.replace(speed(), held_token=0.25, held_start=8.0)
    assert once.rates_for(is_held=True, requests=4).request == 2.0
    assert once.rates_for(is_held=True).request == 0.0
    assert once.rates_for(requests=4).request == 0.0
    assert once.rates_for(is_held=True, requests=4).sequence == 0.25
    assert once.scaled(2.0, 0.1, "").rates_for(is_held=True, requests=4).request == 4.0


def test_a_torn_line_is_left_out_and_the_rest_is_read(folder: Path) -> None:
    keep(calibration(step=2.0))
    with (folder / NAME).open("ab") as file:
        file.write(b'{"format":1,"kind":"cal')
    assert len(records()) == 1
    assert known(SETTING) is not None


def test_a_long_file_loses_old_runs_and_no_calibration(folder: Path) -> None:
    keep(calibration(step=2.0))
    long_name = msgspec.structs.replace(finished(1.0), name="x" * (MOST_BYTES // 3))
    for _ in range(6):
        keep(long_name)
    assert (folder / NAME).stat().st_size < 2 * MOST_BYTES
    assert len(records()) < 7
    assert known(SETTING).wall.rates.step == 2.0  # type: ignore[union-attr]  # kept


def test_a_folder_that_cannot_be_made_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JUDGEFAST_STATE", str(tmp_path / "file" / "state"))
    with pytest.raises(ConfigError, match=r"rates.jsonl` cannot be written") as caught:
        keep(calibration())
    assert caught.value.hint == "set JUDGEFAST_STATE to a folder that you may write to"
    assert known(SETTING) is None


def test_the_folder_follows_the_users_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("JUDGEFAST_STATE")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_folder() == tmp_path / "judgefast"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_folder() == tmp_path / ".local/state/judgefast"


def wrote(low: float, likely: float, high: float) -> Answers:
    mean = Range(low, likely, high)
    return Answers(mean=mean, spread=0.3, most=400, basis="measured", because="9 answers")


def asked(data: str, answers: Answers | None, **changes: str) -> Record:
    record = msgspec.structs.replace(finished(1.0), asked="abc", data=data, answers=answers)
    return msgspec.structs.replace(
        record, setting=msgspec.structs.replace(record.setting, **changes)
    )


def test_what_a_judge_wrote_when_it_was_asked_the_same_of_the_same_data_is_found() -> None:
    keep(asked("mine", wrote(130, 131, 132)))
    keep(asked("other", wrote(20, 21, 22)))
    keep(asked("mine", None))
    keep(finished(1.0))
    newer = msgspec.structs.replace(SETTING, version="9")
    assert answers_before(newer, "abc", "mine") == wrote(130, 131, 132)
    assert answers_before(SETTING, "other", "mine") is None
    other = msgspec.structs.replace(SETTING, model="other")
    assert answers_before(other, "abc", "mine") is None


def test_what_it_wrote_of_other_data_is_a_guess_that_is_as_wide_as_one() -> None:
    found = answers_before(SETTING, "abc", "mine", [asked("other", wrote(131, 132, 133))])
    assert found is not None
    assert found.basis == "assumed"
    assert found.mean.likely == 132
    assert found.mean.low == pytest.approx(132 / 1.15)
    assert found.mean.high == pytest.approx(132 * 1.15)
    assert found.because == "9 answers; of other data, so 15% more or fewer at least"
    wide = answers_before(SETTING, "abc", "mine", [asked("other", wrote(60, 132, 300))])
    assert wide is not None
    assert wide.mean == Range(60, 132, 300)


def test_of_more_runs_than_twenty_the_oldest_say_nothing() -> None:
    among = [calibration(), *[finished(1.9)] * 5, *[finished(1.1)] * MOST_RUNS]
    found = known(SETTING, among)
    newest = known(SETTING, [calibration(), *[finished(1.1)] * MOST_RUNS])
    assert found == newest
    assert found is not None
    assert found.runs == MOST_RUNS == 20


def test_of_a_long_file_the_newest_calibration_of_each_setting_stays(folder: Path) -> None:
    other = msgspec.structs.replace(SETTING, model="other")
    fat = msgspec.structs.replace(calibration(), name="x" * (MOST_BYTES // 3))
    keep(calibration(other, step=7.0))
    for step in (1.0, 2.0, 3.0, 4.0):
        keep(msgspec.structs.replace(fat, wall=speed(step)))
    keep(finished(1.0))
    steps = [record.wall.rates.step for record in records() if record.wall is not None]
    assert steps == [7.0, 3.0, 4.0]  # it was cut down before the last one came
    assert (folder / NAME).stat().st_size < MOST_BYTES
    assert [path.name for path in folder.iterdir()] == [NAME]


def test_what_others_append_while_the_file_is_cut_down_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_name = msgspec.structs.replace(finished(1.0), name="x" * (MOST_BYTES // 3))
    for _ in range(3):
        keep(long_name)
    of_use = rates_store._of_use

    def meanwhile(lines: list[bytes]) -> list[bytes]:
        keep(
            msgspec.structs.replace(finished(1.0), name="meanwhile")
        )  # finds the lock, and goes on
        return of_use(lines)

    monkeypatch.setattr(rates_store, "_of_use", meanwhile)
    keep(msgspec.structs.replace(finished(1.0), name="last"))
    assert [record.name for record in records()][-2:] == ["meanwhile", "last"]


def test_a_lock_that_was_left_behind_holds_nobody_up_for_long(folder: Path) -> None:
    folder.mkdir()
    lock = folder / "rates.lock"
    lock.write_text("")
    long_name = msgspec.structs.replace(finished(1.0), name="x" * (MOST_BYTES // 3))
    for _ in range(5):
        keep(long_name)
    assert len(records()) == 5
    os.utime(lock, (0, 0))
    keep(long_name)
    assert len(records()) < 5
    assert not lock.exists()
