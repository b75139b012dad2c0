"""What a run has cost so far: sums over every attempt, and the launches' own facts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from judgefast.reports.bill import BillSums, bill_notes
from judgefast.reports.estimate_bill import Taken, estimate_bill
from judgefast.reports.report import (
    FirstRequest,
    LaunchFacts,
    Operations,
    Seconds,
    SendingOrder,
    Tokens,
)

if TYPE_CHECKING:
    from judgefast.journal.answers import AnswerIndex
    from judgefast.journal.run_directory import RunDirectory

_TOKENS = ("prompt_tokens", "cached_tokens", "completion_tokens", "reasoning_tokens")
_COLUMNS = ("launch", "finish_reason", *_TOKENS)
_ANSWERED = ("stop", "length")
_OF_SERVERS = tuple(f"server_{name}" for name in _TOKENS[:3])
"""Counters of an engine that asks servers."""
_OF_STATES = ("dropped_tokens", "unchecked_lengths", "defused")
"""Counters of an engine that sends states."""
_MANY_PREEMPTIONS = 0.05
"""Of all attempts; more of them are worth a word."""
_PHASES = ("read", "plan", "load", "judge", "report")


class _Told(NamedTuple):
    """The sum of a counter, and whether every launch with an engine has told it."""

    number: int
    is_all: bool

    def words(self, noun: str) -> str:
        """Say how many there are, of those that there may be."""
        least = "" if self.is_all else "at least "
        return f"{least}{self.number:,} {noun}{'' if self.number == 1 else 's'}"

    @property
    def were(self) -> str:
        return "was" if self.number == 1 else "were"


def operations_of(
    directory: RunDirectory, answers: AnswerIndex, order: SendingOrder | None = None
) -> Operations:
    """Add up time, tokens, attempts and launches.

    Args:
        directory: The run.
        answers: Its journal joined to its plan.
        order: In which its requests were sent.

    """
    launches = directory.launches()
    timed = [facts["launch"] for facts in launches if "judge" in facts.get("seconds", {})]
    attempts = 0
    sums: dict[str, int | None] = dict.fromkeys(_TOKENS)
    timed_tokens: int | None = None
    partly: set[str] = set()
    by_launch = Counter(answers.by_launch())
    counted = BillSums()
    for batch in directory.completions(_COLUMNS):
        attempts += batch.num_rows
        counted.add(batch)
        of_timed = batch.filter(_is_one_of(batch.column("launch"), timed))
        for name in _TOKENS:
            sums[name] = _plus(sums[name], batch.column(name))
        partly |= _known_in_part(batch)
        for name in ("prompt_tokens", "completion_tokens"):
            timed_tokens = _plus(timed_tokens, of_timed.column(name))
    seconds = _seconds(launches)
    sums |= dict.fromkeys(partly)
    prompt, cached, completion, reasoning = (sums[name] for name in _TOKENS)
    judged = seconds.judge
    judgments = sum(by_launch[launch] for launch in timed)
    bill = counted.bill(directory, answers, launches, order)
    preemptions = _preemptions(launches)
    tokens = Tokens(
        prompt=prompt,
        cached=cached,
        computed=None if prompt is None or cached is None else prompt - cached,
        completion=completion,
        reasoning=reasoning,
    )
    taken = Taken(
        launches,
        seconds,
        tokens,
        bill,
        answered=int(np.count_nonzero(answers.final_attempt)),
        superseded=answers.num_superseded,
        preemptions=preemptions,
    )
    return Operations(
        seconds=seconds,
        judgments_per_second=judgments / judged if judged else None,
        tokens=tokens,
        tokens_per_second=None if not judged or timed_tokens is None else timed_tokens / judged,
        requests=int(np.count_nonzero(answers.attempts)),
        asked_once=answers.num_saved,
        order=order,
        attempts=attempts,
        superseded=answers.num_superseded,
        servers=_of_servers(launches),
        bill=bill,
        estimate=estimate_bill(directory.manifest, taken),
        hedged=_counted(launches, "hedged"),
        in_flight_mean=_in_flight(launches),
        first_request=_first_request(launches),
        preemptions=preemptions,
        launches=[
            LaunchFacts(
                id=facts["launch"],
                machine=str(facts.get("host", "")),
                engine=facts.get("engine", {}),
                judgments=by_launch[facts["launch"]],
            )
            for facts in launches
        ],
        notes=[
            *directory.notes,
            *_of_engines(launches),
            *_unproven(_told(launches, "unproven_lengths")),
            *_of_states(launches),
            *_busy(launches),
            *_often_preempted(preemptions, attempts),
            *bill_notes(bill),
            *_untimed(sum(by_launch.values()) - judgments),
        ],
    )


def _is_one_of(column: Any, names: list[str]) -> Any:  # noqa: ANN401 - Arrow
    import pyarrow as pa  # noqa: PLC0415 - only a report needs it
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    return pc.is_in(column.cast(pa.string()), value_set=pa.array(names, pa.string()))


def _known_in_part(batch: Any) -> set[str]:  # noqa: ANN401 - Arrow
    """Counts that some answers lack though their prompts were counted: there is no sum."""
    import pyarrow.compute as pc  # noqa: PLC0415 - only a report needs it

    answered = _is_one_of(batch.column("finish_reason"), list(_ANSWERED))
    counted = batch.filter(pc.and_(answered, batch.column("prompt_tokens").is_valid()))
    names = ("cached_tokens", "completion_tokens")
    return {name for name in names if counted.column(name).null_count}


def _counted(launches: list[dict[str, Any]], name: str) -> int | None:
    """The sum of a counter of engines; None where a launch with an engine has not told it."""
    started = [facts for facts in launches if "engine" in facts]
    told = [facts.get("counters", {}).get(name) for facts in started]
    return sum(told) if told and None not in told else None


def _told(launches: list[dict[str, Any]], name: str) -> _Told:
    """The sum of a counter as far as it is told: a launch that was killed tells none."""
    started = [facts for facts in launches if "engine" in facts]
    told = [facts.get("counters", {}).get(name) for facts in started]
    return _Told(sum(one for one in told if one is not None), is_all=None not in told)


def _of_servers(launches: list[dict[str, Any]]) -> Tokens | None:
    prompt, cached, completion = (_counted(launches, name) for name in _OF_SERVERS)
    if prompt is None or cached is None:
        return None
    return Tokens(prompt=prompt, cached=cached, computed=prompt - cached, completion=completion)


def _of_engines(launches: list[dict[str, Any]]) -> list[str]:
    """What engines say that a reader should know of how they asked; once each."""
    said = [facts.get("engine", {}).get("notes", []) for facts in launches]
    return list(dict.fromkeys(str(note) for notes in said for note in notes))


def _unproven(prompts: _Told) -> list[str]:
    """Say that prompts went out of which nobody knew whether the judge has room for them."""
    if not prompts.number:
        return []
    sent = f"{prompts.words('prompt')} {prompts.were}"
    why = "has more bytes than the judge's context has tokens, or that context is unknown"
    found = "one that was cut is found only where the server counts fewer tokens than it has words"
    return [f"{sent} sent without knowing that the judge reads the whole: each {why}; {found}"]


def _of_states(launches: list[dict[str, Any]]) -> list[str]:
    """Say what servers cut off, and what nobody knew the length of; where they are asked so."""
    notes = []
    dropped, unchecked, defused = (_told(launches, name) for name in _OF_STATES)
    if dropped.number:
        cut = f"the server says that it has cut {dropped.words('token')} off states"
        notes.append(f"{cut}: what it said of them counts for nothing, they are too long")
    if unchecked.number:
        sent = f"{unchecked.words('state')} {unchecked.were} sent without knowing that the judge"
        why = "its tokenizer or its limit is not known, and it may cut what is too long"
        notes.append(f"{sent} reads the whole: {why}")
    if defused.number:
        marks = f"{defused.words('control token')} {defused.were} defused in what was sent"
        notes.append(f"{marks}, in the same text each time that it was")
    silent = sum("counters" not in facts for facts in launches if _takes_states(facts))
    if silent:
        starts = "1 start was" if silent == 1 else f"{silent:,} starts were"
        what = "states that were cut, not checked or defused there are in no count"
        notes.append(f"{starts} killed, or still at work, without telling its counts: {what}")
    return notes


def _busy(launches: list[dict[str, Any]]) -> list[str]:
    """Say how often servers had no room, and by which rates they were asked."""
    refused = _told(launches, "busy")
    if not refused.number:
        return []
    said = f"servers refused {refused.words('request')} for want of room (429, 503 and their like)"
    later = "it was" if refused.number == 1 else "they were"
    rates = [_rates(facts["engine"]) for facts in launches if facts.get("counters", {}).get("busy")]
    held = [each for each in dict.fromkeys(rates) if each]
    asked = f"; at most {' or '.join(held)} were asked" if held else ""
    return [f"{said}, and {later} sent again later{asked}"]


def _rates(engine: dict[str, Any]) -> str:
    """What an engine was held to; empty where it was to nothing."""
    per = {"requests_a_minute": "requests a minute", "tokens_a_second": "tokens a second"}
    return " and ".join(
        f"{engine[name]:,g} {unit}" for name, unit in per.items() if engine.get(name)
    )


def _takes_states(facts: dict[str, Any]) -> bool:
    return "dialect" in facts.get("engine", {})


def _first_request(launches: list[dict[str, Any]]) -> FirstRequest | None:
    """Of the latest launch that sent one, where its engine says what it did meanwhile."""
    for facts in reversed(launches):
        engine = facts.get("engine", {})
        startup = engine.get("startup")
        if not startup or "first_request_seconds" not in facts:
            continue
        seconds = facts.get("seconds", {})
        compiling = engine.get("compile_seconds")
        return FirstRequest(
            seconds=facts["first_request_seconds"],
            **{phase: seconds.get(phase) for phase in ("read", "plan", "load")},
            engine=startup | ({"compile": compiling} if compiling else {}),
        )
    return None


def _preemptions(launches: list[dict[str, Any]]) -> int | None:
    counts = [facts.get("counters", {}).get("preemptions") for facts in launches]
    known = [int(count) for count in counts if count is not None]
    return sum(known) if known else None


def _often_preempted(preemptions: int | None, attempts: int) -> list[str]:
    """Say what to do about a memory that is too small, where it costs much."""
    if not preemptions or preemptions < _MANY_PREEMPTIONS * attempts:
        return []
    thrown = f"vLLM threw {preemptions:,} requests out half done for lack of memory"
    asked = f"({attempts:,} were asked), and did them again"
    return [f"{thrown} {asked}; lower max_num_seqs, or set kv_cache_dtype=fp8"]


def _untimed(judgments: int) -> list[str]:
    """Say that a launch told no time: it was killed, or is at work."""
    if not judgments:
        return []
    left_out = "1 judgment" if judgments == 1 else f"{judgments:,} judgments"
    why = "of launches that were killed or are still at work: they told no time"
    return [f"time and speed leave out {left_out} {why}"]


def _plus(total: int | None, column: Any) -> int | None:  # noqa: ANN401 - Arrow
    """Add a column to a sum; None as long as nothing is known."""
    import pyarrow.compute as pc  # noqa: PLC0415 - only a report needs it

    added = pc.sum(column).as_py()
    return total if added is None else (total or 0) + int(added)


def _seconds(launches: list[dict[str, Any]]) -> Seconds:
    sums: dict[str, float] = {}
    for facts in launches:
        for phase, seconds in facts.get("seconds", {}).items():
            sums[phase] = sums.get(phase, 0.0) + seconds
    return Seconds(**{phase: sums[phase] for phase in _PHASES if phase in sums})


def _in_flight(launches: list[dict[str, Any]]) -> float | None:
    """Mean over launches, each weighed by the time it judged."""
    weighed = [
        (facts["in_flight_mean"], facts.get("seconds", {}).get("judge", 0.0))
        for facts in launches
        if facts.get("in_flight_mean") is not None
    ]
    total = sum(seconds for _, seconds in weighed)
    return sum(mean * seconds for mean, seconds in weighed) / total if total else None
