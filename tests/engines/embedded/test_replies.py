"""What a completion says of an answer of the engine process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from judgefast.engines.base import LabelRead
from judgefast.engines.embedded.facts import ModelFacts
from judgefast.engines.embedded.replies import Pending
from judgefast.engines.embedded.wire import Done
from judgefast.prompts.decoding import Decoding, Label

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.batches.request import Request

FACTS = ModelFacts(
    architecture="llama",
    vocabulary=100,
    context_tokens=64,
    eos_ids=(2,),
    special_ids=frozenset({0, 1, 2}),
    layers=1,
    kv_heads=1,
    head_size=1,
)


class Spelling:
    """A tokenizer whose text is the list of ids."""

    def decode(self, ids: list[int]) -> str:
        """The ids as a list."""
        return str(ids)


SPELLING: Any = Spelling()


def test_marks_are_no_part_of_a_text(ask: Callable[..., Request]) -> None:
    pending = Pending.now(ask([5, 6, 7]), 0)
    completion = pending.written(Done(number=1, tokens=[50, 1, 51, 2]), FACTS, SPELLING)
    assert completion.text == "[50, 51]"
    assert completion.finish_reason == "stop"
    assert (completion.prompt_tokens, completion.completion_tokens) == (3, 4)
    assert completion.cached_tokens is None
    cut = pending.written(Done(number=1, tokens=[50], cut=True), FACTS, SPELLING)
    assert cut.finish_reason == "length"


@pytest.mark.parametrize("held", [{"schema": "{}"}, {"labels": (Label("A"),)}])
def test_a_mark_inside_a_grammar_is_an_error(
    held: dict[str, Any], ask: Callable[..., Request]
) -> None:
    decoding = msgspec.structs.replace(Decoding(max_tokens=4), **held)
    pending = Pending.now(ask([5], decoding), 0)
    failed = pending.written(Done(number=1, tokens=[0, 0], cut=True), FACTS, SPELLING)
    assert (failed.finish_reason, failed.error_kind, failed.text) == ("error", "engine_error", "")
    assert failed.error == "the engine left the grammar: it wrote a mark"
    assert pending.written(Done(number=1, tokens=[50, 2]), FACTS, SPELLING).text == "[50]"


def test_the_text_of_label_probabilities_is_the_likeliest_label(
    ask: Callable[..., Request],
) -> None:
    labels = (Label("A", 5), Label("B", 6))
    pending = Pending.now(ask([5], Decoding(max_tokens=1, labels=labels, probabilities=True)), 0)
    completion = pending.labelled([-3.0, -1.0], 2)
    assert completion.text == "B"
    assert completion.answers == (LabelRead(0, (-3.0, -1.0)),)
    assert completion.completion_tokens == 2


def test_a_refused_request_without_an_array_of_ids_still_comes_back(
    ask: Callable[..., Request],
) -> None:
    request = ask([1])
    prompt: Any = msgspec.structs.replace(request.prompt, token_ids=[1, 2])
    failed = Pending.now(msgspec.structs.replace(request, prompt=prompt), 0)
    assert failed.failed("engine_error", "no").prompt_tokens == 2
