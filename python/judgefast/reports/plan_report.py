"""What is known of a run before it is paid for: what it asks, and what of it must be computed.

Tokens are exact where the tokenizer is known. What comes out of a cache is simulated, by the cache
that the report names, and is never more than that.
"""

from __future__ import annotations

import msgspec

PLAN_REPORT_FORMAT = 1
"""Version of the JSON form. Fields are added, never renamed; a change of meaning raises it."""


class PlannedRows(msgspec.Struct, frozen=True, kw_only=True):
    """Where every row went."""

    read: int
    items: int
    skipped: dict[str, int] = {}
    """Rows left out, by reason."""
    questions: int
    """Different ones; a question is its text."""
    answers: int
    """Different ones, over all items."""


class PlannedRequests(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked."""

    judgments: int
    orders: int
    """In which each pair of answers is shown: 2, or 1."""
    aspects: list[str]
    repeats: int
    requests: int
    """Sent to the engine: judgments but for those that one answer serves, and those below. With
    adaptive orders as many as may be."""
    least_requests: int | None = None
    """Of adaptive orders: those that are asked whatever comes back. None where all are."""
    audit: str | None = None
    """What their audit has, in words."""
    too_long: int = 0
    """Judgments that do not fit the judge's context: they fail without being sent."""
    not_needed: int = 0
    """Decided without asking (`--on-empty lose`)."""
    truncated: int = 0
    """Requests with answers that were shortened to fit (`--truncate balanced`)."""
    left_out_tokens: int = 0
    """Of these answers."""


class PlannedPrompts(msgspec.Struct, frozen=True, kw_only=True):
    """Lengths of the prompts that are sent. None where the tokenizer is not known."""

    tokens: int | None
    mean_tokens: float | None
    longest_tokens: int | None
    characters: int | None = None
    """Where tokens are unknown."""
    answer_tokens: int
    """That the judge may write behind each prompt, its thinking included."""


class PlannedCache(msgspec.Struct, frozen=True, kw_only=True):
    """The cache that was simulated."""

    block_tokens: int
    """Only whole blocks are found again."""
    cache_tokens: int
    """What it has room for."""
    running: int
    """Requests at work at once, whose blocks are not thrown out."""
    window: int | None = None
    """Tokens that sliding layers keep."""
    given: list[str] = []
    """Fields that the command line set."""
    assumed: list[str] = []
    """Fields that neither the engine nor the command line says; others are the engine's own."""


class OrderCost(msgspec.Struct, frozen=True, kw_only=True):
    """What one way of sending the same prompts comes to."""

    order: str
    """`none` (no cache), `random`, `natural`, `plan`, or `least` (each shared token once)."""
    computed_tokens: int
    share: float
    """Of all prompt tokens that were looked at."""


class SharedPart(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one part of the prompts that came out of the cache, in the planned order."""

    part: str
    """`rubric`, `question`, `reference`, `answer`, `answer_1`, `answer_2`, ..."""
    cached_tokens: int
    share: float
    """Of all cached tokens."""


class LongPrompt(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt."""

    item_id: str
    tokens: int


class TooLong(msgspec.Struct, frozen=True, kw_only=True):
    """An item of which a prompt does not fit."""

    item_id: str
    requests: int
    tokens: int
    """Of its longest prompt, the answer to come included."""


class PlannedMemory(msgspec.Struct, frozen=True, kw_only=True):
    """KV cache that the plan needs, so that nothing is computed twice."""

    bytes_per_token: float
    tokens: int
    """At once, by the planned order: those of the running requests, what they share counted once,
    with their whole answers."""
    total_bytes: float
    longest_bytes: float
    """Of the longest request alone: below this nothing runs."""


class LayoutCost(msgspec.Struct, frozen=True, kw_only=True):
    """What the same judgments cost in another layout."""

    layout: str
    """`as-written`, `aspect-last` or `aspect-first`."""
    aspects: str
    """`one-by-one` or `together`."""
    in_force: bool
    """It is the one of the rubric as it stands."""
    requests: int
    prompt_tokens: int
    computed_tokens: int
    prompt_hash: str
    """64 hex digits; of several aspects asked one by one, one over those of all."""


class LintFinding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that keeps prompts from sharing."""

    code: str
    where: str
    """`file:line` of the rubric, or item and field."""
    text: str
    """What stands there, cut."""
    token: int | None = None
    """Place in the prompt from which on nothing is shared; None where it is no one place."""
    lost_tokens: int
    """Computed for want of sharing; 0 where it costs other runs, not this one. Where something is
    advised, what following it saves: planned anew, by the same cache."""
    at_least: bool = False
    """Only the head of the run was planned anew, the advice cannot be planned, or prompts have no
    token ids: of 0 tokens nothing is known."""
    words: str
    """What is wrong."""
    advice: str


class PlanReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a plan says."""

    format: int = PLAN_REPORT_FORMAT
    rubric: str
    mode: str
    judge: str
    """Model and digest, as in the keys of the run."""
    engine: str
    digest: str
    """Of the order of requests; that of `judgefast run --dry-run` and of the run."""
    prompt_hash: str
    rows: PlannedRows
    requests: PlannedRequests
    prompts: PlannedPrompts
    cache: PlannedCache | None = None
    """None where there are no tokens to simulate with."""
    looked_at: int | None = None
    """Requests that the costs are of; fewer than all where the run is large: whole questions from
    the head of its shuffled order, which is a fair sample."""
    costs: list[OrderCost] = []
    shared: list[SharedPart] = []
    longest: list[LongPrompt] = []
    too_long: list[TooLong] = []
    """The first 100 of them by length."""
    context_tokens: int | None = None
    memory: PlannedMemory | None = None
    """None where the model's files do not say."""
    layouts: list[LayoutCost] = []
    """With `--layout`; the cheapest first."""
    lint: list[LintFinding] | None = None
    """With `--lint`; the dearest first."""
    notes: list[str] = []
    """What a reader should know of the figures above."""

    def cost(self, order: str) -> OrderCost | None:
        """The cost of one order; None where it was not worked out."""
        return next((one for one in self.costs if one.order == order), None)
