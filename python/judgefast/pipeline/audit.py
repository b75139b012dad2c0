"""Any file of judge outputs, read by a rubric and by the rules next to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from judgefast.codes import RULES, Status
from judgefast.errors import ConfigError, DataError
from judgefast.pipeline.audit_headline import AuditedRows, headline_of
from judgefast.pipeline.outputs import MOST_EXAMPLES, OutputReader
from judgefast.pipeline.results import EXCERPT_CHARACTERS
from judgefast.pipeline.verdict_codes import FIRST_VERDICT, VerdictCodes, pair_counts
from judgefast.prompts.builtin import load_rubric
from judgefast.prompts.table import nearest
from judgefast.prompts.verdict_format import WHICH_NAMES
from judgefast.reports.readings import Audit, Change, Example, ReadingFacts, Tally
from judgefast.verdicts.read import read_texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from judgefast.pipeline.outputs import Outputs
    from judgefast.prompts.rubric import Rubric
    from judgefast.prompts.verdict_format import VerdictFormat
    from judgefast.stats.estimate import Estimate

MOST_OUTCOMES = 48
"""Outcomes of which examples are kept."""


class _Reading:
    """Counts of one way to read, beside the first way."""

    def __init__(self, name: str, form: VerdictFormat) -> None:
        self.name, self.form = name, form
        self.repaired = 0
        self.pairs: dict[tuple[int, int], int] = {}
        """(code by the first reading, code by this one) -> outputs."""

    def counts(self) -> dict[int, int]:
        counts: dict[int, int] = {}
        for (_, code), count in self.pairs.items():
            counts[code] = counts.get(code, 0) + count
        return counts

    def changes(self) -> list[tuple[int, int, int]]:
        found = [(before, after, n) for (before, after), n in self.pairs.items() if before != after]
        return sorted(found, key=lambda change: (-change[2], change))


def audit(  # noqa: PLR0913 - the options of the command, by keyword
    data: Sequence[str],
    *,
    rubric: str,
    mapping: Mapping[str, str],
    skip_bad: bool,
    level: float,
    max_row_bytes: int,
    aspect: str | None = None,
) -> Audit:
    """Read every output of some files by a rubric, strictly and leniently, or by each `which`.

    Args:
        data: Files, globs, folders of Parquet, `-`.
        rubric: Built-in rubric, or path of a TOML file.
        mapping: Field -> name in the data; fields are those of `output_fields.GUESSES`.
        skip_bad: Count rows that cannot be used, where an error is raised otherwise.
        level: Confidence level, in (0, 1).
        max_row_bytes: Longest row.
        aspect: Which aspect of the rubric the outputs are about, where it has several. Rows that
            name another are left out.

    Raises:
        ConfigError: The level is none, or the rubric has no such aspect, or several and none is
            named.
        DataError: A row cannot be used, or there is none; the message names file, line and field.

    """
    if not 0 < level < 1:
        msg = f"`level` is {level}; it must be above 0 and below 1"
        raise ConfigError(msg)
    own = _of_aspect(load_rubric(rubric), aspect)
    reader = OutputReader(
        data,
        mapping=mapping,
        skip_bad=skip_bad,
        max_row_bytes=max_row_bytes,
        with_order=own.mode == "pairwise",
        aspect=aspect,
    )
    readings, codes = _ways(own.verdict), VerdictCodes(own.verdict)
    rows = AuditedRows(reader.judges, reader.models)
    examples: dict[int, list[Example]] = {}
    total = 0
    for batch in reader.batches():
        total += len(batch.texts)
        by_reading = [_read(one, codes, batch) for one in readings]
        for one, found in zip(readings, by_reading, strict=True):
            _count(one, by_reading[0], found)
        _keep_examples(examples, batch, by_reading[0])
        rows.add(batch, by_reading)
    if not total:
        msg = f"{', '.join(f'`{source.name}`' for source in reader.sources)}: no output to read"
        raise DataError(msg, hint="check the path; --on-bad-row error says why rows are skipped")
    rules = RULES if rows.has_orders else (None,)
    first_rule = own.rule_in_force(probabilities=False) if rows.has_orders else None
    facts = []
    for place, one in enumerate(readings):
        in_force = dict.fromkeys((first_rule, *rules)) if place == 0 else (first_rule,)
        for rule in in_force:
            estimates = headline_of(
                rows, place, one.counts(), codes=codes, rubric=own, rule=rule, level=level
            )
            facts.append(_facts(one, codes, rule, estimates, is_first=rule == first_rule))
    counts = readings[0].counts()
    return Audit(
        rubric=own.name,
        format=own.verdict.name,
        rows=total,
        skipped=reader.skipped,
        skipped_examples=reader.skipped_examples,
        fields=reader.fields,
        outcomes=[
            Tally(
                outcome=codes.word(code),
                is_parsed=code >= FIRST_VERDICT,
                count=count,
                examples=examples.get(code, []),
            )
            for code, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        ],
        readings=facts,
    )


def _of_aspect(rubric: Rubric, name: str | None) -> Rubric:
    """The rubric with the aspect of that name alone: a file is read by one format."""
    names = [aspect.name for aspect in rubric.aspects]
    if name is None and len(names) == 1:
        return rubric
    known = ", ".join(names)
    if name is None:
        msg = f"`{rubric.name}` has {len(names)} aspects, which are read each by its own format"
        raise ConfigError(msg, hint=f"add --aspect NAME; there are {known}")
    if name not in names:
        msg = f"`{rubric.name}` has no aspect `{name}`; there is {known}"
        raise ConfigError(msg, hint=nearest(name, names))
    return rubric.alone(names.index(name))


def _ways(form: VerdictFormat) -> list[_Reading]:
    """Readings of the format, the rubric's own first."""
    if form.name == "regex":
        names = dict.fromkeys((form.which, *WHICH_NAMES))
        return [
            _Reading(f"which={name}", msgspec.structs.replace(form, which=name)) for name in names
        ]
    return [
        _Reading("lenient" if way else "strict", msgspec.structs.replace(form, lenient=way))
        for way in (form.lenient, not form.lenient)
    ]


def _read(one: _Reading, codes: VerdictCodes, batch: Outputs) -> NDArray[np.int32]:
    verdicts = read_texts(one.form, batch.texts, batch.cut)
    status = np.where(batch.refused, np.uint8(Status.REFUSED), verdicts.status)
    one.repaired += int((verdicts.repaired[~batch.refused] == 1).sum())
    return codes.code(verdicts._replace(status=status))


def _count(one: _Reading, first: NDArray[np.int32], found: NDArray[np.int32]) -> None:
    for key, count in pair_counts(first, found).items():
        one.pairs[key] = one.pairs.get(key, 0) + count


def _keep_examples(
    examples: dict[int, list[Example]], batch: Outputs, found: NDArray[np.int32]
) -> None:
    for code in np.unique(found).tolist():
        if code not in examples and len(examples) >= MOST_OUTCOMES:
            continue
        kept = examples.setdefault(code, [])
        for row in np.flatnonzero(found == code)[: MOST_EXAMPLES - len(kept)].tolist():
            text = batch.texts[row][:EXCERPT_CHARACTERS]
            kept.append(Example(place=batch.place(row), text=text))


def _facts(
    one: _Reading,
    codes: VerdictCodes,
    rule: str | None,
    estimates: list[Estimate],
    *,
    is_first: bool,
) -> ReadingFacts:
    counts = one.counts()
    changes = one.changes()
    return ReadingFacts(
        name=one.name,
        rule=rule,
        parsed=sum(count for code, count in counts.items() if code >= FIRST_VERDICT),
        unparsed={
            codes.word(code): count
            for code, count in sorted(counts.items())
            if code < FIRST_VERDICT
        },
        repaired=one.repaired,
        changed=sum(count for _, _, count in changes),
        changes=[
            Change(before=codes.word(before), after=codes.word(after), count=count)
            for before, after, count in changes
        ]
        if is_first
        else [],
        estimates=estimates,
    )
