"""The decoding in force: what the rubric asks for, as far as the engine can do it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import msgspec

from judgefast.errors import ConfigError, ModelError, RubricError
from judgefast.prompts.decoding import Capabilities, Decoding, Label
from judgefast.prompts.layout import Layout, is_wrapped_for, lay_out
from judgefast.prompts.rubric import MIN_THINKING_TOKENS, DecodingWishes, Rubric
from judgefast.prompts.table import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgefast.prompts.model import JudgeModel
    from judgefast.prompts.tokenizer import PromptTokenizer
    from judgefast.prompts.verdict_format import VerdictFormat

_LONGEST_ENUM = 32
"""Levels of a scale that are listed in a schema one by one."""


def decide_decoding(
    rubric: Rubric,
    capabilities: Capabilities,
    model: JudgeModel | None,
    overrides: Mapping[str, Any] | None = None,
    *,
    layout: Layout | None = None,
) -> Decoding:
    """Decide how completions are decoded.

    A `label` verdict is read as the probability of each label where the engine gives it, else the
    completion is held to the labels, else it is free text. A `json` verdict is held to a schema
    where the engine has that.

    Args:
        rubric: The rubric.
        capabilities: What the engine can do.
        model: The judge, where it is known.
        overrides: Settings of `[decoding]` that this run replaces.
        layout: The rubric laid out for this engine and model, if it is there already.

    Raises:
        ConfigError: An unknown or unfit override.
        RubricError: The rubric asks for what the engine cannot do.
        ModelError: A label is not exactly one token where the judge would write it.

    """
    wishes = _overridden(rubric.decoding, overrides or {})
    thinking = thinking_of(rubric, capabilities, model, overrides)
    common: dict[str, Any] = {
        "max_tokens": wishes.max_tokens,
        "temperature": wishes.temperature,
        "top_p": wishes.top_p,
        "stop": wishes.stop,
        "thinking_tokens": wishes.thinking_tokens if thinking else 0,
    }
    if capabilities.takes == "state" and (
        rubric.verdict.name != "label" or wishes.probabilities is False
    ):
        message = f"{rubric.file}: the engine answers typed questions and writes no text"
        raise RubricError(
            message, hint="use a rubric whose verdict is a label, read by probability"
        )
    if rubric.verdict.name == "label":
        if wishes.probabilities and not capabilities.label_probabilities:
            message = f"{rubric.file}: `decoding.probabilities` is true, but the engine has none"
            raise RubricError(message, hint='set it to "auto" to read the label as text there')
        if _reads_labels(rubric, capabilities, wishes):
            layout = layout or lay_out(rubric, model, capabilities, thinking=thinking)
            tokenizer = model.tokenizer if model else None
            if tokenizer is None and capabilities.takes != "state":
                _check_beginnings(rubric)
            labels = _label_tokens(rubric, tokenizer, layout.tail)
            return Decoding(**common | {"max_tokens": 1}, labels=labels, probabilities=True)
        if _is_held(rubric, capabilities, wishes):
            return Decoding(**common, labels=tuple(Label(x.text) for x in rubric.verdict.labels))
    elif _is_held(rubric, capabilities, wishes):
        return Decoding(**common, schema=verdict_schema(rubric))
    return Decoding(**common)


def thinking_of(
    rubric: Rubric,
    capabilities: Capabilities,
    model: JudgeModel | None,
    overrides: Mapping[str, Any] | None = None,
) -> bool | None:
    """Whether the judge thinks before it answers; None: nobody asks it to, or not to.

    A label whose probability is read is read without thinking. Else a judge thinks that does so by
    default, if the engine gives its thinking a budget; if not, whatever is held to a form is asked
    for without thinking.

    Raises:
        ConfigError: An unknown or unfit override.
        RubricError: The rubric wants thinking that the judge or the engine cannot do.
        ModelError: The prompt cannot end where this judge has to begin.

    """
    wishes = _overridden(rubric.decoding, overrides or {})
    if capabilities.takes == "key":  # it was asked before
        return None
    reasoning = None
    if model is not None and is_wrapped_for(rubric, capabilities):
        reasoning = model.reasoning
    # With messages the server writes the prompt, and knows how its judge thinks.
    is_unknown = reasoning is None and capabilities.takes != "chat"
    if wishes.thinking and (is_unknown or not capabilities.thinking):
        why = "the engine gives thinking no budget of its own"
        if capabilities.thinking:
            why = "no chat template and tokenizer show how the judge does that"
        message = f"{rubric.file}: `decoding.thinking` is true, but {why}"
        raise RubricError(message, hint='set it to "auto"')
    if reasoning is None:
        return wishes.thinking or None
    if _reads_labels(rubric, capabilities, wishes) or wishes.thinking is False:
        thinking = False
    elif capabilities.thinking:
        thinking = bool(wishes.thinking or reasoning.by_default)
    else:
        return False if _is_held(rubric, capabilities, wishes) else None
    if reasoning.tail(thinking=thinking) is None:
        where = "its thinking" if thinking else "its answer without thinking"
        name = model.name if model else "the judge"
        message = f"the prompts of `{name}` cannot be made to end where {where} begins"
        hint = 'use another chat template, or a rubric with wrap = "plain"'
        raise ModelError(message, hint=hint)
    return thinking


def _reads_labels(rubric: Rubric, capabilities: Capabilities, wishes: DecodingWishes) -> bool:
    """Whether a label is read by the probability of each."""
    if rubric.verdict.name != "label" or not capabilities.label_probabilities:
        return False
    return wishes.probabilities or (wishes.probabilities is None and not wishes.thinking)


def _is_held(rubric: Rubric, capabilities: Capabilities, wishes: DecodingWishes) -> bool:
    """Whether the engine holds the text to the labels, or to a schema."""
    can = {"label": capabilities.choice, "json": capabilities.schema}
    return wishes.structured == "auto" and can.get(rubric.verdict.name, False)


def verdict_schema(rubric: Rubric) -> str:
    """JSON schema of a `json` verdict: the verdict first, then the reason.

    Where aspects are asked together: an object with such a one for each, by the aspect's name.

    Without `maxLength` and `pattern`, which some engines compile for seconds. The same rubric gives
    the same bytes, so that an engine compiles it once.
    """
    members = {str(form.member): _shape(form) for form in rubric.verdicts}
    shape = _object(members) if rubric.together else _shape(rubric.verdict)
    return json.dumps(shape, ensure_ascii=False, separators=(",", ":"))


def _shape(verdict: VerdictFormat) -> dict[str, Any]:
    """Schema of one verdict."""
    low, high = verdict.low, verdict.high
    shape: dict[str, Any] = {"type": "integer" if verdict.integer else "number"}
    if verdict.labels:
        shape = {"type": "string", "enum": [label.text.strip() for label in verdict.labels]}
    elif low is not None and high is not None:
        if verdict.integer and high - low < _LONGEST_ENUM:
            shape["enum"] = list(range(int(low), int(high) + 1))
        else:
            shape |= {"minimum": _plain(low), "maximum": _plain(high)}
    properties: dict[str, Any] = {str(verdict.field): shape}
    if verdict.reason_field:
        properties[verdict.reason_field] = {"type": "string"}
    return _object(properties)


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    """Schema of an object that has these members, all of them, in this order."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _plain(number: float) -> int | float:
    return int(number) if number.is_integer() else number


def _check_beginnings(rubric: Rubric) -> None:
    """Refuse a label that another one begins with, where tokens are known by their texts alone.

    `10` may be the tokens `1` and `0`: then what is read for `1` is the sum of both.
    """
    texts = [label.text.strip() for label in rubric.verdict.labels]
    for text in texts:
        other = next((each for each in texts if each != text and each.startswith(text)), None)
        if other is not None:
            message = (
                f"the label `{text}` of `{rubric.file}` may be the first token of `{other}`: "
                "without the judge's tokenizer their probabilities cannot be told apart"
            )
            hint = "name its tokenizer, use other labels, or set `decoding.probabilities` to false"
            raise ModelError(message, hint=hint)


def _label_tokens(
    rubric: Rubric, tokenizer: PromptTokenizer | None, tail: str
) -> tuple[Label, ...]:
    """Find each label's one token, as it comes behind the text that the prompt ends with."""
    texts = [label.text for label in rubric.verdict.labels]
    if tokenizer is None:
        return tuple(Label(text) for text in texts)
    before = tokenizer.encode_trusted(tail).tolist()
    labels: dict[int, str] = {}
    for text in texts:
        ids = tokenizer.encode_trusted(tail + text).tolist()
        added = ids[len(before) :]
        if ids[: len(before)] != before or len(added) != 1 or added[0] in tokenizer.control_ids:
            count = f"{len(added)} tokens" if ids[: len(before)] == before else "no token by itself"
            message = f"the label `{text}` of `{rubric.file}` is {count} for this judge"
            hint = "use labels of one character, or set `decoding.probabilities` to false"
            raise ModelError(message, hint=hint)
        if added[0] in labels:
            message = f"the labels `{labels[added[0]]}` and `{text}` are one token for this judge"
            raise ModelError(message, hint="use labels that begin differently")
        labels[added[0]] = text
    return tuple(Label(text, token) for token, text in labels.items())


def _overridden(wishes: DecodingWishes, overrides: Mapping[str, Any]) -> DecodingWishes:
    known = wishes.__struct_fields__
    for name in overrides:
        if name not in known:
            message = f"there is no decoding setting `{name}`"
            raise ConfigError(message, hint=nearest(name, known))
    changed = msgspec.to_builtins(wishes) | dict(overrides)
    for name in ("probabilities", "thinking"):
        if changed[name] == "auto":
            changed[name] = None
    try:
        found = msgspec.convert(changed, DecodingWishes)
    except msgspec.ValidationError as error:
        message = f"a decoding setting does not fit: {error}"
        raise ConfigError(message, hint="see [decoding] in docs/rubrics.md") from error
    ranges = (
        ("max_tokens", 1, 1 << 20),
        ("thinking_tokens", MIN_THINKING_TOKENS, 1 << 20),
        ("temperature", 0, 2),
        ("top_p", 1e-6, 1),
    )
    for name, low, high in ranges:
        value = cast("float", getattr(found, name))
        if not low <= value <= high:
            message = f"the decoding setting `{name}` is {value}"
            raise ConfigError(message, hint=f"it must be from {low} to {high}")
    if found.thinking and found.probabilities:
        message = "the decoding settings `thinking` and `probabilities` are both true"
        raise ConfigError(message, hint="labels are read by probability without thinking")
    return found
