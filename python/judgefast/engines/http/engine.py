"""The HTTP engine as the pipeline sees it: an event loop in a thread, queues to and from it."""

from __future__ import annotations

import queue
import time
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.engines.base import Lane
from judgefast.engines.http.options import (
    TLS_HINT,
    HttpOptions,
    Secret,
    key_of_environment,
    root_of,
)
from judgefast.errors import ConfigError, EngineError
from judgefast.prompts.decoding import Capabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion, Workload
    from judgefast.engines.http.abilities import Abilities
    from judgefast.engines.http.detect import Found
    from judgefast.engines.http.loop import Loop
    from judgefast.prompts.model import JudgeModel

_OURS = {"base_urls"}


class HttpEngine:
    """Servers that speak OpenAI's API, with one judge behind all of them.

    What they are and can do is asked of them when it is first needed.

    Args:
        model: As it is served; None for the only one.
        base_url: One address, or several.
        options: Fields of `HttpOptions`.

    Raises:
        ModuleNotFoundError: aiohttp or httptools is not installed.
        ConfigError: An option is out of range.

    """

    name = "http"
    drives = ("aiohttp", "httptools")
    settings = HttpOptions
    prefix_cache = None
    """What a server keeps is its own affair, and it has other clients."""

    def __init__(
        self,
        model: str | None = None,
        base_url: str | Sequence[str] = (),
        **options: Any,  # noqa: ANN401 - checked below
    ) -> None:
        for needed in self.drives:
            if find_spec(needed) is None:
                message = f"No module named '{needed}'"
                raise ModuleNotFoundError(message, name=needed)
        for name in options:
            if name not in HttpOptions.__struct_fields__ or name in _OURS:
                message = f"got an unexpected keyword argument '{name}'"
                raise TypeError(message)
        given = [base_url] if isinstance(base_url, str) else list(base_url)
        if not given:
            message = "the engine `http` needs the address of a server"
            raise ConfigError(message, hint="add --base-url http://127.0.0.1:8000")
        roots = tuple(dict.fromkeys(map(root_of, given)))
        self.options = HttpOptions(base_urls=roots, **options)
        self.options.check()
        self._named = model
        self._secret = Secret(key_of_environment())
        self._done: queue.SimpleQueue[list[Completion] | Exception] = queue.SimpleQueue()
        self._in_flight = 0
        self._lost: Exception | None = None
        self._recalled: tuple[Abilities, JudgeModel] | None = None
        self._loop: Loop | None = None
        self._expected: int | None = None
        self._reads_labels = True
        self._is_started = False
        self._is_closed = False

    @cached_property
    def found(self) -> Found:
        """The judge behind the servers; they are asked when this is first looked at.

        Raises:
            JudgefastError: See :func:`judgefast.engines.http.detect.detect`.

        """
        return self._running().detect(self._named)

    def recall(self, facts: dict[str, Any]) -> None:
        """Take the judge to be what it was at an earlier start; no server is asked.

        Args:
            facts: What that `start` returned.

        Raises:
            ModelError: The tokenizer is not there any more, or is another one.

        """
        from judgefast.engines.http.recall import recalled  # noqa: PLC0415 - on first use

        self._recalled = recalled(facts)

    @cached_property
    def capabilities(self) -> Capabilities:
        """See :class:`Engine`. Found out by asking."""
        abilities = self._recalled[0] if self._recalled else self.found.abilities
        return Capabilities(
            takes="chat" if abilities.way == "chat" else "ids",
            schema=abilities.schema,
            choice=abilities.choice,
            label_probabilities=abilities.labels,
            seed=abilities.way != "sglang",
            thinking=abilities.thinking or abilities.way == "chat",
        )

    @property
    def model(self) -> JudgeModel:
        """See :class:`Engine`. Its weights are the server's: it has no digest."""
        return self._recalled[1] if self._recalled else self.found.model

    @property
    def lanes(self) -> Sequence[Lane]:
        """One, whatever the number of servers: they share one queue."""
        room = self._loop.room if self._loop is not None and self._is_started else 1
        return [Lane(lane=0, room=max(1, room))]

    def prepare(self, workload: Workload) -> None:
        """See :class:`Engine`. Lists get shorter when the last of them have come."""
        self._expected = workload.requests
        self._reads_labels = workload.labels_only

    def start(self) -> dict[str, Any]:
        """See :meth:`Engine.start`."""
        found, loop = self.found, self._running()
        loop.begin(found, self._expected)
        self._is_started = True
        abilities = found.abilities
        file, tokenizer = found.tokenizer_file, found.model.tokenizer
        return {
            "model": found.model.name,
            "base_urls": list(self.options.base_urls),
            "away": sorted(found.away),
            "server": found.shown.kind,
            "server_version": found.shown.version,
            "api": abilities.way,
            "abilities": msgspec.to_builtins(abilities),
            "context_tokens": found.model.context_tokens,
            "sealed": abilities.way != "chat",
            "tokenizer": None if file is None or tokenizer is None else str(file.absolute()),
            "tokenizer_sha256": None if tokenizer is None else tokenizer.sha256,
            "tokenizer_compared": found.is_same_tokenizer,
            "list_size": loop.list_size(abilities),
            "concurrency": self.options.concurrency,
            "timeout_seconds": self.options.timeout_seconds,
            "max_retries": self.options.max_retries,
            "stream": loop.is_streamed(abilities),
            "hedging": self.options.hedge_seconds or self.options.hedge,
            "notes": _notes(found, reads_labels=self._reads_labels),
        }

    def counters(self) -> dict[str, int]:
        """Since the start: `resent`, `defused`, `bounded`, `hedged`, `went_away`.

        And `unproven_lengths`, of prompts that may be longer than the judge's context; and
        `server_prompt_tokens`, `server_cached_tokens`, `server_completion_tokens` where the
        servers count them, for all their users.
        """
        return self._loop.counters() if self._loop is not None else {}

    def in_flight(self, lane: int) -> int:
        """See :meth:`Engine.in_flight`."""
        del lane
        return self._in_flight

    def submit(self, lane: int, requests: Sequence[Request]) -> None:
        """See :meth:`Engine.submit`.

        Raises:
            EngineError: The engine has not started, is closed, or is lost.

        """
        del lane
        if self._lost:
            raise self._lost
        if self._loop is None or not self._is_started or self._is_closed:
            message = "the http engine is not running"
            raise EngineError(message, hint="call start() first, and submit before close()")
        from judgefast.engines.http.jobs import Job  # noqa: PLC0415 - the loop has loaded it

        if not requests:
            return
        now, clock = time.time(), time.monotonic()
        jobs = [Job(request, now, clock) for request in requests]
        self._in_flight += len(jobs)
        self._loop.admit(jobs)

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        """See :meth:`Engine.collect`.

        Raises:
            EngineError: All servers are lost, or refuse the key; what came before was handed back.

        """
        if self._lost:
            raise self._lost
        found: list[Completion] = []
        try:
            item = self._done.get(timeout=max(0.0, timeout_seconds))
            while True:
                if isinstance(item, Exception):
                    self._lost = item
                    break
                found += item
                item = self._done.get_nowait()
        except queue.Empty:
            pass
        self._in_flight -= len(found)
        if self._lost and not found:
            raise self._lost
        return found

    def cancel(self, request_ids: Sequence[bytes]) -> None:
        """See :meth:`Engine.cancel`."""
        if self._loop is not None and self._is_started and not self._is_closed:
            self._loop.cancel(set(request_ids))

    def close(self) -> None:
        """See :meth:`Engine.close`."""
        self._is_closed = True
        if self._loop is not None:
            self._loop.close()
        self._in_flight = 0

    def _running(self) -> Loop:
        if self._is_closed:
            message = "the http engine is closed"
            raise EngineError(message)
        if self._loop is None:
            try:
                from judgefast.engines.http.loop import Loop  # noqa: PLC0415 - loads aiohttp
            except OSError as error:  # aiohttp opens these files as it is loaded
                message = f"connections cannot be prepared: {error}"
                raise EngineError(message, hint=TLS_HINT) from None
            self._loop = Loop(self.options, self._secret, self._done.put)
        return self._loop


def _notes(found: Found, *, reads_labels: bool) -> list[str]:
    """What a report says of how this judge was asked."""
    notes = ["the weights are the server's: the judge is known by the name it is served under"]
    abilities = found.abilities
    if abilities.way == "chat":
        notes.append(
            "prompts were not sealed: the server takes words, and what spelt a control token in a "
            "text was defused"
        )
    if abilities.thinks:
        notes.append(
            "the judge thinks before it answers: without `decoding.thinking = true` that is within "
            "`max_tokens` of its answer"
        )
    if abilities.top_logprobs and reads_labels:
        notes.append(
            f"a label that is not among the {abilities.top_logprobs} likeliest tokens counts with "
            "the highest probability that it may have"
        )
    return notes
