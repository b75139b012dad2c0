"""What decision servers do differently, as data: one row for each server and dialect."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

UsageCounts = Literal["once", "per_question", "unknown"]
"""Whether a reply's tokens count the state once or once for each question."""


class Quirks(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a server that speaks a dialect."""

    name: str
    dialect: str
    most_questions: int | None = None
    """In one request; None: no limit is known."""
    most_options: int = 255
    """Of a choice, where the model sets no lower one."""
    most_levels: int = 10
    least_levels: int = 2
    rounds: bool = False
    """To two decimals, so that sums may be off by more."""
    has_mass: bool = False
    """It says which probability the vocabulary gives all labels together, for models with one."""
    tells_heads: bool = False
    """Of models that know nothing but the labels it says a mass of 1, and that nothing was
    written; of others it says what they wrote."""
    keeps_option_order: bool = True
    """False: it sorts options or averages their orders, so that other orders change nothing."""
    cuts_silently: bool = False
    """Some of its models cut a state that is too long and say nothing."""
    most_tokens: int | None = None
    """Of the state and the longest question together; None: what the model can hold."""
    most_request_tokens: int | None = None
    """Of the state and all questions of a request; what has more goes in several."""
    parses_control_tokens: bool = True
    """`<|…|>` in a state is, or may be, read as a token of the chat template, not as text. False
    where it is known to be text: what is defused for nothing has a blank too many."""
    shows_all_questions: bool = True
    """One prompt may hold all questions of a request, so that one changes what is said of another.
    False where a question is known to be answered alone as together; `SHOWN_ALL` apart."""
    usage_counts: UsageCounts = "unknown"
    requests_a_minute: float | None = None
    tokens_a_second: float | None = None
    source: str
    """Where this is known from."""


QUIRKS: tuple[Quirks, ...] = (
    Quirks(
        name="typesafe",
        dialect="systemone",
        shows_all_questions=False,
        rounds=True,
        most_tokens=32_000,
        most_request_tokens=64_000,
        requests_a_minute=1200,
        tokens_a_second=250_000,
        source="its documentation (Jev 1.13) and SDK 0.7.5; published replies of jev-1.13.0",
    ),
    Quirks(
        name="vllm",
        dialect="systemone",
        shows_all_questions=False,
        most_questions=64,
        most_options=26,
        has_mass=True,
        tells_heads=True,
        cuts_silently=True,
        usage_counts="per_question",
        source="vLLM 0.32, source and runs; 0.33, source",
    ),
    Quirks(
        name="llama.cpp",
        dialect="systemone",
        shows_all_questions=False,
        cuts_silently=True,
        source="llama.cpp b11434, source; b11549, runs",
    ),
    Quirks(
        name="sglang",
        dialect="systemone",
        shows_all_questions=False,
        least_levels=1,
        has_mass=True,
        usage_counts="per_question",
        source="SGLang 0.5.23, source",
    ),
    Quirks(
        name="sglang heads",
        dialect="systemone",
        least_levels=1,
        cuts_silently=True,
        most_tokens=16_384,
        source="SGLang 0.5.23, source: checkpoints with a decision head (Clef, Kev)",
    ),
    Quirks(
        name="laya",
        dialect="systemone",
        most_questions=64,
        most_options=100,
        most_levels=32,
        source="laya 0.4.15, source",
    ),
    Quirks(
        name="laya-serve",
        dialect="systemone",
        most_tokens=32_768,
        source="laya-serve 0.2.1, source and runs",
    ),
    Quirks(
        name="sparrow nano",
        dialect="systemone",
        parses_control_tokens=False,
        keeps_option_order=False,
        cuts_silently=True,
        most_tokens=512,
        source="sparrow-decider 0.2.0, source and runs: the models in its wheel",
    ),
    Quirks(
        name="sparrow",
        dialect="systemone",
        parses_control_tokens=False,
        cuts_silently=True,
        most_tokens=512,
        source="sparrow-decider 0.2.0, source: models with an encoder",
    ),
    Quirks(
        name="openrouter",
        dialect="systemone",
        rounds=True,
        most_tokens=32_000,
        source="its documentation",
    ),
    Quirks(
        name="unknown",
        dialect="systemone",
        most_questions=64,
        cuts_silently=True,
        source="the limits of the dialect, and care",
    ),
    Quirks(
        name="openai",
        dialect="openai",
        most_questions=400,
        most_tokens=922_000,
        source="openai-python 3.57.0 and its documentation",
    ),
    Quirks(
        name="vllm",
        dialect="openai",
        shows_all_questions=False,
        most_questions=64,
        most_options=26,
        cuts_silently=True,
        usage_counts="per_question",
        source="vLLM 0.33, source",
    ),
    Quirks(
        name="unknown",
        dialect="openai",
        most_questions=64,
        cuts_silently=True,
        source="the limits of the dialect, and care",
    ),
    Quirks(
        name="sglang",
        dialect="sglang",
        shows_all_questions=False,
        most_options=26,
        has_mass=True,
        usage_counts="per_question",
        source="SGLang 0.5.23, source",
    ),
)

SHOWN_ALL = ("clef", "kev", "nimble")
"""Lines of models that are shown all questions in one prompt, whoever serves them."""

_SHOWN_ALL = re.compile(f"(?<![a-z])(?:{'|'.join(SHOWN_ALL)})(?![a-z])", re.IGNORECASE)

_ROWS = {(row.name, row.dialect): row for row in QUIRKS}


def quirks_of(name: str, dialect: str) -> Quirks:
    """Row of a server; of an unknown one of that dialect where there is none.

    >>> quirks_of("vllm", "systemone").most_options, quirks_of("new", "openai").name
    (26, 'unknown')
    """
    row = _ROWS.get((name, dialect)) or _ROWS.get(("unknown", dialect))
    return row or _ROWS["sglang", "sglang"]


def shows_all_questions(quirks: Quirks, names: Iterable[str], *, is_head: bool = False) -> bool:
    """Whether one question may change the answer to another of its request.

    Args:
        quirks: Of the server.
        names: Of the model, all that are known; places where it was loaded from, too.
        is_head: Whether the labels are all that the model knows.

    >>> vllm = quirks_of("vllm", "systemone")
    >>> shows_all_questions(vllm, ["org/Clef-flash"]), shows_all_questions(vllm, ["/home/kevin/m"])
    (True, False)
    """
    if quirks.shows_all_questions or (is_head and quirks.tells_heads):
        return True
    return any(_SHOWN_ALL.search(name) for name in names)
