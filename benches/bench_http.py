"""What judgefast spends on a judgment over HTTP, beside bare aiohttp with json.

The server (`instant_server.py`, a process of its own) answers at once in the shape of vLLM's: one
token, the log-probabilities of three labels. The plain alternative posts one prompt a request, as
text, by aiohttp on uvloop, with `json` for bodies and replies. The engine does what it does in a
run: queues, windows, retries, completions, and the journal of a run directory beside it. All take
turns; the figure is CPU time of this process, all threads, per thousand judgments.

Other harnesses (`http_rivals.py`) ask the same server about the same texts, each in a process of
its own, in a Python that has them (`--rivals-python`); one that is not installed is left out. They
have no one-token verdicts: the server answers them with some 20 tokens, at once as well.

python benches/bench_http.py [--rounds N] [--rivals-python PATH] [--quick] [--output FILE]
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
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import numpy as np
import uvloop

from judgefast.batches.request import Request
from judgefast.engines.drive import Flight, drive
from judgefast.engines.http import HttpEngine
from judgefast.engines.source import FixedPlan
from judgefast.journal.writer import JournalWriter
from judgefast.prompts.decoding import Decoding, Label
from judgefast.prompts.segments import Prompt, Segment
from measure import new_record, refuse_debug_build, say_ratio, spread, write

if TYPE_CHECKING:
    from collections.abc import Callable

VOCABULARY = 151_936
LABELS = (Label("A", 362), Label("B", 425), Label("tie", 18472))
CONNECTIONS = 64
HERE = Path(__file__).resolve().parent

LISTS = 8
RIVALS = ("inspect_ai", "autorubric", "prometheus_eval")
RIVAL_ROUNDS = 3
RIVAL_JUDGMENTS = 300
QUESTION_WORDS = 20
"""Of a text, for harnesses that want a question and an answer."""


def cpu() -> float:
    """CPU seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Asked:
    """The same prompts as ids, as requests and as texts of the usual length."""

    def __init__(self, tokens: int, count: int) -> None:
        random = np.random.default_rng(0)
        distinct = [
            random.integers(100, VOCABULARY, tokens, dtype=np.int32)
            for _ in range(min(count, 200_000 // tokens))
        ]
        decoding = Decoding(max_tokens=1, labels=LABELS, probabilities=True)
        segment = (Segment("a prompt", trusted=True),)
        self.requests = [
            Request(
                request_id=number.to_bytes(16, "little"),
                keys=(number.to_bytes(16, "little"),),
                item_id=str(number),
                shown=(0, 1),
                repeat=0,
                judge="judge",
                questions=(),
                prompt=Prompt(segment, distinct[number % len(distinct)], b"", 0),
                prefix_group=number // 2,
                decoding=decoding,
                seed=number,
            )
            for number in range(count)
        ]
        words = ["model", "answer", "it", "context", "reason", "a", "value", "result"]
        picks = [random.integers(0, len(words), tokens).tolist() for _ in range(len(distinct))]
        self.texts = [" ".join(words[pick] for pick in each) for each in picks]


def write_folder(folder: Path) -> Path:
    """What the engine plans with: a tokenizer of bytes, and the vocabulary's size."""
    from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: PLC0415 - heavy

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: at for at, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"vocab_size": VOCABULARY}))
    return folder


def by_judgefast(url: str, folder: Path, list_size: int) -> Callable[[Asked], float]:
    """CPU seconds of the loop around the engine, its journal beside it."""
    engine = HttpEngine(base_url=url, tokenizer=str(folder), list_size=list_size)
    engine.start()

    def run(asked: Asked) -> float:
        count = 0
        with tempfile.TemporaryDirectory() as out:
            started = cpu()
            journal = JournalWriter(Path(out), "0" * 32)
            source = FixedPlan(iter(asked.requests), total=len(asked.requests))
            for done in drive(
                engine,
                source,
                flight=Flight(),
                request_seconds=600,
                stopping=bool,
                keep=journal.append,
            ):
                assert all(each.answers for each in done)
                count += len(done)
            journal.flush()
            spent = cpu() - started
            journal.close(to_parquet=False)
        assert count == len(asked.requests)
        return spent

    return run


def by_aiohttp(url: str) -> Callable[[Asked], float]:
    """CPU seconds of a plain script: one prompt a request, as text, `json` both ways."""

    async def ask(asked: Asked) -> int:
        left = iter(range(len(asked.requests)))
        answers = []

        async def work(session: aiohttp.ClientSession) -> None:
            for number in left:
                body = {
                    "model": "judge",
                    "prompt": asked.texts[number % len(asked.texts)],
                    "max_tokens": 1,
                    "temperature": 0,
                    "logprobs": 3,
                    "logprob_token_ids": [label.token_id for label in LABELS],
                    "return_tokens_as_token_ids": True,
                }
                data = json.dumps(body).encode()
                headers = {"Content-Type": "application/json"}
                async with session.post(url + "/v1/completions", data=data, headers=headers) as got:
                    reply = json.loads(await got.read())
                tops = reply["choices"][0]["logprobs"]["top_logprobs"][0]
                answers.append([tops[f"token_id:{label.token_id}"] for label in LABELS])

        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(work(session) for _ in range(CONNECTIONS)))
        return len(answers)

    def run(asked: Asked) -> float:
        started = cpu()
        assert uvloop.run(ask(asked)) == len(asked.requests)
        return cpu() - started

    return run


def by_rival(python: str, name: str, url: str, texts: list[str]) -> float | None:
    """CPU milliseconds of 1,000 judgments of another harness; None where it is not installed."""
    pairs = []
    for number in range(RIVAL_JUDGMENTS):
        words = texts[number % len(texts)].split(" ")
        question = f"Question {number}: {' '.join(words[:QUESTION_WORDS])}"
        pairs.append((question, " ".join(words[QUESTION_WORDS:])))
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(pairs, file)
        file.flush()
        command = [python, str(HERE / "http_rivals.py"), name, url, file.name, str(CONNECTIONS)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found = json.loads(done.stdout)
    return float(found["cpu_us"]) if found else None


def by_rivals(python: str, url: str, texts: list[str]) -> dict[str, list[float]]:
    """The same of each harness that is installed, several times."""
    found: dict[str, list[float]] = {}
    for name in RIVALS:
        values = [by_rival(python, name, f"{url}/v1", texts) for _ in range(RIVAL_ROUNDS)]
        found[name] = [value for value in values if value is not None]
        if not found[name]:
            print(f"{name}: not installed, left out")
    return {name: values for name, values in found.items() if values}


def show(tokens: int, name: str, values: list[float], by: float) -> None:
    """Print a row: median, least and most, and how many times less than the base it spends."""
    print(
        f"{tokens:5} tokens  {name:32} {statistics.median(values):8.1f} "
        f"({min(values):.1f}-{max(values):.1f}) ms/1k  {by:5.2f} x base"
    )


def main() -> None:
    """Let all take turns, and print what each spends."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few judgments, two rounds")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rivals-python", help="a Python that has the other harnesses")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    refuse_debug_build(parser)
    rounds = 2 if options.quick else options.rounds
    record = new_record("http", "CPU milliseconds per 1,000 judgments", rounds=rounds)
    server = subprocess.Popen(
        [sys.executable, str(HERE / "instant_server.py")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        with tempfile.TemporaryDirectory() as folder:
            write_folder(Path(folder))
            ways = {
                "bare aiohttp + json, one prompt": by_aiohttp(url),
                "judgefast, one prompt": by_judgefast(url, Path(folder), 1),
                f"judgefast, lists of {LISTS}": by_judgefast(url, Path(folder), LISTS),
            }
        for tokens, count in ((100, 4000), (3000, 1600)):
            asked = Asked(tokens, 400 if options.quick else count)
            found: dict[str, list[float]] = {name: [] for name in ways}
            for number in range(rounds + 1):
                names = list(ways) if number % 2 else list(ways)[::-1]
                for name in names:
                    spent = ways[name](asked) * 1e6 / len(asked.requests)
                    if number:  # the first round warms up
                        found[name].append(spent)
            base = next(iter(found.values()))
            for name, values in found.items():
                by = statistics.median(b / v for b, v in zip(base, values, strict=True))
                record[f"{tokens} tokens, {name}"] = spread(values) | {"times_base": by}
                show(tokens, name, values, by)
            if options.rivals_python:
                rivals = by_rivals(options.rivals_python, url, asked.texts)
                for name, values in rivals.items():
                    by = statistics.median(base) / statistics.median(values)
                    record[f"{tokens} tokens, {name}"] = spread(values) | {"times_base": by}
                    show(tokens, name, values, by)
        if not options.rivals_python:
            print("other harnesses: left out (--rivals-python PATH)")
    finally:
        server.kill()
    write(record, options.output)
    by = record[f"3000 tokens, judgefast, lists of {LISTS}"]
    say_ratio("http: CPU of prompts of 3,000 tokens", by["times_base"], "as cheap as bare aiohttp")


if __name__ == "__main__":
    main()
