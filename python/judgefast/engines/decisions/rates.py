"""How fast requests may go out: two buckets, one of requests and one of tokens."""

from __future__ import annotations

_MINUTE = 60.0


class Bucket:
    """Fills by a rate and is spent from; what it lacks has to be waited for.

    It may be spent below nothing, once: what a request takes is known only when it goes. So no more
    than a second's worth and one request go beyond the rate.

    Args:
        rate: Units a second; 0: without end.
        now: Monotonic seconds.

    """

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._most = max(1.0, rate)
        self._level, self._at = self._most, now

    def wait(self, now: float) -> float:
        """Seconds until something may be spent; 0 for at once."""
        if not self._rate:
            return 0.0
        self._fill(now)
        # A request needs something to be there: with nothing left it waits for one unit.
        return max(0.0, (min(1.0, self._most) - self._level) / self._rate)

    def spend(self, units: float, now: float) -> None:
        """Take out; a negative number puts back."""
        if self._rate:
            self._fill(now)
            self._level = min(self._most, self._level - units)

    def _fill(self, now: float) -> None:
        passed = max(0.0, now - self._at)
        self._level = min(self._most, self._level + passed * self._rate)
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

    def wait(self, now: float) -> float:
        """Seconds until a request may go; 0 for at once."""
        return max(self._requests.wait(now), self._tokens.wait(now))

    def sent(self, tokens: float, now: float) -> None:
        """Note a request with about so many tokens."""
        self._requests.spend(1, now)
        self._tokens.spend(tokens, now)

    def counted(self, guessed: float, tokens: int, now: float) -> None:
        """Note what a request that was guessed at has taken by the server's count."""
        self._tokens.spend(tokens - guessed, now)
