"""The loop that the bench puts in the place of the engine's, without vLLM."""

from __future__ import annotations

import inspect
from types import FunctionType

from judgefast.benchmarks.alternating_child import AlternatingLoop
from judgefast.engines.vllm.loop import Loop


def test_it_takes_what_the_engines_loop_takes_wherever_it_stands_in_for_it() -> None:
    methods = {name: each for name, each in vars(Loop).items() if isinstance(each, FunctionType)}
    replaced = {name: method for name, method in methods.items() if name in vars(AlternatingLoop)}
    assert {"add", "cancel", "turn"} <= replaced.keys()
    for name, method in replaced.items():
        taken = inspect.signature(getattr(AlternatingLoop, name)).parameters
        assert list(taken) == list(inspect.signature(method).parameters), name
    hidden = methods.keys() & set(AlternatingLoop.__init__.__code__.co_names) - {"__init__"}
    assert not hidden, "a value in the place of a method"
