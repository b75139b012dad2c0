"""What can be decided by an estimate: alternatives, what a budget buys, samples, deadlines."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.catalogue.apis import read_apis
from judgefast.costs.affordable import most_items
from judgefast.costs.alternatives import beside, money_of, price_words, way_by_api, way_of
from judgefast.costs.budget import Budget, parse_budgets
from judgefast.costs.deadline import deadline_of
from judgefast.costs.decisions import Affordable, Deadline, Decisions, Sample, Way
from judgefast.costs.durations import duration_words, parse_duration
from judgefast.costs.estimate import estimate
from judgefast.costs.ranges import Range
from judgefast.costs.reworked import with_items
from judgefast.errors import ConfigError
from judgefast.pipeline.pilot import pilot_of
from judgefast.pipeline.results import read_run
from judgefast.pipeline.sample import PowerWishes, design_of, sample_of
from judgefast.pipeline.ways import Ways, cheapest
from judgefast.stats.power import POWER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from judgefast.config import RunConfig
    from judgefast.costs.estimates import Estimate
    from judgefast.costs.workload import Workload
    from judgefast.pipeline.estimate import Estimated
    from judgefast.pipeline.results import Reading


FEW = 3
"""Judges, and kinds of accelerator, that a deadline names."""


class DecisionWishes(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be decided."""

    alternatives: bool = False
    budgets: tuple[str, ...] = ()
    power: PowerWishes | None = None
    pilot: str | None = None
    """A finished run that tells how questions vary."""
    against: str | None = None
    """Another run over the same questions."""
    deadline: str | None = None

    @property
    def are_none(self) -> bool:
        """Whether the estimate alone was asked for."""
        return self == DecisionWishes(pilot=self.pilot, against=self.against)


_OF_POWER = (
    *("against", "of", "rate", "sd", "discordant", "correlation"),
    *("one_sided", "power_at"),
)
NAMES = ("alternatives", "deadline", "power", *_OF_POWER)
"""What is said of a decision, as flags and in Python."""


def decision_wishes(
    given: Mapping[str, Any], config: RunConfig, *, pilot: str | None = None
) -> DecisionWishes:
    """Put together what was asked, of what was given by the names above; None: not given.

    Args:
        given: By name.
        config: Options of the run: its budgets, its level.
        pilot: A finished run.

    Raises:
        ConfigError: Something is said of `power`, which is not given.

    """
    said = {name: given.get(name) for name in _OF_POWER}
    difference, wanted = given.get("power"), None
    if difference is not None:
        at = said["power_at"]
        wanted = PowerWishes(
            difference=difference,
            of=said["of"],
            rate=said["rate"],
            deviation=said["sd"],
            discordant=said["discordant"],
            correlation=said["correlation"],
            sides=1 if said["one_sided"] else 2,
            power=POWER if at is None else at,
            level=config.level,
        )
    elif names := [name for name, one in said.items() if one not in {None, False}]:
        msg = f"--{names[0].replace('_', '-')} is about --power, which is not given"
        raise ConfigError(msg, hint="add --power 0.02, the difference to be found")
    return DecisionWishes(
        alternatives=bool(given.get("alternatives")),
        budgets=config.budget,
        power=wanted,
        pilot=pilot,
        against=said["against"],
        deadline=given.get("deadline"),
    )


def decide(asked: Estimated, wishes: DecisionWishes) -> Decisions:
    """Answer what was asked beside the estimate.

    Args:
        asked: What an estimate was made of.
        wishes: What is to be decided.

    Raises:
        ConfigError: Something is missing or out of range, with an example.
        RunDirectoryError: The pilot is no run that can be read.

    """
    ways = Ways(asked)
    deadline = None if wishes.deadline is None else parse_duration(wishes.deadline)
    budgets = parse_budgets(wishes.budgets)
    sample = None if wishes.power is None else _sample(asked, wishes, wishes.power)
    return Decisions(
        alternatives=_alternatives(asked, ways) if wishes.alternatives else None,
        budgets=[_affordable(asked, budget) for budget in budgets] or None,
        power=sample,
        deadline=None if deadline is None else _deadline(asked, ways, deadline, sample),
    )


def _alternatives(asked: Estimated, ways: Ways) -> list[Way]:
    apis = [way_by_api(api, asked.workload) for api in read_apis().values()]
    found = [
        *ways.precisions(),
        *ways.answers(),
        *ways.orders(),
        *cheapest(ways.models()),
        *cheapest(ways.gpus()),
        *sorted(
            (one for one in apis if one.usd is not None),
            key=lambda one: (one.kind == "api", one.usd.likely if one.usd is not None else 0.0),
        ),
    ]
    return beside(ways.asked(), found)


def _sample(asked: Estimated, wishes: DecisionWishes, power: PowerWishes) -> Sample:
    """By the runs that are named, or by what is given in their place."""
    pilot = None
    is_given = (power.rate, power.deviation, power.discordant) != (None, None, None)
    if wishes.pilot is not None and not is_given:
        reading = read_run(Path(wishes.pilot), to_report=True)
        other = None if wishes.against is None else read_run(Path(wishes.against), to_report=True)
        differs = _differs(asked, reading)
        pilot = pilot_of(reading, other, name=power.of)
        pilot = pilot._replace(notes=(*pilot.notes, *differs))
    elif wishes.against is not None:
        msg = "--against names the second of two runs; there is no first"
        raise ConfigError(msg, hint="add --pilot RUN, and leave --rate, --sd, --discordant out")
    design = design_of(power, pilot, mode=asked.rubric.mode)
    return sample_of(power, design, asked.workload, _pricing(asked))


def _differs(asked: Estimated, pilot: Reading) -> tuple[str, ...]:
    """Say what the pilot did otherwise than what it is a pilot of.

    Raises:
        ConfigError: It judged something of another kind.

    """
    mine, theirs = asked.rubric, pilot.rubric
    if mine.mode != theirs.mode:
        msg = f"the pilot's rubric `{theirs.name}` is {theirs.mode}, `{mine.name}` is {mine.mode}"
        raise ConfigError(msg, hint="judge some fifty questions by the same rubric first")
    found = []
    asks = [(one.template, one.aspects, one.examples, one.verdicts) for one in (mine, theirs)]
    if asks[0] != asks[1]:
        which = f"`{theirs.name}`, not `{mine.name}`"
        if mine.name == theirs.name:
            which = f"another text of `{mine.name}`"
        found.append(f"the pilot asked by {which}: how its verdicts vary is taken from there")
    judge = pilot.directory.manifest.model.name
    names = {each.rpartition("/")[2].casefold() for each in (asked.model.key, *asked.model.names)}
    if judge.rpartition("/")[2].casefold() not in names:
        found.append(f"the pilot's judge was {judge}: another one's verdicts vary otherwise")
    return tuple(found)


def _pricing(asked: Estimated) -> Callable[[Workload], Estimate]:
    """More or fewer of the same, on a judge that is set up as it is for what was asked."""
    return lambda workload: estimate(workload, asked.setting)


def _affordable(asked: Estimated, budget: Budget) -> Affordable:
    price, workload = _pricing(asked), asked.workload
    whole = price(workload)
    start = Range(0.0, 0.0, 0.0)
    words, fixed = "", ""
    if budget.unit == "usd":
        money = money_of(whole)
        if money is None:
            msg = f"no dated price of {whole.placed.gpu} is known"
            raise ConfigError(msg, hint="say what a GPU-hour costs: --price 2.50")
        words = price_words(money)
    if budget.unit in {"usd", "gpu_hours"}:
        start = sum(
            (one.seconds for one in whole.lines if one.part in _BEFORE), Range(0.0, 0.0, 0.0)
        )
        if start.likely:
            fixed = f"{duration_words(start.likely)} until the judge is ready"
    surely, likely, at_most = most_items(
        workload, budget.amount, lambda work: _spent(price, work, budget)
    )
    return Affordable(
        budget=budget.words,
        price=words,
        surely=surely,
        likely=likely,
        at_most=at_most,
        judgments=with_items(workload, likely).judgments if likely else 0,
        all_items=workload.items,
        fixed=fixed,
        one=None if likely else _spent(price, with_items(workload, 1), budget),
    )


_BEFORE = ("boot", "download", "load", "compile")
"""Lines of an estimate that are paid before the first judgment."""


def _spent(price: Callable[[Workload], Estimate], work: Workload, budget: Budget) -> Range:
    """What a workload takes of a budget, in its unit."""
    if budget.unit == "judgments":
        return Range.exactly(work.judgments)
    if budget.unit == "tokens":
        return Range.exactly(work.prompt_tokens) + work.answers.mean.times(work.requests)
    found = price(work)
    if budget.unit == "gpu_hours":
        return found.gpu_hours
    money = money_of(found)
    return Range(0.0, 0.0, 0.0) if money is None else money.usd


def _deadline(asked: Estimated, ways: Ways, deadline: float, sample: Sample | None) -> Deadline:
    """Whether it fits; if it does not surely, what else would."""
    price = _pricing(asked)
    found = price(asked.workload)
    _, items, _ = most_items(asked.workload, deadline, lambda work: price(work).seconds)
    others: list[Way] = []
    if found.seconds.high > deadline:
        copies = list(ways.copies())
        enough = next(
            (
                place
                for place, one in enumerate(copies)
                if one.seconds is not None and one.seconds.high <= deadline
            ),
            len(copies),
        )
        others += copies[: enough + 1]
        others += cheapest(_in_time(ways.gpus(), deadline), FEW)
        if sample is not None and sample.items < asked.workload.items:
            others.append(sample.way)
        elif 0 < items < asked.workload.items:
            work = with_items(asked.workload, items)
            says = "the first that fit of items in random order: intervals are wider"
            others.append(
                way_of(
                    f"{items:,} of {asked.workload.items:,} items",
                    "sample",
                    says,
                    work,
                    lambda: price(work),
                )
            )
        others += ways.precisions()
        others += ways.answers()
        others += ways.orders() if asked.workload.orders > 1 else ()
        smaller = (one for one in ways.models() if _is_less(one, found))
        others += islice(_in_time(smaller, deadline), FEW)
        others = beside(ways.asked(), others)[1:]
    return deadline_of(deadline, found.seconds, most_items=items, ways=others)


def _is_less(way: Way, found: Estimate) -> bool:
    """Whether a judge takes fewer GPU-hours than the one asked about."""
    return way.gpu_hours is not None and way.gpu_hours.likely < found.gpu_hours.likely


def _in_time(ways: Iterable[Way], deadline: float) -> Iterator[Way]:
    """Those that are likely done."""
    return (one for one in ways if one.seconds is not None and one.seconds.likely <= deadline)
