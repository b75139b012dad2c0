"""Rubrics that no join could set side by side are refused before the first judge is paid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

import judgefast
from judgefast.errors import ConfigError
from tests.prompts.aspects import on_scales
from tests.recorded import answered_once

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ROWS = answered_once(3)
OF_THREE = "aspects-1-5"
THREE = ("correctness", "completeness", "clarity")


def _rubric(folder: Path, name: str, **highest: int) -> str:
    """Some aspects, each from 1 to its own end."""
    scales = {aspect: f"{{low = 1, high = {end}}}" for aspect, end in highest.items()}
    return on_scales(folder / f"{name}.toml", **scales)


def _said(aspects: Sequence[str]) -> list[dict[str, Any]]:
    keys = [{"aspect": one} for one in aspects] or [{}]
    return [{"id": row["id"], "text": "4"} | key for row in ROWS for key in keys]


def _refused(folder: Path, **rubrics: str) -> ConfigError:
    judges = [
        {"name": name, "engine": "replay", "rubric": rubric, "recorded": _said([])}
        for name, rubric in rubrics.items()
    ]
    with pytest.raises(ConfigError) as caught:
        judgefast.run(ROWS, judges=judges, out=folder / "p")
    assert not (folder / "p" / "judges").exists()
    return caught.value


def test_a_judge_without_an_aspect_of_the_others_is_refused_before_it_is_paid(
    tmp_path: Path,
) -> None:
    error = _refused(tmp_path, one=OF_THREE, other="scalar-1-5")
    assert str(error) == (
        "judge `one` has no aspect in common with another judge: it has `correctness`, "
        "`completeness`, `clarity`, the others `quality`"
    )
    assert "joined by their names" in str(error.hint)


def test_an_aspect_on_two_scales_is_refused_whichever_judges_have_it(tmp_path: Path) -> None:
    one, other = (
        _rubric(tmp_path, name, **scales)
        for name, scales in (("one", {"x": 5, "y": 10}), ("other", {"x": 10, "y": 5}))
    )
    error = _refused(tmp_path, a=one, b=other)
    assert "judges `a` and `b` give other kinds" in str(error)
    assert "scale of `x`: 1 to 5 -> 1 to 10; scale of `y`: 1 to 10 -> 1 to 5" in str(error)
    first, second, third = (
        _rubric(tmp_path, name, **scales)
        for name, scales in (
            ("first", {"x": 5, "w": 10}),
            ("second", {"x": 5, "z": 10}),
            ("third", {"w": 10, "z": 5}),
        )
    )
    error = _refused(tmp_path, a=first, b=second, c=third)
    assert "judges `b` and `c` give other kinds" in str(error)
    error = _refused(tmp_path, a="scalar-1-5", b="pairwise")
    assert "judges `a` and `b` give other kinds of outcomes: mode: scalar -> pairwise" in str(error)


def test_finished_runs_without_an_aspect_in_common_are_told_so(tmp_path: Path) -> None:
    for rubric, aspects in ((OF_THREE, THREE), ("scalar-1-5", ())):
        judgefast.run(
            ROWS, recorded=_said(aspects), out=tmp_path / rubric, rubric=rubric, engine="replay"
        )
    words = f"`{tmp_path / OF_THREE}` has no aspect in common with another judge"
    with pytest.raises(ConfigError, match=re.escape(words)):
        judgefast.agree([tmp_path / OF_THREE, tmp_path / "scalar-1-5"])


def test_judges_of_other_aspects_are_told_that_their_overall_is_another_thing(
    tmp_path: Path,
) -> None:
    rubrics = {"a": ("x", "y"), "b": ("z", "x")}
    judges = [
        {
            "name": name,
            "engine": "replay",
            "rubric": _rubric(tmp_path, name, **dict.fromkeys(aspects, 5)),
            "recorded": [
                {"id": row["id"], "aspect": aspect, "text": '{"score": 4}'}
                for row in ROWS
                for aspect in aspects
            ],
        }
        for name, aspects in rubrics.items()
    ]
    report = judgefast.run(ROWS, judges=judges, out=tmp_path / "p").report
    assert list(report.agreement_by_aspect) == ["aspect=x"]
    assert report.findings[0] == (
        "overall is not of the same aspects by each judge: a of x, y; b of x, z. These figures are "
        "not to be compared, and there is none of what the judges say together."
    )
    assert report.findings[1:3] == [
        "y is judged by a alone, and nobody can agree with it there.",
        "z is judged by b alone, and nobody can agree with it there.",
    ]
    assert [row.headline and row.headline.value for row in report.together] == [None, None]
