"""Every engine that needs no model keeps the contract; the embedded one's tests call it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from judgefast.batches.request import Question, Request
from judgefast.engines.replay import ReplayEngine
from judgefast.prompts.decoding import Decoding

from . import contract
from .scripted import ScriptedEngine, answered, failed

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.engines.base import Completion, Engine

REQUESTS = [
    Request(
        request_id=number.to_bytes(16, "little"),
        keys=(number.to_bytes(16, "little"),),
        item_id=str(number // 2),
        shown=((0, 1), (1, 0))[number % 2],
        repeat=0,
        judge="recorded",
        questions=(Question("quality", "choice", "Which?", ("A", "B")),),
        prompt=None,
        prefix_group=number // 2,
        decoding=Decoding(max_tokens=1),
        seed=number,
        attempt=1 + number % 3,
    )
    for number in range(40)
]


def said(request: Request) -> Completion:
    return failed(request) if request.seed % 7 == 3 else answered(request, f"A {request.seed}")


def scripted() -> Engine:
    return ScriptedEngine(said, room=8, lanes=2, batch=3)


def replay() -> Engine:
    recorded = [
        {"id": str(item), "order": order, "text": f"{item}{order}"}
        for item in range(18)  # the last items were not recorded
        for order in ("ab", "ba")
    ]
    return ReplayEngine(recorded=recorded)


@pytest.mark.parametrize("make", [scripted, replay])
def test_the_contract_holds(make: Callable[[], Engine]) -> None:
    contract.check_what_is_known_before_the_start(make())
    contract.check_one_completion_for_each_request(make(), REQUESTS)
    contract.check_submit_does_not_wait(make(), REQUESTS)
    contract.check_collect_returns_when_time_is_up(make())
    contract.check_cancelled_requests_come_back_soon(make(), REQUESTS)
    contract.check_close_is_quick_and_safe_twice(make(), REQUESTS)
    contract.check_same_requests_give_same_completions(make(), make(), REQUESTS)
