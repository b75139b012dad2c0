"""The end of an engine that is lost: what is on its way may still be answered, if it is soon."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from judgefast.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.engines.remote.endpoints import Endpoint
    from judgefast.engines.remote.handover import HandOver

_GRACE_SECONDS = 3.0


class Ending:
    """Hands the error over that ends an engine, behind all completions. Of the loop's thread.

    Args:
        endpoints: The servers.
        done: Takes completions, and the error.

    """

    def __init__(self, endpoints: Sequence[Endpoint], done: HandOver) -> None:
        self._endpoints, self._done = endpoints, done
        self.error: EngineError | None = None
        """Why nothing more is sent."""
        self._is_over = False

    def begin(self, error: EngineError) -> None:
        """Send nothing more; the first error counts."""
        if self.error is None:
            self.error = error
            seconds = _GRACE_SECONDS if self._is_any_on_its_way() else 0.0
            asyncio.get_running_loop().call_later(seconds, self._over)

    def go_on(self) -> None:
        """End where nothing is on its way any more; else hand over what has come so far."""
        if self._is_any_on_its_way():
            self._done.soon()
        else:
            self._over()

    def close(self) -> None:
        """Send nothing more, and tell nobody."""
        self._is_over, self.error = True, EngineError("closed")

    def _is_any_on_its_way(self) -> bool:
        return any(endpoint.in_flight for endpoint in self._endpoints)

    def _over(self) -> None:
        if not self._is_over and self.error is not None:
            self._is_over = True
            self._done.flush()
            self._done.put(self.error)
