"""`judgefast run --engine http` as a command, and what came of it."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib.resources import files
from io import StringIO
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from unittest.mock import patch

import pytest

from judgefast.cli import main
from judgefast.runs import Run

from .opinion import better
from .serving import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

KEY = "sk-the-key-of-these-tests-0123456789"
"""In the environment of every command here, and never anywhere else."""

QUICK = {"timeout_seconds": 1, "max_retries": 3, "list_size": 4}
"""Options of the engine: a fault is over soon."""

COMMAND = [sys.executable, "-m", "judgefast"]

VERDICTS = {"one": "a", "two": "b", None: "tie"}


class Ran(NamedTuple):
    """A command that has ended."""

    status: int
    data: str
    words: str
    out: Path

    @property
    def counts(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.data)["results"]["counts"]
        return found

    @property
    def facts(self) -> dict[str, Any]:
        """Of the last launch, as the engine gave them."""
        launches = sorted((self.out / "launches").glob("*.json"), key=os.path.getmtime)
        found: dict[str, Any] = json.loads(launches[-1].read_text("utf-8"))
        return found

    def completions(self) -> list[dict[str, Any]]:
        """What is journaled."""
        rows: list[dict[str, Any]] = Run.open(self.out).table("completions").to_pylist()
        return rows

    def judgments(self) -> dict[str, dict[str, Any]]:
        """The table of judgments by item."""
        return {row["item_id"]: row for row in Run.open(self.out).table("judgments").to_pylist()}


class Judging:
    """Commands on one file of items."""

    def __init__(self, folder: Path, data: Path, model: Path) -> None:
        self._folder = folder
        self._data = data
        self._model = model
        self._started: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        """Nothing to prepare."""
        return self

    def __exit__(self, *args: object) -> None:
        """Kill what still runs."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def words(
        self,
        urls: Iterable[str],
        *more: str,
        rubric: str = "pairwise",
        out: str = "run",
        options: dict[str, Any] | None = None,
        tokenizer: bool = True,
    ) -> list[str]:
        """The command, from the interpreter on."""
        words = [*COMMAND, "run", str(self._data), "--rubric", rubric]
        words += ["--engine", "http", "--out", str(self._folder / out), "--json", *more]
        for url in urls:
            words += ["--base-url", url]
        if tokenizer:
            words += ["--tokenizer", str(self._model)]
        for name, value in (QUICK | (options or {})).items():
            words += ["--engine-arg", f"{name}={json.dumps(value)}"]
        return words

    def start(self, *urls: str, **given: Any) -> subprocess.Popen[str]:
        """Start `judgefast run` in a session of its own."""
        variables = environment(given.pop("key", KEY), **given.pop("env", {}))
        process = subprocess.Popen(
            self.words(urls, *given.pop("more", ()), **given),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=variables,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def run(self, *urls: str, out: str = "run", key: str | None = KEY, **given: Any) -> Ran:
        """Let `judgefast run` end, in this process: it starts forty times in these tests."""
        variables = environment(key, **given.pop("env", {}))
        words = self.words(urls, *given.pop("more", ()), out=out, **given)
        return self._ended(words, out, variables)

    def resume(self, *more: str, out: str = "run") -> Ran:
        """Let `judgefast resume` end."""
        words = ["resume", str(self._folder / out), "--json", *more]
        return self._ended([*COMMAND, *words], out, environment(KEY))

    def report(self, out: str = "run") -> str:
        """What `judgefast report` shows a person."""
        words = ["report", str(self._folder / out)]
        return self._ended([*COMMAND, *words], out, environment(None)).data

    def _ended(self, words: list[str], out: str, variables: dict[str, str]) -> Ran:
        data, said = StringIO(), StringIO()
        log, handler = logging.getLogger("judgefast"), logging.StreamHandler(said)
        propagates, log.propagate = log.propagate, False  # as where nobody has set up logging
        log.addHandler(handler)
        try:
            with (
                patch.dict(os.environ, variables, clear=True),
                patch.object(sys, "argv", words[len(COMMAND) - 1 :]),
                redirect_stdout(data),
                redirect_stderr(said),
                pytest.raises(SystemExit) as ended,
            ):
                main()
        finally:
            log.propagate = propagates
            log.removeHandler(handler)
        ran = Ran(int(ended.value.code or 0), data.getvalue(), said.getvalue(), self._folder / out)
        assert "Traceback" not in ran.words, ran.words
        assert_no_key(ran)
        return ran


def short_reasons(folder: Path) -> Path:
    """The rubric `pairwise-reasons`, with answers that a small model on a CPU ends in time."""
    built_in = files("judgefast.prompts").joinpath("rubrics/pairwise-reasons.toml")
    text = built_in.read_text("utf-8")
    assert "max_tokens = 256" in text
    made = folder / "short.toml"
    made.write_text(text.replace("max_tokens = 256", "max_tokens = 24"), encoding="utf-8")
    return made


def environment(key: str | None, **more: str) -> dict[str, str]:
    """Without what belongs to other servers."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"OPENAI_API_KEY", "JUDGEFAST_API_KEY"} and "proxy" not in name.lower()
    }
    kept |= {} if key is None else {"JUDGEFAST_API_KEY": key}
    return kept | {"PYTHONPATH": str(ROOT / "python"), "PYTHONUNBUFFERED": "1"} | more


def assert_no_key(ran: Ran) -> None:
    """The key is in nothing that was printed or written."""
    assert KEY not in ran.data + ran.words
    for path in ran.out.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


def assert_complete(ran: Ran, names: Iterable[str]) -> None:
    """Each item was judged in both orders, by what was written about it, once."""
    names = list(names)
    assert ran.status == 0, ran.words
    counts = ran.counts
    assert (counts["planned"], counts["parsed"]) == (2 * len(names), 2 * len(names))
    assert_right(ran, names)
    ended = [row for row in ran.completions() if row["finish_reason"] == "stop"]
    assert len(ended) == len({row["request_id"] for row in ended}) == 2 * len(names)


def assert_right(ran: Ran, names: Iterable[str], *, missing: Iterable[str] = ()) -> None:
    """Every verdict is the one about its own item, and only `missing` ones are not there."""
    rows = ran.judgments()
    assert sorted(rows) == sorted(names)
    lost = set(missing)
    for name, row in rows.items():
        wanted = None if name in lost else VERDICTS[better(name)]
        assert (row["forward_verdict"], row["swapped_verdict"]) == (wanted, wanted), name
