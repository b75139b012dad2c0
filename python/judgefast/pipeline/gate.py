"""A run held to rules: what each rule is about, and what comes of all of them."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from judgefast.errors import ConfigError
from judgefast.pipeline.comparable import check_comparable
from judgefast.pipeline.compare import facts_of, paired
from judgefast.pipeline.estimates import (
    correlations_of,
    judged_aspects,
    measurements_of,
    position_rows_of,
    resampling_of,
)
from judgefast.pipeline.results import counts_of
from judgefast.reports.gate import GateReport
from judgefast.stats.gate_decisions import Case, RuleResult, decide
from judgefast.stats.gate_rules import check_mean, parse_rule
from judgefast.stats.lookup import Sliced, find, listed, matching, near_slice
from judgefast.stats.names import OF_POSITION
from judgefast.stats.position_rows import measure_position, position_estimate
from judgefast.stats.tails import estimate_among

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from judgefast.pipeline.results import Reading
    from judgefast.stats.correlation import Correlation
    from judgefast.stats.gate_decisions import Decision, Measured
    from judgefast.stats.gate_rules import Rule
    from judgefast.stats.measurement import Measurement


def gate_run(  # noqa: PLR0913 - the rules, and by keyword how they are read
    reading: Reading,
    rules: Sequence[str],
    *,
    baseline: Reading | None = None,
    level: float | None = None,
    max_unreadable: float | None = None,
    across: Sequence[str] = (),
) -> GateReport:
    """Decide every rule about a run.

    Args:
        reading: The run.
        rules: Texts of `stats/gate_rules.py`.
        baseline: The run that `drop(...)` is measured from.
        level: Confidence level of all rules together; None for that of the run.
        max_unreadable: Share of unreadable judgments above which the gate fails; None for that
            at which the run would have stopped.
        across: What the runs may differ in, of `codes.ACROSS`.

    Raises:
        ConfigError: A rule cannot be read or means several slices, there is no rule, `drop` has no
            baseline, the baseline is not comparable, or a number is out of range.

    """
    read = [parse_rule(text) for text in rules]
    for rule in read:
        if rule.name != "mean" or reading.rubric.mode == "scalar":  # others have no `mean` at all
            check_mean(rule, judged_aspects(reading.rubric))
    if not read:
        msg = "no rule was given"
        raise ConfigError(msg, hint="add --rule, as in --rule 'win_rate.low >= 0.48'")
    changes = {"level": level, "max_unreadable": max_unreadable}
    given = {name: value for name, value in changes.items() if value is not None}
    reading = reading._replace(config=reading.config.replace(**given))
    drops = [rule for rule in read if rule.is_drop]
    if drops and baseline is None:
        msg = f"`{drops[0].text}` has nothing to drop from"
        raise ConfigError(msg, hint="name the run that it is measured from: --baseline DIR")
    differs = [] if baseline is None else check_comparable(reading, baseline, across)
    own, lower = _Measured(reading, [rule for rule in read if not rule.is_drop]), None
    if drops and baseline is not None:
        lower = _Dropped(reading, baseline, drops, across)
        differs += lower.across
    cases = [
        own.case(rule) if not rule.is_drop or lower is None else lower.case(rule) for rule in read
    ]
    decided = decide(cases, reading.config.level)
    runs = [reading] if baseline is None else [reading, baseline]
    limit = reading.config.max_unreadable
    decided += [_unreadable(one, limit, "" if one is reading else " (baseline)") for one in runs]
    facts = [facts_of(one) for one in runs]
    return GateReport(
        decision=_decision(decided, complete=all(one.incomplete is None for one in facts)),
        run=facts[0],
        baseline=facts[1] if baseline is not None else None,
        across=differs,
        level=reading.config.level,
        rules=decided,
    )


def _decision(results: Sequence[RuleResult], *, complete: bool) -> Decision:
    decisions = {one.decision for one in results}
    if "fail" in decisions:
        return "fail"
    return "pass" if complete and "inconclusive" not in decisions else "inconclusive"


class _Measured:
    """What a rule without `drop` is about: an estimate of the run itself."""

    def __init__(self, reading: Reading, rules: Sequence[Rule]) -> None:
        known = tuple(field for field in _fields(rules) if field in reading.items.meta)
        self._reading = reading._replace(config=reading.config.replace(slices=known))
        self._known = measurements_of(self._reading, names={rule.name for rule in rules})

    def case(self, rule: Rule) -> Case:
        """Find the estimate of a rule."""
        if rule.name in OF_POSITION:
            position = partial(partial, position_estimate)
            return _case(rule, self._of_position, position, self._reading.items.meta)
        if rule.name == "correlation":
            return _case(rule, self._related, lambda one: one.estimate, (), self._names)
        among = partial(partial, estimate_among)
        return _case(rule, self._known, among, self._reading.items.meta, self._names)

    def _names(self) -> list[str]:
        """Names of all that the run has, for a rule about something else."""
        bare = self._reading.config.replace(slices=(), interval="cluster")
        return [one.name for one in measurements_of(self._reading._replace(config=bare))]

    @cached_property
    def _of_position(self) -> list[Measurement]:
        rows = position_rows_of(self._reading)
        if rows is None:
            return []
        fields = self._reading.config.slices
        aspects = [aspect.name for aspect in self._reading.rubric.aspects]
        resampling = resampling_of(self._reading)
        return measure_position(rows, self._reading.items, resampling, fields, aspects)

    @cached_property
    def _related(self) -> list[Correlation]:
        return correlations_of(self._reading)


class _Dropped:
    """What a rule with `drop` is about: the baseline's mean minus the run's, item by item."""

    def __init__(
        self, reading: Reading, baseline: Reading, rules: Sequence[Rule], across: Sequence[str]
    ) -> None:
        both = reading.items.meta.keys() & baseline.items.meta.keys()
        self._fields = both
        fields = [field for field in _fields(rules) if field in both]
        names = {rule.name for rule in rules}
        found = paired(reading, baseline, fields, names=names, across=across)
        self._known = found.means
        self.across = found.across
        """What differs and was asked for, in words."""

    def case(self, rule: Rule) -> Case:
        """Find the difference of a rule."""
        return _case(rule, self._known, lambda one: one.dropped, self._fields)


def _fields(rules: Sequence[Rule]) -> list[str]:
    """Fields of `meta` that the rules' slices are cut by."""
    return list(dict.fromkeys(field for rule in rules for field in rule.fields))


One = TypeVar("One", bound=Sliced)


def _case(
    rule: Rule,
    known: Sequence[One],
    ask: Callable[[One], Measured],
    fields: Collection[str],
    names_of: Callable[[], list[str]] = list,
) -> Case:
    named = [one for one in known if one.name == rule.name]
    if not named:
        if rule.is_drop:
            return Case(rule, None, f"the runs have no `{rule.name}` in a slice of the same name")
        names = ", ".join(dict.fromkeys([*names_of(), *(one.name for one in known)])) or "nothing"
        return Case(rule, None, f"there is no `{rule.name}`; the run has {names}")
    slices = [one.slice for one in named]
    if rule.slice is not None and matching(rule.slice, slices) is None:
        near = near_slice(rule.slice, slices, fields) or f"it has: {listed(slices)}"
        return Case(rule, None, f"`{rule.name}` has no slice `{rule.slice}`; {near}")
    return Case(rule, ask(find(named, rule.name, rule.slice)))


def _unreadable(reading: Reading, limit: float, of: str) -> RuleResult:
    """Hold a run to the share of judgments that may be unparsed or failed."""
    counts = counts_of(reading)
    lost = sum(counts.unparsed.values()) + sum(counts.failed.values())
    judged = lost + counts.parsed
    share = lost / judged if judged else 0.0
    verb = "is above" if share > limit else "is not above"
    return RuleResult(
        rule=f"unreadable at most {limit:g}{of}",
        name="unreadable",
        slice="all",
        decision="fail" if share > limit else "pass",
        value=share if judged else None,
        clusters=len(np.unique(reading.items.cluster_id64[reading.plan.columns.item])),
        reason=f"{lost:,} of {judged:,} judgments unparsed or failed: {share:.4g} {verb} {limit:g}",
    )
