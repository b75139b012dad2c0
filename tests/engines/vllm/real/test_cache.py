"""Cached tokens as real vLLM counts them, beside those of the simulator: request by request."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

import judgefast
from judgefast.batches.cache import CacheSettings, simulate
from judgefast.engines.base import prefix_cache_of
from judgefast.engines.vllm import VllmEngine
from judgefast.prompts.decoding import Decoding, Label
from tests.batches.prompt_sets import Texts
from tests.engines.conftest import ON_THE_CPU, SMALL
from tests.engines.vllm.hf_folder import write_tiny

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from judgefast.batches.request import Request

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

STEP = 1024
BLOCKS = 160
WINDOW = 80
ARGUMENTS = ON_THE_CPU | SMALL | {"max_num_batched_tokens": STEP}
LABELS = Decoding(max_tokens=1, labels=(Label("A", 33), Label("B", 34)), probabilities=True)
TEXTS = Decoding(max_tokens=5)


@pytest.fixture(scope="module")
def alone() -> Iterator[None]:
    """One process: vLLM starts sooner, and takes in all that is there before each step."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        yield


@pytest.fixture(scope="module")
def full(vllm_environment: None, alone: None, tiny: Path) -> Iterator[VllmEngine]:
    """A model whose layers look at all tokens, with a cache of about as much as can run."""
    engine = VllmEngine(str(tiny), **ARGUMENTS, num_gpu_blocks_override=BLOCKS)
    engine.start()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def sliding(
    vllm_environment: None, alone: None, smollm2_weights: Path, tmp_path_factory: Any
) -> Iterator[VllmEngine]:
    """A model with a layer that slides."""
    folder = write_tiny(smollm2_weights, tmp_path_factory.mktemp("models") / "m", window=WINDOW)
    engine = VllmEngine(str(folder), **ARGUMENTS, num_gpu_blocks_override=2 * BLOCKS)
    engine.start()
    yield engine
    engine.close()


Rows = list[tuple[int, ...]]


def pairs(texts: Texts) -> Rows:
    rubric, tail = texts.new(150), texts.new(20)
    return [
        (rubric, texts.new(30, 90), texts.new(60, 200), texts.new(60, 200), tail) for _ in range(30)
    ]


def swaps(texts: Texts) -> Rows:
    return [row for each in pairs(texts) for row in (each, (*each[:2], each[3], each[2], each[4]))]


def aspects(texts: Texts) -> Rows:
    criteria = [texts.new(40) for _ in range(3)]
    return [(*row, criterion) for row in swaps(texts) for criterion in criteria]


def all_pairs(texts: Texts) -> Rows:
    rubric = texts.new(200)
    rows: Rows = []
    for _ in range(4):
        question, answers = texts.new(50, 120), [texts.new(90, 300) for _ in range(4)]
        rows += [(rubric, question, *pair) for pair in itertools.permutations(answers, 2)]
    return rows


def tight(texts: Texts) -> Rows:
    """Aspect by aspect: between two that share, more comes than the cache holds."""
    rows, criteria = all_pairs(texts), [texts.new(40) for _ in range(2)]
    return [(*row, criterion) for criterion in criteria for row in rows]


def shuffled(texts: Texts) -> Rows:
    rows = tight(texts)
    return [rows[place] for place in texts.random.permutation(len(rows))]


def alike(texts: Texts) -> Rows:
    """The same prompt again and again, whole blocks and not."""
    return [row for size in (320, 335) for row in [(texts.new(size),)] * 12]


WORKLOADS = [pairs, swaps, aspects, all_pairs, tight, shuffled, alike]


@pytest.fixture
def both(
    ask: Callable[..., Request], answers: Callable[..., Any]
) -> Callable[..., tuple[int, int]]:
    """Cached tokens of a workload as counted and as simulated.

    In front of it stands a prompt that fills one step. So everything else is there before the
    second; and no workload sees anything of the ones before it but blocks that go first.
    """

    def run(
        engine: VllmEngine, make: Callable[[Texts], Rows], decoding: Decoding, **changed: Any
    ) -> tuple[int, int]:
        texts = Texts(sum(make.__name__.encode()) + decoding.max_tokens)
        rows = [(texts.new(STEP),), *make(texts)]
        done = answers(engine, [ask(texts.prompt(row).tolist(), decoding) for row in rows])
        assert {each.error for each in done} == {None}
        cache = prefix_cache_of(engine)
        assert cache is not None
        chosen = CacheSettings.of(cache, generated_tokens=decoding.max_tokens)
        chosen = msgspec.structs.replace(chosen, **changed)
        order = np.arange(len(rows), dtype=np.uint32)
        found = simulate(texts.segments(rows), order, chosen)
        return sum(each.cached_tokens for each in done), int(found.sum())

    return run


@pytest.mark.parametrize("decoding", [LABELS, TEXTS], ids=["labels", "texts"])
@pytest.mark.parametrize("make", WORKLOADS)
def test_vllm_counts_the_cached_tokens_that_were_simulated(
    full: VllmEngine, both: Callable[..., Any], make: Callable[[Texts], Rows], decoding: Decoding
) -> None:
    counted, simulated = both(full, make, decoding)
    assert simulated == pytest.approx(counted, rel=0.01)
    assert counted > 0


@pytest.mark.parametrize("make", WORKLOADS)
def test_vllm_counts_them_with_layers_that_slide(
    sliding: VllmEngine, both: Callable[..., Any], make: Callable[[Texts], Rows]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sliding, "_primers", {})
        counted, simulated = both(sliding, make, LABELS, sends_heads=False)
    assert simulated == pytest.approx(counted, rel=0.01)
    assert counted > 0


@pytest.mark.parametrize("make", WORKLOADS)
def test_vllm_counts_them_with_heads_that_are_sent_ahead(
    sliding: VllmEngine, both: Callable[..., Any], make: Callable[[Texts], Rows]
) -> None:
    assert sliding._primers, "this vLLM keeps all"
    counted, simulated = both(sliding, make, TEXTS)
    assert simulated == pytest.approx(counted, rel=0.01)


class Kept:
    """An engine that a run neither starts nor ends, since others use it too."""

    def __init__(self, engine: VllmEngine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        """All else is the engine's."""
        return getattr(self._engine, name)

    def begin(self) -> None:
        """Nothing is left to begin."""

    def prepare(self, workload: object) -> None:
        """It is set up."""

    def told(self) -> list[str]:
        return []

    def start(self) -> dict[str, Any]:
        return {"engine": "vllm"}

    def close(self) -> None:
        """Others go on."""


def test_plan_and_run_agree_on_prompt_and_cached_tokens(full: VllmEngine, tmp_path: Path) -> None:
    rows = [
        {
            "id": f"q{number}-{pair}",
            "question": f"What comes after {number}? " * (2 + number % 7),
            "answer_a": f"After {number} comes {number + 1}. " * (1 + number % 5),
            "answer_b": f"After {number} comes {pair}. " * (3 + number % 3),
        }
        for number in range(20)
        for pair in range(3)
    ]
    given: dict[str, Any] = {"rubric": "pairwise", "engine": Kept(full)}
    planned = judgefast.plan(rows, **given)
    bill = judgefast.run(rows, **given, out=tmp_path / "run").report.operations.bill
    assert bill is not None
    assert (bill.requests, bill.differs) == (120, [])
    assert bill.planned_prompt == bill.counted_prompt == planned.prompts.tokens
    cost = planned.cost("plan")
    assert cost is not None
    cached = bill.planned_prompt - cost.computed_tokens
    assert bill.planned_cached == cached
    assert bill.counted_cached == pytest.approx(cached, rel=0.01)


def test_a_run_sends_the_heads_that_its_plan_expects(sliding: VllmEngine, tmp_path: Path) -> None:
    """Requests come as there is room for them, often one: all but those of the first window."""
    rows = [
        {
            "id": f"q{number}",
            "question": " ".join(f"{number * (place + 3)}" for place in range(40 + number % 9)),
            "answer_a": f"After {number} comes {number + 1}. " * (1 + number % 5),
            "answer_b": f"After {number} comes {2 * number}. " * (3 + number % 3),
        }
        for number in range(60)
    ]
    done = judgefast.run(rows, rubric="pairwise", engine=Kept(sliding), out=tmp_path / "run")
    bill = done.report.operations.bill
    assert bill is not None
    assert bill.requests > 3 * sliding.lanes[0].room
    assert bill.counted_cached == pytest.approx(bill.planned_cached, rel=0.01)
