"""How many items a decision needs: by a pilot, or by what is given in its place."""

from __future__ import annotations

from math import ceil, floor, sqrt
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from judgefast.costs.alternatives import way_of
from judgefast.costs.decisions import Sample
from judgefast.costs.reworked import with_items
from judgefast.errors import ConfigError
from judgefast.stats.power import (
    FEWEST_CLUSTERS,
    POWER,
    Certainty,
    Spread,
    correlations_of_rates,
    variance_of_pairs,
    variance_of_rates,
)
from judgefast.stats.rules import FEW_CLUSTERS, LEVEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.costs.estimates import Estimate
    from judgefast.costs.workload import Workload
    from judgefast.pipeline.pilot import Pilot

CORRELATIONS = (0.3, 0.5, 0.7, 0.9)
"""That are reckoned with where it is not known how runs go together."""

EXAMPLE = (
    "add --pilot RUN (and --against RUN where two runs are compared), or say it: "
    "--rate 0.8 --correlation 0.5, --sd 0.95 --correlation 0.5, --discordant 0.1"
)


class PowerWishes(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be found, how surely, and what is known of the questions without a pilot."""

    difference: float
    of: str | None = None
    """Name of the mean; None for the headline."""
    rate: float | None = None
    """A share of yes, from which it drops."""
    deviation: float | None = None
    """Of one question's value in one run."""
    discordant: float | None = None
    """Share of questions that two runs decide otherwise."""
    correlation: float | None = None
    """Of what two runs say of a question."""
    sides: Literal[1, 2] = 2
    power: float = POWER
    level: float = LEVEL

    @property
    def certainty(self) -> Certainty:
        """How sure the decision has to be.

        Raises:
            ConfigError: That is no test.

        """
        return Certainty(self.level, self.power, self.sides).checked()


class Design(NamedTuple):
    """What is compared with what, and what one question of it varies by."""

    name: str
    spread: Spread
    words: str
    because: str
    per_question: float = 1.0
    """Items."""
    missing: float = 0.0
    """Share of items without a value."""
    others: tuple[tuple[str, Spread], ...] = ()
    """The same if runs went together otherwise, by what they are called."""
    notes: tuple[str, ...] = ()

    def items(self, questions: int) -> int:
        """Items that are judged so that so many questions have a value."""
        return ceil(questions * self.per_question / (1 - self.missing))

    def questions(self, items: int) -> float:
        """Questions that have a value of so many items."""
        return items * (1 - self.missing) / self.per_question


def design_of(wishes: PowerWishes, pilot: Pilot | None, *, mode: str) -> Design:
    """Settle what is planned for.

    Args:
        wishes: What was asked.
        pilot: The run that tells how questions vary; None where it is given.
        mode: Of the rubric: a comparison is held against even where nothing else is said.

    Raises:
        ConfigError: Nothing says how questions vary, or two things do; a figure is out of range.

    """
    given = {
        "--pilot": pilot,
        "--rate": wishes.rate,
        "--sd": wishes.deviation,
        "--discordant": wishes.discordant,
    }
    known = [flag for flag, one in given.items() if one is not None]
    _check(wishes)
    if len(known) != 1:
        if known:
            msg = f"{' and '.join(known)} both say how much questions vary"
            raise ConfigError(msg, hint="give one of them")
        msg = "how many items a decision needs hangs on how much questions vary"
        raise ConfigError(msg, hint=EXAMPLE)
    if pilot is not None:
        found = _by_pilot(wishes, pilot)
        most = found.spread.at_most(pilot.questions, wishes.level)
        why = f"the largest spread that {pilot.questions:,} questions leave open"
        return found._replace(others=(*found.others, (why, most)))
    if wishes.rate is not None:
        return _by_rate(wishes, wishes.rate)
    if wishes.discordant is not None:
        return _by_discordant(wishes, wishes.discordant)
    return _by_deviation(wishes, wishes.deviation or 0.0, mode)


def sample_of(
    wishes: PowerWishes,
    design: Design,
    workload: Workload,
    estimate: Callable[[Workload], Estimate],
) -> Sample:
    """Say how many questions it takes, and what judging them once costs.

    Args:
        wishes: What is to be found.
        design: What is compared.
        workload: What was asked: items like these are added or left out.
        estimate: Prices a workload.

    Raises:
        ConfigError: No sample finds the difference.

    """
    certainty, spread = wishes.certainty, design.spread
    needed = spread.needed(wishes.difference, certainty)
    questions = max(needed, FEW_CLUSTERS)
    notes = list(design.notes)
    if needed < questions:
        few = f"{needed} would do by the formula, but fewer than {questions} questions say little"
        notes.append(f"{few} of how the others vary: {questions} are planned")
    items = design.items(questions)
    work = with_items(workload, items)
    says = f"enough to tell a difference of {wishes.difference:g} from none"
    # What none of these items could tell is told of the fewest that a spread is of.
    asked = max(design.questions(workload.items), FEWEST_CLUSTERS)
    return Sample(
        difference=wishes.difference,
        name=design.name,
        level=wishes.level,
        power=wishes.power,
        sides=wishes.sides,
        design=design.words,
        deviation=sqrt(spread.variance),
        because=design.because,
        questions=questions,
        items=items,
        missing=design.missing,
        others={
            name: max(other.needed(wishes.difference, certainty), FEW_CLUSTERS)
            for name, other in design.others
        },
        detectable=spread.detectable(asked, certainty),
        judgments=work.judgments,
        tokens=work.prompt_tokens + ceil(work.requests * work.answers.mean.likely),
        way=way_of(f"a sample of {items:,}", "sample", says, work, lambda: estimate(work)),
        notes=notes,
    )


def _by_pilot(wishes: PowerWishes, pilot: Pilot) -> Design:
    found = Design(
        name=pilot.name,
        spread=pilot.spread,
        words=pilot.design,
        because=pilot.because,
        per_question=pilot.per_question,
        missing=pilot.missing,
        notes=pilot.notes,
    )
    if pilot.compares == "sides" or (pilot.compares == "even" and wishes.correlation is None):
        if wishes.correlation is not None:
            msg = f"--correlation {wishes.correlation:g}, but the pilot says how runs go together"
            raise ConfigError(msg, hint="leave --correlation out")
        return found
    deviation = sqrt(pilot.spread.variance)
    return _of_two_runs(
        found,
        wishes.correlation,
        lambda correlation: pilot.spread._replace(
            variance=variance_of_pairs(deviation, correlation)
        ),
        measured="; --against RUN measures it",
    )


def _by_rate(wishes: PowerWishes, rate: float) -> Design:
    other = rate - wishes.difference
    if other < 0:
        other = rate + wishes.difference
    low, high = correlations_of_rates(rate, other)
    said = wishes.correlation
    if said is not None and not low <= said <= high:
        end = f"{floor(100 * high) / 100:.2f} is the highest"
        if said < low:
            end = f"{ceil(100 * low) / 100:.2f} is the lowest"
        msg = f"shares of {rate:g} and {other:g} cannot go together by {said:g}: "
        msg += f"{end} correlation that they can have"
        raise ConfigError(msg, hint="two finished runs measure theirs: --pilot RUN --against RUN")
    found = Design(
        name=wishes.of or "pass_rate",
        spread=Spread(0.0),
        words=f"a share of {rate:g} against one of {other:g}",
        because="given by --rate",
    )
    return _of_two_runs(
        found,
        wishes.correlation,
        lambda correlation: Spread(variance_of_rates(rate, other, correlation), width=1.0),
        highest=high,
    )


def _by_deviation(wishes: PowerWishes, deviation: float, mode: str) -> Design:
    if mode == "pairwise" and wishes.correlation is None:
        return Design(
            name=wishes.of or "win_rate",
            spread=Spread(deviation**2),
            words="a win rate against even",
            because="given by --sd",
        )
    found = Design(
        name=wishes.of or ("win_rate" if mode == "pairwise" else "mean"),
        spread=Spread(0.0),
        words="a mean",
        because="given by --sd",
    )
    return _of_two_runs(
        found,
        wishes.correlation,
        lambda correlation: Spread(variance_of_pairs(deviation, correlation)),
    )


def _by_discordant(wishes: PowerWishes, share: float) -> Design:
    if wishes.difference > share:
        msg = f"{share:g} of questions decided otherwise cannot make {wishes.difference:g}"
        raise ConfigError(msg, hint="give a larger --discordant, or a smaller difference")
    return Design(
        name=wishes.of or "accuracy",
        spread=Spread(share, is_square=True),
        words="two runs over the same questions, by those that they decide otherwise",
        because="given by --discordant (McNemar's view)",
    )


def _of_two_runs(
    design: Design,
    correlation: float | None,
    spread: Callable[[float], Spread],
    measured: str = "",
    highest: float = 1.0,
) -> Design:
    """Of two runs that go together as said; where nothing is, as if they did not."""
    if correlation is not None:
        return design._replace(
            spread=spread(correlation),
            words=f"{design.words}, two runs over the same questions",
            because=f"{design.because}, correlation {correlation:g}",
        )
    return design._replace(
        spread=spread(0.0),
        words=f"{design.words}, two runs",
        because=f"{design.because}; as if the runs did not go together, which needs the most",
        others=tuple(
            (f"correlation {one:g}", spread(one)) for one in CORRELATIONS if one <= highest
        ),
        notes=(
            *design.notes,
            f"how runs go together is not known: --correlation says it{measured}",
        ),
    )


def _check(wishes: PowerWishes) -> None:
    _ = wishes.certainty
    if wishes.difference <= 0:
        msg = f"--power is the difference to be found, above 0, not {wishes.difference:g}"
        raise ConfigError(msg, hint="give 0.02 for two points of a hundred")
    for flag, share in (("--rate", wishes.rate), ("--discordant", wishes.discordant)):
        if share is not None and not 0 < share < 1:
            msg = f"{flag} must lie between 0 and 1, not {share:g}"
            raise ConfigError(msg, hint="it is a share of questions, as 0.8")
    if wishes.rate is not None and wishes.difference >= max(wishes.rate, 1 - wishes.rate):
        msg = f"no share is {wishes.difference:g} away from {wishes.rate:g}"
        raise ConfigError(msg, hint="give a smaller difference")
    if wishes.deviation is not None and wishes.deviation <= 0:
        msg = f"--sd must be above 0, not {wishes.deviation:g}"
        raise ConfigError(msg, hint="as 0.95, of scores from 1 to 5")
    if wishes.correlation is not None and not -1 < wishes.correlation < 1:
        msg = f"--correlation must lie between -1 and 1, not {wishes.correlation:g}"
        raise ConfigError(msg, hint="two finished runs measure theirs: --pilot RUN --against RUN")
