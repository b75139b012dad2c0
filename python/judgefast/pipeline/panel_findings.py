"""What a person should know of several judges, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.pipeline.gold import unused_gold_of, unused_gold_words
from judgefast.pipeline.panel_twins import answering_alike
from judgefast.reports.panel_report import MOST_PAIRS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.pipeline.panel_join import Joined
    from judgefast.stats.agreed import Agreement

ONE_ORDER = (
    "One order was asked: a preference for the place of an answer that judges share counts as "
    "agreement."
)
"""Finding of comparisons that a judge saw in one order alone."""

_IN_TABLE = "agreement"
"""Finding of a pair that its row says too."""

_OF_PAIRS = ("no_agreement", "undefined_agreement", "no_interval", "mostly_chance")
"""Findings of a pair, which of very many the agreement in JSON alone has."""


def panel_findings(joined: Joined, agreements: dict[str, Agreement]) -> list[str]:
    """Say it; of many pairs, what their table does not say already.

    Args:
        joined: Several judges.
        agreements: Of each aspect, by its part of a slice name; of an only one by none.

    """
    orders = {reading.directory.manifest.options.get("orders") for reading in joined.readings}
    found = [ONE_ORDER] if agreements and joined.mode == "pairwise" and "one" in orders else []
    found += [*_other_aspects(joined), *_other_facts(joined), *_unused_gold(joined)]
    if agreements and joined.mode == "choice":
        found += _several_named(joined)
    found += answering_alike(joined)
    is_long = sum(len(agreement.pairs) for agreement in agreements.values()) > 1
    for aspect, agreement in agreements.items():
        is_many = len(agreement.pairs) > MOST_PAIRS
        found += [
            f"{aspect}: {finding.text}" if aspect else finding.text
            for finding in agreement.findings
            if not (is_long and finding.kind == _IN_TABLE)
            and not (is_many and finding.kind in _OF_PAIRS)
        ]
    return found


def _other_aspects(joined: Joined) -> Iterator[str]:
    """Say where judges of several aspects have not the same ones."""
    by = {name: joined.judged_by(code) for code, name in enumerate(joined.aspects)}
    if len(by) == 1 or all(len(judges) == len(joined.judges) for judges in by.values()):
        return
    each = [
        f"{judge} of {', '.join(aspect for aspect, judges in by.items() if judge in judges)}"
        for judge in joined.judges
    ]
    yield (
        f"overall is not of the same aspects by each judge: {'; '.join(each)}. These figures are "
        "not to be compared, and there is none of what the judges say together."
    )
    for aspect, judges in by.items():
        if len(judges) == 1:
            yield f"{aspect} is judged by {judges[0]} alone, and nobody can agree with it there."


def _other_facts(joined: Joined) -> Iterator[str]:
    """Say where runs of different data know other things of what they share."""
    if joined.other_clusters:
        have = "item has" if joined.other_clusters == 1 else "items have"
        yield (
            f"{joined.other_clusters:,} {have} another cluster in a later run: intervals of what "
            "the judges say together are by that of the first."
        )
    if other_gold := joined.other_gold():
        have = "unit has" if other_gold == 1 else "units have"
        yield f"{other_gold:,} {have} other gold in a later run: that of the first is taken."


def _unused_gold(joined: Joined) -> Iterator[str]:
    """Say which gold rubrics cannot use; once where it is the same to all."""
    by: dict[str, list[str]] = {}
    for judge, reading in zip(joined.judges, joined.readings, strict=True):
        for words in unused_gold_words(reading, unused_gold_of(reading)):
            by.setdefault(words, []).append(judge)
    for words, judges in by.items():
        is_of_all = len(judges) == len(joined.judges)
        yield words if is_of_all else f"{', '.join(judges)}: {words}"


def _several_named(joined: Joined) -> Iterator[str]:
    """Say of each judge how often it named several answers as the best one."""
    valued = (~np.isnan(joined.value)).sum(axis=0).tolist()
    for judge, torn, of in zip(
        joined.judges, joined.torn.sum(axis=0).tolist(), valued, strict=True
    ):
        if torn:
            yield (
                f"{judge} names several answers, in its orders or repeats, in {torn:,} of {of:,} "
                "units: it has no verdict there, and agreement leaves it out."
            )
