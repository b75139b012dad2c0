"""Orders of options: each put on the wire as it is told, and averaged back to the labels."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgefast.engines.decisions.asked import Answer
from judgefast.engines.decisions.dialects import DIALECTS
from judgefast.engines.decisions.orders import asks_of, orders_of, put_of, read_of, unsupported
from judgefast.engines.decisions.quirks import quirks_of
from judgefast.prompts.questions import Option, Question, QuestionKind

SYSTEM_ONE = DIALECTS["systemone"]


def question(options: int, kind: QuestionKind = "choice") -> Question:
    """Its labels stand in another order than its options."""
    made = (Option(f"o{i}", f"option {i}", (i * 2 + 1) % options) for i in range(options))
    return Question("overall", kind, "Which?", tuple(made))


@given(st.integers(1, 9).map(lambda n: 2 * n - 1), st.sampled_from([1, 2, "all"]))
def test_every_order_is_of_all_options_and_no_two_are_alike(options: int, wanted: int) -> None:
    orders = orders_of(question(options), wanted, SYSTEM_ONE)
    assert all(sorted(order) == list(range(options)) for order in orders)
    assert len(set(orders)) == len(orders)
    assert orders[0] == tuple(range(options))
    assert len(orders) == {1: 1, 2: min(2, options), "all": options}[wanted]


def test_with_all_orders_each_option_stands_once_in_every_place() -> None:
    orders = orders_of(question(5), "all", SYSTEM_ONE)
    assert all(sorted(column) == list(range(5)) for column in zip(*orders, strict=True))


@pytest.mark.parametrize("kind", ["score", "yes_no"])
def test_levels_and_yes_or_no_are_never_turned_round(kind: QuestionKind) -> None:
    assert orders_of(question(5, kind), "all", SYSTEM_ONE) == [(0, 1, 2, 3, 4)]


def test_ids_are_neutral_and_no_two_are_alike_in_a_request() -> None:
    asks = asks_of([question(3), question(5, "score"), question(3)], "all", SYSTEM_ONE)
    assert [ask.id for each in asks for ask in each] == [f"q{n}" for n in range(7)]


@given(st.data())
def test_an_answer_is_the_mean_over_orders_at_the_place_of_each_label(data: st.DataObject) -> None:
    asked = question(data.draw(st.sampled_from([3, 5, 7])))
    rows = data.draw(
        st.lists(
            st.tuples(
                st.lists(st.floats(0, 1), min_size=len(asked.options), max_size=len(asked.options)),
                st.none() | st.floats(0.01, 1),
            ),
            min_size=1,
            max_size=4,
        )
    )
    answers = [Answer("ok", tuple(row), label_mass=mass) for row, mass in rows]
    read = read_of(4, asked, answers)
    assert read.question == 4
    known = [mass for _, mass in rows if mass is not None]
    mass = sum(known) / len(known) if known else 1
    for place, option in enumerate(asked.options):
        mean = sum(row[place] for row, _ in rows) / len(rows)
        assert math.exp(read.logprobs[option.label]) == pytest.approx(mean * mass, abs=1e-12)


def test_the_label_mass_of_an_order_is_no_weight_of_it() -> None:
    answers = [
        Answer("ok", (0.9, 0.1, 0.0), label_mass=0.9),
        Answer("ok", (0.1, 0.9, 0.0), label_mass=0.1),
    ]
    found = [math.exp(each) for each in read_of(0, question(3), answers).logprobs]
    assert sorted(found) == pytest.approx([0, 0.25, 0.25])


def test_a_label_mass_that_was_rounded_to_nothing_leaves_the_answer() -> None:
    answers = [Answer("ok", (0.75, 0.25, 0.0), label_mass=0.0)]
    found = sorted(math.exp(each) for each in read_of(0, question(3), answers).logprobs)
    assert found[2] / (found[1] + found[2]) == pytest.approx(0.75)


def test_one_order_that_is_declined_or_malformed_makes_the_question_so() -> None:
    good = Answer("ok", (0.5, 0.25, 0.25))
    malformed, refused = Answer("malformed", words="x"), Answer("refused")
    asked = question(3)
    assert read_of(0, asked, [good, malformed]).logprobs == (-math.inf,) * 3
    assert read_of(0, asked, [good, refused]).logprobs == ()
    assert read_of(0, asked, [malformed, refused]).logprobs == ()


def test_what_is_kept_is_by_position_on_the_wire() -> None:
    ((ask, turned),) = asks_of([question(3)], 2, SYSTEM_ONE)
    answer = Answer("ok", (0.5, 0.3, 0.2), sum_raw=0.99, confidence=0.4)
    assert put_of(ask, answer).p == (0.5, 0.3, 0.2)
    kept = put_of(turned, answer)
    assert (kept.order, kept.p, kept.sum, kept.confidence) == (
        (2, 1, 0),
        (0.2, 0.3, 0.5),
        0.99,
        0.4,
    )


def test_a_question_beyond_the_limits_of_a_server_is_named_with_them() -> None:
    vllm = quirks_of("vllm", "systemone")
    said = unsupported(question(27), SYSTEM_ONE, vllm)
    assert said == "the question about `overall` has 27 options, and the server takes 26"
    assert not unsupported(question(25), SYSTEM_ONE, vllm)
    said = unsupported(question(11, "score"), SYSTEM_ONE, vllm)
    assert said == "the question about `overall` has 11 levels, and the server takes 10"
    said = unsupported(question(1, "score"), SYSTEM_ONE, vllm)
    assert said.endswith("has 1 levels, and the server takes no fewer than 2")
    said = unsupported(Question("q", "yes_no", "?", ()), SYSTEM_ONE, vllm)
    assert said == "the question about `q` has no labels to choose from"
