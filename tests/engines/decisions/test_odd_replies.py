"""Whatever a server sends: each question gets an answer that holds, or a word why it has none."""

from __future__ import annotations

import json
import math
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from judgefast.engines.decisions.asked import Kept, Put, kept_text
from judgefast.engines.decisions.dialects import DIALECTS
from judgefast.engines.decisions.lenient import count, dollars
from judgefast.engines.decisions.quirks import quirks_of
from judgefast.engines.decisions.recognise import dialect_of, recognise
from judgefast.engines.decisions.strict import read_object
from judgefast.engines.decisions.unfit import UnfitReplyError

from .asking import ASKS, STATE
from .honest import HONEST

NAMES = list(DIALECTS)
HONEST_REPLIES = {name: HONEST[name](DIALECTS[name].body("m", STATE, ASKS)) for name in NAMES}
LEAVES = st.sampled_from(
    [None, True, 0, 1, -1, 0.5, 2.5, 10**400, math.nan, -math.inf, "", "A", "q0", "\ud800", [], {}]
)


@st.composite
def spoiled(draw: st.DrawFn, name: str) -> bytes:
    """An honest reply with a few of its values or keys made others."""
    reply = json.loads(HONEST_REPLIES[name])
    for _ in range(draw(st.integers(1, 4))):
        place: Any = reply
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            inner = place[key]
            if isinstance(inner, dict | list) and inner and draw(st.integers(0, 3)):
                place = inner
                continue
            change = draw(st.integers(0, 3))
            if change == 0:
                del place[key]
            elif change == 1 and isinstance(place, dict):
                place[draw(st.sampled_from(["answers", "q1", "A", "type", "x"]))] = place.pop(key)
            else:
                place[key] = draw(LEAVES)
            break
    return json.dumps(reply).encode()


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(7, 7), (7.0, 7), (2**31 - 1, 2**31 - 1), (2**31, None), (1e30, None), (2**70, None)],
)
def test_more_tokens_than_a_table_holds_are_no_count(value: float, wanted: int | None) -> None:
    assert count(value) == wanted


def test_a_price_that_no_reply_has_is_none() -> None:
    assert dollars(0.002) == 0.002
    assert dollars(1e308) is None


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_spoiled_reply_is_read_or_is_none(name: str, data: st.DataObject) -> None:
    body = data.draw(spoiled(name))
    reply = read_object(body)
    dialect = dialect_of(reply)
    quirks = recognise(reply, reply, dialect) if dialect else quirks_of("unknown", name)
    try:
        read = DIALECTS[name].read(ASKS, body, quirks)
    except UnfitReplyError as error:
        str(error).encode()
        return
    puts = []
    for ask, answer in zip(ASKS, read.answers, strict=True):
        if answer.outcome == "ok":
            assert len(answer.probabilities) == len(ask.question.options)
            assert all(0 <= each <= 1 for each in answer.probabilities)
            assert math.fsum(answer.probabilities) == pytest.approx(1)
        else:
            assert (answer.outcome, answer.probabilities) == ("malformed", ())
            assert answer.words
        puts.append(Put(ask.order, words=answer.words, confidence=answer.confidence))
    kept_text(Kept(read.model, (tuple(puts),), read.usage.usd)).encode()
