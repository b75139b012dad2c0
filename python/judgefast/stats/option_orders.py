"""What the order of a question's options does to a judge that is asked with several orders.

The place of an option is not the place of an answer: `bias` looks at the latter. A question that is
put twice, the second time with its options reversed, shows what the judge would have said of the
same options elsewhere.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.codes import FIXED_ONE
from judgefast.stats.joint import SlicedRows, measure_parts
from judgefast.stats.option_bias import OptionOrders
from judgefast.stats.rules import LEVEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.engines.decisions.asked import Put
    from judgefast.stats.replicates import Resampling
    from judgefast.stats.slices import JudgedItems

SCALES = {"option_flip_rate": (0.0, 1.0), "slot_bias": (-1.0, 1.0), "slot_gain": (-1.0, 1.0)}
"""Each mean, and what it can be."""


class PutQuestion(NamedTuple):
    """One question that was put with several orders of its options; shares are of 1."""

    flipped: float
    """Pairs of orders whose likeliest options differ."""
    bias: float
    """Mean probability of the option that stood first, above that of any of as many."""
    gain: float
    """Mean of what an option has more where it stands first than where it stands elsewhere; NaN
    where the same one stood first each time."""


class PutRows(NamedTuple):
    """The questions of a run that were answered. Columns of m rows."""

    item: NDArray[np.int64]
    times: NDArray[np.int64]
    """How often each was put, and answered."""
    flipped: NDArray[np.float64]
    """Of `PutQuestion`; NaN of a question whose options had one order. So are the two below."""
    bias: NDArray[np.float64]
    gain: NDArray[np.float64]


def put_question(puts: Sequence[Put]) -> PutQuestion | None:
    """Hold the answers to one question against each other; None where its options had one order.

    Args:
        puts: Each time that it was put, all with as many options; those without probabilities do
            not count.

    >>> from judgefast.engines.decisions.asked import Put
    >>> found = put_question([Put((0, 1), (0.7, 0.3)), Put((1, 0), (0.6, 0.4))])
    >>> found.flipped, round(found.bias, 6), round(found.gain, 6)
    (1.0, 0.15, 0.3)

    """
    answered = [put for put in puts if put.p]
    if len({put.order for put in answered}) <= 1:
        return None
    shares = np.zeros((len(answered), len(answered[0].order)))
    for row, put in enumerate(answered):
        shares[row, list(put.order)] = put.p
    chosen = shares.argmax(axis=1).tolist()
    pairs = list(combinations(chosen, 2))
    first = [put.order[0] for put in answered]
    gains = []
    for row, option in enumerate(first):
        elsewhere = [shares[at, option] for at, other in enumerate(first) if other != option]
        if elsewhere:
            gains.append(shares[row, option] - sum(elsewhere) / len(elsewhere))
    return PutQuestion(
        flipped=sum(one != other for one, other in pairs) / len(pairs),
        bias=float(np.mean([put.p[0] for put in answered])) - 1 / shares.shape[1],
        gain=float(np.mean(gains)) if gains else np.nan,
    )


def option_orders(  # noqa: PLR0913 - settings of the report, by keyword
    rows: PutRows,
    items: JudgedItems,
    *,
    level: float = LEVEL,
    resampling: Resampling | None = None,
    kinds: list[str] | None = None,
    models: dict[str, int] | None = None,
    confidence_server: float | None = None,
) -> OptionOrders:
    """Say what the order of options did; questions of one cluster move together.

    Args:
        rows: The questions that were answered.
        items: For the clusters.
        level: Confidence level of the intervals.
        resampling: Seed and number of replicates; None: analytic ends only.
        kinds: Of the questions.
        models: Requests by the model that answered.
        confidence_server: Mean of the server's own.

    Source:
        The receipt of orders in `docs/decision-endpoints.md`.

    """
    columns = (rows.flipped, rows.bias, rows.gain)
    parts = [
        _part(name, column, items.cluster_id64[rows.item])
        for name, column in zip(SCALES, columns, strict=True)
        if not np.isnan(column).all()
    ]
    found = {one.name: one.estimate(level) for one in measure_parts(parts, resampling)}
    often = np.bincount(rows.times)
    return OptionOrders(
        questions=len(rows.item),
        times={str(n): int(often[n]) for n in np.flatnonzero(often).tolist()},
        kinds=kinds or [],
        models=models or {},
        confidence_server=confidence_server,
        **found,
    )


def _part(name: str, column: NDArray[np.float64], cluster: NDArray[np.uint64]) -> SlicedRows:
    """A mean over the questions that have a value."""
    value = column[~np.isnan(column)]
    return SlicedRows(
        name,
        ["all"],
        cluster[~np.isnan(column)],
        np.rint(value * FIXED_ONE).astype(np.int64),
        np.ones(len(value), np.uint8),
        np.zeros(len(value), np.int64),
        scales=(SCALES[name],),
        binary=name == "option_flip_rate",
    )
