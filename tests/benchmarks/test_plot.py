"""Throughput over time as a picture."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.image import imread

from judgefast.benchmarks.plot import (
    _COLOURS,
    Curve,
    check_plot,
    curve_of,
    nice_step,
    svg,
    write_plot,
)
from judgefast.errors import ConfigError

from .made_records import RECORD, SAMPLE
from .test_bench import bench

if TYPE_CHECKING:
    from pathlib import Path

    from .paced_engine import PacedEngine

SVG = "{http://www.w3.org/2000/svg}"


def test_a_curve_is_judgments_by_second_in_each_slice() -> None:
    sample = msgspec.structs.replace(SAMPLE, series=[(2.0, 4, 0), (3.0, 5, 0), (7.0, 0, 0)])
    assert curve_of(sample, 2) == Curve("run 2", [2.0, 3.0, 7.0], [2.0, 5.0, 0.0])


def test_every_run_is_a_line_that_ends_where_its_run_ends(
    paced: list[PacedEngine], tmp_path: Path
) -> None:
    record = bench("one-token", items=10, scale=0.02, repeats=2)
    write_plot(record, tmp_path / "over-time.svg")
    picture = ET.parse(tmp_path / "over-time.svg").getroot()  # noqa: S314 - our own
    lines = [path.get("d") or "" for path in picture.iter(f"{SVG}path") if path.get("fill")]
    assert len(lines) == 2
    longest = max(range(2), key=lambda n: record.samples[n].series[-1][0])
    assert lines[longest].endswith("H740.0")
    assert [line.count("H") for line in lines] == [len(s.series) for s in record.samples]
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert {"one-token on paced, paced-judge", "seconds", "judgments/s", "run 2"} <= {*texts}


def test_nothing_of_a_name_is_markup() -> None:
    picture = ET.fromstring(svg('<b>&"', []))  # noqa: S314 - our own
    assert picture.find(f"{SVG}b") is None


@settings(max_examples=60, deadline=None)
@given(st.floats(1e-6, 1e9))
def test_ticks_are_round_and_a_few(most: float) -> None:
    step = nice_step(most)
    assert 2 <= most / step <= 5.0000001
    assert re.fullmatch(r"(1|2|2\.5|5)(\.0+)?e[+-]\d+", f"{step:.6e}".replace("500000", "5"))


@pytest.mark.parametrize(
    ("name", "words"), [("x.gif", "`x.gif` is no kind of picture"), ("x", "`x` is no kind of")]
)
def test_another_kind_of_picture_is_refused(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words.split("`")[2]) as error:
        check_plot(tmp_path / name)
    assert error.value.hint == "name a file that ends in .svg or .png"


def test_a_png_shows_the_runs_in_their_colours(tmp_path: Path) -> None:
    slices = [(float(second), 40, 0) for second in range(1, 20)]
    samples = [msgspec.structs.replace(SAMPLE, series=slices) for _ in range(2)]
    write_plot(msgspec.structs.replace(RECORD, samples=samples), tmp_path / "x.png")
    drawn = {f"#{r:02x}{g:02x}{b:02x}" for r, g, b in pixels(imread(tmp_path / "x.png"))}
    assert {*_COLOURS[:2]} <= drawn
    assert _COLOURS[2] not in drawn


def pixels(picture: Any) -> set[tuple[int, int, int]]:
    """Colours of a picture, of numbers from 0 to 1. Shape (height, width, 4)."""
    whole = (picture[..., :3] * 255).round().astype(int).reshape(-1, 3)
    return {tuple(map(int, one)) for one in set(map(tuple, whole.tolist()))}


def test_png_without_its_library_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgefast.benchmarks.plot.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="needs `matplotlib`, which is not installed") as error:
        write_plot(RECORD, tmp_path / "x.png")
    assert "pip install 'judgefast[plots]'" in str(error.value.hint)
