"""No row is lost and none invented, whatever the engine does."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from judgefast.codes import Status
from judgefast.errors import DataError
from judgefast.pipeline.results import read_run, report_of
from judgefast.reports.console import Look
from judgefast.reports.text import render
from tests.engines.scripted import ScriptedEngine, answered, failed
from tests.pipeline.judging import attempts_of, by_hash, go_on, judge_rows, pairs, results_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion

SAID: dict[str, tuple[str, Status]] = {
    "read": ("A", Status.PARSED),
    "nothing": ("", Status.EMPTY),
    "cut": ("The first", Status.TRUNCATED),
    "refusal": ("I'm sorry, but I can't help with that.", Status.REFUSED),
    "prose": ("Both have merits.", Status.NO_VERDICT),
    "error": ("", Status.ENGINE_ERROR),
    "too long": ("", Status.TOO_LONG),
    "timeout": ("", Status.TIMEOUT),
    "silent": ("", Status.TIMEOUT),
    "cancelled": ("", Status.INTERRUPTED),
}
PATIENCE = 0.25
"""Seconds: long enough that on a busy machine only the silent ones are overdue."""
NOT_FINAL = {"error", "timeout", "silent", "cancelled"}


def completion(request: Request, kind: str) -> Completion | None:
    text, status = SAID[kind]
    if kind == "silent":
        return None
    if kind in {"error", "too long", "timeout"}:
        name = "engine_error" if kind == "error" else status.label
        return msgspec.structs.replace(failed(request), error_kind=name)
    reasons = {"cut": "length", "cancelled": "cancelled"}
    return msgspec.structs.replace(answered(request, text), finish_reason=reasons.get(kind, "stop"))


def scripted(
    kinds: Sequence[str], used: dict[bytes, str]
) -> Callable[[Request], Completion | None]:
    def answer(request: Request) -> Completion | None:
        number = int.from_bytes(hashlib.sha256(request.request_id).digest()[:4], "little")
        used[request.request_id] = kinds[number % len(kinds)]
        return completion(request, used[request.request_id])

    return answer


@settings(max_examples=20, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    st.lists(st.sampled_from(sorted(SAID)), min_size=1, max_size=12),
    st.lists(st.sampled_from(sorted(SAID)), min_size=1, max_size=12),
    st.integers(1, 12),
    st.integers(1, 9),
)
def test_every_judgment_is_in_one_term_of_the_sum_after_each_start(
    first: list[str], second: list[str], items: int, batch: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        used: dict[bytes, str] = {}
        engine = ScriptedEngine(scripted(first, used), batch=batch, room=5)
        judge_rows(out, pairs(items), engine=engine, request_seconds=PATIENCE)
        expected = Counter(SAID[kind][1].label for kind in used.values())
        check(out, expected, items)

        again: dict[bytes, str] = {}
        go_on(
            out,
            engine=ScriptedEngine(scripted(second, again), batch=batch),
            request_seconds=PATIENCE,
        )
        assert again.keys() == {key for key, kind in used.items() if kind in NOT_FINAL}
        used |= {key: kind for key, kind in again.items() if kind != "cancelled"}
        expected = Counter(SAID[kind][1].label for kind in used.values())
        check(out, expected, items)


def check(out: Path, expected: Counter[str], items: int) -> None:
    report = report_of(read_run(out))
    counts = report.results.counts
    assert (counts.read, counts.items, counts.planned) == (items, items, 2 * items)
    found = counts.unparsed | counts.failed | counts.not_judged
    assert found | ({"parsed": counts.parsed} if counts.parsed else {}) == dict(expected)
    text = render(report, Look(width=100, color=False))
    assert f"{2 * items:,} planned = {counts.parsed:,} parsed" in text
    journaled = [row for row in attempts_of(out) if row["prompt_tokens"] is not None]
    assert (report.operations.tokens.prompt or 0) == 10 * len(journaled)
    assert report.operations.attempts == len(attempts_of(out))


def test_an_error_without_a_kind_is_the_engines(tmp_path: Path) -> None:
    judge_rows(
        tmp_path / "run",
        pairs(2),
        lambda r: msgspec.structs.replace(failed(r), error_kind=None),
    )
    assert results_of(tmp_path / "run").counts.failed == {"engine_error": 4}


def test_skipped_rows_are_counted_on_the_first_screen(tmp_path: Path) -> None:
    rows = [*pairs(3), {"id": "x", "question": "Why?"}, {"id": "y", "question": 7}]
    judge_rows(tmp_path / "run", rows, on_bad_row="skip")
    report = report_of(read_run(tmp_path / "run"))
    assert (report.results.counts.read, report.results.counts.items) == (5, 3)
    assert sum(report.results.counts.skipped.values()) == 2
    first = render(report, Look(width=100, color=False)).splitlines()[:12]
    assert any("5 read = 3 items + 2 skipped" in line for line in first)


def test_data_of_bad_rows_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        judge_rows(tmp_path / "run", [{"id": "x"}, {"id": "y"}], on_bad_row="skip")


def test_surrogates_of_rows_and_replies_become_replacement_characters_and_are_counted(
    tmp_path: Path,
) -> None:
    rows = pairs(3)
    rows[0]["question"] = "cut \ud83d emoji"
    seen = []

    def answer(request: Request) -> Completion:
        assert request.prompt is not None
        if request.item_id == "item-0":
            seen.append(request.prompt.text if hasattr(request.prompt, "text") else "")
            return answered(request, "A \udc00\ud83d")
        if request.item_id == "item-1":
            return failed(request, "bad \ud800 words")
        return by_hash(request)

    out = tmp_path / "run"
    judge_rows(out, rows, answer)
    assert results_of(out).replaced_surrogates == 1 + 2 * 2, "what does not count is not counted"
    said = {row["text"] for row in attempts_of(out)} | {row["error"] for row in attempts_of(out)}
    assert {"A \ufffd\ufffd", "bad \ufffd words"} <= said
    go_on(out)
    assert results_of(out).replaced_surrogates == 1 + 2 * 2
