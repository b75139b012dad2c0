"""The judge's tokenizer and chat template: found beside its name, so that prompts can be token ids.

What a server is sent as ids nobody's text can break out of; so a tokenizer is looked for before
words are sent: in the folder that was named, in the server's own if this machine has it, in the
cache of the Hugging Face hub. Nothing is fetched.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from judgefast.errors import ModelError
from judgefast.prompts.model import JudgeModel
from judgefast.prompts.model_files import chat_template, read_object, text_of_token
from judgefast.prompts.tokenizer import PromptTokenizer

if TYPE_CHECKING:
    from collections.abc import Iterable


def find_tokenizer(named: str, likely: Iterable[str]) -> Path | None:
    """The `tokenizer.json` of a judge, or None where none is found.

    Args:
        named: A folder, a file, or `auto`.
        likely: Folders or names of the hub that may be the judge's, the likeliest first.

    Raises:
        ModelError: A path was named and there is no tokenizer.

    """
    if named != "auto":
        found = _in(Path(named).expanduser()) or _in_cache(named)
        if found is None:
            message = f"`{named}` holds no tokenizer.json"
            raise ModelError(message, hint="name the model's folder, or its tokenizer.json")
        return found
    for name in likely:
        found = _in(Path(name).expanduser()) or _in_cache(name)
        if found is not None:
            return found
    return None


def read_judge(file: Path, *, name: str, context_tokens: int | None) -> JudgeModel:
    """A judge whose weights a server has, by the files that shape its prompts.

    Args:
        file: Its tokenizer; the template is looked for beside it.
        name: As it is served.
        context_tokens: Prompt and completion together; None where the server does not say.

    Raises:
        ModelError: A file cannot be read.

    """
    told = read_object(file.parent / "tokenizer_config.json")
    return JudgeModel(
        name=name,
        digest="",
        tokenizer=PromptTokenizer.from_file(file),
        chat_template=chat_template(file.parent),
        bos_token=text_of_token(told.get("bos_token")),
        eos_token=text_of_token(told.get("eos_token")),
        context_tokens=context_tokens,
    )


def vocabulary_of(file: Path, tokenizer: PromptTokenizer) -> int:
    """Ids of a judge are below this: its embedding may have more rows than its tokenizer ids."""
    size = read_object(file.parent / "config.json").get("vocab_size")
    return max(tokenizer.size, size if isinstance(size, int) else 0)


def _in(path: Path) -> Path | None:
    file = path / "tokenizer.json" if path.is_dir() else path
    return file if file.is_file() and file.suffix == ".json" else None


def _in_cache(name: str) -> Path | None:
    """Look in the hub's cache, by its layout: models--OWNER--NAME/snapshots/REVISION."""
    home = os.environ.get("HF_HOME") or str(Path("~/.cache/huggingface").expanduser())
    cache = Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub")
    folder = cache / f"models--{name.replace('/', '--')}"
    if "\0" in name or not folder.is_dir():
        return None
    head = folder / "refs" / "main"
    if head.is_file():
        found = _in(folder / "snapshots" / head.read_text(encoding="utf-8").strip())
        if found is not None:
            return found
    return next((file for each in sorted(folder.glob("snapshots/*")) if (file := _in(each))), None)
