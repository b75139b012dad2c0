"""No row is lost: the sums of a report, checked each time one is made."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.reports.report import Counts, LostRowsError, Report
from judgefast.reports.text import render

REASONS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 10**9))


@given(
    items=st.integers(0, 10**9),
    parsed=st.integers(0, 10**9),
    parts=st.tuples(REASONS, REASONS, REASONS, REASONS),
    error=st.integers(-3, 3),
)
@settings(max_examples=60)
def test_only_counts_that_add_up_pass(
    items: int, parsed: int, parts: tuple[dict[str, int], ...], error: int
) -> None:
    skipped, unparsed, failed, not_judged = parts
    of_plan = [parsed, *unparsed.values(), *failed.values(), *not_judged.values()]
    for read_off, planned_off in ((error, 0), (0, error)):
        counts = Counts(
            read=items + sum(skipped.values()) + read_off,
            items=items,
            skipped=skipped,
            planned=sum(of_plan) + planned_off,
            parsed=parsed,
            unparsed=unparsed,
            failed=failed,
            not_judged=not_judged,
        )
        if error:
            with pytest.raises(LostRowsError, match="do not add up"):
                counts.check()
        else:
            counts.check()


def test_the_message_shows_the_sum() -> None:
    counts = Counts(read=3, items=2, planned=5, parsed=1, failed={"timeout": 2})
    with pytest.raises(LostRowsError) as caught:
        counts.check()
    assert str(caught.value) == "the counts do not add up: 3 read, but 2 items + 0 skipped"


def test_a_negative_count_is_no_way_to_make_a_sum_right() -> None:
    counts = Counts(read=1, items=1, planned=1, parsed=2, failed={"timeout": -1})
    with pytest.raises(LostRowsError, match="1 planned, but 2 parsed"):
        counts.check()


def test_a_report_that_lost_rows_is_not_printed(follower: Report) -> None:
    counts = msgspec.structs.replace(follower.results.counts, parsed=69)
    results = msgspec.structs.replace(follower.results, counts=counts)
    with pytest.raises(LostRowsError):
        render(msgspec.structs.replace(follower, results=results))
