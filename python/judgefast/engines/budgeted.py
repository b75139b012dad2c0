"""A source that stops inside a budget: what is in flight is taken for the most that it may cost.

What one item asks (both orders, all repeats and aspects) is begun only if all of it fits, so that
no item is left half judged. The first item that does not fit ends the run's asking: to look for a
smaller one would judge short items more often than long ones.
"""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple, Protocol

from judgefast.engines.source import LONGEST_HELD_GROUP
from judgefast.engines.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from judgefast.batches.request import Request
    from judgefast.costs.budget import Unit
    from judgefast.engines.base import Completion
    from judgefast.engines.source import Source

RECENT = 256
"""Answers, the last ones, by whose slowest the end of what is in flight is foretold."""


SHORT_SECONDS = 300.0
"""Where no more is left than this, requests in flight are doubled with each answer at most: until
some have come back nobody knows whether as many as there is room for will, in time."""

MOST_STRANGERS = LONGEST_HELD_GROUP
"""Requests in a row that a lane passes over once nothing more fits, in search of the rest of items
that were begun: that stands together, behind no more than what is held for a lane."""


class Cost(NamedTuple):
    """The most that all requests of one item may cost which this start asks."""

    requests: int
    judgments: int
    """That no earlier start has asked."""
    tokens: int
    usd: float = 0.0
    """Of a judge that is paid by the token."""


class Known(NamedTuple):
    """What is known of a request before it is sent."""

    item: int
    """Number of its item."""
    prompt: int
    """Tokens of its prompt; 0 where the tokenizer is unknown."""
    answer: int
    """The most tokens that the judge may write."""
    judgments: int = 0
    """Of it that no earlier start has asked: free again if it is not asked after all."""
    usd: float = 0.0
    """The most that it may cost."""


class Costs(Protocol):
    """What items cost, known from the plan."""

    def of(self, requests: Sequence[Request]) -> list[Known]:
        """Of each of some requests."""
        ...

    def of_item(self, item: int) -> Cost:
        """The most that an item costs: the sum over its requests."""
        ...


class Bill(Protocol):
    """What a judge costs that is paid by the token, in US dollars."""

    def of(self, completion: Completion, most: float) -> float:
        """What a completion has cost, `most` being what its request might cost."""
        ...

    def beside(self) -> float:
        """What the engine has cost in this start beside its completions."""
        ...

    def commit(self, usd: float) -> None:
        """Write down that this start may have cost so much by now, before it does."""
        ...


class Limits(NamedTuple):
    """What a start may still spend; None where nothing limits it."""

    judgments: int | None = None
    tokens: int | None = None
    ends: float | None = None
    """Monotonic time by which everything must have come back."""
    ends_by: Unit = "gpu_hours"
    """The budget that `ends` is from."""
    usd: float | None = None
    """Of a judge that is paid by the token."""


class _Flying(NamedTuple):
    known: Known
    sent: float


def counted_tokens(completion: Completion, prompt: int, answer: int) -> int:
    """Tokens that came back, those of the prompt among them, the cached ones too.

    What the engine does not count is taken for the whole prompt and, unless the request failed
    outright, for the longest answer.

    Args:
        completion: What came back.
        prompt: Tokens of the prompt as it was planned.
        answer: The most tokens that the judge may write.

    """
    sent, wrote = completion.prompt_tokens, completion.completion_tokens
    if wrote is None:
        wrote = 0 if completion.error_kind in FAILED_OUTRIGHT else answer
    return (prompt if sent is None else sent) + wrote


COMMITS = 128
"""Parts of what may be spent that are written down one by one, each before it is: what was in
flight at a kill is in the last of them."""

FAILED_OUTRIGHT = ("engine_error", "too_long", "unsupported", "invalid")
"""Ways to fail in which no token is known to have been written."""


class Budgeted:
    """Another source's requests, as long as they fit into a budget."""

    def __init__(  # noqa: PLR0913 - its parts, most by keyword
        self,
        source: Source,
        limits: Limits,
        costs: Costs,
        *,
        rooms: Mapping[int, int],
        clock: Callable[[], float] = time.monotonic,
        bill: Bill | None = None,
    ) -> None:
        """Stand between a source and the engine.

        Args:
            source: Where requests come from.
            limits: What may be spent.
            costs: What items cost.
            rooms: Requests that each lane holds at once.
            clock: Monotonic seconds.
            bill: What the judge costs, where money is limited.

        """
        self._source = source
        self._limits = limits
        self._costs = costs
        self._rooms = dict(rooms)
        self._clock = clock
        self._held: dict[int, deque[tuple[Known, Request]]] = {}
        self._orphaned: deque[tuple[Known, Request]] = deque()
        """Of lanes that are gone."""
        self._begun: dict[int, int] = {}
        """Requests of each item that was begun that are not handed out yet."""
        self._unsent = 0
        """Of all of these."""
        self._flying: dict[bytes, _Flying] = {}
        self._aside: dict[bytes, Known] = {}
        """Handed out, and not sent yet."""
        self._seconds: deque[float] = deque(maxlen=max(RECENT, self._room))
        self._came: deque[float] = deque(maxlen=self._room + 1)
        """When the last ones came back; before as many have, the first of it is when the first
        one was sent."""
        self._strangers: dict[int, int] = {}
        """Requests in a row that each lane has passed over."""
        self._judgments = 0
        """Of all items that were begun."""
        self._tokens, self._money = Tally(limits.tokens), Tally(limits.usd)
        self._bill = bill if limits.usd is not None else None
        self._committed = 0.0
        self.reached: Unit | None = None
        """The budget into which nothing more fits."""

    def look_at_the_clock(self) -> bool:
        """Whether time is up, so that what is in flight must be given up; it is noted if so."""
        ends = self._limits.ends
        if ends is None or not self._flying or self._clock() < ends:
            return False
        self.reached = self.reached or self._limits.ends_by
        return True

    def take(self, lane: int, n: int) -> list[Request]:
        """Hand out requests that fit; none while what is in flight may still leave room."""
        taken: list[Request] = []
        held = self._held.setdefault(lane, deque())
        while len(taken) < n and (held or self._pull(lane, held, n - len(taken))):
            known, request = held[0]
            may_send = self._may_send(known.item)
            if not may_send and self.reached is None:
                break  # what is in flight may take less than was reserved
            held.popleft()
            if may_send:  # else it is left to another start
                self._send(known, request)
                taken.append(request)
            self._strangers[lane] = 0 if may_send else self._strangers.get(lane, 0) + 1
        return taken

    def make_ahead(self) -> bool:
        """Let the source make requests, as long as one of them may be sent."""
        return not self._has_ended and self._source.make_ahead()

    def give(self, completions: Sequence[Completion]) -> None:
        """Learn what came back: what it has cost, and how long it took."""
        now = self._clock()
        for completion in completions:
            flying = self._flying.pop(completion.request_id, None)
            if flying is None:
                continue
            _, prompt, answer, _, usd = flying.known
            self._tokens.came(counted_tokens(completion, prompt, answer), prompt + answer)
            if self._bill is not None:
                self._money.came(self._bill.of(completion, usd), usd)
            if completion.error_kind is None:
                self._seconds.append(now - flying.sent)
                self._came.append(now)
        self._source.give(completions)

    def remaining(self, lane: int) -> int:
        """Requests that may still be handed out: of begun items alone, once nothing more fits."""
        left = len(self._held.get(lane, ())) + len(self._orphaned)
        if not self._is_lost(lane):
            left += self._source.remaining(lane)
        return left if self.reached is None else min(left, self._unsent)

    def release(self, lane: int) -> None:
        """Let other lanes have what was kept for `lane`."""
        self._orphaned += self._held.pop(lane, ())
        self._rooms.pop(lane, None)
        self._strangers.clear()  # what was kept for it is nearer now
        self._source.release(lane)

    def set_aside(self, request: Request) -> None:
        """See `engines.adaptive.Reserve`."""
        self._aside[request.request_id] = self._flying.pop(request.request_id).known

    def taken_up(self, request: Request) -> None:
        """See `engines.adaptive.Reserve`."""
        known = self._aside.pop(request.request_id)
        self._flying[request.request_id] = _Flying(known, self._clock())

    def dropped(self, request: Request) -> None:
        """See `engines.adaptive.Reserve`."""
        known = self._aside.pop(request.request_id)
        self._tokens.drop(known.prompt + known.answer)
        self._money.drop(known.usd)
        self._judgments -= known.judgments

    @property
    def usd_in_flight(self) -> float:
        """The most that requests may cost which were sent and have not come back."""
        return math.fsum(each.known.usd for each in self._flying.values())

    @property
    def _out(self) -> int:
        """Requests that may still come back, of all items that were begun."""
        return len(self._flying) + len(self._aside) + self._unsent

    @property
    def _room(self) -> int:
        """Requests that all lanes hold at once which are still there."""
        return max(1, sum(self._rooms.values()))

    def _is_lost(self, lane: int) -> bool:
        """Whether a lane has looked far enough for what was begun: it is another lane's."""
        return self.reached is not None and self._strangers.get(lane, 0) >= MOST_STRANGERS

    @property
    def _has_ended(self) -> bool:
        return self.reached is not None and not self._begun

    def _pull(self, lane: int, held: deque[tuple[Known, Request]], n: int) -> bool:
        """Get more requests out of the source, unless none of them could be sent."""
        if self._has_ended:
            return False
        if self._orphaned:
            held += self._orphaned
            self._orphaned.clear()
            return True
        if self._is_lost(lane):
            return False
        more = self._source.take(lane, n)
        held.extend(zip(self._costs.of(more), more, strict=True))
        return bool(more)

    def _may_send(self, item: int) -> bool:
        """Whether an item is begun, or fits and so begins."""
        if item in self._begun:
            return True
        if self.reached is not None:
            return False
        cost = self._costs.of_item(item)
        if self._exceeds_judgments(cost):
            # What is set aside may turn out not to be needed.
            self.reached = None if self._aside and self._flying else "judgments"
        elif self._exceeds_time(cost):
            self.reached = self._limits.ends_by
        elif self._tokens.exceeds(cost.tokens, self._out + cost.requests):
            self.reached = None if self._flying else "tokens"
        elif self._money.exceeds(cost.usd + self._beside, self._out + cost.requests):
            self.reached = None if self._flying else "usd"
        elif self._waits(cost):
            self.reached = None
        else:
            self._begun[item] = cost.requests
            self._unsent += cost.requests
            self._judgments += cost.judgments
            self._tokens.begin(cost.tokens)
            self._money.begin(cost.usd)
            self._commit()
            return True
        return False

    def _send(self, known: Known, request: Request) -> None:
        self._unsent -= 1
        self._begun[known.item] -= 1
        if not self._begun[known.item]:
            del self._begun[known.item]
        now = self._clock()
        if not self._came:
            self._came.append(now)
        self._flying[request.request_id] = _Flying(known, now)

    def _exceeds_judgments(self, cost: Cost) -> bool:
        limit = self._limits.judgments
        return limit is not None and self._judgments + cost.judgments > limit

    @property
    def _beside(self) -> float:
        return 0.0 if self._bill is None else self._bill.beside()

    def _commit(self) -> None:
        """Write down what may be spent, some of it ahead, before it is."""
        if self._bill is None or self._money.limit is None:
            return
        may_be = self._money.spent + self._money.reserved + self._beside
        if may_be > self._committed:
            ahead = may_be + self._money.limit / COMMITS
            self._committed = max(may_be, min(ahead, self._money.limit))
            self._bill.commit(self._committed)

    def _waits(self, cost: Cost) -> bool:
        """Whether an item waits for what is in flight, since too little is known or too much is."""
        if not self._flying:
            return False
        out = self._out + cost.requests
        starts_slowly = len(self._seconds) < self._room and out > 2 * len(self._seconds)
        ends = self._limits.ends
        # An engine may count more than was planned: until some came back, twice as much.
        if starts_slowly and self._tokens.exceeds_doubled(cost.tokens):
            return True
        if ends is None:
            return False
        left = ends - self._clock()
        return left < SHORT_SECONDS and (starts_slowly or self._queue_seconds(out) >= left)

    def _queue_seconds(self, out: int) -> float:
        """Seconds until so many have come back, as they did of late: more may take longer."""
        count = len(self._came) - 1
        return 0.0 if count < 1 else out * (self._came[-1] - self._came[0]) / count

    def _exceeds_time(self, cost: Cost) -> bool:
        """Whether an item would come back too late, as long as answers take now."""
        ends = self._limits.ends
        if ends is None:
            return False
        now = self._clock()
        slowest = max(self._seconds, default=0.0)
        if len(self._seconds) < self._room and self._flying:  # the quick ones come back first
            slowest = max(slowest, now - next(iter(self._flying.values())).sent)
        out = self._out + cost.requests
        return now + slowest * math.ceil(out / self._room) >= ends
