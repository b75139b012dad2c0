"""The plan beside the bill: tokens as they were planned, and as the engine counted them.

Both are sums over the requests that were answered. Prompts are rendered by the plan itself, so
their tokens must be those of the bill; what came out of the cache was simulated, and hangs on what
the engine met with. A difference has a reason that is known, or is said to have none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.reports.report import Bill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.journal.answers import AnswerIndex
    from judgefast.journal.run_directory import RunDirectory
    from judgefast.reports.report import SendingOrder

WORTH_A_WORD = 0.01
"""Share of the larger number by which plan and bill may differ in silence."""

COUNTED_SIZES = {
    "block_tokens": "cache_block_tokens",
    "cache_tokens": "cache_tokens",
    "running": "cache_running",
}
"""Sizes of the cache that a plan was simulated with: names in `cache` of a launch, which has those
that were there, and in the counts of the plan."""

_ANSWERED = ("stop", "length")
_COUNTED = ("prompt_tokens", "cached_tokens")
_PLANNED = ("prompt_tokens", "planned_cached_tokens")


class BillSums:
    """Adds up what engines counted, over the answers of a journal."""

    def __init__(self) -> None:
        self.answers = 0
        self._sums: dict[str, int | None] = dict.fromkeys(_COUNTED, 0)

    def add(self, batch: Any) -> None:  # noqa: ANN401 - Arrow
        """Add a batch of completions; one that lacks a count leaves no sum of that count."""
        import pyarrow as pa  # noqa: PLC0415 - only a report needs it
        import pyarrow.compute as pc  # noqa: PLC0415 - as above

        reason = batch.column("finish_reason").cast(pa.string())
        answered = batch.filter(pc.is_in(reason, value_set=pa.array(_ANSWERED)))
        self.answers += answered.num_rows
        for name in _COUNTED:
            column, total = answered.column(name), self._sums[name]
            known = total is not None and not column.null_count
            self._sums[name] = (total or 0) + int(pc.sum(column).as_py() or 0) if known else None

    def bill(
        self,
        directory: RunDirectory,
        answers: AnswerIndex,
        launches: Sequence[dict[str, Any]],
        order: SendingOrder | None,
    ) -> Bill | None:
        """Set the sums beside the plan's; None where the plan or the engine counted no tokens.

        Args:
            directory: The run.
            answers: Its journal joined to its plan: which requests were answered.
            launches: What each start recorded.
            order: In which its requests were sent.

        """
        counted_prompt, counted_cached = (self._sums[name] for name in _COUNTED)
        if not self.answers or counted_prompt is None:
            return None
        own = answers.sharing.own(len(answers.final_attempt))
        planned_prompt, planned_cached = _planned(directory, answers.final_attempt[own] > 0)
        if planned_prompt is None:
            return None
        both_cached = planned_cached is not None and counted_cached is not None
        pairs = {"prompt": (planned_prompt, counted_prompt)}
        if both_cached:
            pairs["cached"] = (planned_cached or 0, counted_cached or 0)
        differs = [
            name for name, (plan, count) in pairs.items() if _share(plan, count) > WORTH_A_WORD
        ]
        because = []
        if differs:
            because = _reasons(launches, order, answers.num_superseded, counted_prompt)
            because += _of_cache(directory.plan_counts, launches) if "cached" in differs else []
        return Bill(
            requests=int(np.count_nonzero(answers.final_attempt)),
            planned_prompt=planned_prompt,
            counted_prompt=counted_prompt,
            planned_cached=planned_cached,
            counted_cached=counted_cached,
            differs=differs,
            because=because,
        )


def bill_notes(bill: Bill | None) -> list[str]:
    """Say where plan and bill differ, and why; nothing where they agree."""
    if bill is None:
        return []
    notes = []
    for name in bill.differs:
        planned, counted = getattr(bill, f"planned_{name}"), getattr(bill, f"counted_{name}")
        more = "more" if counted > planned else "fewer"
        share = _share(planned, counted)
        words = f"{counted:,} {name} tokens were counted, {share:.1%} {more} than the {planned:,}"
        words = words.replace("%", " %") + " of the plan"
        why = "; ".join(bill.because)
        notes.append(
            f"{words}: {why}" if why else f"{words}, and nothing that is known explains it"
        )
    return notes


def _share(planned: int, counted: int) -> float:
    """Difference of two counts, as a share of the larger one."""
    return abs(planned - counted) / max(planned, counted, 1)


def _planned(directory: RunDirectory, answered: NDArray[np.bool_]) -> tuple[int | None, int | None]:
    """Sums over the answered requests of the plan; None where one of them does not say."""
    import pyarrow as pa  # noqa: PLC0415 - only a report needs it
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    sums: dict[str, int | None] = dict.fromkeys(_PLANNED, 0)
    at = 0
    for batch in directory.plan_requests(_PLANNED):
        chosen = batch.filter(pa.array(answered[at : at + batch.num_rows]))
        at += batch.num_rows
        for name in _PLANNED:
            column, total = chosen.column(name), sums[name]
            known = total is not None and not column.null_count
            sums[name] = (total or 0) + int(pc.sum(column).as_py() or 0) if known else None
    assert at == len(answered)  # each request has the row that asks for it
    prompt, cached = (sums[name] for name in _PLANNED)
    return prompt, cached


def _reasons(
    launches: Sequence[dict[str, Any]],
    order: SendingOrder | None,
    superseded: int,
    counted_prompt: int,
) -> list[str]:
    """What is known to part an engine's count from a plan, the surest first."""
    started = [facts for facts in launches if "engine" in facts]
    found = []
    if superseded:
        found.append(f"{superseded:,} answers came to requests that had one")
    if len(started) > 1:
        found.append(f"{len(started):,} starts, each with an empty cache")
    replicas = max((facts["engine"].get("replicas") or 1 for facts in started), default=1)
    if replicas > 1:
        found.append(f"{replicas} replicas, each with a cache of its own")
    if order is not None and order.sent != order.planned:
        found.append("requests were not sent in the order of the plan")
    for counter, words in _COUNTERS.items():
        if number := _summed(started, counter):
            found.append(words.format(f"{number:,}"))
    if any("base_urls" in facts["engine"] for facts in started):
        others = _summed(started, "server_prompt_tokens") - counted_prompt
        if others > WORTH_A_WORD * counted_prompt:
            found.append(f"the servers read {others:,} prompt tokens for others meanwhile")
        else:
            found.append("a server's cache is its own: its size, and who else uses it, is unknown")
    return found


def _of_cache(counts: dict[str, int], launches: Sequence[dict[str, Any]]) -> list[str]:
    """Where the cache that was there is not the one that the plan was simulated with."""
    found: list[str] = []
    if any(facts.get("engine", {}).get("enable_prefix_caching") is False for facts in launches):
        found.append("the engine keeps nothing of the prompts that it has read")
    differs = []
    for name, words in _SIZES.items():
        planned = counts.get(COUNTED_SIZES[name])
        sizes = {facts["cache"].get(name) for facts in launches if facts.get("cache")} - {None}
        if planned is not None and sizes - {planned}:
            there = " and ".join(f"{size:,}" for size in sorted(sizes))
            differs.append(words.format(f"{planned:,}", there))
    if differs:
        which = ", ".join(differs)
        found.append(f"the size of the cache was assumed before the start: {which}")
    return found


_SIZES = {
    "cache_tokens": "room for {} tokens, and it was {}",
    "running": "{} requests at work at once, and it was {}",
    "block_tokens": "blocks of {} tokens, and it was {}",
}
"""Of the plan, and of the engine once it had started."""

_COUNTERS = {
    "preemptions": "{} requests were thrown out half done, for lack of memory, and done again",
    "restarts": "the engine's process was started again {} times, each with an empty cache",
    "retried": "{} requests were run again alone",
    "hedged": "{} requests were sent to a second server too",
}
"""Counters of engines that part bill and plan."""


def _summed(started: Sequence[dict[str, Any]], counter: str) -> int:
    return int(sum(facts.get("counters", {}).get(counter) or 0 for facts in started))
