"""Two runs side by side: every mean that both have, in every slice that both have, unit by unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa

from judgefast.pipeline.comparable import check_comparable, check_questions, check_shared
from judgefast.pipeline.estimates import (
    judged_aspects,
    judgments_of,
    position_rows_of,
    resampling_of,
)
from judgefast.pipeline.results import counts_of, why_incomplete
from judgefast.reports.comparison import Comparison, RunFacts
from judgefast.stats.comparisons import met_as, turned_to
from judgefast.stats.differences import differences_of
from judgefast.stats.paired import RunOutcomes, items_join, paired_means
from judgefast.stats.position_rows import CENTRES
from judgefast.stats.slice_names import slice_parts
from judgefast.stats.slices import Slicer, known_field
from judgefast.stats.summary import statistics_of, unreadable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from judgefast.pipeline.results import Reading
    from judgefast.stats.paired_mean import PairedMean
    from judgefast.stats.slices import Cut, Statistic

_OF_PAIRS = {"win_rate": True, "tie_rate": False, "overall": True}
"""Means whose groups are pairs of models, and whether they are about the candidate."""


class Paired(NamedTuple):
    """The differences of two runs, before a level is chosen."""

    means: list[PairedMean]
    other_slices: dict[str, str]
    """Slice of run a to that of run b, where they are called otherwise."""
    unpaired: list[str]
    """Slices that one run alone has."""
    by: Literal["item", "cluster"]
    """What was joined on."""
    across: list[str]
    """What else differs and was asked for, in words."""


def compare_runs(  # noqa: PLR0913 - the options of a comparison, by keyword
    a: Reading,
    b: Reading,
    *,
    slices: Sequence[str] | None = None,
    level: float | None = None,
    across: Sequence[str] = (),
    names: Collection[str] | None = None,
) -> Comparison:
    """Estimate how much higher each mean is in run `a` than in run `b`.

    Args:
        a: The one run.
        b: The other.
        slices: Meta fields to slice by; None for those of the runs' own options.
        level: Confidence level; None for that of run `a`.
        across: What the runs may differ in, of `codes.ACROSS`.
        names: The means that are wanted; None for all.

    Raises:
        ConfigError: The runs are not comparable; an unknown meta field; a level outside (0, 1).

    """
    differs = check_comparable(a, b, across)
    level = a.config.level if level is None else level
    found = paired(a, b, fields_of(a, b, slices), names=names, across=across)
    return Comparison(
        a=facts_of(a),
        b=facts_of(b),
        across=[*differs, *found.across],
        level=level,
        differences=differences_of(found.means, level=level, other_slices=found.other_slices),
        unpaired=found.unpaired,
    )


def fields_of(a: Reading, b: Reading, slices: Sequence[str] | None) -> list[str]:
    """Meta fields to slice by: those that are named, else those of either run that both know.

    Raises:
        ConfigError: A named field is in neither run, or in one alone.

    """
    if slices is not None:
        fields = [known_field(field, reading.items.meta) for reading in (a, b) for field in slices]
    else:
        own = [field.removeprefix("meta.") for run in (a, b) for field in run.config.slices]
        fields = [field for field in own if field in a.items.meta and field in b.items.meta]
    return list(dict.fromkeys(fields))


def paired(
    a: Reading,
    b: Reading,
    fields: Sequence[str],
    *,
    names: Collection[str] | None = None,
    across: Sequence[str] = (),
) -> Paired:
    """Measure every mean in every slice that both runs have.

    Args:
        a: The one run.
        b: The other.
        fields: Meta fields to slice by.
        names: The means that are wanted; None for all.
        across: What the runs may differ in, of `codes.ACROSS`.

    Raises:
        ConfigError: The runs share nothing; or items of one id ask different questions, and
            `across` does not name `data`.

    """
    items = _shared_codes(a.items.item_id, b.items.item_id)
    sides = (_Side(a, items[0]), _Side(b, items[1]))
    check_shared(*sides)
    by: Literal["item", "cluster"] = "item" if items_join(*sides) else "cluster"
    others = check_questions(*sides, admitted="data" in across) if by == "item" else []
    found = Paired([], {}, [], by, others)
    for one, other in _meeting(_statistics(a), _statistics(b)):
        if names is None or one.name in names:
            _add(found, sides, one, other, fields)
    return found


class _Side(NamedTuple):
    """One of two runs."""

    reading: Reading
    item: NDArray[np.int64]
    """Code of each of its items, shared with the other run."""

    @property
    def cluster_id64(self) -> NDArray[np.uint64]:
        """Resampling id of each of its items."""
        return self.reading.items.cluster_id64


def _add(
    found: Paired,
    sides: tuple[_Side, _Side],
    one: Statistic,
    other: Statistic,
    fields: Sequence[str],
) -> None:
    """Add the differences of one statistic to what was found."""
    pairs: dict[str, str] = {}
    if one.name in _OF_PAIRS and all(map(_has_pairs, (one, other))):
        symmetric = not _OF_PAIRS[one.name]
        turned = turned_to(other.rows, one.rows, symmetric=symmetric)
        other = other._replace(rows=met_as(turned, one.rows))
        if other.rows is not turned:
            pairs = dict(zip(one.rows.groups, turned.groups, strict=True))
    cuts = [
        list(_slicer(side.reading, fields).cut(stat.rows, stat.cuts))
        for side, stat in zip(sides, (one, other), strict=True)
    ]
    names_a, names_b = ([name for cut in of_side for name in cut.slices] for of_side in cuts)
    shared = [name for name in dict.fromkeys(names_a) if name in set(names_b)]
    found.unpaired.extend(
        f"{one.name} {name}" for name in dict.fromkeys(names_a + names_b) if name not in shared
    )
    for mine, theirs in pairs.items():
        inside = [name for name in shared if f"{name} ".startswith(f"{mine} ")]
        found.other_slices.update({name: theirs + name.removeprefix(mine) for name in inside})
    if shared:
        code = {name: place for place, name in enumerate(shared)}
        scales = {
            name: scale
            for cut in cuts[0]
            for name, scale in zip(cut.slices, one.scales_of(cut), strict=False)
        }
        centre = CENTRES.get(one.name, 0.0)
        found.means.extend(
            mean.centred(centre)
            for mean in paired_means(
                _outcomes(sides[0], one, cuts[0], code),
                _outcomes(sides[1], other, cuts[1], code),
                shared,
                name=one.name,
                scales=[scales[name] for name in shared],
                note=one.note,
                by=found.by,
                resampling=resampling_of(sides[0].reading),
            )
        )


def _has_pairs(statistic: Statistic) -> bool:
    """Whether its groups are pairs of models; those of a name may be models, too."""
    return any("baseline" in slice_parts(group) for group in statistic.rows.groups[:1])


def _meeting(
    left: Sequence[Statistic], right: Sequence[Statistic]
) -> Iterator[tuple[Statistic, Statistic]]:
    """Each statistic with its like: a name may come twice, as for pairs and for models."""
    others = list(right)
    for one in left:
        place = next((place for place, two in enumerate(others) if two.name == one.name), None)
        if place is not None:
            yield one, others.pop(place)


def _statistics(reading: Reading) -> list[Statistic]:
    found = statistics_of(
        reading.outcomes,
        reading.items,
        mode=reading.rubric.mode,
        aspects=judged_aspects(reading.rubric),
        baseline=reading.config.baseline,
    )
    found.append(unreadable(judgments_of(reading)))
    position = position_rows_of(reading)
    if position is not None:
        found += map(position.statistic, position.columns)
    return found


def _slicer(reading: Reading, fields: Sequence[str]) -> Slicer:
    aspects = [aspect.name for aspect in reading.rubric.aspects]
    return Slicer(reading.items, fields=fields, aspects=aspects)


def _outcomes(
    side: _Side,
    statistic: Statistic,
    cuts: Sequence[Cut],
    code: dict[str, int],
) -> RunOutcomes:
    """Every outcome once for each slice that it is in."""
    rows, kept, slices = statistic.rows, [], []
    for cut in cuts:
        of_slice = [code.get(name, -1) for name in cut.slices]
        shared = np.array([*of_slice, -1], dtype=np.int64)[cut.codes]
        inside = np.flatnonzero(shared >= 0)
        kept.append(inside)
        slices.append(shared[inside])
    row = np.concatenate(kept)
    item = rows.item[row]
    return RunOutcomes(
        item=side.item[item],
        cluster_id64=side.reading.items.cluster_id64[item],
        value=rows.value[row],
        weight=rows.weight[row],
        slice=np.concatenate(slices),
    )


def _shared_codes(
    left: pa.Array[Any], right: pa.Array[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """One code for each distinct string, over both columns."""
    columns = pa.chunked_array([left.cast(pa.large_string()), right.cast(pa.large_string())])
    encoded = columns.combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes[: len(left)], codes[len(left) :]


def facts_of(reading: Reading) -> RunFacts:
    """Say which run it is, and how far."""
    counts = counts_of(reading)
    return RunFacts(
        path=str(reading.directory.path),
        judge=reading.directory.manifest.judge,
        rubric=reading.rubric.name,
        items=counts.items,
        planned=counts.planned,
        parsed=counts.parsed,
        incomplete=why_incomplete(counts),
    )
