"""The order of sending, from the plan to the journal: what is held to it, and what is not."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import msgspec
import numpy as np

import judgefast
from judgefast.batches.tables import asks_schema, requests_schema
from judgefast.journal.plan import PlanStore
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline.finished import DryRun
from judgefast.pipeline.order import requests_to_send, sending_order
from judgefast.pipeline.read_plan import load_plan
from judgefast.pipeline.results import read_run, report_of
from tests.engines.scripted import ScriptedEngine
from tests.pipeline.judging import by_hash, go_on, judge_rows, pairs, results_json, start

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion

ROOM = 8


def long_when_swapped(request: Request) -> Completion:
    tokens = 100 if request.shown[0] else 10
    return msgspec.structs.replace(by_hash(request), completion_tokens=tokens)


def test_only_the_last_two_windows_are_sent_by_length_and_the_digest_stays(tmp_path: Path) -> None:
    out = tmp_path / "run"
    said = start(out, pairs(150), long_when_swapped, dry_run=True)
    assert isinstance(said, DryRun)
    engine = ScriptedEngine(long_when_swapped, room=ROOM)
    judge_rows(out, pairs(150), engine=engine)
    directory = RunDirectory.open(out, write=False)
    plan = load_plan(directory)
    planned = [plan.columns.request_id[row].tobytes() for row in requests_to_send(plan)]
    submitted = [request.request_id for _, request in engine.submitted]
    kept = 300 - 2 * ROOM
    assert submitted[:kept] == planned[:kept]
    lengths = [request.shown[0] for _, request in engine.submitted[kept:]]
    assert lengths == sorted(lengths, reverse=True)
    assert sorted(submitted) == sorted(planned)
    [launch] = directory.launches()
    assert launch["reordered_from"] == kept
    order = report_of(read_run(out)).operations.order
    assert order is not None
    assert (order.sent, order.planned, order.known) == (said.digest, said.digest, 300)
    assert json.loads((out / "plan" / "plan.json").read_bytes())["digest"] == said.digest

    [path] = (out / "launches").iterdir()
    facts = json.loads(path.read_bytes())
    del facts["reordered_from"]
    path.write_text(json.dumps(facts))
    assert sending_order(directory).sent != said.digest, "it is seen where nothing excuses it"


def test_a_start_that_goes_on_keeps_the_order_of_the_plan(tmp_path: Path) -> None:
    out = tmp_path / "run"
    drawn = np.random.default_rng(3)

    def some(request: Request) -> Completion | None:
        return by_hash(request) if drawn.random() < 0.7 else None

    first = ScriptedEngine(some, room=ROOM)
    judge_rows(out, pairs(40), engine=first, request_seconds=0.2)
    again = ScriptedEngine(by_hash, room=ROOM, lanes=2)
    go_on(out, engine=again)
    order = sending_order(RunDirectory.open(out, write=False))
    assert order.sent == order.planned
    assert order.requests == 80
    assert {request.request_id for _, request in first.submitted} >= {
        request.request_id for _, request in again.submitted
    }


def test_a_plan_of_before_is_read_and_gone_on_with(tmp_path: Path) -> None:
    out = tmp_path / "run"
    judge_rows(tmp_path / "whole", pairs(20))
    judge_rows(
        out, pairs(20), lambda r: by_hash(r) if r.request_id[0] % 2 else None, request_seconds=0.2
    )
    old = PlanStore(out / "plan", None)
    [(requests, asks)] = old.parts(requests_schema().names, asks_schema().names)
    counts = {name: count for name, count in old.counts.items() if name != "judgments"}
    shutil.rmtree(out / "plan")
    (out / "plan").mkdir()
    before = PlanStore(out / "plan", "0" * 32)
    before.write(requests.drop_columns(["sent", "left_out"]), asks.drop_columns(["item", "shown"]))
    before.seal(counts)
    for table in ("requests", "asks"):
        found = judgefast.Run.open(out).table(table)
        assert len(found) == 40
        assert found.column_names[-1] in {"left_out", "shown"}
    go_on(out)
    assert results_json(out) == results_json(tmp_path / "whole").replace("whole", "run")
    order = sending_order(RunDirectory.open(out, write=False))
    assert order.sent == order.planned
