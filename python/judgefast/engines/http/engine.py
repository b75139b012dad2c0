"""The HTTP engine as the pipeline sees it: what its judge is, and what it can do."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.engines.http.options import HttpOptions
from judgefast.engines.remote.engine import RemoteEngine, check_names, roots_of
from judgefast.prompts.decoding import Capabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.engines.base import Workload
    from judgefast.engines.http.abilities import Abilities
    from judgefast.engines.http.detect import Found
    from judgefast.engines.http.loop import Loop
    from judgefast.prompts.model import JudgeModel

_OURS = {"base_urls"}


class HttpEngine(RemoteEngine["Loop"]):
    """Servers that speak OpenAI's API, with one judge behind all of them.

    Args:
        model: As it is served; None for the only one.
        base_url: One address, or several.
        options: Fields of `HttpOptions`.

    Raises:
        ModuleNotFoundError: aiohttp or httptools is not installed.
        ConfigError: An option is out of range.

    """

    name = "http"
    settings = HttpOptions

    def __init__(
        self,
        model: str | None = None,
        base_url: str | Sequence[str] = (),
        **options: Any,  # noqa: ANN401 - checked below
    ) -> None:
        super().__init__()
        check_names(options, set(HttpOptions.__struct_fields__) - _OURS)
        self.options = HttpOptions(base_urls=roots_of(self.name, base_url), **options)
        self.options.check()
        self._named = model
        self._recalled: tuple[Abilities, JudgeModel] | None = None
        self._expected: int | None = None
        self._reads_labels = True

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

    def _made(self) -> Loop:
        from judgefast.engines.http.loop import Loop  # noqa: PLC0415 - loads aiohttp

        return Loop(self.options, self._secret, self._done.put)


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
