"""Panels of scores on other scales than 1 to 5, and of aspects with a scale each."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.prompts.aspects import on_scales
from tests.recorded import answered_once, replayed

import judgefast
from judgefast.pipeline.panel_results import verdicts_of
from judgefast.pipeline.panel_rows import disagreement_batches
from judgefast.pipeline.panel_scales import categories_of
from judgefast.prompts.verdict_format import VerdictFormat, VerdictLabel
from judgefast.reports.panel_text import render_panel
from judgefast.stats.votes import LEVELS

ASPECTS = ("small", "large")


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> judgefast.Panel:
    """Two judges half of the small scale apart, and a fiftieth of the large one."""
    folder = tmp_path_factory.mktemp("scales")
    rubric = on_scales(
        folder / "scales.toml",
        small="{low = 0, high = 1, integer = false}",
        large="{low = 0, high = 100}",
    )
    rows = answered_once(4)

    def judge(name: str, *scores: float) -> dict[str, Any]:
        said = [
            {"id": row["id"], "aspect": aspect, "text": json.dumps({"score": score, "why": name})}
            for row in rows
            for aspect, score in zip(ASPECTS, scores, strict=True)
        ]
        return replayed(name, said)

    return judgefast.run(
        rows,
        judges=[judge("a", 0.2, 40), judge("b", 0.7, 42)],
        rubric=rubric,
        out=folder / "p",
    )


def test_what_is_far_apart_hangs_on_the_range_of_the_aspects_scale(panel: judgefast.Panel) -> None:
    """On 0 to 1 a half apart is low, and on 0 to 100 two points are high."""
    scales = {aspect: one.scale for aspect, one in panel.report.agreement_by_aspect.items()}
    assert scales == {"aspect=small": "interval", "aspect=large": "ordinal"}
    levels = {(row["aspect"], row["level"]) for row in panel.table("panel").to_pylist()}
    assert levels == {("small", "low"), ("large", "high")}
    text = " ".join(render_panel(panel.report).split())
    assert "below 1/8 of the scale's range high, below 1/4 medium, else low" in text


def test_an_aspect_is_measured_on_its_own_scale_alone(panel: judgefast.Panel) -> None:
    """0.2 and 0.7 are no 0 and 1 of the other aspect: any share is a value, and hardly meets."""
    found = panel.report.agreement_by_aspect
    (small,), (large,) = (found[f"aspect={name}"].pairs for name in ASPECTS)
    assert (small.percent, small.chance, small.base_rates) == (None, None, {})
    assert large.percent is not None
    assert [*large.base_rates["a"]] == [str(step) for step in range(101)]
    joined = panel._read().joined
    one, other = joined.verdicts[joined.aspect == 0], joined.verdicts[joined.aspect == 1]
    same = joined._replace(verdicts=np.where(joined.aspect[:, None] == 0, 0.2, 40.0))
    together = verdicts_of(same)
    assert np.isnan(together.value[joined.aspect == 0]).all()  # that two numbers meet is chance
    assert set(together.value[joined.aspect == 1].tolist()) == {40}
    assert not together.is_tied.any()
    assert [row.name for row in panel.report.together] == ["mean"]
    assert sorted({*one.ravel(), *other.ravel()}) == pytest.approx([0.2, 0.7, 40, 42])


def test_scores_of_labels_are_steps_as_outcomes_hold_them(panel: judgefast.Panel) -> None:
    """A label of 0.2 is no value between two steps since a value is kept as a multiple of 2^-24."""
    labels = tuple(VerdictLabel(text=f"word{score}", score=score) for score in (0.2, 0.7))
    joined = panel._read().joined
    readings = []
    for reading in joined.readings:
        rubric = reading.rubric
        forms = (VerdictFormat(name="label", labels=labels), rubric.verdicts[1])
        readings.append(reading._replace(rubric=msgspec.structs.replace(rubric, verdicts=forms)))
    rows = joined.aspect == 0
    steps, names = categories_of(joined._replace(readings=readings), 0, joined.verdicts[rows])
    assert names is None
    assert set(joined.verdicts[rows].ravel().tolist()) == set(steps or ())


def test_words_and_reasons_are_by_the_form_of_the_units_aspect(panel: judgefast.Panel) -> None:
    joined = panel._read().joined
    labels = [VerdictLabel(text=f"word{score}", score=score) for score in (0.2, 0.7, 40.0, 42.0)]
    plain = joined.readings[0].rubric.verdicts[0]
    plain = msgspec.structs.replace(plain, low=0, high=100)
    worded = VerdictFormat(name="json", labels=tuple(labels), reason_field="why")
    for forms, expected in (
        ((plain, worded), {"small": ("0.2", None), "large": ("word40.0", "a")}),
        ((worded, plain), {"small": ("word0.2", "a"), "large": ("40", None)}),
    ):
        readings = [
            reading._replace(rubric=msgspec.structs.replace(reading.rubric, verdicts=forms))
            for reading in joined.readings
        ]
        other = joined._replace(readings=readings)
        verdicts = verdicts_of(joined)
        every = verdicts._replace(level=np.full_like(verdicts.level, LEVELS.index("low")))
        [batch] = disagreement_batches(other, every)
        rows = batch.to_pylist()
        assert len(rows) == 8
        for row in rows:
            word, reason = expected[row["aspect"]]
            assert row["a_verdict"] == word
            assert row["a_reason"] == (reason or f'{{"score": {word}, "why": "a"}}')
