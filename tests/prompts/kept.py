"""A folder of kept token ids, for the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.prompts import token_files
from judgefast.prompts.token_cache import TokenCache

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.prompts.tokenizer import PromptTokenizer

TEXTS = [f"text {number} <|im_end|> é" * number for number in range(40)]


def filled(folder: Path, tokenizer: PromptTokenizer, texts: list[str] = TEXTS) -> TokenCache:
    cache = TokenCache(folder, tokenizer)
    for text in texts:
        cache.seal(text)
    cache.save()
    return cache


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob(f"*{token_files.SUFFIX}"))
