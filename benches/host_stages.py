"""Stages of the host by pytest-benchmark, each beside a plain way; for `bench_stages.py`.

python -m pytest benches/host_stages.py --benchmark-only
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from judgefast import _native
from judgefast.prompts.builtin import load_rubric
from judgefast.verdicts.read import read_texts

if TYPE_CHECKING:
    from collections.abc import Callable

TEXTS = 2_000
ROWS = 2_000
REPLICATES = 200
BRACKET = re.compile(r"\[\[([ABC])\]\]")

Timer = Any
"""The fixture of pytest-benchmark."""


def judge_outputs() -> list[str]:
    """Reasons that end in a verdict in brackets."""
    chance = random.Random(1)  # noqa: S311 - texts, not secrets
    words = ["the", "answer", "names", "a", "cause", "and", "leaves", "an", "example", "out"]
    return [
        f"{' '.join(chance.choices(words, k=chance.randint(10, 60)))}. [[{'ABC'[number % 3]}]]"
        for number in range(TEXTS)
    ]


def one_by_one(texts: list[str]) -> list[str | None]:
    """The last verdict of each text, by one regular expression."""
    found = [BRACKET.findall(text) for text in texts]
    return [each[-1] if each else None for each in found]


def by_numpy(ids: Any, values: Any) -> Any:  # noqa: ANN401 - arrays
    """Means of replicates with Poisson weights."""
    weights = np.random.default_rng(1).poisson(1.0, (REPLICATES, len(ids)))
    return (weights @ values) / weights.sum(axis=1)


@pytest.mark.parametrize("way", ["judgefast", "one regular expression"])
def test_read(benchmark: Timer, way: str) -> None:
    """Read the verdicts of judge outputs."""
    texts = judge_outputs()
    form, cut = load_rubric("pairwise-bracket").verdicts[0], np.zeros(TEXTS, np.uint8)
    ways: dict[str, Callable[[], object]] = {
        "judgefast": lambda: read_texts(form, texts, cut),
        "one regular expression": lambda: one_by_one(texts),
    }
    benchmark(ways[way])


@pytest.mark.parametrize("way", ["judgefast", "numpy"])
def test_replicates(benchmark: Timer, way: str) -> None:
    """Draw the means of a bootstrap."""
    random_ = np.random.default_rng(2)
    ids = random_.integers(0, 2**63, ROWS).astype(np.uint64)
    values = random_.integers(0, 3, ROWS) * (1 << 23)
    ones, slices = np.ones(ROWS, np.uint8), np.zeros(ROWS, np.uint32)
    wanted = np.zeros(1, np.uint32)
    ways: dict[str, Callable[[], object]] = {
        "judgefast": lambda: _native.replicate_means(
            ids, values, ones, slices, 1, wanted, 7, REPLICATES
        ),
        "numpy": lambda: by_numpy(ids, values),
    }
    benchmark(ways[way])
