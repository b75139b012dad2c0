"""Whole runs through the command line: what is killed is gone on with, and nothing asked twice."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from judgefast.config import RunConfig
from judgefast.errors import ConfigError, RunDirectoryError
from judgefast.pipeline.comparable import check_comparable
from judgefast.pipeline.results import read_run
from judgefast.pipeline.run import run
from tests.recorded import write_lines

from .honest import openai
from .scripted_server import ScriptedServer

if TYPE_CHECKING:
    from pathlib import Path

ITEMS = 600
CONCURRENCY = 8


class Relay:
    """Passes requests on to a server, each thread by a connection of its own."""

    def __init__(self, url: str) -> None:
        self._at = urlsplit(url).netloc
        self._local = threading.local()

    def __call__(self, body: bytes) -> bytes:
        """The server's reply."""
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection(self._at, timeout=30)
        connection: http.client.HTTPConnection = self._local.connection
        connection.request("POST", "/v1/systemone", body, {"Content-Type": "application/json"})
        return connection.getresponse().read()


def judged(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "judgefast", *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )


@pytest.mark.slow
def test_a_run_of_six_hundred_items_that_is_killed_asks_only_what_was_in_flight_again(
    sparrow: str, tmp_path: Path
) -> None:
    rows = [
        {"id": f"p{n}", "question": f"{n} + 1?", "answer_a": f"{n + 1}", "answer_b": f"{n} or so"}
        for n in range(ITEMS)
    ]
    data = write_lines(tmp_path / "rows.jsonl", rows)
    out = tmp_path / "run"
    with ScriptedServer(paths={"/v1/systemone": Relay(sparrow)}) as server:
        flags = ["--rubric", "pairwise", "--engine", "decisions", "--base-url", server.url]
        flags += ["--engine-arg", f"concurrency={CONCURRENCY}", "--orders", "one", "--out", out]
        process = judged("run", data, *flags)
        until = time.monotonic() + 60
        while len(server.asked) < ITEMS // 2 and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        asked_before = len(server.of_items)
        assert asked_before < ITEMS
        again = judged("run", data, *flags, "--json")
        result, words = again.communicate()
        times = Counter(json.dumps(each.body["state"]) for each in server.of_items)
    assert again.returncode == 0, words
    counts = json.loads(result)["results"]["counts"]
    assert counts["parsed"] == counts["planned"] == ITEMS
    assert len(times) == ITEMS
    assert max(times.values()) <= 2
    # On its way to the server, to the pipeline, and to the disk.
    assert sum(count - 1 for count in times.values()) <= 4 * CONCURRENCY


def test_a_run_goes_on_only_as_it_was_asked_and_is_compared_only_with_its_like(
    tmp_path: Path,
) -> None:
    rows = [
        {"id": f"p{n}", "question": f"{n}?", "answer_a": "a", "answer_b": "b"} for n in range(3)
    ]
    once, twice = tmp_path / "once", tmp_path / "twice"
    with ScriptedServer() as server:
        _run(once, rows, server.url, option_orders=1)
        _run(twice, rows, server.url)
        with pytest.raises(RunDirectoryError, match=r"options: option_orders 2 -> 1"):
            _run(twice, rows, server.url, option_orders=1)
    with (
        ScriptedServer(paths={"/v1/decisions": openai}) as server,
        pytest.raises(RunDirectoryError, match=r"options: dialect systemone -> openai"),
    ):
        _run(twice, rows, server.url)
    readings = read_run(once), read_run(twice)
    with pytest.raises(ConfigError, match=r"judge: option_orders 1 -> 2"):
        check_comparable(*readings, ())
    assert check_comparable(*readings, ("judge",)) == ["judge: option_orders 1 -> 2"]


def _run(out: Path, rows: list[dict[str, str]], url: str, **options: object) -> None:
    config = RunConfig(
        rubric="pairwise",
        engine="decisions",
        model="m",
        base_url=(url,),
        out=str(out),
        engine_args=options,
    )
    run(config, data=rows, show_progress=False)
