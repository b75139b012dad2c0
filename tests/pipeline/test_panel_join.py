"""Outcomes joined over runs, beside a join of plain dicts that is written another way."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import judgefast
from judgefast.errors import ConfigError
from judgefast.pipeline import judgment_rows, panel_join
from judgefast.pipeline.panel_join import Joined, Seated, join
from judgefast.pipeline.panel_read import _names, read_runs
from judgefast.pipeline.panel_results import verdicts_of
from judgefast.pipeline.panel_rows import disagreeing
from judgefast.pipeline.panel_verdicts import sided
from tests.recorded import always_first, pairs, record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OPTIONS: dict[str, Any] = {"rubric": "pairwise-reasons", "engine": "replay"}


class _Columns(NamedTuple):
    item: Any
    candidate: Any
    baseline: Any
    aspect: Any
    value: Any
    status: Any
    position: Any
    first_judgment: Any
    judgments: Any


class _Thing:
    def __init__(self, **named: Any) -> None:
        self.__dict__.update(named)


def _cluster(item: str) -> int:
    """Two items to a cluster."""
    return ord(item) // 2


def _reading(rows: dict[tuple[str, int], float | None]) -> Any:
    """A run that gave the answers of some items a score each; None where it could not be read."""
    ids = list(dict.fromkeys(item for item, _ in rows))
    missing = [value is None for value in rows.values()]
    return _Thing(
        items=_Thing(
            item_id=pa.array(ids, pa.string()),
            cluster_id64=np.array([_cluster(one) for one in ids], np.uint64),
        ),
        outcomes=_Columns(
            item=np.array([ids.index(item) for item, _ in rows], np.uint32),
            candidate=np.array([answer for _, answer in rows], np.uint16),
            baseline=np.full(len(rows), 65535, np.uint16),
            aspect=np.zeros(len(rows), np.uint16),
            value=np.array([int((value or 0) * 2**24) for value in rows.values()], np.int64),
            status=np.array(missing, np.uint8),
            position=np.full(len(rows), 255, np.uint8),
            first_judgment=np.arange(len(rows)),
            judgments=np.ones(len(rows), np.uint8),
        ),
        verdicts=_Thing(status=np.zeros(len(rows), np.uint8)),
        rubric=_Thing(
            mode="scalar",
            aspects=[_Thing(name="quality", weight=1, scale=_Thing(low=1, high=5, integer=True))],
            verdicts=[_Thing(labels=[])],
        ),
        directory=_Thing(path="run", manifest=_Thing(data=_Thing(identity="i"))),
    )


SCORES = st.sampled_from([None, 1.0, 2.0, 4.0, 5.0])
UNITS = st.tuples(st.sampled_from("abcdef"), st.integers(0, 2))
RUNS = st.lists(st.dictionaries(UNITS, SCORES, min_size=1), min_size=2, max_size=4)


@settings(max_examples=80, deadline=None)
@given(RUNS)
def test_a_join_is_that_of_dicts_and_loses_nothing(runs: list[dict[Any, float | None]]) -> None:
    seated = [Seated(f"j{at}", _reading(run)) for at, run in enumerate(runs)]
    units = list(dict.fromkeys(unit for run in runs for unit in run))
    if not any(sum(unit in run for run in runs) > 1 for unit in units):
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(panel_join, "_check", lambda judges, admitted: None)
        joined = join(seated)
    ids = joined.item_id.to_pylist()
    found = {
        (ids[item], int(answer)): row
        for item, answer, row in zip(
            joined.item.tolist(), joined.candidate.tolist(), joined.value.tolist(), strict=True
        )
    }
    assert set(found) == set(units)
    clusters = [_cluster(ids[item]) for item in joined.item.tolist()]
    assert joined.cluster_id64.tolist() == clusters
    for unit, values in found.items():
        expected = [run.get(unit) for run in runs]
        assert [None if value != value else value for value in values] == expected  # noqa: PLR0124 - NaN
    asked = (joined.row >= 0).sum(axis=1)
    assert asked.sum() == sum(map(len, runs))
    _check_together(joined, found)


def _check_together(joined: Joined, found: dict[Any, list[float]]) -> None:
    """Majority, mean and order of looking, by counting."""
    together = verdicts_of(joined)
    silent = ~joined.speaking  # who gave no value at all is left out
    for at, values in enumerate(found.values()):
        values = [value for value, left_out in zip(values, silent, strict=True) if not left_out]  # noqa: PLW2901 - as above
        known = [value for value in values if value == value]  # noqa: PLR0124 - NaN
        most = max([known.count(value) for value in known], default=0)
        if len(known) < len(values) or len(known) < 2:
            assert np.isnan(together.mean[at])
            assert not together.is_tied[at]
            is_settled = most > len(values) / 2 and len(known) > 1  # whatever others would say
            assert np.isnan(together.value[at]) != is_settled
            continue
        assert together.mean[at] == pytest.approx(sum(known) / len(known))
        winners = {value for value in known if known.count(value) == most}
        assert together.is_tied[at] == (len(winners) > 1)
        if len(winners) == 1:
            assert together.value[at] == winners.pop()
    looked = disagreeing(together).tolist()
    assert sorted(looked) == np.flatnonzero(together.level >= 2).tolist()
    keys = [(-int(together.level[at]), -together.spread[at]) for at in looked]
    assert keys == sorted(keys)


def test_sides_of_the_middle() -> None:
    values = np.array([0.0, 0.49, 0.5, 0.51, 1.0, np.nan])
    assert sided(values)[:5].tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert np.isnan(sided(values)[5])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Runs over the examples, made once each."""
    folder = tmp_path_factory.mktemp("runs")

    def made(name: str, say: Any = None, rows: int = 36, **options: Any) -> Path:
        if not (folder / name).exists():
            said = record(pairs()) if say is None else record(pairs(), say)
            judgefast.run(pairs()[:rows], recorded=said, out=folder / name, **(OPTIONS | options))
        return folder / name

    return made


def test_different_data_is_refused_by_its_identity_unless_it_is_meant(
    runs: Callable[..., Path],
) -> None:
    whole, part = runs("whole"), runs("part", always_first, rows=20)
    with pytest.raises(ConfigError, match="judged different data: 36 items") as caught:
        judgefast.agree([whole, part])
    assert "--across data" in str(caught.value.hint)
    joining = judgefast.agree([whole, part], across=["data"]).report.joining
    assert (joining.units, joining.asked_of_all, joining.asked_of_one) == (36, 20, 16)


def test_a_sample_of_the_same_data_is_joined_and_the_rest_is_counted(
    runs: Callable[..., Path],
) -> None:
    panel = judgefast.agree({"all": runs("whole"), "some": runs("some", always_first, limit=10)})
    joining = panel.report.joining
    assert (joining.units, joining.asked_of_all, joining.asked_of_one) == (36, 10, 26)
    assert [row.only for row in panel.report.judges] == [26, 0]
    assert panel.report.levels.none >= 26
    for row in panel.report.together:  # of what both were asked for
        assert row.headline is not None
        assert row.headline.outcomes + row.headline.missing == 10


def test_all_are_read_by_the_baseline_of_the_first(runs: Callable[..., Path]) -> None:
    one, two = runs("of-atlas", baseline="atlas"), runs("of-beacon", baseline="beacon")
    for order in ([one, two], [two, one]):
        report = judgefast.agree(order).report
        assert (report.levels.high, report.levels.low) == (36, 0)
        slices = [row.headline.slice for row in report.judges if row.headline is not None]
        assert len(set(slices)) == 1


def _scores(name: str, folder: Path, scores: list[float], rubric: str) -> Path:
    rows = [{"id": f"i{at}", "question": f"q{at // 2}", "answer": "x"} for at in range(len(scores))]
    said = [{"id": row["id"], "text": str(score)} for row, score in zip(rows, scores, strict=True)]
    judgefast.run(rows, recorded=said, out=folder / name, rubric=rubric, engine="replay")
    return folder / name


def test_scores_are_held_to_the_whole_scale(tmp_path: Path) -> None:
    one = _scores("a", tmp_path, [4, 4, 5, 5, 4, 5], "scalar-1-5")
    two = _scores("b", tmp_path, [4, 5, 5, 4, 4, 5], "scalar-1-5")
    report = judgefast.agree([one, two]).report
    assert report.agreement is not None
    (pair,) = report.agreement.pairs
    assert list(pair.base_rates["a"]) == ["1", "2", "3", "4", "5"]
    assert (report.levels.high, report.levels.medium) == (4, 2)  # 4 and 5 are 0.71 apart


def test_scores_that_never_meet_vote_for_the_nearest_of_the_scale() -> None:
    values = np.array([[4.2, 3.9, 1.0], [4.2, 2.1, np.nan]])
    scale = _Thing(low=1.0, high=5.0, integer=True)
    aspect = _Thing(name="quality", weight=1, scale=scale)
    rubric = _Thing(mode="scalar", verdicts=[_Thing(labels=[])], aspects=[aspect])
    joined = _Thing(
        judges=["a", "b", "c"],
        cluster_id64=np.zeros(2, np.uint64),
        value=values,
        verdicts=values,
        said=values,
        kind="score",
        mode="scalar",
        torn=np.zeros(values.shape, bool),
        speaking=np.ones(3, bool),
        aspects=["quality"],
        aspect=np.zeros(len(values), np.int64),
        readings=[_Thing(rubric=rubric)],
    )
    found = verdicts_of(joined)  # type: ignore[arg-type]  # what it reads of one
    assert found.value[0] == 4
    assert np.isnan(found.value[1])


def test_other_kinds_of_outcomes_are_refused(runs: Callable[..., Path], tmp_path: Path) -> None:
    rows = [{"id": row["id"], "question": row["question"], "answer": "x"} for row in pairs()]
    said = [{"id": row["id"], "text": "3"} for row in rows]
    judgefast.run(rows, recorded=said, out=tmp_path / "s", rubric="scalar-1-5", engine="replay")
    with pytest.raises(ConfigError, match="mode: pairwise -> scalar"):
        judgefast.agree([runs("whole"), tmp_path / "s"])


def test_one_run_agrees_with_nobody_and_two_of_one_name_are_told_apart(
    runs: Callable[..., Path],
) -> None:
    with pytest.raises(ConfigError, match="1 run cannot agree with another"):
        judgefast.agree([runs("whole")])
    whole, again = runs("whole"), runs("again")
    with pytest.raises(ConfigError, match="two judges are called `a`") as caught:
        read_runs([("a", whole), ("a", again)])
    assert caught.value.hint == "give each a name: NAME=RUN"
    named = judgefast.agree({"a": whole, "b": again}).report
    assert (named.levels.low, named.levels.medium) == (0, 0)
    assert named.agreement is not None
    assert named.agreement.alpha.value == 1


@pytest.mark.parametrize(
    ("runs", "names"),
    [
        ({"x/a": None, "y/b": None}, ["a", "b"]),
        ({"x/a": None, "y/a": None}, ["x/a", "y/a"]),
        ({"p/judges/a": None, "q/judges/a": None}, ["p/judges/a", "q/judges/a"]),
        ({"p/judges/a": None, "q/judges/a": "mild"}, ["a", "mild"]),
        ({"p/judges/a": None, "q/judges/a": "a"}, ["judges/a", "a"]),
        ({"a": None, "x/a": None}, ["HERE/a", "x/a"]),
    ],
)
def test_judges_are_called_by_as_much_of_the_path_as_tells_them_apart(
    tmp_path: Path, runs: dict[str, str | None], names: list[str]
) -> None:
    """Two panels have a `judges/a` each."""
    named = _names([(name, tmp_path / path) for path, name in runs.items()])
    assert named == [name.replace("HERE", tmp_path.name) for name in names]


def test_a_run_agrees_not_with_itself_and_no_judge_has_the_name_of_a_row(
    runs: Callable[..., Path], tmp_path: Path
) -> None:
    whole, again = runs("whole"), runs("again")
    with pytest.raises(ConfigError, match=r"`a` and `b` are one run, `.*whole`$"):
        judgefast.agree({"a": whole, "b": whole.parent / "." / whole.name})
    shutil.copytree(whole, tmp_path / "copy")
    with pytest.raises(ConfigError, match=r"are one run, `.*whole`; `.*copy` is a copy$"):
        judgefast.agree([whole, again, tmp_path / "copy"])
    for name in ("majority", "Mean", "gold"):
        with pytest.raises(ConfigError, match=f"whole`: `{name}` is the name of a row") as caught:
            judgefast.agree({"a": again, name: whole})
        assert caught.value.hint == "give it another: NAME=RUN"


def test_clusters_and_gold_are_those_of_the_first_run_that_has_the_item(tmp_path: Path) -> None:
    rows = [
        {"id": f"i{at}", "question": f"q{at}", "answer": "x", "cluster": f"c{at // 3}", "gold": 3}
        for at in range(12)
    ]
    alone = [{key: row[key] for key in row if key != "cluster"} for row in rows]
    other = [row | ({"gold": 4} if row["id"] == "i7" else {}) for row in alone]
    for name, data, step in (("a", rows, 1), ("b", other, 2)):
        said = [{"id": row["id"], "text": str(1 + at * step % 5)} for at, row in enumerate(data)]
        judgefast.run(
            data, recorded=said, out=tmp_path / name, rubric="scalar-1-5", engine="replay"
        )
    first, second = (
        judgefast.agree([tmp_path / one for one in order], across=["data"])
        for order in (("a", "b"), ("b", "a"))
    )
    for panel, clusters, gold in ((first, 4, 3.0), (second, 12, 4.0)):
        report = panel.report
        assert report.agreement is not None
        mean = report.together[1].headline
        assert mean is not None
        assert report.agreement.alpha.clusters == mean.clusters == clusters
        assert any(one.startswith("12 items have another cluster") for one in report.findings)
        assert any(one.startswith("1 unit has other gold in a later") for one in report.findings)
        golds = {row["item_id"]: row["gold"] for row in panel.table("panel").to_pylist()}
        assert golds == {row["id"]: gold if row["id"] == "i7" else 3.0 for row in rows}


def test_an_item_with_another_reference_is_another_item(tmp_path: Path) -> None:
    rows = [
        {"id": f"i{at}", "question": f"q{at}", "answer": "x", "reference": "r"} for at in range(4)
    ]
    other = [*rows[:3], rows[3] | {"reference": "another"}]
    for name, data in (("a", rows), ("b", other)):
        said = [{"id": row["id"], "text": "3"} for row in data]
        judgefast.run(
            data, recorded=said, out=tmp_path / name, rubric="scalar-1-5", engine="replay"
        )
    joining = judgefast.agree([tmp_path / "a", tmp_path / "b"], across=["data"]).report.joining
    assert (joining.units, joining.asked_of_all, joining.asked_of_one) == (5, 3, 2)


def test_reasons_are_those_of_the_item_however_its_judgments_are_read(
    runs: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = judgefast.agree({"right": runs("whole"), "first": runs("firsts", always_first)})
    whole = panel.disagreements.to_pylist()
    monkeypatch.setattr(judgment_rows, "BATCH_ITEMS", 5)
    assert panel.disagreements.to_pylist() == whole
    for row in whole:
        assert row["right_reason"].startswith(f"in the order of the data: {row['item_id']} in ab")
