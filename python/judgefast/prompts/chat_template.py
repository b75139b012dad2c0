"""A model's chat template, applied once around sentinels that stand for the parts of a prompt.

A template is a program of somebody else's. What it does to a text is not trusted: each part goes
in as a sentinel, and must come out once, unchanged and in order. So nothing that a candidate
writes ever meets the template, and a template that trims, escapes or drops is found at the start.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from judgefast.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jinja2 import Environment, nodes

    from judgefast.prompts.model import JudgeModel


class Wrapped(msgspec.Struct, frozen=True):
    """What the template puts around the parts of a prompt."""

    around: tuple[str, ...]
    """Text before the first part, between the parts, and after the last."""
    folded_system: bool
    """The template takes no system message: it stands at the head of the user's."""


def wrap_parts(
    model: JudgeModel,
    *,
    has_system: bool,
    num_parts: int,
    date: str,
    thinking: bool | None = None,
) -> Wrapped:
    """Apply the chat template to a system message of one part and a user message of the others.

    Args:
        model: The judge; its `chat_template` is set.
        has_system: Whether the first part is a system message.
        num_parts: Parts in all, at least one of them the user's.
        date: ISO date that the template gets for today's.
        thinking: What the template is told of thinking before the answer; None: nothing.

    Raises:
        ModelError: The template fails, or changes, drops, doubles or reorders a part.

    """
    sentinels = [f"judgefast-part-{index:04d}-here" for index in range(num_parts)]
    user = "".join(sentinels[has_system:])
    # Templates differ in what they call it.
    told = {} if thinking is None else {"enable_thinking": thinking, "thinking": thinking}
    if not has_system:
        text = _apply(model, [("user", user)], date, told)
        return Wrapped(_around(text, sentinels, model), folded_system=False)
    messages = [("system", sentinels[0]), ("user", user)]
    try:
        text = _apply(model, messages, date, told)
        if sentinels[0] in text:
            return Wrapped(_around(text, sentinels, model), folded_system=False)
    except _TemplateError:
        pass
    # One retry: the family of models that knows no system role takes its text from the user.
    user = f"{sentinels[0]}\n\n{user}"
    text = _apply(model, [("user", user)], date, told)
    return Wrapped(_around(text, sentinels, model), folded_system=True)


class _TemplateError(ModelError):
    """The template raised an error."""


def _apply(
    model: JudgeModel,
    messages: Sequence[tuple[str, str]],
    date: str,
    told: Mapping[str, bool],
) -> str:
    from jinja2 import TemplateError  # noqa: PLC0415 - on first use

    environment = _environment(date)
    try:
        template = environment.from_string(model.chat_template or "")
        return template.render(
            messages=[{"role": role, "content": content} for role, content in messages],
            tools=None,
            documents=None,
            add_generation_prompt=True,
            bos_token=model.bos_token,
            eos_token=model.eos_token,
            **told,
        )
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        # What a template can raise: its own words, or Python's where it works on wrong values.
        message = f"the chat template of `{model.name}` fails: {error}"
        hint = 'use another judge model, or a rubric with wrap = "plain"'
        raise _TemplateError(message, hint=hint) from error


def _around(text: str, sentinels: Sequence[str], model: JudgeModel) -> tuple[str, ...]:
    around = []
    rest = text
    for index, sentinel in enumerate(sentinels):
        count = text.count(sentinel)
        if count == 0:
            _refuse(model, f"drops or changes part {index + 1} of {len(sentinels)}")
        if count > 1:
            _refuse(model, f"repeats part {index + 1} of {len(sentinels)}")
        before, found, rest = rest.partition(sentinel)
        if not found:
            _refuse(model, f"puts part {index + 1} of {len(sentinels)} before an earlier one")
        around.append(before)
    return (*around, rest)


def _refuse(model: JudgeModel, words: str) -> NoReturn:
    message = f"the chat template of `{model.name}` {words} of the prompt"
    raise ModelError(message, hint='use another judge model, or a rubric with wrap = "plain"')


def _environment(date: str) -> Environment:
    """The environment that `transformers` renders chat templates in, with its clock stopped."""
    from jinja2.exceptions import TemplateError  # noqa: PLC0415 - on first use
    from jinja2.ext import Extension, loopcontrols  # noqa: PLC0415 - on first use
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415 - on first use

    class GenerationTag(Extension):
        """`{% generation %}` marks the assistant's tokens for training; here it is transparent."""

        tags = {"generation"}  # noqa: RUF012 - as Jinja declares it

        def parse(self, parser: Any) -> list[nodes.Node]:  # noqa: ANN401 - untyped in Jinja
            """Keep what stands between the tags."""
            next(parser.stream)
            body: list[nodes.Node] = parser.parse_statements(
                ("name:endgeneration",), drop_needle=True
            )
            return body

    def raise_exception(message: str) -> NoReturn:
        raise TemplateError(message)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = _clock(date)
    return environment


def _tojson(
    value: object,
    ensure_ascii: bool = False,  # noqa: FBT001, FBT002 - as templates call it
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,  # noqa: FBT001, FBT002 - as templates call it
) -> str:
    """JSON without the HTML escapes of Jinja's own filter."""
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _clock(date: str) -> Callable[[str], str]:
    moment = dt.datetime.fromisoformat(date).replace(tzinfo=dt.UTC)
    return moment.strftime
