"""Completions joined to the plan: which part of one is read, and as what."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.codes import CHOICE_NONE, Status
from judgefast.engines.base import Completion, LabelRead
from judgefast.errors import ColumnError
from judgefast.journal.columns import to_batch
from judgefast.prompts.verdict_format import VerdictFormat, VerdictLabel
from judgefast.verdicts.table import VerdictTable

if TYPE_CHECKING:
    import random

    from judgefast.verdicts.columns import VerdictColumns

AB = VerdictFormat(
    name="label",
    labels=(VerdictLabel(text="A", choice="first"), VerdictLabel(text="B", choice="second")),
)
LIKELY_A, LIKELY_B = (math.log(0.9), math.log(0.1)), (math.log(0.2), math.log(0.8))


def read(**fields: Any) -> VerdictColumns:
    table = VerdictTable(np.zeros((1, 16), np.uint8), AB, planned=np.zeros(1, np.uint8))
    given = {"request_id": bytes(16), "attempt": 1, "lane": 0, "text": "", "finish_reason": "stop"}
    table.add_live([Completion(**given | fields)], "a")
    return table.verdicts()


def test_the_first_question_is_read_wherever_its_answer_stands() -> None:
    for answers in (
        (LabelRead(0, LIKELY_A), LabelRead(1, LIKELY_B)),
        (LabelRead(1, LIKELY_B), LabelRead(0, LIKELY_A)),
    ):
        verdicts = read(answers=answers)
        assert (verdicts.status[0], verdicts.choice[0]) == (Status.PARSED, 0)
        np.testing.assert_allclose(verdicts.p_labels, [[0.9, 0.1]], rtol=1e-6)


def test_a_label_too_unlikely_for_the_journal_counts_as_0_without_a_warning() -> None:
    verdicts = read(answers=(LabelRead(0, (-0.1, -1e300)),))
    assert verdicts.status[0] == Status.PARSED
    assert verdicts.p_labels.tolist() == [[1.0, 0.0]]


def test_without_probabilities_the_text_is_read() -> None:
    verdicts = read(text="B")
    assert (verdicts.status[0], verdicts.choice[0]) == (Status.PARSED, 1)
    assert np.isnan(verdicts.p_labels).all()


@pytest.mark.parametrize("text", ["", "A", "I think"])
def test_what_a_filter_withheld_is_refused_whatever_came_through(text: str) -> None:
    verdicts = read(text=text, finish_reason="refused")
    assert verdicts.status[0] == Status.REFUSED
    assert np.isnan(verdicts.strength[0])


def test_a_row_gets_its_status_once(monkeypatch: pytest.MonkeyPatch) -> None:
    put: list[int] = []
    real = VerdictTable._put

    def watched(table: VerdictTable, rows: Any, verdicts: VerdictColumns) -> None:
        put.extend(verdicts.status.tolist())
        real(table, rows, verdicts)

    monkeypatch.setattr(VerdictTable, "_put", watched)
    read(text="A", finish_reason="refused")
    assert put == [Status.REFUSED]


def test_a_snapshot_stays_as_it_was_and_waits_for_the_batch_that_is_added(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = VerdictTable(np.zeros((1, 16), np.uint8), AB, planned=np.zeros(1, np.uint8))
    given = {"request_id": bytes(16), "lane": 0, "finish_reason": "stop", "text": ""}
    first = Completion(**given, attempt=1, answers=(LabelRead(0, LIKELY_A),))
    second = Completion(**given, attempt=2, answers=(LabelRead(0, LIKELY_B),))
    table.add_live([first], "a")
    before = table.snapshot()
    table.add_live([second], "a")
    assert before.choice[0] == 0
    np.testing.assert_allclose(before.p_labels, [[0.9, 0.1]], rtol=1e-6)
    np.testing.assert_allclose(table.snapshot().p_labels, [[0.2, 0.8]], rtol=1e-6)
    real, taken = VerdictTable._put, []

    def slow(table: VerdictTable, rows: Any, verdicts: VerdictColumns) -> None:
        thread = threading.Thread(target=lambda: taken.append(table.snapshot()))
        thread.start()
        thread.join(0.05)
        assert not taken
        real(table, rows, verdicts)
        threads.append(thread)

    threads: list[threading.Thread] = []
    monkeypatch.setattr(VerdictTable, "_put", slow)
    table.add_live([Completion(**given, attempt=3, answers=(LabelRead(0, LIKELY_A),))], "a")
    threads[0].join(10)
    assert taken[0].choice[0] == 0


def test_a_text_that_takes_the_place_of_probabilities_leaves_none_of_them() -> None:
    table = VerdictTable(np.zeros((1, 16), np.uint8), AB, planned=np.zeros(1, np.uint8))
    given = {"request_id": bytes(16), "lane": 0, "finish_reason": "stop"}
    first = Completion(**given, attempt=1, text="", answers=(LabelRead(0, LIKELY_A),))
    table.add_live([first], "a")
    assert table.verdicts().choice[0] == 0
    table.add_live([Completion(**given, attempt=2, text="B")], "a")
    verdicts = table.verdicts()
    assert verdicts.choice[0] == 1
    assert np.isnan(verdicts.p_labels).all()
    assert np.isnan(verdicts.label_mass).all()


@pytest.mark.parametrize(
    ("text", "finish_reason", "status"),
    [
        ("A", "stop", Status.PARSED),
        ("I see [[A", "stop", Status.NO_VERDICT),
        ("A", "length", Status.TRUNCATED),
    ],
)
def test_a_text_is_cut_where_its_tokens_were_used_up(
    text: str, finish_reason: str, status: Status
) -> None:
    assert read(text=text, finish_reason=finish_reason).status[0] == status


@pytest.mark.parametrize("logprobs", [(math.nan,) * 2, LIKELY_A[:1], (*LIKELY_A, -9.0)])
def test_probabilities_that_cannot_be_those_of_the_labels_are_malformed(
    logprobs: tuple[float, ...],
) -> None:
    verdicts = read(text="B", answers=(LabelRead(0, logprobs),))
    assert verdicts.status[0] == Status.MALFORMED
    assert np.isnan(verdicts.p_labels).all()


came_back = st.builds(
    Completion,
    request_id=st.integers(0, 4).map(lambda number: number.to_bytes(16, "little")),
    attempt=st.integers(1, 2),
    lane=st.just(0),
    text=st.sampled_from(["A", "B", "no idea", ""]),
    finish_reason=st.sampled_from(["stop", "length", "refused", "error", "cancelled"]),
    answers=st.sampled_from([(), (LabelRead(0, LIKELY_A),), (LabelRead(0, LIKELY_B),)]),
    replaced_surrogates=st.integers(0, 2),
    error_kind=st.sampled_from([None, "timeout", "too_long", "engine_error"]),
)


@settings(max_examples=60, deadline=None)
@given(
    launches=st.lists(st.lists(came_back, max_size=12), min_size=1, max_size=3),
    size=st.integers(1, 5),
    order=st.randoms(use_true_random=False),
)
def test_batches_of_any_size_in_any_order_give_the_same_table(
    launches: list[list[Completion]], size: int, order: random.Random
) -> None:
    ids = np.frombuffer(b"".join(n.to_bytes(16, "little") for n in range(5)), np.uint8)
    ids = ids.reshape(-1, 16)
    whole, other = (VerdictTable(ids, AB, planned=np.zeros(5, np.uint8)) for _ in range(2))
    parts = []
    for number, completions in enumerate(launches):
        name = f"{number:032x}"
        if completions:
            whole.add(to_batch(completions, launch=name, first_row=0))
        for start in range(0, len(completions), size):
            part = completions[start : start + size]
            parts.append(to_batch(part, launch=name, first_row=start))
    order.shuffle(parts)
    for part in parts:
        other.add(part)
    for name, column in whole.verdicts()._asdict().items():
        np.testing.assert_array_equal(getattr(other.verdicts(), name), column, err_msg=name)
    np.testing.assert_array_equal(other.replaced_surrogates, whole.replaced_surrogates)
    assert other.answers.by_launch() == whole.answers.by_launch()
    assert [other.answers.place(row) for row in range(5)] == [
        whole.answers.place(row) for row in range(5)
    ]


READ = {"A": (Status.PARSED, 0), "B": (Status.PARSED, 1), "": (Status.EMPTY, CHOICE_NONE)}


def said_by(completion: Completion) -> tuple[Status, int]:
    """What an answer comes to, by a table."""
    if completion.answers:
        return Status.PARSED, int(completion.answers[0].logprobs == LIKELY_B)
    if completion.finish_reason == "refused":
        return Status.REFUSED, CHOICE_NONE
    if completion.finish_reason == "length":
        return Status.TRUNCATED, CHOICE_NONE
    return READ.get(completion.text, (Status.NO_VERDICT, CHOICE_NONE))


def counted_of(
    by_name: dict[str, list[Completion]], request: int
) -> tuple[tuple[int, str, int, Completion] | None, list[Completion]]:
    """The answer of a request that counts, with what it is chosen by; and all that failed."""
    mine = [
        (-one.attempt, launch, row, one)
        for launch, completions in by_name.items()
        for row, one in enumerate(completions)
        if one.request_id[0] == request
    ]
    final = [each for each in mine if each[3].finish_reason not in {"error", "cancelled"}]
    failed = [each[3] for each in mine if each[3].finish_reason == "error"]
    return min(final, key=lambda each: each[:3], default=None), failed


def failure_of(completion: Completion) -> Status:
    return Status[(completion.error_kind or "engine_error").upper()]


@settings(max_examples=60, deadline=None)
@given(
    earlier=st.lists(came_back, max_size=8),
    live=st.lists(came_back, max_size=16),
    size=st.integers(1, 5),
    name=st.sampled_from(["0" * 32, "2" * 32]),
)
def test_what_has_just_come_is_read_as_the_journal_is_read_later(
    earlier: list[Completion], live: list[Completion], size: int, name: str
) -> None:
    ids = np.frombuffer(b"".join(n.to_bytes(16, "little") for n in range(4)), np.uint8)
    ids = ids.reshape(-1, 16)
    by_id = {row.tobytes() for row in ids}
    by_name = {"1" * 32: earlier, name: live}
    now, later = (VerdictTable(ids, AB, planned=np.zeros(4, np.uint8)) for _ in range(2))
    beside = now.beside(AB)
    for launch, completions in by_name.items():
        if completions:
            later.add(to_batch(completions, launch=launch, first_row=0))
    if earlier:
        now.add(to_batch(earlier, launch="1" * 32, first_row=0))
    told: list[tuple[Completion, int]] = []
    for start in range(0, len(live), size):
        status, places = now.add_live(live[start : start + size], name)
        told += zip([live[start + place] for place in places], status.tolist(), strict=True)
    assert [one for one, _ in told] == [one for one in live if one.request_id in by_id]
    for one, status in told:
        assert one.finish_reason != "error" or status == failure_of(one)
    for field, column in later.verdicts()._asdict().items():
        for table in (now, beside):
            np.testing.assert_array_equal(getattr(table.verdicts(), field), column, err_msg=field)
    np.testing.assert_array_equal(now.replaced_surrogates, later.replaced_surrogates)
    for count in ("num_final", "num_failed", "num_cancelled", "num_unknown", "num_superseded"):
        assert getattr(now.answers, count) == getattr(later.answers, count), count
    assert now.answers.by_launch() == later.answers.by_launch()

    assert_counted(now, by_name)


def assert_counted(table: VerdictTable, by_name: dict[str, list[Completion]]) -> None:
    """The table holds, of each request, what the rule of `docs/formats.md` says."""
    verdicts = table.verdicts()
    for request in range(4):
        best, failed = counted_of(by_name, request)
        expected: tuple[int, int] = (Status.INTERRUPTED, CHOICE_NONE)
        if best is not None:
            expected = said_by(best[3])
            assert table.answers.place(request) == (best[1], best[2])
            assert table.replaced_surrogates[request] == best[3].replaced_surrogates
        elif failed:
            _, code = max((one.attempt, failure_of(one)) for one in failed)
            expected = code, CHOICE_NONE
        assert (verdicts.status[request], verdicts.choice[request]) == expected


def test_probabilities_are_read_with_the_precision_of_the_journal() -> None:
    completion = Completion(
        request_id=bytes(16),
        attempt=1,
        lane=0,
        text="",
        finish_reason="stop",
        answers=(LabelRead(0, (math.log(1 / 3), math.log(2 / 3))),),
    )
    now, later = (
        VerdictTable(np.zeros((1, 16), np.uint8), AB, planned=np.zeros(1, np.uint8))
        for _ in range(2)
    )
    now.add_live([completion], "a")
    later.add(to_batch([completion], launch="a", first_row=0))
    for field in ("strength", "p_labels", "label_mass"):
        mine, theirs = getattr(now.verdicts(), field), getattr(later.verdicts(), field)
        assert mine.tobytes() == theirs.tobytes(), field


def test_an_id_of_another_length_is_refused() -> None:
    table = VerdictTable(np.zeros((1, 16), np.uint8), AB, planned=np.zeros(1, np.uint8))
    given = {"attempt": 1, "lane": 0, "text": "A", "finish_reason": "stop"}
    two = [Completion(request_id=bytes(length), **given) for length in (12, 20)]
    with pytest.raises(ColumnError, match=r"row 0 of `request_id` holds 12 bytes; allowed: 16"):
        table.add_live(two, "a")


def test_room_for_probabilities_is_made_when_the_first_are_read() -> None:
    ids = np.arange(32, dtype=np.uint8).reshape(2, 16)
    table = VerdictTable(ids, AB, planned=np.zeros(2, np.uint8))
    given = {"attempt": 1, "lane": 0, "finish_reason": "stop"}
    table.add_live([Completion(**given, request_id=ids[0].tobytes(), text="A")], "a")
    assert table.verdicts().p_labels.shape == (2, 0)
    read = LabelRead(0, LIKELY_B)
    table.add_live(
        [Completion(**given, request_id=ids[1].tobytes(), text="", answers=(read,))], "a"
    )
    verdicts = table.verdicts()
    np.testing.assert_allclose(verdicts.p_labels, [[np.nan] * 2, [0.2, 0.8]], rtol=1e-6)
    assert verdicts.choice.tolist() == [0, 1]
