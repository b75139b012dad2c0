"""The window over a pipeline that is made up: order, sharing, and what a broken step does."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

import numpy as np
import pytest

from judgefast.engines.embedded import scheduler as module
from judgefast.engines.embedded.scheduler import Scheduler
from judgefast.engines.embedded.wire import Beat, Done, Entered, Load, Work

PROMPT_STEPS = 2
BREAKS, NO_ROOM_BESIDE_OTHERS, NEVER_ROOM, SHY_LABEL = 666, 777, 778, 888


class Status:
    """A name, as the engine's enumerations have."""

    def __init__(self, name: str) -> None:
        self.name = name


class Result:
    """What a finished request is read as."""

    def __init__(self, tokens: list[int], logprobs: list[float]) -> None:
        self.generated_ids = tokens
        self.generated_log_probs = logprobs
        self.finish_reason = Status("STOP")


class Handle:
    """Counts down over steps: its prompt first, then one token."""

    def __init__(self, ids: list[int], settings: dict[str, Any]) -> None:
        self.ids, self.settings = ids, settings
        self.left = PROMPT_STEPS
        self.status = "RUNNING"

    def get_status(self) -> Status:
        """As the engine."""
        return Status(self.status)

    def can_read(self) -> bool:
        """As the engine."""
        return self.status == "FINISHED"

    def cancel(self) -> None:
        """As the engine."""
        self.status = "CANCEL"

    def read_all(self) -> list[Result]:
        """The label's token and minus its code as log-probability; or the first id, and the end."""
        if self.settings.get("echo"):
            return [Result(self.ids, [0.0] * (len(self.ids) - 1) + [-9.5])]
        grammar = self.settings["grammar"]
        if grammar and grammar.kind == "regex":
            own = 1 if self.ids[0] == SHY_LABEL else ord(grammar.text)
            return [Result([own], [-float(ord(grammar.text))])]
        return [Result([self.ids[0], 2], [0.0, 0.0])]


class MadeUp:
    """A pipeline by the book of the real one's failures."""

    made: ClassVar[list[MadeUp]] = []
    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self, _: Load, *, prefix_cache: bool, kv_blocks: int) -> None:
        self.prefix_cache, self.kv_blocks = prefix_cache, kv_blocks
        self.handles: list[Handle] = []
        self.broken = False
        self.at_once: list[list[int]] = []
        MadeUp.made.append(self)

    @property
    def live(self) -> list[Handle]:
        """Handles that run."""
        return [handle for handle in self.handles if handle.status == "RUNNING"]

    @property
    def busy(self) -> bool:
        """As the real one."""
        return bool(self.live) or self.broken

    def add(self, ids: Any, grammar: Any = None, **settings: Any) -> Handle:
        """As the real one."""
        if settings.get("max_new_tokens") == 13:
            message = "says no\nat once"
            raise ValueError(message)
        handle = Handle([int(i) for i in ids], {"grammar": grammar, **settings})
        self.handles.append(handle)
        return handle

    def step(self) -> None:
        """Note who is in it; count down."""
        assert not self.broken, "a step before it was settled"
        self.at_once.append([handle.ids[0] for handle in self.live])
        if any(handle.ids[0] == BREAKS for handle in self.live):
            self.broken = True
            message = "somewhere:1\nboom"
            raise RuntimeError(message)
        for handle in self.live:
            handle.left -= 1
            crowded = handle.ids[0] == NO_ROOM_BESIDE_OTHERS and len(self.live) > 1
            if crowded or handle.ids[0] == NEVER_ROOM:
                handle.status = "IGNORED"
            elif handle.left <= 0:
                handle.status = "FINISHED"

    def settle(self, handles: list[Handle]) -> None:
        """As the real one, checked."""
        for handle in handles:
            handle.cancel()
        assert not self.live, "one was left in flight"
        self.broken = False

    def drain(self, between_steps: Any) -> None:
        """As the real one."""
        while self.live:
            self.step()
            between_steps()

    def try_grammar(self, grammar: Any, _: Any, __: Any) -> str | None:
        """Count it; `bad` is bad."""
        assert not self.live, "a grammar is tried alone"
        MadeUp.seen[grammar.text] += 1
        return "the engine refuses its grammar: bad" if grammar.text == "bad" else None


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    MadeUp.made.clear()
    MadeUp.seen.clear()
    monkeypatch.setattr(module, "Pipeline", MadeUp)


def work(number: int, first: int = 100, **changes: Any) -> Work:
    values: dict[str, Any] = {
        "max_tokens": 4,
        "temperature": 0.0,
        "top_p": 1.0,
        "stop": (),
        "schema": None,
        "labels": (),
        "probabilities": False,
        "seed": 1,
        "blocks": 1,
        "heads": (number,),
        **changes,
    }
    return Work(number=number, ids=np.array([first, number], dtype="<i4").tobytes(), **values)


def read(number: int, first: int = 100, **changes: Any) -> Work:
    labels = (("A", ord("A")), ("B", ord("B")), ("C", ord("C")))
    return work(number, first, labels=labels, probabilities=True, **changes)


def play(*works: Work, room: int = 64, kv_blocks: int = 100) -> tuple[dict[int, Done], list[Any]]:
    """Run until idle; the answers by number, and everything that was sent."""
    sent: list[Any] = []
    load = Load(
        folder="",
        properties={},
        kv_blocks=kv_blocks,
        batched_tokens=512,
        room=room,
        context_tokens=128,
        eos_ids=(2,),
    )
    scheduler = Scheduler(load, sent.append)
    for each in works:
        scheduler.put(each)
    for _ in range(1000):
        if scheduler.idle:
            break
        scheduler.turn()
    scheduler.beat(at_once=True)
    done = [message for message in sent if isinstance(message, Done)]
    assert sorted(message.number for message in done) == sorted(each.number for each in works)
    return {message.number: message for message in done}, sent


def test_the_first_of_a_head_goes_ahead_and_other_heads_fill_the_window() -> None:
    shared = [read(number, number, heads=(1, 100 + number)) for number in range(1, 5)]
    other = [work(number, number) for number in (8, 9)]
    play(*shared, *other)
    steps = MadeUp.made[0].at_once
    assert steps[0] == [1, 8, 9]
    assert sorted(steps[PROMPT_STEPS]) == [1, 1, 2, 3, 4]


def test_a_group_within_a_head_waits_for_its_first() -> None:
    play(*[read(n, n, heads=(1, 50 + n // 2)) for n in range(6)])
    assert sorted(set(MadeUp.made[0].at_once[PROMPT_STEPS])) == [0, 1, 2, 4]


def test_a_head_that_others_have_pushed_out_of_the_cache_is_computed_first_again() -> None:
    others = [work(number) for number in range(10, 16)]
    first, *rest = [work(number, heads=(1,)) for number in (1, 20, 21)]
    _, sent = play(first, *others, *rest, room=1, kv_blocks=20)
    assert sent[-1].primed_heads == 1 + 6, "still cached: nothing is computed again"
    MadeUp.made.clear()
    _, sent = play(first, *others, *rest, room=1, kv_blocks=10)
    assert sent[-1].primed_heads == 1 + 6 + 1, "pushed out once, then shared by both"


def test_labels_come_back_in_their_order() -> None:
    done, sent = play(read(1), read(2))
    assert done[1].logprobs == [-65.0, -66.0, -67.0]
    assert done[2].forced_tokens == 3
    assert sent[-1] == Beat(
        steps=2 * PROMPT_STEPS,
        requests_in_steps=2 * 2 * PROMPT_STEPS,
        primed_heads=2,
        echoed_labels=0,
        retried=0,
    )


def test_a_label_that_comes_back_as_another_token_is_echoed_without_a_prefix_cache() -> None:
    done, _ = play(read(1, SHY_LABEL), read(2))
    assert done[1].logprobs == [-9.5] * 3
    assert done[2].logprobs == [-65.0, -66.0, -67.0]
    assert [made.prefix_cache for made in MadeUp.made] == [True, False]


@pytest.mark.parametrize(("room", "blocks"), [(3, 1), (64, 33)])
def test_the_window_is_held_by_room_and_by_blocks(room: int, blocks: int) -> None:
    play(*[work(number, blocks=blocks) for number in range(10)], room=room)
    assert max(len(step) for step in MadeUp.made[0].at_once) == 3


def test_a_step_that_raises_costs_only_the_request_that_is_to_blame() -> None:
    done, _ = play(work(1), work(2, BREAKS), read(3), work(4, BREAKS))
    assert done[1].tokens == [100, 2]
    assert done[3].logprobs == [-65.0, -66.0, -67.0]
    assert done[2].error == done[4].error == "the engine failed on it: boom"


def test_what_had_no_room_is_run_once_more_alone() -> None:
    waiting = [work(number) for number in range(4, 8)]
    jobs = [work(1), work(2, NO_ROOM_BESIDE_OTHERS), work(3, NEVER_ROOM), *waiting]
    done, sent = play(*jobs, room=3)
    assert done[2].error is None
    assert done[2].tokens == [NO_ROOM_BESIDE_OTHERS, 2]
    assert done[3].error == "the engine had no room in its cache for it"
    assert sent[-1].retried == 2


def test_a_new_grammar_is_tried_once_in_an_empty_pipeline() -> None:
    grammars = [work(1), work(2, schema="bad"), work(3, schema="good"), work(4, schema="good")]
    done, sent = play(*grammars, work(5, schema="bad"))
    assert done[2].error == done[5].error == "the engine refuses its grammar: bad"
    assert done[3].error is done[4].error is None
    assert MadeUp.seen == {"bad": 1, "good": 1}
    first_bad = sent.index(Entered(2))
    assert any(isinstance(message, Done) for message in sent[:first_bad]), "1 was finished first"


def test_a_request_that_cannot_be_added_fails_alone() -> None:
    done, _ = play(work(1, max_tokens=13), work(2))
    assert done[1].error == "at once"
    assert done[2].error is None


def test_cancelled_requests_come_back_wherever_they_are() -> None:
    sent: list[Any] = []
    load = Load(
        folder="",
        properties={},
        kv_blocks=100,
        batched_tokens=512,
        room=1,
        context_tokens=128,
        eos_ids=(2,),
    )
    scheduler = Scheduler(load, sent.append)
    for number in (1, 2, 3):
        scheduler.put(work(number))
    scheduler.turn()
    scheduler.cancel([1, 3, 99])
    while not scheduler.idle:
        scheduler.turn()
    done = {message.number: message for message in sent if isinstance(message, Done)}
    assert done[1].cancelled
    assert done[3].cancelled
    assert done[2].tokens == [100, 2]
    assert len(done) == 3
