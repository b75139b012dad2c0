"""Engines over a real model on the CPU, for the contract: one start serves all of its tests."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

import pytest

from judgefast.engines import create_engine

from .http.judging import KEY
from .http.llama import serve_llama, write_llama_folder

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.engines.base import Engine

FEW = {"embedded": 6, "http-llama": 4}
"""Requests in place of 30, and short ones: a model takes its time."""

SHORT = """
name = "short"
mode = "pairwise"
reference = "never"
[[aspects]]
name = "quality"
criterion = "Which is better?"
[template]
[[template.blocks]]
text = '''
Question:
{question}
A:
{answer_1}
B:
{answer_2}
{criterion}'''
[verdict]
name = "label"
labels = [{ text = "A", choice = "first" }, { text = "B", choice = "second" },
  { text = "C", choice = "tie" }]
"""


class ModelEngines:
    """The embedded engine, and `http` before llama.cpp's server."""

    def __init__(self, weights: Path, folder: Path) -> None:
        self.rubric = folder / "short.toml"
        self.rubric.write_text(SHORT, encoding="utf-8")
        self._weights, self._folder = weights, folder
        self._made: dict[str, tuple[Engine, Any]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Set the key of the server."""
        self._stack.enter_context(pytest.MonkeyPatch.context()).setenv("JUDGEFAST_API_KEY", KEY)
        return self

    def __exit__(self, *error: object) -> None:
        """End all of them."""
        self._stack.close()

    def started(self, name: str) -> tuple[Engine, Any]:
        """One of them, and the facts of its start."""
        if name not in self._made:
            engine = self._embedded() if name == "embedded" else self._llama()
            self._stack.callback(engine.close)
            self._made[name] = engine, engine.start()
        return self._made[name]

    def _embedded(self) -> Engine:
        return create_engine("embedded", model=str(self._weights), kv_blocks=700)

    def _llama(self) -> Engine:
        pytest.importorskip("xllamacpp", reason="its wheel is not made for this platform")
        url = self._stack.enter_context(serve_llama(self._weights))
        folder = write_llama_folder(self._weights, self._folder / "smollm2")
        return create_engine("http", base_url=url, tokenizer=str(folder))
