"""Cached tokens as real vLLM counts them, beside those of the simulator: request by request."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from judgefast.batches.cache import CacheSettings, simulate
from judgefast.config import RunConfig
from judgefast.engines.base import prefix_cache_of
from judgefast.engines.vllm import VllmEngine
from judgefast.pipeline.run import run
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


def test_a_run_finds_in_the_cache_what_its_plan_said(
    full: VllmEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = {"engine": "vllm"}
    for name, stand_in in {
        "begin": lambda: None,
        "prepare": lambda _: None,
        "start": lambda: facts,
        "close": lambda: None,
    }.items():
        monkeypatch.setattr(full, name, stand_in)  # it runs already, for all tests
    said = [" ".join(f"word{n + place}" for place in range(40)) for n in range(20)]
    rows = [
        {"id": f"{n}-{one}", "question": said[n], "answer_a": said[one], "answer_b": said[one + 1]}
        for n in range(8)
        for one in range(9, 19, 2)
    ]
    config = RunConfig(data=(), rubric="pairwise", engine="vllm", out=str(tmp_path / "run"))
    done = run(config, data=rows, engine=full, show_progress=False)
    assert done.status == 0, done.why
    journal = pq.read_table(sorted((tmp_path / "run/journal").glob("*.parquet")))
    requests = pq.read_table(sorted((tmp_path / "run/plan").glob("requests*.parquet")))
    counted = sum(journal["cached_tokens"].to_pylist())
    planned = sum(requests["planned_cached_tokens"].to_pylist())
    assert len(journal) == len(requests) == 2 * len(rows)
    assert planned == pytest.approx(counted, rel=0.01)
    assert planned > sum(journal["prompt_tokens"].to_pylist()) / 4
