"""Shares of a datasheet out of calibrated rates: those that made the rates are found again."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.catalogue.gpus import find_gpu
from judgefast.catalogue.models import find_model
from judgefast.costs.efficiencies import efficiencies_of
from judgefast.costs.rates_store import Record, reached_on
from judgefast.costs.reached import OTHER_MODEL, Reached, reached_by
from judgefast.costs.roofline import rates_of
from judgefast.costs.speed import MeasuredOn, Speed

GPU = find_gpu("H100")
SHAPE = find_model("Qwen2.5-72B-Instruct").shape
assert SHAPE is not None
LIKE = efficiencies_of(gpu=GPU, shape=SHAPE, weights="fp8")


@settings(max_examples=30, deadline=None)
@given(mfu=st.floats(0.2, 0.9), slower=st.floats(0.7, 1.4), cache=st.sampled_from(["16bit", "fp8"]))
def test_the_efficiencies_that_made_rates_are_found_again(
    mfu: float, slower: float, cache: str
) -> None:
    assert SHAPE is not None
    true = msgspec.structs.replace(
        LIKE,
        mfu=mfu,
        activations=LIKE.activations * LIKE.mfu / mfu,
        bandwidth=LIKE.bandwidth / slower,
        step_seconds=LIKE.step_seconds * slower,
        cache=LIKE.cache / slower,
        cache_8bit=LIKE.cache_8bit / slower,
    )
    how = {"weights": "fp8", "cache": cache}
    rates = rates_of(SHAPE, GPU, efficiencies=true, **how)  # type: ignore[arg-type]  # words of both
    reached = reached_by(rates, SHAPE, GPU, like=LIKE, **how)  # type: ignore[arg-type]  # as above
    found = reached.shown
    assert found.mfu == pytest.approx(true.mfu, rel=0.02)
    assert found.activations == pytest.approx(true.activations, rel=0.02)
    assert found.bandwidth == pytest.approx(min(1.0, true.bandwidth), rel=0.02)
    assert found.step_seconds == pytest.approx(true.step_seconds, rel=0.02)
    assert found.basis == "calibrated"
    assert found.error == rates.error
    again = reached.onto(LIKE)
    for name in ("mfu", "bandwidth", "cache", "cache_8bit", "step_seconds"):
        assert getattr(again, name) == pytest.approx(getattr(found, name)), name


def test_a_term_that_nothing_was_found_of_stays_as_it_was() -> None:
    assert SHAPE is not None
    rates = rates_of(SHAPE, GPU, efficiencies=LIKE, weights="fp8")
    none = msgspec.structs.replace(rates, prompt_token=0.0, step=0.0, context_token=0.0)
    found = reached_by(none, SHAPE, GPU, like=LIKE, weights="fp8").shown
    assert (found.mfu, found.bandwidth, found.cache) == (LIKE.mfu, LIKE.bandwidth, LIKE.cache)


def test_the_newest_calibration_on_the_same_kind_of_gpu_counts() -> None:
    setting = MeasuredOn(model="m", machine="1 x GPU", engine="vllm", version="1")
    assert SHAPE is not None
    rates = rates_of(SHAPE, GPU, efficiencies=LIKE, weights="fp8")

    def record(gpu: str, mfu: float, *, experts: bool = False) -> Record:
        shown = msgspec.structs.replace(LIKE, mfu=mfu)
        return Record(
            kind="calibration",
            when="",
            setting=setting,
            seconds=60,
            wall=Speed(rates=rates),
            reached=Reached(shown=shown, foretold=LIKE, experts=experts),
            gpu=gpu,
        )

    among = [
        record(GPU.key, 0.3),
        record(GPU.key, 0.4),
        record(GPU.key, 0.6, experts=True),
        record("H200-SXM", 0.5),
    ]

    def mfu(gpu: str, engine: str = "vllm", *, experts: bool = False) -> float | None:
        found = reached_on(gpu, engine, experts=experts, among=among)
        return None if found is None else found.shown.mfu

    assert mfu(GPU.key) == 0.4
    assert mfu(GPU.key, experts=True) == 0.6
    assert mfu("L4") is None
    assert mfu("H200-SXM", experts=True) is None
    assert mfu(GPU.key, "other") is None


@settings(max_examples=30, deadline=None)
@given(
    faster=st.floats(0.3, 3.0),
    share=st.floats(0.05, 1.0),
    error=st.floats(0.05, 1.0),
    own=st.floats(0.05, 1.0),
    basis=st.sampled_from(["fitted", "assumed"]),
)
def test_another_judge_is_changed_by_the_ratio_and_is_no_surer_than_either(
    faster: float, share: float, error: float, own: float, basis: Any
) -> None:
    shown = msgspec.structs.replace(
        LIKE, mfu=LIKE.mfu * faster, step_seconds=LIKE.step_seconds / faster, error=error
    )
    reached = Reached(shown=shown, foretold=LIKE, experts=False)
    other = msgspec.structs.replace(LIKE, mfu=share, error=own, basis=basis, because="as fitted")
    found = reached.onto(other)
    assert found.mfu == pytest.approx(min(1.0, share * faster))
    assert found.bandwidth == pytest.approx(other.bandwidth)
    assert found.step_seconds == pytest.approx(other.step_seconds / faster)
    assert found.error == max(own, error + OTHER_MODEL)
    assert found.basis == ("assumed" if basis == "assumed" else "calibrated")
    assert found.because.endswith("with another model; as fitted")
