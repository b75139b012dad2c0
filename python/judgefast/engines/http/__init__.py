"""The HTTP engine: any server that speaks OpenAI's API, and SGLang's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["HttpEngine"]

if TYPE_CHECKING:
    from judgefast.engines.http.engine import HttpEngine


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name in __all__:
        from judgefast.engines.http.engine import HttpEngine  # noqa: PLC0415 - first use loads it

        return HttpEngine
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
