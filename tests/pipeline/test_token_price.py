"""Who is paid what by the token: by model, at the provider's own host, and at least so much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from msgspec import UNSET

from judgefast.engines.decisions.asked import Kept
from judgefast.pipeline.paid import Paid
from judgefast.pipeline.panel_cost import _of_tokens
from judgefast.pipeline.results import read_run, report_of
from judgefast.pipeline.token_price import OPTION, _row_of, _took_more
from judgefast.reports.text import render
from tests.pipeline.deciding import deciding
from tests.pipeline.judging import go_on, judge_rows, pairs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion
    from tests.engines.scripted import ScriptedEngine

    Change = Callable[[Request, Completion], Completion | None]


def changed(change: Change, **options: Any) -> ScriptedEngine:
    """A judge whose completions are changed; None: the request fails."""
    engine = deciding(**options)
    answer = engine._answer

    def answered(request: Request) -> Completion:
        done = answer(request)
        assert done is not None
        failed = msgspec.structs.replace(
            done, text="", answers=(), prompt_tokens=None, finish_reason="error"
        )
        return change(request, done) or msgspec.structs.replace(
            failed, error_kind="engine_error", error="boom"
        )

    engine._answer = answered
    return engine


def once(request: Request, done: Completion) -> Completion | None:
    """The first attempt at an item fails."""
    return None if request.item_id == "item-0" and request.attempt == 1 else done


def by(name: str) -> Change:
    return lambda _, done: msgspec.structs.replace(done, text=done.text.replace("their-1", name))


def price_on(out: Path, engine: ScriptedEngine, rows: int = 2, **options: Any) -> Any:
    judge_rows(out, pairs(rows), engine=engine, max_unreadable=1.0, **options)
    return priced(out)


def priced(out: Path) -> Any:
    price = report_of(read_run(out)).operations.price
    assert price is not UNSET
    return price


def test_the_tokens_of_each_model_are_priced_by_its_own_row(tmp_path: Path) -> None:
    def two(request: Request, done: Completion) -> Completion | None:
        name = "jev-1.13.0" if request.item_id == "item-0" else "gpt-6-luna"
        return by(name)(request, done)

    price = price_on(tmp_path / "run", changed(two), rows=3)
    assert price.usd == pytest.approx((200 * 0.042 + 400 * 0.1) / 1e6)
    assert (price.usd_per_million_tokens, price.prompt_tokens) == (None, 600)
    assert "TypeSafe Jev 1.13" in price.source
    assert "gpt-6-luna" in price.source
    text = " ".join(render(report_of(read_run(tmp_path / "run"))).split())
    assert "each model's own for 1 million of 600 prompt tokens" in text


REPLY = Kept("m", (), usd=0.001)
"""Of a request that failed after a part of it was answered, or whose state the server cut."""


@pytest.mark.parametrize(
    ("kept", "reason", "kind", "unseen"),
    [
        (None, "error", "too_long", 0),
        (None, "error", "invalid", 0),
        (None, "error", "timeout", 1),
        (REPLY, "error", "too_long", 1),
        (REPLY, "error", "invalid", 1),
        (REPLY, "cancelled", None, 1),
        (REPLY, "stop", None, 0),
    ],
)
def test_what_was_sent_and_failed_has_taken_more_than_is_known(
    kept: Kept | None, reason: str, kind: str | None, unseen: int
) -> None:
    paid = Paid()
    paid.add(kept, 50, reason, kind)
    assert paid.unseen == unseen


def test_a_model_that_has_no_row_is_not_priced_by_the_name_that_was_asked(tmp_path: Path) -> None:
    price = price_on(tmp_path / "run", changed(by("jev-1.14.0")), model="jev-latest")
    assert price.usd is None
    assert price.unknown.startswith("no price of `jev-1.14.0` is in the catalogue")
    nameless = price_on(tmp_path / "other", changed(by("")), model="jev-latest")
    assert nameless.source == "TypeSafe, TypeSafe Jev 1.13"


@pytest.mark.parametrize(
    ("model", "key"),
    [
        ("jev-1.13", "jev"),
        ("JEV-1.13.2", "jev"),
        ("jev-1.130", None),
        ("jev-1.14", None),
        ("gpt-6-luna-2026-10-10", "openai-decisions"),
        ("gpt-6-luna-mini", None),
        ("clef-flash", "clef-flash"),
    ],
)
def test_a_version_of_a_model_is_of_its_row_and_another_model_is_not(
    model: str, key: str | None
) -> None:
    row = _row_of(model)
    assert (row and row.key) == key


@pytest.mark.parametrize(
    ("urls", "words"),
    [
        (("https://api.typesafe.ai/v1",), None),
        (("typesafe.ai",), None),
        (("https://gateway.example.org",), "at TypeSafe, and another host was asked"),
        (("https://nottypesafe.ai",), "another host was asked"),
        (("https://api.typesafe.ai", "http://127.0.0.1:8000"), "another host was asked"),
        (("http://127.0.0.1:8000", "http://10.0.0.7"), "the servers are one's own"),
    ],
)
def test_a_row_counts_at_the_provider_s_own_host(
    urls: tuple[str, ...], words: str | None, tmp_path: Path
) -> None:
    price = price_on(tmp_path / "run", changed(by("jev-latest")), base_url=urls)
    assert (price.usd is None) == (words is not None)
    assert (words or "") in price.unknown


def test_a_price_of_some_replies_is_none_of_the_run(tmp_path: Path) -> None:
    def some(request: Request, done: Completion) -> Completion | None:
        says = request.item_id == "item-0"
        text = done.text if says else done.text.replace('"usd":0.5', '"usd":null')
        return by("jev-latest")(request, msgspec.structs.replace(done, text=text))

    price = price_on(tmp_path / "run", changed(some, usd=0.5))
    assert (price.by, price.usd) == ("catalogue", pytest.approx(400 * 0.042 / 1e6))


def test_the_latest_start_says_the_price_and_without_counts_there_is_none(tmp_path: Path) -> None:
    out = tmp_path / "run"
    given = {"engine_args": {OPTION: 2.0}}
    assert price_on(out, changed(once), **given).usd == pytest.approx(200 * 2 / 1e6)
    go_on(out, engine=changed(once), max_attempts=2, engine_args={OPTION: 3.0})
    assert priced(out).usd == pytest.approx(400 * 3 / 1e6)
    uncounted = changed(lambda _, done: msgspec.structs.replace(done, prompt_tokens=None))
    price = price_on(tmp_path / "other", uncounted, base_url=("http://127.0.0.1:1",), **given)
    assert price.unknown == "the server does not count the tokens of every reply"


def test_what_a_failed_attempt_cost_is_summed_as_far_as_it_is_known(tmp_path: Path) -> None:
    out = tmp_path / "run"
    price = price_on(out, changed(once, usd=0.25))
    assert (price.at_least, price.usd) == (True, pytest.approx(0.5))
    go_on(out, engine=changed(once, usd=0.25), max_attempts=2)
    price = priced(out)
    assert price.at_least
    assert price.usd == pytest.approx(1.0)
    assert _of_tokens(price).startswith("at least: as the server says, ")
    text = " ".join(render(report_of(read_run(out))).split())
    assert "at least $250.00 for 1,000 verdicts ($1.00 so far); what failed after it" in text

    def cut(request: Request, done: Completion) -> Completion | None:
        if request.item_id != "item-0":
            return done
        return msgspec.structs.replace(
            done, answers=(), finish_reason="error", error_kind="too_long", error="cut"
        )

    price = price_on(tmp_path / "cut", changed(cut, usd=0.25))
    assert (price.usd, price.prompt_tokens, price.verdicts) == (pytest.approx(1.0), 400, 2)


def test_a_request_that_was_refused_or_never_sent_leaves_the_sum_whole(tmp_path: Path) -> None:
    def refused(request: Request, done: Completion) -> Completion | None:
        if request.item_id != "item-0":
            return done
        return msgspec.structs.replace(
            done,
            text="",
            answers=(),
            prompt_tokens=None,
            finish_reason="error",
            error_kind="too_long",
            error="9 tokens",
        )

    price = price_on(tmp_path / "run", changed(refused, usd=0.25))
    assert (price.usd, price.at_least) == (pytest.approx(0.5), False)


def test_a_start_that_was_killed_or_sent_again_has_taken_more() -> None:
    assert _took_more({"engine": {}, "counters": {"resent": 2}})
    assert not _took_more({"engine": {}, "counters": {"resent": 0}})
    assert _took_more({"engine": {}, "counters": {"resent": 0, "unanswered": 8}})
    assert not _took_more({"engine": {}, "counters": {"resent": 0, "unanswered": 0}})
    assert _took_more({"engine": {}, "seconds": {"read": 1.0}})
    assert not _took_more({"engine": {}, "seconds": {"judge": 1.0}})
    assert not _took_more({"seconds": {"read": 1.0}})
