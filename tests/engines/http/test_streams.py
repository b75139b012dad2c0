"""Choices of a list that are taken as they end, and what is kept of a stream that does not."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.engines.http.abilities import Abilities
from judgefast.engines.http.events import Events
from judgefast.engines.http.replies import Replies
from judgefast.engines.http.streams import Stream
from judgefast.engines.remote.wires import Reply

from .asking import RUBRIC, at_servers, collected
from .jobs import TEXT, job
from .judging import Judging, assert_complete

if TYPE_CHECKING:
    from judgefast.engines.base import Completion
    from judgefast.engines.http.jobs import PromptJob

OPTIONS = {"list_size": 8}

lines = st.text(alphabet="ab :\u00e9\u4e16{", min_size=1, max_size=8).map(str.encode)
ends = st.sampled_from([b"\n", b"\r\n", b"\r"])
events = st.lists(st.lists(lines, min_size=1, max_size=3), max_size=5)


@settings(max_examples=60, deadline=None)
@given(events, ends, st.lists(st.integers(1, 300), max_size=12), st.booleans())
def test_events_are_the_same_in_any_pieces_and_with_any_line_ends(
    said: list[list[bytes]],
    end: bytes,
    cuts: list[int],
    is_commented: bool,  # noqa: FBT001 - drawn
) -> None:
    extra = [b": alive", b"id: 3"] if is_commented else []
    blocks = [[*extra, *(b"data: " + line for line in event), b""] for event in said]
    raw = b"".join(line + end for block in blocks for line in block)
    places = [0, *sorted({min(cut, len(raw)) for cut in cuts}), len(raw)]
    reader = Events()
    found = [each for a, b in pairwise(places) for each in reader.feed(raw[a:b])]
    assert found + reader.close() == [b"\n".join(event) for event in said]
    byte_by_byte = Events()
    found = [each for byte in raw for each in byte_by_byte.feed(bytes([byte]))]
    assert found + byte_by_byte.close() == [b"\n".join(event) for event in said]


def test_the_last_event_needs_no_blank_line_at_the_end_of_a_stream() -> None:
    reader = Events()
    assert reader.feed(b"data:a\n\ndata: b") == [b"a"]
    assert reader.close() == [b"b"]


OVER = Reply(200, (), b"")
VLLM = Abilities(way="completions", model="judge", lists=True)


def piece(index: int, text: str, finish: str | None = None, **usage: int) -> bytes:
    choice = {"index": index, "text": text, "finish_reason": finish}
    event: dict[str, Any] = {"choices": [choice]} | ({"usage": usage} if usage else {})
    return b"data: " + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"


def streamed(count: int) -> tuple[Stream, list[PromptJob]]:
    jobs = [job(decoding=TEXT, number=number) for number in range(count)]
    return Stream(jobs, Replies(VLLM)), jobs


def of(ended: list[tuple[PromptJob, Completion]]) -> list[tuple[int, str, int | None]]:
    return [(a.request.request_id[0], b.text, b.completion_tokens) for a, b in ended]


def test_a_choice_is_there_as_soon_as_it_has_ended_in_whatever_order() -> None:
    stream, _ = streamed(3)
    assert stream.feed(piece(0, "on") + piece(2, "tw")) == []
    assert of(stream.feed(piece(2, "o", "stop", completion_tokens=5))) == [(2, "two", 5)]
    assert stream.feed(b"data: null\n\ndata:\n\n") == [], "which say nothing"
    assert of(stream.feed(piece(0, "", "length", completion_tokens=8))) == [(0, "on", 8)]
    (ended,) = stream.feed(piece(1, "x", "content_filter", completion_tokens=1))
    assert ended[1].finish_reason == "refused"
    assert stream.end(OVER) == []
    assert (stream.problem, stream.error) == ("", None)


def test_without_a_count_for_each_the_last_choice_has_what_the_sum_leaves() -> None:
    stream, _ = streamed(2)
    assert of(stream.feed(piece(1, "a", "length"))) == [(1, "a", 8)]
    assert stream.feed(piece(0, "b", "stop")) == []
    usage = b'data: {"choices": [], "usage": {"completion_tokens": 11}}\n\n'
    assert of(stream.feed(usage + b"data: [DONE]\n\n")) == [(0, "b", 3)]
    assert stream.is_over
    cut, _ = streamed(1)
    cut.feed(piece(0, "b", "stop"))
    assert of(cut.end(OVER)) == [(0, "b", None)], "whole, though nothing was counted"


def test_a_prompt_that_was_cut_is_no_answer_in_a_stream_either() -> None:
    stream, _ = streamed(2)
    [(_, done)] = stream.feed(piece(1, "a", "stop", prompt_tokens=2, completion_tokens=1))
    assert (done.error_kind, done.text) == ("too_long", "")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'data: {"choices": [{"ind\n\n', "cannot be read"),
        (piece(2, "x"), "choice 2, which is none"),
        (piece(0, "x", "stop", completion_tokens=1) + piece(0, "y"), "choice 0, which is none"),
        (b"data: [DONE]\n\n", "ended before 2 of its 2 choices"),
    ],
)
def test_a_stream_that_says_what_was_not_asked_for_is_said_to_be_none(
    raw: bytes, words: str
) -> None:
    stream, _ = streamed(2)
    stream.feed(raw)
    stream.feed(piece(1, "late", "stop", completion_tokens=1) if "before" not in words else b"")
    with pytest.raises(Exception, match=re.escape(words)):
        stream.check()


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"error": {"message": "no memory", "code": 503}}, 503),
        ({"error": {"message": "no memory", "code": "server_error"}}, 500),
        ({"error": "no memory"}, 500),
        ({"object": "error", "message": "no memory", "code": 400}, 400),
    ],
)
def test_an_error_in_the_middle_has_its_status_and_words(said: Any, status: int) -> None:
    stream, _ = streamed(2)
    stream.feed(piece(0, "x", "stop", completion_tokens=1))
    stream.feed(b"data: " + json.dumps(said).encode() + b"\n\n")
    assert stream.error == (status, "no memory")


def judged(server: Any, judging: Judging, names: list[str], **options: Any) -> Any:
    """A run with long answers, and what the server saw of it."""
    with server as one:
        ran = judging.run(one.url, rubric=RUBRIC, options=OPTIONS | options)
        assert_complete(ran, names)
        return one.log, ran


def test_long_answers_are_asked_for_in_shorter_lists_and_each_counts_its_own_tokens(
    server: Any, judging: Judging, names: list[str]
) -> None:
    log, ran = judged(server(), judging, names)
    assert 1 < max(log.lengths) <= 4
    assert log.lengths[-1] == 1
    assert set(log.times("asked").values()) == {1}
    rows = ran.completions()
    assert all(each["completion_tokens"] == len(each["text"]) for each in rows)


def test_tokens_of_a_stream_that_counts_them_at_its_end_alone_still_sum_up(
    server: Any, judging: Judging, names: list[str]
) -> None:
    _, ran = judged(server(counts=False), judging, names)
    rows = ran.completions()
    assert sum(each["completion_tokens"] for each in rows) == sum(
        len(each["text"]) for each in rows
    )


@pytest.mark.parametrize(
    ("case", "longest"),
    [(("tokens", "auto"), 1), (("tokens", "on"), 4), (("answers", "off"), 1), (("no", "on"), 1)],
)
def test_a_list_is_streamed_where_that_costs_the_server_little_or_it_is_wanted(
    case: tuple[str, str], longest: int, server: Any, judging: Judging, names: list[str]
) -> None:
    streams, stream = case
    log, _ = judged(server(streams=streams), judging, names, stream=stream)
    assert max(log.lengths) == longest


def test_short_answers_are_not_streamed(server: Any, judging: Judging, names: list[str]) -> None:
    with server(rules=[{"do": "error_event", "times": None}]) as one:
        assert_complete(judging.run(one.url, options=OPTIONS), names)
        assert max(one.log.lengths) == 8
        assert set(one.log.times("asked").values()) == {1}


def test_choices_that_had_ended_are_kept_when_the_stream_is_cut_and_the_rest_is_asked_again(
    server: Any, judging: Judging, names: list[str]
) -> None:
    log, _ = judged(server(rules=[{"do": "cut", "times": 2}]), judging, names)
    cut = [line["about"] for line in log.items if line.get("fault") == "cut"]
    assert [len(each) for each in cut] == [4, 4]
    asked = log.times("asked")
    for about in cut:
        assert [asked[name] for name in about] == [1, 1, 2, 2]


@pytest.mark.parametrize(("status", "again"), [(500, [1, 1, 2, 2]), (400, [1, 1, 2, 2])])
def test_an_error_in_the_middle_of_a_stream_befalls_what_has_not_ended(
    status: int, again: list[int], server: Any, judging: Judging, names: list[str]
) -> None:
    rule = {"do": "error_event", "times": 1, "status": status}
    log, _ = judged(server(rules=[rule]), judging, names)
    (about,) = [line["about"] for line in log.items if line.get("fault")]
    assert [log.times("asked")[name] for name in about] == again


def test_a_server_that_has_no_room_for_the_rest_of_a_stream_gets_that_again_as_it_was(
    server: Any, judging: Judging, names: list[str]
) -> None:
    log, _ = judged(server(rules=[{"do": "error_event", "status": 503}]), judging, names)
    (about,) = [line["about"] for line in log.items if line.get("fault")]
    lists = [line["about"] for line in log.items if line["what"] == "asked"]
    assert about[2:] in lists, "not one by one, as what cannot be read"


@pytest.mark.parametrize("fault", ["no_done", "odd", "shuffled"])
def test_a_stream_of_another_make_is_read_as_well(
    fault: str, server: Any, judging: Judging, names: list[str]
) -> None:
    log, _ = judged(server(rules=[{"do": fault, "times": None}]), judging, names)
    assert log.requests(fault) > 1
    assert set(log.times("asked").values()) == {1}


@pytest.mark.parametrize("fault", ["fewer", "more", "duplicates", "huge", "hang", "reset"])
def test_streams_that_are_answered_amiss_are_asked_again(
    fault: str, server: Any, judging: Judging, names: list[str]
) -> None:
    log, _ = judged(server(rules=[{"do": fault, "times": 2, "every": 2}]), judging, names)
    assert max(log.times("asked").values()) <= 3


def test_a_choice_that_has_ended_is_handed_on_while_others_of_its_list_go_on(
    server: Any, ask: Any
) -> None:
    rules = [{"do": "late", "about": "one of q2.", "seconds": 4.0, "times": None}]
    with server(rules=rules) as one:
        engine = ask([one.url], 8)
        soon = collected(engine, 7, 3.5)
        assert len(soon) == 7
        assert (engine.in_flight(0), at_servers(engine)) == (1, [1])
        (late,) = collected(engine, 1, 30)
        assert late.request_id[0] == 2
        assert late.wall_seconds > 3.9
        assert max(one.log.lengths) == 4
        assert at_servers(engine) == [0]


def test_what_is_left_of_a_stream_is_given_up_with_it(server: Any, ask: Any) -> None:
    rules = [{"do": "late", "about": "one of q2.", "seconds": 20.0, "times": None}]
    with server(rules=rules) as one:
        engine = ask([one.url], 8)
        assert len(collected(engine, 7, 15)) == 7
        engine.cancel([(2).to_bytes(16, "little")])
        (gone,) = collected(engine, 1, 15)
        assert (gone.finish_reason, engine.in_flight(0)) == ("cancelled", 0)
        assert at_servers(engine) == [0]
