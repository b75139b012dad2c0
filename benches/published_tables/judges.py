"""Agreement of several judges: PandaLM's people, ratings of two data sets, nine judges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benches.published_tables.cells import figure, head, near, percent, row, same
from tests.published.judges import expected, pandalm, rag9, rated

from judgefast.stats.agreement import agreement_of
from judgefast.stats.alpha import alpha_of
from judgefast.stats.rules import LEVEL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from judgefast.stats.agreed import PairAgreement
    from judgefast.stats.estimate import Estimate

MOST = {"newsroom": 5, "recipe": 6}
"""Highest rating of each source."""


def judges_rows(shared: Path) -> Iterator[str]:
    """The table of people, then that of nine judges."""
    yield from head("source", "coefficient", "units", "published", "ours")
    yield from _pandalm_rows(shared)
    for source, metrics in expected(shared, "krippendorff").items():
        for metric, published in metrics.items():
            found = alpha_of(rated(shared, source, metric, MOST[source])).estimate(LEVEL)
            near((source, metric), "alpha", found.value or 0.0, published["alpha"])
            given = f"{published['alpha']:.4f}"
            yield row(_cells(f"{source}, {metric}", "alpha, ordinal", found, given))
    yield ""
    yield from head("two of nine judges", "units", "published", "ours", "agree", "by chance")
    yield from _rag9_rows(shared)


def _pandalm_rows(shared: Path) -> Iterator[str]:
    published, ratings = expected(shared, "pandalm"), pandalm(shared)
    people = ratings._replace(values=ratings.values[:, :3], judges=ratings.judges[:3])
    found = agreement_of(people)
    for pair in found.pairs:
        kappa = _known(pair.kappa)
        name = f"{pair.a}-{pair.b}"
        near(("pandalm", name), "kappa", kappa.value or 0.0, published["cohen_kappa"][name])
        printed = published["cohen_kappa_published"][name]
        same(("pandalm", name), "kappa", round(kappa.value or 0.0, 2), printed)
        words = f"kappa of people {pair.a} and {pair.b}"
        yield row(_cells("PandaLM", words, kappa, f"{printed:.2f}"))
    yield row(_cells("PandaLM", "alpha of the three, nominal", found.alpha, "none"))


def _rag9_rows(shared: Path) -> Iterator[str]:
    published = expected(shared, "rag9")["kappa_matrix"]
    for pair in _from_lowest(agreement_of(rag9(shared)).pairs):
        kappa, given = _known(pair.kappa_quadratic), published[pair.a][pair.b]
        same((pair.a, pair.b), "kappa", round(kappa.value or 0.0, 4), given)
        names = " and ".join(_short(one) for one in (pair.a, pair.b))
        yield row(
            [
                names,
                str(pair.units),
                f"{given:.4f}",
                figure(kappa, digits=4),
                percent(_known(pair.percent)),
                f"{100 * (pair.chance or 0):.1f}",
            ]
        )


def _from_lowest(pairs: list[PairAgreement]) -> list[PairAgreement]:
    return sorted(pairs, key=lambda pair: _known(pair.kappa_quadratic).value or 0.0)


def _cells(source: str, words: str, found: Estimate, published: str) -> list[str]:
    digits = 2 if len(published) <= len("0.85") else 4
    return [source, words, f"{found.outcomes:,}", published, figure(found, digits=digits)]


def _known(one: Estimate | None) -> Estimate:
    assert one is not None
    return one


def _short(judge: str) -> str:
    return judge.partition(" (")[0]
