"""Each of several servers is compared with the first one, when it is there: early or late."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.engines.http.detect import detect
from judgefast.engines.http.options import HttpOptions
from judgefast.engines.remote.client import Client
from judgefast.engines.remote.health import OtherJudgeError
from judgefast.engines.remote.options import Secret
from judgefast.engines.remote.unusable import NoReplyError

from .judging import assert_complete
from .serving import FaultServer
from .test_faults_of_connection import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from .judging import Judging, Ran

ITEMS = 30
OPTIONS = {"list_size": 2, "concurrency": 2}


@pytest.fixture
def names() -> list[str]:
    return [f"q{number}" for number in range(ITEMS)]


@pytest.fixture
def first(tmp_path: Path) -> FaultServer:
    """Takes a while, so that another has time to come."""
    (tmp_path / "first").mkdir()
    return FaultServer(tmp_path / "first", seconds=0.15)


@pytest.fixture
def second(tmp_path: Path) -> Any:
    def make(**script: Any) -> FaultServer:
        (tmp_path / "second").mkdir()
        return FaultServer(tmp_path / "second", **script)

    return make


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({"model": "other"}, "does not serve `judge`; it serves other"),
        ({"has_other_tokenizer": True}, "has another tokenizer than the judge"),
        ({"longest_list": 1}, "does not take lists of prompts, as the first server does"),
        ({"flavour": "plain"}, "does not take lists of prompts, as the first server does"),
    ],
)
def test_a_server_that_is_another_or_can_do_less_is_refused_by_name_and_nothing_is_asked(
    script: dict[str, Any], words: str, first: FaultServer, second: Any, judging: Judging
) -> None:
    with first, second(**script) as other:
        ran = judging.run(first.url, other.url, options=OPTIONS)
        assert ran.status == 2, ran.words
        assert f"{other.url} {words}" in ran.words
        assert first.log.items == other.log.items == []


def test_a_name_of_a_model_that_moves_the_cursor_is_not_shown(
    second: Any, judging: Judging
) -> None:
    with second(model="\x1b[2Jjudge") as other:
        ran = judging.run(other.url)
        assert ran.status == 2, ran.words
        assert f"{other.url} shows no list of models" in ran.words
        assert ran.words.replace("\n", "").isprintable()


def test_prompts_are_made_for_the_server_that_has_the_least_room(
    first: FaultServer, second: Any, judging: Judging, names: list[str]
) -> None:
    with first, second(context=2048) as other:
        ran = judging.run(first.url, other.url, options=OPTIONS)
        assert_complete(ran, names)
        assert ran.facts["engine"]["context_tokens"] == 2048
        assert min(len(each.log.items) for each in (first, other)) > 0


@pytest.fixture
def ask_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("judgefast.engines.remote.health._SHORTEST_PROBE", 0.1)
    monkeypatch.setattr("judgefast.engines.remote.health._LONGEST_PROBE", 0.2)


def came_later(first: FaultServer, other: FaultServer, judging: Judging) -> Ran:
    """Run with a second server that comes when the first has begun."""
    with other:
        pass  # it has a port now, and is away

    def come() -> None:
        wait_until(lambda: sum(first.log.times("answered").values()) >= 2)
        other.start()

    coming = threading.Thread(target=come)
    coming.start()
    try:
        return judging.run(first.url, other.url, options=OPTIONS)
    finally:
        coming.join()
        other.kill()


@pytest.mark.usefixtures("ask_soon")
def test_a_server_that_comes_later_is_compared_and_takes_its_share(
    first: FaultServer, second: Any, judging: Judging, names: list[str]
) -> None:
    with first:
        other = second()
        ran = came_later(first, other, judging)
        assert_complete(ran, names)
        assert f"{other.url} is there again" in ran.words
        assert sum(other.log.times("answered").values()) > 2


@pytest.mark.usefixtures("ask_soon")
def test_a_server_that_comes_later_and_has_another_model_is_left_out_by_name(
    first: FaultServer, second: Any, judging: Judging, names: list[str]
) -> None:
    with first:
        other = second(model="other")
        ran = came_later(first, other, judging)
        assert_complete(ran, names)
        words = f"{other.url} does not serve `judge`; it serves other"
        assert f"{other.url} is left out: {words}" in ran.words
        assert other.log.items == []


LATE = [
    ({"model": "other"}, False, "does not serve `judge`; it serves other"),
    ({"model": "other"}, True, "does not serve `judge`; it serves other"),
    ({"has_other_tokenizer": True}, False, "has another tokenizer than the judge"),
    ({"context": 100}, False, "has room for 100 tokens, and prompts are made for 4,096"),
    ({"longest_list": 1}, False, "does not take lists of prompts"),
]


@pytest.mark.parametrize(("script", "is_known", "words"), LATE)
def test_a_server_that_was_away_is_examined_whether_it_was_known_or_not(
    script: dict[str, Any], is_known: object, words: str, second: Any, byte_model: Path
) -> None:
    async def work() -> str:
        with second() as other:
            options = HttpOptions(base_urls=(other.url,), tokenizer=str(byte_model))
            secret = Secret(None)
            async with Client(options, secret) as client:
                found = await detect(client, options, secret, None)
                await found.examiner.examine(other.url, is_known=False)
                other.kill()
                with pytest.raises(NoReplyError):
                    await found.examiner.examine(other.url, is_known=True)
                other.start(**script)
                with pytest.raises(OtherJudgeError) as caught:
                    await found.examiner.examine(other.url, is_known=bool(is_known))
        return str(caught.value).removeprefix(f"{other.url} ")

    assert asyncio.run(work()).startswith(words)
