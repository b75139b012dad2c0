"""Rates are sums that a person can redo from a config.json and a datasheet."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.catalogue.gpus import Gpu, find_gpu
from judgefast.catalogue.models import find_model
from judgefast.costs.efficiencies import Efficiencies
from judgefast.costs.ranges import Range
from judgefast.costs.roofline import DoesNotFitError, peak_of, place, rates_of, rates_sums
from judgefast.costs.workload import Answers, Workload
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from judgefast.catalogue.shape import Precision, Shape

REACHED = Efficiencies(
    mfu=0.5,
    bandwidth=0.8,
    cache=0.8,
    cache_8bit=0.4,
    step_seconds=0.002,
    link=0.5,
    error=0.2,
    basis="given",
    because="a test",
)


MODELS = ("Qwen2.5-72B-Instruct", "gpt-oss-120b", "gemma-3-27b-it", "DeepSeek-V3", "Qwen3-8B")
QWEN = MODELS[0]


def shape(name: str) -> Shape:
    found = find_model(name).shape
    assert found is not None
    return found


def workload(prompt: int, answer: int, requests: int = 1000) -> Workload:
    return Workload(
        items=requests,
        judgments=requests,
        requests=requests,
        prompt_tokens=requests * prompt,
        computed_tokens=Range.exactly(requests * prompt),
        longest_prompt=prompt,
        answers=Answers(
            mean=Range.exactly(answer), spread=0.0, most=answer, basis="given", because="a test"
        ),
        basis="given",
        because="a test",
    )


def test_a_72b_in_8_bits_on_one_h200_is_redone_by_hand() -> None:
    rates = rates_of(
        shape(QWEN),
        find_gpu("H200"),
        efficiencies=REACHED,
        weights="fp8",
        cache="fp8",
    )
    layers, width, heads, groups, size, inner, words = 80, 8192, 64, 8, 128, 29_568, 152_064
    attention = width * size * 2 * (heads + groups)
    matrices = layers * (attention + 3 * width * inner)
    biases = layers * (size * (heads + 2 * groups) + 2 * width) + width
    read = matrices + 2 * words * width + biases  # the output head has 16 bits
    compute, memory = 0.5 * 1979e12, 0.8 * 4.8e12
    assert rates.prompt_token == pytest.approx(2 * matrices / compute, rel=1e-3)
    assert rates.sequence == pytest.approx(2 * (matrices + words * width) / compute, rel=1e-3)
    assert rates.step == pytest.approx(read / memory + 0.002, rel=1e-3)
    assert rates.context_token == pytest.approx(2 * layers * groups * size / (0.4 * 4.8e12))
    assert rates.prompt_pair == pytest.approx(4 * layers * heads * size / (0.5 * 989e12))
    assert (rates.experts, rates.window, rates.error) == (0.0, None, 0.2)


def test_two_gpus_halve_the_work_and_pay_for_their_link() -> None:
    model, gpu = shape("Llama-3.3-70B-Instruct"), find_gpu("H100")
    one, two = (
        rates_of(model, gpu, efficiencies=REACHED, gpus=gpus, weights="fp8") for gpus in (1, 2)
    )
    sent = 2 * 80 * 8192 * 2 * 2 * (1 / 2) / (0.5 * 450e9)  # a ring sends twice half a vector
    assert two.prompt_token == pytest.approx(one.prompt_token / 2 + sent)
    assert two.sequence == pytest.approx(one.sequence / 2 + sent)
    assert two.context_token == pytest.approx(one.context_token / 2)
    assert two.step == pytest.approx((one.step - 0.002) / 2 + 0.002 + 160e-5)


def test_experts_are_read_as_far_as_a_step_asks_for_them_and_windows_are_kept() -> None:
    model, gpu = shape("gpt-oss-120b"), find_gpu("H200")
    rates = rates_of(model, gpu, efficiencies=REACHED)
    for sequences in (1, 8, 500):
        read = model.read_bytes_at(None, sequences)
        assert read is not None
        assert rates.step_of(sequences) == pytest.approx(read / (0.8 * 4.8e12) + 0.002)
    assert (rates.window, rates.window_share, rates.expert_share) == (128, 0.5, 4 / 128)
    # 18 of 36 layers look at 128 tokens: a token behind 10,000 costs little more than half.
    assert rates.looked_at(10_128) == pytest.approx(10_128 - 5000)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(
        ["Qwen2.5-72B-Instruct", "gpt-oss-120b", "gemma-3-27b-it", "DeepSeek-V3", "Qwen3-8B"]
    ),
    st.sampled_from(["H200", "H100", "A100-SXM-80"]),
    st.sampled_from([1, 2, 4, 8]),
    st.sampled_from(["bf16", "fp8", None]),
    st.sampled_from(["16bit", "fp8"]),
)
def test_the_sums_that_are_shown_come_to_the_rates(
    name: str, gpu: str, gpus: int, weights: Precision | None, cache: str
) -> None:
    given = {"efficiencies": REACHED, "gpus": gpus, "weights": weights, "cache": cache}
    rates = rates_of(shape(name), find_gpu(gpu), **given)  # type: ignore[arg-type]  # drawn
    shown = rates_sums(shape(name), find_gpu(gpu), **given)  # type: ignore[arg-type]  # drawn
    seconds = 0.0
    for _, arithmetic in shown:
        left, _, right = arithmetic.rpartition(" = ")
        said = float(right.removesuffix(" s"))
        if left != "fitted":
            for word in (" FLOP/s", " B/s", " FLOP", " B", " s", ","):
                left = left.replace(word, "")
            assert eval(left.replace("x", "*")) == pytest.approx(said, rel=5e-3)  # noqa: S307 - our own sum
        seconds += said
    terms = (
        "prompt_token",
        "prompt_pair",
        "prompt_step",
        "step",
        "sequence",
        "context_token",
        "experts",
    )
    assert seconds == pytest.approx(sum(getattr(rates, term) for term in terms), rel=1e-3)


def test_what_does_not_fit_says_by_how_much() -> None:
    with pytest.raises(DoesNotFitError) as caught:
        place(
            shape(QWEN),
            find_gpu("H100"),
            model=QWEN,
            workload=workload(2500, 500),
            weights="bf16",
        )
    assert f"`{QWEN}` with bf16 weights and one sequence of 2,750 tokens" in str(caught.value)
    assert "71.4 GB more than 1 x H100-SXM hold" in str(caught.value)
    assert "more GPUs" in (caught.value.hint or "")


def test_a_placed_model_says_what_holds_its_batch_back() -> None:
    def placed(requests: int, max_num_seqs: int) -> tuple[float, str]:
        found = place(
            shape(QWEN),
            find_gpu("H200"),
            model=QWEN,
            workload=workload(2500, 500, requests),
            weights="fp8",
            cache="fp8",
            max_num_seqs=max_num_seqs,
        )
        assert found.kv_bytes_per_token == 163_840
        assert (found.gpus, found.weights, found.cache) == (1, "fp8", "fp8")
        return round(found.batch), found.limit

    assert placed(1000, 1024) == (131, "room")
    assert placed(1000, 64) == (64, "max_num_seqs")
    assert placed(20, 64) == (20, "requests")


def test_an_unknown_figure_is_asked_for_and_not_guessed() -> None:
    dark = Gpu(key="X1", name="X1")
    with pytest.raises(ConfigError, match="the memory's bandwidth of X1 is not in the catalogue"):
        rates_of(shape("Qwen3-8B"), dark, efficiencies=REACHED)
    unlinked = msgspec.structs.replace(find_gpu("H200"), link_bytes=None)
    assert rates_of(shape("Qwen3-8B"), unlinked, efficiencies=REACHED).step > 0
    with pytest.raises(ConfigError, match="the link between GPUs of H200-SXM"):
        rates_of(shape("Qwen3-8B"), unlinked, efficiencies=REACHED, gpus=2)


def test_peaks_go_by_the_precision_that_is_multiplied() -> None:
    hopper, old = find_gpu("H200"), find_gpu("A100-SXM-80")
    assert peak_of(hopper, "fp8") == 2 * peak_of(hopper, "4bit") + 1e12
    assert peak_of(hopper, "mxfp4") == peak_of(hopper, "bf16") == 989e12
    assert peak_of(old, "fp8") == peak_of(old, "bf16")
    assert math.isfinite(peak_of(find_gpu("B200"), "mxfp4"))
