"""How far several judges agree, beside what they would agree on by chance.

Formulas, sources and how often the intervals hold: `docs/statistics.md`, section "Agreement".
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from judgefast.codes import FIXED_ONE
from judgefast.stats.agreed import Agreement, PairAgreement
from judgefast.stats.agreement_words import agreement_findings
from judgefast.stats.alpha import alpha_of
from judgefast.stats.joint import SlicedRows, measure_shards
from judgefast.stats.kappa import WEIGHTS, chance_of, kappa_of, margins, pair_counts
from judgefast.stats.left_out import groups_of
from judgefast.stats.replicates import Resampling
from judgefast.stats.rules import LEVEL
from judgefast.stats.shards import Shards
from judgefast.stats.slice_names import slice_part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from judgefast.codes import AlphaScale
    from judgefast.stats.estimate import Estimate
    from judgefast.stats.kappa import Name
    from judgefast.stats.left_out import Groups
    from judgefast.stats.ratings import Ratings

    Codes = NDArray[np.int32]
    """Of the categories, -1 where a judge gave none. Shape (units, judges)."""


def agreement_of(
    ratings: Ratings, *, alpha: AlphaScale | None = None, level: float = LEVEL, seed: int = 0
) -> Agreement:
    """Measure the agreement of each two judges, and of all.

    The same numbers whatever the order of the units. What cannot be told from chance is undefined:
    where all judges give one and the same value, kappa and alpha have no value, not 1.

    Args:
        ratings: What the judges gave; at least two of them.
        alpha: Scale that alpha is of; that of the ratings by default. On one without distances a
            value between two categories is the nearest, as for shares and kappas.
        level: Confidence level, in (0, 1).
        seed: Of what is resampled: shares over clusters of several units.

    Raises:
        ColumnError: Ratings that do not fit together; or `alpha` needs categories, and there are
            none.
        ConfigError: `level` is not inside (0, 1), or `seed` not 0 to 2^64 - 1.

    """
    ratings.check()
    of_all, rounded = ratings if alpha is None else ratings.on(alpha), ratings.rounded
    coefficient = alpha_of(of_all).estimate(level)
    codes = None if ratings.categories is None else ratings.codes()
    pairs: list[PairAgreement]
    if codes is None:
        pairs, all_agree = [_without_categories(ratings, pair) for pair in _pairs(ratings)], None
    else:
        *percents, all_agree = _shares(ratings, codes, level, seed)
        groups = groups_of(ratings.clusters, 2 * len(ratings.called))
        pairs = [
            _pair_of(ratings, codes, groups, pair, percent=percent)
            for pair, percent in zip(_pairs(ratings), percents, strict=True)
        ]
    return Agreement(
        judges=list(ratings.judges),
        scale=of_all.scale,
        units=len(ratings.values),
        rounded=rounded,
        pairs=pairs,
        alpha=coefficient,
        all_agree=all_agree,
        findings=agreement_findings(
            pairs,
            coefficient,
            scale=of_all.scale,
            rounded=rounded,
            values=int((~np.isnan(ratings.values)).sum()),
        ),
    )


def _pairs(ratings: Ratings) -> Iterator[tuple[int, int]]:
    return combinations(range(len(ratings.judges)), 2)


def _slice(ratings: Ratings, pair: tuple[int, int]) -> str:
    a, b = (ratings.judges[one] for one in pair)
    return f"{slice_part('judge', a)} {slice_part('with', b)}"


def _without_categories(ratings: Ratings, pair: tuple[int, int]) -> PairAgreement:
    both = ~np.isnan(ratings.values[:, pair]).any(axis=1)
    return PairAgreement(
        a=ratings.judges[pair[0]],
        b=ratings.judges[pair[1]],
        units=int(both.sum()),
        missing=int((~both).sum()),
        percent=None,
        chance=None,
        base_rates={},
        kappa=None,
        kappa_linear=None,
        kappa_quadratic=None,
    )


def _pair_of(
    ratings: Ratings,
    codes: Codes,
    groups: Groups,
    pair: tuple[int, int],
    *,
    percent: Estimate,
) -> PairAgreement:
    a, b = codes[:, pair[0]], codes[:, pair[1]]
    both = (a >= 0) & (b >= 0)
    of_clusters = groups.touched(both), groups.touched(both & (a != b))
    in_group = groups.of_unit[both]
    counts = pair_counts(a[both], b[both], in_group, groups.number, len(ratings.called))
    rows, columns = margins(counts)
    units = int(both.sum())
    missing = len(both) - units

    def kappa(name: Name) -> Estimate:
        found = kappa_of(
            name, _slice(ratings, pair), counts, missing=missing, of_clusters=of_clusters
        )
        return found.estimate(percent.level)

    is_ordered = ratings.scale != "nominal"
    first, second = (ratings.judges[one] for one in pair)
    return PairAgreement(
        a=first,
        b=second,
        units=units,
        missing=missing,
        percent=percent,
        chance=chance_of(counts),
        base_rates={
            judge: {
                name: number / max(units, 1)
                for name, number in zip(ratings.called, numbers.tolist(), strict=True)
            }
            for judge, numbers in ((first, rows), (second, columns))
        },
        kappa=kappa(WEIGHTS[0]),
        kappa_linear=kappa(WEIGHTS[1]) if is_ordered else None,
        kappa_quadratic=kappa(WEIGHTS[2]) if is_ordered else None,
    )


def _shares(ratings: Ratings, codes: Codes, level: float, seed: int) -> list[Estimate]:
    """How often each two judges agree, and then all of them, by the published rule for shares."""
    shards = Shards(ratings.clusters, codes.size)
    unit = np.arange(len(codes), dtype=np.uint32)

    def parts_of(shard: int) -> Iterator[SlicedRows]:
        rows = shards.rows(shard, unit)
        clusters, some = ratings.clusters[rows], codes[rows]
        for pair in _pairs(ratings):
            a, b = some[:, pair[0]], some[:, pair[1]]
            has_both = (a >= 0) & (b >= 0)
            yield _rows("percent_agreement", _slice(ratings, pair), clusters, a == b, has_both)
        highest = some.max(axis=1, initial=-1)
        same = ((some == highest[:, None]) | (some < 0)).all(axis=1)
        yield _rows("all_agree", "all", clusters, same, (some >= 0).sum(axis=1) > 1)

    measured = measure_shards(parts_of, shards.number, Resampling(seed))
    return [one.estimate(level) for one in measured]


def _rows(
    name: str,
    slice_name: str,
    clusters: NDArray[np.uint64],
    agree: NDArray[np.bool_],
    is_known: NDArray[np.bool_],
) -> SlicedRows:
    return SlicedRows(
        name,
        [slice_name],
        clusters,
        agree.astype(np.int64) * FIXED_ONE,
        is_known.astype(np.uint8),
        np.zeros(len(clusters), np.int64),
    )
