"""Tokens as servers count them: the only ones that know what a list found in a cache."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.engines.http.metrics import Counted, read_counters

from .judging import Judging, assert_complete
from .protocols import Cache
from .test_faults_of_connection import wait_until

if TYPE_CHECKING:
    from .judging import Ran

LISTS = {"list_size": 8}


def operations(ran: Ran) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ran.data)["operations"]
    return found


@settings(max_examples=20)
@given(st.lists(st.tuples(*[st.integers(0, 1 << 40)] * 3), min_size=1, max_size=3))
def test_counters_of_all_engines_of_a_server_are_added_up(
    counts: list[tuple[int, int, int]],
) -> None:
    texts = []
    for prompt, cached, generated in counts:
        cache = Cache()
        cache.queries, cache.hits, cache.generated = prompt, cached, generated
        texts.append(cache.metrics('a "model" {x}'))
    expected = Counted(*(sum(each) for each in zip(*counts, strict=True)))
    assert read_counters("".join(texts)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        "llamacpp:prompt_tokens_total 5",
        "vllm:prompt_tokens_total 5\n",
        *(Cache().metrics("m").replace(" 0.0", f" {odd}") for odd in ("1e", "1e999", "-", "NaN")),
    ],
)
def test_what_a_server_does_not_count_is_not_made_up(text: str) -> None:
    assert read_counters(text) is None


def test_cached_tokens_of_lists_are_unknown_in_the_report_but_for_what_the_server_counts(
    server: Any, judging: Judging, names: list[str]
) -> None:
    with server() as one:
        ran = judging.run(one.url, options=LISTS)
        assert_complete(ran, names)
        assert max(one.log.lengths) > 1
        assert 1 in one.log.lengths, "those of single requests are known, and are no sum"
        spent = operations(ran)
        rows = ran.completions()
        prompt = sum(row["prompt_tokens"] for row in rows)
        assert spent["tokens"] | {"reasoning": None} == {
            "prompt": prompt,
            "cached": None,
            "computed": None,
            "completion": len(rows),
            "reasoning": None,
        }
        counted = spent["servers"]
        assert (counted["prompt"], counted["completion"]) == (prompt, len(rows))
        assert 0 < counted["cached"] == prompt - counted["computed"]
        assert f"prompt {prompt:,} (cached unknown)" in (shown := judging.report())
        assert f"({counted['cached']:,} cached, {counted['computed']:,} computed)" in shown
        assert "for all their users" in " ".join(shown.split())


def test_cached_tokens_of_single_requests_are_those_that_the_server_counts(
    server: Any, judging: Judging, names: list[str]
) -> None:
    with server() as one:
        ran = judging.run(one.url, options={"list_size": 1})
        assert_complete(ran, names)
        spent = operations(ran)
        assert 0 < spent["tokens"]["cached"] == spent["servers"]["cached"]


def test_servers_that_do_not_count_or_began_anew_leave_it_unknown(
    server: Any, judging: Judging, names: list[str]
) -> None:
    with server(flavour="plain") as one:
        ran = judging.run(one.url, tokenizer=False, out="plain")
        assert_complete(ran, names)
        assert operations(ran)["servers"] is None
    with server(rules=[{"do": "die", "first": 3}], seconds=0.01, flavour="vllm") as one:
        process = judging.start(one.url, options={"list_size": 1, "concurrency": 2})
        wait_until(lambda: one._process.poll() is not None)
        one.kill()
        one.start(rules=[])
        process.communicate()
        assert process.returncode == 0
        assert operations(judging.resume())["servers"] is None


def test_a_launch_that_was_killed_takes_its_share_of_the_count_with_it(
    server: Any, judging: Judging, names: list[str]
) -> None:
    with server(seconds=0.05) as one:
        process = judging.start(one.url, options={"list_size": 1, "concurrency": 2})
        wait_until(lambda: sum(one.log.times("answered").values()) >= 6)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        ran = judging.resume()
        assert_complete(ran, names)
        assert operations(ran)["servers"] is None
