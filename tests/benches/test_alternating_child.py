"""The loop that the bench puts in the place of the engine's, without vLLM."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING

from judgefast.engines.vllm.loop import Loop

if TYPE_CHECKING:
    import pytest

BENCHES = Path(__file__).resolve().parents[2] / "benches"


def test_it_takes_what_the_engines_loop_takes_wherever_it_stands_in_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(BENCHES))
    loop = importlib.import_module("alternating_child").AlternatingLoop
    methods = {name: each for name, each in vars(Loop).items() if isinstance(each, FunctionType)}
    replaced = {name: method for name, method in methods.items() if name in vars(loop)}
    assert {"add", "cancel", "turn"} <= replaced.keys()
    for name, method in replaced.items():
        taken = inspect.signature(getattr(loop, name)).parameters
        assert list(taken) == list(inspect.signature(method).parameters), name
    hidden = methods.keys() & set(loop.__init__.__code__.co_names) - {"__init__"}
    assert not hidden, "a value in the place of a method"
