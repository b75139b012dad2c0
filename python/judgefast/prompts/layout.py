"""A rubric laid out for one engine: trusted texts and slots, in the order the judge reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.errors import ModelError
from judgefast.prompts.chat_template import wrap_parts
from judgefast.prompts.template import OURS, Slot, flatten, split_lines

if TYPE_CHECKING:
    from judgefast.prompts.decoding import Capabilities
    from judgefast.prompts.model import JudgeModel
    from judgefast.prompts.rubric import Rubric

LAYOUT = "blocks 1"
TRUNCATION = "none"
"""Names of how prompts are laid out and, as a rule, shortened; a part of `prompt_hash`."""

Parts = tuple[str | Slot, ...]
"""Trusted texts and slots; a text begins, and a text ends, every prompt."""


class Layout(msgspec.Struct, frozen=True):
    """The parts of every prompt of a run."""

    plain: Parts
    """For items without a reference."""
    with_reference: Parts
    has_system: bool
    """The first part is a system message by itself: no chat template was applied."""
    folded_system: bool
    """The chat template takes no system message: it stands at the head of the user's."""

    @property
    def tail(self) -> str:
        """Text behind the last slot: what the judge's first token follows."""
        tail = self.plain[-1]
        return tail if isinstance(tail, str) else ""


def lay_out(
    rubric: Rubric,
    model: JudgeModel | None,
    capabilities: Capabilities,
    *,
    thinking: bool | None = None,
) -> Layout:
    """Lay out `rubric`, inside the judge's chat template where the engine takes the whole prompt.

    Args:
        rubric: The rubric.
        model: The judge, where it is known.
        capabilities: What the engine takes.
        thinking: The prompt ends where the judge thinks, or where it answers; None: where its
            template leaves off.

    Raises:
        ModelError: The engine takes token ids but the model has no tokenizer; the rubric wants a
            chat template and there is none, or it breaks the prompt.

    """
    if capabilities.takes == "ids" and (model is None or model.tokenizer is None):
        name = model.name if model else "the judge"
        message = f"the engine takes token ids, but the tokenizer of `{name}` is unknown"
        raise ModelError(message, hint="give the model's tokenizer.json")
    criterion, scale = aspect_texts(rubric)
    ours = {
        "criterion": criterion,
        "scale": scale,
        "examples": "\n\n".join(rubric.examples) + "\n",
    }
    system = "".join(
        ours[part.name] if isinstance(part, Slot) else part
        for part in split_lines(rubric.template.system, OURS)
    ).rstrip("\n")
    is_wrapped = is_wrapped_for(rubric, capabilities)
    variants = []
    folded = False
    for with_reference in (False, True):
        user = flatten(rubric.template.blocks, ours, with_reference=with_reference)
        last = user[-1]
        if isinstance(last, str):
            user[-1] = last.removesuffix("\n")
        parts = [system, *user] if system else user
        if is_wrapped:
            parts, folded = _wrapped(
                rubric, model, parts, has_system=bool(system), thinking=thinking
            )
        variants.append(_with_prefix(model, parts) if capabilities.takes == "ids" else parts)
    plain, referenced = (tuple(parts) for parts in variants)
    return Layout(plain, referenced, bool(system) and not is_wrapped, folded)


def aspect_texts(rubric: Rubric) -> tuple[str, str]:
    """What stands in place of `{criterion}` and `{scale}`.

    The first aspect's, or where all are asked together each under its name, one below the other.
    """
    scales = [aspect.scale.text() if aspect.scale else "" for aspect in rubric.aspects]
    if not rubric.together:
        return rubric.aspects[0].criterion + "\n", scales[0]
    criteria = [f"{aspect.name}: {aspect.criterion}\n" for aspect in rubric.aspects]
    pairs = zip(rubric.aspects, scales, strict=True)
    return "".join(criteria), "".join(f"{aspect.name}:\n{scale}" for aspect, scale in pairs)


def is_wrapped_for(rubric: Rubric, capabilities: Capabilities) -> bool:
    """Whether we put the prompt into the judge's chat template: a server does it with messages."""
    return rubric.template.wrap == "chat" and capabilities.takes in {"ids", "text"}


def _wrapped(
    rubric: Rubric,
    model: JudgeModel | None,
    parts: list[str | Slot],
    *,
    has_system: bool,
    thinking: bool | None,
) -> tuple[list[str | Slot], bool]:
    if model is None or model.chat_template is None:
        name = model.name if model else "the judge"
        message = f"`{name}` has no chat template, but the rubric `{rubric.name}` wants one"
        raise ModelError(message, hint='use an instruct model, or a rubric with wrap = "plain"')
    wrapped = wrap_parts(
        model, has_system=has_system, num_parts=len(parts), date=rubric.date, thinking=thinking
    )
    merged: list[str | Slot] = [wrapped.around[0]]
    for part, after in zip(parts, wrapped.around[1:], strict=True):
        for piece in (part, after):
            last = merged[-1]
            if isinstance(piece, str) and isinstance(last, str):
                merged[-1] = last + piece
            elif piece:
                merged.append(piece)
    if thinking is not None and model.reasoning is not None and isinstance(merged[-1], str):
        merged[-1] += model.reasoning.tail(thinking=thinking) or ""
    return merged, wrapped.folded_system


def _with_prefix(model: JudgeModel | None, parts: list[str | Slot]) -> list[str | Slot]:
    """Put BOS before the prompt if the tokenizer would, unless the template has done so."""
    prefix = model.tokenizer.prefix if model and model.tokenizer else ""
    head = parts[0]
    if not prefix or not isinstance(head, str) or head.startswith(prefix):
        return parts
    return [prefix + head, *parts[1:]]
