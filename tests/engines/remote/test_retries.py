"""Pauses, windows, servers that come and go: all by a clock that the tests turn."""

from __future__ import annotations

import html
from email.utils import formatdate
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.engines.remote.endpoints import Endpoint
from judgefast.engines.remote.options import Secret, key_of_environment, root_of
from judgefast.engines.remote.retries import LONGEST_PAUSE, pause, retry_after
from judgefast.engines.remote.waiting import Waiting
from judgefast.engines.remote.windows import Window
from judgefast.errors import ConfigError
from judgefast.prompts.decoding import Decoding

from .jobs import job

if TYPE_CHECKING:
    from collections.abc import Callable


@settings(max_examples=50)
@given(st.integers(1, 40), st.floats(0, 1, exclude_max=True))
def test_pauses_double_up_to_a_cap_with_at_least_half_of_them_kept(tries: int, draw: float) -> None:
    seconds = pause(tries, draw=draw)
    whole = min(LONGEST_PAUSE, 0.25 * 2 ** (tries - 1))
    assert whole / 2 <= seconds <= whole


def test_retry_after_is_seconds_or_a_date_and_never_for_ever() -> None:
    assert retry_after({}, 0) is None
    assert retry_after({"Retry-After": "2.5"}, 0) == 2.5
    assert retry_after({"Retry-After": "86400"}, 0) == 300
    assert retry_after({"Retry-After": "nan"}, 0) == 0
    assert retry_after({"Retry-After": formatdate(1030, usegmt=True)}, 1000) == 30
    assert retry_after({"Retry-After": formatdate(10, usegmt=True)}, 1000) == 0
    assert retry_after({"Retry-After": "soon"}, 0) is None


class Server:
    """Answers up to `speed` prompts a second; more at a time only wait."""

    def __init__(self, window: Window, speed: float, alone: float) -> None:
        self.window, self.speed, self.alone, self.now = window, speed, alone, 0.0

    def serve(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            size = self.window.size
            took = max(self.alone, size / self.speed)
            self.now += took
            self.window.full()
            for _ in range(size):
                self.window.done(1, took, self.now)


def test_a_window_grows_as_long_as_that_is_faster_and_no_further() -> None:
    window = Window(start=8, most=1000, step=8, now=0.0)
    Server(window, speed=100, alone=1.0).serve(60)
    assert 66 <= window.size <= 160, "a hundred at a time are as fast as it gets"


def test_a_window_stays_within_its_limit() -> None:
    window = Window(start=64, most=100, step=8, now=0.0)
    Server(window, speed=1e9, alone=1.0).serve(60)
    assert 95 <= window.size <= 100
    assert Window(start=64, most=4, step=8, now=0.0).size == 4


def test_a_wave_of_refusals_halves_a_window_once_and_it_comes_back_step_by_step() -> None:
    window = Window(start=64, most=100, step=8, now=0.0)
    for _ in range(64):
        window.pushed_back(10.0)
    assert window.size == 32
    window.pushed_back(20.0)
    assert window.size == 16
    server = Server(window, speed=1e9, alone=1.0)
    server.now = 21.0
    server.serve(2.5)
    assert 16 < window.size <= 40
    for moment in range(30, 200, 10):
        window.pushed_back(float(moment))
    assert window.size == 1


def endpoint(place: int = 0) -> Endpoint:
    return Endpoint(place, f"http://judge{place}", Window(start=8, most=8, step=8, now=0.0))


def test_a_server_that_asks_for_time_is_given_it_and_no_prompts() -> None:
    one = endpoint()
    one.is_busy(5.0, now=100.0)
    assert (one.room(104.9), one.room(105.0)) == (0, 4)
    one.is_busy(1.0, now=101.0)  # of the same wave: what was asked for first is kept
    assert one.room(104.9) == 0


def test_a_server_is_away_after_three_failures_in_a_row_or_when_nobody_is_there() -> None:
    one = endpoint()
    assert [one.failed(1.0, is_gone=False) for _ in range(2)] == [False, False]
    one.worked(1, 0.1, now=2.0)
    assert [one.failed(3.0, is_gone=False) for _ in range(4)] == [False, False, True, False]
    assert (one.room(4.0), one.silent_seconds(5.0)) == (0, 2.0)
    one.returned(5.0)
    assert one.silent_seconds(5.0) == 0
    assert one.room(5.0) == 8
    assert one.failed(6.0, is_gone=False), "it is on probation"
    two = endpoint()
    assert two.failed(1.0, is_gone=True)


def test_a_server_that_computes_may_yet_answer_and_one_that_is_away_once_it_is_asked_again() -> (
    None
):
    one = endpoint()
    one.trouble(1.0)
    assert one.silent_seconds(3.0) == 2.0
    assert not one.may_yet_answer(3.0, patience=5)
    one.in_flight = 1
    assert one.may_yet_answer(3.0, patience=5)
    one.leave(3.0)
    assert one.may_yet_answer(3.0, patience=5), "it may be there again"
    one.has_failed_again = True
    assert not one.may_yet_answer(3.0, patience=5)


def test_a_pause_that_a_server_asked_for_is_waited_out_where_patience_lasted_when_it_began() -> (
    None
):
    one = endpoint()
    one.trouble(100.0)
    one.is_busy(60.0, now=104.0)
    assert one.may_yet_answer(159.0, patience=5)
    assert not one.may_yet_answer(164.0, patience=5)
    one.is_busy(60.0, now=164.0)
    assert not one.may_yet_answer(165.0, patience=5), "or it would be waited for without end"


def test_silence_begins_with_what_was_sent_in_vain_but_not_before_the_last_answer() -> None:
    one = endpoint()
    one.failed(30.0, waited_since=20.0)
    assert one.silent_seconds(30.0) == 10.0
    assert one.has_hung
    one.worked(1, 1.0, now=35.0)
    one.failed(40.0, waited_since=30.0)
    assert one.silent_seconds(40.0) == 5.0
    assert not one.has_hung, "it has answered others meanwhile"


def test_groups_stay_with_a_server_while_there_are_others_and_are_shared_at_the_end() -> None:
    waiting = Waiting(servers=2)
    waiting.add([job(group=n // 4, number=n) for n in range(8)])
    first = waiting.take(0, lambda _: 2)
    second = waiting.take(1, lambda _: 2)
    assert [each.request.request_id[0] for each in (*first, *second)] == [0, 1, 4, 5]
    third = waiting.take(0, lambda _: 8)
    assert [each.request.request_id[0] for each in third] == [2, 3, 6, 7], "none is idle"
    assert len(waiting) == 0


def test_prompts_of_another_decoding_go_in_another_list() -> None:
    waiting = Waiting(servers=1)
    waiting.add([job(number=0), job(number=1), job(number=2, decoding=Decoding(max_tokens=8))])
    assert len(waiting.take(0, lambda _: 8)) == 2
    assert len(waiting.take(0, lambda _: 8)) == 1


@settings(max_examples=50)
@given(
    st.lists(st.integers(0, 5), max_size=40),
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9)), min_size=1, max_size=10),
    st.integers(1, 3),
)
def test_everything_that_waits_is_handed_out_once(
    groups: list[int], takes: list[tuple[int, int]], servers: int
) -> None:
    waiting = Waiting(servers=servers)
    waiting.add([job(group=group, number=n) for n, group in enumerate(groups)])
    taken: list[int] = []
    turn = 0
    while len(waiting):
        place, most = takes[turn % len(takes)]
        jobs = waiting.take(place % servers, lambda _, most=most: most)
        assert jobs
        assert len(jobs) <= most or turn == 2, "those that go first stay together"
        if turn == 1:
            waiting.add_first(jobs)
        else:
            taken += [each.request.request_id[0] for each in jobs]
        turn += 1
    assert sorted(taken) == list(range(len(groups)))


def test_who_was_given_up_is_not_sent() -> None:
    waiting = Waiting(servers=1)
    jobs = [job(number=n) for n in range(3)]
    waiting.add(jobs)
    waiting.add_first([one := job(number=9)])
    jobs[1].is_settled = one.is_settled = True
    assert waiting.take(0, lambda _: 8) == [jobs[0], jobs[2]]


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("localhost:8000/v1", "http://localhost:8000"),
        ("https://judge.example.org/api/v1/", "https://judge.example.org/api"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_an_address_is_a_root(url: str, root: str) -> None:
    assert root_of(url) == root


@pytest.mark.parametrize(
    "url",
    ["https://me:sk-secret@judge.org", "https://judge.org/v1?key=sk-secret", "ftp://sk-secret", "http://"],
)  # fmt: skip
def test_an_address_that_may_hold_a_secret_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        root_of(url)
    assert "sk-secret" not in str(caught.value) + str(caught.value.hint)


def test_the_key_is_in_headers_and_in_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-two")
    monkeypatch.setenv("JUDGEFAST_API_KEY", " sk-one ")
    secret = Secret(key_of_environment())
    assert secret.headers == {"Authorization": "Bearer sk-one"}
    assert secret.scrub("wrong key sk-one!") == "wrong key ***!"
    assert "sk-one" not in repr(secret)
    monkeypatch.delenv("JUDGEFAST_API_KEY")
    assert key_of_environment() == "sk-two"


@pytest.mark.parametrize(
    "repeat",
    [str, quote, html.escape, lambda key: key.replace("/", "\\/"),
     lambda key: key.replace("+", "\\u002B").replace("&", "\\u0026"),
     lambda key: key.replace("/", "&#x2F;").replace("=", "&#61;"), lambda key: quote(key).lower()],
)  # fmt: skip
def test_a_key_is_not_shown_however_a_server_writes_it(repeat: Callable[[str], str]) -> None:
    key = "sk/ab+c=&d1234"
    assert Secret(key).scrub(f"no such key: {repeat(key)}.") == "no such key: ***."


@pytest.mark.parametrize(
    "key", ["sk-a\nb-secret", "sk-\N{EM DASH}secret", "\N{EURO SIGN}sk-secret"]
)
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGEFAST_API_KEY", key)
    with pytest.raises(ConfigError, match="JUDGEFAST_API_KEY holds what is no key") as caught:
        key_of_environment()
    assert "secret" not in str(caught.value) + str(caught.value.hint)
