"""How a question to the judge is put: rubrics, templates, tokenizers.

Stage 2 of 8: items -> **prompts** -> batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judgefast.prompts.builtin import builtin_rubrics, load_rubric
    from judgefast.prompts.decide import decide_decoding
    from judgefast.prompts.gguf_tokenizer import tokenizer_from_gguf
    from judgefast.prompts.plan import PromptPlan
    from judgefast.prompts.rubric import Rubric
    from judgefast.prompts.seams import verify_seams
    from judgefast.prompts.tokenizer import PromptTokenizer

_HOMES = {
    "PromptPlan": "plan",
    "PromptTokenizer": "tokenizer",
    "Rubric": "rubric",
    "builtin_rubrics": "builtin",
    "decide_decoding": "decide",
    "load_rubric": "builtin",
    "tokenizer_from_gguf": "gguf_tokenizer",
    "verify_seams": "seams",
}

__all__ = [
    "PromptPlan",
    "PromptTokenizer",
    "Rubric",
    "builtin_rubrics",
    "decide_decoding",
    "load_rubric",
    "tokenizer_from_gguf",
    "verify_seams",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    """Load a public name on first use, so that importing the package costs nothing."""
    if name not in _HOMES:
        message = f"module `{__name__}` has no attribute `{name}`"
        raise AttributeError(message)
    from importlib import import_module  # noqa: PLC0415 - on first use

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
