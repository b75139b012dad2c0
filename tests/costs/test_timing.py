"""Seconds of a workload are those of an engine that is lived through step by step."""

from __future__ import annotations

import math
from statistics import mean, pstdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.costs.ranges import Range
from judgefast.costs.rates import Rates
from judgefast.costs.timing import Timed, batch_of, length_of, time_of
from judgefast.costs.workload import Answers, Workload

from .step_by_step import Engine


def rates(**given: float | None) -> Rates:
    terms = {"prompt_token": 1e-4, "step": 0.01, "sequence": 1e-4, "context_token": 1e-7}
    return Rates(**{**terms, **given}, error=0.0, basis="given", because="a test")


def workload(prompt: int, computed: float, answers: list[int]) -> Workload:
    many, length = len(answers), mean(answers)
    return Workload(
        items=many,
        judgments=many,
        requests=many,
        prompt_tokens=many * prompt,
        computed_tokens=Range.exactly(many * computed),
        longest_prompt=prompt,
        answers=Answers(
            mean=Range.exactly(length),
            spread=pstdev(answers) / length,
            most=max(answers),
            basis="given",
            because="a test",
        ),
        basis="given",
        because="a test",
    )


def timed(asked: Workload, engine: Engine) -> Timed:
    return time_of(
        asked,
        engine.rates,
        room_tokens=engine.room,
        max_num_seqs=engine.places,
        max_num_batched_tokens=engine.chunk,
    )


@st.composite
def engines(draw: st.DrawFn) -> Engine:
    prompt = draw(st.integers(20, 600))
    share = draw(st.sampled_from([0.1, 0.5, 1.0]))
    return Engine(
        rates(
            prompt_pair=draw(st.sampled_from([0.0, 1e-7])),
            step=draw(st.sampled_from([1e-3, 2e-2])),
            context_token=draw(st.sampled_from([0.0, 1e-6])),
            request=draw(st.sampled_from([0.0, 1e-3])),
            experts=draw(st.sampled_from([0.0, 1e-2])),
            expert_share=0.1,
            window=draw(st.sampled_from([None, 64])),
            window_share=0.5,
        ),
        prompt=prompt,
        computed=max(1, int(prompt * share)),
        room=math.inf,
        places=draw(st.sampled_from([4, 16, 64])),
        chunk=draw(st.sampled_from([512, 8192])),
    )


@settings(max_examples=30, deadline=None)
@given(engines(), st.lists(st.integers(8, 60), min_size=40, max_size=150))
def test_the_sums_come_to_what_an_engine_takes_step_by_step(
    engine: Engine, answers: list[int]
) -> None:
    found = timed(workload(engine.prompt, engine.computed, answers), engine)
    # Of few waves the last is much, and how long it is hangs on one answer.
    allowed = 0.08 + 0.6 * found.batch / len(answers)
    assert found.seconds == pytest.approx(engine.run(answers), rel=allowed)


@pytest.mark.parametrize("answer", [2, 8, 60])
@pytest.mark.parametrize("many", [1, 10, 64, 100, 160, 640])
@pytest.mark.parametrize("chunk", [512, 8192])
def test_answers_of_one_length_are_timed_the_closer_the_more_waves_there_are(
    answer: int, many: int, chunk: int
) -> None:
    answers = [answer] * many
    engine = Engine(rates(request=1e-4), 200, 100, math.inf, 64, chunk)
    found = timed(workload(200, 100, answers), engine)
    waves = many / found.batch
    part = 0.5 / waves if waves > 1 else 0.0  # of a wave: those in lockstep may be full
    assert found.seconds == pytest.approx(engine.run(answers), rel=0.1 + part)


@settings(max_examples=25, deadline=None)
@given(engines(), st.integers(1, 60))
def test_one_token_verdicts_are_prompts_alone(engine: Engine, many: int) -> None:
    found = timed(workload(engine.prompt, engine.computed, [1] * many), engine)
    assert (found.decode, found.run_out, found.steps) == (0.0, 0.0, 0.0)
    assert found.seconds == pytest.approx(engine.run([1] * many), rel=1e-3)


@settings(max_examples=10, deadline=None)
@given(st.integers(24, 48), st.sampled_from([0.2, 1.0]), st.integers(0, 4))
def test_a_room_that_is_full_holds_back_as_many_as_the_sums_say(
    places: int, share: float, seed: int
) -> None:
    answers = [10 + (at * 7 + seed) % 20 for at in range(200)]
    prompt = 200
    computed = int(prompt * share)
    room = prompt - computed + places * (computed + mean(answers) / 2)
    engine = Engine(rates(), prompt, computed, room, 1000, 2048)
    asked = workload(prompt, computed, answers)
    found = timed(asked, engine)
    assert found.limit == "room"
    assert found.batch == pytest.approx(places, rel=0.1)
    assert found.seconds == pytest.approx(engine.run(answers), rel=0.2)


def test_a_shared_prefix_is_looked_at_by_all_and_lies_in_the_room_once() -> None:
    shared, alone = workload(1000, 200, [50] * 500), workload(1000, 1000, [50] * 500)
    held = {"room_tokens": 10_000.0, "max_num_seqs": 1000}
    assert batch_of(shared, **held) == (pytest.approx((10_000 - 800) / 225), "room")
    assert batch_of(alone, **held) == batch_of(shared, shares=False, **held)
    few, many = time_of(shared, rates(), **held), time_of(alone, rates(), **held)
    assert few.computed == 500 * 200
    assert few.looked_at == many.looked_at == length_of(shared) == 1025


def test_sliding_layers_cost_no_more_past_their_window() -> None:
    def seconds(window: int | None, prompt: int) -> Timed:
        sliding = rates(prompt_pair=1e-7, window=window, window_share=0.5)
        return time_of(workload(prompt, prompt, [100] * 64), sliding)

    near, far = seconds(128, 64), seconds(128, 4000)
    assert near.pairs == seconds(None, 64).pairs
    assert far.looked_at == pytest.approx((4050 + 128) / 2)
    halved = 64 * (4000**2 / 2 - 0.5 * (4000 - 128) ** 2 / 2)
    assert far.pairs == pytest.approx(halved)


def test_copies_share_the_requests_but_not_the_host() -> None:
    asked = workload(100, 100, [40] * 400)
    one = time_of(asked, rates(request=1e-3), max_num_seqs=16)
    two = time_of(asked, rates(request=1e-3), max_num_seqs=16, copies=2)
    assert two.prefill == pytest.approx(one.prefill / 2)
    assert two.host == one.host == pytest.approx(0.4)


def test_the_ends_of_the_ranges_are_timed_apart() -> None:
    asked = workload(100, 100, [40] * 400)
    ranged = Workload(
        **{
            **{name: getattr(asked, name) for name in asked.__struct_fields__},
            "computed_tokens": Range(10_000, 20_000, 40_000),
        }
    )
    low, likely, high = (time_of(ranged, rates(), end=end) for end in ("low", "likely", "high"))
    assert low.prefill * 2 == likely.prefill == pytest.approx(high.prefill / 2)
    assert low.decode == high.decode


def test_a_step_of_few_sequences_reads_few_experts() -> None:
    mixed = rates(step=0.0, experts=1.0, expert_share=4 / 128)
    assert mixed.step_of(0) == 0
    assert mixed.step_of(1) == pytest.approx(4 / 128)
    assert mixed.step_of(2) == pytest.approx(4 / 128 * (2 - 4 / 128))
    assert mixed.step_of(10_000) == pytest.approx(1)


@settings(max_examples=40, deadline=None)
@given(
    computed=st.integers(5, 3000),
    many=st.integers(200, 2000),
    places=st.sampled_from([16, 64, 1024]),
    chunk=st.sampled_from([512, 8192]),
)
def test_steps_of_prompts_alone_are_counted_as_an_engine_makes_them(
    computed: int, many: int, places: int, chunk: int
) -> None:
    cost = rates(prompt_token=1e-7, prompt_step=0.01)
    engine = Engine(cost, computed + 100, computed, math.inf, places, chunk)
    found = timed(workload(computed + 100, computed, [1] * many), engine)
    assert found.prompt_steps > 0
    # Requests that are cut in two by a step, and the last step, are the difference.
    assert found.prefill == pytest.approx(engine.run([1] * many), rel=0.12, abs=0.011)


def test_prompts_beside_answers_that_are_written_have_no_steps_of_their_own() -> None:
    cost = rates(prompt_step=0.01)
    assert time_of(workload(100, 100, [20] * 64), cost).prompt_steps == 0
