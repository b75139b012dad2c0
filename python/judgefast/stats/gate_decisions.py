"""Deciding a gate's rules: each by its interval, all of them together by Holm's procedure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.stats.estimate import Estimate
    from judgefast.stats.gate_rules import Rule

Decision = Literal["pass", "fail", "inconclusive"]

MOST_CLUSTERS = 10**12
"""So many are searched to decide a rule."""

_ENDS = 2


class Measured(Protocol):
    """What is asked for an estimate."""

    def __call__(self, level: float, *, of_family: float, clusters: int | None = None) -> Estimate:
        """Estimate at a level, where all of a family are to hold at another (`tails`).

        `clusters`: as if so many clusters said the same; None for those that there are.
        """


class Case(NamedTuple):
    """A rule and what it is about."""

    rule: Rule
    estimate: Measured | None
    """None where it was not measured."""
    why: str = ""
    """Why it was not measured."""


class RuleResult(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one rule."""

    rule: str
    """As it was written."""
    is_drop: bool = False
    """Whether it is about how much lower a mean is than in the baseline."""
    name: str
    slice: str | None
    """None where nothing was measured."""
    decision: Decision
    reason: str
    """For a person."""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    """Of the interval: with several rules, the one that Holm's procedure ended at."""
    method: str | None = None
    clusters: int = 0
    missing: int = 0
    more_clusters: int | None = None
    """How many more clusters would decide it, if the value stays; None where it is decided, or no
    number would."""
    note: str = ""


def decide(cases: Sequence[Case], level: float) -> list[RuleResult]:
    """Decide every rule so that with probability `level` no decision is wrong.

    A rule about `.low`, `.high` or `.value` compares that number of the interval at `level`. The
    others form a family: of m rules without a decision each is asked with the interval at level
    1 - (1 - level) / m; those that it decides, pass or fail, leave the family; until none does.

    Args:
        cases: The rules.
        level: Confidence level of the family, in (0, 1).

    Returns:
        One a case, in their order.

    Source:
        Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal
        of Statistics 6(2).

    """
    found: dict[int, RuleResult] = {}
    family: list[int] = []
    for place, case in enumerate(cases):
        if case.estimate is None:
            found[place] = _not_measured(case)
        elif case.rule.field != "interval":
            found[place] = _by_number(case.rule, case.estimate(level, of_family=level))
        else:
            family.append(place)
    while family:
        of_each = level if len(family) == 1 else 1 - (1 - level) / len(family)
        asked = {place: _by_interval(cases[place], of_each, level) for place in family}
        left = [place for place in family if asked[place].decision == "inconclusive"]
        found.update(asked)
        if len(left) == len(family):
            found.update({place: _undecided(cases[place], found[place], level) for place in left})
            break
        family = left
    return [found[place] for place in range(len(cases))]


def _not_measured(case: Case) -> RuleResult:
    rule = case.rule
    return RuleResult(
        rule=rule.text,
        is_drop=rule.is_drop,
        name=rule.name,
        slice=rule.slice,
        decision="fail",
        reason=f"not measured: {case.why}",
    )


def _by_number(rule: Rule, found: Estimate) -> RuleResult:
    number = getattr(found, rule.field)
    if number is None:
        why = found.note or "the interval is undefined"
        return _result(rule, found, "fail", f"not measured: no `.{rule.field}`: {why}")
    holds = rule.holds(number)
    reason = f"{_figures(number, rule.bound)} is {'' if holds else 'not '}{_side(rule)}"
    return _result(rule, found, "pass" if holds else "fail", reason)


def _by_interval(case: Case, level: float, of_family: float) -> RuleResult:
    assert case.estimate is not None
    rule, found = case.rule, case.estimate(level, of_family=of_family)
    if found.value is None:
        why = found.note or "no outcome has a value"
        return _result(rule, found, "fail", f"not measured: {why}")
    if found.low is None or found.high is None:
        return _result(rule, found, "inconclusive", f"the interval is undefined: {found.note}")
    low, high = found.low, found.high
    ends = f"[{_figures(low, rule.bound)}, {_figures(high, rule.bound)}]"
    if rule.holds(low) and rule.holds(high):
        return _result(rule, found, "pass", f"all of {ends} is {_side(rule)}")
    if not (rule.holds(low) or rule.holds(high)):
        return _result(rule, found, "fail", f"nothing of {ends} is {_side(rule)}")
    return _result(rule, found, "inconclusive", f"{ends} is on both sides of {rule.bound:g}")


def _undecided(case: Case, result: RuleResult, of_family: float) -> RuleResult:
    """Add how many more clusters would decide a rule that has an interval."""
    bound = case.rule.bound
    if result.low is None or result.high is None:
        return result
    more = _more_clusters(case, result, of_family)
    if result.value == bound:
        words = "no number of clusters decides it while the value is the bound itself"
    elif more is None:
        words = f"{MOST_CLUSTERS:,} clusters would not decide it, if the value stays"
    else:
        clusters = "1 more cluster" if more == 1 else f"{more:,} more clusters"
        words = f"{clusters} would decide it, if the value stays"
    return msgspec.structs.replace(result, reason=f"{result.reason}; {words}", more_clusters=more)


def _more_clusters(case: Case, found: RuleResult, of_family: float) -> int | None:
    """Search for the least number of clusters that would decide a rule, if they say the same.

    Not by the root of n: where 0 of n differ, ends go with 1 / n.
    """
    rule, ask, level = case.rule, case.estimate, found.level
    if ask is None or level is None or found.value in {None, rule.bound}:
        return None

    def decides(clusters: int) -> bool:
        grown = ask(level, of_family=of_family, clusters=clusters)
        ends = [end for end in (grown.low, grown.high) if end is not None]
        return len(ends) == _ENDS and rule.holds(ends[0]) == rule.holds(ends[1])

    enough = found.clusters + 1
    while not decides(enough):
        enough *= 2
        if enough > MOST_CLUSTERS:
            return None
    too_few = max(found.clusters, enough // 2 if enough > found.clusters + 1 else 0)
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        enough, too_few = (middle, too_few) if decides(middle) else (enough, middle)
    return enough - found.clusters


def _result(rule: Rule, found: Estimate, decision: Decision, reason: str) -> RuleResult:
    return RuleResult(
        rule=rule.text,
        is_drop=rule.is_drop,
        name=rule.name,
        slice=found.slice,
        decision=decision,
        reason=reason,
        value=found.value,
        low=found.low,
        high=found.high,
        level=found.level,
        method=found.method,
        clusters=found.clusters,
        missing=found.missing,
        note=found.note,
    )


def _side(rule: Rule) -> str:
    words = {">=": "at or above", "<=": "at or below", ">": "above", "<": "below"}
    return f"{words[rule.comparison]} {rule.bound:g}"


def _figures(number: float, bound: float) -> str:
    """Write a number with as many decimals as show on which side of the bound it is.

    >>> _figures(0.47996, 0.48), _figures(0.5, 0.48)
    ('0.47996', '0.500')

    """
    for decimals in range(3, 17):
        shown = f"{number:.{decimals}f}"
        if (float(shown) > bound) == (number > bound) and (float(shown) < bound) == (
            number < bound
        ):
            return shown
    return repr(number)
