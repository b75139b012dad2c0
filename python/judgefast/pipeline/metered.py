"""What a run has spent so far, over all its starts, those that were killed among them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from judgefast._native import RequestIndex
from judgefast.batches.columns import NONE
from judgefast.costs.budget import Spent
from judgefast.engines.budgeted import FAILED_OUTRIGHT
from judgefast.journal.answers import id_bytes
from judgefast.pipeline.by_token import BY_TOKEN, Billed, billed, unseen_of_launch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.journal.answers import AnswerIndex
    from judgefast.journal.run_directory import RunDirectory

RENTED = "rented"
"""Fact of a launch: what is paid for while it is at work, and since when. None where it came out
that it has nothing to ask: such a start costs nothing."""

LAST_SEEN = "last_seen"
"""Fact of a launch: when it was still at work. Rewritten now and then."""

_SECONDS_OF_HOUR = 3600
_UNKNOWN = -1
_COLUMNS = (
    "request_id",
    "launch",
    "prompt_tokens",
    "completion_tokens",
    "finish_reason",
    "error_kind",
    "started",
    "wall_seconds",
)
_LINES = 1 << 14
"""Completions whose texts are held at a time."""


class _Journal:
    """Sums over completions."""

    def __init__(self, answer_tokens: int) -> None:
        self._answer_tokens = answer_tokens
        self.tokens = 0
        self.ends: dict[str, float] = {}
        """Unix time of the last completion of each launch."""
        self.uncounted: list[pa.Array[Any]] = []
        """Ids of requests whose prompt the engine has not counted."""

    def add(self, batch: pa.RecordBatch) -> None:
        prompt: Any = batch.column("prompt_tokens")
        self.tokens += int(pc.sum(prompt).as_py() or 0)
        self.tokens += int(pc.sum(batch.column("completion_tokens")).as_py() or 0)
        if prompt.null_count:
            self.uncounted.append(batch.column("request_id").filter(prompt.is_null()))
        self.tokens += self._answer_tokens * _unknown_answers(batch)
        names: Any = batch.column("launch")
        end: Any = pc.add(batch.column("started"), batch.column("wall_seconds"))
        for name in names.dictionary.to_pylist():
            latest = pc.max(end.filter(pc.equal(names.cast(pa.string()), name))).as_py()
            self.ends[name] = max(self.ends.get(name, 0.0), latest or 0.0)


def _unknown_answers(batch: pa.RecordBatch) -> int:
    """Answers of unknown length, of requests that did not fail outright."""
    missing: Any = batch.column("completion_tokens")
    kinds: Any = batch.column("error_kind").cast(pa.string())
    failed = pc.is_in(kinds, value_set=pa.array(FAILED_OUTRIGHT))
    return int(pc.sum(pc.and_not(missing.is_null(), failed)).as_py() or 0)


def spent_of(
    directory: RunDirectory,
    answers: AnswerIndex,
    launches: Sequence[dict[str, Any]],
    usd: float | None = None,
    by_token: dict[str, Any] | None = None,
) -> Spent:
    """Add up what a run has spent.

    Args:
        directory: The run.
        answers: Its journal joined to its plan.
        launches: What each start recorded.
        usd: Price of a GPU-hour at starts that knew none.
        by_token: What the token is paid by at starts that knew no price at all.

    """
    rented = [facts.get(RENTED) or {} for facts in launches]
    journal = _Journal(max((int(one.get("answer_tokens", 0)) for one in rented), default=0))
    prices = _token_prices(launches, by_token)
    bills = dict.fromkeys(prices, Billed())
    for batch in directory.completions((*_COLUMNS, "text") if prices else _COLUMNS):
        journal.add(batch)
        if prices:
            _add_bills(bills, prices, batch)
    hours, money, unseen = 0.0, 0.0, 0.0
    is_priced = True
    for facts in launches:
        seconds = rented_seconds(facts, journal.ends.get(facts["launch"], 0.0))
        paid = facts.get(RENTED) or {}
        hours += seconds * int(paid.get("gpus", 1)) / _SECONDS_OF_HOUR
        if facts["launch"] in prices:
            bill = bills[facts["launch"]]
            known_usd = bill.usd + float(prices[facts["launch"]].get("beside_usd", 0.0))
            money += known_usd
            unseen += bill.unseen_usd + unseen_of_launch(
                prices[facts["launch"]], known_usd + bill.unseen_usd
            )
            continue
        of_launch = seconds * int(paid.get("gpus", 1)) / _SECONDS_OF_HOUR
        known = paid.get("usd_per_gpu_hour")
        price = usd if known is None else known
        is_priced = is_priced and (price is not None or not seconds)
        money += of_launch * (price or 0.0)
    asked = answers.sharing.spread(answers.attempts > 0)
    planned = _planned_tokens(directory, journal.uncounted)
    return Spent(
        judgments=int(np.count_nonzero(asked)),
        tokens=None if planned is None else journal.tokens + planned,
        gpu_hours=hours,
        usd=money if is_priced else None,
        unseen_usd=unseen,
    )


def _token_prices(
    launches: Sequence[dict[str, Any]], by_token: dict[str, Any] | None
) -> dict[str, dict[str, Any]]:
    """By what the tokens of each start are paid that does not pay by the hour."""
    found: dict[str, dict[str, Any]] = {}
    for facts in launches:
        by_hour = (facts.get(RENTED) or {}).get("usd_per_gpu_hour") is not None
        price = facts.get(BY_TOKEN) or (None if by_hour else by_token)
        if price is not None:
            own = BY_TOKEN in facts
            alone = ("usd_per_million_tokens", "most_usd")
            found[facts["launch"]] = price if own else {name: price[name] for name in alone}
    return found


def _add_bills(
    bills: dict[str, Billed], prices: dict[str, dict[str, Any]], whole: pa.RecordBatch
) -> None:
    """Add what completions have cost to the bill of their launches."""
    names = ("launch", "text", "prompt_tokens", "finish_reason", "error_kind")
    for start in range(0, whole.num_rows, _LINES):
        batch = whole.slice(start, _LINES)
        columns: list[Any] = [batch.column(name).to_pylist() for name in names]
        for launch, *completion in zip(*columns, strict=True):
            price = prices.get(launch)
            if price is not None:
                rate = float(price["usd_per_million_tokens"]) / 1e6
                text, prompt, finish, kind = completion
                bill = billed(text, prompt, finish, kind, rate, float(price["most_usd"]))
                before = bills[launch]
                bills[launch] = Billed(before.usd + bill.usd, before.unseen_usd + bill.unseen_usd)


def rented_seconds(facts: dict[str, Any], last_answer: float) -> float:
    """Seconds for which one launch was paid; 0 where it had nothing to ask.

    From the start of the program to its end. Of a launch that was killed, or is at work, the end is
    the last moment that is known of it: when it was last seen, or its last answer.

    Args:
        facts: What it recorded.
        last_answer: Unix time of its last completion; 0 without one.

    """
    paid = facts.get(RENTED)
    if paid is None and "engine" not in facts:
        return 0.0
    paid = paid or {}
    began = _unix(paid.get("began") or facts.get("started"))
    if "finished" in facts:
        return max(0.0, _unix(facts["finished"]) - began)
    seen = [facts.get("started"), paid.get("ready"), facts.get(LAST_SEEN)]
    known = [*map(_unix, seen), last_answer]
    return max(0.0, max(known) - began)


def _unix(moment: str | None) -> float:
    return 0.0 if moment is None else datetime.fromisoformat(moment).timestamp()


def utc(unix: float) -> str:
    """A moment as launches record it."""
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds")


def _planned_tokens(directory: RunDirectory, ids: Sequence[pa.Array[Any]]) -> int | None:
    """Tokens of prompts as they were planned, once for each attempt; None where unknown."""
    if not ids:
        return 0
    known, tokens = [np.zeros((0, 16), np.uint8)], [np.zeros(0, np.int64)]
    for batch in directory.plan_requests(("request_id", "prompt_tokens")):
        column: Any = batch.column("prompt_tokens")
        known.append(id_bytes(batch.column("request_id")).copy())
        tokens.append(column.fill_null(_UNKNOWN).to_numpy().astype(np.int64))
    index = RequestIndex(np.concatenate(known), NONE)
    of_row = np.concatenate(tokens)
    total = 0
    for one in ids:
        rows = index.rows(np.ascontiguousarray(id_bytes(one)))
        each = of_row[rows[rows >= 0]]
        if (each == _UNKNOWN).any():
            return None
        total += int(each.sum())
    return total
