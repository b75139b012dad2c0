"""Requests that take too long go to a second server too, where that is wanted: a few of them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.engines.http.asked import AskedPrompts
from judgefast.engines.http.hedges import Hedges
from judgefast.engines.http.options import HttpOptions
from judgefast.engines.remote.endpoints import Endpoint
from judgefast.engines.remote.windows import Window

from .asking import at_servers, collected
from .byte_model import write_byte_model
from .jobs import job
from .judging import Judging, assert_complete
from .serving import FaultServer, merged

if TYPE_CHECKING:
    from pathlib import Path

ITEMS = 60
OPTIONS = {"list_size": 1, "concurrency": 8, "timeout_seconds": 30}
HANGING = 3


@pytest.fixture
def names() -> list[str]:
    return [f"q{number}" for number in range(ITEMS)]


def pair(folder: Path, **rule: Any) -> tuple[FaultServer, FaultServer]:
    """Two servers; the rule is for the first."""
    folders = [folder / "first", folder / "second"]
    for each in folders:
        each.mkdir()
    rules = [{"seconds": 60, "times": None} | rule]
    return FaultServer(folders[0], rules=rules, seconds=0.02), FaultServer(folders[1], seconds=0.02)


@pytest.mark.parametrize("hedging", [{"hedge_seconds": 0.3}, {"hedge": "p95"}])
def test_requests_that_hang_are_answered_by_the_other_server_and_counted(
    hedging: dict[str, Any], tmp_path: Path, judging: Judging, names: list[str]
) -> None:
    first, second = pair(tmp_path, do="hang", first=8, times=HANGING)
    with first, second:
        begun = time.monotonic()
        ran = judging.run(first.url, second.url, options=OPTIONS | hedging)
        assert time.monotonic() - begun < 15, "a hanging request takes 30 s"
        assert_complete(ran, names)
        hung = [line["about"][0] for line in first.log.items if line.get("fault") == "hang"]
        assert len(hung) == HANGING
        doubled = ran.facts["counters"]["hedged"]
        assert HANGING <= doubled <= 0.05 * (2 * ITEMS + doubled)
        both = merged([first.log, second.log]).times("asked")
        assert sum(both.values()) == 2 * ITEMS + doubled
        assert [both[name] for name in hung] == [2] * HANGING
        answered = second.log.times("answered")
        assert [answered[name] for name in hung] == [1] * HANGING


@pytest.mark.parametrize("thinks", [0, 40])
def test_nothing_is_left_at_a_server_of_what_another_has_answered(
    thinks: int, tmp_path: Path, ask: Any
) -> None:
    first, second = pair(tmp_path, do="hang", first=2, times=2)
    options = OPTIONS | {"hedge_seconds": 0.3}
    model = write_byte_model(tmp_path / "judge", thinks=thinks > 0)
    for one in (first, second):
        one._script |= {"thinks": thinks, "vocabulary": 260}
    with first, second:
        engine = ask([first.url, second.url], ITEMS, model, **options)
        found = collected(engine, ITEMS, 10)
        assert len({each.request_id for each in found}) == ITEMS
        assert engine.counters()["hedged"] >= 1
        assert at_servers(engine) == [0, 0]


def test_a_request_is_doubled_at_another_server_with_room_and_at_no_other() -> None:
    own, full, free = (
        Endpoint(place, "", Window(start=size, most=size, step=1, now=0.0), now=0.0)
        for place, size in enumerate((64, 1, 8))
    )
    full.in_flight = 1
    options = HttpOptions(base_urls=("a", "b"), hedge_seconds=0.1)
    asked = AskedPrompts(own, [job(), job(number=1)], None)
    asked.started -= 1.0
    sent: list[Endpoint] = []

    async def look(endpoints: list[Endpoint]) -> None:
        hedges = Hedges(options, endpoints, {1: asked}, lambda _, other: sent.append(other))
        hedges.sent(100)
        hedges._look()
        hedges.close()

    asyncio.run(look([own, full]))
    assert sent == []
    asyncio.run(look([own, full, free]))
    assert sent == [free]


def test_no_more_than_a_few_are_sent_twice_whatever_hangs(
    tmp_path: Path, judging: Judging, names: list[str]
) -> None:
    first, second = pair(tmp_path, do="hang", times=12)
    with first, second:
        options = OPTIONS | {"hedge_seconds": 0.05, "timeout_seconds": 0.7, "max_retries": 9}
        ran = judging.run(first.url, second.url, options=options)
        assert_complete(ran, names)
        doubled = ran.facts["counters"]["hedged"]
        sent = sum(merged([first.log, second.log]).times("asked").values())
        assert 0 < doubled <= 0.05 * sent


def test_nothing_is_sent_twice_unless_it_is_wanted(
    tmp_path: Path, judging: Judging, names: list[str]
) -> None:
    first, second = pair(tmp_path, do="slow", first=10, times=2, seconds=1)
    with first, second:
        ran = judging.run(first.url, second.url, options=OPTIONS)
        assert_complete(ran, names)
        assert ran.facts["counters"]["hedged"] == 0
        assert set(merged([first.log, second.log]).times("asked").values()) == {1}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hedge_seconds": 1}, "second server"),
        ({"hedge": "p95"}, "second server"),
        ({"hedge": "p50"}, "p95"),
        ({"hedge_seconds": 0}, "seconds above 0"),
        ({"stream": "sometimes"}, "auto, on, off"),
    ],
)
def test_what_cannot_be_is_refused(
    options: dict[str, Any], words: str, server: Any, judging: Judging
) -> None:
    with server() as one:
        ran = judging.run(one.url, options=options)
        assert (ran.status, words in ran.words) == (2, True), ran.words
