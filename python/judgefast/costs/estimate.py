"""From a workload and a place to run it to time, GPU-hours, money and energy."""

from __future__ import annotations

from math import inf, isfinite
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from judgefast.catalogue.gpus import Gpu  # noqa: TC001 - msgspec reads annotations
from judgefast.catalogue.shape import Precision, Shape  # noqa: TC001 - as above
from judgefast.costs.efficiencies import efficiencies_of
from judgefast.costs.energy import energy_of
from judgefast.costs.estimates import Estimate, Line, Placed, Sum
from judgefast.costs.explain import judging_lines, sums_of
from judgefast.costs.offers import Offer  # noqa: TC001 - as above
from judgefast.costs.preemptions import Preemptions, never_ends, seconds_of
from judgefast.costs.ranges import Range
from judgefast.costs.rates import Rates  # noqa: TC001 - as above
from judgefast.costs.reached import Reached  # noqa: TC001 - as above
from judgefast.costs.roofline import place, rates_of, rates_sums
from judgefast.costs.starting import NOTHING, Starting
from judgefast.costs.timing import MAX_BATCHED_TOKENS, MAX_NUM_SEQS, End, Timed, time_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.costs.estimates import Money
    from judgefast.costs.workload import Workload

HOUR = 3600.0
_ENDS: tuple[End, ...] = ("low", "likely", "high")


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """All that an estimate hangs on beside the workload."""

    model: str
    shape: Shape
    gpu: Gpu
    gpus: int
    """That are paid for."""
    gpus_per_copy: int = 1
    replicas: int | None = None
    """Copies of the model, side by side; None: as many as the GPUs hold."""
    weights: Precision | None = None
    """None: as the checkpoint is."""
    cache: Literal["16bit", "fp8"] = "16bit"
    max_num_seqs: int = MAX_NUM_SEQS
    max_num_batched_tokens: int = MAX_BATCHED_TOKENS
    rates: Rates | None = None
    """Calibrated ones; None: those of the roofline."""
    reached: Reached | None = None
    """By which the roofline is changed: what another judge has shown of such a GPU."""
    starting: Starting = NOTHING
    offers: tuple[Offer, ...] = ()
    preemptions: Preemptions = Preemptions()
    notes: tuple[str, ...] = ()
    """Why it is so."""

    @property
    def copies(self) -> int:
        """Of the model, side by side."""
        return self.replicas or max(1, self.gpus // self.gpus_per_copy)


def estimate(workload: Workload, setting: Setting) -> Estimate:
    """Estimate a run on accelerators.

    Raises:
        DoesNotFitError: The model does not fit; the message says by how much.
        ConfigError: Model or GPU lack a figure that is needed, and no rates are given.

    """
    how: dict[str, Any] = {"weights": setting.weights, "cache": setting.cache}
    placed = place(
        setting.shape,
        setting.gpu,
        model=setting.model,
        gpus_per_copy=setting.gpus_per_copy,
        copies=setting.copies,
        workload=workload,
        max_num_seqs=setting.max_num_seqs,
        **how,
    )
    placed = msgspec.structs.replace(placed, gpus=setting.gpus)
    rates, of_rates = setting.rates, list[Sum]()
    if rates is None:
        efficiencies = efficiencies_of(
            gpu=setting.gpu,
            gpus=setting.gpus_per_copy,
            shape=setting.shape,
            weights=setting.weights,
            workload=workload,
        )
        if setting.reached is not None:
            efficiencies = setting.reached.onto(efficiencies)
        how |= {"gpus": setting.gpus_per_copy, "efficiencies": efficiencies}
        rates = rates_of(setting.shape, setting.gpu, **how)
        sums = rates_sums(setting.shape, setting.gpu, **how)
        of_rates = [Sum(title=title, arithmetic=words) for title, words in sums]
    return priced(
        workload,
        placed,
        rates,
        starting=setting.starting,
        offers=setting.offers,
        preemptions=setting.preemptions,
        watts=setting.gpu.tdp_watts,
        max_num_seqs=setting.max_num_seqs,
        max_num_batched_tokens=setting.max_num_batched_tokens,
        notes=setting.notes,
        of_rates=of_rates,
    )


def priced(  # noqa: PLR0913 - what an estimate hangs on, all by keyword
    workload: Workload,
    placed: Placed,
    rates: Rates,
    *,
    starting: Starting = NOTHING,
    offers: Sequence[Offer] = (),
    preemptions: Preemptions | None = None,
    watts: float | None = None,
    max_num_seqs: int = MAX_NUM_SEQS,
    max_num_batched_tokens: int = MAX_BATCHED_TOKENS,
    notes: Sequence[str] = (),
    of_rates: Sequence[Sum] = (),
) -> Estimate:
    """Estimate a run at given rates, on whatever engine they are of.

    Args:
        workload: What is asked.
        placed: Where; `room_tokens` 0 where no bound of the cache is known.
        rates: Seconds for each unit of work, of one copy.
        starting: What is paid before the first answer.
        offers: Prices.
        preemptions: What spot machines suffer; None: they are not reckoned with.
        watts: Rated power of one accelerator.
        max_num_seqs: Sequences at once in one copy at most.
        max_num_batched_tokens: Tokens of one step at most.
        notes: What a reader should know.
        of_rates: What the rates are made of, where that is known.

    """
    timed = {
        end: time_of(
            workload,
            rates,
            copies=placed.copies,
            room_tokens=placed.room_tokens or inf,
            max_num_seqs=max_num_seqs,
            max_num_batched_tokens=max_num_batched_tokens,
            end=end,
        )
        for end in _ENDS
    }
    likely = timed["likely"]
    placed = msgspec.structs.replace(placed, batch=likely.batch, limit=likely.limit)
    judging = judging_lines(workload, placed, rates, timed)
    judging_seconds = _total(judging)
    lines = [step.line for step in starting.steps] + judging
    seconds = _total(lines)
    gpu_hours = seconds.times(placed.gpus / HOUR)
    said: list[str] = []
    if preemptions is not None and any(_suffers(offer, preemptions) for offer in offers):
        line = _preempted(preemptions, judging_seconds, starting.seconds)
        if isfinite(line.seconds.high):
            lines.append(line)
        else:
            offers = [each for each in offers if not _suffers(each, preemptions)]
            said.append(never_ends(preemptions, line.seconds, starting.seconds))
    money = [_cost(offer, gpu_hours, lines, placed, preemptions) for offer in offers]
    made = Estimate(
        workload=workload,
        placed=placed,
        lines=lines,
        judging_seconds=judging_seconds,
        seconds=seconds,
        gpu_hours=gpu_hours,
        money=money,
        energy_kwh=None
        if watts is None
        else energy_of(watts, judging_seconds, starting.seconds, placed.gpus),
        notes=[*notes, *_notes(workload, timed), *said],
    )
    return msgspec.structs.replace(
        made, sums=sums_of(made, rates, likely, watts=watts, of_rates=of_rates)
    )


def _total(lines: Sequence[Line]) -> Range:
    return sum((line.seconds for line in lines), Range(0.0, 0.0, 0.0))


def _suffers(offer: Offer, preemptions: Preemptions) -> bool:
    """Whether machines at this price are taken away; at the user's own, where he says so."""
    return offer.kind == "spot" or (offer.kind == "given" and preemptions.basis == "given")


def _preempted(preemptions: Preemptions, work: Range, start: Range) -> Line:
    """Of one machine, which holds all the GPUs and is taken away whole.

    Several are taken one by one, as often each, and each of them pays for its own GPUs alone: in
    GPU-hours that is the same sum.
    """
    seconds, arithmetic = seconds_of(preemptions, work, start)
    return Line(
        part="pre_emptions",
        seconds=seconds,
        basis=preemptions.basis,
        because=f"{preemptions.because}; each pays a start again and half a checkpoint interval",
        arithmetic=arithmetic,
    )


def _cost(
    offer: Offer,
    gpu_hours: Range,
    lines: Sequence[Line],
    placed: Placed,
    preemptions: Preemptions | None,
) -> Money:
    if preemptions is None or not _suffers(offer, preemptions):
        return offer.money(gpu_hours)
    return offer.money(gpu_hours + lines[-1].seconds.times(placed.gpus / HOUR))


def _notes(workload: Workload, timed: dict[End, Timed]) -> list[str]:
    notes = []
    few = timed["likely"]
    if few.limit == "room" and few.batch < workload.requests and few.batch < _FEW:
        notes.append(
            f"the KV cache has room for {few.batch:.0f} sequences at once: too few to keep the "
            "GPU busy. Fewer bits for weights or cache, or another GPU for each copy, help"
        )
    return notes


_FEW = 32
"""Sequences at once below which reading the weights takes most of the time."""
