"""The harmony format of gpt-oss, for folders that bring its tokenizer but no chat template.

What a system message is elsewhere is the developer's here; the system message says how the judge
has to answer. The texts are those of the format's published description; `openai-harmony` renders
the same token ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judgefast.prompts.tokenizer import PromptTokenizer

START, CHANNEL, MESSAGE = "<|start|>", "<|channel|>", "<|message|>"
ENDS = "<|end|>", "<|return|>", "<|call|>"
"""Ends of a message, of the answer, and of a call to a tool."""

ASSISTANT = f"{START}assistant"
ANALYSIS = f"{CHANNEL}analysis{MESSAGE}"
FINAL = f"{CHANNEL}final{MESSAGE}"

HARMONY_TEMPLATE = (
    "<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\n"
    "Knowledge cutoff: 2024-06\n"
    "Current date: {{ strftime_now('%Y-%m-%d') }}\n\n"
    "Reasoning: medium\n\n"
    "# Valid channels: analysis, commentary, final. "
    "Channel must be included for every message.<|end|>"
    "{% for message in messages %}"
    "{% if message.role == 'system' %}"
    "{{ '<|start|>developer<|message|># Instructions\n\n' + message.content + '<|end|>' }}"
    "{% else %}"
    "{{ '<|start|>' + message.role + '<|message|>' + message.content + '<|end|>' }}"
    "{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start|>assistant' }}{% endif %}"
)
"""Jinja source, as a model's own chat template is."""


def speaks_harmony(tokenizer: PromptTokenizer) -> bool:
    """Whether all marks of the format are control tokens, each of its own."""
    return all(map(tokenizer.is_control_token, (START, CHANNEL, MESSAGE, *ENDS)))
