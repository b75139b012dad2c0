"""What the vLLM engine answers: labels, schemas, choices, texts, refusals."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from judgefast.engines.vllm import VllmEngine
from judgefast.errors import EngineError
from judgefast.prompts.decoding import Decoding, Label
from tests.engines.conftest import HAS_GPU

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.batches.request import Request
    from tests.engines.conftest import Started

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

PLAIN = Path(__file__).with_name("plain.py")
BLOCK = 32
TEXTS = [
    f"<|im_start|>user\nIs {n} more than {7 * n % 11}? Reply with A, B or C.<|im_end|>\n"
    "<|im_start|>assistant\n"
    for n in range(6)
]


def encoded(engine: VllmEngine, text: str) -> list[int]:
    tokenizer = engine.model.tokenizer
    assert tokenizer is not None
    ids: list[int] = tokenizer.encode_trusted(text).tolist()
    return ids


def labels_of(engine: VllmEngine, *texts: str) -> tuple[Label, ...]:
    return tuple(Label(text, encoded(engine, text)[0]) for text in texts)


def test_label_probabilities_are_those_of_the_whole_vocabulary_and_of_a_choice(
    started_vllm: Started, smollm2: Path, ask: Callable[..., Request], answers: Callable[..., Any]
) -> None:
    engine = started_vllm.engine
    labels = labels_of(engine, "A", "B", "C")
    prompts = [encoded(engine, text) for text in TEXTS]
    decoding = Decoding(max_tokens=1, labels=labels, probabilities=True)
    ours = [
        completion.answers[0].logprobs
        for completion in answers(engine, [ask(ids, decoding) for ids in prompts])
    ]
    task = {
        "prompts": prompts,
        "labels": {label.text: label.token_id for label in labels},
        "arguments": started_vllm.facts["arguments"] | {"disable_log_stats": True},
    }
    del task["arguments"]["model"]
    plain = subprocess.run(
        [sys.executable, str(PLAIN), str(smollm2), json.dumps(task)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert plain.returncode == 0, plain.stderr[-2000:]
    told = json.loads(plain.stdout.splitlines()[-1])
    for mine, whole, choice in zip(ours, told["whole"], told["choice"], strict=True):
        assert np.exp(mine) == pytest.approx(np.exp(whole), abs=5e-5)
        mass = math.log(sum(map(math.exp, mine)))
        assert np.exp(mine) / math.exp(mass) == pytest.approx(np.exp(choice), abs=5e-5)
        assert -3 < mass < 0
    assert len({tuple(each) for each in ours}) == len(ours)


def test_a_schema_holds_the_text_and_leaves_no_white_space(
    started_vllm: Started, ask: Callable[..., Request], answers: Callable[..., Any]
) -> None:
    schema = {
        "type": "object",
        "properties": {"score": {"enum": [1, 2, 3, 4, 5]}, "reason": {"type": "string"}},
        "required": ["score", "reason"],
        "additionalProperties": False,
    }
    decoding = Decoding(max_tokens=40, schema=json.dumps(schema))
    engine = started_vllm.engine
    for completion in answers(engine, [ask(encoded(engine, text), decoding) for text in TEXTS]):
        assert completion.error is None
        assert completion.text[:9] in [f'{{"score":{n}'[:9] for n in range(1, 6)]
        assert completion.text[9] in "12345"
        if completion.finish_reason == "stop":
            assert set(json.loads(completion.text)) == {"score", "reason"}
        else:
            assert completion.completion_tokens == 40


def test_a_choice_holds_the_text_to_its_labels(
    started_vllm: Started, ask: Callable[..., Request], answers: Callable[..., Any]
) -> None:
    engine = started_vllm.engine
    words = ["[[A>>B]]", "both are equally good", "no"]
    free = Decoding(max_tokens=40, labels=tuple(map(Label, words)))
    tight = Decoding(max_tokens=1, labels=labels_of(engine, "A", "B"))
    ids = encoded(engine, TEXTS[0])
    found = answers(engine, [ask(ids, free), ask(ids, tight)])
    assert found[0].text in words
    assert found[1].text in {"A", "B"}
    assert {each.finish_reason for each in found} == {"stop"}


def test_cached_tokens_are_counted_by_whole_blocks(
    started_vllm: Started, ask: Callable[..., Request], answers: Callable[..., Any]
) -> None:
    engine = started_vllm.engine
    random = np.random.default_rng(1)
    shared = random.integers(1000, 9000, 100).tolist()
    requests = [ask(shared + random.integers(1000, 9000, 30).tolist()) for _ in range(10)]
    counts = [each.cached_tokens for each in answers(engine, requests)]
    assert counts == [0] + [100 // BLOCK * BLOCK] * 9
    for length in (31, 32, 33, 64, 65, 129):
        ids = random.integers(1000, 9000, length).tolist()
        found = [answers(engine, [ask(ids)])[0] for _ in range(2)]
        assert [each.cached_tokens for each in found] == [0, (length - 1) // BLOCK * BLOCK]
        assert {each.prompt_tokens for each in found} == {length}


def test_text_is_cut_at_max_tokens_and_ends_at_a_stop_text(
    started_vllm: Started, ask: Callable[..., Request], answers: Callable[..., Any]
) -> None:
    engine = started_vllm.engine
    ids = encoded(engine, "One, two, three, four, five, six, seven,")
    free, stopped, ended = answers(
        engine,
        [
            ask(ids, Decoding(max_tokens=8)),
            ask(ids, Decoding(max_tokens=8, stop=("nine",))),
            ask(encoded(engine, TEXTS[1]), Decoding(max_tokens=200)),
        ],
    )
    assert (free.finish_reason, free.completion_tokens) == ("length", 8)
    assert free.text.startswith(" eight, and nine")
    assert (stopped.finish_reason, stopped.text) == ("stop", " eight, and ")
    assert ended.finish_reason == "stop"
    assert "<|im_end|>" not in ended.text


def test_what_vllm_refuses_fails_alone_and_others_go_on(
    started_vllm: Started, ask: Callable[..., Request], answers: Callable[..., Any]
) -> None:
    engine = started_vllm.engine
    long = ask([5] * 2048)
    bad = ask([5, 6], Decoding(max_tokens=4, schema='{"type":"objekt"}'))
    foreign = ask([5, 1 << 20])
    many = tuple(Label(str(n), n) for n in range(200))
    labels = ask([5, 6], Decoding(max_tokens=1, labels=many, probabilities=True))
    good = [ask([100 + n, 200]) for n in range(4)]
    requests = [good[0], long, good[1], bad, foreign, good[2], labels, good[3]]
    found = dict(zip([r.request_id for r in requests], answers(engine, requests), strict=True))
    assert all(found[each.request_id].error is None for each in good)
    kinds = [found[each.request_id].error_kind for each in (long, bad, foreign, labels)]
    assert kinds == ["too_long", "engine_error", "engine_error", "engine_error"]
    assert "maximum" in found[long.request_id].error
    assert "grammar" in found[bad.request_id].error
    assert found[labels.request_id].error == "200 labels of one token each: at most 128"
    assert engine.counters()["restarts"] == 0


def test_a_launch_keeps_what_decides_verdicts(started_vllm: Started) -> None:
    engine, facts = started_vllm
    assert facts["vllm"].startswith("0.")
    assert (facts["device"] == "cpu") is not HAS_GPU
    assert facts["dtype"] == "torch.bfloat16"
    assert (facts["max_model_len"], facts["block_size"]) == (2048, BLOCK)
    assert facts["backend"] == "xgrammar"
    assert facts["disable_any_whitespace"] is True
    assert facts["batch_invariant"] is HAS_GPU
    backend = facts["attention_backend"]
    assert HAS_GPU or backend == "CPU_ATTN", "as the worker has chosen it"
    assert (facts["quantization"], facts["seed"], facts["cache_dtype"]) == (None, 0, "auto")
    assert set(facts["startup"]) == {"import", "waiting", "start"}
    assert facts["primes_heads"] is False
    assert facts["model_digest"] == engine.model.digest
    assert engine.model.context_tokens == 2048
    assert [lane.room for lane in engine.lanes] == [32]


def test_an_argument_that_vllm_does_not_have_is_named(
    vllm_environment: None, smollm2: Path
) -> None:
    engine = VllmEngine(str(smollm2), max_num_seq=8)
    try:
        with pytest.raises(EngineError, match=r"vLLM 0\.\S+ has no engine argument `max_num_seq`"):
            engine.start()
    finally:
        engine.close()
