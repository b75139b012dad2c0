"""How fast requests may go out: two buckets, one of requests and one of tokens."""

from __future__ import annotations

import math

_MINUTE = 60.0
_PRESUMED_TOKENS = 2_000
"""Of a state and its questions, before any has gone."""


class Bucket:
    """Fills by a rate and is spent from; what it lacks has to be waited for.

    It may be spent below nothing, once: what a request takes is known only when it goes. So no more
    than a second's worth and one request go beyond the rate.

    Args:
        rate: Units a second; 0: without end.
        now: Monotonic seconds.

    """

    def __init__(self, rate: float, now: float) -> None:
        self.rate = rate
        self._most = max(1.0, rate)
        self._level, self._at = self._most, now

    def wait(self, now: float) -> float:
        """Seconds until something may be spent; 0 for at once."""
        if not self.rate:
            return 0.0
        self._fill(now)
        # A request needs something to be there: with nothing left it waits for one unit.
        return max(0.0, (min(1.0, self._most) - self._level) / self.rate)

    def spend(self, units: float, now: float) -> None:
        """Take out; a negative number puts back."""
        if self.rate:
            self._fill(now)
            self._level = min(self._most, self._level - units)

    def _fill(self, now: float) -> None:
        passed = max(0.0, now - self._at)
        self._level = min(self._most, self._level + passed * self.rate)
        self._at = max(now, self._at)


class Rates:
    """What all servers of one engine may be sent: they share one key. Other runs have their own.

    Args:
        requests_a_minute: 0 for any number.
        tokens_a_second: Of prompts; 0 for any number.
        now: Monotonic seconds.

    """

    def __init__(self, *, requests_a_minute: float, tokens_a_second: float, now: float) -> None:
        self._requests = Bucket(requests_a_minute / _MINUTE, now)
        self._tokens = Bucket(tokens_a_second, now)
        self._sent, self._taken = 0, 0.0

    def wait(self, now: float) -> float:
        """Seconds until a request may go; 0 for at once."""
        return max(self._requests.wait(now), self._tokens.wait(now))

    def sent(self, tokens: float, now: float) -> None:
        """Note a request with about so many tokens."""
        self._requests.spend(1, now)
        self._tokens.spend(tokens, now)
        self._sent, self._taken = self._sent + 1, self._taken + tokens

    def counted(self, guessed: float, tokens: int, now: float) -> None:
        """Note what a request that was guessed at has taken by the server's count."""
        self._tokens.spend(tokens - guessed, now)
        self._taken += tokens - guessed

    def soon(self, seconds: float) -> float:
        """Requests that may go in so many seconds, each with as many tokens as those so far.

        Any number where there is no rate. Before anything has gone a size is presumed.
        """
        requests = self._requests.rate * seconds or math.inf
        if not self._tokens.rate:
            return requests
        size = self._taken / self._sent if self._sent else _PRESUMED_TOKENS
        return min(requests, self._tokens.rate * seconds / max(1.0, size))
