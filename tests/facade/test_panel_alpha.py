"""On which level of measurement the alpha of a panel is taken, who says so, and where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.published.replays import write_rubric

import judgefast
from judgefast.errors import ConfigError
from judgefast.reports.panel_text import render_panel

if TYPE_CHECKING:
    from pathlib import Path

SCORES = [(1, 2), (2, 2), (4, 5), (5, 5), (3, 1), (2, 3)]


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    """A rubric of scores from 1 to 5."""
    return write_rubric(tmp_path / "scores.toml", "scalar", 'name = "json"', scale=(1, 5))


def _judges(scores: list[tuple[float, float]]) -> list[dict[str, Any]]:
    return [
        {
            "name": "ab"[place],
            "engine": "replay",
            "recorded": [{"id": f"i{at}", "score": one[place]} for at, one in enumerate(scores)],
        }
        for place in range(2)
    ]


def _whole(rubric: Path) -> Path:
    """The rubric with whole scores alone."""
    rubric.write_text(rubric.read_text("utf-8").replace("integer = false", ""), encoding="utf-8")
    return rubric


def test_the_chosen_level_is_kept_and_said_wherever_the_figure_is(
    scores: Path, tmp_path: Path
) -> None:
    out = tmp_path / "p"
    panel = judgefast.run(judges=_judges(SCORES), rubric=_whole(scores), alpha="interval", out=out)
    by_default = judgefast.agree(panel.runs).report.agreement
    again = judgefast.Panel.open(out).report
    assert again.agreement is not None
    assert by_default is not None
    assert (by_default.scale, again.agreement.scale) == ("ordinal", "interval")
    assert by_default.alpha.value != again.agreement.alpha.value
    assert by_default.pairs == again.agreement.pairs
    shown = " ".join(render_panel(again).split())
    assert f"alpha {again.agreement.alpha.value:.3f} [" in shown
    assert "]  interval\nweighted" in render_panel(again)
    assert "Krippendorff's interval alpha of all judges is " in shown


def test_scores_of_which_one_is_no_step_are_measured_by_distance(
    scores: Path, tmp_path: Path
) -> None:
    runs = {
        judge["name"]: judgefast.run(
            repeats=2,
            engine="replay",
            recorded=[
                row | {"repeat": repeat, "score": row["score"] + (repeat if at == 1 else 0)}
                for at, row in enumerate(judge["recorded"])
                for repeat in range(2)
            ],
            rubric=_whole(scores),
            out=tmp_path / judge["name"],
        )
        for judge in _judges(SCORES)
    }
    for alpha, scale, of in (
        (None, "interval", "same and kappa"),
        ("ordinal", "ordinal", "same, kappa and alpha"),
    ):
        report = judgefast.agree(runs, alpha=alpha).report  # type: ignore[arg-type]  # of the words
        assert report.agreement is not None
        assert (report.agreement.scale, report.agreement.rounded) == (scale, 2)
        words = " ".join(render_panel(report).split())
        assert f"rounded 2 values to the nearest of the scale, for {of} " in words


def test_a_level_that_the_values_have_not_is_refused_before_anybody_is_asked(
    scores: Path, tmp_path: Path
) -> None:
    choice = write_rubric(
        tmp_path / "choice.toml",
        "choice",
        'name = "label"\nlabels = [{ text = "A", choice = 0 }, { text = "B", choice = 1 }]',
    )
    chosen = [
        {"name": name, "engine": "replay", "recorded": [{"id": "i", "shown": [0, 1], "text": "A"}]}
        for name in "ab"
    ]
    scored = _judges(SCORES)
    for judges, rubric, alpha, words in (
        (scored, scores, "nominal", "`alpha` is nominal, and scores of `quality` are any number"),
        (scored, scores, "ordinl", "`alpha` is 'ordinl'; it must be nominal, ordinal or interval"),
        (chosen, choice, "ordinal", "answers of which one is chosen have no order"),
    ):
        with pytest.raises(ConfigError, match=words):
            judgefast.run(judges=judges, rubric=rubric, alpha=alpha, out=tmp_path / "none")  # type: ignore[arg-type]  # what is refused
    assert not (tmp_path / "none").exists()
