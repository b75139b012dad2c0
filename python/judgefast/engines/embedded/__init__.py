"""The embedded engine: SmolLM2 in OpenVINO GenAI, on the CPU, in a process of its own.

What is where, in the order of a request: `engine` (facade) -> `guards`, `grammars` (what must never
reach the model) -> `wire` and the package `engines.child` (the engine process, seen from here) ->
`child`, `scheduler`, `pipeline` (inside it). The model's way: `weights`, `cache` -> `folders`,
`convert`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judgefast.engines.embedded.engine import EmbeddedEngine
    from judgefast.engines.embedded.weights import fetch

__all__ = ["EmbeddedEngine", "fetch"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attributes have any type
    if name == "EmbeddedEngine":
        from judgefast.engines.embedded.engine import EmbeddedEngine  # noqa: PLC0415 - lazy

        return EmbeddedEngine
    if name == "fetch":
        from judgefast.engines.embedded.weights import fetch  # noqa: PLC0415 - lazy

        return fetch
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
