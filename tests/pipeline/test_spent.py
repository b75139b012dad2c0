"""Speed: judgments over the time that they took, and never over the time of others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import judgefast
from judgefast.reports.spent import _busy, _of_states, _told, _unproven
from tests.recorded import pairs, record

if TYPE_CHECKING:
    from pathlib import Path


def test_a_launch_that_told_no_time_is_left_out_of_the_speed(tmp_path: Path) -> None:
    recorded = [row | {"prompt_tokens": 10} for row in record(pairs())]
    for given in (recorded[:20], recorded):
        judgefast.run(
            pairs(), rubric="pairwise-reasons", engine="replay", recorded=given, out=tmp_path / "r"
        )
    launches = {
        json.loads(path.read_text())["started"]: path
        for path in (tmp_path / "r/launches").iterdir()
    }
    first, second = (json.loads(path.read_text()) for _, path in sorted(launches.items()))
    whole = judgefast.Run.open(tmp_path / "r").report.operations
    both = first["seconds"]["judge"] + second["seconds"]["judge"]
    assert whole.judgments_per_second == pytest.approx(72 / both)
    assert whole.notes == []

    killed = min(launches)
    del first["seconds"]
    launches[killed].write_text(json.dumps(first))
    found = judgefast.Run.open(tmp_path / "r").report.operations
    assert found.judgments_per_second == pytest.approx(52 / second["seconds"]["judge"])
    assert found.tokens_per_second == pytest.approx(520 / second["seconds"]["judge"])
    assert found.tokens.prompt == 720
    assert "leave out 20 judgments of launches that were killed" in found.notes[0]


def launch(**counters: int) -> dict[str, Any]:
    return {"engine": {"dialect": "systemone"}} | ({"counters": counters} if counters else {})


def test_what_a_killed_start_did_not_count_is_at_least_what_the_others_did() -> None:
    told = launch(dropped_tokens=41, unchecked_lengths=18, defused=1)
    cut, unchecked, defused = _of_states([told])
    assert cut.startswith("the server says that it has cut 41 tokens off states: ")
    assert unchecked.startswith(
        "18 states were sent without knowing that the judge reads the whole"
    )
    assert defused == (
        "1 control token was defused in what was sent, in the same text each time that it was"
    )
    cut, unchecked, defused, silent = _of_states([launch(), told, {"launch": "no engine"}])
    assert cut.startswith("the server says that it has cut at least 41 tokens off states: ")
    assert unchecked.startswith("at least 18 states were sent without knowing that the judge")
    assert defused.startswith("at least 1 control token was defused in what was sent")
    assert silent.startswith("1 start was killed, or still at work, without telling its counts: ")
    none = launch(dropped_tokens=0, unchecked_lengths=0, defused=0)
    assert _of_states([none]) == []
    (silent,) = _of_states([none, launch(), launch()])
    assert silent.startswith("2 starts were killed")


def test_prompts_of_which_nobody_knew_the_length_are_at_least_so_many_too() -> None:
    known = {"engine": {"api": "completions"}, "counters": {"unproven_lengths": 1}}
    killed = {"engine": {"api": "completions"}}
    (words,) = _unproven(_told([known], "unproven_lengths"))
    assert words.startswith("1 prompt was sent without knowing")
    (words,) = _unproven(_told([known, killed], "unproven_lengths"))
    assert words.startswith("at least 1 prompt was sent without knowing")
    assert _unproven(_told([killed], "unproven_lengths")) == []
    assert _of_states([killed]) == []


def test_how_often_servers_had_no_room_is_said_with_the_rates_that_were_kept() -> None:
    assert _busy([launch(busy=0), {"launch": "no engine"}]) == []
    (words,) = _busy([launch(busy=1)])
    assert words.startswith("servers refused 1 request for want of room (429, 503")
    assert words.endswith("and it was sent again later")
    held = launch(busy=20)
    held["engine"] |= {"requests_a_minute": 600.0, "tokens_a_second": 2500.0}
    calm = launch(busy=0)
    calm["engine"] |= {"requests_a_minute": 60.0}
    (words,) = _busy([held, calm, held, launch()])
    assert words.startswith("servers refused at least 40 requests for want of room")
    assert words.endswith(
        "sent again later; at most 600 requests a minute and 2,500 tokens a second were asked"
    )
