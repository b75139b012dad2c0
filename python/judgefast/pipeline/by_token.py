"""What a start pays by the token: known beforehand, counted as it comes, and written down ahead."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import msgspec
import numpy as np

from judgefast.batches.requests import NOT_HASHED
from judgefast.datasets.rows import items_of, rows_around

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from judgefast.engines.base import Completion, Engine
    from judgefast.journal.run_directory import RunDirectory
    from judgefast.pipeline.judge import Judge
    from judgefast.pipeline.plan import RunPlan
    from judgefast.pipeline.token_price import TokenPrice
    from judgefast.prompts.questions import Question

BY_TOKEN = "by_token"  # noqa: S105 - no secret
"""Fact of a launch whose judge is paid by the token: its price, and what it may have cost."""

_UNBILLED = frozenset({"too_long", "unsupported", "invalid"})
"""Failures of a request that was refused, or never sent."""
_FAILED = frozenset({"error", "cancelled"})
_NOT_BACK = frozenset({"timeout", None})
"""Failures in which nobody has said whether anything was sent: given up on, not answered."""


class Small(Protocol):
    """What an engine has asked of its own; see `engines.decisions.small`."""

    most_usd: float

    def cost(self, usd_per_token: float) -> float:
        """In US dollars."""

    @property
    def are_billed(self) -> bool:
        """Whether every reply says what it took."""


class Most(Protocol):
    """What a request may be counted as at most; see `engines.decisions.most`."""

    def __call__(self, state: Mapping[str, str], questions: Sequence[Question]) -> int:
        """Tokens."""

    def asks(self, questions: Sequence[Question]) -> int:
        """How often its questions are put: in so many requests at most."""


class PaidEngine(Protocol):
    """An engine that may be paid by the token."""

    small: Small

    @property
    def most(self) -> Most:
        """The most that a request may be counted as."""


def paid_engine(engine: Engine) -> PaidEngine | None:
    """The engine as one that may be paid by the token; None where it cannot say what that takes."""
    return None if getattr(engine, "most", None) is None else cast("PaidEngine", engine)


class Billed(NamedTuple):
    """What something has cost, in US dollars."""

    usd: float = 0.0
    unseen_usd: float = 0.0
    """The most that it may have cost beside that: it was sent, and no reply told of it."""


class MostUsd(NamedTuple):
    """The most that requests may cost. Shape (rows,) each, in US dollars."""

    tokens: NDArray[np.float64]
    """Of their tokens, as many as their bytes may be."""
    replies: NDArray[np.float64]
    """What may be asked for each reply beside that."""

    @property
    def whole(self) -> NDArray[np.float64]:
        """Both."""
        return self.tokens + self.replies


class _Kept(msgspec.Struct):
    """Of what is kept of a completion, its bill alone."""

    usd: float | None = None
    unseen: int = 0


_BILL = msgspec.json.Decoder(_Kept)


def billed(  # noqa: PLR0913, PLR0917 - columns of a completion, and two prices
    text: str | None,
    prompt_tokens: int | None,
    finish_reason: str,
    error_kind: str | None,
    usd_per_token: float,
    most_usd: float,
) -> Billed:
    """What one completion has cost: by the server's word, else by its tokens.

    Args:
        text: What is kept of it.
        prompt_tokens: As the server counts them.
        finish_reason: How it ended.
        error_kind: Of a failed one.
        usd_per_token: Price of a token.
        most_usd: What its request might cost, each time that it was sent.

    """
    kept, unseen = _Kept(), 0
    if text:
        with suppress(msgspec.DecodeError):  # a text of another engine
            kept = _BILL.decode(text)
        unseen = kept.unseen
    usd = kept.usd
    if usd is None and prompt_tokens is not None:
        usd = prompt_tokens * usd_per_token
    if usd is None:
        if finish_reason not in _FAILED:
            unseen += 1  # a reply that does not say what it took
        elif not text and error_kind in _NOT_BACK:
            unseen = 1
    return Billed(usd or 0.0, unseen * most_usd)


class ByToken:
    """What one start pays.

    Args:
        directory: The run.
        engine: That is paid.
        price: Of a token.

    """

    def __init__(self, directory: RunDirectory, engine: PaidEngine, price: TokenPrice) -> None:
        self._directory, self._engine, self.price = directory, engine, price
        self._usd_per_token = price.usd_per_million_tokens / 1e6
        self._most_usd = self._most_item_usd = 0.0
        self._committed: float | None = None
        self._in_flight: float | None = None

    def most_of(
        self, plan: RunPlan, rows: NDArray[np.uint32], judge: Judge, texts: Path
    ) -> NDArray[np.float64]:
        """See `most_usd_of`."""
        usd = most_usd_of(plan, rows, judge, texts, self._engine, self.price).whole
        self._most_usd = float(usd.max(initial=0.0))
        return usd

    def note_most_of_an_item(self, usd: float) -> None:
        """Keep the most that an item may cost: a budget has to have so much left for the last."""
        self._most_item_usd = usd

    def of(self, completion: Completion, most: float) -> float:
        """See `engines.budgeted.Bill`."""
        return sum(
            billed(
                completion.text,
                completion.prompt_tokens,
                completion.finish_reason,
                completion.error_kind,
                self._usd_per_token,
                most,
            )
        )

    def beside(self) -> float:
        """See `engines.budgeted.Bill`."""
        return self._engine.small.cost(self._usd_per_token)

    def commit(self, usd: float) -> None:
        """See `engines.budgeted.Bill`."""
        self._committed = usd
        self._directory.record_launch(self.facts())

    def settle(self, in_flight_usd: float) -> None:
        """Note that nothing more is sent, and what may be paid for what never came back."""
        self._in_flight = in_flight_usd

    def facts(self) -> dict[str, Any]:
        """What a start records of it."""
        return {
            BY_TOKEN: {
                "usd_per_million_tokens": self.price.usd_per_million_tokens,
                "price": str(self.price),
                "most_usd": self._most_usd,
                "most_item_usd": self._most_item_usd,
                "beside_usd": self.beside(),
                "committed_usd": self._committed,
                "in_flight_usd": self._in_flight,
            }
        }


def most_usd_of(  # noqa: PLR0913, PLR0917 - what is asked, of whom, at which price
    plan: RunPlan,
    rows: NDArray[np.uint32],
    judge: Judge,
    texts: Path,
    engine: PaidEngine,
    price: TokenPrice,
) -> MostUsd:
    """The most that the request of each of some rows may cost, sent once.

    Args:
        plan: What is asked.
        rows: Rows of the plan, ascending.
        judge: Who is asked.
        texts: Folder that holds `rows/` with texts.
        engine: That is paid.
        price: Of a token.

    """
    columns, prompts = plan.columns, judge.prompts
    tokens, replies = np.zeros(len(rows)), np.zeros(len(rows))
    item_of = columns.items_of(rows)
    last, of_last, most = None, 0, engine.most
    for base, batch in rows_around(texts, item_of):
        items = items_of(batch)
        edges = np.array([base, base + len(items)], item_of.dtype)
        start, end = np.searchsorted(item_of, edges).tolist()
        for place in range(start, end):
            row = int(rows[place])
            aspect, shown = int(columns.aspect[row]), columns.shown_in(row)
            texts_of = (int(item_of[place]), sorted(shown), aspect)
            if texts_of != last:  # another order has the same ones
                prompt = prompts.render(
                    items[texts_of[0] - base], shown, aspect, ids_hash=NOT_HASHED
                )
                of_last, last = most(prompt.state(), prompts.asked[aspect]), texts_of
            tokens[place], replies[place] = of_last, most.asks(prompts.asked[aspect])
    # A server that says what a reply costs may ask something for each of them.
    return MostUsd(tokens * price.usd_per_million_tokens / 1e6, replies * engine.small.most_usd)


def unseen_of_launch(facts: Mapping[str, Any], usd: float) -> float:
    """The most that a start has paid for what never came back.

    Args:
        facts: What it recorded of this.
        usd: What is known to be paid in it.

    """
    in_flight = facts.get("in_flight_usd")
    if in_flight is not None:
        return float(in_flight)
    return max(0.0, float(facts.get("committed_usd") or 0.0) - usd)
