"""What makes a directory another run's, and what an extension admits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import judgefast
from judgefast.errors import DataError, RunDirectoryError
from judgefast.pipeline.finished import DryRun
from judgefast.pipeline.run import resume
from judgefast.prompts.model import JudgeModel
from tests.engines.scripted import ScriptedEngine
from tests.pipeline.judging import (
    attempts_of,
    by_hash,
    go_on,
    judge_rows,
    pairs,
    results_json,
    results_of,
    start,
)

if TYPE_CHECKING:
    from pathlib import Path


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("rows", "options", "words"),
    [
        (pairs(4), {"rubric": "pairwise-bracket"}, "rubric: prompt_hash "),
        (pairs(5), {}, "data: items 4 -> 5"),
        (pairs(4, question="Another?"), {}, "data: identity "),
        (pairs(4), {"orders": "one"}, "options: orders both -> one"),
        (pairs(4), {"repeats": 2}, "options: repeats 1 -> 2"),
        (pairs(4), {"pairs": "sparse:2"}, "options: pairs all -> sparse:2"),
        (pairs(4), {"limit": 2}, "options: limit null -> 2"),
        (pairs(4), {"seed": 5}, "seeds: seed 0 -> 5"),
        (pairs(4), {"on_empty": "lose"}, "options: on_empty error -> lose"),
    ],
)
def test_another_run_is_refused_with_what_differs(
    rows: list[dict[str, Any]], options: dict[str, Any], words: str, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    judge_rows(out, pairs(4))
    engine = ScriptedEngine(by_hash)
    with pytest.raises(RunDirectoryError) as caught:
        judge_rows(out, rows, engine=engine, **options)
    assert str(caught.value).startswith(f"`{out}` belongs to another run; what differs:\n  ")
    assert words in str(caught.value)
    grows = words.startswith("data:") or any(
        words.startswith(f"options: {name}") for name in ("orders", "repeats", "pairs", "limit")
    )
    more = ", or let the plan grow with --extend" if grows else ""
    assert caught.value.hint == f"name another --out{more}"
    assert engine.submitted == []
    assert engine.closed
    assert judge_rows(out, pairs(4)).status == 0, "nothing stays locked"


def test_another_model_is_refused_by_run_and_by_resume(tmp_path: Path) -> None:
    out = tmp_path / "run"
    judge_rows(out, pairs(4), lambda _: None, request_seconds=0.05)
    other = ScriptedEngine(by_hash)
    other.model = JudgeModel(name="scripted-judge", digest="1" * 64)
    with pytest.raises(RunDirectoryError, match=r"model: digest 0{8}… -> 1{8}…"):
        judge_rows(out, pairs(4), engine=other)
    with pytest.raises(RunDirectoryError, match=r"judge: scripted-judge@0{16} -> .*1{16}"):
        go_on(out, engine=other)
    assert other.submitted == []


def test_resume_goes_by_the_rubric_that_the_run_keeps(tmp_path: Path) -> None:
    from judgefast.prompts.builtin import load_rubric  # noqa: PLC0415 - its text alone is wanted

    rubric = tmp_path / "mine.toml"
    rubric.write_text(load_rubric("pairwise").source)
    out = tmp_path / "run"
    judge_rows(out, pairs(3), lambda _: None, rubric=str(rubric), request_seconds=0.05)
    rubric.write_text("nothing")
    assert go_on(out).status == 0
    rubric.unlink()
    assert go_on(out).status == 0


@pytest.mark.parametrize(
    ("rows", "options", "planned"),
    [
        (pairs(7), {}, 14),
        (pairs(4), {"orders": "both"}, 8),
        (pairs(4), {"repeats": 3}, 12),
        (pairs(6), {"orders": "both", "repeats": 2}, 24),
    ],
)
def test_an_extension_asks_what_is_new_and_ends_as_a_run_from_the_start(
    rows: list[dict[str, Any]], options: dict[str, Any], planned: int, tmp_path: Path
) -> None:
    small: dict[str, Any] = {} if len(rows) == 7 else {"orders": "one"}
    out, whole = tmp_path / "run", tmp_path / "whole" / "run"
    judge_rows(out, pairs(4), **small)
    before = {row["request_id"] for row in attempts_of(out)}
    engine = ScriptedEngine(by_hash)
    options = small | options
    assert judge_rows(out, rows, engine=engine, extend=True, **options).status == 0
    asked = {request.request_id for _, request in engine.submitted}
    assert not asked & before
    assert len(asked | before) == planned
    judge_rows(whole, rows, **options)
    assert results_json(out) == results_json(whole)
    assert go_on(out).status == 0
    assert judge_rows(out, rows, **options).status == 0, "the grown run is the run now"


def test_a_larger_sample_contains_the_smaller_one(tmp_path: Path) -> None:
    out = tmp_path / "run"
    judge_rows(out, pairs(40), limit=5)
    counts = results_of(out).counts
    assert (counts.read, counts.items, counts.skipped) == (40, 5, {"not_in_sample": 35})
    engine = ScriptedEngine(by_hash)
    judge_rows(out, pairs(40), engine=engine, limit=12, extend=True)
    assert len(engine.submitted) == 14
    assert results_of(out).counts.planned == 24


@pytest.mark.parametrize(
    "rows",
    [pairs(3), [*pairs(3), pairs(4, question="Another?")[3]]],
    ids=["removed", "changed"],
)
def test_an_extension_refuses_rows_that_were_taken_away_or_changed(
    rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    judge_rows(out, pairs(4))
    before = {name: data for name, data in tree(out).items() if not name.startswith("launches")}
    for dry_run in (True, False):
        with pytest.raises(RunDirectoryError, match="2 requests of the plan") as caught:
            start(out, rows, extend=True, dry_run=dry_run)
        assert caught.value.hint == "only appended rows, orders, repeats, pairs extend a run"
    after = {name: data for name, data in tree(out).items() if not name.startswith("launches")}
    assert after | {"lock": b""} == before | {"lock": b""}


def test_a_dry_run_of_a_new_directory_leaves_nothing(tmp_path: Path) -> None:
    engine = ScriptedEngine(by_hash)
    said = start(tmp_path / "run", pairs(5), engine=engine, dry_run=True)
    assert said == DryRun(
        items=5,
        planned=10,
        done=0,
        to_ask=10,
        requests=10,
        prompt_tokens=None,
        judge="scripted-judge@" + "0" * 16,
        engine="scripted",
        digest=said.digest,
    )
    assert list(tmp_path.iterdir()) == []
    assert engine.closed


def test_a_dry_run_of_a_begun_run_changes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "run"
    judge_rows(
        out, pairs(5), lambda r: None if r.item_id == "item-2" else by_hash(r), request_seconds=0.5
    )
    before = tree(out)
    said = start(out, pairs(5), dry_run=True)
    assert isinstance(said, DryRun)
    assert (said.planned, said.done, said.to_ask) == (10, 8, 2)
    said = start(out, pairs(8), dry_run=True, extend=True)
    assert isinstance(said, DryRun)
    assert (said.items, said.planned, said.done, said.to_ask) == (8, 16, 8, 8)
    with pytest.raises(RunDirectoryError, match="data: items 5 -> 8"):
        start(out, pairs(8), dry_run=True)
    assert tree(out) == before


def test_a_start_that_cannot_read_its_data_leaves_nothing(tmp_path: Path) -> None:
    engine = ScriptedEngine(by_hash)
    with pytest.raises(DataError):
        judge_rows(tmp_path / "run", [{"id": "a"}], engine=engine)
    assert list(tmp_path.iterdir()) == []
    assert engine.closed
    (tmp_path / "run").mkdir()
    with pytest.raises(DataError):
        judge_rows(tmp_path / "run", [{"id": "a"}])
    assert judge_rows(tmp_path / "run", pairs(2)).status == 0


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(RunDirectoryError, match=r"holds `thesis\.tex`"):
        judge_rows(tmp_path, pairs(2))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_is_no_run_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="is no run directory"):
        resume(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_how_texts_are_read_may_differ_in_a_later_start(tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = judge_rows(out, pairs(4))
    assert first.report is not None
    assert first.report.results.rubric.rule == "strict"
    later = judge_rows(out, pairs(4), rule="average", level=0.9)
    assert later.report is not None
    assert later.report.results.rubric.rule == "average"
    assert {each.level for each in later.report.results.estimates} == {0.9}


def test_a_plan_beside_a_run_that_is_to_grow_is_the_plan_of_its_dry_run(tmp_path: Path) -> None:
    out, rows = tmp_path / "run", pairs(6)
    judge_rows(out, rows)
    again = [{**row, "id": f"a-{row['id']}", "cluster": f"again-{row['id']}"} for row in rows]
    said = start(out, rows + again, dry_run=True, extend=True)
    assert isinstance(said, DryRun)
    before = tree(out)

    def planned(**options: Any) -> str:
        engine = ScriptedEngine(by_hash)
        return judgefast.plan(rows + again, rubric="pairwise", engine=engine, **options).digest

    assert planned(out=str(out), extend=True) == said.digest
    assert planned() != said.digest, "what was asked before is not asked by another row"
    assert tree(out) == before
