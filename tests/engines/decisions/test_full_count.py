"""Whole runs within an amount of money, against a server that counts all that it may.

A byte is a token, the state is counted once for each question, and so is what is written around it.
All items are sent at once, so that a run whose reserve is too small spends more than it has.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest

from judgefast.config import RunConfig
from judgefast.pipeline.run import run
from tests.pipeline.budgets import asked_of_items, budget_of

from .honest import systemone
from .scripted_server import OWNED, ScriptedServer

if TYPE_CHECKING:
    from pathlib import Path

PRICE = 100.0
"""Dollars for 1 million tokens."""
AROUND = 3000
"""Tokens that the server writes around each question."""
ITEMS = 12
ALL_AT_ONCE = {"concurrency": 64, "start_concurrency": 64}
TEXTS = {
    "plain": "So it is, as far as anybody knows. " * 100,
    "escaped": "日本語" * 400,
    "defused": "<s>" * 8000,
    "short": "Paris.",
}


class Counting:
    """Answers honestly, and adds up what that is billed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.tokens = 0

    def __call__(self, body: bytes) -> bytes:
        """The reply, after so long that all that is sent at once is on its way."""
        request = json.loads(body)
        state = _size(request["state"])
        tokens = sum(AROUND + state + _size(each) for each in request["questions"].items())
        with self._lock:
            self.tokens += tokens
        time.sleep(0.3)
        reply = json.loads(systemone(body)) | {"usage": {"input_tokens": tokens}}
        return json.dumps(reply).encode()

    @property
    def usd(self) -> float:
        return self.tokens * PRICE / 1e6


def _size(part: object) -> int:
    return len(json.dumps(part, ensure_ascii=False).encode())


@pytest.mark.parametrize("models", [OWNED, None], ids=["in one request", "orders apart"])
@pytest.mark.parametrize("text", list(TEXTS))
def test_a_server_that_counts_all_that_it_may_is_paid_no_more_than_the_budget(
    text: str, models: object, tmp_path: Path
) -> None:
    rows = [
        {"id": f"p{n}", "question": f"{n}?", "answer_a": TEXTS[text], "answer_b": "Lyon."}
        for n in range(ITEMS)
    ]
    item_usd = 4 * (AROUND + _size(TEXTS[text])) * PRICE / 1e6  # of two orders, twice each
    # Between whole numbers of items, so that a reserve that is too small lets one more out.
    amount = round(4.3 * item_usd + 0.5, 2)
    counting = Counting()
    with ScriptedServer(paths={"/v1/systemone": counting}, models=models) as server:
        config = RunConfig(
            rubric="pairwise",
            engine="decisions",
            model="jev-latest",
            base_url=(server.url,),
            out=str(tmp_path / "run"),
            budget=(f"{amount}usd",),
            engine_args={"usd_per_million_tokens": PRICE} | ALL_AT_ONCE,
        )
        run(config, data=rows, show_progress=False)
    found = budget_of(tmp_path / "run")
    assert found.reached == "usd"
    assert set(asked_of_items(tmp_path / "run").values()) == {2}
    assert found.spent.usd == pytest.approx(counting.usd)
    assert counting.usd <= amount
