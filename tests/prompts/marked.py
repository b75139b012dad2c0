"""Judges that think, without weights: a byte-level tokenizer with marks, and a chat template."""

from __future__ import annotations

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from judgefast.prompts import PromptTokenizer
from judgefast.prompts.model import JudgeModel

THINK = ("<|im_start|>", "<|im_end|>", "<think>", "</think>")
HARMONY = ("<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|return|>", "<|call|>")

MESSAGES = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
)
CLOSED = "<think>\n\n</think>\n\n"
OFF = "{{ '" + CLOSED + "' }}"
TEMPLATES = {
    # What those of Qwen3, of its thinking edition, of DeepSeek-R1 and V3.1, and of hybrids do.
    "switched": MESSAGES + "{% if enable_thinking is false %}" + OFF + "{% endif %}{% endif %}",
    "opened": MESSAGES + "{{ '<think>\n' }}{% endif %}",
    "opened_bare": MESSAGES + "<think>{% endif %}",
    "bare": MESSAGES + "{% if thinking %}<think>{% else %}</think>{% endif %}{% endif %}",
    "off_by_default": MESSAGES
    + "{% if enable_thinking %}{{ '<think>\n' }}{% else %}"
    + OFF
    + "{% endif %}{% endif %}",
    "left_out": MESSAGES
    + "{% if enable_thinking is false %}{% else %}{{ '<think>\n' }}{% endif %}{% endif %}",
    "opened_if_told": MESSAGES + "{% if thinking %}{{ '<think>\n' }}{% endif %}{% endif %}",
    "closed_unless_told": MESSAGES + "{% if not thinking %}" + OFF + "{% endif %}{% endif %}",
    "history_only": "{% set seen = messages[0].content.split('</think>')[-1] %}"
    + MESSAGES
    + "{% endif %}",
}
HARMONY_MESSAGES = (
    "{% for m in messages %}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{% endfor %}"
)


def marked(template: str, marks: tuple[str, ...] = THINK, **fields: int) -> JudgeModel:
    """A judge of bytes and of `marks`, each a token of its own."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {character: place for place, character in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_tokens([AddedToken(mark, special=False, normalized=False) for mark in marks])
    return JudgeModel(
        name="thinker",
        digest="",
        tokenizer=PromptTokenizer.from_tokenizer(tokenizer),
        chat_template=template,
        **fields,
    )
