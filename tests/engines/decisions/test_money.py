"""Runs within an amount of money, against servers that keep books: what they bill is what counts.

The server is jevcompat's own, which counts tokens; what stands in front of it adds up what its
replies say, those too that a client which was killed has never read.
"""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from jevcompat.mock import MockConfig

from judgefast.config import RunConfig
from judgefast.errors import ConfigError
from judgefast.pipeline.run import run
from tests.pipeline.budgets import asked_of_items, budget_of
from tests.recorded import write_lines

from .honest import systemone
from .scripted_server import DIES, OWNED, Say, ScriptedServer
from .test_jevcompat import served
from .test_runs import Relay, judged

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRICE = 1000.0
"""Dollars for 1 million tokens."""
ITEMS = 80
FEW = {"concurrency": 4, "start_concurrency": 4}
"""The mock listens for no more connections at once."""


class Books:
    """Passes requests on, late, and adds up what the replies are billed."""

    def __init__(self, url: str, *, seconds: float = 0.0) -> None:
        self._relay, self._seconds = Relay(url), seconds
        self._lock = threading.Lock()
        self._draw = random.Random(3)  # noqa: S311 - moments, not secrets
        self.tokens = self.replies = self.small = 0

    def __call__(self, body: bytes) -> bytes:
        """The server's reply."""
        said = self._relay(body)
        with self._lock:
            self.tokens += json.loads(said)["usage"]["input_tokens"]
            self.small = self.small or self.tokens  # the question of the start is the first
            self.replies += 1
            wait = self._draw.uniform(0, 2 * self._seconds)
        time.sleep(wait)
        return said

    @property
    def usd(self) -> float:
        return self.tokens * PRICE / 1e6


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    with served(MockConfig()) as url:
        yield url


def rows(count: int) -> list[dict[str, str]]:
    draw = random.Random(7)  # noqa: S311 - lengths, not secrets
    return [
        {
            "id": f"p{n}",
            "question": f"{n} + 1?",
            "answer_a": "so " * draw.randint(1, 60),
            "answer_b": "as " * draw.randint(1, 60),
        }
        for n in range(count)
    ]


def go(out: Path, url: str, budget: str, items: int = 20, **options: Any) -> Any:
    config = RunConfig(
        rubric="pairwise",
        engine="decisions",
        model=options.pop("model", "jev-latest"),
        base_url=(url,),
        out=str(out),
        budget=(budget,),
        engine_args={"usd_per_million_tokens": PRICE} | FEW | options,
    )
    return run(config, data=rows(items), show_progress=False)


def test_what_a_report_sums_up_is_what_the_server_has_billed(mock: str, tmp_path: Path) -> None:
    out, books = tmp_path / "run", Books(mock)
    with ScriptedServer(paths={"/v1/systemone": books}) as server:
        for budget in ("4usd", "5usd", "100usd"):
            go(out, server.url, budget)
            found = budget_of(out)
            assert found.spent.usd == pytest.approx(books.usd)
            assert found.spent.usd + found.spent.unseen_usd <= float(budget.removesuffix("usd"))
            assert found.spent.unseen_usd == 0
            assert set(asked_of_items(out).values()) == {2}
    assert found.reached is None
    assert found.spent.judgments == 40


@pytest.mark.slow
def test_killed_and_interrupted_at_any_moment_all_starts_together_stay_within_the_budget(
    mock: str, tmp_path: Path
) -> None:
    data, out = write_lines(tmp_path / "rows.jsonl", rows(ITEMS)), tmp_path / "run"
    books, budget = Books(mock, seconds=0.02), 25.0
    moments = random.Random(5)  # noqa: S311 - moments, not secrets
    stopped = 0
    with ScriptedServer(paths={"/v1/systemone": books}) as server:
        flags = ["--rubric", "pairwise", "--engine", "decisions", "--base-url", server.url]
        flags += ["--model", "jev-latest", "--engine-arg", f"usd_per_million_tokens={PRICE}"]
        for name in ("concurrency", "start_concurrency"):
            flags += ["--engine-arg", f"{name}=2"]
        flags += ["--budget", f"{budget}usd", "--out", out]
        for how in (signal.SIGKILL, signal.SIGINT):
            process, before = judged("run", data, *flags), books.replies
            until = time.monotonic() + 60
            while books.replies < before + 12 and process.poll() is None:
                assert time.monotonic() < until
                time.sleep(0.005)
            time.sleep(moments.uniform(0, 0.15))
            process.send_signal(how)
            process.communicate()
            stopped += process.returncode in {-signal.SIGKILL, 130}
            spent = budget_of(out).spent
            assert spent.usd <= books.usd <= spent.usd + spent.unseen_usd <= budget
        assert stopped == 2
        last = judged("run", data, *flags)
        said, words = last.communicate()
        assert last.returncode == 3, words
        found = budget_of(out)
        assert found.reached == "usd"
        assert found.spent.usd <= books.usd <= found.spent.usd + found.spent.unseen_usd <= budget
        assert books.usd > budget / 2, said
        assert found.killed == 1


@pytest.mark.parametrize(
    "said", [DIES, Say(200, b"<html></html>"), Say(500, b"boom")], ids=["none", "broken", "5xx"]
)
def test_what_is_sent_again_is_kept_back_at_its_most(said: Say, mock: str, tmp_path: Path) -> None:
    """Every fifth request is billed, and no reply arrives that says so."""
    out, books = tmp_path / "run", Books(mock)

    def script(number: int, body: dict[str, Any]) -> Say | None:
        if number % 5 != 4:
            return None
        books(json.dumps(body).encode())
        return said

    with ScriptedServer(script, paths={"/v1/systemone": books}) as server:
        go(out, server.url, "9usd")
        found = budget_of(out)
    assert found.reached == "usd"
    assert found.sent_again > 0
    assert found.spent.usd < books.usd <= 9
    assert books.usd <= found.spent.usd + found.spent.unseen_usd


def test_small_questions_in_doubt_are_on_the_bill(mock: str, tmp_path: Path) -> None:
    """A wall refuses most rows as it would a key: each takes a small question to tell."""
    books = Books(mock)

    def wall(number: int, body: dict[str, Any]) -> Say | None:
        return Say(403, b"blocked") if number % 3 and "zebra" not in json.dumps(body) else None

    with ScriptedServer(wall, paths={"/v1/systemone": books}) as server:
        go(tmp_path / "run", server.url, "8usd")
        small = sum("zebra" in json.dumps(each.body) for each in server.asked)
    assert small > 3
    assert budget_of(tmp_path / "run").spent.usd == pytest.approx(books.usd)
    assert books.usd <= 8


@pytest.mark.parametrize(
    "said",
    [Say(200, {"answers": {}}), Say(504, b"<html>slow</html>"), DIES],
    ids=["broken", "504", "none"],
)
def test_a_small_question_without_a_bill_counts_as_the_dearest(
    said: Say, mock: str, tmp_path: Path
) -> None:
    books, asked = Books(mock), 0

    def wall(number: int, body: dict[str, Any]) -> Say | None:
        nonlocal asked
        if "zebra" not in json.dumps(body):
            return Say(403, b"blocked") if number % 3 else None
        asked += 1
        return said if asked in {2, 3} else None

    with ScriptedServer(wall, paths={"/v1/systemone": books}) as server:
        go(tmp_path / "run", server.url, "9usd", patience_seconds=30)
        small = sum("zebra" in json.dumps(each.body) for each in server.asked)
    assert small > 3
    lost = 2 * books.small * PRICE / 1e6
    assert budget_of(tmp_path / "run").spent.usd == pytest.approx(books.usd + lost)


@pytest.mark.parametrize("budget", [1.0, 1.93])
@pytest.mark.parametrize("models", [OWNED, None], ids=["in one request", "orders apart"])
def test_a_fee_for_each_reply_is_known_from_the_small_question(
    models: object, budget: float, tmp_path: Path
) -> None:
    """Nearly all that a reply costs is its fee, so that nothing else may leave room for one."""
    billed = []

    def dear(body: bytes) -> bytes:
        billed.append(0.05)
        time.sleep(0.02)
        usage = {"input_tokens": 100, "cost": 0.05}
        return json.dumps(json.loads(systemone(body)) | {"usage": usage}).encode()

    cheap = {"usd_per_million_tokens": 0.04, "concurrency": 32, "start_concurrency": 32}
    with ScriptedServer(paths={"/v1/systemone": dear}, models=models) as server:
        go(tmp_path / "run", server.url, f"{budget}usd", 40, **cheap)
    found = budget_of(tmp_path / "run")
    assert found.reached == "usd"
    assert found.spent.usd == pytest.approx(sum(billed))
    assert sum(billed) <= budget + 1e-9


def test_a_server_that_counts_no_tokens_cannot_be_held_to_money(
    sparrow: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="needs replies that tell what they took"):
        go(tmp_path / "run", sparrow, "5usd", model=None)
    assert not (tmp_path / "run").exists()
