"""Runs that keep no texts, and prompts made again from what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from pyarrow import parquet

from judgefast.config import RunConfig
from judgefast.errors import ConfigError, DataError, RunDirectoryError
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline.prompts import prompt_of
from judgefast.pipeline.run import run
from judgefast.prompts.plan import PromptPlan
from judgefast.prompts.segments import Prompt
from judgefast.runs import Run
from tests.engines.scripted import ScriptedEngine
from tests.pipeline.judging import by_hash, go_on, judge_rows, pairs, results_json, results_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.datasets.items import Item
    from judgefast.engines.base import Completion


def some_silent(request: Request) -> Completion | None:
    return by_hash(request) if request.item_id in {"item-0", "item-1"} else None


def test_without_texts_rows_hold_hashes_alone_and_resume_reads_the_data_again(
    write_rows: Callable[..., Path], tmp_path: Path
) -> None:
    out, kept = tmp_path / "run", tmp_path / "kept" / "run"
    data = write_rows(pairs(5))
    judge_rows(out, [str(data)], some_silent, no_texts=True, request_seconds=0.5)
    held = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert b"What is" not in held
    table = parquet.read_table(out / "rows")
    assert table.column("question").null_count == 5
    assert go_on(out).status == 0
    judge_rows(kept, [str(data)])
    assert results_json(out) == results_json(kept)


def test_changed_data_is_refused_where_texts_were_not_kept(
    write_rows: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    data = write_rows(pairs(5))
    judge_rows(out, [str(data)], some_silent, no_texts=True, request_seconds=0.5)
    write_rows(pairs(5, question="Another?"))
    with pytest.raises(DataError, match="the data is not what this run was started with"):
        go_on(out)
    with pytest.raises(RunDirectoryError, match="data: identity"):
        judge_rows(out, [str(data)], no_texts=True)
    write_rows(pairs(5))
    assert go_on(out).status == 0


def test_a_finished_run_without_texts_needs_its_data_no_more(
    write_rows: Callable[..., Path], tmp_path: Path
) -> None:
    data = write_rows(pairs(3))
    judge_rows(tmp_path / "run", [str(data)], no_texts=True)
    data.unlink()
    assert go_on(tmp_path / "run").status == 0


@pytest.mark.parametrize("data", [["-"], pairs(3)], ids=["stdin", "rows"])
def test_what_cannot_be_read_twice_is_refused_without_texts(data: object, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs data that can be read again"):
        judge_rows(tmp_path / "run", data, no_texts=True)
    assert not (tmp_path / "run").exists()


def test_an_extension_of_a_run_without_texts_keeps_none(
    write_rows: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    judge_rows(out, [str(write_rows(pairs(3)))], no_texts=True)
    finished = judge_rows(out, [str(write_rows(pairs(5)))], no_texts=True, extend=True)
    assert (finished.status, finished.done) == (0, 10)
    held = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert b"What is" not in held


@pytest.mark.parametrize("no_texts", [False, True])
def test_a_prompt_can_be_made_again_exactly(
    write_rows: Callable[..., Path], tmp_path: Path, *, no_texts: bool
) -> None:
    out = tmp_path / "run"
    asked = ScriptedEngine(by_hash)
    judge_rows(out, [str(write_rows(pairs(4)))], engine=asked, no_texts=no_texts)
    hashes = {}
    with RunDirectory.open(out, write=False) as directory:
        for batch in directory.plan_requests(["request_id", "ids_hash"]):
            hashes |= {row["request_id"]: row["ids_hash"] for row in batch.to_pylist()}
    for _, request in asked.submitted[:3]:
        prompt = prompt_of(out, request.request_id, engine=ScriptedEngine(by_hash))
        assert isinstance(prompt, Prompt)
        assert msgspec.structs.replace(prompt, ids_hash=b"") == request.prompt
        assert prompt.ids_hash == hashes[request.request_id]
        for name in (request.request_id, request.request_id.hex()):
            assert Run.open(out).prompt(name, engine=ScriptedEngine(by_hash)) == prompt
    with pytest.raises(RunDirectoryError, match="no request `0000"):
        prompt_of(out, bytes(16), engine=ScriptedEngine(by_hash))
    assert results_of(out).counts.parsed == 8


def test_a_replay_of_a_run_has_no_prompts_to_make_again(tmp_path: Path) -> None:
    judge_rows(tmp_path / "first", pairs(2))
    config = RunConfig(
        rubric="pairwise",
        engine="replay",
        recorded=str(tmp_path / "first"),
        out=str(tmp_path / "again"),
    )
    run(config, show_progress=False)
    with RunDirectory.open(tmp_path / "again", write=False) as directory:
        ids = next(directory.plan_requests(["request_id"])).column(0).to_pylist()
    assert prompt_of(tmp_path / "again", ids[0]) is None
    assert Run.open(tmp_path / "again").prompt(ids[0].hex()) is None


def test_a_prompt_that_is_not_the_one_that_was_sent_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    asked = ScriptedEngine(by_hash)
    judge_rows(out, pairs(2), engine=asked)
    [(_, request), *_] = asked.submitted
    render = PromptPlan.render

    def other(self: PromptPlan, item: Item, shown: tuple[int, ...], aspect: int = 0) -> Prompt:
        return msgspec.structs.replace(render(self, item, shown, aspect), ids_hash=bytes(16))

    monkeypatch.setattr(PromptPlan, "render", other)
    with pytest.raises(RunDirectoryError, match="is not the one that was planned"):
        prompt_of(out, request.request_id, engine=ScriptedEngine(by_hash))
