"""Seconds for a workload at given rates, by sums: what an engine does step by step is counted.

The terms of a step add up, so that the seconds of prompts and of written tokens hang on their
sums alone, whatever the order; only how many steps there are hangs on how the requests lie beside
each other. With N requests that write D tokens after their first one and B of them at once, there
are N * D / B steps while all places are taken, and the run-out behind them, when nothing waits any
more: as many steps as the longest answer that still runs has left.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Literal

import msgspec

from judgefast.costs.rates import Rates  # noqa: TC001 - as in the other modules of this room
from judgefast.costs.workload import Workload  # noqa: TC001 - as above

MAX_NUM_SEQS = 1024
"""Sequences at once that vLLM allows on an H100 or H200 where nothing is said."""
MAX_BATCHED_TOKENS = 8192
"""Tokens in a step that vLLM allows there, offline."""

End = Literal["low", "likely", "high"]
Limit = Literal["room", "max_num_seqs", "requests"]


class Timed(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of a run by the clock, all copies side by side."""

    prefill: float
    decode: float
    run_out: float
    """What the end takes longer, when fewer and fewer sequences run."""
    host: float
    batch: float
    """Sequences at once in one copy while requests wait."""
    limit: Limit
    """What keeps `batch` from being more."""
    requests: float
    """Of one copy, as all that follows."""
    computed: float
    """Prompt tokens."""
    pairs: float
    """Of a computed token and one that it looks at; sliding layers count in as far as they look."""
    prompt_steps: float
    """Steps that compute prompts alone: where answers have one token, and nothing else is run."""
    written: float
    """Tokens behind the first of each answer, which the prompt's own step writes."""
    looked_at: float
    """Tokens that a written one looks back at; sliding layers count in as far as they look."""
    steady: float
    """Steps that would write all tokens, were all places taken to the end."""
    extra: float
    """Steps more, in the run-out."""

    @property
    def seconds(self) -> float:
        """Of all parts."""
        return self.prefill + self.decode + self.run_out + self.host

    @property
    def steps(self) -> float:
        """In which one copy writes tokens."""
        return self.steady + self.extra


class _Mean(msgspec.Struct, frozen=True):
    """One request of a workload, on average."""

    prompt: float
    computed: float
    answer: float
    spread: float

    @property
    def written(self) -> float:
        """Tokens behind the first, which the prompt's own step writes."""
        return max(0.0, self.answer - 1)

    @property
    def grown(self) -> float:
        """Tokens of the answer that a running sequence has behind it, on average.

        A long answer runs longer, and is met more often: hence the spread.
        """
        return self.answer * (1 + self.spread**2) / 2


def length_of(workload: Workload, end: End = "likely") -> float:
    """Tokens of a running sequence, on average: its prompt, and what it has written so far."""
    mean = _mean(workload, end)
    return mean.prompt + mean.grown


def batch_of(  # noqa: PLR0913 - what a batch hangs on
    workload: Workload,
    *,
    copies: int = 1,
    room_tokens: float = math.inf,
    max_num_seqs: int = MAX_NUM_SEQS,
    shares: bool = True,
    end: End = "likely",
) -> tuple[float, Limit]:
    """Sequences at once in one copy while requests wait, and what keeps it from more.

    A sequence keeps its own prompt tokens and what it has written. Tokens that it shares with
    others are computed once and lie in memory once: so a sequence's own are those computed for it,
    and one prefix is taken off the room for all.

    Args:
        workload: What is asked.
        copies: Of the model, each with its part of the requests.
        room_tokens: That the KV cache of one copy holds.
        max_num_seqs: Of the engine, for one copy.
        shares: Whether the engine keeps shared prefixes once; False counts whole prompts.
        end: Of the workload's ranges.

    """
    mean = _mean(workload, end)
    own = mean.computed if shares else mean.prompt
    room = (room_tokens - (mean.prompt - own)) / max(1.0, own + mean.grown)
    requests = max(1.0, workload.requests_at(end) / copies)
    limits: list[tuple[float, Limit]] = [
        (requests, "requests"),
        (float(max_num_seqs), "max_num_seqs"),
        (max(1.0, room), "room"),
    ]
    return min(limits, key=lambda each: each[0])


def time_of(  # noqa: PLR0913 - as `batch_of`
    workload: Workload,
    rates: Rates,
    *,
    copies: int = 1,
    room_tokens: float = math.inf,
    max_num_seqs: int = MAX_NUM_SEQS,
    max_num_batched_tokens: int = MAX_BATCHED_TOKENS,
    shares: bool = True,
    end: End = "likely",
) -> Timed:
    """Seconds that an engine takes for a workload once it is warm.

    The error of the rates is not in them: `Range.within(timed.seconds, rates.error)` puts it
    around.

    Args:
        workload: What is asked; requests of its means, their answers spread as it says.
        rates: Of one copy.
        copies: Of the model, each with its part of the requests.
        room_tokens: That the KV cache of one copy holds.
        max_num_seqs: Sequences that one copy runs at once at most.
        max_num_batched_tokens: Prompt tokens that one step computes at most, with the written ones.
        shares: Whether the engine keeps shared prefixes once.
        end: Of the workload's ranges: `low` where all is at its least.

    """
    batch, limit = batch_of(
        workload,
        copies=copies,
        room_tokens=room_tokens,
        max_num_seqs=max_num_seqs,
        shares=shares,
        end=end,
    )
    mean, requests = _mean(workload, end), workload.requests_at(end) / copies
    looked_at = rates.looked_at(mean.prompt + mean.grown)
    pairs, tokens = requests * _pairs(mean, rates), requests * mean.written
    steady = _steady(mean, requests, batch, max_num_batched_tokens)
    filling = max(
        0.0, batch * mean.computed / max_num_batched_tokens - 1 - (steady - tokens / batch)
    )
    extra = _run_out(mean, requests, batch, workload.answers.most, filling)
    each = rates.sequence + looked_at * rates.context_token
    alone = _prompt_steps(mean, requests, batch, max_num_batched_tokens)
    computing = requests * mean.computed * rates.prompt_token + pairs * rates.prompt_pair
    return Timed(
        prefill=computing + alone * rates.prompt_step,
        decode=steady * rates.step_of(batch) + tokens * each,
        run_out=extra * rates.step_of(batch / 2),
        host=workload.requests_at(end) * rates.request,
        batch=batch,
        limit=limit,
        requests=requests,
        computed=requests * mean.computed,
        pairs=pairs,
        prompt_steps=alone,
        written=tokens,
        looked_at=looked_at,
        steady=steady,
        extra=extra,
    )


def _mean(workload: Workload, end: End) -> _Mean:
    requests = max(1, workload.requests)
    answers = workload.answers
    answer = getattr(answers.mean, end)
    return _Mean(
        prompt=workload.prompt_tokens / requests,
        computed=getattr(workload.computed_tokens, end) / max(1.0, workload.requests_at(end)),
        answer=answer,
        spread=answers.spread if answer > 1 else 0.0,
    )


def _pairs(mean: _Mean, rates: Rates) -> float:
    """Pairs of a computed token and one before it, in one request; sliding layers count less."""
    start, stop = mean.prompt - mean.computed, mean.prompt
    pairs = (stop**2 - start**2) / 2
    if rates.window is None:
        return pairs
    beyond = [max(0.0, at - rates.window) ** 2 / 2 for at in (start, stop)]
    return pairs - rates.window_share * (beyond[1] - beyond[0])


def _prompt_steps(mean: _Mean, requests: float, batch: float, chunk: int) -> float:
    """Steps of prompts alone: as many as their tokens fill, or as their places are taken anew.

    Where more than one token is written, prompts are computed in the steps that write.
    """
    if mean.written:
        return 0.0
    return requests * max(mean.computed / chunk, 1 / batch)


def _steady(mean: _Mean, requests: float, batch: float, chunk: int) -> float:
    """Steps, were all places taken to the end, of which each writes something.

    If requests wait for places, each has its place for the step of its prompt too. Prompts take the
    places of finished ones no faster than steps can compute them.
    """
    if not mean.written:
        return 0.0
    taken = mean.written + (1 if requests > batch else 0)
    steps = max(requests * taken / batch, requests * mean.computed / chunk)
    idle = 1 - min(1.0, requests * mean.written / (steps * batch))  # chance of one place
    nobody: float = idle**batch
    return steps * (1 - nobody)


def _run_out(mean: _Mean, requests: float, batch: float, most: int, filling: float) -> float:
    """Steps that are more than if all places were taken to the end.

    Of the sequences that run when nothing waits any more, each has a part of its answer left, and
    the one with most of it decides. That part is the smaller the longer the engine has been
    running: if all requests run at once, it is the whole answer, behind the last prompt.
    """
    if not mean.written:
        return 0.0
    longest = _longest(mean, batch, most) - 1
    left = mean.written * (1 + mean.spread**2) / 2
    at_once, mixed = filling + longest - mean.written, longest - left
    waited = min(1.0, requests / batch - 1)
    return max(0.0, at_once + waited * (mixed - at_once))


def _longest(mean: _Mean, many: float, most: int) -> float:
    """Length of the longest of so many answers, taken for log-normal and cut at the cap."""
    if not mean.spread:
        return mean.answer
    width = math.sqrt(math.log(1 + mean.spread**2))
    at = NormalDist().inv_cdf(1 - 0.5 / max(1.0, many))
    longest = mean.answer * math.exp(width * at - width**2 / 2)
    return max(mean.answer, min(float(max(most, 1)), longest))
