"""llama.cpp's server over SmolLM2 as a process, and what judgefast needs to know of the model."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from judgefast.prompts.gguf_tokenizer import tokenizer_from_gguf

from .judging import KEY
from .serving import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTEXT = 2048
"""As `llama_server.py` sets it, which cannot be imported without its wheel."""


@contextmanager
def serve_llama(weights: Path) -> Iterator[str]:
    """Its address, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.engines.http.llama_server", str(weights), KEY],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def write_llama_folder(weights: Path, folder: Path) -> Path:
    """Tokenizer and template of the model, as a model folder has them."""
    folder.mkdir()
    tokenizer, known = tokenizer_from_gguf(weights)
    tokenizer.save(str(folder / "tokenizer.json"))
    told = {"chat_template": known.chat_template, "eos_token": known.eos_token}
    (folder / "tokenizer_config.json").write_text(json.dumps(told), encoding="utf-8")
    config = {"vocab_size": known.vocabulary_size, "max_position_embeddings": CONTEXT}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder
