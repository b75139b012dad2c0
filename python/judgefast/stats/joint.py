"""Rows of many statistics, measured together, so that all replicates are of the same weights.

Replicate b gives a cluster one weight, wherever the cluster occurs: in every slice, statistic and
run. So differences and orders between estimates can be read off their replicates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.stats.audit import audits
from judgefast.stats.histogram import HistogramBootstrap
from judgefast.stats.intervals import takes_replicates
from judgefast.stats.measurement import Measurement
from judgefast.stats.moments import cluster_moments
from judgefast.stats.replicates import HISTOGRAM, POISSON, PoissonBootstrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from judgefast.stats.audit import Second
    from judgefast.stats.replicates import Replicates, Resampling

    Key = tuple[int, int]
    """Place of a part among the parts of a shard, and number of a slice of it."""


class SlicedRows(NamedTuple):
    """Outcomes of one statistic, cut into slices. Columns of n rows."""

    name: str
    """Stable identifier of the statistic."""
    slices: Sequence[str]
    """What the codes stand for."""
    cluster_id64: NDArray[np.uint64]
    value: NDArray[np.int64]
    """Multiples of 2^-24."""
    weight: NDArray[np.uint8]
    """0 where the outcome has no value: it is counted as missing."""
    codes: NDArray[np.int64]
    """-1 for a row that is in no slice."""
    missing_weight: int = 1
    """What a missing outcome is taken to weigh in the bounds of the note."""
    scales: Sequence[tuple[float, float]] = ((0.0, 1.0),)
    """Lowest and highest possible value: one for all slices, or one for each."""
    binary: bool = True
    """Whether the value can be a yes-or-no outcome on the scale 0 to 1."""
    note: str = ""
    """What has to be said of the value itself."""
    numbers: Sequence[int] | None = None
    """What the slices are called in every shard, ascending: one may lack some of them. None: by
    their place in `slices`."""
    second: Second | None = None
    """What is known of second orders; None where none was left out."""


def measure_parts(
    parts: Iterable[SlicedRows], resampling: Resampling | None = None
) -> list[Measurement]:
    """Measure each slice of each part, in order; rows of different parts may be the same outcomes.

    Args:
        parts: The statistics.
        resampling: None leaves every measurement without replicates.

    Returns:
        A measurement for each slice.

    """
    whole = list(parts)
    return measure_shards(lambda _: whole, 1, resampling)


def measure_shards(
    parts_of: Callable[[int], Iterable[SlicedRows]],
    shards: int,
    resampling: Resampling | None = None,
) -> list[Measurement]:
    """Measure each slice of each part of a run that is cut into shards, no cluster in two of them.

    Args:
        parts_of: Makes the parts of a shard: the same ones in the same order in each, however few
            rows and slices they have there. Each is taken one at a time; what is kept of it, until
            the next shard, are the rows that are resampled. It may be called twice for a shard.
        shards: How many there are.
        resampling: None leaves every measurement without replicates.

    Returns:
        A measurement for each slice of each part, in the order of parts and numbers. The same to
        the last bit, whatever the shards.

    """
    found: dict[Key, Measurement] = {}
    heaviest: dict[int, int] = {}
    draws = None if resampling is None else _Draws({}, resampling)
    for shard in range(shards):
        kept: list[_Kept] = []
        for place, part in enumerate(parts_of(shard)):
            measured = dict(_measurements(place, part))
            heaviest[place] = max(heaviest.get(place, 0), part.missing_weight)
            for key, one in measured.items():
                found[key] = _sum(found[key], one) if key in found else one
            if draws is not None:
                if not shard:  # what is resampled here is so in the whole
                    draws.want(key for key, one in measured.items() if _takes_replicates(one))
                kept += draws.rows_of(place, part)
        if draws is not None:
            draws.add(kept)
    if draws is not None and resampling is not None:
        drawn = draws.drawn()
        wanted = [key for key, one in found.items() if _takes_replicates(one)]
        for left, method in _still_to_draw(wanted, drawn, resampling):
            drawn |= _draw(parts_of, shards, left, resampling._replace(method=method))
        for key in wanted:
            found[key] = found[key]._replace(replicates=drawn[key])
    return [one._replace(missing_weight=heaviest[key[0]]) for key, one in sorted(found.items())]


class _Kept(NamedTuple):
    """Rows that are resampled, under one numbering of the slices of all parts."""

    cluster_id64: NDArray[np.uint64]
    value: NDArray[np.int64]
    weight: NDArray[np.uint8]
    slice: NDArray[np.uint32]


class _Draws:
    """Replicates of some slices, drawn shard by shard."""

    def __init__(self, wanted: dict[Key, int], resampling: Resampling) -> None:
        self._wanted = wanted
        self._resampling = resampling
        self._drawing: PoissonBootstrap | HistogramBootstrap | None = None

    def want(self, keys: Iterable[Key]) -> None:
        """Draw these as well; before the first rows are added."""
        for key in keys:
            self._wanted[key] = len(self._wanted)

    def rows_of(self, place: int, part: SlicedRows) -> Iterator[_Kept]:
        """Rows of the slices that are wanted, if there are any."""
        number = np.array(
            [self._wanted.get((place, one), -1) for one in _numbers(part)] + [-1],  # code -1: none
            dtype=np.int64,
        )
        if (number < 0).all():
            return
        slices = number[part.codes]
        rows = np.flatnonzero((slices >= 0) & (part.weight > 0))
        yield _Kept(
            part.cluster_id64[rows],
            part.value[rows],
            part.weight[rows],
            slices[rows].astype(np.uint32),
        )

    def add(self, kept: list[_Kept]) -> None:
        """Draw the clusters of a shard."""
        if not self._wanted:
            return
        if self._drawing is None:
            method = PoissonBootstrap if self._resampling.method == POISSON else HistogramBootstrap
            self._drawing = method(len(self._wanted), resampling=self._resampling)
        if kept:
            columns = (np.concatenate(column) for column in zip(*kept, strict=True))
            self._drawing.add_shard(*columns)

    def drawn(self) -> dict[Key, Replicates | None]:
        """Replicates of each; None where this method has none."""
        if self._drawing is None:
            return {}
        return dict(zip(self._wanted, self._drawing.replicates(), strict=True))


def _still_to_draw(
    wanted: Sequence[Key], drawn: dict[Key, Replicates | None], resampling: Resampling
) -> Iterator[tuple[list[Key], str]]:
    """What a pass of its own is needed for, and how it is drawn."""
    if resampling.method == HISTOGRAM:
        left = [key for key in wanted if key not in drawn]
        if left:
            yield left, HISTOGRAM
    left = [key for key in wanted if drawn.get(key) is None]
    if left:
        yield left, POISSON


def _draw(
    parts_of: Callable[[int], Iterable[SlicedRows]],
    shards: int,
    wanted: Sequence[Key],
    resampling: Resampling,
) -> dict[Key, Replicates | None]:
    draws = _Draws({key: place for place, key in enumerate(wanted)}, resampling)
    for shard in range(shards):
        draws.add(
            [
                rows
                for place, part in enumerate(parts_of(shard))
                for rows in draws.rows_of(place, part)
            ]
        )
    return draws.drawn()


def _takes_replicates(one: Measurement) -> bool:
    return takes_replicates(one.moments, binary=one.binary)


def _numbers(part: SlicedRows) -> Sequence[int]:
    return range(len(part.slices)) if part.numbers is None else part.numbers


def _measurements(place: int, part: SlicedRows) -> Iterable[tuple[Key, Measurement]]:
    num = len(part.slices)
    sums = cluster_moments(part.cluster_id64, part.value, part.weight, part.codes, num)
    lost = np.bincount(part.codes[(part.codes >= 0) & (part.weight == 0)], minlength=num)
    scales = part.scales if len(part.scales) > 1 else [part.scales[0]] * num
    found = [None] * num if part.second is None else audits(part, part.second)
    columns = zip(_numbers(part), part.slices, sums, lost, scales, found, strict=False)
    for number, name, moments, missing, scale, audit in columns:
        yield (
            (place, number),
            Measurement(
                part.name,
                name,
                moments,
                missing=int(missing),
                missing_weight=part.missing_weight,
                scale=scale,
                binary=part.binary,
                note=part.note,
                audit=audit,
            ),
        )


def _sum(one: Measurement, other: Measurement) -> Measurement:
    """The measurement of two shards, replicates apart."""
    moments = one.moments.plus(other.moments)
    audit = one.audit.plus(other.audit) if one.audit and other.audit else None
    return one._replace(moments=moments, missing=one.missing + other.missing, audit=audit)
