"""From plan and journal to everything a report says of the answers. No engine is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
from msgspec import UNSET

from judgefast.codes import NO_ANSWER, OutcomeStatus, Status
from judgefast.config import config_from
from judgefast.datasets.columns import ItemColumns, load_item_columns
from judgefast.errors import RunDirectoryError
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline.adaptive import second_orders_of
from judgefast.pipeline.budget_report import budget_of, left_by_budget
from judgefast.pipeline.estimates import (
    adaptive_report_of,
    aspects_of,
    bias_of,
    estimates_of,
)
from judgefast.pipeline.gold import unused_gold_of, unused_gold_words, with_label_gold
from judgefast.pipeline.judge import other_rubric, rubric_in_force
from judgefast.pipeline.kept import option_orders_of, words_of_kept
from judgefast.pipeline.kept_rows import KeptRows, kept_rows_of
from judgefast.pipeline.label_facts import confidence_facts, halo_of, label_mass_of
from judgefast.pipeline.missing import read_journal_by
from judgefast.pipeline.order import sending_order
from judgefast.pipeline.own_family import families_of_run
from judgefast.pipeline.plan import RunPlan
from judgefast.pipeline.read_plan import load_plan
from judgefast.pipeline.reconciled import outcomes_of
from judgefast.pipeline.token_price import price_of_verdicts
from judgefast.prompts.read_rubric import read_rubric
from judgefast.reports.families import family_finding
from judgefast.reports.report import (
    COUNTED_BY_PLAN,
    Counts,
    Report,
    Results,
    RubricFacts,
    UnparsedExample,
)
from judgefast.reports.spent import operations_of
from judgefast.reports.unread import unread_finding
from judgefast.stats.sentences import findings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from judgefast.config import RunConfig
    from judgefast.outcomes.columns import OutcomeColumns
    from judgefast.pipeline.adaptive import SecondOrders
    from judgefast.prompts.rubric import Rubric
    from judgefast.stats.estimate import Estimate
    from judgefast.verdicts.columns import VerdictColumns
    from judgefast.verdicts.table import VerdictTable

READING = ("rule", "one_failed", "lenient", "baseline", "level", "interval", "slices")
"""Options that shape how a run is read, not what is asked."""

EXCERPT_CHARACTERS = 400
"""Longest excerpt of an unparsed text in a report."""


class Reading(NamedTuple):
    """A run, read: what every table, report and view is made from."""

    directory: RunDirectory
    config: RunConfig
    """With what the reader replaces in it."""
    rubric: Rubric
    items: ItemColumns
    plan: RunPlan
    table: VerdictTable
    verdicts: VerdictColumns
    outcomes: OutcomeColumns
    seconds: SecondOrders | None = None
    """Of a run with adaptive orders."""

    @property
    def probabilities(self) -> bool:
        """Whether the run reads label probabilities."""
        return bool(self.directory.manifest.options.get("probabilities"))

    @property
    def rule(self) -> str:
        """Rule of reconciliation in force."""
        return self.rubric.rule_in_force(probabilities=self.probabilities)


def read_run(
    path: Path,
    *,
    rubric: str | None = None,
    directory: RunDirectory | None = None,
    to_report: bool = False,
    **changes: Any,  # noqa: ANN401 - options of a run
) -> Reading:
    """Read a run directory: verdicts and outcomes as the journal stands.

    Args:
        path: The run directory.
        rubric: Read the same completions by another rubric, which asks the same.
        directory: The directory, where it is open already.
        to_report: Keep no more than a report is made from: judgments are not known by their ids.
        changes: Options of `READING`, in place of the run's own.

    Raises:
        RunDirectoryError: It is no run directory, or its plan is not whole.
        ConfigError: The other rubric asks something else.

    """
    return read_run_by(path, [rubric], directory=directory, to_report=to_report, **changes)[0]


def read_run_by(
    path: Path,
    rubrics: Sequence[str | None],
    *,
    directory: RunDirectory | None = None,
    to_report: bool = False,
    **changes: Any,  # noqa: ANN401 - options of a run
) -> list[Reading]:
    """Read a run by each of some rubrics, its files once; None is the run's own.

    Other arguments as for `read_run`; all readings share the ids that `to_report` lets go of.

    Raises:
        RunDirectoryError: As for `read_run`.
        ConfigError: As for `read_run`.

    """
    directory = directory or RunDirectory.open(path, write=False)
    if not directory.plan_complete():
        msg = f"`{directory.path}` has no whole plan: it was cut short while planning"
        raise RunDirectoryError(msg, hint=f"go on with `judgefast resume {directory.path}`")
    manifest = directory.manifest
    config = config_from(manifest.config, where=f"`{directory.path}`").replace(**changes)
    own = rubric_in_force(config, read_rubric(manifest.rubric.toml, manifest.rubric.name))
    probabilities = bool(manifest.options.get("probabilities"))
    in_force = [
        own if name is None else other_rubric(own, name, config, probabilities=probabilities)
        for name in rubrics
    ]
    items = load_item_columns(directory.path)
    plan = load_plan(directory, to_send=False)
    tables = read_journal_by(directory, plan, in_force)
    if to_report:
        ids = np.zeros((0, 16), np.uint8)
        plan = RunPlan(plan.columns._replace(request_id=ids, key=ids), plan.rendered)
        tables[0].answers.let_go_of_ids()
    return [
        reading_of(directory, config, one, items, plan, table)
        for one, table in zip(in_force, tables, strict=True)
    ]


def reading_of(  # noqa: PLR0913, PLR0917 - the parts of a reading, in its order
    directory: RunDirectory,
    config: RunConfig,
    rubric: Rubric,
    items: ItemColumns,
    plan: RunPlan,
    table: VerdictTable,
    verdicts: VerdictColumns | None = None,
) -> Reading:
    """Reconcile what a table holds, or held when `verdicts` were taken from it."""
    options = directory.manifest.options
    seconds = second_orders_of(options, plan, items, rubric.verdicts, config.seed)
    launches = [] if verdicts is not None else directory.launches()
    verdicts = table.verdicts() if verdicts is None else verdicts
    if seconds is not None:
        verdicts = seconds.with_decided(verdicts)
    verdicts = left_by_budget(verdicts, launches)
    probabilities = bool(options.get("probabilities"))
    rule = rubric.rule_in_force(probabilities=probabilities)
    outcomes = outcomes_of(directory.path, config, rubric, rule, items, plan, verdicts)
    items = with_label_gold(items, rubric)
    return Reading(directory, config, rubric, items, plan, table, verdicts, outcomes, seconds)


def report_of(reading: Reading, estimates: list[Estimate] | None = None) -> Report:
    """Say everything that is known of a run; `estimates` where they were made already."""
    order, kept = sending_order(reading.directory), kept_rows_of(reading)
    operations = operations_of(reading.directory, reading.table.answers, order)
    return Report(
        results=results_of(reading, estimates, kept),
        operations=msgspec.structs.replace(
            operations,
            budget=budget_of(reading),
            price=price_of_verdicts(reading, kept) or UNSET,
        ),
    )


def results_of(
    reading: Reading, estimates: list[Estimate] | None = None, kept: KeptRows | None = None
) -> Results:
    """Pure function of plan and verdicts, and of what is kept beside them."""
    manifest, rubric = reading.directory.manifest, reading.rubric
    estimates = estimates_of(reading) if estimates is None else estimates
    bias, adaptive = bias_of(reading), adaptive_report_of(reading)
    families, counts = families_of_run(reading), counts_of(reading)
    unused = unused_gold_of(reading)
    return Results(
        run=reading.directory.path.resolve().name,
        rubric=RubricFacts(
            name=rubric.name,
            mode=rubric.mode,
            rule=reading.rule,
            one_failed=rubric.one_failed,
            orders=str(manifest.options.get("orders")),
            pairs=str(manifest.options.get("pairs", "all")),
            repeats=int(manifest.options.get("repeats", 1)),
            prompt_hash=manifest.rubric.prompt_hash,
            parse_hash=rubric.parse_hash,
        ),
        judge=manifest.judge,
        families=families,
        counts=counts,
        empty_answers=manifest.data.empty_answers,
        lost_by_empty=_lost_by_empty(reading),
        without_baseline=len(reading.items.item_id) - reading.plan.num_items,
        **{name: reading.directory.plan_counts.get(name, 0) for name in COUNTED_BY_PLAN},
        replaced_surrogates=manifest.data.replaced_surrogates
        + int(reading.table.replaced_surrogates.sum()),
        outcomes=_outcome_counts(reading.outcomes),
        estimates=estimates,
        aspects=aspects_of(reading, estimates) or UNSET,
        adaptive=UNSET if adaptive is None else adaptive,
        position_bias=bias,
        options=option_orders_of(reading, kept) or UNSET,
        confidence=confidence_facts(reading) or UNSET,
        label_mass=label_mass_of(reading.verdicts),
        findings=family_finding(families)
        + unread_finding(counts, reading.config.max_unreadable)
        + [finding.text for finding in findings(bias, estimates)]
        + ([] if adaptive is None else [finding.text for finding in adaptive.findings])
        + halo_of(reading)
        + unused_gold_words(reading, unused),
        unused_gold=unused or UNSET,
        unparsed_examples=_examples(reading),
    )


def counts_of(reading: Reading) -> Counts:
    """Where every row and every planned judgment went."""
    data = reading.directory.manifest.data
    items = len(reading.items.item_id)
    skipped = dict(data.skipped)
    if items < data.items:
        skipped["not_in_sample"] = data.items - items
    numbers = np.bincount(reading.verdicts.status, minlength=256)
    parts: dict[str, dict[str, int]] = {"unparsed": {}, "failed": {}, "not_judged": {}}
    for status in Status:
        if status is not Status.PARSED and numbers[status]:
            parts[status.part][status.label] = int(numbers[status])
    counts = Counts(
        read=data.read,
        items=items,
        skipped=skipped,
        skipped_examples=data.skipped_examples,
        planned=len(reading.verdicts.status),
        parsed=int(numbers[Status.PARSED]),
        **parts,
    )
    counts.check()
    return counts


def why_incomplete(counts: Counts) -> str | None:
    """What is missing of a run, for a person; None where it is complete."""
    failed = sum(counts.failed.values())
    parts = [f"{_judgments(failed)} failed"] if failed else []
    for reason, why in (("interrupted", ""), ("budget", ", since the budget is spent")):
        if left := counts.not_judged.get(reason, 0):
            parts.append(f"{_judgments(left)} {'was' if left == 1 else 'were'} not judged{why}")
    if counts.unparsed and not parts and not counts.parsed:
        parts.append("not one judgment could be read")
    return " and ".join(parts) or None


def _judgments(number: int) -> str:
    return "1 judgment" if number == 1 else f"{number:,} judgments"


def _lost_by_empty(reading: Reading) -> int:
    """Outcomes that were decided unasked; all judgments of one are decided or none is."""
    first = reading.outcomes.first_judgment[reading.outcomes.judgments > 0]
    return int((reading.verdicts.status[first] == Status.NOT_NEEDED).sum())


def _outcome_counts(outcomes: OutcomeColumns) -> dict[str, int]:
    numbers = np.bincount(outcomes.status, minlength=len(OutcomeStatus))
    return {status.label: int(numbers[status]) for status in OutcomeStatus if numbers[status]}


def _examples(reading: Reading) -> list[UnparsedExample]:
    """One completion of each unparsed reason: the first in plan order."""
    status = reading.verdicts.status
    wanted: dict[int, Status] = {}
    for reason in Status:
        rows = np.flatnonzero(status == reason)
        if reason.part == "unparsed" and len(rows):
            wanted[int(rows[0])] = reason
    plan = reading.plan.columns
    return [
        UnparsedExample(
            reason=reason.label,
            item_id=reading.items.item_id[int(plan.item[row])].as_py(),
            order=""
            if plan.second[row] == NO_ANSWER
            else ("swapped" if plan.swapped[row] else "forward"),
            excerpt=words_of_kept(reading, row, _said(reading, row))[:EXCERPT_CHARACTERS],
        )
        for row, reason in wanted.items()
    ]


def _said(reading: Reading, row: int) -> str:
    """Text of the completion that counts; empty where none does."""
    place = reading.table.answers.place(row)
    return "" if place is None else reading.directory.text_at(*place) or ""
