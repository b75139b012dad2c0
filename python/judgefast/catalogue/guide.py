"""The arithmetic of a published guide of April 2026, with its own figures: users hold us to it."""

from __future__ import annotations

from typing import NamedTuple

from judgefast.catalogue.prices import Price, read_prices

JUDGMENTS = 10_000
"""Pairwise ones, each in one order."""

TOKENS = 3_000
"""Of one judgment: a rubric of 500, two answers of 1,000, up to 500 written."""

SHAPE = "questions=10000,answer=1000,rubric=500,out=500"
"""The same work as `judgefast estimate --shape` takes it."""

TOKENS_PER_SECOND = {"H200-SXM": 1_200, "H100-SXM": 800}
"""As the guide has them, of one GPU with 128 sequences. Public tables show 5 to 6 times more."""

REMARK = (
    "The guide calls its prices on demand; they look like spot prices. A list of the same provider "
    "(undated, seen 2026-11-26) has the H100 at $2.91 on demand and $0.80 spot."
)


class Row(NamedTuple):
    """One line of the guide's playbook: a judge, what it runs on, and how long 10,000 take."""

    model: str
    gpu: str
    """Key of the accelerator."""
    gpus: int
    hours: float
    """That the machine is rented for, all of its GPUs at once."""
    key: str
    """Of the judge among our models."""

    def usd(self, usd_per_gpu_hour: float) -> float:
        """Price the hours of all GPUs."""
        return self.hours * self.gpus * usd_per_gpu_hour


PLAYBOOK = (
    Row("Qwen2.5-72B", "H200-SXM", 1, 6.9, "Qwen2.5-72B-Instruct"),
    Row("gpt-oss-120b", "H100-SXM", 1, 4.0, "gpt-oss-120b"),
    Row("Nemotron Ultra 253B", "H200-SXM", 4, 12.0, "Llama-3_1-Nemotron-Ultra-253B-v1"),
)


def gpu_hours(judgments: int, tokens: int, tokens_per_second: float) -> float:
    """Reckon as the guide does: all tokens alike, none shared, one pass.

    >>> round(gpu_hours(JUDGMENTS, TOKENS, TOKENS_PER_SECOND["H200-SXM"]), 2)
    6.94
    """
    return judgments * tokens / (tokens_per_second * 3600)


def guide_price(gpu: str) -> Price:
    """Find the guide's own price of an accelerator, the day of its list with it."""
    return next(
        price
        for price in read_prices().values()
        if price.is_guide and price.gpu == gpu and price.usd is not None
    )
