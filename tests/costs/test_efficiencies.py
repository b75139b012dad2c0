"""Which efficiencies apply, and how far they are trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from judgefast.catalogue.gpus import find_gpu
from judgefast.catalogue.models import find_model
from judgefast.catalogue.throughput import read_fitted
from judgefast.costs.efficiencies import LEAST_ERROR, efficiencies_of
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


def test_models_with_experts_have_efficiencies_of_their_own() -> None:
    found = efficiencies_of(gpu=find_gpu("H200"), shape=shape("gpt-oss-120b"))
    assert found.mfu == read_fitted()["vLLM, experts"].mfu
    assert "vLLM, experts" in found.because
    assert "none of them has more than 64 sequences at once" in found.because
    assert (found.basis, found.error) == ("fitted", 0.40)


def test_no_rows_at_all_is_said() -> None:
    with pytest.raises(ConfigError, match="no efficiencies are in the catalogue"):
        efficiencies_of(gpu=find_gpu("H200"), shape=shape("Qwen3-8B"), fitted={})
