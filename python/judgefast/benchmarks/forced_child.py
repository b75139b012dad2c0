"""The process of a vLLM replica whose texts all have their longest length.

Weights that mean nothing may end a text at any token; a text of a known length costs what a real
one of that length does.
"""

from __future__ import annotations

from typing import Any

from judgefast.engines.vllm import child
from judgefast.engines.vllm import loop as module
from judgefast.engines.vllm.loop import Loop
from judgefast.engines.vllm.wire import Work  # noqa: TC001 - as the loop has it


class Forced:
    """Sampling parameters with which every text has its whole length: dummies may end at once."""

    def __init__(self, inner: Any) -> None:  # noqa: ANN401 - the loop's own
        self._inner = inner

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of the loop's own
        """All else is the loop's."""
        return getattr(self._inner, name)

    def params(self, work: Work) -> Any:  # noqa: ANN401 - vLLM's
        """Those of the loop, and no end before the last token."""
        params = self._inner.params(work)
        params.ignore_eos = True
        return params


class ForcedLoop(Loop):
    """The loop of the engine, with forced lengths."""

    def __init__(self, engine: Any, send: Any) -> None:  # noqa: ANN401 - as in `Loop`
        super().__init__(engine, send)
        self._sampling = Forced(self._sampling)  # type: ignore[assignment] # the same method


if __name__ == "__main__":
    module.Loop = ForcedLoop  # type: ignore[misc] # the process makes its loop itself
    child.main()
