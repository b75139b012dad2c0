"""A run whose answers cannot be read stops; an engine that is lost or breaks ends it tidily."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.config import RunConfig
from judgefast.errors import EngineError
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline import live
from judgefast.pipeline.finished import Finished
from judgefast.pipeline.run import run
from tests.engines.scripted import ScriptedEngine, answered
from tests.pipeline.judging import by_hash, go_on, judge_rows, pairs, results_of
from tests.pipeline.test_crash import command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion

    Cli = Callable[..., tuple[int, str, str]]


def first_bad(count: int, words: str = "Hm.") -> Callable[[Request], Completion]:
    """An engine whose first `count` answers cannot be read."""
    given = 0

    def answer(request: Request) -> Completion:
        nonlocal given
        given += 1
        return answered(request, f"{words} {given}") if given <= count else by_hash(request)

    return answer


def test_a_run_stops_once_two_hundred_judgments_show_that_it_is_unreadable(
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    engine = ScriptedEngine(lambda r: answered(r, "Hm."), room=8, batch=4)
    finished = judge_rows(out, pairs(300), engine=engine)
    assert finished.status == 3
    assert finished.why == "100% of the last judgments could not be read"
    assert finished.examples == ("no_verdict: Hm.",) * 3
    assert finished.done == 200, "what was judged stays"
    assert engine.closed
    counts = results_of(out).counts
    assert (counts.unparsed, counts.not_judged) == ({"no_verdict": 200}, {"interrupted": 400})

    later = go_on(out, engine=ScriptedEngine(by_hash, room=8))
    assert (later.status, later.done) == (0, 600), "only this start's judgments are looked at"


def test_a_short_run_of_which_nothing_could_be_read_is_not_done(tmp_path: Path) -> None:
    out = tmp_path / "run"
    finished = judge_rows(out, pairs(3), engine=ScriptedEngine(first_bad(6)))
    assert (finished.status, finished.why) == (3, "not one judgment could be read")
    one_read = judge_rows(tmp_path / "other", pairs(3), engine=ScriptedEngine(first_bad(5)))
    assert one_read.status == 0


def test_a_share_below_the_limit_goes_on_and_failures_count_too(tmp_path: Path) -> None:
    assert judge_rows(tmp_path / "a", pairs(150), first_bad(39)).status == 0
    assert judge_rows(tmp_path / "b", pairs(150), first_bad(150), max_unreadable=0.8).status == 0
    stopped = judge_rows(tmp_path / "c", pairs(150), lambda _: None, request_seconds=0.01)
    assert stopped.why == "100% of the last judgments could not be read"
    assert stopped.examples[0].startswith("timeout: no answer before the deadline")


@pytest.mark.parametrize("bad", [8, 4, 1])
def test_a_short_run_says_that_little_of_it_could_be_read(tmp_path: Path, bad: int) -> None:
    finished = judge_rows(tmp_path / "run", pairs(4), first_bad(bad))
    assert finished.report is not None
    words = "not one judgment could be read" if bad == 8 else None
    assert (finished.status, finished.why) == (3 if words else 0, words)
    assert bool(finished.examples) == (bad == 8)
    found = [one for one in finished.report.results.findings if "have no verdict" in one]
    if bad == 1:  # not more than `max_unreadable`
        assert not found
    else:
        said = f"{bad} of 8 judgments ({bad * 100 / 8:g} %) have no verdict: {bad} no_verdict."
        rest = " What is said is of the others alone, which may be the easy ones."
        assert found == [said + (rest if bad < 8 else "")]


def test_later_only_the_last_thousand_judgments_are_looked_at(tmp_path: Path) -> None:
    given = 0

    def good_then_bad(request: Request) -> Completion:
        nonlocal given
        given += 1
        return by_hash(request) if given <= 1500 else answered(request, "Hm.")

    engine = ScriptedEngine(good_then_bad, room=1, batch=1)
    finished = judge_rows(tmp_path / "run", pairs(1000), engine=engine)
    assert finished.status == 3
    assert 1701 <= finished.done <= 1701 + live.GROUP_ROWS, "what is read in groups is seen late"
    assert re.fullmatch("[2-4][0-9]% of the last judgments could not be read", finished.why or "")


def test_what_lies_further_back_is_forgotten(tmp_path: Path) -> None:
    given = 0

    def at_times_bad(request: Request) -> Completion:
        nonlocal given
        given += 1
        is_bad = 900 < given <= 1080 or 2000 < given <= 2100
        return answered(request, "Hm.") if is_bad else by_hash(request)

    engine = ScriptedEngine(at_times_bad, room=1, batch=1)
    finished = judge_rows(tmp_path / "run", pairs(1100), engine=engine)
    assert (finished.status, finished.done) == (0, 2200)


def test_a_replay_is_never_stopped(tmp_path: Path) -> None:
    recorded = [
        {"id": str(number), "order": order, "text": "Hm."}
        for number in range(150)
        for order in ("ab", "ba")
    ]
    config = RunConfig(rubric="pairwise", engine="replay", out=str(tmp_path / "run"))
    finished = run(config, recorded=recorded, show_progress=False)
    assert isinstance(finished, Finished)
    assert (finished.status, finished.done) == (3, 300), "all of it, and nothing could be read"


class LostEngine(ScriptedEngine):
    """Gives some answers and is gone."""

    left = 3

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        self.left -= 1
        if self.left < 0:
            message = "the process of the engine has ended"
            raise EngineError(message)
        return super().collect(timeout_seconds=timeout_seconds)


def test_a_lost_engine_leaves_what_was_judged(tmp_path: Path) -> None:
    out = tmp_path / "run"
    engine = LostEngine(by_hash, batch=4)
    finished = judge_rows(out, pairs(30), engine=engine)
    assert (finished.status, finished.done, finished.planned) == (3, 12, 60)
    assert finished.why == "the engine was lost: the process of the engine has ended"
    assert engine.closed
    assert results_of(out).counts.not_judged == {"interrupted": 48}
    assert go_on(out).status == 0


def test_that_the_engine_was_lost_is_said_though_nothing_could_be_read(tmp_path: Path) -> None:
    engine = LostEngine(lambda r: answered(r, "Hm."), batch=4)
    finished = judge_rows(tmp_path / "run", pairs(30), engine=engine)
    assert finished.status == 3
    assert finished.why == "the engine was lost: the process of the engine has ended"


class NoCompletion(ScriptedEngine):
    """Gives what can't be written down."""

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        import msgspec  # noqa: PLC0415 - here alone

        done = super().collect(timeout_seconds=timeout_seconds)
        return [msgspec.structs.replace(one, prompt_tokens=-1) for one in done]


def test_what_is_no_completion_is_the_engines_fault(tmp_path: Path) -> None:
    engine = NoCompletion(by_hash)
    finished = judge_rows(tmp_path / "run", pairs(4), engine=engine)
    assert (finished.status, finished.done) == (3, 0)
    assert finished.why is not None
    assert "what is no completion" in finished.why
    assert engine.closed
    assert go_on(tmp_path / "run").status == 0


def test_a_bug_leaves_nothing_locked_and_the_engine_closed(tmp_path: Path) -> None:
    def bug(request: Request) -> Completion:
        if request.item_id == "item-3":
            raise ZeroDivisionError
        return by_hash(request)

    out = tmp_path / "run"
    engine = ScriptedEngine(bug, room=2, batch=1)
    with pytest.raises(ZeroDivisionError):
        judge_rows(out, pairs(5), engine=engine)
    assert engine.closed
    RunDirectory.open(out, write=True).close()
    assert go_on(out).status == 0


@pytest.mark.parametrize(("options", "engine_fault"), [({"rubric": "no-such"}, False), ({}, True)])
def test_an_engine_is_closed_whatever_goes_wrong_before_it_starts(
    options: dict[str, Any], tmp_path: Path, *, engine_fault: bool
) -> None:
    engine = ScriptedEngine(by_hash)
    rows = [{"id": 1}] if engine_fault else pairs(2)
    with pytest.raises(Exception, match=r"no-such|field"):
        judge_rows(tmp_path / "run", rows, engine=engine, **options)
    assert engine.closed


def test_exit_statuses_of_an_engine_that_does_not_start_and_of_a_bug(
    cli: Cli, write_rows: Callable[..., Path], tmp_path: Path
) -> None:
    rows, out, log = write_rows(pairs(3)), tmp_path / "run", tmp_path / "log"
    status, stdout, err = cli(*command(rows, out, log, fail="start"))
    assert (status, stdout) == (2, "")
    assert err == "error: the model does not load\n\nhint: look at it\n"
    status, stdout, err = cli(*command(rows, out, log, fail="bug"))
    assert (status, stdout) == (70, "")
    assert "ZeroDivisionError" in err
    assert "error: this is a bug in judgefast\n" in err
    status, _, err = cli(*command(rows, out, log))
    assert status == 0, err
