"""Numbers of the embedded engine against a forward pass that shares no code with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from judgefast.prompts.decoding import Decoding

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    from judgefast.batches.request import Request
    from judgefast.engines.embedded import EmbeddedEngine
    from judgefast.prompts.tokenizer import PromptTokenizer

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

CHAT = (
    "<|im_start|>system\nYou are a judge. Answer A, B or C.<|im_end|>\n<|im_start|>user\n"
    "Question: {}\nAnswer A: {}\nAnswer B: {}\nWhich is better?<|im_end|>\n<|im_start|>assistant\n"
)
PROMPTS = [
    CHAT.format("What is 2+2?", "4", "5"),
    CHAT.format("Say hi", "hi " * 60, "no"),
    CHAT.format("Capital of France?", "Paris is the capital of France, on the Seine.", "bananas"),
    "Check each answer.\n\nQuestion:\nWhat is 2+2?\nAnswer:\n4\nQuality of the answer:",
]
LABELS = ("A", "B", "C", " good", "tie")


@pytest.fixture(scope="module")
def alone(
    engine: EmbeddedEngine,
    tokenizer: PromptTokenizer,
    ask: Callable[..., Request],
    label_decoding: Callable[..., Decoding],
    run: Callable[..., Any],
) -> list[tuple[float, ...]]:
    """Log-probabilities of the labels behind each prompt, one request after another."""
    found = []
    for text in PROMPTS:
        request = ask(tokenizer.encode_trusted(text), label_decoding(*LABELS))
        completion = run(engine, [request])[request.request_id]
        assert completion.finish_reason == "stop"
        assert completion.completion_tokens == len(LABELS)
        assert completion.text in LABELS
        found.append(completion.answers[0].logprobs)
    return found


def test_label_probabilities_are_those_of_the_file(
    alone: list[tuple[float, ...]],
    weights: Path,
    tokenizer: PromptTokenizer,
    reference: ModuleType,
) -> None:
    model = reference.Llama(weights)
    for text, logprobs in zip(PROMPTS, alone, strict=True):
        expected = model.logprobs(tokenizer.encode_trusted(text).tolist())
        for label, logprob in zip(LABELS, logprobs, strict=True):
            assert logprob == pytest.approx(expected[tokenizer.token_id(label)], abs=0.01), label


def test_labels_that_cannot_be_forced_are_echoed(
    alone: list[tuple[float, ...]], engine: EmbeddedEngine
) -> None:
    assert len(alone) == len(PROMPTS)
    assert engine.counters()["echoed_labels"] >= 1, "`tie` begins with `t`, which is likelier"


def test_label_probabilities_are_the_same_in_a_batch(
    alone: list[tuple[float, ...]],
    engine: EmbeddedEngine,
    ask: Callable[..., Request],
    label_decoding: Callable[..., Decoding],
    run: Callable[..., Any],
) -> None:
    tokenizer = engine.model.tokenizer
    decoding = label_decoding(*LABELS[:4])
    requests = [ask(tokenizer.encode_trusted(text), decoding) for text in PROMPTS * 3]
    found = run(engine, requests)
    for request, expected in zip(requests, alone * 3, strict=True):
        logprobs = found[request.request_id].answers[0].logprobs
        assert logprobs == pytest.approx(expected[:4], abs=2e-4)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_texts_are_the_same_alone_and_in_a_batch(
    temperature: float,
    engine: EmbeddedEngine,
    tokenizer: PromptTokenizer,
    ask: Callable[..., Request],
    run: Callable[..., Any],
) -> None:
    decoding = Decoding(max_tokens=12, temperature=temperature, top_p=0.9)
    prompts = [tokenizer.encode_trusted(text) for text in PROMPTS]
    together = [ask(ids, decoding, seed=7 + n) for n, ids in enumerate(prompts)]
    texts = run(engine, together)
    for n, ids in enumerate(prompts):
        request = ask(ids, decoding, seed=7 + n)
        completion = run(engine, [request])[request.request_id]
        assert completion.text == texts[together[n].request_id].text
        assert completion.completion_tokens <= 12


def test_prompts_that_begin_alike_are_read_each_by_itself_once_new_labels_were_tried(
    engine: EmbeddedEngine,
    tokenizer: PromptTokenizer,
    ask: Callable[..., Request],
    label_decoding: Callable[..., Decoding],
    run: Callable[..., Any],
) -> None:
    decoding = label_decoding("X", "Y")  # no other test has these: their grammars are tried first
    prompts = [
        tokenizer.encode_trusted(f"Zebra number {n}. Is it X or Y? Answer:").tolist()
        for n in (1, 22, 333, 4444, 5, 66)
    ]
    assert len({ids[0] for ids in prompts}) == 1
    together = [ask(ids, decoding) for ids in prompts]
    found = run(engine, together)
    for ids, request in zip(prompts, together, strict=True):
        alone = ask(ids, decoding)
        expected = run(engine, [alone])[alone.request_id].answers[0].logprobs
        assert found[request.request_id].answers[0].logprobs == pytest.approx(expected, abs=2e-4)
