"""Judges that answer typed questions about a state with probabilities, and write no text.

What goes between the parts of this room is in `asked.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["DecisionsEngine"]

if TYPE_CHECKING:
    from judgefast.engines.decisions.engine import DecisionsEngine


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name in __all__:
        from judgefast.engines.decisions import engine  # noqa: PLC0415 - first use loads it

        return engine.DecisionsEngine
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
