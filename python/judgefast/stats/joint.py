"""Rows of many statistics, measured together, so that all replicates are of the same weights.

Replicate b gives a cluster one weight, wherever the cluster occurs: in every slice, statistic and
run. So differences and orders between estimates can be read off their replicates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.stats.histogram import histogram_means
from judgefast.stats.intervals import takes_replicates
from judgefast.stats.measurement import Measurement
from judgefast.stats.moments import cluster_moments
from judgefast.stats.replicates import POISSON, replicate_means

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from judgefast.stats.replicates import Replicates, Resampling


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
    scale: tuple[float, float] = (0.0, 1.0)
    binary: bool = True
    """Whether the value can be a yes-or-no outcome on the scale 0 to 1."""


def measure_parts(
    parts: Iterable[SlicedRows], resampling: Resampling | None = None
) -> list[Measurement]:
    """Measure each slice of each part, in order; rows of different parts may be the same outcomes.

    Args:
        parts: Taken one at a time; what is kept of each are the rows that are resampled.
        resampling: None leaves every measurement without replicates.

    Returns:
        A measurement for each slice.

    """
    found: list[Measurement] = []
    kept: list[_Kept] = []
    chosen: list[int] = []
    for part in parts:
        measured = list(_measurements(part))
        if resampling is not None:
            wanted = [takes_replicates(one.moments, binary=part.binary) for one in measured]
            if any(wanted):
                kept.append(_keep(part, np.array(wanted), len(chosen)))
                chosen += [len(found) + code for code, is_wanted in enumerate(wanted) if is_wanted]
        found += measured
    if resampling is not None and chosen:
        rows = _Kept(*(np.concatenate(column) for column in zip(*kept, strict=True)))
        for place, replicates in zip(chosen, _resample(rows, len(chosen), resampling), strict=True):
            found[place] = found[place]._replace(replicates=replicates)
    return found


class _Kept(NamedTuple):
    """Rows that are resampled, under one numbering of the slices of all parts."""

    cluster_id64: NDArray[np.uint64]
    value: NDArray[np.int64]
    weight: NDArray[np.uint8]
    slice: NDArray[np.uint32]


def _measurements(part: SlicedRows) -> Iterable[Measurement]:
    num = len(part.slices)
    sums = cluster_moments(part.cluster_id64, part.value, part.weight, part.codes, num)
    lost = np.bincount(part.codes[(part.codes >= 0) & (part.weight == 0)], minlength=num)
    for name, moments, missing in zip(part.slices, sums, lost, strict=False):
        yield Measurement(
            part.name,
            name,
            moments,
            missing=int(missing),
            missing_weight=part.missing_weight,
            scale=part.scale,
            binary=part.binary,
        )


def _keep(part: SlicedRows, wanted: NDArray[np.bool_], start: int) -> _Kept:
    """Rows of the slices that are wanted, these numbered from `start`."""
    number = np.cumsum(wanted) - 1 + start
    rows = np.flatnonzero((part.codes >= 0) & (part.weight > 0))
    rows = rows[wanted[part.codes[rows]]]
    return _Kept(
        part.cluster_id64[rows],
        part.value[rows],
        part.weight[rows],
        number[part.codes[rows]].astype(np.uint32),
    )


def _resample(rows: _Kept, num_slices: int, resampling: Resampling) -> list[Replicates]:
    """Replicates of each slice."""
    if resampling.method == POISSON:
        return replicate_means(*rows, num_slices, resampling=resampling)
    found = histogram_means(*rows, num_slices, resampling)
    left = np.array([one is None for one in found])
    if left.any():
        inside = left[rows.slice]
        rest = _Kept(*(column[inside] for column in rows))
        rest = rest._replace(slice=(np.cumsum(left) - 1)[rest.slice].astype(np.uint32))
        by_hash = resampling._replace(method=POISSON)
        drawn = iter(replicate_means(*rest, int(left.sum()), resampling=by_hash))
        found = [next(drawn) if one is None else one for one in found]
    return [one for one in found if one is not None]
