"""The engine for decision servers, as the pipeline sees it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from judgefast.engines.decisions.found import orders_in_force
from judgefast.engines.decisions.most import Most
from judgefast.engines.decisions.options import NAME, DecisionOptions
from judgefast.engines.remote.engine import RemoteEngine, check_names, roots_of
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.model import JudgeModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.engines.decisions.found import Found
    from judgefast.engines.decisions.loop import Loop
    from judgefast.engines.decisions.small import Small

_OURS = {"base_urls"}
_TITLES = {
    "systemone": "System One",
    "openai": "OpenAI's decisions",
    "sglang": "SGLang's decisions",
}


class DecisionsEngine(RemoteEngine["Loop"]):
    """Servers that answer typed questions about a state with probabilities, and write no text.

    Args:
        model: As it is served; None for the only one.
        base_url: One address, or several of one judge.
        options: Fields of `DecisionOptions`.

    Raises:
        ModuleNotFoundError: aiohttp or httptools is not installed.
        ConfigError: An option is out of range.

    """

    name = NAME
    settings = DecisionOptions

    def __init__(
        self,
        model: str | None = None,
        base_url: str | Sequence[str] = (),
        **options: Any,  # noqa: ANN401 - checked below
    ) -> None:
        super().__init__()
        check_names(options, set(DecisionOptions.__struct_fields__) - _OURS)
        self.options = DecisionOptions(base_urls=roots_of(self.name, base_url), **options)
        self.options.check()
        self._named = model
        self._recalled: dict[str, Any] | None = None
        self._untold: list[str] = []

    @cached_property
    def found(self) -> Found:
        """The judge behind the servers; they are asked when this is first looked at.

        Raises:
            JudgefastError: See :meth:`judgefast.engines.decisions.probe.Prober.find`.

        """
        found = self._running().find(self._named)
        spoken = found.spoken
        self._untold.append(
            f"{self.options.base_urls[0]}{spoken.path} speaks {_TITLES[spoken.dialect.name]} "
            f"(server: {spoken.quirks.name}); the model that answers is `{found.name}`"
        )
        if spoken.doubt:
            self._untold.append(f"its answer to a small question at the start is {spoken.doubt}")
        return found

    def recall(self, facts: dict[str, Any]) -> None:
        """Take the judge to be what it was at an earlier start; no server is asked.

        Args:
            facts: What that `start` returned.

        """
        self._recalled = facts

    @cached_property
    def capabilities(self) -> Capabilities:
        """See :class:`Engine`. Found out by asking."""
        facts = self._recalled
        has_mass = self.found.spoken.quirks.has_mass if facts is None else facts["label_mass"]
        return Capabilities(takes="state", label_probabilities=True, label_mass=bool(has_mass))

    @property
    def model(self) -> JudgeModel:
        """See :class:`Engine`. Known by the name that it answers with: it has no digest."""
        name = self.found.name if self._recalled is None else self._recalled["model"]
        return JudgeModel(name=str(name), digest="")

    @property
    def manifest_options(self) -> dict[str, Any]:
        """See :class:`Engine`. Another server, dialect or other orders are another judge's."""
        if self._recalled is not None:
            return {name: self._recalled[name] for name in ("server", "dialect", "option_orders")}
        orders, spoken = orders_in_force(self.options, self.found), self.found.spoken
        return {
            "server": spoken.quirks.name,
            "dialect": spoken.dialect.name,
            "option_orders": orders,
        }

    @property
    def small(self) -> Small:
        """What the small questions took that the engine asks of its own."""
        return self._running().small

    @cached_property
    def most(self) -> Most:
        """The most tokens that the server may count of a request."""
        from judgefast.engines.decisions import loop as of_loop  # noqa: PLC0415 - loads aiohttp
        from judgefast.engines.remote.defuse import Defuser  # noqa: PLC0415 - as above

        found = self.found
        is_defused = of_loop.is_defused(found)
        return Most(
            found.spoken.dialect,
            orders_in_force(self.options, found),
            self.small.most_tokens,
            Defuser(of_loop.control_texts(found)) if is_defused else None,
        )

    def told(self) -> list[str]:
        """See :class:`Engine`. Who answers, and in which dialect."""
        words, self._untold = self._untold, []
        return words

    def start(self) -> dict[str, Any]:
        """See :meth:`Engine.start`."""
        from judgefast.engines.decisions import loop as of_loop  # noqa: PLC0415 - loads aiohttp

        options, found, loop = self.options, self.found, self._running()
        loop.begin(found)
        self._is_started = True
        spoken, tokenizer = found.spoken, found.tokenizer
        requests, tokens = of_loop.rates_of(options, found)
        return {
            "model": found.name,
            "model_asked": spoken.asked,
            "base_urls": list(options.base_urls),
            "away": sorted(found.away),
            "server": spoken.quirks.name,
            "dialect": spoken.dialect.name,
            "path": spoken.path,
            "limits_from": spoken.quirks.source,
            "label_mass": spoken.quirks.has_mass,
            "shows_all_questions": found.shows_all_questions,
            "option_orders": orders_in_force(options, found),
            "questions": of_loop.questions_in_force(options, found),
            "requests_a_minute": requests or None,
            "tokens_a_second": tokens or None,
            "context_tokens": found.limit.tokens,
            "sealed": not of_loop.is_defused(found),
            "tokenizer": None if tokenizer is None else str(found.tokenizer_file),
            "tokenizer_sha256": None if tokenizer is None else tokenizer.sha256,
            "concurrency": options.concurrency,
            "timeout_seconds": options.timeout_seconds,
            "max_retries": options.max_retries,
            "notes": _notes(options, found, is_defused=of_loop.is_defused(found)),
        }

    def _made(self) -> Loop:
        from judgefast.engines.decisions.loop import Loop  # noqa: PLC0415 - loads aiohttp

        return Loop(self.options, self._secret, self._done.put)


def _notes(options: DecisionOptions, found: Found, *, is_defused: bool) -> list[str]:
    """What a report says of how this judge was asked."""
    quirks = found.spoken.quirks
    notes = ["the weights are the server's: the judge is known by the name that it answers with"]
    if not quirks.keeps_option_order:
        notes.append(f"the server ({quirks.name}) orders the options of a choice by itself")
    elif options.option_orders == 1:
        notes.append(
            "each choice was put with one order of its options: what the place of an option does "
            "to an answer is not balanced"
        )
    if is_defused:
        notes.append(
            "states were not sealed: the server may read control tokens in them, and what spelt "
            "one in a text was defused"
        )
    if found.tokenizer is None:
        notes.append(_unchecked(found))
    if found.spoken.doubt:
        notes.append(f"the answer to a small question at the start was {found.spoken.doubt}")
    return notes


def _unchecked(found: Found) -> str:
    words = "the judge's tokenizer is not known: that states fit could not be checked"
    limit = found.limit
    if limit.cuts_silently and limit.is_told:
        return f"{words}, but at 3 bytes a token ({limit.tokens:,} tokens may be)"
    if limit.cuts_silently:
        return f"{words}, and the server may cut what does not without saying so"
    return words
