"""What is the same in all prompts that one set of aspects is asked by: a way of asking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.hashes import framed
from judgefast.prompts.decide import decide_decoding, thinking_of
from judgefast.prompts.decoding import Capabilities, Decoding, Label
from judgefast.prompts.layout import LAYOUT, TRUNCATION, Layout, lay_out
from judgefast.prompts.questions import Question, question_of
from judgefast.prompts.rubric import Rubric, framed_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgefast.prompts.model import JudgeModel


class Way(msgspec.Struct, frozen=True):
    """One way of asking: an aspect alone, or all aspects together."""

    rubric: Rubric
    """With the aspects that are asked."""
    layout: Layout
    decodings: tuple[Decoding, ...]
    """One an aspect."""
    questions: tuple[Question, ...]
    """One an aspect."""
    seen: tuple[object, ...]
    """What the judge sees, the texts of the item and how they are shortened apart."""

    def prompt_hash(self, truncation: str = TRUNCATION) -> str:
        """64 hex digits. Other aspects of the rubric have a part in it by `truncation` alone."""
        return framed("judgefast prompt 1", framed_value([LAYOUT, truncation, *self.seen])).hex()


def ways_of(
    rubric: Rubric,
    model: JudgeModel | None,
    capabilities: Capabilities,
    overrides: Mapping[str, Any] | None = None,
) -> tuple[Way, ...]:
    """Lay out every prompt of a rubric: one where aspects are asked together, else one an aspect.

    An engine that takes a state is asked about all aspects of it at once, each with its own labels.

    Raises:
        ConfigError: An unknown or unfit override.
        RubricError: The rubric asks for what the engine cannot do.
        ModelError: The model's template or tokenizer does not fit the rubric.

    """
    thinking = thinking_of(rubric, capabilities, model, overrides)
    ways = []
    for asked in (rubric,) if is_together(rubric, capabilities) else rubric.prompts:
        layout = lay_out(asked, model, capabilities, thinking=thinking)
        alone = (asked,) if rubric.together else asked.prompts
        decodings = [
            decide_decoding(one, capabilities, model, overrides, layout=layout) for one in alone
        ]
        if rubric.together:
            decodings *= len(asked.aspects)
        questions = tuple(question_of(asked, place) for place in range(len(asked.aspects)))
        seen = _seen(asked, model, decodings[0])
        if capabilities.takes == "state":
            seen.append(questions)
        if thinking is not None and model and model.reasoning:
            reasoning = model.reasoning
            seen.append(("thinking", reasoning.tail(thinking=thinking) or "", reasoning.closing))
        ways.append(Way(asked, layout, tuple(decodings), questions, tuple(seen)))
    return tuple(ways)


def is_together(rubric: Rubric, capabilities: Capabilities) -> bool:
    """Whether one request asks about all aspects of what is shown."""
    return rubric.together or capabilities.takes == "state"


def hash_of_all(hashes: tuple[str, ...]) -> str:
    """Prompt hash of a run: that of its only prompt, or one over those of its aspects."""
    if len(hashes) == 1:
        return hashes[0]
    return framed("judgefast prompts 1", [each.encode() for each in hashes]).hex()


def _seen(rubric: Rubric, model: JudgeModel | None, decoding: Decoding) -> list[object]:
    template = rubric.template
    is_chat = template.wrap == "chat" and model is not None
    # Token ids are the tokenizer's, which is a part of the judge.
    labels = tuple(Label(label.text) for label in decoding.labels)
    is_choice = rubric.mode == "choice"
    aspects: object = (rubric.aspects[0].criterion, rubric.aspects[0].scale)
    if rubric.together:
        each = ((aspect.name, aspect.criterion, aspect.scale) for aspect in rubric.aspects)
        aspects = ("together", tuple(each))
    return [
        template,
        rubric.examples,
        aspects,
        (model.chat_template or "") if is_chat and model else "",
        rubric.date,
        tuple(label.text for label in rubric.verdict.labels) if is_choice else (),
        msgspec.structs.replace(decoding, labels=labels),
    ]
