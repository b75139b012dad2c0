"""A source that is no fixed plan: the second order is asked only where the first one decides."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.batches.request import Request
from judgefast.engines.drive import Flight, drive
from judgefast.prompts.decoding import Decoding

from .scripted import ScriptedEngine, answered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.engines.base import Completion


class SecondOrderWhereNeeded:
    """Asks each item once, and the other way round where it was no tie; an item keeps its lane."""

    def __init__(self, items: int) -> None:
        self._fresh = list(range(items))[::-1]
        self._second: dict[int, list[Request]] = {}
        self._lane_of: dict[int, int] = {}
        self.seen: list[tuple[int, str]] = []

    def take(self, lane: int, n: int) -> list[Request]:
        waiting = self._second.get(lane, [])
        taken, self._second[lane] = waiting[:n], waiting[n:]
        while len(taken) < n and self._fresh:
            item = self._fresh.pop()
            self._lane_of[item] = lane
            taken.append(asked(item, (0, 1)))
        return taken

    def make_ahead(self) -> bool:
        return False

    def give(self, completions: Sequence[Completion]) -> None:
        for completion in completions:
            item, place = divmod(int.from_bytes(completion.request_id, "little"), 2)
            self.seen.append((item, completion.text))
            if place == 0 and completion.text != "C":
                again = asked(item, (1, 0))
                self._second.setdefault(self._lane_of[item], []).append(again)

    def release(self, lane: int) -> None:
        pass

    def remaining(self, lane: int) -> int:
        return len(self._fresh) + len(self._second.get(lane, []))


def asked(item: int, shown: tuple[int, int]) -> Request:
    key = (2 * item + shown[0]).to_bytes(16, "little")
    return Request(
        request_id=key,
        keys=(key,),
        item_id=str(item),
        shown=shown,
        repeat=0,
        judge="scripted",
        questions=(),
        prompt=None,
        prefix_group=item,
        decoding=Decoding(max_tokens=1),
        seed=0,
    )


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from("ABC"), max_size=40),
    st.integers(1, 3),
    st.integers(1, 5),
    st.integers(1, 4),
)
def test_what_is_asked_next_follows_from_what_came_back(
    verdicts: list[str], lanes: int, room: int, batch: int
) -> None:
    source = SecondOrderWhereNeeded(len(verdicts))
    engine = ScriptedEngine(
        lambda request: answered(request, verdicts[int(request.item_id)]),
        lanes=lanes,
        room=room,
        batch=batch,
    )
    loop = drive(engine, source, flight=Flight(), request_seconds=60, stopping=lambda: False)
    done = [completion for completions in loop for completion in completions]
    times = Counter(request.item_id for _, request in engine.submitted)
    expected = {str(i): 1 if verdict == "C" else 2 for i, verdict in enumerate(verdicts)}
    assert times == expected
    assert len(source.seen) == len(done) == sum(expected.values())
    on_lanes = {request.item_id: set[int]() for _, request in engine.submitted}
    for lane, request in engine.submitted:
        on_lanes[request.item_id].add(lane)
    assert all(len(used) == 1 for used in on_lanes.values())
    first = {request.item_id for _, request in engine.submitted if request.shown == (0, 1)}
    assert first == set(expected)
