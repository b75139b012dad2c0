"""The plan beside the bill: what agrees says so, what does not has a reason or is flagged."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from judgefast.batches.columns import NONE
from judgefast.batches.sharing import Sharing
from judgefast.reports.bill import BillSums, bill_notes
from judgefast.reports.report import Operations, Report, SendingOrder
from judgefast.reports.text import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from judgefast.reports.report import Bill

PLANNED = 1000
CACHED = 800


class Plan:
    """Three requests, in two parts of the plan."""

    def __init__(self, cached: int | None = CACHED) -> None:
        self.cached = cached
        self.plan_counts = {"cache_block_tokens": 16, "cache_tokens": 200_000, "cache_running": 64}

    def plan_requests(self, columns: tuple[str, ...]) -> Iterator[pa.RecordBatch]:
        for rows in (2, 1):
            data = {
                "prompt_tokens": [PLANNED] * rows,
                "planned_cached_tokens": [self.cached] * rows,
            }
            yield pa.RecordBatch.from_pydict({name: data[name] for name in columns})


def bill(
    counted: list[tuple[int | None, int | None]],
    launches: list[dict[str, Any]],
    *,
    final: tuple[int, ...] = (1, 1, 0),
    superseded: int = 0,
    cached: int | None = CACHED,
    asked_by: NDArray[np.uint32] = NONE,
    order: SendingOrder | None = None,
) -> Bill | None:
    """The bill of three requests of which two are answered, and one failed."""
    sums = BillSums()
    rows = [*counted, (None, None)]
    sums.add(
        pa.RecordBatch.from_pydict(
            {
                "finish_reason": pa.array(["stop"] * len(counted) + ["error"]).dictionary_encode(),
                "prompt_tokens": pa.array([prompt for prompt, _ in rows], pa.int32()),
                "cached_tokens": pa.array([hit for _, hit in rows], pa.int32()),
            }
        )
    )
    answers = SimpleNamespace(
        final_attempt=np.array(final), num_superseded=superseded, sharing=Sharing(asked_by)
    )
    return sums.bill(Plan(cached), answers, launches, order)  # type: ignore[arg-type]  # what of them is looked at


UNKNOWN = ", and nothing that is known explains it"
ONE = [{"engine": {"engine": "vllm"}}]


def test_what_agrees_within_one_per_cent_needs_no_word(scorer: Report) -> None:
    found = bill([(PLANNED, CACHED), (PLANNED, CACHED - 10)], ONE)
    assert found is not None
    assert (found.requests, found.planned_prompt, found.counted_prompt) == (2, 2000, 2000)
    assert (found.planned_cached, found.counted_cached) == (1600, 1590)
    assert found.differs == []
    assert bill_notes(found) == []
    shown = render(Report(results=scorer.results, operations=Operations(bill=found)))
    assert "plan          prompt 2,000 (1,600 cached) of 2 answered requests; within 1 %" in shown


def test_a_difference_that_nothing_explains_is_flagged() -> None:
    found = bill([(PLANNED, CACHED), (PLANNED + 100, CACHED - 100)], ONE)
    assert bill_notes(found) == [
        "2,100 prompt tokens were counted, 4.8 % more than the 2,000 of the plan" + UNKNOWN,
        "1,500 cached tokens were counted, 6.2 % fewer than the 1,600 of the plan" + UNKNOWN,
    ]


@pytest.mark.parametrize(
    ("launches", "superseded", "why"),
    [
        (ONE * 2, 0, "2 starts, each with an empty cache"),
        ([{"engine": {"replicas": 2}}], 0, "2 replicas, each with a cache of its own"),
        (ONE, 3, "3 answers came to requests that had one"),
        (
            [{"engine": {}, "cache": {"block_tokens": 16, "cache_tokens": 9_984, "running": 128}}],
            0,
            (
                "the size of the cache was assumed before the start: room for 200,000 tokens, and "
                "it was 9,984, 64 requests at work at once, and it was 128"
            ),
        ),
        (
            [{"engine": {"enable_prefix_caching": False}}],
            0,
            "the engine keeps nothing of the prompts that it has read",
        ),
        (
            [{"engine": {}, "counters": {"preemptions": 4, "restarts": 1}}],
            0,
            (
                "4 requests were thrown out half done, for lack of memory, and done again; "
                "the engine's process was started again 1 times, each with an empty cache"
            ),
        ),
        (
            [{"engine": {"base_urls": ["http://x"]}, "counters": {"server_prompt_tokens": 9000}}],
            0,
            "the servers read 7,000 prompt tokens for others meanwhile",
        ),
        (
            [{"engine": {"base_urls": ["http://x"]}}],
            0,
            "a server's cache is its own: its size, and who else uses it, is unknown",
        ),
    ],
)
def test_a_difference_is_explained_by_what_is_known(
    launches: list[dict[str, Any]], superseded: int, why: str
) -> None:
    found = bill([(PLANNED, CACHED), (PLANNED, 0)], launches, superseded=superseded)
    assert found is not None
    assert found.differs == ["cached"]
    assert bill_notes(found) == [
        f"800 cached tokens were counted, 50.0 % fewer than the 1,600 of the plan: {why}"
    ]


def test_a_cache_that_was_as_assumed_or_is_not_known_explains_nothing() -> None:
    known = {"block_tokens": 16, "cache_tokens": 200_000, "running": 64}
    for cache in (known, dict.fromkeys(known), {}):
        found = bill([(PLANNED, CACHED), (PLANNED, 0)], [{"engine": {}, "cache": cache}])
        assert found is not None
        assert (found.differs, found.because) == (["cached"], [])


def test_what_nobody_counts_is_unknown_and_not_zero() -> None:
    found = bill([(PLANNED, None), (PLANNED, None)], ONE)
    assert found is not None
    assert (found.counted_cached, found.differs) == (None, [])
    without = bill([(PLANNED, 1), (PLANNED, 1)], ONE, cached=None)
    assert without is not None
    assert (without.planned_cached, without.differs) == (None, [])
    assert bill([(PLANNED, 1), (None, None)], ONE) is None
    assert bill([], ONE) is None


def test_a_request_that_answers_several_judgments_is_one_of_the_bill() -> None:
    asked_by = np.array([0, 0, 2, 3], np.uint32)
    counted = [(PLANNED, CACHED)] * 2
    found = bill(counted, ONE, final=(1, 0, 0, 1), asked_by=asked_by)
    assert found is not None
    assert (found.requests, found.planned_prompt, found.differs) == (2, 2000, [])


def test_another_order_explains_another_cache() -> None:
    order = SendingOrder(planned="a", sent="b", requests=3, known=3)
    found = bill([(PLANNED, 0), (PLANNED, CACHED)], ONE, order=order)
    assert found is not None
    assert found.because == ["requests were not sent in the order of the plan"]
