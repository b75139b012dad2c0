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
from judgefast.stats.joint import SlicedRows, measure_shards
from judgefast.stats.option_bias import OptionOrders
from judgefast.stats.rules import LEVEL
from judgefast.stats.shards import Shards

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from judgefast.stats.replicates import Resampling
    from judgefast.stats.slices import JudgedItems

SCALES = {"option_flip_rate": (0.0, 1.0), "slot_bias": (-1.0, 1.0), "slot_gain": (-1.0, 1.0)}
"""Each mean, and what it can be."""


class PutRows(NamedTuple):
    """The questions of a run that were put with several orders of their options. m rows."""

    item: NDArray[np.uint32]
    flipped: NDArray[np.float32]
    """Share of the pairs of orders whose likeliest options differ."""
    bias: NDArray[np.float32]
    """Mean probability of the option that stood first, above that of any of as many."""
    gain: NDArray[np.float32]
    """Mean of what an option has more where it stands first than where it stands elsewhere; NaN
    where the same one stood first each time."""
    times: NDArray[np.int64]
    """Questions by how often each was put and answered, those with one order among them."""


def put_questions(
    orders: Sequence[tuple[int, ...]], p: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Hold the answers to questions against each other that were put in the same orders.

    Args:
        orders: Of n options: which stood where, each time; at least two of them differ.
        p: By question, time, and place on the wire. Shape (m, times, n).

    Returns:
        `flipped`, `bias` and `gain` of `PutRows`, m of each.

    >>> p = np.array([[[0.7, 0.3], [0.6, 0.4]]])
    >>> [np.round(each, 6).tolist() for each in put_questions([(0, 1), (1, 0)], p)]
    [[1.0], [0.15], [0.3]]

    """
    shares = np.empty_like(p)
    for time, order in enumerate(orders):
        shares[:, time, order] = p[:, time]
    chosen = shares.argmax(axis=2)
    pairs = list(combinations(range(len(orders)), 2))
    flips = sum((chosen[:, one] != chosen[:, other]).astype(np.float64) for one, other in pairs)
    first = [order[0] for order in orders]
    gains = []
    for time, option in enumerate(first):
        elsewhere = [at for at, other in enumerate(first) if other != option]
        if elsewhere:
            gains.append(p[:, time, 0] - shares[:, elsewhere, option].mean(axis=1))
    return (
        np.asarray(flips / len(pairs)),
        p[:, :, 0].mean(axis=1) - 1 / p.shape[2],
        np.mean(gains, axis=0) if gains else np.full(len(p), np.nan),
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
        rows: The questions that were answered. They are measured in parts of bounded size.
        items: For the clusters.
        level: Confidence level of the intervals.
        resampling: Seed and number of replicates; None: analytic ends only.
        kinds: Of the questions.
        models: Requests by the model that answered.
        confidence_server: Mean of the server's own.

    Source:
        The receipt of orders in `docs/decision-endpoints.md`.

    """
    columns = {"option_flip_rate": rows.flipped, "slot_bias": rows.bias, "slot_gain": rows.gain}
    known = {name: column for name, column in columns.items() if not np.isnan(column).all()}
    shards = Shards(items.cluster_id64, len(rows.item))

    def parts_of(shard: int) -> Iterator[SlicedRows]:
        chosen = shards.rows(shard, rows.item)
        cluster = items.cluster_id64[rows.item[chosen]]
        for name, column in known.items():
            yield _part(name, column[chosen], cluster)

    measured = measure_shards(parts_of, shards.number, resampling) if known else []
    return OptionOrders(
        questions=int(rows.times.sum()),
        times={str(n): int(rows.times[n]) for n in np.flatnonzero(rows.times).tolist()},
        kinds=kinds or [],
        models=models or {},
        confidence_server=confidence_server,
        **{one.name: one.estimate(level) for one in measured},
    )


def _part(name: str, column: NDArray[np.float32], cluster: NDArray[np.uint64]) -> SlicedRows:
    """A mean over the questions that have a value."""
    value = column[~np.isnan(column)].astype(np.float64)
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
