"""What is made of a server's replies, and what is refused as none."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
import pytest

from judgefast.engines.http.abilities import Abilities
from judgefast.engines.http.replies import Replies
from judgefast.engines.http.unusable import BadReplyError, CutPromptError
from judgefast.prompts.decoding import Decoding, Label

from .jobs import LABEL_READ, TEXT, job

VLLM = Abilities(way="completions", model="judge", lists=True, labels_by_id=True)
TOP = msgspec.structs.replace(VLLM, labels_by_id=False, top_logprobs=3)
CHAT = Abilities(way="chat", model="judge", top_logprobs=3)
SGLANG = Abilities(way="sglang", model="judge", labels_by_id=True)


def labelled(index: int, **tops: float | None) -> dict[str, Any]:
    ids = {"a": 32, "b": 33, "tie": 48731}
    named = {f"token_id:{ids.get(name, name)}": value for name, value in tops.items()}
    return {"index": index, "text": "A", "logprobs": {"top_logprobs": [named]}}


def raw(*choices: dict[str, Any], **usage: Any) -> bytes:
    return json.dumps({"choices": choices, "usage": usage or None}).encode()


def logprobs(replies: Replies, *choices: dict[str, Any]) -> list[tuple[float, ...]]:
    jobs = [job(number=number) for number in range(len(choices))]
    return [each.answers[0].logprobs for each in replies.read(jobs, raw(*choices))]


def test_labels_are_read_by_their_ids_and_by_the_index_of_their_choice() -> None:
    choices = [labelled(1, a=-3.0, b=-0.1, tie=-4.0), labelled(0, a=-0.5, b=-1.0, tie=-9999.0)]
    done = Replies(VLLM).read([job(number=0), job([1], number=1)], raw(*choices, prompt_tokens=4))
    assert [each.answers[0].logprobs for each in done] == [
        (-0.5, -1.0, -math.inf),
        (-3.0, -0.1, -4.0),
    ]
    assert [each.text for each in done] == ["A", "B"]
    assert [(each.prompt_tokens, each.completion_tokens) for each in done] == [(3, 1), (1, 1)]
    assert [each.request_id[0] for each in done] == [0, 1]


def test_a_label_outside_of_the_likeliest_is_at_most_the_last_of_them_and_what_they_leave() -> None:
    replies = Replies(TOP)
    [first] = logprobs(replies, labelled(0, a=math.log(0.5), x=math.log(0.2), y=math.log(0.1)))
    assert first == pytest.approx((math.log(0.5), math.log(0.1), math.log(0.1)))
    assert replies.bounded == 2
    [second] = logprobs(replies, labelled(0, a=math.log(0.9), b=math.log(0.05), y=math.log(0.04)))
    assert second[2] == pytest.approx(math.log(0.01))


def test_a_logarithm_that_stands_for_minus_infinity_is_a_probability_of_0() -> None:
    [read] = logprobs(Replies(TOP), labelled(0, a=-0.1, b=-9999.0, y=-9999.0))
    assert read[:2] == (pytest.approx(-0.1), -math.inf)


def test_a_sampled_token_beside_the_likeliest_does_not_lower_the_bound() -> None:
    tops = {"a": math.log(0.5), "x": math.log(0.2), "y": math.log(0.1), "sampled": math.log(0.001)}
    [read] = logprobs(Replies(TOP), labelled(0, **tops))
    assert read[1] == pytest.approx(math.log(0.1))


def test_without_any_label_among_the_likeliest_nothing_is_made_up() -> None:
    replies = Replies(TOP)
    [done] = replies.read([job()], raw(labelled(0, x=-0.1, y=-3.0)))
    assert (done.answers, done.error_kind) == ((), "engine_error")
    assert "no label" in (done.error or "")


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ([labelled(0, a=-1.0, b=-1.0, tie=-1.0)], "1 choices where 2"),
        ([labelled(n, a=-1.0, b=-1.0, tie=-1.0) for n in range(3)], "3 choices where 2"),
        ([labelled(0, a=-1.0, b=-1.0, tie=-1.0)] * 2, r"numbers \[0, 0\]"),
        ([labelled(n, a=-1.0, b=-1.0, tie=-1.0) for n in (0, 2)], r"numbers \[0, 2\]"),
        ([labelled(0, a=-1.0, b=-1.0, tie=-1.0), labelled(1, a=-1.0)], "lacks the label `B`"),
        ([labelled(n, a=-9999.0, b=-9999.0, tie=-9999.0) for n in (0, 1)], "probability of 0"),
        ([{"index": n, "text": "A", "logprobs": None} for n in (0, 1)], "cannot be read"),
    ],
)
def test_other_choices_than_were_asked_for_are_no_answer(
    choices: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(BadReplyError, match=words):
        Replies(VLLM).read([job(), job()], raw(*choices))


@pytest.mark.parametrize("said", [b"", b"<html>", b"[]", b"{}", b'{"choices": 1}', b"\xff{", b"9"])
def test_what_is_no_json_of_the_kind_is_no_answer(said: bytes) -> None:
    for abilities in (VLLM, CHAT, SGLANG):
        with pytest.raises(BadReplyError):
            Replies(abilities).read([job()], said)


def test_an_error_that_is_sent_as_a_success_is_told_in_the_words_of_the_server() -> None:
    said = b'{"error": {"message": "the model is overloaded", "code": 503}}'
    for abilities in (VLLM, CHAT, SGLANG):
        with pytest.raises(BadReplyError, match=r"it is an error: .*the model is overloaded"):
            Replies(abilities).read([job()], said)


def text(index: int, said: str, reason: str | None = "stop") -> dict[str, Any]:
    return {"index": index, "text": said, "finish_reason": reason}


def test_texts_keep_how_they_ended_and_a_lone_surrogate() -> None:
    reply = raw(text(0, "fine"), text(1, "cut", "length"), text(2, "", "content_filter"))
    done = Replies(VLLM).read([job(decoding=TEXT) for _ in range(3)], reply)
    assert [each.finish_reason for each in done] == ["stop", "length", "refused"]
    lone = b'{"choices": [{"index": 0, "text": "a\\ud800", "finish_reason": "stop"}]}'
    [odd] = Replies(VLLM).read([job(decoding=TEXT)], lone)
    assert odd.text == "a\ud800"


@pytest.mark.parametrize("reason", ["abort", "error", "cancelled", "\x1b[31m" + 100 * "x"])
def test_an_end_that_is_not_known_fails_its_own_prompt_and_keeps_the_others(reason: str) -> None:
    reply = raw(text(0, "fine"), text(1, "half", reason), text(2, "long", "model_length"))
    first, odd, last = Replies(VLLM).read([job(decoding=TEXT) for _ in range(3)], reply)
    assert (first.finish_reason, last.finish_reason) == ("stop", "length")
    assert (odd.finish_reason, odd.error_kind, odd.text) == ("error", "engine_error", "")
    assert reason[:4].encode("unicode_escape").decode() in str(odd.error)
    assert len(str(odd.error)) < 120
    assert str(odd.error).isprintable()


def test_a_label_that_was_written_whole_is_not_cut() -> None:
    choice = Decoding(max_tokens=1, labels=(Label("A"), Label("B")))
    [done] = Replies(VLLM).read([job(decoding=choice)], raw(text(0, "A", "length")))
    assert done.finish_reason == "stop"


def test_cached_tokens_are_those_of_single_requests_alone() -> None:
    usage = {"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}}
    [one] = Replies(VLLM).read([job(decoding=TEXT)], raw(text(0, "x"), **usage))
    two = Replies(VLLM).read([job(decoding=TEXT)] * 2, raw(text(0, "x"), text(1, "y"), **usage))
    assert (one.cached_tokens, [each.cached_tokens for each in two]) == (2, [None, None])


def test_a_prompt_that_the_server_has_cut_is_found() -> None:
    with pytest.raises(CutPromptError, match="2 tokens of 3"):
        Replies(VLLM).read([job(decoding=TEXT)], raw(text(0, "x"), prompt_tokens=2))
    said = {"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": 2}}
    with pytest.raises(CutPromptError, match="2 tokens of 3 words"):
        Replies(CHAT).read([job(None, TEXT)], json.dumps(said).encode())


def chat(tops: dict[str, float], content: str | None = "A", **message: Any) -> bytes:
    listed = [{"token": token, "logprob": value} for token, value in tops.items()]
    choice = {
        "index": 0,
        "message": {"content": content, **message},
        "finish_reason": "stop",
        "logprobs": {"content": [{"token": "A", "logprob": -0.1, "top_logprobs": listed}]},
    }
    usage = {"prompt_tokens": 9, "completion_tokens": 1}
    return json.dumps({"choices": [choice], "usage": usage}).encode()


def test_chat_adds_up_the_tokens_that_mean_a_label() -> None:
    tops = {"A": math.log(0.5), " A": math.log(0.2), "B": math.log(0.1)}
    letters = Decoding(max_tokens=1, labels=(Label("A"), Label("B")), probabilities=True)
    [done] = Replies(CHAT).read([job(None, letters)], chat(tops))
    assert done.answers[0].logprobs == pytest.approx((math.log(0.7), math.log(0.1)))
    assert (done.text, done.prompt_tokens) == ("A", 9)


@pytest.mark.parametrize(
    ("labels", "tops"), [(("A", "tie"), {"A": -0.1, "t": -3.0}), (("1", "10"), {"1": -0.1})]
)
def test_chat_reads_no_label_that_may_be_only_a_beginning(
    labels: tuple[str, ...], tops: dict[str, float]
) -> None:
    decoding = Decoding(max_tokens=1, labels=tuple(map(Label, labels)), probabilities=True)
    [done] = Replies(CHAT).read([job(None, decoding)], chat(tops))
    assert (done.answers, done.error_kind) == ((), "engine_error")


def test_a_refusal_over_chat_is_an_answer() -> None:
    [done] = Replies(CHAT).read([job(None, TEXT)], chat({}, None, refusal="I will not."))
    assert (done.finish_reason, done.text) == ("refused", "I will not.")


def test_sglang_counts_and_reads_each_prompt_by_itself() -> None:
    tops = [[[-0.2, 32, None], [-2.0, 33, None], [None, 48731, None]]]
    meta = {"prompt_tokens": 3, "completion_tokens": 1, "cached_tokens": 2}
    meta |= {"finish_reason": {"type": "length"}, "output_token_ids_logprobs": tops}
    said = json.dumps([{"text": "A", "meta_info": meta}] * 2).encode()
    done = Replies(SGLANG).read([job(decoding=LABEL_READ)] * 2, said)
    assert [each.answers[0].logprobs for each in done] == [(-0.2, -2.0, -math.inf)] * 2
    assert [each.cached_tokens for each in done] == [2, 2]
