"""Agreement of several judges comes out as it was published."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

import judgefast
from judgefast.reports.panel_text import render_panel
from judgefast.stats.agreement import agreement_of
from judgefast.stats.alpha import alpha_of
from judgefast.stats.votes import LEVELS, levels_of, majority

from .judges import against_gold, expected, pandalm, rag9, rated
from .replays import rows_of, write_rubric

if TYPE_CHECKING:
    from pathlib import Path


def test_pandalm_annotators_and_their_majority(shared: Path) -> None:
    published, ratings = expected(shared, "pandalm"), pandalm(shared)
    people = ratings._replace(values=ratings.values[:, :3], judges=ratings.judges[:3])
    found = agreement_of(people)
    for pair in found.pairs:
        assert pair.kappa is not None
        assert pair.kappa.value == pytest.approx(
            published["cohen_kappa"][f"{pair.a}-{pair.b}"], abs=1e-13
        )
        printed = published["cohen_kappa_published"][f"{pair.a}-{pair.b}"]
        assert round(pair.kappa.value, 2) == printed
    # Fleiss' kappa lacks alpha's factor for small samples.
    assert found.alpha.value is not None
    fleiss = 1 - (1 - found.alpha.value) * 2997 / 2996
    assert fleiss == pytest.approx(published["fleiss_kappa"], abs=1e-13)
    votes = majority(people.values)
    counts = Counter(f"{one:g}" for one in votes.value)
    assert counts == published["majority_distribution_published"]
    assert not votes.is_tie.any()
    levels = Counter(LEVELS[code] for code in levels_of(people.values, "choice"))
    assert levels == {"high": 879, "low": 120}
    assert found.all_agree is not None
    assert found.all_agree.value == 879 / 999
    judge = against_gold(ratings.values[:, 3].tolist(), votes.value.tolist())
    for name, figure in published["pandalm_7b_published"].items():
        assert round(judge[name], 4) == figure


@pytest.mark.parametrize(("source", "most"), [("newsroom", 5), ("recipe", 6)])
def test_alphas_of_peoples_ratings(source: str, most: int, shared: Path) -> None:
    for metric, published in expected(shared, "krippendorff")[source].items():
        ratings = rated(shared, source, metric, most)
        found = alpha_of(ratings)
        assert ratings.scale == published["level"]
        assert found.value == pytest.approx(published["alpha"], abs=1e-13)
        assert found.outcomes == published["items"]


def test_alphas_of_peoples_ratings_are_those_of_a_panel_too(shared: Path, tmp_path: Path) -> None:
    """What the report prints of three raters is what was published of them, and says its level."""
    every = expected(shared, "krippendorff")["newsroom"]
    published = {metric: every[metric] for metric in ("Informativeness", "Fluency")}
    rows = rows_of(shared / "data/agreement/newsroom_ratings.jsonl")
    aspects = "".join(
        f'[[aspects]]\nname = "{metric}"\ncriterion = "{metric}"\nscale = {{low = 1, high = 5}}\n'
        for metric in published
    )
    rubric = write_rubric(tmp_path / "news.toml", "scalar", 'name = "json"', scale=(1, 5))
    of_one = rubric.read_text("utf-8").replace("[End]", "{criterion}\n[End]")
    before, after = of_one.index("[[aspects]]"), of_one.index("[template]")
    rubric.write_text(of_one[:before] + aspects + of_one[after:], encoding="utf-8")
    panel = judgefast.run(
        judges=[
            {
                "name": f"person-{place}",
                "engine": "replay",
                "recorded": [
                    {
                        "id": str(row["item"]),
                        "aspect": row["metric"],
                        "score": row["ratings"][place],
                    }
                    for row in rows
                    if row["metric"] in published
                ],
            }
            for place in range(3)
        ],
        rubric=rubric,
        out=tmp_path / "panel",
    )
    found = panel.report.agreement_by_aspect
    assert {name.removeprefix("aspect=") for name in found} == {*published}
    shown = render_panel(panel.report)
    for metric, figures in published.items():
        agreement = found[f"aspect={metric}"]
        assert agreement.scale == figures["level"] == "ordinal"
        assert agreement.alpha.value == pytest.approx(figures["alpha"], abs=1e-13)
        assert agreement.units == figures["items"]
        assert re.search(rf"alpha +{figures['alpha']:.3f} \[.*\]  ordinal\n", shown)


def test_the_matrix_of_nine_judges_of_passages(shared: Path) -> None:
    published = expected(shared, "rag9")["kappa_matrix"]
    pairs = agreement_of(rag9(shared)).pairs
    assert len(pairs) == 36
    for pair in pairs:
        assert pair.kappa_quadratic is not None
        assert pair.kappa_quadratic.value is not None
        assert round(pair.kappa_quadratic.value, 4) == published[pair.a][pair.b]
    assert min(pair.units for pair in pairs) < 570
