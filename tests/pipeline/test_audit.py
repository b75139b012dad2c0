"""What `judgefast parse` counts and estimates, on files of a few rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.errors import ConfigError, DataError
from judgefast.pipeline.audit import audit
from judgefast.prompts.builtin import load_rubric

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from judgefast.reports.readings import Audit

FORM = '[verdict]\nname = "json"\n\n'
DEGREES = """[verdict]
name = "regex"
which = "last"
labels = [
  { text = "much", choice = "first" },
  { text = "little", choice = "first", strength = 0.75 },
  { text = "B", choice = "second", strength = 0.25 },
]
patterns = [{ regex = "(much|little|B)" }]

"""


def read(
    tmp_path: Path,
    rows: Sequence[dict[str, Any]],
    *,
    rubric: str = "scalar-1-5",
    form: str | None = None,
    level: float = 0.95,
) -> Audit:
    """Read rows by a shipped rubric, with another format if one is given."""
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    if form is not None:
        source = load_rubric(rubric).source
        start, end = source.index("[verdict]"), source.index("[decoding]")
        (tmp_path / "mine.toml").write_text(source[:start] + form + source[end:], encoding="utf-8")
        rubric = str(tmp_path / "mine.toml")
    return audit(
        [str(data)], rubric=rubric, mapping={}, skip_bad=False, level=level, max_row_bytes=1 << 20
    )


def scored(*scores: object) -> list[dict[str, Any]]:
    return [{"text": json.dumps({"score": score})} for score in scores]


def test_a_refused_output_is_not_one_that_was_repaired(tmp_path: Path) -> None:
    rows = [{"text": "{'score': 2}", "finish_reason": why} for why in ("stop", "content_filter")]
    strict, lenient = read(tmp_path, rows, form=FORM).readings
    assert (lenient.repaired, lenient.parsed) == (1, 1)
    assert strict.unparsed == {"malformed": 1, "refused": 1}


def test_what_changes_most_often_comes_first(tmp_path: Path) -> None:
    rows = [{"text": f"{{'score': {score}}}"} for score in (1, 2, 2, 2, 3, 3)]
    _, lenient = read(tmp_path, rows + scored(4, 4, 4, 4), form=FORM).readings
    assert lenient.changed == 6
    assert [(one.after, one.count) for one in lenient.changes] == [("2", 3), ("3", 2), ("1", 1)]


def test_the_way_that_the_rubric_reads_comes_first(tmp_path: Path) -> None:
    found = read(tmp_path, scored(4), form=FORM.replace("\n\n", "\nlenient = true\n\n"))
    assert [one.name for one in found.readings] == ["lenient", "strict"]
    found = read(tmp_path, [{"text": "B"}], rubric="pairwise", form=DEGREES)
    names = [one.name for one in found.readings]
    assert names[0] == "which=last"
    assert len(names) == len(set(names)) > 2


def test_of_so_many_outcomes_examples_are_kept_and_of_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgefast.pipeline.audit.MOST_OUTCOMES", 2)
    found = read(tmp_path, scored(1, 2, 3, 4, 4), form=FORM)
    assert [one.count for one in found.outcomes] == [2, 1, 1, 1]
    assert sum(bool(one.examples) for one in found.outcomes) == 2


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_level_that_is_none_is_refused(level: float, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`level` is"):
        read(tmp_path, scored(1), level=level)


def test_rows_without_an_id_are_outcomes_of_their_own(tmp_path: Path) -> None:
    rows = [*scored(*[5] * 9, 4), {"text": "no"}]
    (mean,) = read(tmp_path, rows, form=FORM).readings[0].estimates
    assert (mean.name, mean.clusters, mean.missing) == ("mean", 10, 1)
    assert mean.method == "cluster-t"
    assert mean.high == 5.0, "ends stay on the scale"
    passes = [{"text": "10"[place % 2]} for place in range(30)]
    (rate,) = read(tmp_path, passes, rubric="binary").readings[0].estimates
    assert (rate.name, rate.clusters, rate.method) == ("pass_rate", 30, "wilson")


def test_rows_with_an_id_are_clusters_by_it(tmp_path: Path) -> None:
    rows = [row | {"id": f"i{place // 2}"} for place, row in enumerate(scored(1, 2, 5, 4, 3, 3))]
    rows.append({"text": "{'score': 3}", "id": "i3"})
    strict, lenient = (one.estimates[0] for one in read(tmp_path, rows, form=FORM).readings)
    assert (strict.clusters, strict.outcomes, strict.missing) == (3, 6, 1)
    assert (lenient.clusters, lenient.outcomes, lenient.missing) == (4, 7, 0)


def in_pairs(texts: Sequence[str], **more: Any) -> list[dict[str, Any]]:
    """Both orders of an item for every two texts."""
    return [
        {"id": f"i{place // 2}", "order": ("ab", "ba")[place % 2], "text": text}
        | {name: of(place) for name, of in more.items()}
        for place, text in enumerate(texts)
    ]


def test_pairs_count_by_degree_and_by_question(tmp_path: Path) -> None:
    rows = in_pairs(["little", "B"] * 6, cluster=lambda place: f"q{place // 4}")
    found = read(tmp_path, rows, rubric="pairwise", form=DEGREES).readings
    (average,) = [one for one in found if (one.name, one.rule) == ("which=last", "average")]
    (rate,) = average.estimates
    assert (rate.clusters, rate.outcomes) == (3, 6)
    assert rate.value in {0.25, 0.75}


def test_the_first_row_of_the_file_that_answers_again_is_named(tmp_path: Path) -> None:
    rows = in_pairs(["B"] * 16)
    for row in rows:
        row["order"] = "ab"
    words = r"rows\.jsonl`, line 2, field `id`: .* line 1 answers the same.*\(8 such"
    with pytest.raises(DataError, match=words):
        read(tmp_path, rows, rubric="pairwise", form=DEGREES)


def test_the_first_row_of_the_file_with_other_models_is_named(tmp_path: Path) -> None:
    models = {"model_a": lambda place: ("x", "z")[place % 2], "model_b": lambda _: "y"}
    words = r"rows\.jsonl`, line 2, field `model_a`: .* line 1, which has the same `id`"
    with pytest.raises(DataError, match=words):
        read(tmp_path, in_pairs(["B"] * 16, **models), rubric="pairwise", form=DEGREES)
