"""What judgefast spends on a decision, beside bare aiohttp with json, and beside TypeSafe's SDK.

The server (`instant_server.py`, a process of its own) answers at once in System One. Every way asks
the same: a state with two answers, and one choice of three in both orders of its options, averaged.
The engine does besides what it does in a run: windows, retries, checks of every answer, control
tokens defused, completions, and the journal of a run directory. All take turns; the figure is CPU
time of this process, all threads, per thousand states; wall time beside it, of sixty and of many.

python benches/bench_decisions.py [--rounds N] [--quick] [--output FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import aiohttp
import uvloop

from judgefast.batches.request import Request
from judgefast.datasets.items import Answer, Item
from judgefast.engines.decisions import DecisionsEngine
from judgefast.engines.drive import Flight, drive
from judgefast.engines.source import FixedPlan
from judgefast.journal.writer import JournalWriter
from judgefast.prompts import PromptPlan, load_rubric
from judgefast.prompts.questions import question_of
from measure import new_record, refuse_debug_build, say_ratio, spread, write

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECTIONS = 64
WORDS = 150
"""Of an answer."""
FEW, MANY = 60, 6000
HERE = Path(__file__).resolve().parent
QUESTION = question_of(load_rubric("pairwise"))


class Spent(NamedTuple):
    """What some states took."""

    cpu: float
    wall: float


def spent_by(work: Callable[[], int], count: int) -> Spent:
    """Do it, and see that all were judged."""
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    done = work()
    after, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() - started
    assert done == count
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(used, wall)


def states(count: int) -> list[dict[str, str]]:
    """Texts of items."""
    return [
        {
            "question": f"What is {n} and one?",
            "answer_1": f"{n + 1} " * WORDS,
            "answer_2": f"{n} " * WORDS,
        }
        for n in range(count)
    ]


def asked_of(state: dict[str, str]) -> dict[str, object]:
    """A request by hand: the question in both orders."""
    meanings = [(option.text, option.meaning) for option in QUESTION.options]
    return {
        "model": "judge",
        "state": state,
        "questions": {
            name: {
                "type": "choice",
                "instructions": QUESTION.instructions,
                "criteria": dict(order),
            }
            for name, order in (("q0", meanings), ("q1", meanings[::-1]))
        },
    }


def mean_of(answers: dict[str, dict[str, dict[str, float]]]) -> list[float]:
    """Both orders averaged."""
    one, two = answers["q0"]["probabilities"], answers["q1"]["probabilities"]
    return [(one[option.text] + two[option.text]) / 2 for option in QUESTION.options]


class ByJudgefast:
    """The loop around the engine, its journal beside it."""

    def __init__(self, url: str) -> None:
        self.engine = DecisionsEngine(base_url=url, start_concurrency=CONNECTIONS)
        self.engine.start()
        self.plan = PromptPlan(load_rubric("pairwise"), self.engine.model, self.engine.capabilities)

    def requests(self, texts: list[dict[str, str]]) -> list[Request]:
        """As the pipeline makes them."""
        made = []
        for number, each in enumerate(texts):
            key = number.to_bytes(16, "little")
            answers = (Answer(each["answer_1"]), Answer(each["answer_2"]))
            item = Item(item_id=str(number), cluster="", question=each["question"], answers=answers)
            made.append(
                Request(
                    request_id=key,
                    keys=(key,),
                    item_id=str(number),
                    shown=(0, 1),
                    repeat=0,
                    judge="judge",
                    questions=self.plan.questions,
                    prompt=self.plan.render(item, (0, 1)),
                    prefix_group=number,
                    decoding=self.plan.decoding,
                    seed=number,
                )
            )
        return made

    def __call__(self, texts: list[dict[str, str]]) -> Spent:
        """Judge them."""
        requests = self.requests(texts)
        with tempfile.TemporaryDirectory() as out:
            journal = JournalWriter(Path(out), "0" * 32)

            def work() -> int:
                count = 0
                for done in drive(
                    self.engine,
                    FixedPlan(iter(requests), total=len(requests)),
                    flight=Flight(),
                    request_seconds=600,
                    stopping=bool,
                    keep=journal.append,
                ):
                    assert all(each.finish_reason == "stop" for each in done)
                    count += len(done)
                journal.flush()
                return count

            spent = spent_by(work, len(requests))
            journal.close(to_parquet=False)
        return spent


class ByAiohttp:
    """A plain script: so many workers, `json` both ways."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}/v1/systemone"

    def __call__(self, texts: list[dict[str, str]]) -> Spent:
        """Judge them."""

        async def ask() -> int:
            left = iter(texts)
            answers = []

            async def work(session: aiohttp.ClientSession) -> None:
                for state in left:
                    data = json.dumps(asked_of(state)).encode()
                    headers = {"Content-Type": "application/json"}
                    async with session.post(self.url, data=data, headers=headers) as got:
                        answers.append(mean_of(json.loads(await got.read())["answers"]))

            connector = aiohttp.TCPConnector(limit=CONNECTIONS)
            async with aiohttp.ClientSession(connector=connector) as session:
                await asyncio.gather(*(work(session) for _ in range(CONNECTIONS)))
            return len(answers)

        return spent_by(lambda: uvloop.run(ask()), len(texts))


class BySdk:
    """TypeSafe's own client, asynchronous, as its README shows it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, texts: list[dict[str, str]]) -> Spent:
        """Judge them."""
        from typesafe_sdk import AsyncTypeSafeClient, Choice  # noqa: PLC0415 - a rival

        meanings = [(option.text, option.meaning) for option in QUESTION.options]
        questions = {
            name: Choice(instructions=QUESTION.instructions, criteria=dict(order))
            for name, order in (("q0", meanings), ("q1", meanings[::-1]))
        }

        async def ask() -> int:
            left = iter(texts)
            answers = []

            async def work(client: AsyncTypeSafeClient) -> None:
                for state in left:
                    reply = await client.system_one(state=state, questions=questions)
                    found = {name: reply.answers[name].model_dump() for name in ("q0", "q1")}
                    answers.append(mean_of(found))

            async with AsyncTypeSafeClient(api_key="none", base_url=self.url) as client:
                await asyncio.gather(*(work(client) for _ in range(CONNECTIONS)))
            return len(answers)

        return spent_by(lambda: uvloop.run(ask()), len(texts))


def main() -> None:
    """Let all take turns, and print what each spends."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few states, two rounds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    refuse_debug_build(parser)
    rounds = 2 if options.quick else options.rounds
    record = new_record("decisions", "CPU milliseconds per 1,000 states", rounds=rounds)
    server = subprocess.Popen(
        [sys.executable, str(HERE / "instant_server.py")], stdout=subprocess.PIPE, text=True
    )
    ratio = 0.0
    try:
        assert server.stdout
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        ours = ByJudgefast(url)
        ways: dict[str, Callable[[list[dict[str, str]]], Spent]] = {
            "bare aiohttp + json": ByAiohttp(url),
            "judgefast": ours,
        }
        if find_spec("typesafe_sdk"):
            ways["typesafe-sdk"] = BySdk(url)
        for count in (FEW, 600 if options.quick else MANY):
            texts = states(count)
            found: dict[str, list[Spent]] = {name: [] for name in ways}
            for number in range(rounds + 1):
                names = list(ways) if number % 2 else list(ways)[::-1]
                for name in names:
                    spent = ways[name](texts)
                    if number:  # the first round warms up
                        found[name].append(spent)
            base = next(iter(found.values()))
            for name, values in found.items():
                cpu = [each.cpu * 1e6 / count for each in values]
                by = statistics.median(b.cpu / v.cpu for b, v in zip(base, values, strict=True))
                wall = statistics.median(each.wall for each in values)
                record[f"{count} states, {name}"] = spread(cpu) | {
                    "times_base": by,
                    "wall_seconds": wall,
                }
                print(
                    f"{count:5} states  {name:20} {statistics.median(cpu):8.1f} "
                    f"({min(cpu):.1f}-{max(cpu):.1f}) ms/1k  {by:5.2f} x base  {wall:7.3f} s"
                )
                if name == "judgefast":
                    ratio = by
        ours.engine.close()
    finally:
        server.kill()
    write(record, options.output)
    say_ratio("decisions: CPU of a state in two orders", ratio, "as cheap as bare aiohttp")


if __name__ == "__main__":
    main()
