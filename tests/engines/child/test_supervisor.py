"""What the supervisor of an engine process does when it is told late, and when requests kill."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING

import pytest

from judgefast.engines.child.supervisor import MAX_BLAMED, Answer, Failure, Patience, Supervisor
from judgefast.errors import EngineError

from .stand_in import DIALECT, Done, Early, Load, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Started = tuple[Supervisor, "queue.SimpleQueue[Answer]"]


@pytest.fixture
def start() -> Iterator[Callable[..., Started]]:
    made: list[Supervisor] = []

    def begin(first: Load | Early, *, load_seconds: float = 20.0, restarts: int = 3) -> Started:
        answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        made.append(
            Supervisor(
                DIALECT,
                first,
                answers.put,
                patience=Patience(20.0, load_seconds, restarts),
                is_whole=isinstance(first, Load),
            )
        )
        made[-1].begin()
        return made[-1], answers

    yield begin
    for each in made:
        each.close()


def answered(answers: queue.SimpleQueue[Answer], number: int) -> dict[int, Answer]:
    found: dict[int, Answer] = {}
    while len(found) < number:
        answer = answers.get(timeout=20)
        assert not isinstance(answer, EngineError), answer
        found[answer.number] = answer
    return found


def test_a_process_that_waits_to_be_told_is_not_hung(start: Callable[..., Started]) -> None:
    supervisor, answers = start(Early(), load_seconds=0.3)
    with pytest.raises(queue.Empty):
        supervisor._started.get(timeout=0.6)
    # What it takes from now on is the machine's; the process may still be importing.
    supervisor._patience = supervisor._patience._replace(of_load=20.0)
    supervisor.load(Load())
    assert supervisor.wait().load_seconds == 0
    supervisor.submit([Work(number=1)])
    assert list(answered(answers, 1)) == [1]
    assert supervisor.restarts == 0


def test_one_that_dies_before_it_is_told_is_an_error_of_the_start(
    start: Callable[..., Started],
) -> None:
    supervisor, _ = start(Early(dies=True))
    supervisor.load(Load())
    with pytest.raises(EngineError, match="did not start: exit status 3"):
        supervisor.wait()


def test_what_was_cancelled_is_not_sent_to_the_next_process(start: Callable[..., Started]) -> None:
    supervisor, answers = start(Load(endless=[1]))
    supervisor.wait()
    supervisor.submit([Work(number=1), Work(number=2)])
    supervisor.cancel([1])
    patient = supervisor._patience
    supervisor._patience = patient._replace(of_step=0.5)
    supervisor.cancel([])  # it looks at its patience again
    gone = answered(answers, 1)[1]
    supervisor._patience = patient
    assert isinstance(gone, Done)
    assert gone.cancelled
    other = answered(answers, 1)[2]
    assert isinstance(other, Done)
    assert not other.cancelled
    assert supervisor.restarts == 1


def test_requests_in_a_row_that_kill_fail_alone_and_the_engine_lives(
    start: Callable[..., Started], caplog: pytest.LogCaptureFixture
) -> None:
    deadly = [2, 3, 4]
    supervisor, answers = start(Load(deadly=deadly), restarts=2)
    supervisor.wait()
    supervisor.submit([Work(number=number) for number in deadly])
    found = answered(answers, 3)
    assert all(isinstance(each, Failure) for each in found.values())
    supervisor.submit([Work(number=5)])
    assert not isinstance(answered(answers, 1)[5], Failure)
    assert supervisor.restarts > 2, "more in all than are allowed without a step forward"
    beats = [*supervisor.past_beats, supervisor.beat]
    assert len(beats) == supervisor.restarts + 1, "what each of them has counted is kept"
    said = [each for each in caplog.messages if "engine is started again: exit status" in each]
    assert len(said) == supervisor.restarts, "nobody waits without knowing for what"


def test_an_engine_that_dies_of_everything_is_lost_in_the_end(
    start: Callable[..., Started],
) -> None:
    everything = list(range(MAX_BLAMED + 4))
    supervisor, answers = start(Load(deadly=everything), restarts=2)
    supervisor.wait()
    supervisor.submit([Work(number=number) for number in everything])
    failed = 0
    while not isinstance(answer := answers.get(timeout=30), EngineError):
        assert isinstance(answer, Failure)
        failed += 1
    assert MAX_BLAMED <= failed < len(everything)
