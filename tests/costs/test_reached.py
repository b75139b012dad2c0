"""Shares of a datasheet out of calibrated rates: those that made the rates are found again."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.catalogue.gpus import find_gpu
from judgefast.catalogue.models import find_model
from judgefast.costs.efficiencies import efficiencies_of
from judgefast.costs.rates_store import Record, reached_on
from judgefast.costs.reached import OTHER_MODEL, reached_by
from judgefast.costs.roofline import rates_of
from judgefast.costs.speed import Setting, Speed

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
    found = reached_by(rates, SHAPE, GPU, like=LIKE, **how)  # type: ignore[arg-type]  # as above
    assert found.mfu == pytest.approx(true.mfu, rel=0.02)
    assert found.activations == pytest.approx(true.activations, rel=0.02)
    assert found.bandwidth == pytest.approx(min(1.0, true.bandwidth), rel=0.02)
    assert found.step_seconds == pytest.approx(true.step_seconds, rel=0.02)
    assert found.basis == "calibrated"
    assert found.error == rates.error + OTHER_MODEL


def test_a_term_that_nothing_was_found_of_stays_as_it_was() -> None:
    assert SHAPE is not None
    rates = rates_of(SHAPE, GPU, efficiencies=LIKE, weights="fp8")
    none = msgspec.structs.replace(rates, prompt_token=0.0, step=0.0, context_token=0.0)
    found = reached_by(none, SHAPE, GPU, like=LIKE, weights="fp8")
    assert (found.mfu, found.bandwidth, found.cache) == (LIKE.mfu, LIKE.bandwidth, LIKE.cache)


def test_the_newest_calibration_on_the_same_kind_of_gpu_counts() -> None:
    setting = Setting(model="m", machine="1 x GPU", engine="vllm", version="1")
    assert SHAPE is not None
    rates = rates_of(SHAPE, GPU, efficiencies=LIKE, weights="fp8")

    def record(gpu: str, mfu: float) -> Record:
        return Record(
            kind="calibration",
            when="",
            setting=setting,
            seconds=60,
            wall=Speed(rates=rates),
            reached=msgspec.structs.replace(LIKE, mfu=mfu),
            gpu=gpu,
        )

    among = [record(GPU.key, 0.3), record(GPU.key, 0.4), record("H200-SXM", 0.5)]
    assert reached_on(GPU.key, "vllm", among).mfu == 0.4  # type: ignore[union-attr]  # it is there
    assert reached_on("L4", "vllm", among) is None
    assert reached_on(GPU.key, "other", among) is None
