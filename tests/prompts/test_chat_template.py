"""Chat templates: what is refused, what is folded, what is pinned."""

from __future__ import annotations

import pytest

from judgefast.errors import ModelError
from judgefast.prompts.chat_template import Wrapped, wrap_parts
from judgefast.prompts.model import JudgeModel

CHATML = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}"
    "{% if add_generation_prompt %}<a>{% endif %}"
)


def wrap(template: str, *, has_system: bool = True, num_parts: int = 3) -> Wrapped:
    marks = {"bos_token": "<s>", "eos_token": "</s>"}
    model = JudgeModel(name="some-judge", digest="", chat_template=template, **marks)
    return wrap_parts(model, has_system=has_system, num_parts=num_parts, date="2026-01-01")


def test_the_text_around_the_parts_is_found() -> None:
    assert wrap(CHATML).around == ("<system>", "</><user>", "", "</><a>")
    assert wrap(CHATML, has_system=False, num_parts=2).around == ("<user>", "", "</><a>")
    assert not wrap(CHATML).folded_system


@pytest.mark.parametrize(
    "template",
    [
        "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        + CHATML,
        CHATML.replace("messages %}", "messages if m.role != 'system' %}"),
    ],
)
def test_a_template_without_a_system_role_gets_it_in_the_users_message(template: str) -> None:
    wrapped = wrap(template)
    assert wrapped.folded_system
    assert wrapped.around == ("<user>", "\n\n", "", "</><a>")


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (CHATML.replace("m.content", "m.content[:-1]"), "drops or changes part 3 of 3"),
        (CHATML.replace("m.content", "m.content | upper"), "drops or changes part 1 of 3"),
        (CHATML.replace("m.content", "m.content | replace('0002', '')"), "changes part 3 of 3"),
        (CHATML + "{{ messages[1].content }}", "repeats part 2 of 3"),
        (CHATML.replace("in messages", "in messages[::-1]"), "puts part 2 of 3 before an earlier"),
        ("no content", "drops or changes part 1 of 3"),
        ("{% for %}", "fails: "),
        ("{{ raise_exception('not today') }}", "fails: not today"),
        ("{{ messages[7].content.x }}", "fails: "),
        ("{{ 1 / 0 }}", "fails: division by zero"),
        ("{{ messages.append(1) }}", "fails: "),
        ("{{ ''.__class__.__mro__ }}", "fails: "),
    ],
)
def test_a_template_that_breaks_a_prompt_is_refused_with_the_reason(
    template: str, words: str
) -> None:
    with pytest.raises(ModelError, match="the chat template of `some-judge`") as caught:
        wrap(template)
    assert words in str(caught.value)
    assert caught.value.hint == 'use another judge model, or a rubric with wrap = "plain"'


def test_the_clock_of_a_template_stands_still() -> None:
    dated = "{{ strftime_now('%d %b %Y') }}|" + CHATML
    assert wrap(dated).around[0] == "01 Jan 2026|<system>"


def test_templates_get_what_transformers_gives_them() -> None:
    template = (
        "{{ bos_token }}{{ eos_token }}{% if tools %}tools{% endif %}\n"
        "    {% for n in [1, 2, 3] %}\n"
        "    {% if n == 3 %}{% break %}{% endif %}\n"
        "{{ {'k': '<é>'} | tojson }}{% endfor %}\n"
        "{% generation %}{{ messages[0].content }}{% endgeneration %}{{ messages[1].content }}"
    )
    assert wrap(template).around == ('<s></s>{"k": "<é>"}{"k": "<é>"}', "", "", "")
