"""Which efficiencies apply, and how far they are trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from judgefast.catalogue.gpus import find_gpu
from judgefast.catalogue.models import find_model
from judgefast.catalogue.throughput import read_fitted
from judgefast.costs.efficiencies import LEAST_ERROR, Efficiencies, efficiencies_of
from judgefast.costs.ranges import Range
from judgefast.costs.workload import Answers, Workload
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from judgefast.catalogue.shape import Precision, Shape


QWEN = "Qwen2.5-72B-Instruct"


def shape(name: str) -> Shape:
    found = find_model(name).shape
    assert found is not None
    return found


def test_inside_the_rows_of_a_fit_it_is_taken_as_fitted() -> None:
    found = efficiencies_of(gpu=find_gpu("H200"), shape=shape(QWEN), weights="fp8")
    row = read_fitted()["vLLM, dense"]
    assert (found.mfu, found.cache_of(1), found.cache_of(2)) == (row.mfu, row.cache_8bit, row.cache)
    assert (found.basis, found.error) == ("fitted", LEAST_ERROR)
    assert "fitted on 66 of 82 measured rows of vLLM" in found.because


@pytest.mark.parametrize(
    ("model", "gpu", "gpus", "weights", "engine", "words", "error"),
    [
        (QWEN, "H200", 4, "fp8", "vLLM", "none with 4 GPUs", 0.30),
        (QWEN, "H200", 8, "fp8", "vLLM", "none with 8 GPUs", 0.40),
        (QWEN, "L40S", 1, "fp8", "vLLM", "none on a L40S", 0.50),
        (QWEN, "H200-NVL", 1, "fp8", "vLLM", "none on a H200-NVL", 0.35),
        (QWEN, "H200", 1, "4bit", "vLLM", "none with 4bit weights", 0.30),
        ("Qwen3-8B", "H200", 1, "fp8", "vLLM", "none of so small a model", 0.35),
        (QWEN, "H200", 1, "fp8", "SGLang", "none of SGLang", 0.35),
        ("Qwen3-30B-A3B", "H200", 1, "bf16", "vLLM", "none with bf16 weights", 1.0),
    ],
)
def test_outside_of_them_it_is_assumed_with_a_wider_error_and_says_why(  # noqa: PLR0917 - a case each
    model: str, gpu: str, gpus: int, weights: Precision, engine: str, words: str, error: float
) -> None:
    found = efficiencies_of(
        gpu=find_gpu(gpu), shape=shape(model), weights=weights, gpus=gpus, engine=engine
    )
    assert found.basis == "assumed"
    assert words in found.because
    assert found.error >= error - 1e-9


LLAMA = "Llama-3.3-70B-Instruct"


def asking(
    *,
    prompt: int = 2000,
    shared: float = 0.0,
    answer: float = 300,
    held: bool = False,
    requests: int = 1000,
) -> Workload:
    return Workload(
        items=requests,
        judgments=requests,
        requests=requests,
        prompt_tokens=requests * prompt,
        computed_tokens=Range.exactly(requests * prompt * (1 - shared)),
        longest_prompt=prompt,
        answers=Answers(
            mean=Range.exactly(answer), spread=0.0, most=500, basis="given", because=""
        ),
        held=held,
        basis="given",
        because="",
    )


def reached(model: str = LLAMA, gpu: str = "H200", **given: object) -> Efficiencies:
    how = {"weights": "fp8", "workload": asking(), **given}
    return efficiencies_of(gpu=find_gpu(gpu), shape=shape(model), **how)  # type: ignore[arg-type]  # of each test


@pytest.mark.parametrize(
    ("asked", "words", "error"),
    [
        ({"shared": 0.2}, "none has shared prefixes and answers of more than one token", 0.35),
        ({"answer": 60}, "none with answers of 60 tokens", 0.35),
        ({"held": True}, "none with answers held to a grammar", 0.25),
        ({"prompt": 100}, "none with prompts of 100 computed tokens", 0.50),
        ({"answer": 1, "shared": 0.6}, "none shares 60% of its prompts", 0.35),
    ],
)
def test_what_no_row_asks_has_an_error_of_its_own_and_says_so(
    asked: dict[str, float], words: str, error: float
) -> None:
    plain, found = reached(), reached(workload=asking(**asked))  # type: ignore[arg-type]  # as drawn
    assert (plain.basis, plain.error) == ("fitted", LEAST_ERROR)
    assert words not in plain.because
    assert found.basis == "assumed"
    assert found.because.endswith(words)
    assert found.error == pytest.approx(error)


def test_one_token_verdicts_with_a_shared_rubric_are_in_our_own_rows() -> None:
    for model in (QWEN, "Qwen2.5-7B-Instruct"):
        found = reached(model, workload=asking(answer=1, shared=0.15, held=True))
        assert (found.basis, found.error) == ("fitted", LEAST_ERROR), model
    # No row of models with experts, nor of TensorRT-LLM, has any.
    for model, engine in (("gpt-oss-120b", "vLLM"), (LLAMA, "TensorRT-LLM")):
        own = None if engine == "vLLM" else "fp8"
        found = reached(model, workload=asking(answer=1), engine=engine, weights=own)
        assert "none with answers of one token" in found.because


def test_a_model_in_no_row_has_the_error_of_a_model_left_out() -> None:
    row = read_fitted()["vLLM, dense"]
    wide = replace(row, model_most=0.33)
    known, other = (reached(model, fitted={row.key: wide}) for model in (LLAMA, "gemma-3-27b-it"))
    assert (known.basis, known.error) == ("fitted", LEAST_ERROR)
    assert (other.basis, other.error) == ("assumed", pytest.approx(0.33))
    assert "none of a model of this size" in other.because
    # Where all rows are of one model it is set.
    assert reached("gpt-oss-20b", weights=None).error == pytest.approx(0.5)


def test_errors_of_several_reasons_come_together() -> None:
    alone = reached(gpu="A100-SXM-80").error
    both = reached(gpu="A100-SXM-80", weights="4bit").error
    all_three = reached(gpu="A100-SXM-80", weights="4bit", gpus=8).error
    assert alone == pytest.approx(0.5)
    assert both == pytest.approx((0.5**2 + 0.3**2 - 0.2**2) ** 0.5)
    assert alone < both < all_three < 0.5 + 0.3 + 0.4


def test_a_gpu_is_near_if_a_row_is_of_its_architecture() -> None:
    row = read_fitted()["vLLM, dense"]
    theirs = {row.key: replace(row, gpus=["B200-SXM"])}
    for gpu, ours, as_theirs in (("H100-NVL", 0.35, 0.5), ("RTX-PRO-6000", 0.5, 0.35)):
        assert reached(gpu=gpu).error == pytest.approx(ours)
        assert reached(gpu=gpu, fitted=theirs).error == pytest.approx(as_theirs)


def test_the_reason_says_how_well_rows_are_predicted_each_way() -> None:
    row = read_fitted()["vLLM, dense"]
    because = reached().because
    for words in (
        f"fitted on {row.rows} of {row.all_rows} measured rows of vLLM",
        f"half of them within {row.median:.0%}, the worst {row.worst:.0%} off",
        f"no factor for caches of October 2025: {row.all_median:.0%} and {row.all_worst:.0%}",
        f"without all rows of its model {row.model_median:.0%} and {row.model_worst:.0%}",
    ):
        assert words in because
    assert "October" not in reached("gpt-oss-120b", weights=None).because


def test_models_with_experts_have_efficiencies_of_their_own() -> None:
    found = efficiencies_of(gpu=find_gpu("H200"), shape=shape("gpt-oss-120b"))
    assert found.mfu == read_fitted()["vLLM, experts"].mfu
    assert "vLLM, experts" in found.because
    assert "none of them has more than 64 sequences at once" in found.because
    assert (found.basis, found.error) == ("fitted", 0.40)


def test_no_rows_at_all_is_said() -> None:
    with pytest.raises(ConfigError, match="no efficiencies are in the catalogue"):
        efficiencies_of(gpu=find_gpu("H200"), shape=shape("Qwen3-8B"), fitted={})
